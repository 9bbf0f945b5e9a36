// Scenario "seed": each client in turn as the one seed of one fast leecher. What counts is the seed's CPU time until the leecher
// is complete. The leecher is Millrace, or a sink that hashes and writes nothing; the bare seeder feeds the bare loop of that kind.
import { clients } from '../../interop/clients/all.ts';
import { bareLeechRow, bareSeedRow } from './bare.ts';
import { type Contender, contenderOf, sinkLeechers } from './contender.ts';
import type { SwarmOptions } from './options.ts';
import { alternate, contendersOf, type Row, type ScenarioResult, specOf, transferResult } from './scenario.ts';
import { SwarmStage } from './stage.ts';
import { type TransferRun, transferOnce } from './transfer-run.ts';

export async function seed(options: SwarmOptions): Promise<ScenarioResult> {
  const spec = specOf(options);
  const stage = await SwarmStage.open(spec);
  const isSink = options.leecher === 'sink';
  try {
    const leecher = isSink ? sinkLeechers(stage.view(), 1, spec.totalBytes) : contenderOf(clients.millrace);
    const rows = contendersOf(options).map((contender): Row => {
      return { name: contender.name, run: () => seedOnce(stage, contender, leecher) };
    });
    const bareRow = isSink ? bareSeedRow(stage) : bareLeechRow(stage);
    const results = await alternate([...rows, bareRow], options.runCount);
    const setup = { ...spec, leecher: options.leecher, onDisk: stage.isOnDisk };
    return transferResult('seed', setup, results, `Seed of one ${isSink ? 'sink' : 'Millrace'}`);
  } finally {
    stage.close();
  }
}

/** The seed starts anew each time: none of the others may stand beside it. */
async function seedOnce(stage: SwarmStage, contender: Contender, leecher: Contender): Promise<TransferRun> {
  const ready = await stage.startSeed(contender, `seed-${contender.program}`);
  try {
    return await transferOnce(stage, contender.name, leecher, ready);
  } finally {
    await ready.running.stop();
  }
}
