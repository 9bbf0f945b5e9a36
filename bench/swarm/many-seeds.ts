// Scenario "many-seeds": Millrace fetches from 50 seeds at once, each limited to a fiftieth of the rate that it reached from one
// Millrace seed just before. The 50 are light seeds in one process. Also told: how long the leecher's event loop keeps timers
// waiting, from its first line until it is complete.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { clients } from '../../interop/clients/all.ts';
import { figure, markdownTable } from '../harness/markdown-table.ts';
import { bareLeechRow } from './bare.ts';
import { BARE, type Contender, contenderOf, LIGHT_SEEDS_PORT, lightSeeds, programFile } from './contender.ts';
import type { SwarmOptions } from './options.ts';
import { median } from './process-cost.ts';
import { type ScenarioResult, specOf } from './scenario.ts';
import { SwarmStage } from './stage.ts';
import { type TransferRun, transferOnce } from './transfer-run.ts';
import { ratiosTo, ratioTable, runLine, summarise, summaryTable } from './transfer-summary.ts';

const SEEDS = 50;
const ONE_SEED = '1 seed';
const MANY_SEEDS = `${SEEDS} seeds`;
const FIGURES_TIMEOUT_MS = 5_000;

/** Of the event loop, in ms. */
interface LoopDelay {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

type DelayedRun = TransferRun & Partial<LoopDelay>;

export async function manySeeds(options: SwarmOptions): Promise<ScenarioResult> {
  const spec = { ...specOf(options), fileCount: 1, format: 'v1' as const };
  const stage = await SwarmStage.open(spec);
  try {
    const runs: DelayedRun[] = [];
    const add = (turn: number, run: DelayedRun): DelayedRun => {
      runs.push(run);
      const delayText = run.p99Ms === undefined ? '' : `, loop p99 ${run.p99Ms.toFixed(1)} ms`;
      console.log(runLine(`${turn}/${options.runCount}`, run) + delayText);
      return run;
    };
    const bareRow = bareLeechRow(stage);
    for (let turn = 1; turn <= options.runCount; turn++) {
      const one = add(turn, await runFrom(stage, ONE_SEED, contenderOf(clients.millrace), []));
      const seeds = lightSeeds(stage.content.path, stage.view(), SEEDS, one.megabytesPerSecond * 1e6);
      const { address } = await stage.host('seed');
      const peers = Array.from({ length: SEEDS }, (_, index) => `${address}:${LIGHT_SEEDS_PORT + index}`);
      await stage.forgetPeers();
      add(turn, await runFrom(stage, MANY_SEEDS, seeds, peers));
      add(turn, await bareRow.run());
    }
    return resultOf({ ...spec, seeds: SEEDS, onDisk: stage.isOnDisk }, runs);
  } finally {
    stage.close();
  }
}

/** The seed stands for this run alone. */
async function runFrom(
  stage: SwarmStage,
  name: string,
  seed: Contender,
  peers: readonly string[],
): Promise<DelayedRun> {
  const out = join(stage.folder('loop-delay').path, 'figures.json');
  const measure = pathToFileURL(programFile('loop-delay'));
  measure.searchParams.set('out', out);
  const ready = await stage.startSeed(seed);
  try {
    const run = await transferOnce(stage, name, contenderOf(clients.millrace), ready, {
      peers,
      nodeArguments: ['--import', measure.href],
      onComplete: async ({ process }) => {
        process.signal('SIGUSR2');
        await fileThere(out);
      },
    });
    return { ...run, ...(JSON.parse(readFileSync(out, 'utf8')) as LoopDelay) };
  } finally {
    await ready.running.stop();
  }
}

async function fileThere(path: string): Promise<void> {
  const endMs = performance.now() + FIGURES_TIMEOUT_MS;
  while (!existsSync(path)) {
    if (performance.now() > endMs) throw new Error('the leecher did not give the figures of its event loop');
    await delay(10);
  }
}

function resultOf(setup: object, runs: readonly DelayedRun[]): ScenarioResult {
  const transfers = summarise(runs);
  const summary = transfers.map((row) => {
    const own = runs.filter((run) => run.name === row.name && run.p99Ms !== undefined);
    const of = (pick: (run: DelayedRun) => number | undefined): number | undefined =>
      own.length === 0 ? undefined : Number(median(own.map((run) => pick(run) ?? 0)).toFixed(2));
    return { ...row, p50Ms: of((run) => run.p50Ms), p99Ms: of((run) => run.p99Ms), maxMs: of((run) => run.maxMs) };
  });
  const delays = markdownTable(
    ['Event loop of the leecher', 'Median ms', 'p99 ms', 'Longest ms'],
    summary
      .filter(({ name }) => name !== BARE)
      .map((row) => [row.name, figure(row.p50Ms, 1), figure(row.p99Ms, 1), figure(row.maxMs, 1)]),
  );
  const ratios = ratiosTo(MANY_SEEDS, transfers);
  const tables = [summaryTable('Millrace from', transfers), ratioTable(MANY_SEEDS, ratios), delays];
  return { scenario: 'many-seeds', setup, runs, summary, ratios, failures: [], tables };
}
