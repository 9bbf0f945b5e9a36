// Scenario "leech-variants": Millrace alone, from one Millrace seed, over other piece lengths, many small files, v2 and hybrid
// torrents. The torrents come one after the other; the first row is the torrent of scenario "leech".
import { clients } from '../../interop/clients/all.ts';
import { bareLeechRow } from './bare.ts';
import { contenderOf } from './contender.ts';
import type { SwarmOptions } from './options.ts';
import { alternate, type ScenarioResult, specOf, transferResult } from './scenario.ts';
import { type StageSpec, SwarmStage } from './stage.ts';
import { type TransferRun, transferOnce } from './transfer-run.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const FILES_OF_A_GIB = 20_000;

interface Variant extends Partial<StageSpec> {
  readonly name: string;
}

export async function leechVariants(options: SwarmOptions): Promise<ScenarioResult> {
  const base: StageSpec = { ...specOf(options), pieceLengthBytes: MIB, fileCount: 1, format: 'v1' };
  // Smaller torrents have fewer files of the same size.
  const fileCount = Math.max(1, Math.round((FILES_OF_A_GIB * base.totalBytes) / (1024 * MIB)));
  const variants: readonly Variant[] = [
    { name: '1 MiB pieces' },
    { name: '16 KiB pieces', pieceLengthBytes: 16 * KIB },
    { name: '256 KiB pieces', pieceLengthBytes: 256 * KIB },
    { name: '16 MiB pieces', pieceLengthBytes: 16 * MIB },
    { name: `${fileCount} files`, fileCount },
    { name: 'v2', format: 'v2' },
    { name: 'hybrid', format: 'hybrid' },
  ];
  const runs: TransferRun[] = [];
  for (const [index, { name, ...changes }] of variants.entries()) {
    runs.push(...(await runVariant(name, { ...base, ...changes }, options.runCount, index === 0)));
  }
  return transferResult('leech-variants', { ...base, variants }, { runs, failures: [] }, 'Torrent', '1 MiB pieces');
}

async function runVariant(name: string, spec: StageSpec, runCount: number, withBare: boolean): Promise<TransferRun[]> {
  const stage = await SwarmStage.open(spec);
  try {
    const millrace = contenderOf(clients.millrace);
    const seed = await stage.startSeed(millrace);
    const row = { name, isRequired: true, run: () => transferOnce(stage, name, millrace, seed) };
    return (await alternate(withBare ? [row, bareLeechRow(stage)] : [row], runCount)).runs;
  } finally {
    stage.close();
  }
}
