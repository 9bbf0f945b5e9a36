// The same crowd twice: once everybody stays, once a part leaves in the middle and others come in their place.
import { randomFraction, seededRandom, shuffle } from '../../../src/base/random.ts';
import { boundMs, type CrowdOptions } from '../crowd-options.ts';
import { type CrowdOutcome, outcomeOf, type Times, timesOf } from '../crowd-outcome.ts';
import { addLateLeecher, type CrowdScenario, makeCrowd, untilComplete } from '../crowd-scenario.ts';

const LEAVING_RATIO = 0.3;
/** They leave between these parts of the time that the median leecher takes when nobody does. */
const LEAVES_FROM = 0.1;
const LEAVES_TO = 0.9;
const LIMIT = 20;

export const churn: CrowdScenario = {
  name: 'churn',
  about: 'Three leechers in ten leave before they are done, others come: time it costs those who stay.',
  run(options) {
    const leaving = drawLeaving(options);
    const calm = runCrowd(options, leaving, undefined);
    const restless = runCrowd(options, leaving, calm.medianMs);
    return {
      figures: [
        {
          name: 'cost in time, median',
          value: restless.medianMs / calm.medianMs - 1,
          unit: 'percent',
          goal: { atMost: 0.2 },
        },
        { name: 'cost in time, last', value: restless.lastMs / calm.lastMs - 1, unit: 'percent' },
        { name: 'median without churn', value: calm.medianMs / 1_000, unit: 'seconds' },
        { name: 'median with churn', value: restless.medianMs / 1_000, unit: 'seconds' },
      ],
      outcomes: [calm.outcome, restless.outcome],
    };
  },
};

/** Times of those who stay in both. */
interface Run extends Times {
  readonly outcome: CrowdOutcome;
}

/** `withinMs` undefined: nobody leaves. */
function runCrowd(options: CrowdOptions, leaving: ReadonlySet<number>, withinMs: number | undefined): Run {
  const { world, leechers, seedCapacity, leecherCapacities } = makeCrowd(options);
  const bound = boundMs(world.contentBytes, seedCapacity, leecherCapacities);
  const random = seededRandom(options.seed);
  if (withinMs !== undefined) {
    for (const index of leaving) {
      const afterMs = withinMs * (LEAVES_FROM + (LEAVES_TO - LEAVES_FROM) * randomFraction(random));
      world.after(afterMs, () => world.remove(leechers[index]!));
      addLateLeecher(options, world, afterMs);
    }
  }
  const staying = leechers.filter((_, index) => !leaving.has(index));
  untilComplete(world, staying, bound * LIMIT);
  const label = withinMs === undefined ? 'all stay' : 'three in ten leave';
  return { ...timesOf(staying), outcome: outcomeOf(world, label) };
}

function drawLeaving({ seed, peerCount }: CrowdOptions): ReadonlySet<number> {
  const all = Array.from({ length: peerCount }, (_, index) => index);
  return new Set(shuffle(seededRandom(seed), all).slice(0, Math.round(peerCount * LEAVING_RATIO)));
}
