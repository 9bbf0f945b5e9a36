// The open files of one thread, over all storages: the least recently used one is closed to make room. A handle is looked
// at again once a second, so that a file that was deleted or replaced meanwhile is not read or written as a ghost.
import { closeSync, fstatSync } from 'node:fs';

const CHECK_MS = 1_000;
/** Above FILES_MAX plus a part file: storage id and file index share one number. */
const FILES_PER_STORAGE = 2_097_152;

export interface FileHandle {
  readonly fd: number;
  readonly isWritable: boolean;
  checkedMs: number;
}

export class FileHandles {
  readonly #max: number;
  // BOUNDED: `max`; in the order of last use.
  readonly #handles = new Map<number, FileHandle>();
  #lastKey = -1;

  constructor(max: number) {
    this.#max = Math.max(1, max);
  }

  get count(): number {
    return this.#handles.size;
  }

  /** The file's handle if it is open, and still the file of that name. */
  get(storageId: number, fileIndex: number, forWriting: boolean): FileHandle | undefined {
    const key = storageId * FILES_PER_STORAGE + fileIndex;
    const handle = this.#handles.get(key);
    if (handle === undefined) return undefined;
    if ((forWriting && !handle.isWritable) || !isStillThere(handle)) {
      this.#close(key, handle);
      return undefined;
    }
    if (key !== this.#lastKey) {
      this.#handles.delete(key);
      this.#handles.set(key, handle);
      this.#lastKey = key;
    }
    return handle;
  }

  add(storageId: number, fileIndex: number, fd: number, isWritable: boolean): FileHandle {
    this.closeAbove(this.#max - 1);
    const key = storageId * FILES_PER_STORAGE + fileIndex;
    const handle: FileHandle = { fd, isWritable, checkedMs: performance.now() };
    this.#handles.set(key, handle);
    this.#lastKey = key;
    return handle;
  }

  /** Closes the least recently used files until no more than `count` are open. */
  closeAbove(count: number): void {
    for (const [key, handle] of this.#handles) {
      if (this.#handles.size <= count) return;
      this.#close(key, handle);
    }
  }

  /** Closes all files of one storage. */
  closeStorage(storageId: number): void {
    for (const [key, handle] of this.#handles) {
      if (Math.floor(key / FILES_PER_STORAGE) === storageId) this.#close(key, handle);
    }
  }

  close(storageId: number, fileIndex: number): void {
    const key = storageId * FILES_PER_STORAGE + fileIndex;
    const handle = this.#handles.get(key);
    if (handle !== undefined) this.#close(key, handle);
  }

  #close(key: number, handle: FileHandle): void {
    this.#handles.delete(key);
    if (key === this.#lastKey) this.#lastKey = -1;
    closeSync(handle.fd);
  }
}

function isStillThere(handle: FileHandle): boolean {
  const nowMs = performance.now();
  if (nowMs - handle.checkedMs < CHECK_MS) return true;
  handle.checkedMs = nowMs;
  return fstatSync(handle.fd).nlink > 0;
}
