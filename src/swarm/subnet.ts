// Whether an address lies in the network of one of our interfaces: who speaks from elsewhere is no neighbour.
import { parseIpAddress } from '../protocol/tracker/ip-address.ts';

/** An address of ours, and how many leading bits its neighbours share with it. */
export interface OwnNetwork {
  readonly address: string;
  readonly prefixBits: number;
}

export function isNeighbour(address: string, networks: readonly OwnNetwork[]): boolean {
  const bytes = parseIpAddress(address);
  if (bytes === undefined) return false;
  return networks.some((network) => {
    const own = parseIpAddress(network.address);
    return own?.length === bytes.length && sharesPrefix(own, bytes, network.prefixBits);
  });
}

function sharesPrefix(left: Uint8Array, right: Uint8Array, bits: number): boolean {
  const whole = Math.min(left.length, bits >> 3);
  for (let i = 0; i < whole; i++) if (left[i] !== right[i]) return false;
  const rest = bits & 7;
  if (rest === 0 || whole === left.length) return true;
  return left[whole]! >> (8 - rest) === right[whole]! >> (8 - rest);
}
