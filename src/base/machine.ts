// The contract of every sans-IO machine: inputs are handle… calls, outputs are polled, time is an argument.

/**
 * A state machine without I/O. Every `handle…` call is synchronous and never throws for remote input; after each
 * one the caller drains `poll()` to undefined. `nowMs` is monotonic and may not go backwards.
 */
export interface Machine<Output> {
  /** When `handleDeadline` must be called, in milliseconds of the caller's clock; Infinity = never. */
  readonly deadlineMs: number;
  poll(): Output | undefined;
  handleDeadline(nowMs: number): void;
}
