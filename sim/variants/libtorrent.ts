// The choke rules of libtorrent 2.0. Its default: eight slots, a fifth of them optimistic; round robin when seeding: who has had its
// quota makes room. And its rate based choker, which opens as many slots as bring a rate that rises from slot to slot.
import type { ChokerOptions } from '../../src/swarm/choker.ts';
import type { ChokerMode, ChokerPeer } from '../../src/swarm/choking/choker-peer.ts';
import { byRate, drawOptimistic, SlotRule } from './slot-rule.ts';

const ROUND_MS = 15_000;
const OPTIMISTIC_ROUNDS = 2;
const SLOTS = 8;
const SLOTS_PER_OPTIMISTIC = 5;
/** `seeding_piece_quota` of 20 pieces, in bytes of the usual ones. */
const QUOTA_BYTES = 20 * 1024 * 1024;
const QUOTA_MS = 60_000;
/** `rate_choker_initial_threshold`, and by how much each further slot asks for more. */
const THRESHOLD_FIRST_BYTES_PER_SECOND = 1_024;
const THRESHOLD_STEP_BYTES_PER_SECOND = 2_048;

export class LibtorrentChoker extends SlotRule {
  protected slots: number = SLOTS;
  #optimistic: readonly number[] = [];

  constructor({ random }: ChokerOptions) {
    super(ROUND_MS, random);
  }

  protected override get slotsBetweenRounds(): number {
    return this.slots;
  }

  protected choose(candidates: readonly ChokerPeer[], mode: ChokerMode, nowMs: number): readonly ChokerPeer[] {
    const optimisticSlots = Math.max(1, Math.floor(this.slots / SLOTS_PER_OPTIMISTIC));
    const ranked = mode === 'leeching' ? byRate(candidates, mode) : byQuota(candidates, nowMs);
    const best = ranked.slice(0, this.slots - optimisticSlots);
    const others = candidates.filter((peer) => !best.includes(peer));
    const holders = this.roundCount % OPTIMISTIC_ROUNDS === 0 ? [] : this.#optimistic;
    const optimistic = others.filter(({ id }) => holders.includes(id)).slice(0, optimisticSlots);
    while (optimistic.length < optimisticSlots) {
      const rest = others.filter((peer) => !optimistic.includes(peer));
      const drawn = drawOptimistic(rest, this.random, () => false);
      if (drawn === undefined) break;
      optimistic.push(drawn);
    }
    this.#optimistic = optimistic.map(({ id }) => id);
    return [...best, ...optimistic];
  }
}

export class LibtorrentRateBasedChoker extends LibtorrentChoker {
  protected override choose(candidates: readonly ChokerPeer[], mode: ChokerMode, nowMs: number): readonly ChokerPeer[] {
    let threshold = THRESHOLD_FIRST_BYTES_PER_SECOND;
    let slots = 1;
    for (const peer of byRate(candidates, 'seeding')) {
      if (peer.uploadBytesPerSecond < threshold) break;
      threshold += THRESHOLD_STEP_BYTES_PER_SECOND;
      slots++;
    }
    this.slots = slots + 1;
    return super.choose(candidates, mode, nowMs);
  }
}

/** Seeding, round robin: who is in the middle of its quota first, who has had it last. */
function byQuota(candidates: readonly ChokerPeer[], nowMs: number): ChokerPeer[] {
  const rank = (peer: ChokerPeer): number => {
    if (!peer.isUnchoked) return 1;
    const isServed = peer.uploadedSinceUnchoke >= QUOTA_BYTES && nowMs - peer.unchokedAtMs >= QUOTA_MS;
    return isServed ? 2 : 0;
  };
  return [...candidates].sort((a, b) => rank(a) - rank(b) || a.unchokedAtMs - b.unchokedAtMs || a.id - b.id);
}
