// Runs one fuzz target: node build/fuzz/run.js TARGET [--executions N] [--seed S]. The same seed gives the same
// inputs. A finding is written to build/fuzz-findings/ and ends the run with exit code 1.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { seededRandom } from '../src/base/random.ts';
import { Mutator } from './mutator.ts';
import type { FuzzTarget } from './target.ts';

const EXECUTIONS_DEFAULT = 100_000;
const SLOW_MS = 1_000;

function corpusOf(target: FuzzTarget): Uint8Array[] {
  const corpus = [...(target.seeds ?? [])];
  const folder = join('fuzz', 'corpora', target.name);
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch {
    // A target without a folder of files has its seeds only.
    return corpus;
  }
  for (const name of names) corpus.push(new Uint8Array(readFileSync(join(folder, name))));
  return corpus;
}

function report(target: FuzzTarget, input: Uint8Array, what: string, problem: unknown): never {
  mkdirSync(join('build', 'fuzz-findings'), { recursive: true });
  const path = join('build', 'fuzz-findings', `${target.name}-${what}`);
  writeFileSync(path, input);
  console.error(`fuzz: ${target.name}: ${what}; the input is in ${path}`);
  console.error(problem);
  process.exit(1);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { executions: { type: 'string' }, seed: { type: 'string' } },
});
const targetName = positionals[0];
const executions = Number(values.executions ?? EXECUTIONS_DEFAULT);
const seed = Number(values.seed ?? 1);
if (targetName === undefined || !/^[a-z0-9-]+$/.test(targetName) || !(executions > 0) || !Number.isInteger(seed)) {
  console.error('usage: npm run fuzz -- TARGET [--executions N] [--seed S]');
  process.exit(2);
}

const target: FuzzTarget = await import(new URL(`./targets/${targetName}.js`, import.meta.url).href);
const mutator = new Mutator(seededRandom(seed), corpusOf(target));
const startedMs = performance.now();
for (let execution = 0; execution < executions; execution++) {
  const input = mutator.next();
  const runMs = performance.now();
  try {
    target.run(input);
  } catch (problem) {
    report(target, input, `seed-${seed}-execution-${execution}`, problem);
  }
  const tookMs = performance.now() - runMs;
  if (tookMs > SLOW_MS) report(target, input, `slow-seed-${seed}-execution-${execution}`, `${tookMs.toFixed(0)} ms`);
}
const seconds = (performance.now() - startedMs) / 1000;
console.log(`fuzz: ${target.name}: ${executions} executions with seed ${seed} in ${seconds.toFixed(1)} s, no finding`);
