// An info dictionary to its meaning (BEP 3, 27, 47, 52): v1, v2 or hybrid. A hybrid's two halves must describe the
// same files in the same places. The info-hash is taken over the bytes as they stand, never over a re-encoding.

import { BDict, bdecode } from '../bencode/index.ts';
import {
  BENCODE_TORRENT_DEPTH_MAX,
  BENCODE_TORRENT_TOKENS_MAX,
  PIECE_LENGTH_MAX_BYTES,
  PIECE_LENGTH_V2_MIN_BYTES,
  PIECES_MAX,
  TORRENT_FILE_MAX_BYTES,
  TORRENT_SIZE_MAX_BYTES,
} from '../limits.ts';
import { levelsAbove } from '../merkle/index.ts';
import { type FileEntry, readText } from './file-entry.ts';
import type { InfoDictionary, MetainfoFile, Parsed } from './metainfo.ts';
import { type MetainfoCrypto, MetainfoReading } from './problem.ts';
import { readV1Files, type V1Files } from './v1-files.ts';
import { readPieceLayers, readV2Files, type V2Files } from './v2-files.ts';

const META_VERSION = 2;

/**
 * Decodes the bytes of an info dictionary alone, as peers send it (BEP 9): the piece layers of v2 files are then not
 * known. Keeps `infoBytes`; they may not change afterwards. Never throws.
 */
export function decodeInfoDictionary(infoBytes: Uint8Array, crypto: MetainfoCrypto): Parsed<InfoDictionary> {
  const reading = new MetainfoReading(crypto);
  return reading.outcome(readInfoBytes(infoBytes, reading));
}

function readInfoBytes(infoBytes: Uint8Array, reading: MetainfoReading): InfoDictionary | undefined {
  if (infoBytes.length > TORRENT_FILE_MAX_BYTES) {
    return reading.fail(`The info dictionary is larger than ${TORRENT_FILE_MAX_BYTES} bytes.`);
  }
  const decoded = bdecode(infoBytes, { maxDepth: BENCODE_TORRENT_DEPTH_MAX, maxTokens: BENCODE_TORRENT_TOKENS_MAX });
  if (!decoded.ok) return reading.fail(`The info dictionary is not well-formed: ${decoded.error.message}.`);
  const info = decoded.value instanceof BDict ? decoded.value : undefined;
  return readInfoDictionary(infoBytes, info, undefined, reading);
}

/**
 * `info` is the decoded `infoBytes`, which are kept; undefined when they are no dictionary. With `root`, the .torrent
 * file's own dictionary, the piece layers are read from it and must be complete.
 */
export function readInfoDictionary(
  infoBytes: Uint8Array,
  info: BDict | undefined,
  root: BDict | undefined,
  reading: MetainfoReading,
): InfoDictionary | undefined {
  if (info === undefined) return reading.fail('The info dictionary is not a dictionary.');
  const isV2 = info.has('meta version');
  // BEP 52: the version is checked before anything that a later version may have changed.
  if (isV2 && info.getNumber('meta version') !== META_VERSION) {
    return reading.fail(`The torrent has a meta version other than ${META_VERSION}, which Millrace cannot read.`);
  }
  const isV1 = !isV2 || info.has('pieces');
  if (info.duplicateKey !== undefined) return reading.fail('The info dictionary has a key twice.');
  if (isV2 && !info.isSorted) return reading.fail('The info dictionary has its keys out of order.');
  if (isV1 && !isV2 && !info.has('pieces') && info.has('file tree')) {
    return reading.fail('The info dictionary has a file tree but no meta version.');
  }
  const name = readText(info, 'name');
  if (name === undefined) return reading.fail("The torrent's name is missing or not a string.");
  const pieceLengthBytes = readPieceLength(info, isV2, reading);
  if (pieceLengthBytes === undefined) return undefined;

  const v1 = isV1 ? readV1Files(info, name, pieceLengthBytes, reading) : undefined;
  if (isV1 && v1 === undefined) return undefined;
  const v2 = isV2 ? readV2Files(info, pieceLengthBytes, reading) : undefined;
  if (isV2 && v2 === undefined) return undefined;
  const layers =
    v2 !== undefined && root !== undefined ? readPieceLayers(root, v2.files, pieceLengthBytes, reading) : [];
  if (layers === undefined) return undefined;

  const files =
    v2 === undefined
      ? placeV1(v1!)
      : v1 === undefined
        ? placeV2(v2, layers, pieceLengthBytes)
        : placeHybrid(v1, v2, layers, pieceLengthBytes, reading);
  if (files === undefined) return undefined;
  const last = files[files.length - 1]!;
  const spaceBytes = last.offsetBytes + last.lengthBytes;
  if (spaceBytes > TORRENT_SIZE_MAX_BYTES) {
    return reading.fail(`The files are larger than ${TORRENT_SIZE_MAX_BYTES} bytes together.`);
  }
  const pieceCount = Math.ceil(spaceBytes / pieceLengthBytes);
  if (pieceCount > PIECES_MAX) return reading.fail(`The torrent has more than ${PIECES_MAX} pieces.`);
  let contentBytes = 0;
  for (const file of files) if (!file.pad) contentBytes += file.lengthBytes;
  return {
    format: v2 === undefined ? 'v1' : v1 === undefined ? 'v2' : 'hybrid',
    name,
    isMultiFile: v1 === undefined ? !isSingleFile(v2!, name) : v1.isMultiFile,
    pieceLengthBytes,
    pieceCount,
    spaceBytes,
    contentBytes,
    private: (info.getNumber('private') ?? 0) !== 0,
    source: readText(info, 'source'),
    files,
    pieceHashes: v1?.pieceHashes,
    infoBytes,
    infoHash: v1 === undefined ? undefined : reading.crypto.sha1(infoBytes),
    infoHashV2: v2 === undefined ? undefined : reading.crypto.sha256(infoBytes),
  };
}

