// A URL taken apart for one HTTP request: what goes to the socket, and the path exactly as it was written, since
// trackers read percent-escapes byte by byte.

export interface HttpTarget {
  readonly protocol: 'http:' | 'https:';
  /** A name or a literal, without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** Path and query, byte for byte. */
  readonly path: string;
  /** Scheme, host and port: what decides whether credentials may follow a redirect. */
  readonly origin: string;
  /** `user:password` of the URL, '' when there is none. */
  readonly userInfo: string;
  readonly url: string;
}

/** Undefined for anything but http: and https:, and for URLs that cannot be sent as they are. */
export function parseHttpTarget(text: string): HttpTarget | undefined {
  // Only printable ASCII can stand in a request line.
  if (!/^https?:\/\/[\x21-\x7e]+$/i.test(text)) return undefined;
  let url: URL;
  let userInfo: string;
  try {
    url = new URL(text);
    userInfo = decodeURIComponent(url.username) + (url.password === '' ? '' : `:${decodeURIComponent(url.password)}`);
  } catch {
    // Malformed URL or escapes: both parsers report by throwing, nothing else can go wrong here.
    return undefined;
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  const [, written = ''] = /^https?:\/\/[^/?#]*([^#]*)/i.exec(text) ?? [];
  return {
    protocol: url.protocol,
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port),
    path: written.startsWith('/') ? written : `/${written}`,
    origin: url.origin,
    userInfo,
    url: text,
  };
}

/** Where a redirect leads; undefined when not to http: or https:. */
export function resolveRedirect(from: HttpTarget, location: string): HttpTarget | undefined {
  const direct = parseHttpTarget(location);
  if (direct !== undefined) return direct;
  try {
    return parseHttpTarget(new URL(location, from.url).href);
  } catch {
    // A Location that is no URL.
    return undefined;
  }
}
