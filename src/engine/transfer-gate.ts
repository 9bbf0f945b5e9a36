// Who may send or ask for how many bytes now, under one limit and those above it: a torrent's gate stands below its
// session's, a peer's own below its torrent's. Those who got nothing wait in line at the gate that refused them and are
// called in turn, one turn being as long as another, so that no peer starves another, of whatever torrent. What a gate
// granted to one who is then refused above is kept for it: nobody waits in the same line twice for the same bytes.
import type { RateLimiter } from '../swarm/rate-limiter.ts';
import type { DeadlineEntry, DeadlineQueue } from './deadline-queue.ts';

/** So long after it refused bytes a limit is said to be in use. */
const RECENT_MS = 1_000;
/** One turn is this much time's worth of the limit, and at least one unit. */
const TURN_SECONDS = 0.01;

export interface GateWaiter {
  /** What `handleGateOpen` threw by a mistake of ours. */
  handleBug(error: unknown): void;
  /** Bytes may be available again: try once more, and wait again if they are not. */
  handleGateOpen(nowMs: number): void;
}

/** Granted by a gate below the one whose line it is. */
interface Grant {
  readonly gate: TransferGate;
  readonly bytes: number;
}

/** One who waits in line. */
interface Place {
  readonly bytes: number;
  readonly grants: readonly Grant[];
}

export class TransferGate implements DeadlineEntry {
  readonly #limiter: RateLimiter;
  readonly #deadlines: DeadlineQueue;
  /** The gate to pass after this one. */
  readonly #above: TransferGate | undefined;
  /** In line here; undefined until somebody had to wait. BOUNDED: one entry a connected peer. */
  #line: Map<GateWaiter, Place> | undefined;
  /** Those who came through here and stand in a line above. */
  #waitingAboveCount = 0;
  /** The first in line has been called, and may take once before those behind it. */
  #isCalled = false;
  /** What was granted here before to the one who is being called above. */
  #heldBytes = 0;
  /** What the last to take was granted here and refused above: kept for it if it waits. */
  #cutBytes = 0;
  /** The last to take could not have all that it wanted because of a gate above. */
  #isCutAbove = false;
  /** Taken so far, less what was given back. */
  #passedBytes = 0;
  /** When this gate was last asked. */
  #nowMs = 0;
  /** When bytes were last refused here; by a gate above to someone from here. */
  #refusedMs = Number.NEGATIVE_INFINITY;
  #refusedAboveMs = Number.NEGATIVE_INFINITY;

  constructor(limiter: RateLimiter, deadlines: DeadlineQueue, above?: TransferGate) {
    this.#limiter = limiter;
    this.#deadlines = deadlines;
    this.#above = above;
  }

  get bytesPerSecond(): number {
    return this.#limiter.bytesPerSecond;
  }

