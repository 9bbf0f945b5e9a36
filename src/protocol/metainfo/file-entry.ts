// One file as a torrent describes it, in either form: the fields that v1's file list and v2's file tree share (BEP 3,
// BEP 47), before it has a place in the byte space.

import { decodeUtf8, decodeUtf8Lenient } from '../../base/bytes.ts';
import type { BDict } from '../bencode/index.ts';
import { DIRECTORY_DEPTH_MAX, TORRENT_SIZE_MAX_BYTES } from '../limits.ts';
import type { MetainfoReading } from './problem.ts';

export interface FileEntry {
  readonly path: readonly string[];
  readonly lengthBytes: number;
  readonly pad: boolean;
  readonly executable: boolean;
  readonly hidden: boolean;
  readonly symlink: readonly string[] | undefined;
}

/**
 * Reads length, attributes and link target. `what` names the file in a sentence. A link's length may be missing
 * (BEP 47); `path` stands as given.
 */
export function readFileEntry(
  dict: BDict,
  path: readonly string[],
  what: string,
  reading: MetainfoReading,
): FileEntry | undefined {
  const attributeBytes = dict.getBytes('attr');
  const attributes = attributeBytes === undefined ? '' : decodeUtf8Lenient(attributeBytes);
  let symlink: readonly string[] | undefined;
  if (attributes.includes('l')) {
    symlink = readPath(dict, 'symlink path');
    if (symlink === undefined) return reading.fail(`The link target of ${what} is missing or not a list of names.`);
  }
  const lengthBytes = symlink !== undefined && !dict.has('length') ? 0 : dict.getNumber('length');
  if (lengthBytes === undefined) return reading.fail(`The length of ${what} is missing or not a number.`);
  if (lengthBytes < 0) return reading.fail(`The length of ${what} is negative.`);
  if (lengthBytes > TORRENT_SIZE_MAX_BYTES) {
    return reading.fail(`The length of ${what} is above ${TORRENT_SIZE_MAX_BYTES} bytes.`);
  }
  if (symlink !== undefined && lengthBytes > 0) {
    return reading.fail(`The length of ${what} is not 0 although it is a symbolic link.`);
  }
  if (path.length > DIRECTORY_DEPTH_MAX || (symlink?.length ?? 0) > DIRECTORY_DEPTH_MAX) {
    return reading.fail(`The path of ${what} is more than ${DIRECTORY_DEPTH_MAX} folders deep.`);
  }
  return {
    path,
    lengthBytes,
    pad: attributes.includes('p'),
    executable: attributes.includes('x'),
    hidden: attributes.includes('h'),
    symlink,
  };
}

/**
 * A list of names as text, the UTF-8 variant of the key first. Undefined when there is none, or when it holds
 * something else than strings. Bytes that are not UTF-8 become U+FFFD.
 */
export function readPath(dict: BDict, key: string): string[] | undefined {
  return readNames(dict, `${key}.utf-8`, decodeUtf8) ?? readNames(dict, key, decodeUtf8Lenient);
}

function readNames(dict: BDict, key: string, decode: (bytes: Uint8Array) => string | undefined): string[] | undefined {
  // One more than is allowed, so that the caller sees that it is too deep.
  const parts = dict.getStrings(key, DIRECTORY_DEPTH_MAX + 1);
  // Mapped, because an array that grows has room for 17 names from its first one on.
  const names = parts?.map(decode);
  return names?.every((name) => name !== undefined) === true ? names : undefined;
}

/** Text under a key, the UTF-8 variant of the key first. */
export function readText(dict: BDict, key: string): string | undefined {
  const preferred = dict.getString(`${key}.utf-8`);
  if (preferred !== undefined && preferred !== '') return preferred;
  const bytes = dict.getBytes(key);
  return bytes === undefined ? undefined : decodeUtf8Lenient(bytes);
}
