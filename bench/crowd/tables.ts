// What the runs of the crowd benchmark come to: medians of each swarm, and the tables of docs/performance.md.
import { figure, markdownTable, percent } from '../harness/markdown-table.ts';
import { median } from '../swarm/process-cost.ts';
import type { CaseName } from './options.ts';
import type { MemberResult, SwarmRun } from './swarm-run.ts';

export interface SwarmSummary {
  readonly name: string;
  readonly boundSeconds: number;
  readonly runCount: number;
  readonly completeCount: number;
  readonly seconds: number;
  readonly minSeconds: number;
  readonly maxSeconds: number;
  readonly ofBound: number;
  readonly seedCopiesAtFirst: number;
  readonly seedCopies: number;
  readonly seedCpuSeconds: number;
  readonly startUtilisation: number;
  readonly middleUtilisation: number;
  readonly tailUtilisation: number;
  /** Leechers of one name together. */
  readonly groups: readonly GroupSummary[];
}

export interface GroupSummary {
  readonly name: string;
  readonly memberCount: number;
  readonly isGreedy: boolean;
  /** Medians over the runs of the first, the middle and the last to have everything; null when the last had not. */
  readonly firstSeconds: number | null;
  readonly middleSeconds: number | null;
  readonly lastSeconds: number | null;
  readonly cpuSeconds: number;
  readonly duplicateRatio: number | null;
  readonly sentRatio: number;
  readonly receivedRatio: number;
}

export function summarise(runs: readonly SwarmRun[]): SwarmSummary[] {
  return [...new Set(runs.map(({ name }) => name))].map((name) => {
    const own = runs.filter((run) => run.name === name);
    const of = (pick: (run: SwarmRun) => number): number => median(own.map(pick));
    const bound = own[0]?.boundSeconds ?? Number.NaN;
    const all = own.map(({ seconds }) => seconds);
    return {
      name,
      boundSeconds: bound,
      runCount: own.length,
      completeCount: own.filter(({ isComplete }) => isComplete).length,
      seconds: of(({ seconds }) => seconds),
      minSeconds: Math.min(...all),
      maxSeconds: Math.max(...all),
      ofBound: of(({ seconds }) => seconds) / bound,
      seedCopiesAtFirst: of((run) => run.seedCopiesAtFirst),
      seedCopies: of((run) => run.seedCopies),
      seedCpuSeconds: of((run) => run.seedCpuSeconds),
      startUtilisation: of((run) => run.startUtilisation),
      middleUtilisation: of((run) => run.middleUtilisation),
      tailUtilisation: of((run) => run.tailUtilisation),
      groups: groupsOf(own),
    };
  });
}

function groupsOf(runs: readonly SwarmRun[]): GroupSummary[] {
  return [...new Set(runs.flatMap(({ members }) => members.map(({ name }) => name)))].map((name) => {
    const each = runs.map(({ members }) => members.filter((member) => member.name === name));
    const all = each.flat();
    const finishes = (pick: (seconds: number[]) => number): number | null => {
      const values = each.map((members) => pick(members.map(({ seconds }) => seconds ?? Number.POSITIVE_INFINITY)));
      const value = median(values);
      return Number.isFinite(value) ? value : null;
    };
    const mean = (pick: (member: MemberResult) => number): number =>
      all.reduce((sum, member) => sum + pick(member), 0) / all.length;
    return {
      name,
      memberCount: each[0]?.length ?? 0,
      isGreedy: all[0]?.isGreedy ?? false,
      firstSeconds: finishes((seconds) => Math.min(...seconds)),
      middleSeconds: finishes(median),
      lastSeconds: finishes((seconds) => Math.max(...seconds)),
      cpuSeconds: mean(({ cpuSeconds }) => cpuSeconds),
      duplicateRatio: all.some(({ duplicateRatio }) => duplicateRatio === null)
        ? null
        : mean(({ duplicateRatio }) => duplicateRatio ?? 0),
      sentRatio: mean(({ sentRatio }) => sentRatio),
      receivedRatio: mean(({ receivedRatio }) => receivedRatio),
    };
  });
}

const tenth = (share: number | null | undefined): string => (share == null ? '-' : `${figure(share * 100, 1)} %`);