  /** Holds from now on, for those in line too. */
  setRate(bytesPerSecond: number, nowMs: number): void {
    this.#settle();
    this.#limiter.setRate(bytesPerSecond, nowMs);
    if (this.#lineLength > 0) this.#deadlines.expedite(this, this.#openAtMs(nowMs));
  }

  get isUnlimited(): boolean {
    return this.#limiter.isUnlimited && this.#above?.isUnlimited !== false;
  }

  /**
   * Takes up to `wanted` bytes; what is granted is a multiple of `unitBytes`, or all of `wanted`, or 0. Whoever could use
   * more than was granted waits for it: turns of one size are what makes shares of one size.
   */
  take(wanted: number, unitBytes: number, nowMs: number): number {
    const usable = this.#takeHere(wanted, unitBytes, nowMs);
    this.#isCutAbove = false;
    if (usable === 0 || this.#above === undefined) return usable;
    const granted = this.#above.take(usable, unitBytes, nowMs);
    if (granted === usable) return granted;
    this.#isCutAbove = true;
    this.#cutBytes = usable - granted;
    if (granted === 0) this.#refusedAboveMs = nowMs;
    return granted;
  }

  /** Gives back what was taken and not used. */
  refund(bytes: number): void {
    this.#refundHere(bytes);
    this.#above?.refund(bytes);
  }

  /** Counts bytes that have passed without having been taken; what follows waits the longer. */
  charge(bytes: number, nowMs: number): void {
    this.#limiter.charge(bytes, nowMs);
    this.#above?.charge(bytes, nowMs);
  }

  /**
   * After `take` granted less than was wanted: puts the waiter at the end of the line of the gate that did so. It is called
   * once, when `bytes` can be granted there and it is its turn.
   */
  wait(waiter: GateWaiter, bytes: number, nowMs: number): void {
    if (!this.isWaiting(waiter)) this.#waitAtCut(waiter, { bytes, grants: [] }, nowMs);
  }

  isWaiting(waiter: GateWaiter): boolean {
    return this.#line?.has(waiter) === true || this.#above?.isWaiting(waiter) === true;
  }

  forget(waiter: GateWaiter): void {
    this.#dismiss(waiter);
    this.#above?.forget(waiter);
  }

  /** Calls none of those who came through here any more. */
  close(): void {
    for (const waiter of [...(this.#line?.keys() ?? [])]) this.#dismiss(waiter);
    this.#deadlines.remove(this);
    this.#above?.forgetAllFrom(this);
  }

  /** Takes those who came through that gate out of the line. */
  forgetAllFrom(gate: TransferGate): void {
    for (const [waiter, { grants }] of [...(this.#line ?? [])]) {
      if (grants.some((grant) => grant.gate === gate)) this.#dismiss(waiter);
    }
    this.#above?.forgetAllFrom(gate);
  }

  /** Whether this limit holds somebody up, or did a moment ago: the limit itself, or one above it. */
  limitedBy(nowMs: number): 'here' | 'above' | undefined {
    if (this.#lineLength > 0) return 'here';
    if (this.#waitingAboveCount > 0) return 'above';
    if (nowMs - this.#refusedMs <= RECENT_MS) return 'here';
    return nowMs - this.#refusedAboveMs <= RECENT_MS ? 'above' : undefined;
  }

  handleDeadline(nowMs: number): number {
    this.#settle();
    // Round by round, as long as somebody in line can use what is there.
    for (let passed = Number.NaN; passed !== this.#passedBytes && this.#openAtMs(nowMs) <= nowMs; ) {
      passed = this.#passedBytes;
      this.#callLine(nowMs);
    }
    return this.#openAtMs(nowMs);
  }

  get #lineLength(): number {
    return this.#line?.size ?? 0;
  }

  #takeHere(wanted: number, unitBytes: number, nowMs: number): number {
    this.#settle();
    this.#nowMs = nowMs;
    const isCalled = this.#isCalled;
    this.#isCalled = false;
    if (this.#limiter.isUnlimited) {
      // Nothing can run short here. Who is still in line, of a limit that was taken away, is about to be called.
      this.#heldBytes = 0;
      return wanted;
    }
    if (this.#heldBytes > 0) {
      const held = Math.min(this.#heldBytes, wanted);
      const unused = this.#heldBytes - held;
      this.#heldBytes = 0;
      if (unused > 0) this.#refundHere(unused);
      return held;
    }
    // Nobody gets past those who wait already.
    if (this.#lineLength > 0 && !isCalled) return 0;
    const offered = this.#limiter.take(Math.min(wanted, this.#turnBytes(unitBytes)), nowMs);
    const usable = offered === wanted ? offered : offered - (offered % unitBytes);
    if (offered > usable) this.#limiter.refund(offered - usable);
    if (usable === 0) this.#refusedMs = nowMs;
    this.#passedBytes += usable;
    return usable;
  }

  /** What one may take before it is the next one's turn: Infinity without a limit. */
  #turnBytes(unitBytes: number): number {
    return Math.ceil((this.#limiter.bytesPerSecond * TURN_SECONDS) / unitBytes) * unitBytes;
  }

  #refundHere(bytes: number): void {
    this.#passedBytes -= bytes;
    this.#limiter.refund(bytes);
    if (this.#lineLength > 0) this.#deadlines.expedite(this, this.#openAtMs(this.#nowMs));
  }

  /** Nobody waits with what was granted here last: it is there for the next. */
  #settle(): void {
    const bytes = this.#cutBytes;
    if (bytes === 0) return;
    this.#cutBytes = 0;
    this.#refundHere(bytes);
  }

  #waitAtCut(waiter: GateWaiter, { bytes, grants }: Place, nowMs: number): void {
    if (this.#isCutAbove && this.#above !== undefined) {
      const grant: Grant = { gate: this, bytes: this.#cutBytes };
      this.#cutBytes = 0;
      this.#waitingAboveCount++;
      this.#above.#waitAtCut(waiter, { bytes, grants: [...grants, grant] }, nowMs);
      return;
    }
    this.#line ??= new Map();
    this.#line.set(waiter, { bytes, grants });
    this.#deadlines.expedite(this, this.#openAtMs(nowMs));
  }

  /** Only those who are in line now: who waits again has had its turn. */
  #callLine(nowMs: number): void {
    for (let left = this.#lineLength; left > 0 && this.#openAtMs(nowMs) <= nowMs; left--) {
      const [waiter] = this.#line!.keys();
      const { grants } = this.#leave(waiter!)!;
      for (const { gate, bytes } of grants) gate.#heldBytes = bytes;
      this.#isCalled = true;
      this.#call(waiter!, nowMs);
      this.#isCalled = false;
      for (const { gate } of grants) gate.#dropHeld();
    }
  }

  /** The one who was called did not use it. */
  #dropHeld(): void {
    const bytes = this.#heldBytes;
    this.#heldBytes = 0;
    if (bytes > 0) this.#refundHere(bytes);
  }

  #leave(waiter: GateWaiter): Place | undefined {
    const place = this.#line?.get(waiter);
    if (place === undefined) return undefined;
    this.#line!.delete(waiter);
    for (const { gate } of place.grants) gate.#waitingAboveCount--;
    return place;
  }

  /** Takes it out of the line for good. */
  #dismiss(waiter: GateWaiter): void {
    for (const { gate, bytes } of this.#leave(waiter)?.grants ?? []) gate.#refundHere(bytes);
    if (this.#lineLength === 0) this.#deadlines.remove(this);
  }

  #call(waiter: GateWaiter, nowMs: number): void {
    try {
      waiter.handleGateOpen(nowMs);
    } catch (error) {
      waiter.handleBug(error);
    }
  }

  /** When the first in line can be granted a whole turn: fewer would cost a wake-up for every few bytes. */
  #openAtMs(nowMs: number): number {
    const [place] = this.#line?.values() ?? [];
    if (place === undefined) return Number.POSITIVE_INFINITY;
    return this.#limiter.nextAtMs(nowMs, this.#limiter.isUnlimited ? place.bytes : this.#turnBytes(place.bytes));
  }
}
