// Addresses of a UPnP device: HTTP at the very address that the device speaks from, nothing else. So a device cannot make us
// ask another computer, or look up a name.
import { URL_MAX_BYTES } from '../limits.ts';
import { normalizeIpAddress } from '../tracker/ip-address.ts';

export interface DeviceUrl {
  /** An IPv4 literal. */
  readonly host: string;
  readonly port: number;
  /** With its query, beginning with a slash. */
  readonly path: string;
}

const HTTP_PORT = 80;
const ABSOLUTE = /^http:\/\/([0-9.]{7,15})(?::(\d{1,5}))?(\/[\x21-\x7e]*)?$/i;
const RELATIVE = /^[\x21-\x7e]*$/;

/** Undefined for anything but `http://` and an IPv4 literal. */
export function parseDeviceUrl(text: string): DeviceUrl | undefined {
  if (text.length > URL_MAX_BYTES) return undefined;
  const match = ABSOLUTE.exec(text);
  const host = normalizeIpAddress(match?.[1] ?? '');
  const port = Number(match?.[2] ?? HTTP_PORT);
  if (match === null || host === undefined || port < 1 || port > 65_535) return undefined;
  return { host, port, path: match[3] ?? '/' };
}

/** What a device means by `text`, said at `base`; undefined when it is elsewhere than on the same computer. */
export function resolveDeviceUrl(text: string, base: DeviceUrl): DeviceUrl | undefined {
  if (text === '' || text.length > URL_MAX_BYTES || !RELATIVE.test(text)) return undefined;
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    const absolute = parseDeviceUrl(text);
    return absolute?.host === base.host ? absolute : undefined;
  }
  if (text.startsWith('//')) return undefined;
  const folder = base.path.replace(/[?#].*$/, '').replace(/[^/]*$/, '');
  return { ...base, path: text.startsWith('/') ? text : folder + text };
}

export function formatDeviceUrl({ host, port, path }: DeviceUrl): string {
  return `http://${host}:${port}${path}`;
}
