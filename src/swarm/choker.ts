// Who may download from us. While leeching: those who give most (tit for tat), one optimistic slot for the others.
// While seeding: those we can serve fastest, each for a quota, then whoever has waited longest. BEP 3, "Choking and
// optimistic unchoking". Knows no connection and no piece: it ranks what it is shown.
import { type Random, randomBelow } from '../base/random.ts';

export interface ChokerPeer {
  /** Never used again for another connection. */
  readonly id: number;
  readonly isInterested: boolean;
  /** We do not choke it. */
  readonly isUnchoked: boolean;
  readonly downloadBytesPerSecond: number;
  readonly uploadBytesPerSecond: number;
  readonly connectedAtMs: number;
  /** It has stopped answering our requests. */
  readonly isSnubbed: boolean;
  /** Bytes sent to it since it was last unchoked. */
  readonly uploadedSinceUnchoke: number;
  readonly unchokedAtMs: number;
  /** It wants nothing (BEP 21). */
  readonly isUploadOnly: boolean;
}

export type ChokerMode = 'leeching' | 'seeding';

export interface ChokerOptions {
  readonly slots: number;
  readonly random: Random;
  /** Bytes after which a seeding slot goes to the next: twenty pieces. @defaultValue 20 MiB */
  readonly seedingQuotaBytes?: number;
}

export interface ChokerRound {
  readonly choke: number[];
  readonly unchoke: number[];
}

const ROUND_MS = 10_000;
const OPTIMISTIC_MS = 30_000;
/** A connection this young counts as several in the optimistic draw: it has had no chance to give anything. */
const NEWCOMER_MS = 60_000;
const NEWCOMER_WEIGHT = 3;
/** One slot in so many is optimistic, at least one. */
const SLOTS_PER_OPTIMISTIC = 5;
/** A rival must give this much more to take a slot from its holder: rates waver. */
const HOLDER_BONUS = 1.1;
const SEEDING_QUOTA_MS = 60_000;
const SEEDING_QUOTA_BYTES = 20 * 1024 * 1024;

/** What decides over the slots of a torrent: `Choker`, or another rule in its place. */
export type ChokeRule = Pick<Choker, 'nextRoundMs' | 'round' | 'handleInterested'>;

export class Choker {
  readonly #random: Random;
  readonly #seedingQuotaBytes: number;
  #slots: number;
  #nextRoundMs = 0;
  /** Peers in an optimistic slot → when it ends. BOUNDED: by the slots. */
  readonly #optimistic = new Map<number, number>();
  /** When each peer's last slot ended, for the queue. BOUNDED: by the peers shown in the last round. */
  #slotEndedMs = new Map<number, number>();

  constructor(options: ChokerOptions) {
    this.#slots = options.slots;
    this.#random = options.random;
    this.#seedingQuotaBytes = options.seedingQuotaBytes ?? SEEDING_QUOTA_BYTES;
  }

  /** When `round` is due. */
  get nextRoundMs(): number {
    return this.#nextRoundMs;
  }

  setSlots(slots: number): void {
    this.#slots = slots;
  }

  isOptimistic(id: number): boolean {
    return this.#optimistic.has(id);
  }

  /** Decides over all slots. Returns only what changes. */
  round(peers: readonly ChokerPeer[], mode: ChokerMode, nowMs: number): ChokerRound {
    this.#nextRoundMs = nowMs + ROUND_MS;
    this.#forgetAllBut(peers);
    const candidates = peers.filter((peer) => peer.isInterested && !peer.isUploadOnly);
    const chosen =
      mode === 'leeching' ? this.#chooseLeeching(candidates, nowMs) : this.#chooseSeeding(candidates, nowMs);
    const choke: number[] = [];
    const unchoke: number[] = [];
    for (const peer of peers) {
      const isChosen = chosen.has(peer.id);
      if (isChosen === peer.isUnchoked) continue;
      (isChosen ? unchoke : choke).push(peer.id);
      if (!isChosen) this.#slotEndedMs.set(peer.id, nowMs);
    }
    return { choke, unchoke };
  }

  /** Between rounds a peer has become interested: true when it may have a free slot at once. */
  handleInterested(peer: ChokerPeer, peers: readonly ChokerPeer[]): boolean {
    if (!peer.isInterested || peer.isUnchoked || peer.isUploadOnly || peer.isSnubbed) return false;
    let taken = 0;
    for (const other of peers) if (other.isUnchoked && other.isInterested) taken++;
    return taken < this.#slots;
  }

