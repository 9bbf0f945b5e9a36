// Which of a torrent's connections end for the sake of others: one for an accepted connection when all places are taken,
// and every minute a few for addresses that were not tried yet. Decides by `connection-ranking`; whom to meet is the dialler's.

import {
  connectionForNewcomer,
  connectionsToReplace,
  type Newcomer,
  type RankedConnection,
} from '../../swarm/connection-ranking.ts';
import { isPublic } from '../../swarm/dial-address.ts';
import { networkOf } from '../../swarm/peer-priority.ts';
import type { DeadlineEntry } from '../deadline-queue.ts';
import type { Dialer } from '../session/dialer.ts';
import type { EngineContext } from '../session/engine-context.ts';
import type { PeerSession } from './peer-session.ts';

const TURNOVER_MS = 60_000;
/** So many of those that exchange nothing go at a time ... */
const TURNOVER_RATIO = 1 / 25;
/** ... and so many while nobody gives anything: then most of them are worth nothing. */
const STARVED_RATIO = 1 / 4;
/** Three optimistic unchokes of most clients. */
const AGE_MIN_MS = 120_000;
const STARVED_AGE_MIN_MS = 60_000;
/** Dials under way are among the connections: with so many standing all are taken. */
const FULL_RATIO = 0.9;

export interface TurnoverHost {
  sessions(): Iterable<PeerSession>;
  readonly standingCount: number;
  readonly connectionsMax: number;
  readonly isSeeding: boolean;
  /** Something is wanted, and nobody gives anything. */
  isStarved(nowMs: number): boolean;
  handleBug(error: unknown): void;
}

interface Ranked extends RankedConnection {
  readonly session: PeerSession;
}

export class PeerTurnover implements DeadlineEntry {
  readonly #context: EngineContext;
  readonly #host: TurnoverHost;
  readonly #dialer: Dialer;

  constructor(context: EngineContext, host: TurnoverHost, dialer: Dialer) {
    this.#context = context;
    this.#host = host;
    this.#dialer = dialer;
  }

  /** For when a connection begins: looks again in a minute if all are taken. */
  expect(nowMs: number): void {
    if (this.#isFull()) this.#context.deadlines.expedite(this, nowMs + TURNOVER_MS);
  }

  stop(): void {
    this.#context.deadlines.remove(this);
  }

  /** Room in the torrent and in the session for a connection that stands. False: it is to be refused. */
  makeRoomFor(address: string, nowMs: number): boolean {
    const { connections } = this.#context;
    if (!this.#dialer.hasRoom && this.#dialer.yieldDial(nowMs) && this.#dialer.hasRoom && !connections.isOver)
      return true;
    if (this.#dialer.hasRoom && !connections.isOver) return true;
    const victim = connectionForNewcomer(this.#ranked(), this.#newcomer(address), nowMs);
    if (victim !== undefined) victim.session.close('replaced');
    else if (!this.#dialer.hasRoom || !this.#context.makeRoom(this.#host.standingCount)) return false;
    return this.#dialer.hasRoom && !connections.isOver;
  }

  /** Ends one connection that exchanges nothing, for another torrent of the session. */
  giveWay(nowMs: number): boolean {
    if (this.#dialer.yieldDial(nowMs)) return true;
    const { isSeeding } = this.#host;
    const [victim] = connectionsToReplace(this.#ranked(), { count: 1, ageMinMs: STARVED_AGE_MIN_MS, isSeeding }, nowMs);
    victim?.session.close('replaced');
    return victim !== undefined;
  }

  handleDeadline(nowMs: number): number {
    if (!this.#isFull()) return Number.POSITIVE_INFINITY;
    if (this.#dialer.queue.hasFresh(nowMs)) this.#turnOver(nowMs);
    return nowMs + TURNOVER_MS;
  }

  handleBug(error: unknown): void {
    this.#host.handleBug(error);
  }

  #turnOver(nowMs: number): void {
    const isStarved = this.#host.isStarved(nowMs);
    const count = Math.ceil(this.#host.standingCount * (isStarved ? STARVED_RATIO : TURNOVER_RATIO));
    const ageMinMs = isStarved ? STARVED_AGE_MIN_MS : AGE_MIN_MS;
    const { isSeeding } = this.#host;
    for (const { session } of connectionsToReplace(this.#ranked(), { count, ageMinMs, isSeeding }, nowMs)) {
      session.close('replaced');
    }
  }

  #isFull(): boolean {
    const { standingCount, connectionsMax } = this.#host;
    return standingCount > 0 && (standingCount >= connectionsMax * FULL_RATIO || !this.#context.connections.hasRoom);
  }

  #newcomer(address: string): Newcomer {
    return { network: publicNetworkOf(address), priority: this.#context.priorityOf({ address, port: 0 }) };
  }

  #ranked(): Ranked[] {
    return [...this.#host.sessions()].map((session) => {
      const { remote } = session.socket;
      const { connectedAtMs, exchangedAtMs, amInterested, isInterested } = session;
      const network = publicNetworkOf(remote.address);
      const priority = this.#context.priorityOf(remote);
      return { session, network, connectedAtMs, exchangedAtMs, amInterested, isInterested, priority };
    });
  }
}

/** Undefined on a private network. */
export function publicNetworkOf(address: string): string | undefined {
  return isPublic(address) ? networkOf(address) : undefined;
}
