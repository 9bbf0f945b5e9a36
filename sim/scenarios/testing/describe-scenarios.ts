// Runs scenarios as tests, each under a few fixed seeds: one for each format of torrents, or one alone for those that
// take long. `npm run sim` runs any seed.
import { describe, expect, test } from 'vitest';
import { nodeCrypto } from '../../testing/node-crypto.ts';
import { runScenario, type Scenario } from '../scenario.ts';

const SEEDS = [1, 2, 3];

export function describeScenarios(scenarios: readonly Scenario[]): void {
  describe.each(scenarios)('$name: $about', (scenario) => {
    test.each(scenario.isHeavy === true ? SEEDS.slice(0, 1) : SEEDS)('seed %i', (seed) => {
      expect(runScenario(scenario, { seed, crypto: nodeCrypto() }).problems).toEqual([]);
    });
  });
}
