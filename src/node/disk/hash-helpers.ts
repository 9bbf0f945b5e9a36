// Worker threads that help a thread which hashes pieces itself: what is to be hashed waits in one queue, from which they
// are served and from which the caller's thread takes. A thread gets nothing before it has started, so nothing waits for
// one; and little at once, so that all end at the same time.
import { type DiskAnswer, type DiskJob, diskAnswerOf } from './disk-job.ts';
import type { StoredTorrent } from './stored-torrent.ts';
import type { WorkerDiskData, WorkerDiskJob } from './worker-disk.ts';
import { WorkerPool } from './worker-pool.ts';

/** Given to one thread at once, in bytes: the caller's thread looks for answers after each piece that it hashes. */
const GIVEN_BYTES_PER_THREAD = 8 * 1024 * 1024;
/** Given to one thread at once whatever their length, in pieces. */
const GIVEN_PIECES_PER_THREAD = 2;
/** `hashPiece` calls worth having under way, per thread: enough of small pieces to hide the way to the thread and back. */
const WAITING_PIECES_PER_THREAD = 128;

export type HashPieceJob = DiskJob & { readonly type: 'hashPiece' };

export interface HashTask {
  readonly job: HashPieceJob;
  readonly torrent: StoredTorrent;
  readonly costBytes: number;
  readonly onDone: (answer: DiskAnswer) => void;
}

export interface HashHelpersOptions {
  /** The worker's file: `workerUrl('disk-worker', import.meta.url)`. */
  readonly url: URL;
  readonly threadCount: number;
  readonly openFilesMax: number;
}

export class HashHelpers {
  readonly #threadCount: number;
  readonly #pool: WorkerPool<WorkerDiskJob, DiskAnswer>;
  // BOUNDED: `concurrency` of each torrent that is checked.
  readonly #waiting: HashTask[] = [];
  #isStarted = false;
  #givenBytes = 0;
  #givenCount = 0;

  constructor({ url, threadCount, openFilesMax }: HashHelpersOptions) {
    // The threads write nothing.
    const workerData: WorkerDiskData = { openFilesMax, writeLocks: undefined };
    this.#threadCount = threadCount;
    this.#pool = new WorkerPool({ url, threadsMax: threadCount, workerData });
  }

  /** How many pieces are worth having under way at once. */
  get concurrency(): number {
    return (this.#threadCount + 1) * WAITING_PIECES_PER_THREAD;
  }

  /** Starts the threads. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    for (let i = 0; i < this.#threadCount; i++) this.#pool.startThread(() => this.#give());
  }

  /** Every piece that is added is answered, or taken by `takeFirst`. */
  add(task: HashTask): void {
    this.#waiting.push(task);
    this.#give();
  }

  /** A piece that no thread has: it is the caller's from now on. */
  takeFirst(): HashTask | undefined {
    return this.#waiting.shift();
  }

  /** No piece of the torrent waits or is under way. */
  forget(storageId: number): void {
    this.#pool.forget(storageId);
  }

  /** Tells the threads to end. They have nothing left to do, so nobody has to wait for it. */
  close(): void {
    this.#pool.close(() => undefined);
  }

  #give(): void {
    const threads = this.#pool.readyThreadCount;
    for (let task = this.#waiting[0]; task !== undefined; task = this.#waiting[0]) {
      const isWelcome =
        this.#givenCount < threads * GIVEN_PIECES_PER_THREAD ||
        this.#givenBytes + task.costBytes <= threads * GIVEN_BYTES_PER_THREAD;
      if (!isWelcome) return;
      this.#waiting.shift();
      this.#run(task);
    }
  }

  #run({ job, torrent, costBytes, onDone }: HashTask): void {
    this.#givenCount++;
    this.#givenBytes += costBytes;
    const wrapped: WorkerDiskJob = { job, arenaId: 0, offset: 0, lengthBytes: 0, copy: undefined };
    const resources = [{ id: job.storageId, value: torrent }];
    this.#pool.run(wrapped, { cost: costBytes, resources }, (outcome) => {
      this.#givenCount--;
      this.#givenBytes -= costBytes;
      onDone(diskAnswerOf(outcome));
      this.#give();
    });
  }
}
