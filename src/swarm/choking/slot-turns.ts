// Slots that go round: who has one until when, and whose turn is next by a draw in which some count more than others.
// Some turns may be nobody's. Knows no rate.
import { type Random, randomFraction } from '../../base/random.ts';
import type { ChokerPeer } from './choker-peer.ts';

/** Stands for no peer. */
const NOBODY = -1;

interface Turn {
  readonly id: number;
  readonly endsMs: number;
}

export class SlotTurns {
  readonly #random: Random;
  readonly #turnMs: number;
  /** BOUNDED: by the slots. */
  #turns: Turn[] = [];

  constructor(random: Random, turnMs: number) {
    this.#random = random;
    this.#turnMs = turnMs;
  }

  has(id: number): boolean {
    return this.#turns.some((turn) => turn.id === id);
  }

  /** Who has a turn, in the order of their beginning. */
  holders(): number[] {
    return this.#turns.map((turn) => turn.id).filter((id) => id !== NOBODY);
  }

  clear(): void {
    this.#turns = [];
  }

  /**
   * Ends turns that are over or whose holder is no longer `eligible`, and draws others until there are `slots` of them.
   * `weightOf` says how much each counts; `nobodyWeight` is the weight of giving the turn to nobody.
   */
  update(
    eligible: readonly ChokerPeer[],
    slots: number,
    weightOf: (peer: ChokerPeer) => number,
    nobodyWeight: number,
    nowMs: number,
  ): void {
    const ids = new Set(eligible.map(({ id }) => id));
    ids.add(NOBODY);
    const kept = this.#turns.filter(({ id, endsMs }) => nowMs < endsMs && ids.has(id)).slice(0, slots);
    const ended = new Set(this.#turns.map(({ id }) => id));
    for (const { id } of kept) ended.delete(id);
    this.#turns = kept;
    while (this.#turns.length < slots) {
      // Whose turn has just ended has another only when nobody else waits.
      const waiting = eligible.filter(({ id }) => !this.has(id));
      const fresh = waiting.filter(({ id }) => !ended.has(id));
      const id = this.#draw(fresh.length > 0 ? fresh : waiting, weightOf, nobodyWeight);
      if (id === undefined) return;
      this.#turns.push({ id, endsMs: nowMs + this.#turnMs });
    }
  }

  #draw(
    peers: readonly ChokerPeer[],
    weightOf: (peer: ChokerPeer) => number,
    nobodyWeight: number,
  ): number | undefined {
    if (peers.length === 0) return undefined;
    const weights = peers.map(weightOf);
    const sum = weights.reduce((total, weight) => total + weight, nobodyWeight);
    let ticket = randomFraction(this.#random) * sum;
    const index = weights.findIndex((weight) => {
      ticket -= weight;
      return ticket < 0;
    });
    return index === -1 ? NOBODY : peers[index]!.id;
  }
}
