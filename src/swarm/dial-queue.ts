// The known addresses of one torrent's peers: which to dial next, when again, and when to forget one. Knows no
// sockets: it is told how each attempt went. How many attempts run at once is the caller's.
import { DIAL_FAILURES_MAX, PEER_LIST_MAX, RECONNECT_MAX_MS, RECONNECT_MIN_MS } from '../protocol/limits.ts';
import { BanList } from './ban-list.ts';
import { type DialEndpoint, endpointKey, isDialable } from './dial-address.ts';
import { DialHistory, type DialHistoryWaiter } from './dial-history.ts';
import { type PeerSource, SOURCE_RANKS } from './peer-source.ts';

export type { DialEndpoint } from './dial-address.ts';

const NEVER = Number.POSITIVE_INFINITY;
const KEEP_RANKS: Readonly<Record<Entry['state'], number>> = {
  forgotten: 0,
  unneeded: 1,
  idle: 2,
  dialing: 3,
  connected: 3,
};
/** First wait after a failure at an address that the user gave: the other side may just be starting. */
const RECONNECT_USER_MIN_MS = 5_000;

/** From the last failure until a tracker's list brings a forgotten address back: the wait that would have come next. */
const RELISTED_MIN_MS: number = RECONNECT_MIN_MS * 2 ** (DIAL_FAILURES_MAX - 1);

/** How an attempt ended: `ended` is a connection that led to nothing. */
export type DialFailure = 'refused' | 'timed-out' | 'unreachable' | 'ended';

/** How dialling stands, for diagnostics. */
export interface DialSummary {
  /** Addresses known, forgotten ones included, our own left out. */
  readonly knownCount: number;
  readonly dialingCount: number;
  /** May be dialled now. */
  readonly dueCount: number;
  /** Until the next one may be; Infinity when none is waiting. */
  readonly nextInMs: number;
  /** Addresses whose last attempt failed, by how. */
  readonly failures: Readonly<Record<DialFailure, number>>;
}

export interface DialCandidate {
  readonly endpoint: DialEndpoint;
  readonly source: PeerSource;
  readonly failureCount: number;
}

interface Entry {
  readonly endpoint: DialEndpoint;
  source: PeerSource;
  /**
   * 'forgotten' entries are dialled no more and kept for a while, so that gossip does not bring them back at once;
   * 'unneeded' ones until `handleNeeded`.
   */
  state: 'idle' | 'dialing' | 'connected' | 'unneeded' | 'forgotten';
  failureCount: number;
  /** Which of equals is dialled first; undefined until it was asked for. */
  priority: number | undefined;
  /** How the last attempt failed; undefined when it did not, or there was none. */
  failure: DialFailure | undefined;
  /** Idle: not before. Forgotten: not remembered any longer after. */
  dueMs: number;
}

export interface DialQueueOptions {
  /** May be shared by all torrents of a session. */
  readonly bans?: BanList;
  /** May be shared by all torrents of a session. */
  readonly history?: DialHistory;
  /** Of addresses that are equal otherwise the highest is dialled first, and of those the oldest. @defaultValue all alike */
  readonly priorityOf?: (endpoint: DialEndpoint) => number;
  /** `deadlineMs` has become earlier by what another torrent did. */
  readonly onEarlier?: () => void;
}

export class DialQueue implements DialHistoryWaiter {
  readonly bans: BanList;
  /** In the order of arrival. BOUNDED: PEER_LIST_MAX, see `#makeRoom`. */
  readonly #entries = new Map<string, Entry>();
  readonly #history: DialHistory;
  readonly #priorityOf: (endpoint: DialEndpoint) => number;
  readonly #onEarlier: () => void;
  #own: ReadonlySet<string> | undefined;
  /** Kept until something changes: `deadlineMs` is asked for far more often. */
  #deadlineMs: number | undefined;

  constructor(options: DialQueueOptions = {}) {
    this.bans = options.bans ?? new BanList();
    this.#history = options.history ?? new DialHistory();
    this.#priorityOf = options.priorityOf ?? (() => 0);
    this.#onEarlier = options.onEarlier ?? (() => {});
  }

