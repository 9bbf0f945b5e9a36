// The v2 half of an info dictionary (BEP 52, "file tree"), and the piece layers that stand outside it.

import { bytesEqual, decodeUtf8Lenient } from '../../base/bytes.ts';
import { type BDict, bytesKey, keyBytes } from '../bencode/index.ts';
import { FILES_MAX, PIECES_MAX, TORRENT_SIZE_MAX_BYTES } from '../limits.ts';
import { MERKLE_HASH_BYTES, rootFromLayer } from '../merkle/index.ts';
import { type FileEntry, readFileEntry } from './file-entry.ts';
import type { MetainfoReading } from './problem.ts';

export interface V2File {
  readonly entry: FileEntry;
  /** 32 bytes; undefined exactly for empty files. */
  readonly piecesRoot: Uint8Array | undefined;
}

export interface V2Files {
  /** In the tree's order, which is the order of the byte space. */
  readonly files: readonly V2File[];
  readonly pieceCount: number;
}

interface OpenFolder {
  readonly dict: BDict;
  readonly names: IterableIterator<string>;
  readonly path: readonly string[];
}

export function readV2Files(info: BDict, pieceLengthBytes: number, reading: MetainfoReading): V2Files | undefined {
  const tree = info.getDict('file tree');
  if (tree === undefined) return reading.fail('The file tree is missing or not a dictionary.');
  const files = walkTree(tree, reading);
  if (files === undefined) return undefined;
  if (files.length === 0) return reading.fail('The file tree is empty.');
  let totalBytes = 0;
  let pieceCount = 0;
  for (const file of files) {
    totalBytes += file.entry.lengthBytes;
    pieceCount += Math.ceil(file.entry.lengthBytes / pieceLengthBytes);
  }
  if (totalBytes > TORRENT_SIZE_MAX_BYTES) {
    return reading.fail(`The files are larger than ${TORRENT_SIZE_MAX_BYTES} bytes together.`);
  }
  if (pieceCount > PIECES_MAX) return reading.fail(`The torrent has more than ${PIECES_MAX} pieces.`);
  return { files, pieceCount };
}

/** Depth first, without recursion. Keys stand in the order of their bytes, so the tree's order is the sorted one. */
function walkTree(tree: BDict, reading: MetainfoReading): V2File[] | undefined {
  // BOUNDED: FILES_MAX files; open folders by the nesting limit of bencode.
  const files: V2File[] = [];
  const open: OpenFolder[] = [];
  if (!enterFolder(tree, [], open, reading)) return undefined;
  while (open.length > 0) {
    const folder = open[open.length - 1]!;
    const next = folder.names.next();
    if (next.done === true) {
      open.pop();
      continue;
    }
    const what = `file ${files.length + 1} of the file tree`;
    const node = folder.dict.getDict(next.value);
    if (node === undefined) return reading.fail(`The entry of ${what} is not a dictionary.`);
    const path = folder.path.concat(decodeUtf8Lenient(keyBytes(next.value)));
    if (!node.has('')) {
      if (!enterFolder(node, path, open, reading)) return undefined;
      continue;
    }
    if (node.size > 1 || node.duplicateKey !== undefined) {
      return reading.fail(`The entry of ${what} is a file and a folder at once.`);
    }
    if (files.length === FILES_MAX) return reading.fail(`The torrent has more than ${FILES_MAX} files.`);
    const file = readV2File(node.getDict(''), path, what, reading);
    if (file === undefined) return undefined;
    files.push(file);
  }
  return files;
}

function enterFolder(dict: BDict, path: readonly string[], open: OpenFolder[], reading: MetainfoReading): boolean {
  if (dict.duplicateKey !== undefined) reading.fail('A folder of the file tree has a name twice.');
  else if (!dict.isSorted) reading.fail('A folder of the file tree has its names out of order.');
  else if (dict.has('')) reading.fail('The file tree has an entry without a name.');
  else {
    open.push({ dict, names: dict.keys(), path });
    return true;
  }
  return false;
}

function readV2File(
  properties: BDict | undefined,
  path: readonly string[],
  what: string,
  reading: MetainfoReading,
): V2File | undefined {
  if (properties === undefined) return reading.fail(`The properties of ${what} are not a dictionary.`);
  if (properties.duplicateKey !== undefined) return reading.fail(`The properties of ${what} have a key twice.`);
  const file = readFileEntry(properties, path, what, reading);
  if (file === undefined) return undefined;
  if (file.pad) return reading.fail(`The properties of ${what} call it a pad file, which a file tree cannot hold.`);
  if (file.lengthBytes === 0) return { entry: file, piecesRoot: undefined };
  const piecesRoot = properties.getBytes('pieces root');
  if (piecesRoot?.length !== MERKLE_HASH_BYTES) {
    return reading.fail(`The pieces root of ${what} is missing or not ${MERKLE_HASH_BYTES} bytes long.`);
  }
  if (piecesRoot.every((byte) => byte === 0)) return reading.fail(`The pieces root of ${what} is all zeros.`);
  return { entry: file, piecesRoot };
}

/**
 * Checks every file longer than a piece against its layer and gives each file's layer, by file index: views of the
 * input.
 */
export function readPieceLayers(
  root: BDict,
  files: readonly V2File[],
  pieceLengthBytes: number,
  reading: MetainfoReading,
): (Uint8Array | undefined)[] | undefined {
  const layers = root.getDict('piece layers');
  if (root.has('piece layers') && layers === undefined) return reading.fail('The piece layers are not a dictionary.');
  if (layers?.duplicateKey !== undefined) return reading.fail('The piece layers have a root twice.');
  // BOUNDED: one entry a file. Identical files have the same root, and then one layer.
  const checked = new Map<string, Uint8Array>();
  const result: (Uint8Array | undefined)[] = [];
  for (let i = 0; i < files.length; i++) {
    const { entry, piecesRoot } = files[i]!;
    const { lengthBytes } = entry;
    if (piecesRoot === undefined || lengthBytes <= pieceLengthBytes) {
      result.push(undefined);
      continue;
    }
    const key = bytesKey(piecesRoot);
    const what = `file ${i + 1} of the file tree`;
    const layer = checked.get(key) ?? layers?.getBytes(key);
    if (layer === undefined) return reading.fail(`The piece layer of ${what} is missing.`);
    const wantedBytes = Math.ceil(lengthBytes / pieceLengthBytes) * MERKLE_HASH_BYTES;
    if (layer.length !== wantedBytes) {
      return reading.fail(`The piece layer of ${what} has ${layer.length} bytes instead of ${wantedBytes}.`);
    }
    if (checked.get(key) === undefined) {
      const computed = rootFromLayer(layer, pieceLengthBytes, (bytes) => reading.crypto.sha256(bytes));
      if (!bytesEqual(computed, piecesRoot)) {
        return reading.fail(`The piece layer of ${what} does not match its pieces root.`);
      }
      checked.set(key, layer);
    }
    result.push(layer);
  }
  if (layers !== undefined && layers.size > checked.size) {
    // Files of one piece have roots too, and may have a layer that nobody needs.
    const roots = new Set<string>();
    for (const { piecesRoot } of files) if (piecesRoot !== undefined) roots.add(bytesKey(piecesRoot));
    for (const key of layers.keys()) {
      if (!roots.has(key)) return reading.fail('The piece layers hold a root that no file has.');
    }
  }
  return result;
}
