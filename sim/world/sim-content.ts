// Contents to share: random bytes from the world's seed, their files, and the .torrent file that describes them.
import { assert } from '../../src/base/assert.ts';
import { writeUint32 } from '../../src/base/bytes.ts';
import { type Random, randomBelow, randomBytes } from '../../src/base/random.ts';
import { BLOCK_BYTES } from '../../src/protocol/limits.ts';
import {
  decodeMetainfo,
  type InfoDictionary,
  type MetainfoCrypto,
  type TorrentFormat,
} from '../../src/protocol/metainfo/index.ts';
import { sampleTorrent } from '../../src/protocol/metainfo/testing/sample-torrent.ts';

export interface ContentOptions {
  /** Of a content that is one file; the last piece is short. @defaultValue 16 */
  readonly pieceCount?: number;
  /** @defaultValue 32768 */
  readonly pieceLengthBytes?: number;
  /** Lengths of the files of a content that is a folder; instead of `pieceCount`. */
  readonly files?: readonly number[];
  /** @defaultValue `'v1'` */
  readonly format?: TorrentFormat;
  readonly name?: string;
  /** Random bytes cost time: a large content repeats some, a number in each block making the pieces differ. */
  readonly isRepetitive?: boolean;
  /** Announce URLs, one tier each. */
  readonly trackers?: readonly string[];
  readonly private?: boolean;
}

export interface SimContentFile {
  /** Under the folder that the content is saved to. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

export class SimContent {
  readonly name: string;
  /** The .torrent file. */
  readonly metainfo: Uint8Array;
  readonly info: InfoDictionary;
  /** What handshakes and trackers use: the v1 info-hash, or the first 20 bytes of the v2 one. */
  readonly infoHash: Uint8Array;
  /** The byte space: files, pads and gaps. */
  readonly bytes: Uint8Array;
  readonly files: readonly SimContentFile[];
  /** Announce URLs. */
  readonly trackers: readonly string[];

  constructor(options: ContentOptions, random: Random, crypto: MetainfoCrypto) {
    const { pieceCount = 16, pieceLengthBytes = 32_768, format = 'v1' } = options;
    this.name = options.name ?? `content-${randomBelow(random, 1_000_000)}`;
    const lengths = options.files ?? [pieceCount * pieceLengthBytes - randomBelow(random, pieceLengthBytes)];
    const isMultiFile = options.files !== undefined;
    const files = lengths.map((lengthBytes, index) => ({
      // Every third file stands in a folder of its own.
      path: isMultiFile ? [...(index % 3 === 2 ? [`folder-${index}`] : []), `file-${index}`] : [this.name],
      bytes: fill(random, new Uint8Array(lengthBytes), options.isRepetitive === true),
    }));
    files.sort((left, right) => (left.path.join('/') < right.path.join('/') ? -1 : 1));
    const { torrentBytes, space } = sampleTorrent(
      {
        format,
        files,
        pieceLengthBytes,
        name: this.name,
        isMultiFile,
        private: options.private === true,
        around: { trackers: (options.trackers ?? []).map((url) => [url]) },
      },
      crypto,
    );
    const decoded = decodeMetainfo(torrentBytes, crypto);
    assert(decoded.ok, 'a made torrent is a valid one');
    this.metainfo = torrentBytes;
    this.trackers = options.trackers ?? [];
    this.info = decoded.value.info;
    this.infoHash = this.info.infoHash ?? this.info.infoHashV2!.slice(0, 20);
    this.bytes = space;
    const prefix = isMultiFile ? `${this.name}/` : '';
    this.files = files.map(({ path, bytes }) => ({ path: prefix + path.join('/'), bytes }));
  }

  get pieceCount(): number {
    return this.info.pieceCount;
  }

  /** The bytes of a piece; a view. */
  piece(pieceIndex: number): Uint8Array {
    const { pieceLengthBytes } = this.info;
    return this.bytes.subarray(pieceIndex * pieceLengthBytes, (pieceIndex + 1) * pieceLengthBytes);
  }

  /** The file's bytes where only the given pieces are there, other bytes being zero. */
  fileWithPieces(fileIndex: number, hasPiece: (pieceIndex: number) => boolean): Uint8Array {
    const { path, bytes } = this.files[fileIndex]!;
    const partial = bytes.slice();
    const entry = this.info.files.find(
      (file) => !file.pad && [...(this.info.isMultiFile ? [this.name] : []), ...file.path].join('/') === path,
    );
    assert(entry !== undefined, 'every file stands in the info dictionary');
    const { pieceLengthBytes } = this.info;
    const { offsetBytes } = entry;
    const endPiece = Math.ceil((offsetBytes + partial.length) / pieceLengthBytes);
    for (let piece = Math.floor(offsetBytes / pieceLengthBytes); piece < endPiece; piece++) {
      const begin = Math.max(0, piece * pieceLengthBytes - offsetBytes);
      if (!hasPiece(piece)) partial.fill(0, begin, (piece + 1) * pieceLengthBytes - offsetBytes);
    }
    return partial;
  }
}

function fill(random: Random, bytes: Uint8Array, isRepetitive: boolean): Uint8Array {
  if (!isRepetitive) return randomBytes(random, bytes);
  const pattern = randomBytes(random, new Uint8Array(BLOCK_BYTES));
  for (let begin = 0; begin < bytes.length; begin += BLOCK_BYTES) {
    const block = bytes.subarray(begin, begin + BLOCK_BYTES);
    block.set(pattern.subarray(0, block.length));
    if (block.length >= 4) writeUint32(block, 0, begin / BLOCK_BYTES);
  }
  return bytes;
}
