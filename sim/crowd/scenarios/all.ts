// Every story about crowds, by which the runner finds it.
import type { CrowdScenario } from '../crowd-scenario.ts';
import { churn } from './churn.ts';
import { flashCrowd } from './flash-crowd.ts';
import { freeRiders } from './free-riders.ts';
import { greedy } from './greedy.ts';
import { poisoned } from './poisoned.ts';
import { stream } from './stream.ts';
import { superSeed } from './super-seed.ts';

export const CROWD_SCENARIOS: readonly CrowdScenario[] = [
  flashCrowd,
  superSeed,
  freeRiders,
  poisoned,
  churn,
  greedy,
  stream,
];
