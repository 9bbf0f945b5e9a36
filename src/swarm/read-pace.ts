// How fast the reader of a file takes what it is given: the time that it keeps the next piece waiting, not the time that it
// has to wait itself. Knows no pieces and no clock.

/** Older than about this much of the reader's own time is forgotten, in ms. */
const MEMORY_MS = 5_000;

export class ReadPace {
  #bytes = 0;
  /** What it was given and is at work on. */
  #givenBytes = 0;
  /** The reader's own time over those bytes. */
  #ownMs = 0;
  /** When it was given bytes and has not asked for more; NaN: it waits. */
  #givenMs = Number.NaN;

  handleGiven(bytes: number, nowMs: number): void {
    this.#givenBytes = bytes;
    this.#givenMs = nowMs;
  }

  /** It asks for what comes next. */
  handleAsked(nowMs: number): void {
    if (Number.isNaN(this.#givenMs)) return;
    const tookMs = nowMs - this.#givenMs;
    const kept = MEMORY_MS / (MEMORY_MS + tookMs);
    this.#bytes = this.#bytes * kept + this.#givenBytes;
    this.#givenBytes = 0;
    this.#ownMs = this.#ownMs * kept + tookMs;
    this.#givenMs = Number.NaN;
  }

  /** What it would take if it never had to wait; Infinity while it takes everything at once, or nothing was given yet. */
  bytesPerSecond(nowMs: number): number {
    const idleMs = Number.isNaN(this.#givenMs) ? 0 : nowMs - this.#givenMs;
    const ownMs = this.#ownMs + idleMs;
    return ownMs <= 0 ? Number.POSITIVE_INFINITY : ((this.#bytes + this.#givenBytes) * 1_000) / ownMs;
  }
}
