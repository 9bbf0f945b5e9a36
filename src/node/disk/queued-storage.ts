// The main thread's end of one torrent's storage: checks and translates the calls of `Storage` into jobs, and keeps
// their order where it matters. Jobs run side by side; changing what is wanted, and looking for a part file before the
// first job, run alone. Does not know where jobs run.
import { assert } from '../../base/assert.ts';
import type {
  DiskError,
  ExpectedHash,
  FileStatus,
  PieceHashing,
  PieceOutcome,
  Storage,
  StorageSpec,
  WriteOutcome,
} from '../../platform/disk.ts';
import type { DiskAnswer, DiskJob } from './disk-job.ts';
import type { ExpectedDigest } from './piece-hasher.ts';
import { type StoredTorrent, setWanted, storedTorrentOf } from './stored-torrent.ts';

const CLOSED: DiskError = { code: 'DISK_CLOSED', message: 'the storage is closed' };

/** What a disk offers to its storages. Nothing answers before the call has returned. */
export interface StorageBackend {
  /** The number under which the threads know the torrent at the moment. */
  readonly storageId: number;
  run(job: DiskJob, data: Uint8Array | undefined, onDone: (answer: DiskAnswer) => void): void;
  read(
    pieceIndex: number,
    begin: number,
    targets: readonly Uint8Array[],
    onDone: (outcome: WriteOutcome) => void,
  ): void;
  /** What the threads have open of the torrent is closed, and later jobs open it anew. Called while no job is under way. */
  reopenTorrent(): void;
  /** Bytes of writes that began to wait (above zero) or were answered. */
  countPendingWrite(bytes: number): void;
  /** Closes the torrent's files. Called once, while no job is under way. */
  release(): void;
}

interface Step {
  readonly runsAlone: boolean;
  start(finish: () => void): void;
  fail(error: DiskError): void;
}

export class QueuedStorage implements Storage {
  readonly #backend: StorageBackend;
  readonly #hashing: PieceHashing;
  readonly #torrent: StoredTorrent;
  // BOUNDED: by what the caller has under way; see `Disk.pendingWriteBytes` and `Disk.hashConcurrency`.
  readonly #waiting: Step[] = [];
  #runningCount = 0;
  #runsAlone = false;
  /** The part file has been looked for, and wanted files have what it had of them. */
  #isPrepared = false;
  #isReleased = false;
  #onClosed: (() => void)[] | undefined;

  constructor(spec: StorageSpec, createBackend: (torrent: StoredTorrent) => StorageBackend) {
    this.#torrent = storedTorrentOf(spec);
    this.#hashing = spec.hashing;
    this.#backend = createBackend(this.#torrent);
  }

