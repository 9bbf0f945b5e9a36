// Peers with messages that were queued outside their own turn (a have to every peer, an unchoke of the round). They are
// sent together a moment later, one socket write each, however many messages came together.
import type { Clock, Timer } from '../../platform/clock.ts';

export interface Flushable {
  flush(nowMs: number): void;
  /** What `flush` threw by a mistake of ours. */
  handleBug(error: unknown): void;
}

export class FlushQueue {
  readonly #clock: Clock;
  // BOUNDED: one entry a connected peer.
  #waiting = new Set<Flushable>();
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(peer: Flushable): void {
    this.#waiting.add(peer);
    this.#timer ??= this.#clock.schedule(this.#clock.nowMs(), () => this.#flush());
  }

  remove(peer: Flushable): void {
    this.#waiting.delete(peer);
    if (this.#waiting.size === 0) this.close();
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #flush(): void {
    this.#timer = undefined;
    const peers = this.#waiting;
    this.#waiting = new Set();
    const nowMs = this.#clock.nowMs();
    for (const peer of peers) {
      try {
        peer.flush(nowMs);
      } catch (error) {
        peer.handleBug(error);
      }
    }
  }
}
