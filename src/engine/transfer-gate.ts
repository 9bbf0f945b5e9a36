// Who may send or ask for how many bytes now, under the limits of the session and of the torrent. Those who got nothing
// wait in line and are called in turn, so that no peer starves another.
import type { RateLimiter } from '../swarm/rate-limiter.ts';
import type { DeadlineEntry, DeadlineQueue } from './deadline-queue.ts';

/** So long after it refused bytes a limit is said to be in use. */
const RECENT_MS = 1_000;

export interface GateWaiter {
  /** What `handleGateOpen` threw by a mistake of ours. */
  handleBug(error: unknown): void;
  /** Bytes may be available again: try once more, and wait again if they are not. */
  handleGateOpen(nowMs: number): void;
}

export class TransferGate implements DeadlineEntry {
  readonly #limiters: readonly RateLimiter[];
  readonly #deadlines: DeadlineQueue;
  /** In line, each with the bytes it waits for; undefined until somebody had to wait. BOUNDED: one entry a connected peer. */
  #waiters: Map<GateWaiter, number> | undefined;
  /** Those in line are being called: what is there is for them. */
  #isOpening = false;
  /** The limiter that granted nothing the last time one did, and when. */
  #refusedBy = -1;
  #refusedMs = Number.NEGATIVE_INFINITY;

  constructor(limiters: readonly RateLimiter[], deadlines: DeadlineQueue) {
    this.#limiters = limiters;
    this.#deadlines = deadlines;
  }

  get isUnlimited(): boolean {
    return this.#limiters.every((limiter) => limiter.bytesPerSecond === Number.POSITIVE_INFINITY);
  }

  /** Takes up to `wanted` bytes; what is granted is a multiple of `unitBytes`, or all of `wanted`, or 0. */
  take(wanted: number, unitBytes: number, nowMs: number): number {
    // Nobody gets past those who wait already.
    if (this.#waiters !== undefined && this.#waiters.size > 0 && !this.#isOpening) return 0;
    let granted = wanted;
    for (let i = 0; i < this.#limiters.length; i++) {
      const offered = this.#limiters[i]!.take(granted, nowMs);
      const usable = offered === wanted ? offered : offered - (offered % unitBytes);
      if (offered > usable) this.#limiters[i]!.refund(offered - usable);
      // The limiters asked before gave more than can be used.
      for (let j = 0; j < i; j++) this.#limiters[j]!.refund(granted - usable);
      granted = usable;
      if (granted === 0) {
        this.#refusedBy = i;
        this.#refusedMs = nowMs;
        return 0;
      }
    }
    return granted;
  }

  /** The index of the limiter that holds somebody up, or did a moment ago; -1: none. */
  limitedBy(nowMs: number): number {
    const isInUse = (this.#waiters?.size ?? 0) > 0 || nowMs - this.#refusedMs <= RECENT_MS;
    return isInUse ? this.#refusedBy : -1;
  }

  isWaiting(waiter: GateWaiter): boolean {
    return this.#waiters?.has(waiter) === true;
  }

  /** Gives back what was taken and not used. */
  refund(bytes: number): void {
    for (const limiter of this.#limiters) limiter.refund(bytes);
  }

  /** Counts bytes that have passed without having been taken; what follows waits the longer. */
  charge(bytes: number, nowMs: number): void {
    for (const limiter of this.#limiters) limiter.charge(bytes, nowMs);
  }

  /** Puts the waiter at the end of the line; it is called once, when `bytes` can be granted and it is its turn. */
  wait(waiter: GateWaiter, bytes: number, nowMs: number): void {
    this.#waiters ??= new Map();
    if (!this.#waiters.has(waiter)) this.#waiters.set(waiter, bytes);
    this.#deadlines.expedite(this, this.#openAtMs(nowMs));
  }

  forget(waiter: GateWaiter): void {
    this.#waiters?.delete(waiter);
  }

  close(): void {
    this.#waiters = undefined;
    this.#deadlines.remove(this);
  }

  handleDeadline(nowMs: number): number {
    this.#isOpening = true;
    try {
      // Only those who are in line now: who waits again has had its turn.
      for (let left = this.#waiters?.size ?? 0; left > 0 && this.#openAtMs(nowMs) <= nowMs; left--) {
        const [waiter] = this.#waiters!.keys();
        this.#waiters!.delete(waiter!);
        this.#call(waiter!, nowMs);
      }
    } finally {
      this.#isOpening = false;
    }
    return this.#openAtMs(nowMs);
  }

  #call(waiter: GateWaiter, nowMs: number): void {
    try {
      waiter.handleGateOpen(nowMs);
    } catch (error) {
      waiter.handleBug(error);
    }
  }

  /** When the first in line can be granted what it waits for. */
  #openAtMs(nowMs: number): number {
    const [bytes] = this.#waiters?.values() ?? [];
    if (bytes === undefined) return Number.POSITIVE_INFINITY;
    let atMs = nowMs;
    for (const limiter of this.#limiters) atMs = Math.max(atMs, limiter.nextAtMs(nowMs, bytes));
    return atMs;
  }
}
