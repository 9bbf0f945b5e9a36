// Files that the main thread has open for uploads, over all storages. Their descriptors come from a disk thread, which
// opens them safely; reading from them does not block and needs no thread of ours. A file that is not being read may be
// closed to make room, and each is opened anew after a while: it may have been replaced.
import { closeSync } from 'node:fs';
import type { DiskError } from '../../platform/disk.ts';

const KEEP_MS = 5_000;

/** What a disk thread found: a descriptor, or why there is none. */
export interface OpenAnswer {
  readonly error?: DiskError | undefined;
  readonly fd?: number | undefined;
  readonly isPartFile?: boolean | undefined;
}

export interface ReadHandle {
  readonly fd: number;
  readonly isPartFile: boolean;
}

interface Entry {
  readonly storageId: number;
  readonly openedMs: number;
  handle: ReadHandle | undefined;
  /** Readers at the moment. */
  userCount: number;
  /** No longer in the table: closed when its last reader is done. */
  isDropped: boolean;
  // BOUNDED: reads under way.
  readonly waiting: ((entry: Entry, answer: OpenAnswer) => void)[];
}

export class ReadHandles {
  readonly #max: number;
  // BOUNDED: `max`, and more only while they are being read.
  readonly #entries = new Map<string, Entry>();

  constructor(max: number) {
    this.#max = max;
  }

  /**
   * Gives `use` the open file, opening it by `open` if it is not: then `use` runs in a later turn. `use` calls `finish`
   * once it has read.
   */
  withFile(
    storageId: number,
    fileIndex: number,
    open: (onOpened: (answer: OpenAnswer) => void) => void,
    use: (
      answer: { readonly error: DiskError | undefined; readonly handle: ReadHandle | undefined },
      finish: () => void,
    ) => void,
  ): void {
    const key = `${storageId} ${fileIndex}`;
    const found = this.#entries.get(key);
    const entry =
      found !== undefined && performance.now() - found.openedMs < KEEP_MS ? found : this.#add(key, storageId);
    entry.userCount++;
    const finish = (): void => {
      entry.userCount--;
      this.#closeIfUnused(entry);
    };
    if (entry.handle !== undefined) {
      use({ error: undefined, handle: entry.handle }, finish);
      return;
    }
    entry.waiting.push((opened, { error }) => use({ error, handle: opened.handle }, finish));
    if (entry.waiting.length > 1) return;
    open((answer) => {
      if (answer.fd !== undefined) entry.handle = { fd: answer.fd, isPartFile: answer.isPartFile === true };
      else this.#drop(key, entry);
      for (const waiter of entry.waiting.splice(0)) waiter(entry, answer);
    });
  }

  /** Closes the storage's files, those being read as soon as that is over. */
  closeStorage(storageId: number): void {
    for (const [key, entry] of this.#entries) if (entry.storageId === storageId) this.#drop(key, entry);
  }

  #add(key: string, storageId: number): Entry {
    const stale = this.#entries.get(key);
    if (stale !== undefined) this.#drop(key, stale);
    for (const [otherKey, other] of this.#entries) {
      if (this.#entries.size < this.#max) break;
      if (other.userCount === 0) this.#drop(otherKey, other);
    }
    const entry: Entry = {
      storageId,
      openedMs: performance.now(),
      handle: undefined,
      userCount: 0,
      isDropped: false,
      waiting: [],
    };
    this.#entries.set(key, entry);
    return entry;
  }

  #drop(key: string, entry: Entry): void {
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
    entry.isDropped = true;
    this.#closeIfUnused(entry);
  }

  #closeIfUnused(entry: Entry): void {
    if (!entry.isDropped || entry.userCount > 0 || entry.handle === undefined) return;
    const { fd } = entry.handle;
    entry.handle = undefined;
    try {
      // Nothing was written through it, so there is nothing to wait for: to ask another thread would cost ten times more.
      closeSync(fd);
    } catch {
      // How closing went tells nothing either.
    }
  }
}
