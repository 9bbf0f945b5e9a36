// Everybody comes at once, and one has it.
import { boundMs } from '../crowd-options.ts';
import { median, outcomeOf, sum, wasteRatios } from '../crowd-outcome.ts';
import { type CrowdScenario, makeCrowd, untilComplete } from '../crowd-scenario.ts';

/** Of the bound: then the crowd is taken to have got stuck. */
const LIMIT = 20;

export const flashCrowd: CrowdScenario = {
  name: 'flash-crowd',
  about: 'One seed, and all leechers at once: time until they have everything, over the bound that capacities set.',
  run(options) {
    const { world, seed, leechers, seedCapacity, leecherCapacities } = makeCrowd(options);
    const bound = boundMs(world.contentBytes, seedCapacity, leecherCapacities);
    untilComplete(world, leechers, bound * LIMIT);
    const outcome = outcomeOf(world, 'flash crowd');
    const took = outcome.peers.filter((peer) => peer.isLeecher).map((peer) => peer.tookMs);
    const waste = wasteRatios(outcome.peers);
    const busyMs = leechers.reduce((latest, peer) => Math.max(latest, peer.completedMs), 0);
    const capacity = sum([seedCapacity, ...leecherCapacities], (one) => one.uploadBytesPerSecond);
    const sent = sum(world.peers, (peer) => peer.host.uplink.sentBytes);
    return {
      figures: [
        { name: 'bound', value: bound / 1_000, unit: 'seconds' },
        { name: 'last leecher over bound', value: busyMs / bound, unit: 'ratio', goal: { atMost: 1.15 } },
        { name: 'median leecher over bound', value: median(took) / bound, unit: 'ratio' },
        { name: 'upload capacity used', value: sent / (capacity * (busyMs / 1_000)), unit: 'percent' },
        { name: 'copies sent by the seed', value: seed.stats()!.uploadedBytes / world.contentBytes, unit: 'ratio' },
        { name: 'duplicate bytes', value: waste.duplicate, unit: 'percent', goal: { atMost: 0.01 } },
      ],
      outcomes: [outcome],
    };
  },
};
