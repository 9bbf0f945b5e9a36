// A token bucket: how many bytes may pass now, and when the next ones may. Starts empty, so that the limit holds from
// the first second on. Knows no direction and no peer; sharing between peers is the caller's.
import { BLOCK_BYTES } from '../protocol/limits.ts';
import { PIECE_HEADER_BYTES } from '../protocol/wire/wire-encoder.ts';

/** What may be saved up while nothing passes: this much time's worth … */
const BURST_SECONDS = 0.25;
/** … or one piece message, so that the slowest limit lets a whole one pass. */
const BURST_MIN_BYTES: number = BLOCK_BYTES + PIECE_HEADER_BYTES;
/** What has passed beyond the limit delays what follows by this much time at most. */
const DEBT_SECONDS = 10;
/** Sums of fractions may miss a whole byte by this much. */
const ROUNDING_BYTES = 1e-6;

export class RateLimiter {
  #bytesPerSecond: number;
  #tokens = 0;
  #filledMs: number;

  /** `bytesPerSecond`: Infinity = no limit, 0 = nothing passes. */
  constructor(bytesPerSecond: number, nowMs: number) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#filledMs = nowMs;
  }

  get bytesPerSecond(): number {
    return this.#bytesPerSecond;
  }

  get isUnlimited(): boolean {
    return this.#bytesPerSecond === Number.POSITIVE_INFINITY;
  }

  setRate(bytesPerSecond: number, nowMs: number): void {
    this.#fill(nowMs);
    if (this.isUnlimited) this.#tokens = 0;
    this.#bytesPerSecond = bytesPerSecond;
    this.#tokens = Math.min(this.#tokens, this.#capacity);
    this.#boundDebt();
  }

  /** Bytes that may pass now: from 0 to `wanted`. They count as passed; `refund` those that did not. */
  take(wanted: number, nowMs: number): number {
    if (this.isUnlimited) return wanted;
    this.#fill(nowMs);
    const granted = Math.max(0, Math.min(wanted, Math.floor(this.#tokens + ROUNDING_BYTES)));
    this.#tokens -= granted;
    return granted;
  }

  /** Bytes that have passed already, allowed or not, as received ones have. The excess delays what follows. */
  charge(bytes: number, nowMs: number): void {
    if (this.isUnlimited) return;
    this.#fill(nowMs);
    this.#tokens -= bytes;
    this.#boundDebt();
  }

  refund(bytes: number): void {
    if (!this.isUnlimited) this.#tokens = Math.min(this.#tokens + bytes, this.#capacity);
  }

  /** When `take(wanted)` will be granted wholly, as far as the bucket holds as much; `nowMs` if it is now. */
  nextAtMs(nowMs: number, wanted: number): number {
    if (this.isUnlimited) return nowMs;
    this.#fill(nowMs);
    const missing = Math.min(wanted, Math.floor(this.#capacity)) - this.#tokens;
    if (missing <= ROUNDING_BYTES) return nowMs;
    return nowMs + Math.ceil((missing * 1000) / this.#bytesPerSecond);
  }

  #boundDebt(): void {
    this.#tokens = Math.max(this.#tokens, -Math.max(BURST_MIN_BYTES, this.#bytesPerSecond * DEBT_SECONDS));
  }

  get #capacity(): number {
    return Math.max(BURST_MIN_BYTES, this.#bytesPerSecond * BURST_SECONDS);
  }

  #fill(nowMs: number): void {
    const elapsedMs = nowMs - this.#filledMs;
    if (elapsedMs <= 0) return;
    this.#filledMs = nowMs;
    if (this.isUnlimited) return;
    this.#tokens = Math.min(this.#capacity, this.#tokens + (this.#bytesPerSecond * elapsedMs) / 1000);
  }
}
