// Addresses as Node reports them, in the platform's form.
import type { Endpoint } from '../../platform/network.ts';

/** Unwraps IPv4-mapped IPv6 and drops a zone. */
export function normalizeAddress(address: string): string {
  const zone = address.indexOf('%');
  const literal = zone === -1 ? address : address.slice(0, zone);
  return literal.startsWith('::ffff:') && literal.includes('.') ? literal.slice(7) : literal;
}

export function endpointOf(address: string | undefined, port: number | undefined): Endpoint {
  return { address: normalizeAddress(address ?? '0.0.0.0'), port: port ?? 0 };
}
