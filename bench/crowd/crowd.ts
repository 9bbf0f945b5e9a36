// npm run bench:crowd: whole swarms of real programs, each on a host of its own whose uplink is limited, held against the bound
// that the uplinks set. Needs Linux, root, tc, and the programs of the interoperability tests. bench/README.md says what each case is.
import { spawn } from 'node:child_process';
import { fileFromRoot } from '../../interop/world/root.ts';
import { sweepNamespaces } from '../../interop/world/world.ts';
import { writeReport } from '../harness/report.ts';
import { SwarmStage } from '../swarm/stage.ts';
import { type CaseName, type CrowdOptions, parseOptions, USAGE } from './options.ts';
import { runSwarm, type SwarmRun } from './swarm-run.ts';
import { type Swarm, swarmsOf } from './swarms.ts';
import { runLine, type SwarmSummary, summarise, tablesOf } from './tables.ts';

interface CaseResult {
  readonly name: CaseName;
  readonly runs: readonly SwarmRun[];
  readonly summary: readonly SwarmSummary[];
}

/** Each swarm once, then again. A rival's that fails is reported and left out from then on. */
async function runCase(
  stage: SwarmStage,
  name: CaseName,
  options: CrowdOptions,
  failures: string[],
): Promise<CaseResult> {
  const runs: SwarmRun[] = [];
  const left = new Set(swarmsOf(name, options));
  for (let turn = 1; turn <= options.runCount; turn++) {
    for (const swarm of left) {
      const run = await attempt(stage, swarm, options, failures);
      if (run === undefined) {
        left.delete(swarm);
        continue;
      }
      runs.push(run);
      console.log(runLine(`${turn}/${options.runCount}`, run));
      if (!run.isComplete) {
        failures.push(`${name}, ${swarm.name}: not everybody was complete after ${Math.round(run.seconds)} s`);
        if (!swarm.isRequired) left.delete(swarm);
      }
    }
  }
  return { name, runs, summary: summarise(runs) };
}

async function attempt(
  stage: SwarmStage,
  swarm: Swarm,
  options: CrowdOptions,
  failures: string[],
): Promise<SwarmRun | undefined> {
  try {
    return await runSwarm(stage, swarm, options);
  } catch (error) {
    if (swarm.isRequired) throw error;
    failures.push(`${swarm.name}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

/** Also when this process is killed, somebody removes what it made. */
function startReaper(folder: string): void {
  const file = fileFromRoot('build/bench/crowd/programs/reaper.js');
  const reaper = spawn(process.execPath, [file, folder], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  // The pipe ends with this process, and does not keep it.
  (reaper.stdin as unknown as { unref(): void }).unref();
  reaper.unref();
}

async function main(): Promise<void> {
  const options = parseOptions();
  if (options === undefined) {
    console.log(USAGE);
    return;
  }
  sweepNamespaces(false, options.folder);
  // An interrupted run removes its namespaces and data as it ends.
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.once(signal, () => process.exit(code));
  }
  startReaper(options.folder);
  const { totalBytes, pieceLengthBytes, folder } = options;
  const content = { totalBytes, pieceLengthBytes, fileCount: 1, format: 'v1', cache: 'warm' } as const;
  const stage = await SwarmStage.open({ ...content, folder });
  const failures: string[] = [];
  const results: CaseResult[] = [];
  try {
    for (const name of options.cases) {
      console.log(`\n${name}`);
      const result = await runCase(stage, name, options, failures);
      results.push(result);
      const among = results.find((known) => known.name === 'eight')?.summary ?? [];
      console.log(`\n${tablesOf(name, result.summary, among).join('\n\n')}`);
    }
  } finally {
    stage.close();
  }
  for (const failure of failures) console.error(`failed: ${failure}`);
  if (!options.isSmoke || options.out !== undefined) {
    const programs = ['libtorrent', 'aria2', 'transmission'];
    const { burstKib, queueMs, runCount } = options;
    const setup = { ...content, burstKib, queueMs, runCount, order: 'alternating' };
    const file = await writeReport(
      { benchmark: 'crowd', programs, out: options.out },
      { setup, failures, cases: results },
    );
    console.log(`\nwritten to ${file}`);
  }
  if (failures.length > 0) process.exitCode = 1;
}

await main();
