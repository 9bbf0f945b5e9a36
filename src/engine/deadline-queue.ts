// One platform timer for any number of deadlines. An entry says when it wants to be called next each time it has been
// called; a deadline that moved later in the meantime costs one early call, one that moved earlier is told with
// `expedite`. So thousands of idle peers cost a heap entry each and no timer of their own.
import type { Clock, Timer } from '../platform/clock.ts';

export interface DeadlineEntry {
  /** Does what is due and returns when to be called next; Infinity = not again unless expedited. */
  handleDeadline(nowMs: number): number;
  /** What `handleDeadline` threw by a mistake of ours; the entry is no longer in the queue. */
  handleBug?(error: unknown): void;
}

interface Slot {
  readonly entry: DeadlineEntry;
  atMs: number;
  /** Place in the heap; -1 when not in it. */
  index: number;
}

// Deadlines this close together share one wake-up.
const COALESCE_MS = 5;

export class DeadlineQueue {
  readonly #clock: Clock;
  readonly #onEntryFailure: (entry: DeadlineEntry, error: unknown) => void;
  readonly #slots = new Map<DeadlineEntry, Slot>();
  readonly #heap: Slot[] = [];
  #timer: Timer | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #isRunning = false;
  /**
   * While entries are called: the earliest that any may be called next. Without it an entry that was called early, and
   * asks for its deadline again, would be called at the same instant for ever.
   */
  #earliestMs = Number.NEGATIVE_INFINITY;

  /** `onEntryFailure` is told what an entry threw that has no `handleBug`; the entry is removed. */
  constructor(clock: Clock, onEntryFailure: (entry: DeadlineEntry, error: unknown) => void) {
    this.#clock = clock;
    this.#onEntryFailure = onEntryFailure;
  }

  /** Calls the entry at `wantedMs` or, when it is known with an earlier deadline, then. */
  expedite(entry: DeadlineEntry, wantedMs: number): void {
    if (wantedMs === Number.POSITIVE_INFINITY) return;
    const atMs = Math.max(wantedMs, this.#earliestMs);
    let slot = this.#slots.get(entry);
    if (slot === undefined) {
      slot = { entry, atMs, index: -1 };
      this.#slots.set(entry, slot);
    } else if (slot.index !== -1) {
      if (atMs >= slot.atMs) return;
    }
    slot.atMs = atMs;
    this.#place(slot);
    this.#arm();
  }

  remove(entry: DeadlineEntry): void {
    const slot = this.#slots.get(entry);
    if (slot === undefined) return;
    this.#slots.delete(entry);
    this.#takeOut(slot);
    if (this.#heap.length === 0) this.#disarm();
  }

  /** Number of entries that wait for a deadline. */
  get size(): number {
    return this.#heap.length;
  }

  #run(): void {
    this.#timer = undefined;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.nowMs();
    this.#isRunning = true;
    this.#earliestMs = nowMs + COALESCE_MS + 1;
    try {
      for (let slot = this.#heap[0]; slot !== undefined && slot.atMs <= nowMs + COALESCE_MS; slot = this.#heap[0]) {
        this.#call(slot, nowMs);
      }
    } finally {
      this.#isRunning = false;
      this.#earliestMs = Number.NEGATIVE_INFINITY;
      this.#arm();
    }
  }

  #call(slot: Slot, nowMs: number): void {
    this.#takeOut(slot);
    try {
      const nextMs = slot.entry.handleDeadline(nowMs);
      if (this.#slots.get(slot.entry) !== slot) return;
      this.expedite(slot.entry, nextMs);
      // Who waits for nothing is not kept: there may be thousands of them.
      if (slot.index === -1) this.#slots.delete(slot.entry);
    } catch (error) {
      this.remove(slot.entry);
      if (slot.entry.handleBug !== undefined) slot.entry.handleBug(error);
      else this.#onEntryFailure(slot.entry, error);
    }
  }

  #arm(): void {
    const first = this.#heap[0];
    if (this.#isRunning || first === undefined || first.atMs >= this.#timerAtMs) return;
    this.#disarm();
    this.#timerAtMs = first.atMs;
    this.#timer = this.#clock.schedule(first.atMs, () => this.#run());
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
  }

  #place(slot: Slot): void {
    if (slot.index === -1) {
      slot.index = this.#heap.length;
      this.#heap.push(slot);
    }
    this.#siftUp(slot);
    this.#siftDown(slot);
  }

  #takeOut(slot: Slot): void {
    if (slot.index === -1) return;
    const last = this.#heap.pop()!;
    if (last !== slot) {
      last.index = slot.index;
      this.#heap[last.index] = last;
      this.#siftUp(last);
      this.#siftDown(last);
    }
    slot.index = -1;
  }

  #siftUp(slot: Slot): void {
    while (slot.index > 0) {
      const parent = this.#heap[(slot.index - 1) >> 1]!;
      if (parent.atMs <= slot.atMs) return;
      this.#swap(parent, slot);
    }
  }

  #siftDown(slot: Slot): void {
    for (;;) {
      let child = this.#heap[slot.index * 2 + 1];
      if (child === undefined) return;
      const right = this.#heap[slot.index * 2 + 2];
      if (right !== undefined && right.atMs < child.atMs) child = right;
      if (child.atMs >= slot.atMs) return;
      this.#swap(slot, child);
    }
  }

  #swap(upper: Slot, lower: Slot): void {
    const index = upper.index;
    upper.index = lower.index;
    lower.index = index;
    this.#heap[upper.index] = upper;
    this.#heap[lower.index] = lower;
  }
}