  handleAddressFree(): void {
    this.#deadlineMs = undefined;
    this.#onEarlier();
  }

  /** `priorityOf` answers differently from now on. */
  handlePrioritiesChanged(): void {
    for (const entry of this.#entries.values()) entry.priority = undefined;
  }

  /** Addresses known, connected and forgotten ones included. */
  get count(): number {
    return this.#entries.size;
  }

  /** Where we listen ourselves; such addresses are removed and refused. */
  setOwnEndpoints(endpoints: readonly DialEndpoint[]): void {
    this.#deadlineMs = undefined;
    this.#own = new Set(endpoints.map(endpointKey));
    for (const key of this.#own) this.#entries.delete(key);
  }

  /** True when there is one more address to dial. One that waits after a failure is due at once if the user names it. */
  add(endpoint: DialEndpoint, source: PeerSource, nowMs: number): boolean {
    const key = endpointKey(endpoint);
    if (!isDialable(endpoint) || this.#own?.has(key) === true || this.isBanned(endpoint.address, nowMs)) return false;
    const known = this.#entries.get(key);
    if (known !== undefined) {
      this.#deadlineMs = undefined;
      if (SOURCE_RANKS[source] > SOURCE_RANKS[known.source]) known.source = source;
      const isWaiting = known.state === 'forgotten' || known.dueMs > nowMs;
      const isOver = known.state === 'forgotten' && nowMs >= known.dueMs;
      const isInUse = known.state === 'dialing' || known.state === 'connected' || known.state === 'unneeded';
      // A tracker that still lists it has heard from it meanwhile: worth one more try, as in libtorrent.
      const forgottenForMs = nowMs - (known.dueMs - RECONNECT_MAX_MS);
      const isRevived = known.state === 'forgotten' && source === 'tracker' && forgottenForMs >= RELISTED_MIN_MS;
      if (isInUse || known.dueMs === NEVER || !(isOver || isRevived || (isWaiting && source === 'user'))) return false;
      known.failureCount = isRevived && !isOver ? DIAL_FAILURES_MAX - 1 : 0;
      known.state = 'idle';
      known.dueMs = nowMs;
      return true;
    }
    if (this.#entries.size >= PEER_LIST_MAX && !this.#makeRoom(source)) return false;
    this.#deadlineMs = undefined;
    const { address, port } = endpoint;
    this.#entries.set(key, {
      endpoint: { address, port },
      source,
      state: 'idle',
      failureCount: 0,
      priority: undefined,
      failure: undefined,
      dueMs: nowMs,
    });
    return true;
  }

  /** The best address that may be dialled now. The caller dials it and says so with `handleDialing`. */
  next(nowMs: number): DialCandidate | undefined {
    if (this.deadlineMs > nowMs) return undefined;
    let best: Entry | undefined;
    for (const entry of this.#entries.values()) {
      if (entry.state !== 'idle' || this.#dueMs(entry) > nowMs) continue;
      if (best === undefined || this.#isBetterToDial(entry, best)) best = entry;
    }
    if (best === undefined) {
      // Another torrent has dialled there meanwhile.
      this.#deadlineMs = undefined;
      return undefined;
    }
    const { endpoint, source, failureCount } = best;
    return { endpoint, source, failureCount };
  }

  /** Addresses that may be dialled now, and were never tried in vain. */
  hasFresh(nowMs: number): boolean {
    if (this.deadlineMs > nowMs) return false;
    for (const entry of this.#entries.values()) {
      if (entry.state === 'idle' && entry.failureCount === 0 && this.#dueMs(entry) <= nowMs) return true;
    }
    return false;
  }

  /** When `next` may have a candidate; in the past when it has one now, Infinity when nothing is waiting. */
  get deadlineMs(): number {
    if (this.#deadlineMs !== undefined) return this.#deadlineMs;
    let deadlineMs = Number.POSITIVE_INFINITY;
    for (const entry of this.#entries.values()) {
      if (entry.state === 'idle') deadlineMs = Math.min(deadlineMs, this.#dueMs(entry));
    }
    this.#deadlineMs = deadlineMs;
    return deadlineMs;
  }

  /** Who named this address; the best of them. */
  sourceOf(endpoint: DialEndpoint): PeerSource | undefined {
    return this.#entries.get(endpointKey(endpoint))?.source;
  }

  /** The only peers that knew of this address by PEX know it no longer: when it could not be reached either, it is let go. */
  withdraw(endpoint: DialEndpoint): void {
    const key = endpointKey(endpoint);
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.source !== 'pex' || entry.state !== 'idle' || entry.failureCount === 0) return;
    this.#deadlineMs = undefined;
    this.#entries.delete(key);
  }

  handleDialing(endpoint: DialEndpoint, nowMs: number): void {
    this.#deadlineMs = undefined;
    const entry = this.#entries.get(endpointKey(endpoint));
    if (entry !== undefined) entry.state = 'dialing';
    this.#history.handleDialled(endpoint.address, nowMs);
  }

  /** The connection stands and the handshake fits. Also for a connection from the other side, once its port is known. */
  handleConnected(endpoint: DialEndpoint): void {
    this.#deadlineMs = undefined;
    const entry = this.#entries.get(endpointKey(endpoint));
    if (entry === undefined) return;
    entry.state = 'connected';
    entry.failure = undefined;
  }

  /** Both handshakes are there: the address is a peer's. */
  handleGreeted(endpoint: DialEndpoint): void {
    this.#deadlineMs = undefined;
    this.#history.handleGreeted(endpoint.address);
  }

  /** The connection was ended since neither side has anything that the other wants. */
  handleUnneeded(endpoint: DialEndpoint): void {
    this.#deadlineMs = undefined;
    const entry = this.#entries.get(endpointKey(endpoint));
    if (entry === undefined || entry.dueMs === NEVER) return;
    entry.state = 'unneeded';
    entry.failureCount = 0;
  }

  /** What was not needed may be from now on: we want something again. */
  handleNeeded(nowMs: number): void {
    this.#deadlineMs = undefined;
    for (const entry of this.#entries.values()) {
      if (entry.state !== 'unneeded') continue;
      entry.state = 'idle';
      entry.dueMs = nowMs;
    }
  }

  /** The attempt failed, or the handshake did. */
  handleFailed(endpoint: DialEndpoint, nowMs: number, failure: DialFailure = 'ended'): void {
    this.#deadlineMs = undefined;
    const entry = this.#entries.get(endpointKey(endpoint));
    if (entry === undefined || entry.dueMs === NEVER) return;
    entry.failureCount++;
    entry.failure = failure;
    if (entry.failureCount >= DIAL_FAILURES_MAX && entry.source !== 'user') {
      entry.state = 'forgotten';
      entry.dueMs = nowMs + RECONNECT_MAX_MS;
    } else {
      entry.state = 'idle';
      entry.dueMs = nowMs + reconnectMs(entry);
    }
  }

  /** The connection has ended. `wasUseful`: it gave or took something; else it counts as a failure. */
  handleClosed(endpoint: DialEndpoint, nowMs: number, wasUseful: boolean): void {
    this.#deadlineMs = undefined;
    const entry = this.#entries.get(endpointKey(endpoint));
    if (!wasUseful) this.handleFailed(endpoint, nowMs);
    if (entry === undefined || entry.dueMs === NEVER || !wasUseful) return;
    entry.failureCount = 0;
    entry.state = 'idle';
    entry.dueMs = nowMs + reconnectMs(entry);
  }

  /** We ended the attempt or the connection for reasons of our own: the address may be dialled again at any time. */
  handleGivenUp(endpoint: DialEndpoint, nowMs: number): void {
    this.#deadlineMs = undefined;
    const entry = this.#entries.get(endpointKey(endpoint));
    if (entry === undefined || entry.dueMs === NEVER) return;
    entry.state = 'idle';
    entry.dueMs = nowMs;
  }

  /** Never to be dialled again, whoever names it: it turned out to be ourselves. */
  remove(endpoint: DialEndpoint): void {
    this.#deadlineMs = undefined;
    const entry = this.#entries.get(endpointKey(endpoint));
    if (entry === undefined) return;
    entry.state = 'forgotten';
    entry.dueMs = NEVER;
  }

  /** Bans the address on every port and drops what is known of it. Connections that stand are the caller's to end. */
  ban(address: string, nowMs: number): void {
    this.#deadlineMs = undefined;
    this.bans.ban(address, nowMs);
    for (const [key, entry] of this.#entries) if (entry.endpoint.address === address) this.#entries.delete(key);
  }

  isBanned(address: string, nowMs: number): boolean {
    return this.bans.isBanned(address, nowMs);
  }

  /** Looks at every address: for diagnostics. */
  summary(nowMs: number): DialSummary {
    const failures: Record<DialFailure, number> = { refused: 0, 'timed-out': 0, unreachable: 0, ended: 0 };
    let knownCount = 0;
    let dialingCount = 0;
    let dueCount = 0;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const entry of this.#entries.values()) {
      if (entry.dueMs === NEVER) continue;
      knownCount++;
      if (entry.failure !== undefined && entry.state !== 'dialing') failures[entry.failure]++;
      if (entry.state === 'dialing') dialingCount++;
      if (entry.state !== 'idle') continue;
      const dueMs = this.#dueMs(entry);
      if (dueMs <= nowMs) dueCount++;
      nextMs = Math.min(nextMs, dueMs);
    }
    return { knownCount, dialingCount, dueCount, nextInMs: Math.max(0, nextMs - nowMs), failures };
  }

  #dueMs(entry: Entry): number {
    // What the user named is dialled as asked; gossip must not make us knock at one host on many ports.
    if (entry.source === 'user' || entry.source === 'magnet') return entry.dueMs;
    return Math.max(entry.dueMs, this.#history.notBeforeMs(entry.endpoint.address, this));
  }

  #isBetterToDial(entry: Entry, than: Entry): boolean {
    if (entry.failureCount !== than.failureCount) return entry.failureCount < than.failureCount;
    if (entry.source !== than.source) {
      const rankDifference = SOURCE_RANKS[entry.source] - SOURCE_RANKS[than.source];
      if (rankDifference !== 0) return rankDifference > 0;
    }
    entry.priority ??= this.#priorityOf(entry.endpoint);
    than.priority ??= this.#priorityOf(than.endpoint);
    return entry.priority > than.priority;
  }

  /** Drops the least promising address that is not in use; false when all are better than a new one of `source`. */
  #makeRoom(source: PeerSource): boolean {
    let worst: Entry | undefined;
    for (const entry of this.#entries.values()) {
      if (entry.state === 'dialing' || entry.state === 'connected') continue;
      if (worst === undefined || isWorseToKeep(entry, worst)) worst = entry;
    }
    if (worst === undefined) return false;
    const isPromising = worst.state === 'idle' && worst.failureCount === 0;
    if (isPromising && SOURCE_RANKS[worst.source] > SOURCE_RANKS[source]) return false;
    this.#deadlineMs = undefined;
    this.#entries.delete(endpointKey(worst.endpoint));
    return true;
  }
}

function reconnectMs(entry: Entry): number {
  const minMs = entry.source === 'user' ? RECONNECT_USER_MIN_MS : RECONNECT_MIN_MS;
  return Math.min(RECONNECT_MAX_MS, minMs * 2 ** Math.max(0, entry.failureCount - 1));
}

/** Strictly worse, so that of equals the oldest goes. */
function isWorseToKeep(entry: Entry, than: Entry): boolean {
  if (entry.state !== than.state) return KEEP_RANKS[entry.state] < KEEP_RANKS[than.state];
  if (entry.failureCount !== than.failureCount) return entry.failureCount > than.failureCount;
  return SOURCE_RANKS[entry.source] < SOURCE_RANKS[than.source];
}
