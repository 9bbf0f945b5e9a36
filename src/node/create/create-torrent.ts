// Makes a torrent of a file or folder (BEP 3, 12, 19, 27, 47, 52): finds the files, hashes them, writes the .torrent's
// bytes. Knows no session. The files must not change meanwhile; one that does ends it with an error.

import { bytesToHex } from '../../base/bytes.ts';
import type { DiskError } from '../../platform/disk.ts';
import {
  PIECE_LENGTH_MAX_BYTES,
  PIECE_LENGTH_V2_MIN_BYTES,
  PIECES_MAX,
  TORRENT_FILE_MAX_BYTES,
} from '../../protocol/limits.ts';
import { formatMagnet, magnetOf } from '../../protocol/magnet/index.ts';
import { MERKLE_HASH_BYTES, rootFromLayer } from '../../protocol/merkle/index.ts';
import {
  acceptUrl,
  buildInfoDictionary,
  decodeMetainfo,
  encodeMetainfo,
  type Metainfo,
  type PieceLayer,
  type Placed,
  placeFiles,
  type TorrentFormat,
  TRACKER_SCHEMES,
  WEB_SEED_SCHEMES,
} from '../../protocol/metainfo/index.ts';
import { DiskFailure } from '../disk/disk-failure.ts';
import { NodeCrypto } from '../system/node-crypto.ts';
import { assertUnchanged, type Content, type ContentFile, walkContent } from './content-walk.ts';
import { type ContentHashes, hashContent } from './hash-content.ts';
import { automaticPieceLength } from './piece-length.ts';

const CREATED_BY_DEFAULT = 'Millrace';
/** A piece length that would give the torrent this share of its largest size in hashes is refused before hashing. */
const HASHES_SHARE_MAX = 0.9;

export interface CreateOptions {
  /** @defaultValue `v1` */
  readonly format?: TorrentFormat | undefined;
  /** @defaultValue chosen by size, see `automaticPieceLength` */
  readonly pieceLengthBytes?: number | undefined;
  /** One tier each. */
  readonly trackers?: readonly string[] | undefined;
  readonly webSeeds?: readonly string[] | undefined;
  readonly private?: boolean | undefined;
  readonly comment?: string | undefined;
  readonly source?: string | undefined;
  /** @defaultValue `Millrace` */
  readonly createdBy?: string | undefined;
  /** Seconds since 1970; null leaves it out. @defaultValue now */
  readonly creationDate?: number | null | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with 0 first, then after every few MiB, at last with the total. */
  readonly onProgress?: ((progress: { readonly hashedBytes: number; readonly totalBytes: number }) => void) | undefined;
}

export interface CreatedFile {
  /** The .torrent file. */
  readonly bytes: Uint8Array;
  readonly metainfo: Metainfo;
  readonly name: string;
  /** Lower-case hexadecimal. */
  readonly infoHash: string | undefined;
  readonly infoHashV2: string | undefined;
  readonly magnet: string;
  /** A sentence for each entry of the folder that was left out. */
  readonly skipped: readonly string[];
}

export type CreateOutcome =
  | { readonly ok: true; readonly created: CreatedFile }
  | { readonly ok: false; readonly error: DiskError };

/**
 * @throws {RangeError} The piece length does not fit the format or the content.
 * @throws {TypeError} A tracker or web seed is no URL of a known scheme.
 * @throws `signal.reason` when aborted.
 */
export async function createTorrent(path: string, options: CreateOptions = {}): Promise<CreateOutcome> {
  const { signal } = options;
  signal?.throwIfAborted();
  checkPieceLength(options.format ?? 'v1', options.pieceLengthBytes);
  checkUrls(options.trackers, TRACKER_SCHEMES, 'tracker');
  checkUrls(options.webSeeds, WEB_SEED_SCHEMES, 'web seed');
  try {
    return await create(path, options);
  } catch (error) {
    if (!(error instanceof DiskFailure)) throw error;
    return { ok: false, error: { code: error.code, message: error.message } };
  }
}

async function create(path: string, options: CreateOptions): Promise<CreateOutcome> {
  const { format = 'v1', signal, onProgress } = options;
  const content = await walkContent(path, signal);
  const { files } = content;
  if (files.length === 0) throw new DiskFailure('DISK_NOT_FOUND', `${path} holds no file to share`);
  if (format === 'v2' && content.isFolder && files.length === 1 && files[0]!.path.join('/') === content.name) {
    const message = `a v2 torrent cannot tell ${path}, whose only file has the folder's own name, from that file`;
    throw new DiskFailure('DISK_PATH_CONFLICT', message);
  }
  const totalBytes = files.reduce((sum, file) => sum + file.lengthBytes, 0);
  const pieceLengthBytes = options.pieceLengthBytes ?? automaticPieceLength(totalBytes);
  const placed = placeFiles(files, format, pieceLengthBytes);
  checkPieceCount(placed, format, pieceLengthBytes);

  onProgress?.({ hashedBytes: 0, totalBytes });
  const hashes = await hashContent({
    format,
    pieceLengthBytes,
    files,
    placed,
    signal,
    onHashed: (hashedBytes) => onProgress?.({ hashedBytes, totalBytes }),
  });
  if (hashes.error !== undefined) return { ok: false, error: hashes.error };
  await assertUnchanged(files, signal);
  const bytes = torrentBytes(content, placed, pieceLengthBytes, hashes, options);
  return { ok: true, created: describe(bytes, content.skipped) };
}

