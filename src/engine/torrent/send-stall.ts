// Whether the system still takes what is sent to one peer: a buffer that it does not take means a peer that does not read.
import { SEND_STALL_MS } from '../../protocol/limits.ts';

export class SendStall {
  /** Buffers that the system has not taken, and when it took one last (or had none to take). */
  #untakenCount = 0;
  #takenAtMs = Number.NEGATIVE_INFINITY;

  /** When the peer must be taken for one that does not read; Infinity: nothing waits. */
  get deadlineMs(): number {
    return this.#untakenCount > 0 ? this.#takenAtMs + SEND_STALL_MS : Number.POSITIVE_INFINITY;
  }

  handleWrite(nowMs: number): void {
    if (this.#untakenCount++ === 0) this.#takenAtMs = nowMs;
  }

  handleTaken(nowMs: number): void {
    this.#untakenCount--;
    this.#takenAtMs = nowMs;
  }
}
