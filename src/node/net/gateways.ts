// The default routers of this machine: from the kernel's tables on Linux; elsewhere the first address of each private network,
// which is where most routers are.
import { readFileSync } from 'node:fs';
import type { LocalAddress } from '../../platform/network.ts';
import { formatIpAddress, parseIpAddress } from '../../protocol/tracker/ip-address.ts';
import { normalizeAddress } from './endpoint.ts';

/** RTF_GATEWAY of the kernel's route flags. */
const GATEWAY_FLAG = 0x2;
const PRIVATE_V4 = /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/;

export function findGateways(localAddresses: readonly LocalAddress[]): readonly string[] {
  if (process.platform !== 'linux') return guessGateways(localAddresses);
  return [...parseRoutes(readTable('/proc/net/route')), ...parseRoutes6(readTable('/proc/net/ipv6_route'))];
}

/** `/proc/net/route`: numbers in hexadecimal, addresses in the order of the machine, which is little-endian where Node runs. */
export function parseRoutes(table: string): readonly string[] {
  const gateways = new Set<string>();
  for (const line of table.split('\n').slice(1)) {
    const [, destination, gateway = '', flags = '', , , , mask] = line.split(/\s+/);
    const isDefault = destination === '00000000' && mask === '00000000';
    if (!isDefault || (Number.parseInt(flags, 16) & GATEWAY_FLAG) === 0) continue;
    const address = formatIpAddress(Uint8Array.from(Buffer.from(gateway, 'hex').reverse()));
    if (address !== undefined) gateways.add(address);
  }
  return [...gateways];
}

/** `/proc/net/ipv6_route`. Link-local routers are left out: they cannot be spoken to without an interface. */
export function parseRoutes6(table: string): readonly string[] {
  const gateways = new Set<string>();
  for (const line of table.split('\n')) {
    const [destination = '', prefix, , , gateway = '', , , , flags = ''] = line.split(/\s+/);
    const isDefault = /^0{32}$/.test(destination) && prefix === '00';
    if (!isDefault || (Number.parseInt(flags, 16) & GATEWAY_FLAG) === 0) continue;
    const address = formatIpAddress(Uint8Array.from(Buffer.from(gateway, 'hex')));
    if (address?.includes(':') === true && !/^fe[89ab]/.test(address)) gateways.add(normalizeAddress(address));
  }
  return [...gateways];
}

export function guessGateways(localAddresses: readonly LocalAddress[]): readonly string[] {
  const gateways = new Set<string>();
  for (const { address, prefixBits } of localAddresses) {
    const bytes = PRIVATE_V4.test(address) && prefixBits <= 30 ? parseIpAddress(address) : undefined;
    if (bytes === undefined) continue;
    for (let bit = prefixBits; bit < 32; bit++) bytes[bit >> 3]! &= ~(0x80 >> (bit & 7));
    bytes[3]! |= 1;
    const first = formatIpAddress(bytes)!;
    if (first !== address) gateways.add(first);
  }
  return [...gateways];
}

function readTable(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // No such table here: then there is no router of that family.
    return '';
  }
}
