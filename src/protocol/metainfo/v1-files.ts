// The v1 half of an info dictionary (BEP 3, BEP 47): `length` or `files`, and `pieces`.

import { BDict } from '../bencode/index.ts';
import { FILES_MAX, PIECES_MAX, TORRENT_SIZE_MAX_BYTES } from '../limits.ts';
import { type FileEntry, readFileEntry, readPath } from './file-entry.ts';
import type { MetainfoReading } from './problem.ts';

const SHA1_BYTES = 20;
// BitComet padded files before BEP 47 gave pads an attribute; other clients know these by their names.
const UNMARKED_PAD_PREFIX = '_____padding_file_';

export interface V1Files {
  readonly isMultiFile: boolean;
  /** Without gaps, pads included. */
  readonly files: readonly FileEntry[];
  readonly totalBytes: number;
  /** 20 bytes for each piece. */
  readonly pieceHashes: Uint8Array;
}

export function readV1Files(
  info: BDict,
  name: string,
  pieceLengthBytes: number,
  reading: MetainfoReading,
): V1Files | undefined {
  const isMultiFile = info.has('files');
  if (isMultiFile && info.has('length')) {
    return reading.fail('The info dictionary has both a length and a file list.');
  }
  let files: FileEntry[] | undefined;
  if (isMultiFile) files = readFileList(info, reading);
  else if (info.has('length')) {
    const file = readFileEntry(info, [name], 'the file', reading);
    files = file === undefined ? undefined : [file];
  } else return reading.fail('The info dictionary has neither a length nor a file list.');
  if (files === undefined) return undefined;

  let totalBytes = 0;
  for (const file of files) totalBytes += file.lengthBytes;
  if (totalBytes > TORRENT_SIZE_MAX_BYTES) {
    return reading.fail(`The files are larger than ${TORRENT_SIZE_MAX_BYTES} bytes together.`);
  }
  const pieceHashes = info.getBytes('pieces');
  if (pieceHashes === undefined) return reading.fail('The piece hashes are missing or not a string.');
  const pieceCount = Math.ceil(totalBytes / pieceLengthBytes);
  if (pieceCount > PIECES_MAX) return reading.fail(`The torrent has more than ${PIECES_MAX} pieces.`);
  if (pieceHashes.length % SHA1_BYTES !== 0) {
    return reading.fail(`The piece hashes take ${pieceHashes.length} bytes, which is no multiple of ${SHA1_BYTES}.`);
  }
  if (pieceHashes.length !== pieceCount * SHA1_BYTES) {
    const hashCount = pieceHashes.length / SHA1_BYTES;
    return reading.fail(
      `The torrent has ${hashCount} piece hashes, but its ${totalBytes} bytes make ${pieceCount} pieces.`,
    );
  }
  return { isMultiFile, files, totalBytes, pieceHashes };
}

function readFileList(info: BDict, reading: MetainfoReading): FileEntry[] | undefined {
  const list = info.iterateList('files', 0);
  if (list === undefined) return reading.fail('The file list is not a list.');
  // BOUNDED: FILES_MAX entries.
  const files: FileEntry[] = [];
  for (const element of list) {
    const what = `file ${files.length + 1} of the file list`;
    if (!(element instanceof BDict)) return reading.fail(`The entry of ${what} is not a dictionary.`);
    if (element.duplicateKey !== undefined) return reading.fail(`The entry of ${what} has a key twice.`);
    if (files.length === FILES_MAX) return reading.fail(`The torrent has more than ${FILES_MAX} files.`);
    const path = readPath(element, 'path') ?? [];
    const file = readFileEntry(element, path, what, reading);
    if (file === undefined) return undefined;
    const isUnmarkedPad = path[path.length - 1]?.startsWith(UNMARKED_PAD_PREFIX) === true;
    // BEP 47: a pad needs no path.
    if (path.length === 0 && !file.pad) return reading.fail(`The path of ${what} is missing or not a list of names.`);
    files.push(isUnmarkedPad ? { ...file, pad: true } : file);
  }
  return files.length > 0 ? files : reading.fail('The file list is empty.');
}
