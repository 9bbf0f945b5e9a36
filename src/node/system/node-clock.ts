// Time from Node: performance.now for intervals, Date only for display and stamps.
import type { Clock, Timer } from '../../platform/clock.ts';
import type { Log } from '../../platform/log.ts';
import { guard } from '../net/guard.ts';

// setTimeout takes a signed 32-bit number of milliseconds.
const TIMEOUT_MAX_MS = 0x7fff_ffff;

export class NodeClock implements Clock {
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  nowMs(): number {
    return performance.now();
  }

  wallTimeMs(): number {
    return Date.now();
  }

  schedule(atMs: number, callback: () => void): Timer {
    const delayMs = Math.min(Math.max(0, Math.ceil(atMs - performance.now())), TIMEOUT_MAX_MS);
    const timeout = setTimeout(() => guard(this.#log, 'timer', callback), delayMs);
    return { cancel: () => clearTimeout(timeout) };
  }
}