/** The swarms of one case beside each other. */
export function swarmTable(summary: readonly SwarmSummary[]): string {
  return markdownTable(
    ['Swarm', 'Last s (min to max)', 'Of bound', 'Seed copies, first/all', 'Uplinks start/middle/end', 'CPU s of seed'],
    summary.map((row) => [
      row.completeCount === row.runCount ? row.name : `${row.name} (${row.completeCount} of ${row.runCount} complete)`,
      `${figure(row.seconds, 1)} (${figure(row.minSeconds, 1)} to ${figure(row.maxSeconds, 1)})`,
      figure(row.ofBound, 3),
      `${figure(row.seedCopiesAtFirst, 2)} / ${figure(row.seedCopies, 2)}`,
      [row.startUtilisation, row.middleUtilisation, row.tailUtilisation].map(percent).join(' / '),
      figure(row.seedCpuSeconds, 2),
    ]),
  );
}

/** Programs in one swarm beside each other; `among` has their own swarms, where those were run. */
export function groupTable(summary: readonly SwarmSummary[], among: readonly SwarmSummary[]): string {
  return markdownTable(
    ['Swarm', 'Leechers', 'First s', 'Middle s', 'Last s', 'Last, of own swarm', 'Duplicates', 'Sent', 'CPU s of each'],
    summary.flatMap((row) =>
      row.groups.map((group) => {
        const own = among.find(({ name }) => name === group.name);
        const ratio = own === undefined || group.lastSeconds === null ? undefined : group.lastSeconds / own.seconds;
        return [
          row.name,
          `${group.memberCount} ${group.name}`,
          figure(group.firstSeconds ?? undefined, 1),
          figure(group.middleSeconds ?? undefined, 1),
          group.lastSeconds === null ? `has ${percent(group.receivedRatio)}` : figure(group.lastSeconds, 1),
          figure(ratio, 2),
          tenth(group.duplicateRatio),
          figure(group.sentRatio, 2),
          figure(group.cpuSeconds, 2),
        ];
      }),
    ),
  );
}

/** One run in a line, and its curves: tenths of the uplinks that were in use, in twenty parts of the time. */
export function runLine(turn: string, run: SwarmRun): string {
  const counted = run.members.filter(({ isGreedy }) => !isGreedy);
  const finishes = counted.map(({ seconds }) => (seconds === null ? '-' : figure(seconds, 1))).join(' ');
  const firstBlocks = counted.map(({ firstBlockSeconds }) => firstBlockSeconds ?? Number.NaN);
  const duplicates = counted.map(({ duplicateRatio }) => duplicateRatio ?? Number.NaN);
  const curve = (shares: readonly number[]): string => shares.map((share) => Math.round(share * 100)).join(' ');
  return [
    `${turn} ${run.name}: ${figure(run.seconds, 2)} s, ${figure(run.seconds / run.boundSeconds, 3)} of the bound`,
    `    finished at ${finishes}; first blocks ${figure(Math.min(...firstBlocks), 1)} to ${figure(Math.max(...firstBlocks), 1)} s`,
    `    seed sent ${figure(run.seedCopiesAtFirst, 2)} copies by the first, ${figure(run.seedCopies, 2)} in all; duplicates at most ${tenth(Math.max(...duplicates))}`,
    `    uplinks %: ${curve(run.leecherCurve)}; seed: ${curve(run.seedCurve)}`,
  ].join('\n');
}

export function tablesOf(
  caseName: CaseName,
  summary: readonly SwarmSummary[],
  among: readonly SwarmSummary[],
): string[] {
  const swarms = swarmTable(summary);
  if (caseName === 'greedy') return [swarms, groupTable(summary, []), honestLoss(summary)];
  return [swarms, groupTable(summary, caseName === 'mixed' ? among : [])];
}

/** The swarm with greedy members over the one before it, which has none. */
function honestLoss(summary: readonly SwarmSummary[]): string {
  const lines: string[] = [];
  for (const [index, row] of summary.entries()) {
    const before = summary[index - 1];
    if (before === undefined || !row.groups.some(({ isGreedy }) => isGreedy)) continue;
    lines.push(
      `${row.name}: the honest take ${figure(row.seconds / before.seconds, 3)} of the time that they take among themselves`,
    );
  }
  return lines.join('\n');
}
