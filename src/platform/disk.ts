// The disk as the engine sees it: pieces in, blocks out, hashes checked away from the caller. Where the work runs
// (worker threads, this thread, a simulation) cannot be told from here. Answers come through callbacks, never
// synchronously, and come exactly once, also when the storage is closed meanwhile (`DISK_CLOSED`).
//
// Memory: `data` of a write is a view of a slab that the caller took from `BlockPool`; it belongs to the disk until
// the answer and may not be changed meanwhile. Targets of a read likewise.

export type DiskErrorCode =
  | 'DISK_FULL'
  | 'DISK_PERMISSION'
  | 'DISK_READ_ONLY'
  | 'DISK_PATH_CONFLICT'
  | 'DISK_PATH_UNSAFE'
  | 'DISK_NOT_FOUND'
  | 'DISK_TOO_MANY_FILES'
  | 'DISK_IO'
  | 'DISK_CLOSED';

export interface DiskError {
  readonly code: DiskErrorCode;
  /** One sentence with the path and the system's own reason. */
  readonly message: string;
}

export interface StorageFile {
  /** Safe path parts under the root, as `storage/safe-path` made them; the last is the file's name. */
  readonly path: readonly string[];
  readonly lengthBytes: number;
  /** Where the file starts in the torrent's byte space; absent: where the file before it ends. Gaps read as zeros. */
  readonly offsetBytes?: number | undefined;
  /** Pad files (BEP 47) are never touched and read as zeros. */
  readonly pad: boolean;
  /** Unwanted files are never created; their share of a piece that a wanted file touches is kept in a part file. */
  readonly wanted: boolean;
}

/** One torrent's data on disk. Files stand in the torrent's byte space in this order. */
export interface StorageSpec {
  /** Absolute path of the save root. Nothing is ever created, written or read outside it, except through it being a link. */
  readonly rootPath: string;
  /** Distinguishes this torrent's part file from another's in the same root; lower-case hexadecimal. */
  readonly key: string;
  readonly files: readonly StorageFile[];
  readonly pieceLengthBytes: number;
  readonly hashing: PieceHashing;
}

/** Which hashes a piece must match: SHA-1 over the piece (v1), a SHA-256 Merkle root (v2), or both (hybrid). */
export interface PieceHashing {
  readonly v1: boolean;
  readonly v2: boolean;
}

export interface ExpectedHash {
  /** 20 bytes. Present exactly when `hashing.v1`. */
  readonly sha1?: Uint8Array | undefined;
  /** Present exactly when `hashing.v2` (pieces of pad files alone have none). */
  readonly merkle?: ExpectedMerkle | undefined;
}

/** BEP 52: the root over the piece's 16 KiB leaves; the leaf layer is padded with zero hashes to `leafCount`. */
export interface ExpectedMerkle {
  /** 32 bytes. */
  readonly root: Uint8Array;
  /** A power of two: leaves of a full piece, or of the file's own tree when the file fits in one piece. */
  readonly leafCount: number;
  /** Bytes of the piece that are file data, from its first byte on; the rest (pad file) is not hashed for v2. */
  readonly dataBytes: number;
}

export interface WriteOutcome {
  readonly error?: DiskError | undefined;
}

export interface PieceOutcome {
  readonly error?: DiskError | undefined;
  /** Meaningful without `error`. */
  readonly matched: boolean;
  /** When it did not match and the piece was in memory or could be read: SHA-1 of each 16 KiB block, joined (20 bytes each). */
  readonly blockSha1s?: Uint8Array | undefined;
}

export interface FileStatus {
  readonly exists: boolean;
  readonly lengthBytes: number;
}

export interface Storage {
  /**
   * Hashes the piece's bytes and writes them only when they match: the one call of an ordinary download.
   * Without `error` and with `matched` the bytes are in the files (in the page cache; see `flush`).
   * `data` may end where the piece's trailing pads and gaps begin. A piece of which no wanted file has a byte cannot be
   * written where its files do not exist (`DISK_NOT_FOUND`): there is no place for it.
   */
  writePiece(
    pieceIndex: number,
    data: Uint8Array,
    expected: ExpectedHash,
    onDone: (outcome: PieceOutcome) => void,
  ): void;
  /** Writes part of a piece that is too large to be kept in memory, unverified. `offset` counts from the piece's start. */
  writePart(pieceIndex: number, offset: number, data: Uint8Array, onDone: (outcome: WriteOutcome) => void): void;
  /** Reads the piece back and hashes it. Missing files or bytes: `matched` is false, without `error`. */
  hashPiece(pieceIndex: number, expected: ExpectedHash, onDone: (outcome: PieceOutcome) => void): void;
  /** Fills the targets with consecutive bytes of the piece from `begin` on. Too short a file is `DISK_NOT_FOUND`. */
  read(
    pieceIndex: number,
    begin: number,
    targets: readonly Uint8Array[],
    onDone: (outcome: WriteOutcome) => void,
  ): void;
  /** One status a file (pads and unwanted ones included), for deciding what there is to hash. */
  stat(onDone: (error: DiskError | undefined, files: readonly FileStatus[]) => void): void;
  /** Creates what no piece creates: the save root when any file is wanted, empty wanted files and their folders. */
  createEmptyFiles(onDone: (outcome: WriteOutcome) => void): void;
  /** Changes which files are wanted. Bytes of newly wanted files that stand in the part file move to their place. */
  setWanted(wanted: readonly boolean[], onDone: (outcome: WriteOutcome) => void): void;
  /** Data of all writes answered so far is on the medium when this answers. */
  flush(onDone: (outcome: WriteOutcome) => void): void;
  /** Finishes what is queued, closes the files, then answers. Idempotent. Removes an empty part file. */
  close(onDone: () => void): void;
}

export interface Disk {
  openStorage(spec: StorageSpec): Storage;
  /** Bytes handed to `writePiece` and `writePart` and not yet answered, over all storages. The caller reads no more from peers above its bound. */
  readonly pendingWriteBytes: number;
  /** How many `hashPiece` calls are worth having under way at once. */
  readonly hashConcurrency: number;
  /** Whether slabs should be SharedArrayBuffers (worker threads read them in place). */
  readonly wantsSharedMemory: boolean;
  /** Ends the threads; storages are closed first. */
  close(onDone: () => void): void;
}