  writePiece(
    pieceIndex: number,
    data: Uint8Array,
    expected: ExpectedHash,
    onDone: (outcome: PieceOutcome) => void,
  ): void {
    const digest = this.#digestOf(expected);
    this.#submitWrite(
      data,
      (storageId) => ({ type: 'writePiece', storageId, pieceIndex, expected: digest }),
      (answer) => onDone(pieceOutcome(answer)),
    );
  }

  writePart(pieceIndex: number, offset: number, data: Uint8Array, onDone: (outcome: WriteOutcome) => void): void {
    this.#submitWrite(
      data,
      (storageId) => ({ type: 'writePart', storageId, pieceIndex, begin: offset }),
      (answer) => onDone({ error: answer.error }),
    );
  }

  hashPiece(pieceIndex: number, expected: ExpectedHash, onDone: (outcome: PieceOutcome) => void): void {
    const digest = this.#digestOf(expected);
    this.#submitJob(
      (storageId) => ({ type: 'hashPiece', storageId, pieceIndex, expected: digest }),
      (answer) => onDone(pieceOutcome(answer)),
    );
  }

  read(
    pieceIndex: number,
    begin: number,
    targets: readonly Uint8Array[],
    onDone: (outcome: WriteOutcome) => void,
  ): void {
    this.#submit({
      runsAlone: false,
      start: (finish) => {
        this.#backend.read(pieceIndex, begin, targets, (outcome) => {
          onDone(outcome);
          finish();
        });
      },
      fail: (error) => onDone({ error }),
    });
  }

  stat(onDone: (error: DiskError | undefined, files: readonly FileStatus[]) => void): void {
    this.#submitJob(
      (storageId) => ({ type: 'stat', storageId }),
      ({ error, lengths = new Float64Array() }) => {
        const files = Array.from(lengths, (length) => ({ exists: length >= 0, lengthBytes: Math.max(0, length) }));
        onDone(error, files);
      },
    );
  }

  createEmptyFiles(onDone: (outcome: WriteOutcome) => void): void {
    this.#submitJob(
      (storageId) => ({ type: 'createEmptyFiles', storageId }),
      ({ error }) => onDone({ error }),
    );
  }

  setWanted(wanted: readonly boolean[], onDone: (outcome: WriteOutcome) => void): void {
    assert(wanted.length === this.#torrent.files.fileCount, 'one truth value a file');
    this.#submit({
      runsAlone: true,
      start: (finish) => {
        setWanted(this.#torrent, wanted);
        this.#backend.reopenTorrent();
        this.#prepare((error) => {
          onDone({ error });
          finish();
        });
      },
      fail: (error) => onDone({ error }),
    });
  }

  flush(onDone: (outcome: WriteOutcome) => void): void {
    this.#submitJob(
      (storageId) => ({ type: 'flush', storageId }),
      ({ error }) => onDone({ error }),
    );
  }

  close(onDone: () => void): void {
    if (this.#isReleased) {
      setImmediate(onDone);
    } else if (this.#onClosed !== undefined) {
      this.#onClosed.push(onDone);
    } else {
      this.#onClosed = [onDone];
      if (this.#runningCount === 0 && this.#waiting.length === 0) setImmediate(() => this.#pump());
    }
  }

  #digestOf(expected: ExpectedHash): ExpectedDigest {
    const { sha1, merkle } = expected;
    assert(!this.#hashing.v1 || sha1 !== undefined, 'a piece of a v1 torrent has a SHA-1');
    return {
      sha1: sha1 === undefined ? '' : latin1(sha1),
      merkleRoot: merkle === undefined ? '' : latin1(merkle.root),
      leafCount: merkle?.leafCount ?? 0,
      dataBytes: merkle?.dataBytes ?? 0,
    };
  }

  #submitWrite(data: Uint8Array, jobFor: (storageId: number) => DiskJob, onDone: (answer: DiskAnswer) => void): void {
    this.#backend.countPendingWrite(data.length);
    const answered = (answer: DiskAnswer): void => {
      this.#backend.countPendingWrite(-data.length);
      onDone(answer);
    };
    this.#submitJob(jobFor, answered, data);
  }

  #submitJob(
    jobFor: (storageId: number) => DiskJob,
    onDone: (answer: DiskAnswer) => void,
    data?: Uint8Array | undefined,
  ): void {
    this.#submit({
      runsAlone: false,
      start: (finish) => {
        this.#backend.run(jobFor(this.#backend.storageId), data, (answer) => {
          onDone(answer);
          finish();
        });
      },
      fail: (error) => onDone({ error }),
    });
  }

  #submit(step: Step): void {
    if (this.#onClosed !== undefined) {
      setImmediate(() => step.fail(CLOSED));
      return;
    }
    this.#waiting.push(step);
    this.#pump();
  }

  #pump(): void {
    while (this.#waiting.length > 0 && !this.#runsAlone) {
      if (!this.#isPrepared) {
        this.#startPreparing();
        return;
      }
      const step = this.#waiting[0]!;
      if (step.runsAlone && this.#runningCount > 0) return;
      this.#waiting.shift();
      this.#start(step);
    }
    if (this.#onClosed === undefined || this.#runningCount > 0 || this.#waiting.length > 0 || this.#isReleased) return;
    this.#isReleased = true;
    this.#backend.release();
    for (const onDone of this.#onClosed) onDone();
  }

  #start(step: Step): void {
    this.#runningCount++;
    this.#runsAlone = step.runsAlone;
    step.start(() => {
      this.#runningCount--;
      if (step.runsAlone) this.#runsAlone = false;
      this.#pump();
    });
  }

  #startPreparing(): void {
    this.#start({
      runsAlone: true,
      start: (finish) => {
        this.#prepare((error) => {
          // Nobody may read or write while what the part file has is not where it belongs.
          if (error !== undefined) for (const step of this.#waiting.splice(0)) step.fail(error);
          finish();
        });
      },
      fail: () => undefined,
    });
  }

  #prepare(onDone: (error: DiskError | undefined) => void): void {
    this.#isPrepared = false;
    this.#backend.run({ type: 'adoptPartFile', storageId: this.#backend.storageId }, undefined, ({ error }) => {
      this.#isPrepared = error === undefined;
      onDone(error);
    });
  }
}

function pieceOutcome({ error, matched = false, blockSha1s }: DiskAnswer): PieceOutcome {
  return { error, matched, blockSha1s };
}

/** One character a byte. */
function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
