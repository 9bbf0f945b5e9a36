// What a user types for a peer, a port or a tracker. Checks form only; names are resolved by the engine.
import { InvalidArgumentError } from 'commander';

/** `host:port` or `[IPv6]:port`, port from 1 on. Returns the text. */
export function parsePeer(text: string): string {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+)):(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port < 1 || port > 65_535) {
    throw new InvalidArgumentError('Write a peer as host:port, for example 192.0.2.7:6881 or [2001:db8::7]:6881.');
  }
  return text;
}

/** A listening port; 0 = any. */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw new InvalidArgumentError('A port is a number from 0 (any) to 65535.');
  return port;
}

/** A URL with one of these schemes. Returns the text as given: trackers compare it byte for byte. */
export function parseUrl(text: string, schemes: readonly string[]): string {
  let scheme = '';
  try {
    scheme = new URL(text).protocol.slice(0, -1);
  } catch {
    // Not a URL at all: the scheme stays empty and is refused below.
  }
  if (!schemes.includes(scheme)) throw new InvalidArgumentError(`Write a URL that starts with ${schemes.join(', ')}.`);
  return text;
}
