// What an info dictionary means for the disk and for peers: safe paths, the byte space, what each piece must hash to.
// Immutable and without I/O; which files are wanted is the only thing that is asked from outside.
import { assert } from '../../base/assert.ts';
import { bytesToHex } from '../../base/bytes.ts';
import type { ExpectedHash, ExpectedMerkle, StorageFile, StorageSpec } from '../../platform/disk.ts';
import { SessionError } from '../../platform/session-error.ts';
import { BLOCK_BYTES } from '../../protocol/limits.ts';
import type { InfoDictionary, MetainfoFile } from '../../protocol/metainfo/metainfo.ts';
import type { PieceSizes } from '../../protocol/wire/piece-sizes.ts';
import { FileLayout } from '../../storage/file-layout.ts';
import { safePaths } from '../../storage/safe-path.ts';

const SHA1_BYTES = 20;
const SHA256_BYTES = 32;

export interface ContentFile {
  /** Safe path parts under the save root. */
  readonly path: readonly string[];
  readonly lengthBytes: number;
  /** Pad files and symbolic links are never written. */
  readonly isOnDisk: boolean;
  readonly pad: boolean;
}

export class TorrentContent implements PieceSizes {
  readonly info: InfoDictionary;
  /** In the order of the info dictionary. */
  readonly files: readonly ContentFile[];
  readonly layout: FileLayout;
  /** For v2: the file that each piece belongs to. Undefined for v1. */
  readonly #fileOfPiece: Int32Array | undefined;

  /** @throws {SessionError} `METAINFO_INVALID` when no safe path can be made for a file. */
  constructor(info: InfoDictionary) {
    this.info = info;
    const paths = safePaths(
      info.files.map(({ path, pad }) => ({ path, pad })),
      info.name,
      info.isMultiFile,
    );
    if (!paths.ok) throw new SessionError('METAINFO_INVALID', `Not a valid torrent: ${paths.problem.message}.`);
    this.files = info.files.map((file, index) => ({
      path: paths.value[index]!,
      lengthBytes: file.lengthBytes,
      isOnDisk: !file.pad && file.symlink === undefined,
      pad: file.pad,
    }));
    this.layout = new FileLayout(info.files, info.pieceLengthBytes);
    // Metadata from peers may come without piece layers: a hybrid torrent is then checked by its v1 hashes alone.
    const lacksLayer = info.files.some(
      ({ piecesRoot, pieceLayer, lengthBytes }) =>
        piecesRoot !== undefined && pieceLayer === undefined && lengthBytes > info.pieceLengthBytes,
    );
    assert(!lacksLayer || info.format === 'hybrid', 'a v2 torrent has its piece layers');
    if (info.format !== 'v1' && !lacksLayer) this.#fileOfPiece = fileOfEachPiece(info.files, this.layout);
  }

  get pieceCount(): number {
    return this.info.pieceCount;
  }

  /** Size of the piece in the byte space, padding included. */
  pieceSizeBytes(pieceIndex: number): number {
    return this.layout.bytesOfPiece(pieceIndex);
  }

  /** Bytes of the piece that peers are asked for: padding at its end is not. */
  requestableBytes(pieceIndex: number): number {
    return this.layout.requestableBytesOfPiece(pieceIndex);
  }

  /**
   * Bytes of the piece that a peer may ask for. In a v2-only torrent libtorrent pads every file to whole pieces, the
   * last one too, and asks for whole blocks: beyond the file they are zeros.
   */
  bytesOfPiece(pieceIndex: number): number {
    return this.info.format === 'v2' ? this.info.pieceLengthBytes : this.pieceSizeBytes(pieceIndex);
  }

  expectedHash(pieceIndex: number): ExpectedHash {
    const { pieceHashes } = this.info;
    const at = pieceIndex * SHA1_BYTES;
    return { sha1: pieceHashes?.subarray(at, at + SHA1_BYTES), merkle: this.#merkle(pieceIndex) };
  }

  /** `wanted` has one value a file. */
  storageSpec(rootPath: string, wanted: readonly boolean[]): StorageSpec {
    const hash = this.info.infoHash ?? this.info.infoHashV2!;
    const files: StorageFile[] = this.files.map(({ path, lengthBytes, isOnDisk, pad }, index) => {
      const { offsetBytes } = this.info.files[index]!;
      return { path, lengthBytes, offsetBytes, pad, wanted: wanted[index]! && isOnDisk };
    });
    return {
      rootPath,
      key: bytesToHex(hash),
      files,
      pieceLengthBytes: this.info.pieceLengthBytes,
      hashing: { v1: this.info.pieceHashes !== undefined, v2: this.#fileOfPiece !== undefined },
    };
  }

  #merkle(pieceIndex: number): ExpectedMerkle | undefined {
    const fileIndex = this.#fileOfPiece?.[pieceIndex];
    if (fileIndex === undefined || fileIndex < 0) return undefined;
    const file = this.info.files[fileIndex]!;
    const { pieceLengthBytes } = this.info;
    const pieceInFile = pieceIndex - file.offsetBytes / pieceLengthBytes;
    const dataBytes = Math.min(pieceLengthBytes, file.lengthBytes - pieceInFile * pieceLengthBytes);
    if (file.lengthBytes <= pieceLengthBytes) {
      return { root: file.piecesRoot!, leafCount: leafCountOf(file.lengthBytes), dataBytes };
    }
    const at = pieceInFile * SHA256_BYTES;
    const root = file.pieceLayer!.subarray(at, at + SHA256_BYTES);
    return { root, leafCount: pieceLengthBytes / BLOCK_BYTES, dataBytes };
  }
}

/** Leaves of a file's tree: its blocks, made up to a power of two (BEP 52). */
function leafCountOf(lengthBytes: number): number {
  let count = 1;
  while (count * BLOCK_BYTES < lengthBytes) count *= 2;
  return count;
}

function fileOfEachPiece(files: readonly MetainfoFile[], layout: FileLayout): Int32Array {
  const fileOfPiece = new Int32Array(layout.pieceCount).fill(-1);
  for (let index = 0; index < files.length; index++) {
    if (files[index]!.pad) continue;
    const { first, end } = layout.pieceRangeOfFile(index);
    fileOfPiece.fill(index, first, end);
  }
  return fileOfPiece;
}
