// What the threads that hash one content share: which piece is next, how much is done, whether to go on. Each piece is
// handed out once, without a message; a thread that dies takes the pieces it had with it, which `donePieceCount` tells.

const NEXT_PIECE = 0;
const DONE_PIECES = 1;
const STOPPED = 2;
/** In units of 8 bytes, behind the three above. */
const HASHED_BYTES = 2;

export class HashState {
  readonly memory: SharedArrayBuffer;
  readonly #counters: Int32Array;
  readonly #bytes: BigUint64Array;

  /** A new one, or a view of the one that another thread has. */
  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(24)) {
    this.memory = memory;
    this.#counters = new Int32Array(memory);
    this.#bytes = new BigUint64Array(memory);
  }

  /** The first of `count` pieces that nobody else gets; it may lie beyond the last one. */
  take(count: number): number {
    return Atomics.add(this.#counters, NEXT_PIECE, count);
  }

  addPiece(hashedBytes: number): void {
    Atomics.add(this.#bytes, HASHED_BYTES, BigInt(hashedBytes));
    Atomics.add(this.#counters, DONE_PIECES, 1);
  }

  /** Every thread ends at its next piece. */
  stop(): void {
    Atomics.store(this.#counters, STOPPED, 1);
  }

  get isStopped(): boolean {
    return Atomics.load(this.#counters, STOPPED) !== 0;
  }

  get donePieceCount(): number {
    return Atomics.load(this.#counters, DONE_PIECES);
  }

  /** File bytes read. */
  get hashedBytes(): number {
    return Number(Atomics.load(this.#bytes, HASHED_BYTES));
  }
}
