// One in ten sends what is not in the torrent: every other of those claims to have everything and lies in each block, the
// others download like everybody and change one block in five.
import { boundMs } from '../crowd-options.ts';
import { median, outcomeOf, wasteRatios } from '../crowd-outcome.ts';
import { type CrowdScenario, makeCrowd, untilComplete } from '../crowd-scenario.ts';

const POISONER_ONE_IN = 10;
const BAD_BLOCK_RATIO = 0.2;
const LIMIT = 20;

export const poisoned: CrowdScenario = {
  name: 'poisoned',
  about: 'One peer in ten sends bad blocks: bytes lost by the honest, and who is banned.',
  run(options) {
    const { world, leechers, seedCapacity, leecherCapacities } = makeCrowd(options, (index) => {
      if (index % POISONER_ONE_IN !== 0) return {};
      const isFakeSeed = (index / POISONER_ONE_IN) % 2 === 0;
      return { role: 'poisoner', haveRatio: isFakeSeed ? 1 : 0, badBlockRatio: isFakeSeed ? 1 : BAD_BLOCK_RATIO };
    });
    const honest = leechers.filter((peer) => peer.role === 'leecher');
    const bound = boundMs(world.contentBytes, seedCapacity, leecherCapacities);
    untilComplete(world, honest, bound * LIMIT);
    const outcome = outcomeOf(world, 'poisoned');
    const waste = wasteRatios(outcome.peers.filter((peer) => peer.role === 'leecher'));
    const poisoners = new Set(leechers.filter((peer) => peer.role === 'poisoner').map(({ host }) => host.address));
    const pairs = world.bans
      .filter(({ by }) => by.role === 'leecher')
      .map(({ by, address }) => `${by.host.address} ${address}`);
    const byHonest = [...new Set(pairs)].map((pair) => pair.split(' ')[1]!);
    const banned = new Set(byHonest);
    const guilty = leechers.filter(({ role, host }) => role === 'poisoner' && host.badBlockCount > 0);
    const escaped = guilty.filter(({ host }) => !banned.has(host.address));
    const innocent = byHonest.filter((address) => !poisoners.has(address));
    const took = honest.map((peer) => peer.tookMs);
    return {
      figures: [
        { name: 'lost bytes', value: waste.failed, unit: 'percent', goal: { atMost: 0.03 } },
        { name: 'duplicate bytes', value: waste.duplicate, unit: 'percent', goal: { atMost: 0.01 } },
        { name: 'poisoners that sent bad blocks', value: guilty.length, unit: 'count' },
        { name: 'of them banned by nobody', value: escaped.length, unit: 'count', goal: { atMost: 0 } },
        { name: 'bans', value: byHonest.length, unit: 'count' },
        { name: 'bans of honest peers', value: innocent.length, unit: 'count', goal: { atMost: 0 } },
        { name: 'median honest leecher over bound', value: median(took) / bound, unit: 'ratio' },
      ],
      outcomes: [outcome],
    };
  },
};
