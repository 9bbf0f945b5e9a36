// Spreads requests over time. Blocks that were held up come all at once; asked for anew all at once, they would be sent all at
// once again, and what a long link's short queue cannot take of such a clump is lost. Knows a rate and nothing of depth.
import { BLOCK_BYTES } from '../protocol/limits.ts';

/** Over the rate, so that spreading never is what limits it. */
const PACE_RATIO = 1.25;
/** So much of the rate may leave at once after a pause. */
const BURST_MS = 10;
/** What is held back leaves in steps of so much of the rate, to bound the wake-ups. */
const STEP_MS = 4;

export class RequestPace {
  /** Requests that may leave now; less than one, below zero too: not yet. */
  #allowance = 0;
  #countedMs = Number.NEGATIVE_INFINITY;
  #dueMs = Number.POSITIVE_INFINITY;

  /** When more of what was held back may leave; Infinity when nothing was. */
  get dueMs(): number {
    return this.#dueMs;
  }

  /** How many of `count` requests may leave now, to a peer that gives so many bytes per second. */
  allow(count: number, bytesPerSecond: number, nowMs: number): number {
    const blocksPerMs = (PACE_RATIO * bytesPerSecond) / 1000 / BLOCK_BYTES;
    const burst = Math.max(1, BURST_MS * blocksPerMs);
    this.#allowance = Math.min(burst, this.#allowance + Math.max(0, nowMs - this.#countedMs) * blocksPerMs);
    this.#countedMs = nowMs;
    const allowed = Math.max(0, Math.min(count, Math.floor(this.#allowance)));
    const isHeldBack = allowed < count;
    const step = Math.max(1, STEP_MS * blocksPerMs) - (this.#allowance - allowed);
    this.#dueMs = isHeldBack ? nowMs + Math.max(1, step / blocksPerMs) : Number.POSITIVE_INFINITY;
    return allowed;
  }

  handleRequested(count: number): void {
    this.#allowance -= count;
  }

  /** Nothing is held back any more. */
  release(): void {
    this.#dueMs = Number.POSITIVE_INFINITY;
  }
}
