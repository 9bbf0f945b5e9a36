// `host:port` texts to endpoints and back.
import type { Endpoint } from '../platform/network.ts';

export interface HostPort {
  /** Name or address literal, without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Undefined when it is not `host:port` or `[IPv6]:port` with a port from 1 to 65535. */
export function parseHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s[\]:]{1,253})):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  if (port < 1 || port > 65_535) return undefined;
  return { host: (match[1] ?? match[2])!, port };
}

export function formatEndpoint({ address, port }: Endpoint): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
