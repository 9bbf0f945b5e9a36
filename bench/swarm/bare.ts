// Scenario "bare": what Node itself costs, without a protocol. The bare leecher receives, copies, hashes and writes what the bare
// seeder sends; the bare sink only drops it, so that the seeder's own cost shows. Other scenarios run the same loops as a row.
import { BARE, bareLeecher, bareSink } from './contender.ts';
import type { SwarmOptions } from './options.ts';
import { alternate, type Row, type ScenarioResult, specOf, transferResult } from './scenario.ts';
import { SwarmStage } from './stage.ts';
import { transferOnce } from './transfer-run.ts';

export async function bare(options: SwarmOptions): Promise<ScenarioResult> {
  const spec = { ...specOf(options), fileCount: 1 };
  const stage = await SwarmStage.open(spec);
  try {
    const rows = [bareLeechRow(stage), bareSeedRow(stage, 'bare seeder')];
    const results = await alternate(rows, options.runCount);
    return transferResult('bare', { ...spec, onDisk: stage.isOnDisk }, results, 'Loop');
  } finally {
    stage.close();
  }
}

/** The bare leecher, fed by the bare seeder. */
export function bareLeechRow(stage: SwarmStage): Row {
  return {
    name: BARE,
    run: async () =>
      transferOnce(stage, BARE, bareLeecher(stage.bareFile(), stage.content.name), await stage.bareSeed()),
  };
}

/** The bare seeder, feeding the bare sink. */
export function bareSeedRow(stage: SwarmStage, name: string = BARE): Row {
  return { name, run: async () => transferOnce(stage, name, bareSink(), await stage.bareSeed()) };
}
