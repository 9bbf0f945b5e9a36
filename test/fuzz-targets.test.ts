// Goal: every fuzz target runs, and finds nothing in its first few hundred inputs.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Mutator } from '../fuzz/mutator.ts';
import type { FuzzTarget } from '../fuzz/target.ts';
import { seededRandom } from '../src/base/random.ts';

const folder = join(import.meta.dirname, '..', 'fuzz', 'targets');
const names = readdirSync(folder).map((file) => file.replace(/\.ts$/, ''));

test.each(names)('fuzz target %s', async (name) => {
  const target: FuzzTarget = await import(`../fuzz/targets/${name}.ts`);
  expect(target.name).toBe(name);
  for (const seed of target.seeds ?? []) target.run(seed);
  const mutator = new Mutator(seededRandom(1), target.seeds ?? []);
  for (let i = 0; i < 300; i++) target.run(mutator.next());
});
