// The runs of the benchmark over long links as medians and as a Markdown table. Pure arithmetic and text.
import { median } from '../swarm/process-cost.ts';
import type { Subject, Transfer } from './setting.ts';

export interface SettingName {
  readonly roundTripMs: number;
  readonly rateMbit: number;
  readonly peerCount: number;
}

export interface Run extends SettingName, Omit<Transfer, 'reports' | 'endMs'> {
  readonly turn: number;
  /** Of the whole transfers' MB/s, this one over the stream of the same turn. */
  readonly ratioToStream: number;
  readonly steadyRatioToStream: number;
  /** From the first block until the rate is 0.97 of the stream's steady rate; Infinity = never. */
  readonly secondsToReach: number;
}

export interface SummaryRow extends SettingName {
  readonly subject: Subject;
  readonly runs: number;
  readonly finished: number;
  readonly megabytesPerSecond: number;
  readonly ratioToStream: number;
  readonly ratioToStreamMin: number;
  readonly ratioToStreamMax: number;
  readonly steadyRatioToStream: number;
  readonly secondsToReach: number | undefined;
  readonly linkBytesPerByte: number;
  readonly duplicateRatio: number | undefined;
  readonly cpuSeconds: number | undefined;
}

function rowOf(own: readonly Run[]): SummaryRow {
  const { roundTripMs, rateMbit, peerCount, subject } = own[0]!;
  const rounded = (value: number): number => Number(value.toFixed(4));
  const of = (pick: (run: Run) => number | undefined): number | undefined => {
    const values = own.map(pick).filter((value) => value !== undefined && !Number.isNaN(value)) as number[];
    const middle = values.length === 0 ? Number.NaN : median(values);
    return Number.isFinite(middle) ? rounded(middle) : undefined;
  };
  const ratios = own.map((run) => run.ratioToStream);
  return {
    roundTripMs,
    rateMbit,
    peerCount,
    subject,
    runs: own.length,
    finished: own.filter((run) => run.isFinished).length,
    megabytesPerSecond: of((run) => run.megabytesPerSecond) ?? 0,
    ratioToStream: of((run) => run.ratioToStream) ?? 0,
    ratioToStreamMin: rounded(Math.min(...ratios)),
    ratioToStreamMax: rounded(Math.max(...ratios)),
    steadyRatioToStream: of((run) => run.steadyRatioToStream) ?? 0,
    secondsToReach: of((run) => run.secondsToReach),
    linkBytesPerByte: of((run) => run.linkBytesPerByte) ?? 0,
    duplicateRatio: of((run) => run.duplicateRatio),
    cpuSeconds: of((run) => run.cpuSeconds),
  };
}

/** Medians, in the order in which settings and subjects were first run. */
export function summarise(runs: readonly Run[]): SummaryRow[] {
  const groups = new Map<string, Run[]>();
  for (const run of runs) {
    const key = [run.roundTripMs, run.rateMbit, run.peerCount, run.subject].join(' ');
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  return [...groups.values()].map(rowOf);
}

export function markdownOf(rows: readonly SummaryRow[]): string {
  const head = [
    'Link',
    'Peers',
    'Program',
    'MB/s',
    'Of the stream (min to max)',
    'Steady, of the stream',
    'Reached 0.97 after s',
    'Link bytes per byte',
    'Duplicates',
  ];
  const lines = rows.map((row) => [
    `${row.rateMbit} Mbit/s, ${row.roundTripMs} ms`,
    String(row.peerCount),
    row.subject === 'stream' ? 'plain TCP stream' : row.subject,
    row.megabytesPerSecond.toFixed(1),
    `${row.ratioToStream.toFixed(3)} (${row.ratioToStreamMin.toFixed(3)} to ${row.ratioToStreamMax.toFixed(3)})`,
    row.steadyRatioToStream.toFixed(3),
    row.secondsToReach?.toFixed(2) ?? 'never',
    row.linkBytesPerByte.toFixed(3),
    row.duplicateRatio === undefined ? '-' : `${(row.duplicateRatio * 100).toFixed(2)} %`,
  ]);
  const table = [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`);
  return table.join('\n');
}
