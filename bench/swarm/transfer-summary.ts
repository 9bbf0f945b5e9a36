// Medians of transfer runs, their ratios to Millrace in the same run of the benchmark, and the tables that show both.
import { figure, markdownTable, percent } from '../harness/markdown-table.ts';
import { BARE } from './contender.ts';
import { median } from './process-cost.ts';
import type { TransferRun } from './transfer-run.ts';

const MIB = 1024 * 1024;

export interface TransferSummary {
  readonly name: string;
  readonly runs: number;
  readonly seconds: number;
  readonly secondsMin: number;
  readonly secondsMax: number;
  readonly megabytesPerSecond: number;
  readonly firstBlockSeconds: number;
  /** Throughput over that of the bare loop; absent where none ran. */
  readonly ofBareLoop: number | undefined;
  readonly leecherCpuSeconds: number;
  readonly seedCpuSeconds: number;
  readonly leecherPeakMib: number;
  readonly leecherAnonymousMib: number;
  readonly seedPeakMib: number;
  readonly syncSeconds?: number;
}

const round = (value: number): number => Number(value.toFixed(3));

/** In the order in which the names first appear. */
export function summarise(runs: readonly TransferRun[]): TransferSummary[] {
  const bareSpeed = speedOf(runs, BARE);
  return [...new Set(runs.map((run) => run.name))].map((name) => {
    const own = runs.filter((run) => run.name === name);
    const of = (pick: (run: TransferRun) => number): number => round(median(own.map(pick)));
    return {
      name,
      runs: own.length,
      seconds: of((run) => run.seconds),
      secondsMin: round(Math.min(...own.map((run) => run.seconds))),
      secondsMax: round(Math.max(...own.map((run) => run.seconds))),
      megabytesPerSecond: of((run) => run.megabytesPerSecond),
      firstBlockSeconds: of((run) => run.firstBlockSeconds),
      ofBareLoop: bareSpeed === undefined ? undefined : round((speedOf(runs, name) ?? 0) / bareSpeed),
      leecherCpuSeconds: of((run) => run.leecher.cpuSeconds),
      seedCpuSeconds: of((run) => run.seed.cpuSeconds),
      leecherPeakMib: of((run) => run.leecher.peakResidentBytes / MIB),
      leecherAnonymousMib: of((run) => run.leecher.anonymousBytes / MIB),
      seedPeakMib: of((run) => run.seed.peakResidentBytes / MIB),
      ...(own[0]?.syncSeconds === undefined ? {} : { syncSeconds: of((run) => run.syncSeconds ?? 0) }),
    };
  });
}

function speedOf(runs: readonly TransferRun[], name: string): number | undefined {
  const speeds = runs.filter((run) => run.name === name).map((run) => run.megabytesPerSecond);
  return speeds.length === 0 ? undefined : median(speeds);
}

export interface TransferRatio {
  readonly against: string;
  readonly throughput: number;
  /** Without the time until the first block: start-up, announce and handshakes left out. */
  readonly transferThroughput: number;
  readonly leecherCpu: number;
  readonly seedCpu: number;
  readonly leecherPeak: number;
}

const transferSeconds = (summary: TransferSummary): number => summary.seconds - summary.firstBlockSeconds;

/** The named row over each of the others. */
export function ratiosTo(name: string, summaries: readonly TransferSummary[]): TransferRatio[] {
  const own = summaries.find((summary) => summary.name === name);
  if (own === undefined) return [];
  return summaries
    .filter((summary) => summary !== own)
    .map((other) => ({
      against: other.name,
      throughput: round(other.seconds / own.seconds),
      transferThroughput: round(transferSeconds(other) / transferSeconds(own)),
      leecherCpu: round(own.leecherCpuSeconds / other.leecherCpuSeconds),
      seedCpu: round(own.seedCpuSeconds / other.seedCpuSeconds),
      leecherPeak: round(own.leecherPeakMib / other.leecherPeakMib),
    }));
}

/** `first` names what the rows are. */
export function summaryTable(first: string, summaries: readonly TransferSummary[]): string {
  const hasSync = summaries.some((summary) => summary.syncSeconds !== undefined);
  const header = [
    first,
    'Seconds (min to max)',
    'First block s',
    'MB/s',
    'Of bare loop',
    'CPU s',
    'CPU s of seed',
    'Peak MiB',
  ];
  if (hasSync) header.push('Sync s');
  return markdownTable(
    header,
    summaries.map((row) => [
      row.name,
      `${figure(row.seconds, 2)} (${figure(row.secondsMin, 2)} to ${figure(row.secondsMax, 2)})`,
      figure(row.firstBlockSeconds, 2),
      figure(row.megabytesPerSecond, 0),
      percent(row.ofBareLoop),
      figure(row.leecherCpuSeconds, 2),
      figure(row.seedCpuSeconds, 2),
      figure(row.leecherPeakMib, 0),
      ...(hasSync ? [figure(row.syncSeconds, 2)] : []),
    ]),
  );
}

export function ratioTable(name: string, ratios: readonly TransferRatio[]): string {
  return markdownTable(
    [`${name} over`, 'Throughput', 'From first block', 'CPU', 'CPU of seed', 'Peak resident'],
    ratios.map((row) => [
      row.against,
      figure(row.throughput, 2),
      figure(row.transferThroughput, 2),
      figure(row.leecherCpu, 2),
      figure(row.seedCpu, 2),
      figure(row.leecherPeak, 2),
    ]),
  );
}

export function runLine(turn: string, run: TransferRun): string {
  return (
    `${turn} ${run.name.padEnd(14)} ${run.seconds.toFixed(2)} s (first block ${run.firstBlockSeconds.toFixed(2)}), ` +
    `${run.megabytesPerSecond.toFixed(0)} MB/s, ` +
    `${run.leecher.cpuSeconds.toFixed(2)} CPU-s (seed ${run.seed.cpuSeconds.toFixed(2)}), ` +
    `${(run.leecher.peakResidentBytes / MIB).toFixed(0)} MiB`
  );
}
