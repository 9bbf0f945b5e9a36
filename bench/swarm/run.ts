// npm run bench:swarm: Millrace and rivals as seeds and leechers on a private network, beside the bare loops of Node. Needs
// root, and the programs of the interoperability tests. bench/README.md says what each scenario is.
import { sweepNamespaces } from '../../interop/world/world.ts';
import { writeReport } from '../harness/report.ts';
import { bare } from './bare.ts';
import { leech } from './leech.ts';
import { leechVariants } from './leech-variants.ts';
import { leechers } from './leechers.ts';
import { manySeeds } from './many-seeds.ts';
import { parseOptions, type ScenarioName, type SwarmOptions, USAGE } from './options.ts';
import type { ScenarioResult } from './scenario.ts';
import { seed } from './seed.ts';

const RUN: Readonly<Record<ScenarioName, (options: SwarmOptions) => Promise<ScenarioResult>>> = {
  bare,
  leech,
  'leech-variants': leechVariants,
  seed,
  leechers,
  'many-seeds': manySeeds,
};

async function main(): Promise<void> {
  const options = parseOptions();
  if (options === undefined) {
    console.log(USAGE);
    return;
  }
  sweepNamespaces(false, options.folder);
  // An interrupted run removes its namespaces and data as it ends.
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  const results: ScenarioResult[] = [];
  for (const scenario of options.scenarios) {
    console.log(`\n${scenario}`);
    const result = await RUN[scenario](options);
    results.push(result);
    console.log(`\n${result.tables.join('\n\n')}`);
    for (const failure of result.failures) console.error(`failed: ${failure}`);
  }
  if (!options.isSmoke || options.out !== undefined) {
    const benchmark = `swarm-${options.scenarios.length === 1 ? options.scenarios[0] : 'all'}`;
    const scenarios = results.map(({ tables: _tables, ...figures }) => figures);
    const file = await writeReport({ benchmark, programs: options.programs, out: options.out }, { scenarios });
    console.log(`\nwritten to ${file}`);
  }
  if (results.some(({ failures }) => failures.length > 0)) process.exitCode = 1;
}

await main();
