// The disk of a session: hashing and writing in worker threads, uploads read by the system's own asynchronous reads.
// Slabs are SharedArrayBuffers that the threads see in place: each is shown to a thread once, by its arena.
import { availableParallelism } from 'node:os';
import type { Disk, Storage, StorageSpec, WriteOutcome } from '../../platform/disk.ts';
import { OPEN_FILES_MAX } from '../../protocol/limits.ts';
import { FileLayout } from '../../storage/file-layout.ts';
import { type DiskAnswer, type DiskJob, diskAnswerOf } from './disk-job.ts';
import { QueuedStorage, type StorageBackend } from './queued-storage.ts';
import { ReadHandles } from './read-handles.ts';
import { StorageReader } from './storage-reader.ts';
import type { StoredTorrent } from './stored-torrent.ts';
import { type PoolResource, WorkerPool } from './worker-pool.ts';
import { createWriteLocks } from './write-locks.ts';

const THREADS_MAX = 4;
/** Of the files open at once, those that the main thread has open for uploads; the rest is shared by the threads. */
const READ_FILES_MAX: number = OPEN_FILES_MAX / 4;
/** Bytes of `hashPiece` given to the threads at once, per thread: what comes up meanwhile does not wait for long. */
const HASHING_BYTES_PER_THREAD: number = 8 * 1024 * 1024;
/** `hashPiece` calls worth having under way, per thread: enough to hide the way to the thread and back for small pieces. */
const HASHES_PER_THREAD = 128;
/**
 * Bytes that one thread may have to write before another helps. One thread hashes and writes about a gigabyte a second;
 * on two cores a second one would only take time from the thread that receives.
 */
const WRITES_STAY_BELOW: number | undefined = availableParallelism() <= 2 ? 16 * 1024 * 1024 : undefined;

/** What each thread is told when it starts. */
export interface WorkerDiskData {
  readonly openFilesMax: number;
  readonly writeLocks: SharedArrayBuffer | undefined;
}

/** A job with the memory it is about: a part of an arena, or a copy when the memory is not shared. */
export interface WorkerDiskJob {
  readonly job: DiskJob;
  /** 0: `copy`, or no memory at all. */
  readonly arenaId: number;
  readonly offset: number;
  readonly lengthBytes: number;
  readonly copy: Uint8Array | undefined;
}

export interface WorkerDiskOptions {
  /** The worker's file: `workerUrl('disk-worker', import.meta.url)`. */
  readonly url: URL;
  /** @defaultValue the machine's cores, at most 4 */
  readonly threadsMax?: number | undefined;
}

interface WaitingHash {
  readonly costBytes: number;
  start(): void;
}

export class WorkerDisk implements Disk {
  readonly hashConcurrency: number;
  readonly wantsSharedMemory = true;
  readonly #threadsMax: number;
  readonly #pool: WorkerPool<WorkerDiskJob, DiskAnswer>;
  readonly #readHandles = new ReadHandles(READ_FILES_MAX);
  // BOUNDED: the torrents of the session.
  readonly #storages = new Set<QueuedStorage>();
  // The threads forget an arena when its buffer is collected here.
  readonly #arenas = new WeakMap<SharedArrayBuffer, PoolResource>();
  readonly #collectedArenas: FinalizationRegistry<number>;
  // BOUNDED: `hashConcurrency` of each torrent that is checked.
  readonly #waitingHashes: WaitingHash[] = [];
  #hashingCount = 0;
  #hashingBytes = 0;
  #pendingWriteBytes = 0;

