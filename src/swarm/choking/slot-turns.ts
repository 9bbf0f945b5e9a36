// Slots that go round: who has one until when, and whose turn is next by a draw in which some count more than others.
// Those on probation get short and rare turns, as rare among few others as among many. Knows no rate.
import { type Random, randomFraction } from '../../base/random.ts';
import type { ChokerPeer } from './choker-peer.ts';

const TURN_MS = 30_000;
/** Long enough to begin to give. */
const PROBATION_TURN_MS = 10_000;
/** Of one on probation in the draw; all others count at least 1. */
const PROBATION_WEIGHT = 0.1;
/** Stands for no peer. */
const NOBODY = -1;

interface Turn {
  readonly id: number;
  readonly begunMs: number;
  readonly endsMs: number;
}

export interface TurnDraw {
  /** Those who want a turn and have no other slot. */
  readonly eligible: readonly ChokerPeer[];
  /** How many others, who have a slot already, the draw might have fallen on. */
  readonly holderCount: number;
  /** How much one counts that is not on probation; at least 1. */
  weightOf(peer: ChokerPeer): number;
  isOnProbation(peer: ChokerPeer): boolean;
}

export class SlotTurns {
  readonly #random: Random;
  /** BOUNDED: by the slots. */
  #turns: Turn[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  has(id: number): boolean {
    return this.#turns.some((turn) => turn.id === id);
  }

  /** Who has a turn, in the order of their beginning. */
  holders(): number[] {
    return this.#turns.map((turn) => turn.id).filter((id) => id !== NOBODY);
  }

  /** Ends turns that are over or whose holder is no longer eligible, and draws others until there are `slots` of them. */
  update(draw: TurnDraw, slots: number, nowMs: number): void {
    const eligible = new Map(draw.eligible.map((peer) => [peer.id, peer]));
    const goesOn = ({ id, begunMs, endsMs }: Turn): boolean => {
      if (nowMs >= endsMs || id === NOBODY) return nowMs < endsMs;
      const peer = eligible.get(id);
      return peer !== undefined && (nowMs - begunMs < PROBATION_TURN_MS || !draw.isOnProbation(peer));
    };
    const kept = this.#turns.filter(goesOn).slice(0, slots);
    const ended = new Set(this.#turns.map(({ id }) => id));
    for (const { id } of kept) ended.delete(id);
    this.#turns = kept;
    while (this.#turns.length < slots) {
      const turn = this.#draw(draw, ended, nowMs);
      if (turn === undefined) return;
      this.#turns.push(turn);
    }
  }

  #draw(
    { eligible, holderCount, weightOf, isOnProbation }: TurnDraw,
    ended: Set<number>,
    nowMs: number,
  ): Turn | undefined {
    const waiting = eligible.filter(({ id }) => !this.has(id));
    if (waiting.length === 0) return undefined;
    const doubtful = waiting.filter(isOnProbation);
    const others = waiting.filter((peer) => !isOnProbation(peer));
    const doubt = doubtful.length * PROBATION_WEIGHT;
    if (randomFraction(this.#random) * (doubt + others.length + holderCount) < doubt) {
      return { id: this.#drawFrom(doubtful, () => 1).id, begunMs: nowMs, endsMs: nowMs + PROBATION_TURN_MS };
    }
    // Whose turn has just ended has another only when nobody else waits.
    const fresh = others.filter(({ id }) => !ended.has(id));
    if (others.length === 0) return { id: NOBODY, begunMs: nowMs, endsMs: nowMs + PROBATION_TURN_MS };
    const drawn = this.#drawFrom(fresh.length > 0 ? fresh : others, weightOf);
    return { id: drawn.id, begunMs: nowMs, endsMs: nowMs + TURN_MS };
  }

  #drawFrom(peers: readonly ChokerPeer[], weightOf: (peer: ChokerPeer) => number): ChokerPeer {
    const weights = peers.map(weightOf);
    let ticket = randomFraction(this.#random) * weights.reduce((sum, weight) => sum + weight, 0);
    const index = weights.findIndex((weight) => {
      ticket -= weight;
      return ticket < 0;
    });
    return peers[index === -1 ? peers.length - 1 : index]!;
  }
}
