// Scenario "leech": one torrent from one local seed, by each client in turn, and by the bare loop from the bare seeder.
import { clients } from '../../interop/clients/all.ts';
import { bareLeechRow } from './bare.ts';
import { contenderOf } from './contender.ts';
import type { SwarmOptions } from './options.ts';
import { alternate, contendersOf, type Row, type ScenarioResult, specOf, transferResult } from './scenario.ts';
import { SwarmStage } from './stage.ts';
import { transferOnce } from './transfer-run.ts';

export async function leech(options: SwarmOptions): Promise<ScenarioResult> {
  const spec = specOf(options);
  const stage = await SwarmStage.open(spec);
  try {
    const seed = await stage.startSeed(contenderOf(clients[options.seed]));
    const rows = contendersOf(options).map((contender): Row => {
      return { name: contender.name, run: () => transferOnce(stage, contender.name, contender, seed) };
    });
    const results = await alternate([...rows, bareLeechRow(stage)], options.runCount);
    return transferResult('leech', { ...spec, seed: options.seed, onDisk: stage.isOnDisk }, results, 'Leecher');
  } finally {
    stage.close();
  }
}
