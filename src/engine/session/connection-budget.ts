// How many connections the session may have, and how many it may be trying to make, over all torrents.
import { DIALS_IN_FLIGHT_MAX, DIALS_PER_SECOND, HALF_OPEN_INBOUND_MAX } from '../../protocol/limits.ts';

const SECOND_MS = 1_000;

export class ConnectionBudget {
  readonly #connectionsMax: number;
  #connectionCount = 0;
  #dialCount = 0;
  #halfOpenInboundCount = 0;
  /** Start of the present second of dialling, and how many were dialled in it. */
  #dialWindowMs = Number.NEGATIVE_INFINITY;
  #dialsInWindow = 0;

  constructor(connectionsMax: number) {
    this.#connectionsMax = connectionsMax;
  }

  get connectionCount(): number {
    return this.#connectionCount;
  }

  get hasRoom(): boolean {
    return this.#connectionCount < this.#connectionsMax;
  }

  /** A connection stands or is being made; false when there is no room. */
  open(): boolean {
    if (!this.hasRoom) return false;
    this.#connectionCount++;
    return true;
  }

  close(): void {
    this.#connectionCount--;
  }

  /** As many accepted connections as may wait for a handshake do. */
  get isInboundFull(): boolean {
    return this.#halfOpenInboundCount >= HALF_OPEN_INBOUND_MAX;
  }

  /** An accepted connection that has not sent its handshake yet. */
  openInbound(): boolean {
    if (this.isInboundFull || !this.open()) return false;
    this.#halfOpenInboundCount++;
    return true;
  }

  /** The handshake came, or never will. */
  closeInbound(): void {
    this.#halfOpenInboundCount--;
  }

  /** Whether a dial may begin now; `nextDialMs` says when to ask again. */
  startDial(nowMs: number): boolean {
    if (nowMs - this.#dialWindowMs >= SECOND_MS) {
      this.#dialWindowMs = nowMs;
      this.#dialsInWindow = 0;
    }
    if (this.#dialCount >= DIALS_IN_FLIGHT_MAX || this.#dialsInWindow >= DIALS_PER_SECOND || !this.open()) return false;
    this.#dialCount++;
    this.#dialsInWindow++;
    return true;
  }

  /** The dial has led to a connection, or to nothing (then `close` follows). */
  endDial(): void {
    this.#dialCount--;
  }

  nextDialMs(nowMs: number): number {
    return Math.max(nowMs + SECOND_MS / 10, this.#dialWindowMs + SECOND_MS);
  }
}