  #chooseLeeching(candidates: readonly ChokerPeer[], nowMs: number): Set<number> {
    const optimisticSlots = this.#slots === 0 ? 0 : Math.max(1, Math.floor(this.#slots / SLOTS_PER_OPTIMISTIC));
    const ranked = candidates
      .filter((peer) => !peer.isSnubbed)
      .sort((a, b) => this.#leechingScore(b) - this.#leechingScore(a) || byTenure(a, b));
    const chosen = new Set(ranked.slice(0, this.#slots - optimisticSlots).map((peer) => peer.id));
    this.#chooseOptimistic(candidates, chosen, optimisticSlots, nowMs);
    for (const id of this.#optimistic.keys()) chosen.add(id);
    return chosen;
  }

  #leechingScore(peer: ChokerPeer): number {
    // An optimistic slot is not yet earned.
    const isHolder = peer.isUnchoked && !this.#optimistic.has(peer.id);
    return isHolder ? peer.downloadBytesPerSecond * HOLDER_BONUS : peer.downloadBytesPerSecond;
  }

  #chooseOptimistic(
    candidates: readonly ChokerPeer[],
    regular: ReadonlySet<number>,
    slots: number,
    nowMs: number,
  ): void {
    const eligible = candidates.filter((peer) => !regular.has(peer.id));
    const ended = new Set<number>();
    for (const [id, endsMs] of this.#optimistic) {
      const isEligible = eligible.some((peer) => peer.id === id);
      if (isEligible && nowMs < endsMs) continue;
      this.#optimistic.delete(id);
      ended.add(id);
    }
    while (this.#optimistic.size < slots) {
      // Whose turn has just ended has another only when nobody else waits.
      const waiting = eligible.filter((peer) => !this.#optimistic.has(peer.id));
      const fresh = waiting.filter((peer) => !ended.has(peer.id));
      const drawn = this.#draw(fresh.length > 0 ? fresh : waiting, nowMs);
      if (drawn === undefined) return;
      this.#optimistic.set(drawn.id, nowMs + OPTIMISTIC_MS);
    }
  }

  #draw(peers: readonly ChokerPeer[], nowMs: number): ChokerPeer | undefined {
    const weights = peers.map((peer) => (nowMs - peer.connectedAtMs < NEWCOMER_MS ? NEWCOMER_WEIGHT : 1));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    if (sum === 0) return undefined;
    let ticket = randomBelow(this.#random, sum);
    return peers.find((_, i) => {
      ticket -= weights[i]!;
      return ticket < 0;
    });
  }

  #chooseSeeding(candidates: readonly ChokerPeer[], nowMs: number): Set<number> {
    this.#optimistic.clear();
    const served: ChokerPeer[] = [];
    const serving: ChokerPeer[] = [];
    const waiting: ChokerPeer[] = [];
    for (const peer of candidates) {
      if (!peer.isUnchoked) waiting.push(peer);
      else if (this.#hasHadQuota(peer, nowMs)) served.push(peer);
      else serving.push(peer);
    }
    serving.sort((a, b) => b.uploadBytesPerSecond - a.uploadBytesPerSecond || byTenure(a, b));
    waiting.sort((a, b) => this.#waitingSinceMs(a) - this.#waitingSinceMs(b) || a.id - b.id);
    served.sort((a, b) => b.uploadBytesPerSecond - a.uploadBytesPerSecond || byTenure(a, b));
    const ranked = [...serving, ...waiting, ...served].slice(0, this.#slots);
    return new Set(ranked.map((peer) => peer.id));
  }

  #hasHadQuota(peer: ChokerPeer, nowMs: number): boolean {
    return peer.uploadedSinceUnchoke >= this.#seedingQuotaBytes || nowMs - peer.unchokedAtMs >= SEEDING_QUOTA_MS;
  }

  #waitingSinceMs(peer: ChokerPeer): number {
    return this.#slotEndedMs.get(peer.id) ?? peer.connectedAtMs;
  }

  #forgetAllBut(peers: readonly ChokerPeer[]): void {
    const kept = new Map<number, number>();
    for (const { id } of peers) {
      const endedMs = this.#slotEndedMs.get(id);
      if (endedMs !== undefined) kept.set(id, endedMs);
    }
    this.#slotEndedMs = kept;
  }
}

/** Holders first, then whoever has been here longest. */
function byTenure(a: ChokerPeer, b: ChokerPeer): number {
  return Number(b.isUnchoked) - Number(a.isUnchoked) || a.connectedAtMs - b.connectedAtMs || a.id - b.id;
}
