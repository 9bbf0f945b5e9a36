// What every scenario is given and gives back, and how it goes through its runs: each row once, then again, so that whatever
// the machine does meanwhile meets all of them.
import { clients } from '../../interop/clients/all.ts';
import { BARE, type Contender, contenderOf } from './contender.ts';
import type { ScenarioName, SwarmOptions } from './options.ts';
import type { StageSpec } from './stage.ts';
import type { TransferRun } from './transfer-run.ts';
import { ratiosTo, ratioTable, runLine, summarise, summaryTable } from './transfer-summary.ts';

export const MILLRACE = 'Millrace';
/** A rival that needs longer than this for one run does not run more often than `SLOW_RUNS_MAX` times. */
const SLOW_SECONDS = 20;
const SLOW_RUNS_MAX = 3;

export interface ScenarioResult {
  readonly scenario: ScenarioName;
  readonly setup: object;
  readonly runs: readonly object[];
  readonly summary: readonly object[];
  readonly ratios?: readonly object[];
  /** What did not come to its end: name and reason. */
  readonly failures: readonly string[];
  /** Markdown. */
  readonly tables: readonly string[];
}

export interface Row {
  readonly name: string;
  /** Without it the benchmark has failed. @defaultValue Millrace and the bare loop */
  readonly isRequired?: boolean;
  run(): Promise<TransferRun>;
}

/** A rival that fails is reported and left out from then on. */
export async function alternate(
  rows: readonly Row[],
  runCount: number,
): Promise<{ runs: TransferRun[]; failures: string[] }> {
  const runs: TransferRun[] = [];
  const failures: string[] = [];
  const left = new Set(rows);
  for (let turn = 1; turn <= runCount; turn++) {
    for (const row of left) {
      try {
        const run = await row.run();
        runs.push(run);
        console.log(runLine(`${turn}/${runCount}`, run));
        if (run.seconds > SLOW_SECONDS && turn >= SLOW_RUNS_MAX) left.delete(row);
      } catch (error) {
        if (row.isRequired ?? (row.name === MILLRACE || row.name === BARE)) throw error;
        failures.push(`${row.name}: ${error instanceof Error ? error.message : String(error)}`);
        left.delete(row);
      }
    }
  }
  return { runs, failures };
}

/** The chosen clients that read such torrents: of hybrid ones too many rivals refuse those with several files. */
export function contendersOf({ programs, format }: SwarmOptions): Contender[] {
  return programs
    .map((program) => clients[program])
    .filter((client) => client.v2 || format === 'v1')
    .map(contenderOf);
}

export function specOf(options: SwarmOptions): StageSpec {
  const { totalBytes, pieceLengthBytes, fileCount, format, folder, cache } = options;
  return { totalBytes, pieceLengthBytes, fileCount, format, folder, cache };
}

/** The result of a scenario whose rows are transfers. */
export function transferResult(
  scenario: ScenarioName,
  setup: object,
  { runs, failures }: { readonly runs: readonly TransferRun[]; readonly failures: readonly string[] },
  firstColumn: string,
  comparedRow: string = MILLRACE,
): ScenarioResult {
  const summary = summarise(runs);
  const ratios = ratiosTo(comparedRow, summary);
  const tables = [summaryTable(firstColumn, summary)];
  if (ratios.length > 0) tables.push(ratioTable(comparedRow, ratios));
  return { scenario, setup, runs, summary, ratios, failures, tables };
}
