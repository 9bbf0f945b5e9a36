// What a scenario is, and how one is run: in a fresh world from one seed, then the checks that all share. A result is
// plain data, so that a test and the command line can both judge it.
import type { Crypto } from '../../src/platform/crypto.ts';
import type { TorrentFormat } from '../../src/protocol/metainfo/index.ts';
import type { LinkOptions } from '../world/sim-link.ts';
import type { SimPeer } from '../world/sim-peer.ts';
import { SimWorld } from '../world/sim-world.ts';

export interface Scenario {
  readonly name: string;
  /** What it shows, in one sentence. */
  readonly about: string;
  /** Takes more than a second of real time: run with fewer seeds. */
  readonly isHeavy?: boolean;
  /** Of every host that has none of its own. */
  readonly link?: LinkOptions;
  /** Acts in the world and checks; what every world must keep is checked afterwards. */
  run(world: SimWorld, seed: number): void;
}

export interface ScenarioOptions {
  readonly seed: number;
  readonly crypto: Crypto;
  readonly onLog?: (line: string) => void;
}

export interface ScenarioResult {
  readonly name: string;
  readonly seed: number;
  /** Empty: the scenario passed. Otherwise the last entry says how to see it again. */
  readonly problems: readonly string[];
  readonly virtualMs: number;
  readonly eventCount: number;
  /** One line a peer, as it stood before closing. */
  readonly peers: readonly string[];
}

export function runScenario(scenario: Scenario, options: ScenarioOptions): ScenarioResult {
  const { seed, crypto, onLog } = options;
  const world = new SimWorld({ seed, crypto, link: scenario.link ?? {}, ...(onLog && { onLog }) });
  const { problems } = world;
  let peers: string[] = [];
  try {
    scenario.run(world, seed);
    peers = world.peers.map((peer) => world.describe(peer));
    world.finish();
  } catch (error) {
    problems.push(`thrown: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
  if (problems.length > 0) problems.push(`again: SEED=${seed} npm run sim -- ${scenario.name}`);
  const { nowMs, eventCount } = world.clock;
  return { name: scenario.name, seed, problems, virtualMs: nowMs, eventCount, peers };
}

const FORMATS: readonly TorrentFormat[] = ['v1', 'v2', 'hybrid'];

/** Seeds take turns with the formats. */
export function formatOf(seed: number): TorrentFormat {
  return FORMATS[seed % FORMATS.length]!;
}

/** Waits until all of them have everything. */
export function untilSeeds(world: SimWorld, peers: readonly SimPeer[], limitMs: number): boolean {
  return world.runUntil('everybody complete', () => peers.every((peer) => peer.isSeed), { limitMs });
}
