// Time as the engine sees it: one monotonic clock, one kind of timer.

export interface Timer {
  /** Idempotent; the callback never runs afterwards. */
  cancel(): void;
}

export interface Clock {
  /** Monotonic milliseconds; only differences mean something. */
  nowMs(): number;
  /** Milliseconds since 1970 (UTC): for showing and storing, never for intervals. */
  wallTimeMs(): number;
  /** Calls back once, at `atMs` of `nowMs()` or as soon after as possible; never synchronously. */
  schedule(atMs: number, callback: () => void): Timer;
}
