// Whom a torrent that has everything serves. `auto`: those who pass on what they get, then those of whom that is not
// known, each for a quota, then whoever has waited longest; who keeps everything gets what nobody else takes. The other
// rules are those of other programs. One slot in five goes round among all.
import type { Random } from '../../base/random.ts';
import type { ChokerPeer, ForDoubtful, SeedingChoker, Slots } from './choker-peer.ts';
import { optimisticSlots } from './slot-shares.ts';
import { SlotTurns } from './slot-turns.ts';

const QUOTA_MS = 60_000;
/** Who passes on less than this, and less than this share of what the others do in the mean, keeps what it gets. */
const KEEPER_RATIO = 0.25;
const KEEPER_SHARE = 0.4;
/** So long after a peer has got a slot it is looked at more often: who keeps everything is to lose it soon. */
const JUDGING_MS = 20_000;
/** A rival must take this much faster to take a slot from its holder. */
const HOLDER_BONUS = 1.1;

export class SeedingRule {
  readonly #kind: SeedingChoker;
  readonly #quotaBytes: number;
  readonly #turns: SlotTurns;
  /** When each peer's last slot ended, for the queue. BOUNDED: by the peers shown in the last round. */
  #slotEndedMs = new Map<number, number>();
  /** Of those of whom it is known; NaN: of nobody. */
  #meanPassedOn = Number.NaN;

  constructor(kind: SeedingChoker, quotaBytes: number, random: Random) {
    this.#kind = kind;
    this.#quotaBytes = quotaBytes;
    this.#turns = new SlotTurns(random);
  }

  update(peers: readonly ChokerPeer[]): void {
    const kept = new Map<number, number>();
    let sum = 0;
    let count = 0;
    for (const { id, passedOnRatio } of peers) {
      const endedMs = this.#slotEndedMs.get(id);
      if (endedMs !== undefined) kept.set(id, endedMs);
      if (passedOnRatio === undefined) continue;
      sum += passedOnRatio;
      count++;
    }
    this.#slotEndedMs = kept;
    this.#meanPassedOn = sum / count;
  }

  handleSlotEnded(id: number, nowMs: number): void {
    this.#slotEndedMs.set(id, nowMs);
  }

  /** It keeps what it gets, while others pass it on. */
  isDoubtful({ passedOnRatio }: ChokerPeer): boolean {
    if (this.#kind !== 'auto' || passedOnRatio === undefined) return false;
    return passedOnRatio < KEEPER_RATIO && passedOnRatio < this.#meanPassedOn * KEEPER_SHARE;
  }

  /** Somebody waits, and one who has a slot has had it for so short a time that it may yet turn out to keep everything. */
  isJudging(candidates: readonly ChokerPeer[], slots: Slots, nowMs: number): boolean {
    if (this.#kind !== 'auto' || candidates.length <= slots.size) return false;
    const isNew = (peer: ChokerPeer): boolean => !peer.isUnchoked || nowMs - peer.unchokedAtMs < JUDGING_MS;
    return candidates.some((peer) => slots.has(peer.id) && isNew(peer));
  }

  choose(
    candidates: readonly ChokerPeer[],
    slots: number,
    forDoubtful: ForDoubtful,
    turn: number,
    nowMs: number,
  ): Slots {
    const chosen: Slots = new Map();
    const isByTurns = this.#kind === 'round-robin' || candidates.every((peer) => this.#isEqual(peer));
    const optimistic = isByTurns ? 0 : optimisticSlots(slots, turn);
    const ranked = this.#ranked(candidates, nowMs);
    for (const peer of ranked.slice(0, slots - optimistic)) {
      if (!this.isDoubtful(peer)) chosen.set(peer.id, 'served');
    }
    const eligible = candidates.filter(({ id }) => !chosen.has(id));
    const isOnProbation = (peer: ChokerPeer): boolean => this.isDoubtful(peer);
    this.#turns.update({ eligible, holderCount: chosen.size, weightOf: () => 1, isOnProbation }, optimistic, nowMs);
    for (const id of this.#turns.holders()) chosen.set(id, 'optimistic');
    for (const peer of ranked) {
      if (chosen.size >= slots) break;
      if (chosen.has(peer.id)) continue;
      if (!this.isDoubtful(peer)) chosen.set(peer.id, 'served');
      else if (forDoubtful !== 'turns') chosen.set(peer.id, forDoubtful === 'all' ? 'served' : 'spare');
    }
    return chosen;
  }

  /** Who of those that wait may have `free` slots until the next round. */
  fill(waiting: readonly ChokerPeer[], free: number, forDoubtful: ForDoubtful, nowMs: number): Slots {
    const chosen: Slots = new Map();
    for (const peer of this.#ranked(waiting, nowMs)) {
      if (chosen.size >= free) break;
      if (!this.isDoubtful(peer)) chosen.set(peer.id, 'served');
      else if (forDoubtful !== 'turns') chosen.set(peer.id, forDoubtful === 'all' ? 'served' : 'spare');
    }
    return chosen;
  }

  /** Nothing sets it apart from the others. */
  #isEqual({ passedOnRatio }: ChokerPeer): boolean {
    return this.#kind === 'auto' && passedOnRatio === undefined;
  }

  #ranked(candidates: readonly ChokerPeer[], nowMs: number): ChokerPeer[] {
    const ranks = new Map(candidates.map((peer) => [peer, this.#rankOf(peer, nowMs)]));
    return [...candidates].sort(
      (a, b) =>
        ranks.get(a)! - ranks.get(b)! ||
        // Those who wait go by how long they wait, those who are served by how fast.
        (a.isUnchoked || b.isUnchoked
          ? b.uploadBytesPerSecond - a.uploadBytesPerSecond || Number(b.isUnchoked) - Number(a.isUnchoked)
          : this.#waitingSinceMs(a) - this.#waitingSinceMs(b)) ||
        a.connectedAtMs - b.connectedAtMs ||
        a.id - b.id,
    );
  }

  /** Low ranks first. */
  #rankOf(peer: ChokerPeer, nowMs: number): number {
    const bonus = peer.isUnchoked ? HOLDER_BONUS : 1;
    if (this.#kind === 'fastest') return -peer.uploadBytesPerSecond * bonus;
    if (this.#kind === 'anti-leech') return -Math.abs(peer.haveRatio - 0.5) * bonus;
    const turn = !peer.isUnchoked ? 1 : this.#hasHadQuota(peer, nowMs) ? 2 : 0;
    return this.#groupOf(peer) * 3 + turn;
  }

  /** 0: passes on what it gets; 1: not known; 2: keeps it. */
  #groupOf(peer: ChokerPeer): number {
    if (this.isDoubtful(peer)) return 2;
    if (this.#kind !== 'auto' || peer.passedOnRatio === undefined) return 1;
    return peer.passedOnRatio >= this.#meanPassedOn * KEEPER_SHARE ? 0 : 1;
  }

  #hasHadQuota(peer: ChokerPeer, nowMs: number): boolean {
    return peer.uploadedSinceUnchoke >= this.#quotaBytes || nowMs - peer.unchokedAtMs >= QUOTA_MS;
  }

  #waitingSinceMs(peer: ChokerPeer): number {
    return this.#slotEndedMs.get(peer.id) ?? peer.connectedAtMs;
  }
}