function torrentBytes(
  content: Content,
  placed: readonly Placed<ContentFile>[],
  pieceLengthBytes: number,
  hashes: ContentHashes,
  options: CreateOptions,
): Uint8Array {
  const { format = 'v1' } = options;
  const trees = format === 'v1' ? undefined : fileTrees(placed, pieceLengthBytes, hashes.roots);
  const infoBytes = buildInfoDictionary({
    format,
    name: content.name,
    isMultiFile: content.isFolder,
    pieceLengthBytes,
    files: content.files.map((file) => ({ ...file, piecesRoot: trees?.roots.get(file) })),
    pieceHashes: hashes.sha1s,
    private: options.private,
    source: options.source,
  });
  const creationDate = options.creationDate === undefined ? Math.floor(Date.now() / 1000) : options.creationDate;
  return encodeMetainfo({
    infoBytes,
    pieceLayers: trees?.layers,
    trackers: options.trackers?.map((url) => [url]) ?? [],
    webSeeds: options.webSeeds ?? [],
    comment: options.comment,
    createdBy: options.createdBy ?? CREATED_BY_DEFAULT,
    creationDate: creationDate ?? undefined,
  });
}

/** The root of each file from the roots of its pieces, and the layers of files longer than a piece (BEP 52). */
function fileTrees(
  placed: readonly Placed<ContentFile>[],
  pieceLengthBytes: number,
  pieceRoots: Uint8Array,
): { roots: Map<ContentFile, Uint8Array>; layers: PieceLayer[] } {
  const crypto = new NodeCrypto();
  const roots = new Map<ContentFile, Uint8Array>();
  const layers: PieceLayer[] = [];
  for (const { file, offsetBytes, lengthBytes } of placed) {
    if (file === undefined || lengthBytes === 0) continue;
    const start = (offsetBytes / pieceLengthBytes) * MERKLE_HASH_BYTES;
    const layer = pieceRoots.slice(start, start + Math.ceil(lengthBytes / pieceLengthBytes) * MERKLE_HASH_BYTES);
    const root = rootFromLayer(layer, pieceLengthBytes, (bytes) => crypto.sha256(bytes));
    roots.set(file, root);
    if (lengthBytes > pieceLengthBytes) layers.push({ root, layer });
  }
  return { roots, layers };
}

/** Reads the torrent back as any client will: what Millrace writes, Millrace accepts. */
function describe(bytes: Uint8Array, skipped: readonly string[]): CreatedFile {
  const parsed = decodeMetainfo(bytes, new NodeCrypto());
  if (!parsed.ok) throw new RangeError(parsed.problem.message);
  const metainfo = parsed.value;
  const { name, infoHash, infoHashV2 } = metainfo.info;
  return {
    bytes,
    metainfo,
    name,
    infoHash: infoHash && bytesToHex(infoHash),
    infoHashV2: infoHashV2 && bytesToHex(infoHashV2),
    magnet: formatMagnet(magnetOf(metainfo)),
    skipped,
  };
}

function checkPieceLength(format: TorrentFormat, length: number | undefined): void {
  if (length === undefined) return;
  if (!Number.isInteger(length) || length < 1 || length > PIECE_LENGTH_MAX_BYTES) {
    throw new RangeError(`The piece length ${length} is not a whole number from 1 to ${PIECE_LENGTH_MAX_BYTES}.`);
  }
  const isPowerOfTwo = (length & (length - 1)) === 0;
  if (format !== 'v1' && (!isPowerOfTwo || length < PIECE_LENGTH_V2_MIN_BYTES)) {
    throw new RangeError(
      `The piece length ${length} of a ${format} torrent is not a power of two of at least ${PIECE_LENGTH_V2_MIN_BYTES}.`,
    );
  }
}

function checkPieceCount(
  placed: readonly Placed<ContentFile>[],
  format: TorrentFormat,
  pieceLengthBytes: number,
): void {
  const last = placed[placed.length - 1]!;
  const pieceCount = Math.ceil((last.offsetBytes + last.lengthBytes) / pieceLengthBytes);
  const hashesBytes = pieceCount * (format === 'v1' ? 20 : format === 'v2' ? 32 : 52);
  if (pieceCount > PIECES_MAX || hashesBytes > TORRENT_FILE_MAX_BYTES * HASHES_SHARE_MAX) {
    throw new RangeError(
      `The piece length ${pieceLengthBytes} makes ${pieceCount} pieces, more than a torrent file can hold.`,
    );
  }
}

function checkUrls(urls: readonly string[] | undefined, schemes: readonly string[], what: string): void {
  for (const url of urls ?? []) {
    if (acceptUrl(url, schemes) !== url) {
      const names = schemes.map((scheme) => scheme.slice(0, -1)).join(', ');
      throw new TypeError(`The ${what} ${JSON.stringify(url)} is not a URL (${names}).`);
    }
  }
}
