// A small swarm, three of ten of which accept and never give: what that costs the others.
import { NeverUnchoke } from '../../variants/never-unchoke.ts';
import { boundMs, type CrowdOptions } from '../crowd-options.ts';
import { type CrowdOutcome, outcomeOf, type Times, timesOf } from '../crowd-outcome.ts';
import { type CrowdScenario, makeCrowd, untilComplete } from '../crowd-scenario.ts';

const GREEDY_IN_TEN = 3;
const LIMIT = 20;

export const greedy: CrowdScenario = {
  name: 'greedy',
  about: 'Three leechers of ten accept and never give: time that the honest lose by them.',
  defaults: { peerCount: 10 },
  run(options) {
    const honest = runSwarm(options, 'all honest', false);
    const mixed = runSwarm(options, 'three of ten greedy', true);
    return {
      figures: [
        {
          name: 'time lost by the honest, median',
          value: mixed.medianMs / honest.medianMs - 1,
          unit: 'percent',
          goal: { atMost: 0.1 },
        },
        { name: 'time lost by the honest, last', value: mixed.lastMs / honest.lastMs - 1, unit: 'percent' },
        { name: 'median, all honest', value: honest.medianMs / 1_000, unit: 'seconds' },
        { name: 'median of the honest beside the greedy', value: mixed.medianMs / 1_000, unit: 'seconds' },
        { name: 'bound, all honest', value: honest.boundMs / 1_000, unit: 'seconds' },
      ],
      outcomes: [honest.outcome, mixed.outcome],
    };
  },
};

/** Times of those who are honest in both. */
interface Run extends Times {
  readonly boundMs: number;
  readonly outcome: CrowdOutcome;
}

function runSwarm(options: CrowdOptions, label: string, hasGreedy: boolean): Run {
  const rules = { ...options.rules, createChoker: () => new NeverUnchoke() };
  const isGreedy = (index: number): boolean => index % 10 < GREEDY_IN_TEN;
  const { world, leechers, seedCapacity, leecherCapacities } = makeCrowd(options, (index) =>
    hasGreedy && isGreedy(index) ? { role: 'free-rider', rules } : {},
  );
  const bound = boundMs(world.contentBytes, seedCapacity, leecherCapacities);
  const honest = leechers.filter((_, index) => !isGreedy(index));
  untilComplete(world, honest, bound * LIMIT);
  return { ...timesOf(honest), boundMs: bound, outcome: outcomeOf(world, label) };
}
