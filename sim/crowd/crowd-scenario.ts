// What a story about a crowd is, what comes of it, and the set-up that most of them share: one seed, and leechers that
// come within a second.
import { type Random, randomBelow, randomFraction } from '../../src/base/random.ts';
import type { Capacity, CrowdOptions } from './crowd-options.ts';
import { drawCapacity, seedCapacity } from './crowd-options.ts';
import type { CrowdOutcome } from './crowd-outcome.ts';
import type { CrowdPeer } from './crowd-peer.ts';
import { type AddCrowdPeerOptions, CrowdWorld } from './crowd-world.ts';

/** All leechers come within this time. */
const ARRIVAL_MS = 1_000;
const SAMPLES = 200;
const PROGRESS_MS = 10_000;

/** One number that a scenario is about. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: 'ratio' | 'percent' | 'seconds' | 'count';
  /** What the project wants of it. */
  readonly goal?: { readonly atMost?: number; readonly atLeast?: number };
}

export interface CrowdResult {
  readonly scenario: string;
  readonly seed: number;
  readonly figures: readonly Figure[];
  readonly outcomes: readonly CrowdOutcome[];
  /** Empty: nothing was wrong. A goal that was missed is no problem. */
  readonly problems: readonly string[];
}

export interface CrowdScenario {
  readonly name: string;
  /** What it measures, in one sentence. */
  readonly about: string;
  /** Where they differ from those of all. */
  readonly defaults?: Partial<Pick<CrowdOptions, 'peerCount' | 'uploadMbit'>>;
  run(options: CrowdOptions): Omit<CrowdResult, 'scenario' | 'seed' | 'problems'>;
}

export function runCrowdScenario(scenario: CrowdScenario, options: CrowdOptions): CrowdResult {
  const { figures, outcomes } = scenario.run(options);
  const problems = outcomes.flatMap((outcome) => outcome.problems);
  return { scenario: scenario.name, seed: options.seed, figures, outcomes, problems };
}

export function isReached({ value, goal }: Figure): boolean {
  return value <= (goal?.atMost ?? Number.POSITIVE_INFINITY) && value >= (goal?.atLeast ?? Number.NEGATIVE_INFINITY);
}

export interface Crowd {
  readonly world: CrowdWorld;
  readonly seed: CrowdPeer;
  readonly leechers: readonly CrowdPeer[];
  readonly seedCapacity: Capacity;
  readonly leecherCapacities: readonly Capacity[];
}

/** One seed and `peerCount` leechers; `change` says how the leecher with this index differs. */
export function makeCrowd(
  options: CrowdOptions,
  change: (index: number, random: Random) => Partial<AddCrowdPeerOptions> = () => ({}),
  seedChange: Partial<AddCrowdPeerOptions> = {},
): Crowd {
  const { rules, pieceCount, pieceLengthBytes } = options;
  const capacity = seedCapacity(options);
  const fullMs = ((pieceCount * pieceLengthBytes) / capacity.uploadBytesPerSecond) * 1_000;
  const world = new CrowdWorld({ ...options, sampleMs: Math.max(1, Math.floor(fullMs / SAMPLES)) });
  const seed = world.addPeer({ role: 'seed', rules, ...capacity, ...seedChange });
  const leechers: CrowdPeer[] = [];
  const leecherCapacities: Capacity[] = [];
  for (let index = 0; index < options.peerCount; index++) {
    const drawn = drawCapacity(options, world.random);
    leecherCapacities.push(drawn);
    leechers.push(
      world.addPeer({
        role: 'leecher',
        rules,
        ...drawn,
        isBehindNat: randomFraction(world.random) < options.natRatio,
        afterMs: randomBelow(world.random, ARRIVAL_MS),
        ...change(index, world.random),
      }),
    );
  }
  reportProgress(options.onProgress, world);
  return { world, seed, leechers, seedCapacity: capacity, leecherCapacities };
}

/** A leecher that comes later, with a line of its own. */
export function addLateLeecher(options: CrowdOptions, world: CrowdWorld, afterMs: number): CrowdPeer {
  const { rules, natRatio } = options;
  const isBehindNat = randomFraction(world.random) < natRatio;
  return world.addPeer({ role: 'leecher', rules, ...drawCapacity(options, world.random), isBehindNat, afterMs });
}

/** Runs until all of them have everything; that they do not within the limit is a problem. */
export function untilComplete(world: CrowdWorld, peers: readonly CrowdPeer[], limitMs: number): boolean {
  const waiting = new Set(peers.filter((peer) => !peer.isComplete));
  world.onComplete = (peer) => waiting.delete(peer);
  const isDone = world.runUntil(() => waiting.size === 0, limitMs);
  if (!isDone) world.handleProblem(`${waiting.size} of ${peers.length} peers are not complete after ${limitMs} ms`);
  return isDone;
}

function reportProgress(onProgress: CrowdOptions['onProgress'], world: CrowdWorld): void {
  if (onProgress === undefined) return;
  world.after(PROGRESS_MS, () => {
    const sample = world.samples[world.samples.length - 1];
    const { nowMs, eventCount } = world.wheel;
    const percent = ((sample?.haveRatio ?? 0) * 100).toFixed(1);
    onProgress(`${nowMs / 1_000} s: ${sample?.completeCount ?? 0} complete, ${percent} % had, ${eventCount} events`);
    reportProgress(onProgress, world);
  });
}
