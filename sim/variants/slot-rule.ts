// What the choke rules of other programs have in common: rounds, a ranking, and who holds an optimistic slot. Each rule
// says who is chosen; here is what that changes. Written from the programs' published behaviour, not from their code.
import { type Random, randomBelow } from '../../src/base/random.ts';
import type { ChokeRule } from '../../src/swarm/choker.ts';
import type { ChokerMode, ChokerPeer, ChokerRound } from '../../src/swarm/choking/choker-peer.ts';

export abstract class SlotRule implements ChokeRule {
  nextRoundMs = 0;
  protected readonly random: Random;
  protected roundCount = 0;
  readonly #roundMs: number;

  protected constructor(roundMs: number, random: Random) {
    this.#roundMs = roundMs;
    this.random = random;
  }

  round(peers: readonly ChokerPeer[], mode: ChokerMode, nowMs: number): ChokerRound {
    this.nextRoundMs = nowMs + this.#roundMs;
    const candidates = peers.filter((peer) => peer.isInterested && !peer.isUploadOnly);
    const chosen = new Set(this.choose(candidates, mode, nowMs).map(({ id }) => id));
    this.roundCount++;
    const choke: number[] = [];
    const unchoke: number[] = [];
    for (const { id, isUnchoked } of peers) {
      if (isUnchoked && !chosen.has(id)) choke.push(id);
      else if (!isUnchoked && chosen.has(id)) unchoke.push(id);
    }
    return { choke, unchoke };
  }

  /** Those who wait get the slots that are free, in the order in which they came. */
  fill(peers: readonly ChokerPeer[]): readonly number[] {
    let free = this.slotsBetweenRounds;
    if (free === 0) return [];
    for (const { isUnchoked, isInterested } of peers) if (isUnchoked && isInterested) free--;
    if (free <= 0) return [];
    const waiting = peers.filter((peer) => peer.isInterested && !peer.isUnchoked && !peer.isUploadOnly);
    return waiting.slice(0, free).map(({ id }) => id);
  }

  /** How many slots there are for those who ask between rounds: most programs let nobody in. */
  protected get slotsBetweenRounds(): number {
    return 0;
  }

  /** Who shall be unchoked until the next round. */
  protected abstract choose(candidates: readonly ChokerPeer[], mode: ChokerMode, nowMs: number): readonly ChokerPeer[];
}

/** The rate that tit for tat goes by: what it gives us, or what it takes from us once we have everything. */
export function rateOf(peer: ChokerPeer, mode: ChokerMode): number {
  return mode === 'leeching' ? peer.downloadBytesPerSecond : peer.uploadBytesPerSecond;
}

/** Highest rate first; of equals those that are unchoked, then those that came first. */
export function byRate(candidates: readonly ChokerPeer[], mode: ChokerMode): ChokerPeer[] {
  const rates = new Map(candidates.map((peer) => [peer, rateOf(peer, mode)]));
  return [...candidates].sort(
    (a, b) => rates.get(b)! - rates.get(a)! || Number(b.isUnchoked) - Number(a.isUnchoked) || a.id - b.id,
  );
}

/** One of them at random, newcomers three times as likely; undefined when there is none. */
export function drawOptimistic(
  peers: readonly ChokerPeer[],
  random: Random,
  isNewcomer: (peer: ChokerPeer) => boolean,
): ChokerPeer | undefined {
  const tickets = peers.flatMap((peer) => (isNewcomer(peer) ? [peer, peer, peer] : [peer]));
  return tickets[randomBelow(random, Math.max(1, tickets.length))];
}
