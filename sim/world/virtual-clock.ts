// Virtual time: a heap of what happens next, and jumps from one event to the following. Everything in a simulated
// world runs from here, so one seed gives one history. Knows nothing of hosts, networks or disks.
//
// A host gets its own `SimClock`, which counts the timers that the host's engine still holds.
import type { Clock, Timer } from '../../src/platform/clock.ts';

/** Events at one instant before the world is said to be stuck in a loop that takes no time. */
const EVENTS_PER_INSTANT_MAX = 2_000_000;
/** 2026-01-01T00:00:00Z: simulated wall clocks start here. */
const WALL_START_MS = 1_767_225_600_000;

interface Event {
  readonly atMs: number;
  /** Events of one instant run in the order in which they were scheduled. */
  readonly sequence: number;
  callback: (() => void) | undefined;
}

export interface RunLimit {
  /** How much virtual time may pass from now, in ms. */
  readonly limitMs: number;
}

export class VirtualClock {
  readonly #heap: Event[] = [];
  #nowMs = 0;
  #sequence = 0;
  #liveCount = 0;
  #eventsAtInstant = 0;
  #eventCount = 0;
  readonly #afterEvent: (() => void)[] = [];

  /** Milliseconds since the world began. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Events scheduled, not cancelled and not yet run. */
  get pendingCount(): number {
    return this.#liveCount;
  }

  /** Events run since the world began: two runs of one seed agree in it. */
  get eventCount(): number {
    return this.#eventCount;
  }

  /** Runs the callback at `atMs`, or at the present instant after what is already due; never at once. */
  schedule(atMs: number, callback: () => void): Timer {
    if (Number.isNaN(atMs)) throw new RangeError('a time is a number');
    if (atMs === Infinity) return { cancel: () => {} };
    const event: Event = { atMs: Math.max(atMs, this.#nowMs), sequence: this.#sequence++, callback };
    this.#liveCount++;
    push(this.#heap, event);
    return {
      cancel: () => {
        if (event.callback === undefined) return;
        event.callback = undefined;
        this.#liveCount--;
        // Cancelled events stay in the heap until they come up, unless they have become most of it.
        if (this.#heap.length > 1024 && this.#heap.length > this.#liveCount * 4) this.#compact();
      },
    };
  }

  /** Calls the function after every event, for checks. */
  afterEvent(check: () => void): void {
    this.#afterEvent.push(check);
  }

  /** Runs the next event; false when there is none up to and including `limitMs`. */
  step(limitMs: number = Infinity): boolean {
    for (;;) {
      const event = this.#heap[0];
      if (event === undefined || event.atMs > limitMs) return false;
      pop(this.#heap);
      const callback = event.callback;
      if (callback === undefined) continue;
      event.callback = undefined;
      this.#liveCount--;
      this.#eventCount++;
      this.#eventsAtInstant = event.atMs > this.#nowMs ? 0 : this.#eventsAtInstant + 1;
      if (this.#eventsAtInstant > EVENTS_PER_INSTANT_MAX) {
        throw new Error(`virtual time stands still at ${event.atMs} ms: something reschedules itself without end`);
      }
      this.#nowMs = event.atMs;
      callback();
      for (const check of this.#afterEvent) check();
      return true;
    }
  }

  /** Runs all events up to and including `atMs`, and stops there. */
  advanceTo(atMs: number): void {
    while (this.step(atMs));
    if (atMs > this.#nowMs) this.#nowMs = atMs;
  }

  advanceBy(durationMs: number): void {
    this.advanceTo(this.#nowMs + durationMs);
  }

  /** Runs events until the predicate holds; false when `limitMs` passed, or nothing was left to run, before that. */
  runUntil(predicate: () => boolean, { limitMs }: RunLimit): boolean {
    const endMs = this.#nowMs + limitMs;
    while (!predicate()) {
      if (this.step(endMs)) continue;
      if (endMs > this.#nowMs && endMs < Infinity) this.#nowMs = endMs;
      return predicate();
    }
    return true;
  }

  #compact(): void {
    const live = this.#heap.filter((event) => event.callback !== undefined);
    live.sort((left, right) => (isBefore(left, right) ? -1 : 1));
    this.#heap.length = 0;
    // A sorted array is a heap.
    for (const event of live) this.#heap.push(event);
  }
}

/** One host's clock: the shared virtual time, and a count of the timers that this host holds. */
export class SimClock implements Clock {
  readonly #clock: VirtualClock;
  readonly #wallOffsetMs: number;
  #isHalted = false;
  #liveTimerCount = 0;
  #mostTimers = 0;
  #wakeUpCount = 0;

  constructor(clock: VirtualClock, options: { readonly wallOffsetMs?: number } = {}) {
    this.#clock = clock;
    this.#wallOffsetMs = options.wallOffsetMs ?? 0;
  }

  /** Timers scheduled here that have neither run nor been cancelled. */
  get liveTimerCount(): number {
    return this.#liveTimerCount;
  }

  /** The highest `liveTimerCount` so far. */
  get mostTimers(): number {
    return this.#mostTimers;
  }

  /** Timers that have run: how often the host's engine was woken by time. */
  get wakeUpCount(): number {
    return this.#wakeUpCount;
  }

  nowMs(): number {
    return this.#clock.nowMs;
  }

  wallTimeMs(): number {
    return Math.floor(WALL_START_MS + this.#clock.nowMs + this.#wallOffsetMs);
  }

  /** The process is gone: none of its timers fires any more. */
  halt(): void {
    this.#isHalted = true;
  }

  schedule(atMs: number, callback: () => void): Timer {
    if (atMs === Infinity) throw new RangeError('a timer that never fires is no timer: keep none');
    let isLive = true;
    this.#liveTimerCount++;
    this.#mostTimers = Math.max(this.#mostTimers, this.#liveTimerCount);
    const release = (): void => {
      if (isLive) this.#liveTimerCount--;
      isLive = false;
    };
    const timer = this.#clock.schedule(atMs, () => {
      release();
      if (this.#isHalted) return;
      this.#wakeUpCount++;
      callback();
    });
    return {
      cancel: () => {
        release();
        timer.cancel();
      },
    };
  }
}

function isBefore(left: Event, right: Event): boolean {
  return left.atMs !== right.atMs ? left.atMs < right.atMs : left.sequence < right.sequence;
}

function push(heap: Event[], event: Event): void {
  let index = heap.length;
  heap.push(event);
  while (index > 0) {
    const parent = (index - 1) >>> 1;
    if (!isBefore(event, heap[parent]!)) break;
    heap[index] = heap[parent]!;
    index = parent;
  }
  heap[index] = event;
}

function pop(heap: Event[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let index = 0;
  for (;;) {
    let child = index * 2 + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
    if (!isBefore(heap[child]!, last)) break;
    heap[index] = heap[child]!;
    index = child;
  }
  heap[index] = last;
}
