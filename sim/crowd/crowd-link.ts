// What a crowd's hosts send and receive through: an uplink that is shared fairly between connections, block by block,
// and whose rate is kept exactly; a downlink that delays what comes faster than it takes. No packets, no loss.
import { CrowdEvent, type EventWheel } from './event-wheel.ts';

/** An uplink that became free within the slot of the present instant goes on from where it was. */
const SLOT_MS = 1;

/** One direction of a connection, as the uplink sees it. */
export interface UplinkSender {
  /** Bytes that it would send next; 0: nothing now. */
  readonly nextBytes: number;
  /** The next one in the round; the uplink's. */
  nextInRound: UplinkSender | undefined;
  isInRound: boolean;
  /** Those bytes are being sent now. */
  handleBegun(): void;
  /** Their last byte left at `atMs`, a fraction of a slot ago. */
  handleDeparted(atMs: number): void;
}

export class Uplink extends CrowdEvent {
  readonly #wheel: EventWheel;
  /** Infinity: no bound. A scenario may change it; what is being sent has left by then all the same. */
  bytesPerSecond: number;
  #firstInRound: UplinkSender | undefined;
  #lastInRound: UplinkSender | undefined;
  #sending: UplinkSender | undefined;
  /** When the last byte that was let in will have left; not a whole number. */
  #freeAtMs = 0;
  /** Bytes that have left, or are leaving. */
  sentBytes = 0;

  constructor(wheel: EventWheel, bytesPerSecond: number) {
    super();
    this.#wheel = wheel;
    this.bytesPerSecond = bytesPerSecond;
  }

  /** Puts a sender into the round; it leaves the round when it has nothing to send. */
  offer(sender: UplinkSender): void {
    if (sender.isInRound) return;
    sender.isInRound = true;
    sender.nextInRound = undefined;
    if (this.#lastInRound === undefined) this.#firstInRound = sender;
    else this.#lastInRound.nextInRound = sender;
    this.#lastInRound = sender;
    if (this.#sending === undefined) this.#serve();
  }

  /** Bytes that slip in between: what is sent after them leaves the later. */
  charge(bytes: number): void {
    this.sentBytes += bytes;
    this.#freeAtMs = this.#startMs + this.#durationMs(bytes);
  }

  /** What was being sent has left. */
  run(): void {
    const sender = this.#sending!;
    this.#sending = undefined;
    sender.handleDeparted(this.#departedAtMs);
    if (this.#sending === undefined) this.#serve();
  }

  #departedAtMs = 0;

  #serve(): void {
    for (let sender = this.#firstInRound; sender !== undefined; sender = this.#firstInRound) {
      this.#firstInRound = sender.nextInRound;
      if (this.#firstInRound === undefined) this.#lastInRound = undefined;
      sender.nextInRound = undefined;
      sender.isInRound = false;
      const bytes = sender.nextBytes;
      if (bytes === 0) continue;
      this.#sending = sender;
      this.sentBytes += bytes;
      this.#freeAtMs = this.#startMs + this.#durationMs(bytes);
      this.#departedAtMs = this.#freeAtMs;
      sender.handleBegun();
      this.#wheel.schedule(this.#freeAtMs, this);
      return;
    }
  }

  get #startMs(): number {
    const { nowMs } = this.#wheel;
    return this.#freeAtMs > nowMs - SLOT_MS ? this.#freeAtMs : nowMs;
  }

  #durationMs(bytes: number): number {
    return (bytes / this.bytesPerSecond) * 1_000;
  }
}

export class Downlink {
  /** Infinity: no bound. */
  readonly bytesPerSecond: number;
  /** How long it would take to bring down what is queued, as of `#asOfMs`. */
  #queuedMs = 0;
  #asOfMs = 0;

  constructor(bytesPerSecond: number) {
    this.bytesPerSecond = bytesPerSecond;
  }

  /** Bytes that left their host at `departedAtMs` queue up; returns by how much that delays their last byte, in ms. */
  delayMs(bytes: number, departedAtMs: number): number {
    if (this.bytesPerSecond === Number.POSITIVE_INFINITY) return 0;
    const passedMs = Math.max(0, departedAtMs - this.#asOfMs);
    this.#asOfMs = Math.max(this.#asOfMs, departedAtMs);
    this.#queuedMs = Math.max(0, this.#queuedMs - passedMs) + (bytes / this.bytesPerSecond) * 1_000;
    return this.#queuedMs;
  }
}
