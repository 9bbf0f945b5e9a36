// Virtual time for crowds: millions of events, nearly all of them due within seconds. A wheel of one slot a millisecond
// takes and gives each in constant time. Events of one slot run in the order in which they were scheduled, so one seed
// gives one history. Knows nothing of hosts.
import type { Clock, Timer } from '../../src/platform/clock.ts';

/** 2026-01-01T00:00:00Z: simulated wall clocks start here. */
const WALL_START_MS = 1_767_225_600_000;
/** One slot a millisecond: about 16 s. What is due later waits in a list for each turn of the wheel. */
const SLOT_COUNT = 16_384;
/** Events in one slot before the world is said to be stuck in a loop that takes no time. */
const EVENTS_PER_SLOT_MAX = 20_000_000;

/** Something that happens once. Objects, not closures: there are many millions of them. */
export abstract class CrowdEvent {
  /** The next event of the slot; the wheel's. */
  nextEvent: CrowdEvent | undefined = undefined;
  abstract run(): void;
}

class Slot {
  first: CrowdEvent | undefined = undefined;
  last: CrowdEvent | undefined = undefined;

  push(event: CrowdEvent): void {
    event.nextEvent = undefined;
    if (this.last === undefined) this.first = event;
    else this.last.nextEvent = event;
    this.last = event;
  }

  shift(): CrowdEvent | undefined {
    const event = this.first;
    if (event === undefined) return undefined;
    this.first = event.nextEvent;
    if (this.first === undefined) this.last = undefined;
    event.nextEvent = undefined;
    return event;
  }
}

export class EventWheel {
  readonly #slots: readonly Slot[] = Array.from({ length: SLOT_COUNT }, () => new Slot());
  /** Turn of the wheel → what is due in it, for turns to come. */
  readonly #later = new Map<number, Slot>();
  #nowMs = 0;
  #turn = 0;
  #eventCount = 0;

  /** Whole milliseconds since the world began. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Events run since the world began: two runs of one seed agree in it. */
  get eventCount(): number {
    return this.#eventCount;
  }

  /** Runs the event in the first slot that is not before `atMs`, or at the present instant; never at once. */
  schedule(atMs: number, event: CrowdEvent): void {
    const slotMs = Math.max(this.#nowMs, Math.ceil(atMs));
    const turn = Math.floor(slotMs / SLOT_COUNT);
    if (turn === this.#turn) {
      this.#slots[slotMs % SLOT_COUNT]!.push(event);
      return;
    }
    let later = this.#later.get(turn);
    if (later === undefined) {
      later = new Slot();
      this.#later.set(turn, later);
    }
    later.push(new Later(this, slotMs, event));
  }

  /** Runs events until the predicate holds, which is asked once a millisecond; false when `endMs` passed before that. */
  runUntil(predicate: () => boolean, endMs: number): boolean {
    for (;;) {
      this.#runSlot();
      if (predicate()) return true;
      if (this.#nowMs >= endMs) return false;
      this.#nowMs++;
      if (this.#nowMs % SLOT_COUNT === 0) this.#beginTurn();
    }
  }

  #runSlot(): void {
    const slot = this.#slots[this.#nowMs % SLOT_COUNT]!;
    let count = 0;
    for (let event = slot.shift(); event !== undefined; event = slot.shift()) {
      event.run();
      if (++count > EVENTS_PER_SLOT_MAX) throw new Error(`virtual time stands still at ${this.#nowMs} ms`);
    }
    this.#eventCount += count;
  }

  #beginTurn(): void {
    this.#turn++;
    const later = this.#later.get(this.#turn);
    this.#later.delete(this.#turn);
    for (let event = later?.shift(); event !== undefined; event = later?.shift()) event.run();
  }
}

/** Waits for the turn of its event, and puts it into its slot then. */
class Later extends CrowdEvent {
  readonly #wheel: EventWheel;
  readonly #atMs: number;
  readonly #event: CrowdEvent;

  constructor(wheel: EventWheel, atMs: number, event: CrowdEvent) {
    super();
    this.#wheel = wheel;
    this.#atMs = atMs;
    this.#event = event;
  }

  run(): void {
    this.#wheel.schedule(this.#atMs, this.#event);
  }
}

/** A call that can be taken back until it is made. */
export class CallEvent extends CrowdEvent implements Timer {
  #callback: (() => void) | undefined;

  constructor(callback: () => void) {
    super();
    this.#callback = callback;
  }

  cancel(): void {
    this.#callback = undefined;
  }

  run(): void {
    const callback = this.#callback;
    this.#callback = undefined;
    callback?.();
  }
}

/** The wheel as one computer's engine sees it. */
export class CrowdClock implements Clock {
  readonly #wheel: EventWheel;

  constructor(wheel: EventWheel) {
    this.#wheel = wheel;
  }

  nowMs(): number {
    return this.#wheel.nowMs;
  }

  wallTimeMs(): number {
    return WALL_START_MS + this.#wheel.nowMs;
  }

  schedule(atMs: number, callback: () => void): Timer {
    const event = new CallEvent(callback);
    this.#wheel.schedule(atMs, event);
    return event;
  }
}
