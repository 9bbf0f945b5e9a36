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

/** False for loopback, private and link-local addresses: several peers may well share one of those. */
export function isPublic(address: string): boolean {
  if (address.includes(':')) return !/^(::1$|f[cd][0-9a-f]{2}:|fe[89ab][0-9a-f]:)/i.test(address);
  const first = firstOctet(address);
  const second = Number(address.split('.')[1]);
  if (first === 10 || first === 127) return false;
  if (first === 172) return second < 16 || second > 31;
  if (first === 192) return second !== 168;
  if (first === 169) return second !== 254;
  if (first === 100) return second < 64 || second > 127;
  return true;
}

function firstOctet(address: string): number {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address);
  if (match === null || match.slice(1).some((part) => Number(part) > 255)) return -1;
  return Number(match[1]);
}
