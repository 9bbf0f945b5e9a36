// Reads a tracker's URL: which carrier, which host, and what of it goes to the tracker. Also the one place that makes
// a tracker's URL fit for a log line, since paths and queries hold passkeys.
import { encodeUtf8 } from '../../base/bytes.ts';
import { URL_MAX_BYTES } from '../limits.ts';
import { normalizeIpAddress } from './ip-address.ts';

export interface TrackerUrl {
  readonly carrier: 'http' | 'https' | 'udp';
  /** A name or an address literal, without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** Path and query as written, '' when there are none: what BEP 41 sends to a UDP tracker. */
  readonly pathAndQuery: string;
}

const DEFAULT_PORTS = { http: 80, https: 443, udp: 80 } as const;

/** Undefined when the text is no URL of a tracker that we can talk to. */
export function parseTrackerUrl(text: string): TrackerUrl | undefined {
  if (text.length > URL_MAX_BYTES || encodeUtf8(text).length > URL_MAX_BYTES) return undefined;
  // No white space, control or non-ASCII character, so that what is sent is what is written.
  const match = /^(https?|udp):\/\/([^/?#]*)([^#]*)/i.exec(text);
  if (match === null || !/^[\x21-\x7e]+$/.test(text)) return undefined;
  const carrier = match[1]!.toLowerCase() as TrackerUrl['carrier'];
  let url: URL;
  try {
    // Read as http, whose rules for hosts (case, brackets, numeric forms) do not apply to udp: URLs by themselves.
    url = new URL(`http://${match[2]}/`);
  } catch {
    // URL reports malformed input by throwing; nothing else can go wrong here.
    return undefined;
  }
  const explicitPort = /:(\d+)$/.exec(match[2]!)?.[1];
  const port = explicitPort === undefined ? DEFAULT_PORTS[carrier] : Number(explicitPort);
  if (port < 1 || port > 65_535) return undefined;
  const hostname = normalizeHostname(url.hostname);
  return hostname === '' ? undefined : { carrier, hostname, port, pathAndQuery: match[3]! };
}

/** Carrier, host and port only: what a log may hold. */
export function redactTrackerUrl(text: string): string {
  const url = parseTrackerUrl(text);
  if (url === undefined) return '(unreadable URL)';
  const host = url.hostname.includes(':') ? `[${url.hostname}]` : url.hostname;
  return `${url.carrier}://${host}:${url.port}`;
}

function normalizeHostname(hostname: string): string {
  if (!hostname.startsWith('[')) return hostname;
  const literal = hostname.slice(1, -1);
  return normalizeIpAddress(literal) ?? literal;
}
