// The simulator at the command line: replays one scenario, or all, with the seeds that are asked for, and prints what
// happened. `npm run sim -- come-and-go --seed 7 --log`; SEED=7 does the same as --seed 7. Crowds by their names.
import { CROWD_USAGE, parseCrowdArguments } from './crowd/crowd-arguments.ts';
import { plotsOf, reportLines, tableRows } from './crowd/crowd-report.ts';
import { type CrowdResult, runCrowdScenario } from './crowd/crowd-scenario.ts';
import { CROWD_SCENARIOS } from './crowd/scenarios/all.ts';
import { ALL_SCENARIOS } from './scenarios/all.ts';
import { runScenario, type Scenario, type ScenarioResult } from './scenarios/scenario.ts';
import { nodeCrypto } from './testing/node-crypto.ts';
import { writeFiles } from './testing/node-files.ts';

const USAGE = `Usage: npm run sim -- <scenario|all> [--seed N] [--count N] [--log]
  --seed N    the first seed (default: SEED from the environment, or 1)
  --count N   how many seeds, one after the other (default 1)
  --log       print what the engines log
Scenarios:`;

interface Seeds {
  readonly first: number;
  readonly count: number;
}

const WORDS: readonly string[] = process.argv.slice(2);
/** Options without a value. */
const FLAGS: readonly string[] = ['--log', '--progress'];

function optionValue(option: string): string | undefined {
  const at = WORDS.indexOf(option);
  return at < 0 ? undefined : WORDS[at + 1];
}

function parseSeeds(): Seeds | undefined {
  const first = Number(optionValue('--seed') ?? process.env['SEED'] ?? 1);
  const count = Number(optionValue('--count') ?? 1);
  return Number.isInteger(first) && count >= 1 ? { first, count } : undefined;
}

function print(result: ScenarioResult, tookMs: number): void {
  const { name, seed, problems, virtualMs, eventCount, peers } = result;
  const outcome = problems.length === 0 ? 'passed' : 'FAILED';
  const virtualSeconds = (virtualMs / 1_000).toFixed(1);
  console.log(
    `${name} seed ${seed}: ${outcome}; ${virtualSeconds} s of virtual time, ${eventCount} events, ${tookMs} ms`,
  );
  for (const line of peers) console.log(`  ${line}`);
  for (const problem of problems) console.log(`  ! ${problem}`);
}

function runScenarios(scenarios: readonly Scenario[], { first, count }: Seeds): number {
  const hasLog = WORDS.includes('--log');
  let failedCount = 0;
  for (const scenario of scenarios) {
    for (let seed = first; seed < first + count; seed++) {
      const startedMs = performance.now();
      const onLog = (line: string): void => console.log(`  ${line}`);
      const result = runScenario(scenario, { seed, crypto: nodeCrypto(), ...(hasLog && { onLog }) });
      print(result, Math.round(performance.now() - startedMs));
      if (result.problems.length > 0) failedCount++;
    }
  }
  return failedCount === 0 ? 0 : 1;
}

type CrowdArguments = NonNullable<ReturnType<typeof parseCrowdArguments>>;

function runCrowds({ scenario, optionsFor }: CrowdArguments, { first, count }: Seeds): number {
  const results: CrowdResult[] = [];
  const folder = optionValue('--plot');
  for (let seed = first; seed < first + count; seed++) {
    const startedMs = performance.now();
    const cpuBefore = process.cpuUsage();
    const onProgress = (line: string): void => console.error(`  ${line}`);
    const result = runCrowdScenario(scenario, {
      ...optionsFor(seed, nodeCrypto()),
      ...(WORDS.includes('--progress') && { onProgress }),
    });
    results.push(result);
    const tookSeconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
    const { user, system } = process.cpuUsage(cpuBefore);
    const cpuSeconds = ((user + system) / 1e6).toFixed(1);
    const memoryMib = Math.round(process.memoryUsage().rss / 2 ** 20);
    console.log(
      `${scenario.name} seed ${seed}: ${tookSeconds} s (${cpuSeconds} s of processor time), ${memoryMib} MiB`,
    );
    for (const line of reportLines(result)) console.log(line);
    if (folder !== undefined) {
      const name = count === 1 ? folder : `${folder}/seed-${seed}`;
      writeFiles(name, new Map([...plotsOf(result), ['result.json', JSON.stringify(result)]]));
    }
  }
  if (count > 1)
    for (const row of ['| Figure | Median (range) |', '| --- | --- |', ...tableRows(results)]) console.log(row);
  return results.every(({ problems }) => problems.length === 0) ? 0 : 1;
}

function main(): number {
  const isValue = (index: number): boolean => {
    const before = WORDS[index - 1];
    return before?.startsWith('--') === true && !FLAGS.includes(before);
  };
  const name = WORDS.find((word, index) => !word.startsWith('--') && !isValue(index));
  const seeds = parseSeeds();
  const scenarios = ALL_SCENARIOS.filter((scenario) => name === 'all' || scenario.name === name);
  const crowd = parseCrowdArguments(name, optionValue);
  if (seeds !== undefined && crowd !== undefined) return runCrowds(crowd, seeds);
  if (seeds !== undefined && scenarios.length > 0) return runScenarios(scenarios, seeds);
  console.error(USAGE);
  for (const one of ALL_SCENARIOS) console.error(`  ${one.name.padEnd(22)} ${one.about}`);
  console.error(CROWD_USAGE);
  for (const one of CROWD_SCENARIOS) console.error(`  ${one.name.padEnd(22)} ${one.about}`);
  return 2;
}

process.exitCode = main();
