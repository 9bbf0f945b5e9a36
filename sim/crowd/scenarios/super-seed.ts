// How often the only seed has to send the same byte before somebody else has all of them.
import type { AddTorrentOptions } from '../../../src/engine/api.ts';
import { boundMs } from '../crowd-options.ts';
import { outcomeOf } from '../crowd-outcome.ts';
import { type CrowdScenario, makeCrowd } from '../crowd-scenario.ts';

/** What makes the seed a super-seed (BEP 16). */
const SUPER_SEED: Partial<AddTorrentOptions> = { superSeeding: true };
const LIMIT = 20;

export const superSeed: CrowdScenario = {
  name: 'super-seed',
  about: 'Copies that the only seed sends before the first leecher has everything.',
  run(options) {
    const { world, seed, leechers, seedCapacity, leecherCapacities } = makeCrowd(options, undefined, {
      torrent: SUPER_SEED,
    });
    const bound = boundMs(world.contentBytes, seedCapacity, leecherCapacities);
    let isFirst = false;
    world.onComplete = () => {
      isFirst = true;
    };
    if (!world.runUntil(() => isFirst, bound * LIMIT)) world.handleProblem('nobody has everything');
    const copies = seed.stats()!.uploadedBytes / world.contentBytes;
    const first = leechers.reduce(
      (least, peer) => (peer.isComplete ? Math.min(least, peer.completedMs) : least),
      Number.POSITIVE_INFINITY,
    );
    return {
      figures: [
        { name: 'copies before the first leecher completes', value: copies, unit: 'ratio', goal: { atMost: 1.1 } },
        { name: 'first leecher over bound', value: first / bound, unit: 'ratio' },
      ],
      outcomes: [outcomeOf(world, 'until the first is complete')],
    };
  },
};
