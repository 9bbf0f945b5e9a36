// One torrent on the simulated disk: turns each call of the contract into a job, and answers it exactly once.
import { bytesEqual } from '../../src/base/bytes.ts';
import type {
  DiskError,
  DiskErrorCode,
  ExpectedHash,
  ExpectedMerkle,
  FileStatus,
  PieceOutcome,
  Storage,
  StorageSpec,
  WriteOutcome,
} from '../../src/platform/disk.ts';
import { BLOCK_BYTES } from '../../src/protocol/limits.ts';
import { merkleRoot } from '../../src/protocol/merkle/index.ts';
import type { SimFileSystem } from './sim-file-system.ts';
import { SimStorageFiles } from './sim-storage-files.ts';

export interface PieceHashes {
  sha1(bytes: Uint8Array): Uint8Array;
  sha256(bytes: Uint8Array): Uint8Array;
}

export interface DiskFaults {
  /** Reading this piece fails. */
  read?: ((pieceIndex: number) => DiskErrorCode | undefined) | undefined;
  /** Writing this piece fails. */
  write?: ((pieceIndex: number) => DiskErrorCode | undefined) | undefined;
  /** Reading this piece for a peer gives one wrong byte. */
  corrupt?: ((pieceIndex: number) => boolean) | undefined;
  /** Everything takes so many times as long; Infinity: nothing ends until it is set to less. */
  slowness: number;
}

export interface DiskJob {
  readonly storage: Storage;
  readonly durationMs: number;
  /** Runs alone among its storage's jobs, after all earlier ones. */
  readonly isBarrier: boolean;
  /** What the job does, at its end. */
  run(): void;
}

/** What a storage needs of its disk. */
export interface StorageDisk {
  readonly faults: DiskFaults;
  readonly flushMs: number;
  costMs(bytes: { readonly read?: number; readonly written?: number; readonly hashed?: number }): number;
  countPendingWrite(bytes: number): void;
  enqueue(job: DiskJob): void;
  answerSoon(answer: () => void): void;
}

const CLOSED: DiskError = { code: 'DISK_CLOSED', message: 'the storage is closed' };

export class SimStorage implements Storage {
  readonly #disk: StorageDisk;
  readonly #hashes: PieceHashes;
  readonly #files: SimStorageFiles;
  readonly #hashing: { readonly v1: boolean; readonly v2: boolean };
  #isClosed = false;

  constructor(disk: StorageDisk, hashes: PieceHashes, spec: StorageSpec, system: SimFileSystem) {
    this.#disk = disk;
    this.#hashes = hashes;
    this.#hashing = spec.hashing;
    this.#files = new SimStorageFiles(spec, system);
    // Files that have become wanted since the last time get what was kept for them, before anything else happens.
    const wanted = spec.files.map((file) => file.wanted);
    this.setWanted(wanted, () => {});
  }

