// The choke rule of Transmission 3: every 10 s the fourteen best by rate, and beside them one optimistic slot for 40 s.
// Nobody is let in between rounds.
import type { ChokerOptions } from '../../src/swarm/choker.ts';
import type { ChokerMode, ChokerPeer } from '../../src/swarm/choking/choker-peer.ts';
import { byRate, drawOptimistic, SlotRule } from './slot-rule.ts';

const ROUND_MS = 10_000;
const SLOTS = 14;
const ROUNDS_PER_OPTIMISTIC = 4;
const NEWCOMER_MS = 45_000;

export class TransmissionChoker extends SlotRule {
  #optimisticId = -1;
  #roundsLeft = 0;

  constructor({ random }: ChokerOptions) {
    super(ROUND_MS, random);
  }

  protected choose(candidates: readonly ChokerPeer[], mode: ChokerMode, nowMs: number): readonly ChokerPeer[] {
    const best = byRate(candidates, mode).slice(0, SLOTS);
    const others = candidates.filter((peer) => !best.includes(peer));
    this.#roundsLeft--;
    let optimistic = this.#roundsLeft > 0 ? candidates.find(({ id }) => id === this.#optimisticId) : undefined;
    if (optimistic === undefined) {
      optimistic = drawOptimistic(others, this.random, (peer) => nowMs - peer.connectedAtMs < NEWCOMER_MS);
      this.#roundsLeft = ROUNDS_PER_OPTIMISTIC;
    }
    this.#optimisticId = optimistic?.id ?? -1;
    return optimistic === undefined ? best : [...best, optimistic];
  }
}
