// How many connections the session may have, and how many it may be trying to make, over all torrents.
import { DIALS_IN_FLIGHT_MAX, DIALS_PER_SECOND, HALF_OPEN_INBOUND_MAX } from '../../protocol/limits.ts';

const SECOND_MS = 1_000;

export class ConnectionBudget {
  readonly #connectionsMax: number;
  /** Told when a connection has ended, or an attempt. */
  onRoom: (() => void) | undefined;
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

  /** Accepted connections came on top of all that there may be: each that stays needs another to end. */
  get isOver(): boolean {
    return this.#connectionCount > this.#connectionsMax;
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
    this.onRoom?.();
  }

  /** As many accepted connections as may wait for a handshake do. */
  get isInboundFull(): boolean {
    return this.#halfOpenInboundCount >= HALF_OPEN_INBOUND_MAX;
  }

  /**
   * An accepted connection that has not sent its handshake yet. When all connections are taken, some of these may still
   * show who they are: another may have to give way.
   */
  openInbound(): boolean {
    if (this.isInboundFull || this.#connectionCount >= this.#connectionsMax + HALF_OPEN_INBOUND_MAX) return false;
    this.#connectionCount++;
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
    this.onRoom?.();
  }

  /** When the next second of dialling begins; Infinity while it is for `onRoom` to say. */
  nextDialMs(nowMs: number): number {
    const windowEndMs = this.#dialWindowMs + SECOND_MS;
    return this.#dialsInWindow >= DIALS_PER_SECOND && windowEndMs > nowMs ? windowEndMs : Number.POSITIVE_INFINITY;
  }
}
