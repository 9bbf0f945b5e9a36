// Torrents of small contents held in memory, for tests: hashed the plain way, straight from the definitions.

import { concatBytes } from '../../../base/bytes.ts';
import { BLOCK_BYTES } from '../../limits.ts';
import { leafCountOf, merkleRoot } from '../../merkle/index.ts';
import {
  buildInfoDictionary,
  encodeMetainfo,
  type MetainfoCrypto,
  type MetainfoParts,
  type PieceLayer,
  placeFiles,
  type TorrentFormat,
} from '../index.ts';

export interface SampleFile {
  readonly path: readonly string[];
  readonly bytes: Uint8Array;
}

export interface SampleOptions {
  readonly format: TorrentFormat;
  readonly files: readonly SampleFile[];
  readonly pieceLengthBytes: number;
  /** The file's own name when there is no folder. */
  readonly name: string;
  readonly isMultiFile: boolean;
  readonly private?: boolean;
  readonly around?: Partial<MetainfoParts>;
}

export interface SampleTorrent {
  /** The .torrent file. */
  readonly torrentBytes: Uint8Array;
  readonly infoBytes: Uint8Array;
  /** The byte space: files, pads and gaps. */
  readonly space: Uint8Array;
}

export function sampleTorrent(options: SampleOptions, crypto: MetainfoCrypto): SampleTorrent {
  const { format, pieceLengthBytes } = options;
  const files = options.files.map(({ path, bytes }) => {
    const lengthBytes = bytes.length;
    if (lengthBytes === 0 || format === 'v1')
      return { path, bytes, lengthBytes, piecesRoot: undefined, layer: undefined };
    const leaves = concatBytes(slices(bytes, BLOCK_BYTES).map(crypto.sha256));
    const piecesRoot = merkleRoot(leaves, leafCountOf(lengthBytes), crypto.sha256);
    const layer = slices(leaves, (pieceLengthBytes / BLOCK_BYTES) * 32).map((part) =>
      merkleRoot(part, pieceLengthBytes / BLOCK_BYTES, crypto.sha256),
    );
    return { path, bytes, lengthBytes, piecesRoot, layer: concatBytes(layer) };
  });

  const placed = placeFiles(files, format, pieceLengthBytes);
  const last = placed[placed.length - 1]!;
  const space = new Uint8Array(last.offsetBytes + last.lengthBytes);
  for (const { file, offsetBytes } of placed) if (file !== undefined) space.set(file.bytes, offsetBytes);
  const infoBytes = buildInfoDictionary({
    ...options,
    files,
    pieceHashes: concatBytes(slices(space, pieceLengthBytes).map(crypto.sha1)),
  });
  const pieceLayers: PieceLayer[] = [];
  for (const { piecesRoot, layer, lengthBytes } of files) {
    if (piecesRoot !== undefined && lengthBytes > pieceLengthBytes) pieceLayers.push({ root: piecesRoot, layer });
  }
  const torrentBytes = encodeMetainfo({
    ...options.around,
    infoBytes,
    pieceLayers: format === 'v1' ? undefined : pieceLayers,
  });
  return { torrentBytes, infoBytes, space };
}

function slices(bytes: Uint8Array, size: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; start += size) parts.push(bytes.subarray(start, start + size));
  return parts;
}
