// Bounds the announces that a session has under way at once (TRACKER_CONCURRENT_MAX), so that thousands of torrents do
// not open thousands of connections. One gate is shared by all torrents.
import { TRACKER_CONCURRENT_MAX } from '../../protocol/limits.ts';

export interface GateTicket {
  /** Gives the place, or the place in the queue, back. Idempotent. */
  leave(): void;
}

export interface EnterOptions {
  /** Goes before all that is not urgent: `stopped`, while the process waits to end. */
  readonly urgent: boolean;
}

export class AnnounceGate {
  readonly #placeCount: number;
  #takenCount = 0;
  // BOUNDED: one an announce that a schedule has under way
  readonly #waiting = new Set<() => void>();
  readonly #waitingUrgent = new Set<() => void>();

  constructor(placeCount: number = TRACKER_CONCURRENT_MAX) {
    this.#placeCount = placeCount;
  }

  /** Calls `onEntered` at once when there is room, otherwise from the `leave` of another. */
  enter(onEntered: () => void, options: EnterOptions): GateTicket {
    const queue = options.urgent ? this.#waitingUrgent : this.#waiting;
    let state: 'waiting' | 'inside' | 'gone' = 'waiting';
    const admit = (): void => {
      state = 'inside';
      this.#takenCount++;
      onEntered();
    };
    const leave = (): void => {
      if (state === 'waiting') queue.delete(admit);
      else if (state === 'inside') this.#takenCount--;
      state = 'gone';
      this.#admitWaiting();
    };
    if (this.#takenCount < this.#placeCount) admit();
    else queue.add(admit);
    return { leave };
  }

  #admitWaiting(): void {
    while (this.#takenCount < this.#placeCount) {
      const queue = this.#waitingUrgent.size > 0 ? this.#waitingUrgent : this.#waiting;
      const [next] = queue;
      if (next === undefined) return;
      queue.delete(next);
      next();
    }
  }
}
