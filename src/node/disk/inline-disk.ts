// The disk on the caller's own thread: for programs that run from sources, small tools and tests, and for checking files,
// with threads that help. Its calls block while they work, though never before they return; `WorkerDisk` is the one for a
// session.
import type { Disk, Storage, StorageSpec, WriteOutcome } from '../../platform/disk.ts';
import { OPEN_FILES_MAX } from '../../protocol/limits.ts';
import { FileLayout } from '../../storage/file-layout.ts';
import { diskErrorOf } from './disk-failure.ts';
import type { DiskAnswer, DiskJob } from './disk-job.ts';
import { DiskThread } from './disk-thread.ts';
import type { HashHelpers, HashPieceJob } from './hash-helpers.ts';
import { QueuedStorage, type StorageBackend } from './queued-storage.ts';
import type { StoredTorrent } from './stored-torrent.ts';

/** How long jobs may hold up the thread in one turn, in ms; one job may take longer. */
const TURN_MS = 8;
/** The same while threads help, whose answers are to be seen soon. */
const TURN_WITH_HELPERS_MS = 1;
/** A torrent of fewer bytes is hashed before a thread has started. */
const HELP_FROM_BYTES = 16 * 1024 * 1024;
const HASHES_AT_ONCE = 4;

export class InlineDisk implements Disk {
  readonly hashConcurrency: number;
  readonly wantsSharedMemory = false;
  readonly #helpers: HashHelpers | undefined;
  readonly #turnMs: number;
  readonly #thread = new DiskThread(OPEN_FILES_MAX);
  // BOUNDED: the torrents of the session.
  readonly #storages = new Set<QueuedStorage>();
  // BOUNDED: by what the storages' callers have under way.
  readonly #queue: (() => void)[] = [];
  #isScheduled = false;
  #lastStorageId = 0;
  #pendingWriteBytes = 0;

  constructor(helpers?: HashHelpers) {
    this.#helpers = helpers;
    this.#turnMs = helpers === undefined ? TURN_MS : TURN_WITH_HELPERS_MS;
    this.hashConcurrency = helpers?.concurrency ?? HASHES_AT_ONCE;
  }

  get pendingWriteBytes(): number {
    return this.#pendingWriteBytes;
  }

  openStorage(spec: StorageSpec): Storage {
    const storage = new QueuedStorage(spec, (torrent) =>
      this.#createBackend(torrent, () => this.#storages.delete(storage)),
    );
    this.#storages.add(storage);
    const totalBytes = spec.files.reduce((sum, file) => sum + file.lengthBytes, 0);
    if (totalBytes >= HELP_FROM_BYTES) this.#helpers?.start();
    return storage;
  }

  close(onDone: () => void): void {
    const finish = (): void => {
      this.#helpers?.close();
      onDone();
    };
    let openCount = this.#storages.size;
    if (openCount === 0) setImmediate(finish);
    for (const storage of this.#storages) {
      storage.close(() => {
        openCount--;
        if (openCount === 0) finish();
      });
    }
  }

  #createBackend(torrent: StoredTorrent, onReleased: () => void): StorageBackend {
    const thread = this.#thread;
    const schedule = (work: () => void): void => this.#schedule(work);
    const layout = new FileLayout(torrent.files.places, torrent.pieceLengthBytes);
    let storageId = ++this.#lastStorageId;
    thread.openStorage(storageId, torrent);
    const closeStorage = (): void => {
      thread.closeStorage(storageId);
      this.#helpers?.forget(storageId);
    };
    return {
      get storageId(): number {
        return storageId;
      },
      run: (job: DiskJob, data: Uint8Array | undefined, onDone: (answer: DiskAnswer) => void): void => {
        if (job.type === 'hashPiece' && this.#helpers !== undefined) {
          this.#hashSomewhere(job, torrent, layout.bytesOfPiece(job.pieceIndex), onDone);
        } else schedule(() => onDone(thread.run(job, data)));
      },
      read(pieceIndex, begin, targets, onDone): void {
        schedule(() => onDone(readNow(thread, storageId, pieceIndex, begin, targets)));
      },
      reopenTorrent: (): void => {
        closeStorage();
        storageId = ++this.#lastStorageId;
        thread.openStorage(storageId, torrent);
      },
      countPendingWrite: (bytes: number): void => {
        this.#pendingWriteBytes += bytes;
      },
      release(): void {
        closeStorage();
        onReleased();
      },
    };
  }

  /** By whoever is free first. */
  #hashSomewhere(
    job: HashPieceJob,
    torrent: StoredTorrent,
    costBytes: number,
    onDone: (answer: DiskAnswer) => void,
  ): void {
    this.#helpers?.add({ job, torrent, costBytes, onDone });
    this.#schedule(() => {
      const task = this.#helpers?.takeFirst();
      task?.onDone(this.#thread.run(task.job));
    });
  }

  #schedule(work: () => void): void {
    this.#queue.push(work);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#drain());
  }

  #drain(): void {
    this.#isScheduled = false;
    const startedMs = performance.now();
    // Work that comes up meanwhile waits for the following turn.
    for (let count = this.#queue.length; count > 0; count--) {
      this.#queue.shift()!();
      if (performance.now() - startedMs > this.#turnMs) break;
    }
    if (this.#queue.length === 0 || this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#drain());
  }
}

function readNow(
  thread: DiskThread,
  storageId: number,
  pieceIndex: number,
  begin: number,
  targets: readonly Uint8Array[],
): WriteOutcome {
  let position = begin;
  try {
    for (const target of targets) {
      if (!thread.read(storageId, pieceIndex, position, target)) {
        return { error: { code: 'DISK_NOT_FOUND', message: `the files do not have all of piece ${pieceIndex}` } };
      }
      position += target.length;
    }
  } catch (error) {
    return { error: diskErrorOf(error, 'read', `piece ${pieceIndex}`) };
  }
  return {};
}