/**
 * A file tree of one file reads as a single file or as a folder with one file (BEP 52, "Interpreting paths"). The name
 * tells: creators give a single file's own name to the torrent.
 */
function isSingleFile({ files }: V2Files, name: string): boolean {
  return files.length === 1 && isSamePath(files[0]!.entry.path, [name]);
}

function readPieceLength(info: BDict, isV2: boolean, reading: MetainfoReading): number | undefined {
  const length = info.getNumber('piece length');
  if (length === undefined) return reading.fail('The piece length is missing or not a number.');
  if (length < 1 || length > PIECE_LENGTH_MAX_BYTES) {
    return reading.fail(`The piece length ${length} is not between 1 and ${PIECE_LENGTH_MAX_BYTES} bytes.`);
  }
  if (isV2 && (length < PIECE_LENGTH_V2_MIN_BYTES || 2 ** levelsAbove(length) !== length)) {
    return reading.fail(
      `The piece length ${length} of a v2 torrent is no power of two of at least ${PIECE_LENGTH_V2_MIN_BYTES} bytes.`,
    );
  }
  return length;
}

/** Written out, because copying by spread costs several times as much and torrents can have 100,000s of files. */
function place(
  { path, lengthBytes, pad, executable, hidden, symlink }: FileEntry,
  offsetBytes: number,
  piecesRoot: Uint8Array | undefined,
  pieceLayer: Uint8Array | undefined,
): MetainfoFile {
  return { path, lengthBytes, offsetBytes, pad, executable, hidden, symlink, piecesRoot, pieceLayer };
}

/** v1 files stand back to back. */
function placeV1(v1: V1Files): MetainfoFile[] {
  let offsetBytes = 0;
  return v1.files.map((file) => {
    const placed = place(file, offsetBytes, undefined, undefined);
    offsetBytes += file.lengthBytes;
    return placed;
  });
}

/**
 * Each v2 file that is not empty starts at a piece. Empty ones stand where the file before them ends, so that they
 * never lengthen the byte space.
 */
function placeV2(v2: V2Files, layers: readonly (Uint8Array | undefined)[], pieceLengthBytes: number): MetainfoFile[] {
  let endBytes = 0;
  return v2.files.map(({ entry, piecesRoot }, i) => {
    const offsetBytes = entry.lengthBytes === 0 ? endBytes : Math.ceil(endBytes / pieceLengthBytes) * pieceLengthBytes;
    endBytes = offsetBytes + entry.lengthBytes;
    return place(entry, offsetBytes, piecesRoot, layers[i]);
  });
}

/** BEP 52, "Upgrade Path": names, order, lengths and piece alignment are the same in both halves. */
function placeHybrid(
  v1: V1Files,
  v2: V2Files,
  layers: readonly (Uint8Array | undefined)[],
  pieceLengthBytes: number,
  reading: MetainfoReading,
): MetainfoFile[] | undefined {
  const aligned = placeV2(v2, layers, pieceLengthBytes);
  const placed = placeV1(v1);
  const files: MetainfoFile[] = [];
  let index = 0;
  for (const file of placed) {
    if (file.pad) {
      files.push(file);
      continue;
    }
    const other = aligned[index++];
    const what = `file ${index} of the file tree`;
    if (other === undefined) return reading.fail('The file list has more files than the file tree.');
    if (!isSamePath(file.path, other.path)) return reading.fail(`The name of ${what} differs in the file list.`);
    if (file.lengthBytes !== other.lengthBytes) {
      return reading.fail(`The length of ${what} differs in the file list.`);
    }
    if (file.symlink !== undefined || other.symlink !== undefined) {
      if (!isSamePath(file.symlink ?? [], other.symlink ?? [])) {
        return reading.fail(`The link target of ${what} differs in the file list.`);
      }
    }
    if (file.lengthBytes > 0 && file.offsetBytes !== other.offsetBytes) {
      return reading.fail(`The place of ${what} differs in the file list, where pad files would have to align it.`);
    }
    files.push(place(other, file.offsetBytes, other.piecesRoot, other.pieceLayer));
  }
  if (index < aligned.length) return reading.fail('The file tree has more files than the file list.');
  const pieceCount = Math.ceil(v1.totalBytes / pieceLengthBytes);
  if (pieceCount !== v2.pieceCount) {
    return reading.fail(`The file list makes ${pieceCount} pieces and the file tree ${v2.pieceCount}.`);
  }
  return files;
}

function isSamePath(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((part, i) => part === right[i]);
}
