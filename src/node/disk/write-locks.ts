// Lets one thread at a time write to a file. The system would make the others wait too, but it lets them wait with their
// core busy, which takes it from the thread that receives. A thread that waits here sleeps.
// Only speed depends on it: two threads never write the same bytes, so a lock that its holder took to the grave is simply
// taken over after a while.

/** Files share these locks; two that share one only wait longer. */
const LOCK_COUNT = 64;
/** No write of a piece takes as long on a disk that works, in ms. */
const TAKE_OVER_MS = 1_000;

const FREE = 0;
const HELD = 1;
/** Held, and somebody sleeps until it is free. */
const AWAITED = 2;

export function createWriteLocks(): SharedArrayBuffer {
  return new SharedArrayBuffer(LOCK_COUNT * Int32Array.BYTES_PER_ELEMENT);
}

export class WriteLocks {
  readonly #states: Int32Array;
  readonly #takeOverMs: number;

  /** `memory` is from `createWriteLocks`; absent: there is one thread only, and nothing to wait for. */
  constructor(memory: SharedArrayBuffer | undefined, takeOverMs: number = TAKE_OVER_MS) {
    this.#takeOverMs = takeOverMs;
    this.#states = memory === undefined ? new Int32Array(0) : new Int32Array(memory);
  }

  /** Does the writing while no other thread writes to the file. Blocks. */
  hold(storageId: number, fileIndex: number, write: () => void): void {
    if (this.#states.length === 0) {
      write();
      return;
    }
    const index = (storageId * 31 + fileIndex) % LOCK_COUNT;
    this.#take(index);
    try {
      write();
    } finally {
      if (Atomics.exchange(this.#states, index, FREE) === AWAITED) Atomics.notify(this.#states, index);
    }
  }

  #take(index: number): void {
    if (Atomics.compareExchange(this.#states, index, FREE, HELD) === FREE) return;
    while (Atomics.exchange(this.#states, index, AWAITED) !== FREE) {
      if (Atomics.wait(this.#states, index, AWAITED, this.#takeOverMs) === 'timed-out') return;
    }
  }
}
