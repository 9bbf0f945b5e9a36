// A torrent's parts to bytes: info dictionaries of all three formats, and the .torrent file around one (BEP 3, 5, 12,
// 17, 19, 27, 47, 52). The caller has hashed; where pads stand and how files are ordered is decided here.

import { assert } from '../../base/assert.ts';
import { type BEncodable, Bencoded, bencode } from '../bencode/index.ts';
import type { InfoDictionary, Metainfo, TorrentFormat } from './metainfo.ts';

/** A file to be shared; never a pad. */
export interface InfoFile {
  /** Under the torrent's own folder; the name alone for a single file. */
  readonly path: readonly string[];
  readonly lengthBytes: number;
  readonly executable?: boolean;
  readonly hidden?: boolean;
}

/** A stretch of the byte space: a file, or the pad that lets the next one start at a piece (hybrid). */
export interface Placed<File> {
  /** Undefined for a pad. */
  readonly file: File | undefined;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

export interface InfoParts {
  readonly format: TorrentFormat;
  readonly name: string;
  /** False: exactly one file, whose path is the name. */
  readonly isMultiFile: boolean;
  readonly pieceLengthBytes: number;
  /** In the order of `compareFilePaths`. */
  readonly files: readonly (InfoFile & { readonly piecesRoot?: Uint8Array | undefined })[];
  /** SHA-1 of each piece, joined (v1 and hybrid), pads taken as zeros. */
  readonly pieceHashes?: Uint8Array | undefined;
  readonly private?: boolean | undefined;
  readonly source?: string | undefined;
}

export interface PieceLayer {
  readonly root: Uint8Array;
  readonly layer: Uint8Array;
}

/** What stands around an info dictionary. */
export interface MetainfoParts extends Partial<Omit<Metainfo, 'info'>> {
  readonly infoBytes: Uint8Array;
  /** Of every file longer than a piece. Given, if empty, for v2 and hybrid; absent for v1. */
  readonly pieceLayers?: readonly PieceLayer[] | undefined;
}

const META_VERSION = 2;

/** The order that a file tree has (BEP 52): part by part, as UTF-8 bytes. */
export function compareFilePaths(left: readonly string[], right: readonly string[]): number {
  const shared = Math.min(left.length, right.length);
  for (let i = 0; i < shared; i++) {
    if (left[i] !== right[i]) return compareAsUtf8(left[i]!, right[i]!);
  }
  return left.length - right.length;
}

function compareAsUtf8(left: string, right: string): number {
  const shared = Math.min(left.length, right.length);
  for (let i = 0; i < shared; i++) {
    const leftUnit = left.charCodeAt(i);
    const rightUnit = right.charCodeAt(i);
    if (leftUnit !== rightUnit) return utf8Rank(leftUnit) - utf8Rank(rightUnit);
  }
  return left.length - right.length;
}

/** UTF-16 surrogates stand for characters beyond all others, though their units do not come last. */
function utf8Rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/**
 * Gives each file its place in the byte space. v1: back to back. v2: files that are not empty start at a piece.
 * hybrid: the same, with a pad after each file that ends inside a piece and has another behind it.
 */
export function placeFiles<File extends { readonly lengthBytes: number }>(
  files: readonly File[],
  format: TorrentFormat,
  pieceLengthBytes: number,
): Placed<File>[] {
  const placed: Placed<File>[] = [];
  let endBytes = 0;
  for (const [i, file] of files.entries()) {
    const { lengthBytes } = file;
    const isAligned = format === 'v1' || lengthBytes === 0;
    const offsetBytes = isAligned ? endBytes : Math.ceil(endBytes / pieceLengthBytes) * pieceLengthBytes;
    placed.push({ file, offsetBytes, lengthBytes });
    endBytes = offsetBytes + lengthBytes;
    const padBytes = Math.ceil(endBytes / pieceLengthBytes) * pieceLengthBytes - endBytes;
    if (format === 'hybrid' && padBytes > 0 && i < files.length - 1) {
      placed.push({ file: undefined, offsetBytes: endBytes, lengthBytes: padBytes });
      endBytes += padBytes;
    }
  }
  return placed;
}

/** The bencoded info dictionary. */
export function buildInfoDictionary(parts: InfoParts): Uint8Array {
  const { format, files, pieceLengthBytes } = parts;
  assert(parts.isMultiFile || files.length === 1, 'a single-file torrent has one file');
  const single = parts.isMultiFile ? undefined : files[0];
  const hasV1 = format !== 'v2';
  const hasV2 = format !== 'v1';
  return bencode({
    name: parts.name,
    'piece length': pieceLengthBytes,
    private: parts.private === true ? 1 : undefined,
    source: parts.source,
    ...(hasV1 && {
      pieces: parts.pieceHashes ?? new Uint8Array(0),
      length: single?.lengthBytes,
      attr: single === undefined ? undefined : attributesOf(single),
      files: single === undefined ? fileList(parts) : undefined,
    }),
    ...(hasV2 && { 'meta version': META_VERSION, 'file tree': fileTree(parts) }),
  });
}

function attributesOf(file: InfoFile): string | undefined {
  const attributes = (file.executable === true ? 'x' : '') + (file.hidden === true ? 'h' : '');
  return attributes === '' ? undefined : attributes;
}

function fileList({ files, format, pieceLengthBytes }: InfoParts): BEncodable[] {
  return placeFiles(files, format, pieceLengthBytes).map(({ file, lengthBytes }) =>
    file === undefined
      ? { attr: 'p', length: lengthBytes, path: ['.pad', String(lengthBytes)] }
      : { attr: attributesOf(file), length: lengthBytes, path: file.path },
  );
}

interface Folder extends Map<string, Folder | BEncodable> {}

function fileTree({ files }: InfoParts): BEncodable {
  const root: Folder = new Map();
  for (const file of files) {
    let folder = root;
    for (const part of file.path.slice(0, -1)) {
      const next = folder.get(part) ?? new Map();
      assert(next instanceof Map && !next.has(''), 'no file is also a folder');
      folder.set(part, next);
      folder = next;
    }
    const name = file.path[file.path.length - 1];
    assert(name !== undefined && name !== '' && !folder.has(name), 'each file has a name of its own');
    const properties: BEncodable = {
      attr: attributesOf(file),
      length: file.lengthBytes,
      'pieces root': file.lengthBytes === 0 ? undefined : file.piecesRoot,
    };
    folder.set(name, new Map([['', properties]]));
  }
  return root as ReadonlyMap<string, BEncodable>;
}

/** The bytes of a .torrent file. */
export function encodeMetainfo(parts: MetainfoParts): Uint8Array {
  const trackers = parts.trackers ?? [];
  const trackerCount = trackers.reduce((count, tier) => count + tier.length, 0);
  const { pieceLayers } = parts;
  return bencode({
    announce: trackers[0]?.[0],
    'announce-list': trackerCount > 1 ? trackers : undefined,
    comment: parts.comment,
    'created by': parts.createdBy,
    'creation date': parts.creationDate,
    httpseeds: listOrNothing(parts.httpSeeds),
    info: new Bencoded(parts.infoBytes),
    nodes: listOrNothing(parts.nodes?.map(splitNode)),
    'piece layers': pieceLayers === undefined ? undefined : layerDictionary(pieceLayers),
    'url-list': listOrNothing(parts.webSeeds),
  });
}

function listOrNothing(list: readonly BEncodable[] | undefined): readonly BEncodable[] | undefined {
  return list === undefined || list.length === 0 ? undefined : list;
}

function splitNode(node: string): BEncodable {
  const colon = node.lastIndexOf(':');
  return [node.slice(0, colon).replace(/^\[|\]$/g, ''), Number(node.slice(colon + 1))];
}

/** Identical files have the same root: each stands once. */
function layerDictionary(layers: readonly PieceLayer[]): ReadonlyMap<Uint8Array, Uint8Array> {
  const byRoot = new Map<string, PieceLayer>();
  for (const layer of layers) byRoot.set(layer.root.join(), layer);
  return new Map([...byRoot.values()].map(({ root, layer }) => [root, layer]));
}

/** The layers that an info dictionary knows, for writing it to a file; undefined for v1. */
export function pieceLayersOf(info: InfoDictionary): PieceLayer[] | undefined {
  if (info.format === 'v1') return undefined;
  const layers: PieceLayer[] = [];
  for (const { piecesRoot, pieceLayer } of info.files) {
    if (piecesRoot !== undefined && pieceLayer !== undefined) layers.push({ root: piecesRoot, layer: pieceLayer });
  }
  return layers;
}