  constructor(options: WorkerDiskOptions) {
    this.#threadsMax = options.threadsMax ?? Math.min(THREADS_MAX, availableParallelism());
    this.hashConcurrency = this.#threadsMax * HASHES_PER_THREAD;
    const openFilesMax = Math.floor((OPEN_FILES_MAX - READ_FILES_MAX) / this.#threadsMax);
    const workerData: WorkerDiskData = { openFilesMax, writeLocks: createWriteLocks() };
    this.#pool = new WorkerPool({ url: options.url, threadsMax: this.#threadsMax, workerData });
    this.#collectedArenas = new FinalizationRegistry((id) => this.#pool.forget(id));
    // A thread takes longer to start than a torrent to be read: it starts meanwhile.
    this.#pool.startThread(() => undefined);
  }

  get pendingWriteBytes(): number {
    return this.#pendingWriteBytes;
  }

  openStorage(spec: StorageSpec): Storage {
    const storage = new QueuedStorage(spec, (torrent) =>
      this.#createBackend(torrent, () => this.#storages.delete(storage)),
    );
    this.#storages.add(storage);
    return storage;
  }

  close(onDone: () => void): void {
    let openCount = this.#storages.size;
    if (openCount === 0) this.#pool.close(onDone);
    for (const storage of this.#storages) {
      storage.close(() => {
        openCount--;
        if (openCount === 0) this.#pool.close(onDone);
      });
    }
  }

  #createBackend(torrent: StoredTorrent, onReleased: () => void): StorageBackend {
    const createResource = (): PoolResource => ({ id: this.#pool.nextResourceId(), value: torrent });
    let resource = createResource();
    const layout = new FileLayout(torrent.files.places, torrent.pieceLengthBytes);
    const reader = new StorageReader(torrent, layout, this.#readHandles);
    const run = (job: DiskJob, data: Uint8Array | undefined, onDone: (answer: DiskAnswer) => void): void => {
      if (job.type === 'hashPiece') this.#runHash(job, resource, layout.bytesOfPiece(job.pieceIndex), onDone);
      else this.#run(job, resource, data, data?.length ?? 0, onDone);
    };
    return {
      get storageId(): number {
        return resource.id;
      },
      run,
      read(pieceIndex, begin, targets, onDone: (outcome: WriteOutcome) => void): void {
        const storageId = resource.id;
        reader.read(storageId, pieceIndex, begin, targets, onDone, (fileIndex, onOpened) => {
          run({ type: 'openForReading', storageId, fileIndex }, undefined, onOpened);
        });
      },
      reopenTorrent: (): void => {
        this.#forget(resource.id);
        resource = createResource();
      },
      countPendingWrite: (bytes: number): void => {
        this.#pendingWriteBytes += bytes;
      },
      release: (): void => {
        this.#forget(resource.id);
        onReleased();
      },
    };
  }

  #forget(storageId: number): void {
    this.#readHandles.closeStorage(storageId);
    this.#pool.forget(storageId);
  }

  #run(
    job: DiskJob,
    torrent: PoolResource,
    data: Uint8Array | undefined,
    cost: number,
    onDone: (answer: DiskAnswer) => void,
  ): void {
    const arena = data === undefined ? undefined : this.#arenaOf(data.buffer);
    const wrapped: WorkerDiskJob = {
      job,
      arenaId: arena?.id ?? 0,
      offset: data?.byteOffset ?? 0,
      lengthBytes: data?.length ?? 0,
      copy: arena === undefined ? data?.slice() : undefined,
    };
    const resources = arena === undefined ? [torrent] : [torrent, arena];
    const stayBelow = data === undefined ? undefined : WRITES_STAY_BELOW;
    this.#pool.run(wrapped, { cost, stayBelow, resources }, (outcome) => onDone(diskAnswerOf(outcome)));
  }

  #runHash(job: DiskJob, torrent: PoolResource, costBytes: number, onDone: (answer: DiskAnswer) => void): void {
    const start = (): void => {
      this.#hashingCount++;
      this.#hashingBytes += costBytes;
      this.#run(job, torrent, undefined, costBytes, (answer) => {
        this.#hashingCount--;
        this.#hashingBytes -= costBytes;
        onDone(answer);
        this.#startHashes();
      });
    };
    this.#waitingHashes.push({ costBytes, start });
    this.#startHashes();
  }

  #startHashes(): void {
    const bytesMax = this.#threadsMax * HASHING_BYTES_PER_THREAD;
    for (let next = this.#waitingHashes[0]; next !== undefined; next = this.#waitingHashes[0]) {
      const fits = this.#hashingCount < this.#threadsMax || this.#hashingBytes + next.costBytes <= bytesMax;
      if (!fits) return;
      this.#waitingHashes.shift();
      next.start();
    }
  }

  #arenaOf(memory: ArrayBufferLike): PoolResource | undefined {
    if (!(memory instanceof SharedArrayBuffer)) return undefined;
    let arena = this.#arenas.get(memory);
    if (arena === undefined) {
      arena = { id: this.#pool.nextResourceId(), value: memory };
      this.#arenas.set(memory, arena);
      this.#collectedArenas.register(memory, arena.id);
    }
    return arena;
  }
}
