// The disk on the caller's own thread: for programs that run from sources, small tools and tests. Its calls block while
// they work, though never before they return; `WorkerDisk` is the one for a session.
import type { Disk, Storage, StorageSpec, WriteOutcome } from '../../platform/disk.ts';
import { OPEN_FILES_MAX } from '../../protocol/limits.ts';
import { diskErrorOf } from './disk-failure.ts';
import type { DiskAnswer, DiskJob } from './disk-job.ts';
import { DiskThread } from './disk-thread.ts';
import { QueuedStorage, type StorageBackend } from './queued-storage.ts';
import type { StoredTorrent } from './stored-torrent.ts';

/** How long jobs may hold up the thread in one turn, in ms; one job may take longer. */
const TURN_MS = 8;

export class InlineDisk implements Disk {
  readonly hashConcurrency = 4;
  readonly wantsSharedMemory = false;
  readonly #thread = new DiskThread(OPEN_FILES_MAX);
  // BOUNDED: the torrents of the session.
  readonly #storages = new Set<QueuedStorage>();
  // BOUNDED: by what the storages' callers have under way.
  readonly #queue: (() => void)[] = [];
  #isScheduled = false;
  #lastStorageId = 0;
  #pendingWriteBytes = 0;

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
    if (openCount === 0) setImmediate(onDone);
    for (const storage of this.#storages) {
      storage.close(() => {
        openCount--;
        if (openCount === 0) onDone();
      });
    }
  }

  #createBackend(torrent: StoredTorrent, onReleased: () => void): StorageBackend {
    const thread = this.#thread;
    const schedule = (work: () => void): void => this.#schedule(work);
    let storageId = ++this.#lastStorageId;
    thread.openStorage(storageId, torrent);
    return {
      get storageId(): number {
        return storageId;
      },
      run(job: DiskJob, data: Uint8Array | undefined, onDone: (answer: DiskAnswer) => void): void {
        schedule(() => onDone(thread.run(job, data)));
      },
      read(pieceIndex, begin, targets, onDone): void {
        schedule(() => onDone(readNow(thread, storageId, pieceIndex, begin, targets)));
      },
      reopenTorrent: (): void => {
        thread.closeStorage(storageId);
        storageId = ++this.#lastStorageId;
        thread.openStorage(storageId, torrent);
      },
      countPendingWrite: (bytes: number): void => {
        this.#pendingWriteBytes += bytes;
      },
      release(): void {
        thread.closeStorage(storageId);
        onReleased();
      },
    };
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
      if (performance.now() - startedMs > TURN_MS) break;
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
