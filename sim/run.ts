// The simulator at the command line: replays one scenario, or all, with the seeds that are asked for, and prints what
// happened. `npm run sim -- churn --seed 7 --log`; SEED=7 does the same as --seed 7.
import { ALL_SCENARIOS } from './scenarios/all.ts';
import { runScenario, type Scenario, type ScenarioResult } from './scenarios/scenario.ts';
import { nodeCrypto } from './testing/node-crypto.ts';

const USAGE = `Usage: npm run sim -- <scenario|all> [--seed N] [--count N] [--log]
  --seed N    the first seed (default: SEED from the environment, or 1)
  --count N   how many seeds, one after the other (default 1)
  --log       print what the engines log
Scenarios:`;

interface Arguments {
  readonly scenarios: readonly Scenario[];
  readonly firstSeed: number;
  readonly seedCount: number;
  readonly hasLog: boolean;
}

function parseArguments(words: readonly string[]): Arguments | undefined {
  const optionValue = (option: string): string | undefined => {
    const at = words.indexOf(option);
    return at < 0 ? undefined : words[at + 1];
  };
  const name = words.find(
    (word, index) => !word.startsWith('--') && !['--seed', '--count'].includes(words[index - 1] ?? ''),
  );
  const scenarios = ALL_SCENARIOS.filter((scenario) => name === 'all' || scenario.name === name);
  const firstSeed = Number(optionValue('--seed') ?? process.env['SEED'] ?? 1);
  const seedCount = Number(optionValue('--count') ?? 1);
  if (scenarios.length === 0 || !Number.isInteger(firstSeed) || !(seedCount >= 1)) return undefined;
  return { scenarios, firstSeed, seedCount, hasLog: words.includes('--log') };
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

function main(): number {
  const parsed = parseArguments(process.argv.slice(2));
  if (parsed === undefined) {
    console.error(USAGE);
    for (const { name, about } of ALL_SCENARIOS) console.error(`  ${name.padEnd(22)} ${about}`);
    return 2;
  }
  let failedCount = 0;
  for (const scenario of parsed.scenarios) {
    for (let seed = parsed.firstSeed; seed < parsed.firstSeed + parsed.seedCount; seed++) {
      const startedMs = performance.now();
      const onLog = (line: string): void => console.log(`  ${line}`);
      const result = runScenario(scenario, { seed, crypto: nodeCrypto(), ...(parsed.hasLog && { onLog }) });
      print(result, Math.round(performance.now() - startedMs));
      if (result.problems.length > 0) failedCount++;
    }
  }
  return failedCount === 0 ? 0 : 1;
}

process.exitCode = main();
