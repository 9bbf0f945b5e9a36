// The torrents of a session that have somebody to dial, in the order in which they do: one dial each, then it is the next
// one's turn, so that none takes all dials of a session, or all of its connections. Knows no addresses.
import type { DeadlineEntry, DeadlineQueue } from '../deadline-queue.ts';
import type { ConnectionBudget } from './connection-budget.ts';

/** While the session has all its connections: how often others are asked to give one up. */
const MAKE_ROOM_MS = 5_000;

export interface DialLineMember {
  /** Connections that it has or is making. */
  readonly connectionCount: number;
  /** There is an address that may be dialled now, and room for it in the torrent. */
  canDial(nowMs: number): boolean;
  /** Dials one address; its place in the budget is taken. False: nothing was dialled, and the place is not needed. */
  dialNext(nowMs: number): boolean;
}

export interface DialLineParts {
  readonly budget: ConnectionBudget;
  readonly deadlines: DeadlineQueue;
  /** Ends a connection of a torrent that has more than so many, where one can be spared. */
  makeRoom(connectionCount: number): boolean;
  nowMs(): number;
}

export class DialLine implements DeadlineEntry {
  readonly #parts: DialLineParts;
  /** BOUNDED: one a torrent. */
  readonly #members = new Set<DialLineMember>();
  #isRunning = false;
  #madeRoomMs = Number.NEGATIVE_INFINITY;

  constructor(parts: DialLineParts) {
    this.#parts = parts;
    parts.budget.onRoom = () => {
      if (this.#members.size > 0) parts.deadlines.expedite(this, parts.nowMs());
    };
  }

  enter(member: DialLineMember, nowMs: number): void {
    this.#members.add(member);
    this.#dial(nowMs);
    this.#parts.deadlines.expedite(this, this.#nextMs(nowMs));
  }

  leave(member: DialLineMember): void {
    this.#members.delete(member);
    if (this.#members.size === 0) this.#parts.deadlines.remove(this);
  }

  handleDeadline(nowMs: number): number {
    this.#dial(nowMs);
    return this.#nextMs(nowMs);
  }

  #dial(nowMs: number): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      for (const member of this.#members) {
        // Those that dial go to the end of the set, which this loop reaches as long as there is room.
        this.#members.delete(member);
        if (!member.canDial(nowMs)) continue;
        if (!this.#startDial(member, nowMs)) {
          this.#putFirst(member);
          break;
        }
        if (member.dialNext(nowMs)) this.#members.add(member);
        else {
          this.#parts.budget.endDial();
          this.#parts.budget.close();
        }
      }
    } finally {
      this.#isRunning = false;
    }
  }

  #startDial(member: DialLineMember, nowMs: number): boolean {
    const { budget } = this.#parts;
    if (budget.startDial(nowMs)) return true;
    if (budget.hasRoom || nowMs - this.#madeRoomMs < MAKE_ROOM_MS) return false;
    this.#madeRoomMs = nowMs;
    return this.#parts.makeRoom(member.connectionCount) && budget.startDial(nowMs);
  }

  #putFirst(member: DialLineMember): void {
    const others = [...this.#members];
    this.#members.clear();
    this.#members.add(member);
    for (const other of others) this.#members.add(other);
  }

  #nextMs(nowMs: number): number {
    if (this.#members.size === 0) return Number.POSITIVE_INFINITY;
    const { budget } = this.#parts;
    if (!budget.hasRoom) return Math.max(nowMs, this.#madeRoomMs) + MAKE_ROOM_MS;
    return budget.nextDialMs(nowMs);
  }
}
