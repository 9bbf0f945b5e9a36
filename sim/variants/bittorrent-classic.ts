// The choke rule of the first BitTorrent program (Cohen, "Incentives Build Robustness in BitTorrent", 2003): every 10 s
// the three best givers, or takers once complete, and one optimistic slot that moves every 30 s.
import type { ChokerOptions } from '../../src/swarm/choker.ts';
import type { ChokerMode, ChokerPeer } from '../../src/swarm/choking/choker-peer.ts';
import { byRate, drawOptimistic, SlotRule } from './slot-rule.ts';

const ROUND_MS = 10_000;
const SLOTS = 4;
const ROUNDS_PER_OPTIMISTIC = 3;
const NEWCOMER_MS = 60_000;

export class BittorrentClassicChoker extends SlotRule {
  #optimisticId = -1;

  constructor({ random }: ChokerOptions) {
    super(ROUND_MS, random);
  }

  protected override get slotsBetweenRounds(): number {
    return SLOTS;
  }

  protected choose(candidates: readonly ChokerPeer[], mode: ChokerMode, nowMs: number): readonly ChokerPeer[] {
    // Anti-snubbing: who stopped giving keeps no slot but an optimistic one.
    const ranked = byRate(mode === 'leeching' ? candidates.filter((peer) => !peer.isSnubbed) : candidates, mode);
    const best = ranked.slice(0, SLOTS - 1);
    const others = candidates.filter((peer) => !best.includes(peer));
    let optimistic = others.find(({ id }) => id === this.#optimisticId);
    if (optimistic === undefined || this.roundCount % ROUNDS_PER_OPTIMISTIC === 0) {
      optimistic = drawOptimistic(others, this.random, (peer) => nowMs - peer.connectedAtMs < NEWCOMER_MS);
    }
    this.#optimisticId = optimistic?.id ?? -1;
    return optimistic === undefined ? best : [...best, optimistic];
  }
}
