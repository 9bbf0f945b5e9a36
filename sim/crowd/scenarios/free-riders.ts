// A swarm that stays busy: at the start its members have something each, from little to nearly all; whoever has got
// everything leaves, and another comes with nothing. Among them some who never give.
import { randomFraction } from '../../../src/base/random.ts';
import { NeverUnchoke } from '../../variants/never-unchoke.ts';
import { boundMs } from '../crowd-options.ts';
import { median, outcomeOf, sum } from '../crowd-outcome.ts';
import type { CrowdPeer } from '../crowd-peer.ts';
import { addLateLeecher, type CrowdScenario, makeCrowd } from '../crowd-scenario.ts';

const FREE_RIDER_ONE_IN = 10;
/** So many of the contributors that came with nothing, to one leecher of the start, must be complete to have a median. */
const MEASURED_RATIO = 0.5;
/** Of the median contributor's time: how long the free riders are watched. */
const WATCHED = 4;
const LIMIT = 20;

export const freeRiders: CrowdScenario = {
  name: 'free-riders',
  about: 'One leecher in ten never uploads: how much longer it takes than those who do, while the swarm is busy.',
  // Slow lines: so many choke rounds as it takes for everybody to know everybody.
  defaults: { peerCount: 300, uploadMbit: 2 },
  run(options) {
    const rules = { ...options.rules, createChoker: () => new NeverUnchoke() };
    const { world, leechers, seedCapacity, leecherCapacities } = makeCrowd(options, (index, random) =>
      index % FREE_RIDER_ONE_IN === 0 ? { role: 'free-rider', rules } : { haveRatio: randomFraction(random) },
    );
    const bound = boundMs(world.contentBytes, seedCapacity, leecherCapacities);
    const riders = leechers.filter((peer) => peer.role === 'free-rider');
    const atStart = new Set(leechers);
    const took: number[] = [];
    world.onComplete = (peer) => {
      if (peer.role !== 'leecher') return;
      if (!atStart.has(peer)) took.push(peer.tookMs);
      world.after(0, () => world.remove(peer));
      addLateLeecher(options, world, 0);
    };
    const isMeasured = (): boolean => took.length >= leechers.length * MEASURED_RATIO;
    if (!world.runUntil(isMeasured, bound * LIMIT)) world.handleProblem('too few contributors are complete');
    const areComplete = (): boolean => riders.every((peer) => peer.isComplete);
    world.runUntil(areComplete, Math.max(0, median(took) * WATCHED - world.wheel.nowMs));
    const contributorMs = median(took);
    const given = sum(riders, (peer) => peer.stats()?.uploadedBytes ?? 0);
    if (given > 0) world.handleProblem(`the free riders have sent ${given} bytes`);
    const riderMs = median(riders.map((peer) => timeOf(peer, world.wheel.nowMs, world.pieceCount)));
    return {
      figures: [
        { name: 'free rider over contributor', value: riderMs / contributorMs, unit: 'ratio', goal: { atLeast: 3 } },
        { name: 'median contributor', value: contributorMs / 1_000, unit: 'seconds' },
        { name: 'median free rider', value: riderMs / 1_000, unit: 'seconds' },
        { name: 'free riders complete', value: completeRatio(riders), unit: 'percent' },
        { name: 'median contributor over bound', value: contributorMs / bound, unit: 'ratio' },
      ],
      outcomes: [outcomeOf(world, 'busy swarm')],
    };
  },
};

/** Of one that is not complete: what it would take at the pace that it has had so far. */
function timeOf(peer: CrowdPeer, nowMs: number, pieceCount: number): number {
  if (peer.isComplete) return peer.tookMs;
  return ((nowMs - peer.startedMs) * pieceCount) / Math.max(1, peer.havePieceCount);
}

function completeRatio(peers: readonly CrowdPeer[]): number {
  return peers.filter((peer) => peer.isComplete).length / Math.max(1, peers.length);
}
