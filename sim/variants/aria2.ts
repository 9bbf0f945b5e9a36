// The choke rule of aria2: rounds of 10 s. Leeching, three slots by rate and an optimistic one that moves every third
// round. Seeding, three slots that stay with whom they were given lately and a fourth drawn at random, in two rounds
// of three.
import { shuffle } from '../../src/base/random.ts';
import type { ChokerOptions } from '../../src/swarm/choker.ts';
import type { ChokerMode, ChokerPeer } from '../../src/swarm/choking/choker-peer.ts';
import { byRate, drawOptimistic, SlotRule } from './slot-rule.ts';

const ROUND_MS = 10_000;
const SLOTS = 4;
const ROUNDS = 3;
/** Who was unchoked within this time keeps its slot when seeding. */
const RECENT_MS = 20_000;

export class Aria2Choker extends SlotRule {
  #optimisticId = -1;

  constructor({ random }: ChokerOptions) {
    super(ROUND_MS, random);
  }

  protected choose(candidates: readonly ChokerPeer[], mode: ChokerMode, nowMs: number): readonly ChokerPeer[] {
    return mode === 'leeching' ? this.#chooseLeeching(candidates) : this.#chooseSeeding(candidates, nowMs);
  }

  #chooseLeeching(candidates: readonly ChokerPeer[]): readonly ChokerPeer[] {
    const best = byRate(
      candidates.filter((peer) => !peer.isSnubbed),
      'leeching',
    ).slice(0, SLOTS - 1);
    const others = candidates.filter((peer) => !best.includes(peer));
    let optimistic = others.find(({ id }) => id === this.#optimisticId);
    if (optimistic === undefined || this.roundCount % ROUNDS === 0) {
      optimistic = drawOptimistic(others, this.random, () => false);
    }
    this.#optimisticId = optimistic?.id ?? -1;
    return optimistic === undefined ? best : [...best, optimistic];
  }

  #chooseSeeding(candidates: readonly ChokerPeer[], nowMs: number): readonly ChokerPeer[] {
    const isRecent = (peer: ChokerPeer): boolean => peer.isUnchoked && nowMs - peer.unchokedAtMs < RECENT_MS;
    const recent = byRate(candidates.filter(isRecent), 'seeding');
    const others = byRate(
      candidates.filter((peer) => !isRecent(peer)),
      'seeding',
    );
    const ranked = [...recent, ...others];
    if (this.roundCount % ROUNDS === ROUNDS - 1) return ranked.slice(0, SLOTS);
    const best = ranked.slice(0, SLOTS - 1);
    return [...best, ...shuffle(this.random, ranked.slice(SLOTS - 1)).slice(0, 1)];
  }
}
