// URLs that a torrent's author or a magnet link names: only schemes that Millrace speaks, of bounded length, in
// printable ASCII. What does not fit is dropped, because one odd tracker does not make a torrent useless.

import { encodeUtf8 } from '../../base/bytes.ts';
import { URL_MAX_BYTES } from '../limits.ts';

export const TRACKER_SCHEMES: readonly string[] = ['http:', 'https:', 'udp:', 'ws:', 'wss:'];
export const WEB_SEED_SCHEMES: readonly string[] = ['http:', 'https:'];

/**
 * The URL with surrounding white space cut and other characters of its path escaped; undefined when the scheme is
 * not listed, the host is missing or not ASCII (look-alike names), a control character stands in it, or it is too
 * long.
 */
export function acceptUrl(text: string, schemes: readonly string[]): string | undefined {
  // The length comes first: nothing below then works on more than a few KiB.
  if (text.length > URL_MAX_BYTES) return undefined;
  const trimmed = text.trim();
  const scheme = /^[a-z]+:\/\/[\x21-\x7e]/i.exec(trimmed);
  if (scheme === null) return undefined;
  const authorityStart = trimmed.indexOf('//') + 2;
  const authorityEnd = trimmed.slice(authorityStart).search(/[/?#]/);
  const pathStart = authorityEnd < 0 ? trimmed.length : authorityStart + authorityEnd;
  const authority = trimmed.slice(authorityStart, pathStart);
  const path = trimmed.slice(pathStart);
  if (!/^[\x21-\x7e]+$/.test(authority) || hasControlCharacter(path)) return undefined;
  const url = trimmed.slice(0, pathStart) + path.replace(/[^\x21-\x7e]+/g, escapeText);
  if (url.length > URL_MAX_BYTES) return undefined;
  try {
    const parsed = new URL(url);
    return schemes.includes(parsed.protocol) && parsed.hostname !== '' ? url : undefined;
  } catch {
    // The URL class reports malformed text by throwing; nothing else can go wrong here.
    return undefined;
  }
}

function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true;
  }
  return false;
}

function escapeText(text: string): string {
  let escaped = '';
  for (const byte of encodeUtf8(text)) escaped += '%' + byte.toString(16).toUpperCase().padStart(2, '0');
  return escaped;
}
