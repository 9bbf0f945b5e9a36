// Which addresses may be dialled at all, and which belong to the public Internet. Addresses are dotted quads or
// RFC 5952 IPv6. RFC 1918, 3927, 4193, 6598.

/** An address literal and a port. */
export interface DialEndpoint {
  readonly address: string;
  readonly port: number;
}

/** `address:port`; unambiguous, as the port is what follows the last colon. */
export function endpointKey(endpoint: DialEndpoint): string {
  return `${endpoint.address}:${endpoint.port}`;
}

/** False for port 0, "any", multicast, broadcast and what is no address. */
export function isDialable({ address, port }: DialEndpoint): boolean {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return false;
  if (address.includes(':')) return address !== '::' && !/^ff[0-9a-f]{2}:/i.test(address);
  const first = firstOctet(address);
  return first > 0 && first < 224;
}

/** How far an address means the same host. */
export type AddressScope = 'loopback' | 'link-local' | 'private' | 'public';

export function scopeOf(address: string): AddressScope {
  if (address.includes(':')) {
    if (address === '::1') return 'loopback';
    if (/^fe[89ab][0-9a-f]:/i.test(address)) return 'link-local';
    return /^f[cd][0-9a-f]{2}:/i.test(address) ? 'private' : 'public';
  }
  const first = firstOctet(address);
  const second = Number(address.split('.')[1]);
  if (first === 127) return 'loopback';
  if (first === 169 && second === 254) return 'link-local';
  const isPrivate =
    first === 10 ||
    (first === 172 && second >= 16 && second <= 31) ||
    (first === 192 && second === 168) ||
    (first === 100 && second >= 64 && second <= 127);
  return isPrivate ? 'private' : 'public';
}

/** False for loopback, private and link-local addresses: several peers may well share one of those. */
export function isPublic(address: string): boolean {
  return scopeOf(address) === 'public';
}

/**
 * Whether gossip about `address` makes sense between us and the peer at `peerAddress`, in either direction: a local address
 * means another host elsewhere. Link-local ones mean nothing without an interface.
 */
export function isTellable(address: string, peerAddress: string): boolean {
  const scope = scopeOf(address);
  return scope === 'public' || (scope !== 'link-local' && scope === scopeOf(peerAddress));
}

function firstOctet(address: string): number {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address);
  if (match === null || match.slice(1).some((part) => Number(part) > 255)) return -1;
  return Number(match[1]);
}