  writePiece(
    pieceIndex: number,
    data: Uint8Array,
    expected: ExpectedHash,
    onDone: (outcome: PieceOutcome) => void,
  ): void {
    if (this.#refuses(() => onDone({ error: CLOSED, matched: false }))) return;
    this.#disk.countPendingWrite(data.length);
    this.#enqueue({ written: data.length, hashed: data.length }, () => {
      this.#disk.countPendingWrite(-data.length);
      if (!this.#matches(pieceIndex, data, expected)) {
        onDone({ error: undefined, matched: false, blockSha1s: this.#blockSha1s(data) });
        return;
      }
      const error = this.#write(pieceIndex, 0, data);
      onDone({ error, matched: error === undefined });
    });
  }

  writePart(pieceIndex: number, offset: number, data: Uint8Array, onDone: (outcome: WriteOutcome) => void): void {
    if (this.#refuses(() => onDone({ error: CLOSED }))) return;
    this.#disk.countPendingWrite(data.length);
    this.#enqueue({ written: data.length }, () => {
      this.#disk.countPendingWrite(-data.length);
      onDone({ error: this.#write(pieceIndex, offset, data) });
    });
  }

  hashPiece(pieceIndex: number, expected: ExpectedHash, onDone: (outcome: PieceOutcome) => void): void {
    if (this.#refuses(() => onDone({ error: CLOSED, matched: false }))) return;
    const lengthBytes = this.#files.layout.bytesOfPiece(pieceIndex);
    this.#enqueue({ read: lengthBytes, hashed: lengthBytes }, () => {
      const error = this.#readError(pieceIndex);
      const data = new Uint8Array(lengthBytes);
      if (error !== undefined) onDone({ error, matched: false });
      else if (!this.#files.read(pieceIndex, 0, data)) onDone({ error: undefined, matched: false });
      else if (this.#matches(pieceIndex, data, expected)) onDone({ error: undefined, matched: true });
      else onDone({ error: undefined, matched: false, blockSha1s: this.#blockSha1s(data) });
    });
  }

  read(
    pieceIndex: number,
    begin: number,
    targets: readonly Uint8Array[],
    onDone: (outcome: WriteOutcome) => void,
  ): void {
    if (this.#refuses(() => onDone({ error: CLOSED }))) return;
    const lengthBytes = targets.reduce((sum, target) => sum + target.length, 0);
    this.#enqueue({ read: lengthBytes }, () => {
      let error = this.#readError(pieceIndex);
      let position = begin;
      for (const target of targets) {
        if (error !== undefined) break;
        if (!this.#files.read(pieceIndex, position, target)) {
          error = { code: 'DISK_NOT_FOUND', message: `piece ${pieceIndex} is not all there` };
        }
        position += target.length;
      }
      const first = targets[0];
      if (first !== undefined && first.length > 0 && this.#disk.faults.corrupt?.(pieceIndex) === true) first[0]! ^= 1;
      onDone({ error });
    });
  }

  stat(onDone: (error: DiskError | undefined, files: readonly FileStatus[]) => void): void {
    if (this.#refuses(() => onDone(CLOSED, []))) return;
    this.#enqueue({}, () => onDone(undefined, this.#files.stat()));
  }

  createEmptyFiles(onDone: (outcome: WriteOutcome) => void): void {
    this.#simple(this.#disk.costMs({}), false, onDone, () => this.#files.createEmptyFiles());
  }

  setWanted(wanted: readonly boolean[], onDone: (outcome: WriteOutcome) => void): void {
    this.#simple(this.#disk.costMs({}), true, onDone, () => this.#files.setWanted(wanted));
  }

  flush(onDone: (outcome: WriteOutcome) => void): void {
    this.#simple(this.#disk.flushMs, true, onDone, () => undefined);
  }

  close(onDone: () => void): void {
    if (this.#refuses(onDone)) return;
    this.#simple(this.#disk.costMs({}), true, onDone, () => {
      this.#files.close();
      return undefined;
    });
    this.#isClosed = true;
  }

  /** After `close` nothing is done any more, but everything is answered. */
  #refuses(answer: () => void): boolean {
    if (this.#isClosed) this.#disk.answerSoon(answer);
    return this.#isClosed;
  }

  #simple(
    durationMs: number,
    isBarrier: boolean,
    onDone: (outcome: WriteOutcome) => void,
    work: () => DiskError | undefined,
  ): void {
    if (this.#refuses(() => onDone({ error: CLOSED }))) return;
    this.#disk.enqueue({ storage: this, durationMs, isBarrier, run: () => onDone({ error: work() }) });
  }

  #enqueue(cost: { read?: number; written?: number; hashed?: number }, run: () => void): void {
    this.#disk.enqueue({ storage: this, durationMs: this.#disk.costMs(cost), isBarrier: false, run });
  }

  #write(pieceIndex: number, offset: number, data: Uint8Array): DiskError | undefined {
    const code = this.#disk.faults.write?.(pieceIndex);
    if (code !== undefined) return { code, message: `writing piece ${pieceIndex} was made to fail` };
    return this.#files.write(pieceIndex, offset, data);
  }

  #readError(pieceIndex: number): DiskError | undefined {
    const code = this.#disk.faults.read?.(pieceIndex);
    return code === undefined ? undefined : { code, message: `reading piece ${pieceIndex} was made to fail` };
  }

  #matches(pieceIndex: number, data: Uint8Array, expected: ExpectedHash): boolean {
    // Data may end where the piece's last zeros begin; SHA-1 counts them.
    const whole = new Uint8Array(this.#files.layout.bytesOfPiece(pieceIndex));
    whole.set(data);
    if (this.#hashing.v1) {
      if (expected.sha1 === undefined) throw new Error(`piece ${pieceIndex} was given no SHA-1 to match`);
      if (!bytesEqual(this.#hashes.sha1(whole), expected.sha1)) return false;
    }
    if (!this.#hashing.v2 || expected.merkle === undefined) return true;
    return bytesEqual(this.#rootOf(whole, expected.merkle), expected.merkle.root);
  }

  #rootOf(piece: Uint8Array, { leafCount, dataBytes }: ExpectedMerkle): Uint8Array {
    const leaves = new Uint8Array(Math.ceil(dataBytes / BLOCK_BYTES) * 32);
    for (let begin = 0, leaf = 0; begin < dataBytes; begin += BLOCK_BYTES, leaf += 32) {
      leaves.set(this.#hashes.sha256(piece.subarray(begin, Math.min(begin + BLOCK_BYTES, dataBytes))), leaf);
    }
    return merkleRoot(leaves, leafCount, this.#hashes.sha256);
  }

  #blockSha1s(data: Uint8Array): Uint8Array {
    const sums = new Uint8Array(Math.ceil(data.length / BLOCK_BYTES) * 20);
    for (let block = 0; block * BLOCK_BYTES < data.length; block++) {
      sums.set(this.#hashes.sha1(data.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES)), block * 20);
    }
    return sums;
  }
}
