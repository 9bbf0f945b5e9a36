// Scenario "leechers": one Millrace seed, one leecher and then many at once. The leechers are sinks that hash and write nothing,
// all in one process, the same for one as for many; together they fetch the torrent several times over. Beside them the bare
// seeder and its sink.
import { clients } from '../../interop/clients/all.ts';
import { figure, markdownTable, percent } from '../harness/markdown-table.ts';
import {
  BARE,
  bareSink,
  type Contender,
  contenderOf,
  isCompleteLine,
  type Running,
  sinkLeechers,
} from './contender.ts';
import type { SwarmOptions } from './options.ts';
import { median } from './process-cost.ts';
import { type ScenarioResult, specOf } from './scenario.ts';
import { type ReadySeed, SwarmStage } from './stage.ts';
import { transferOnce } from './transfer-run.ts';

const LEECHERS = 64;
/** How often the torrent goes over the wire: with many leechers the choker must have its say. */
const TIMES = 4;
const MIB = 1024 * 1024;

interface LeechersRun {
  readonly name: string;
  /** From the first block to the last byte. */
  readonly transferSeconds: number;
  readonly megabytesPerSecond: number;
  readonly seedCpuSecondsPerGigabyte: number;
  readonly sinkCpuSecondsPerGigabyte: number;
  readonly seedPeakMib: number;
  /** Leechers that got anything. */
  readonly servedCount: number;
}

interface SinkReport {
  readonly transferSeconds: number;
  readonly receivedBytes: number;
  /** Bytes of each leecher. */
  readonly shares: readonly number[];
}

export async function leechers(options: SwarmOptions): Promise<ScenarioResult> {
  const spec = { ...specOf(options), fileCount: 1, format: 'v1' as const };
  const stage = await SwarmStage.open(spec);
  try {
    const seed = await stage.startSeed(contenderOf(clients.millrace));
    const bareSeed = await stage.bareSeed();
    const runs: LeechersRun[] = [];
    const add = (turn: number, run: LeechersRun): void => {
      runs.push(run);
      console.log(`${turn}/${options.runCount} ${run.name.padEnd(12)} ${run.megabytesPerSecond.toFixed(0)} MB/s`);
    };
    for (let turn = 1; turn <= options.runCount; turn++) {
      for (const count of [1, LEECHERS]) {
        add(turn, await leechersOnce(stage, sinkLeechers(stage.view(), count, TIMES * spec.totalBytes), seed));
      }
      add(turn, await leechersOnce(stage, bareSink(), bareSeed));
    }
    const setup = { ...spec, seed: 'millrace', times: TIMES, onDisk: stage.isOnDisk };
    const summary = summarise(runs);
    return { scenario: 'leechers', setup, runs, summary, failures: [], tables: [table(summary)] };
  } finally {
    stage.close();
  }
}

async function leechersOnce(stage: SwarmStage, sink: Contender, seed: ReadySeed): Promise<LeechersRun> {
  let report: SinkReport | undefined;
  const onComplete = ({ process }: Running): void => {
    report = JSON.parse(process.stdoutLines.find(isCompleteLine) ?? '') as SinkReport;
  };
  const run = await transferOnce(stage, sink.name, sink, seed, { onComplete });
  const { transferSeconds = Number.NaN, receivedBytes = Number.NaN, shares = [] } = report ?? {};
  const gigabytes = receivedBytes / 1e9;
  return {
    name: sink.name,
    transferSeconds,
    megabytesPerSecond: receivedBytes / 1e6 / transferSeconds,
    seedCpuSecondsPerGigabyte: run.seed.cpuSeconds / gigabytes,
    sinkCpuSecondsPerGigabyte: run.leecher.cpuSeconds / gigabytes,
    seedPeakMib: run.seed.peakResidentBytes / MIB,
    servedCount: shares.filter((bytes) => bytes > 0).length,
  };
}

function summarise(runs: readonly LeechersRun[]): readonly LeechersRun[] {
  return [...new Set(runs.map((run) => run.name))].map((name) => {
    const own = runs.filter((run) => run.name === name);
    const of = (pick: (run: LeechersRun) => number): number => Number(median(own.map(pick)).toFixed(3));
    return {
      name,
      transferSeconds: of((run) => run.transferSeconds),
      megabytesPerSecond: of((run) => run.megabytesPerSecond),
      seedCpuSecondsPerGigabyte: of((run) => run.seedCpuSecondsPerGigabyte),
      sinkCpuSecondsPerGigabyte: of((run) => run.sinkCpuSecondsPerGigabyte),
      seedPeakMib: of((run) => run.seedPeakMib),
      servedCount: of((run) => run.servedCount),
    };
  });
}

function table(summary: readonly LeechersRun[]): string {
  const bareSpeed = summary.find(({ name }) => name === BARE)?.megabytesPerSecond ?? Number.NaN;
  return markdownTable(
    ['At one seed', 'MB/s together', 'Of bare loop', 'CPU s/GB of seed', 'CPU s/GB of sink', 'Seed peak MiB', 'Served'],
    summary.map((row) => [
      row.name,
      figure(row.megabytesPerSecond, 0),
      percent(row.megabytesPerSecond / bareSpeed),
      figure(row.seedCpuSecondsPerGigabyte, 2),
      figure(row.sinkCpuSecondsPerGigabyte, 2),
      figure(row.seedPeakMib, 0),
      figure(row.servedCount, 0),
    ]),
  );
}
