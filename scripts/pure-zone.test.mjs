// Goal: the walls of the house hold. Method: compile a fixture that uses a timer with the pure zone's settings and
// expect it to fail; give the import checker texts that break each rule.
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { problemsOf } from './check-imports.mjs';

const root = resolve(import.meta.dirname, '..');

test('setTimeout does not compile in the pure zone', () => {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', join(root, 'scripts', 'fixtures')], {
    encoding: 'utf8',
  });
  expect(status).not.toBe(0);
  expect(stdout).toMatch(/Cannot find name 'setTimeout'/);
});

test.each([
  ['src/base/x.ts', "import { y } from '../protocol/y.ts';"],
  ['src/protocol/x.ts', "import { readFile } from 'node:fs';"],
  ['src/swarm/x.ts', "import { y } from '../engine/y.ts';"],
  ['src/engine/x.ts', "import { y } from '../node/y.ts';"],
  ['src/engine/x.ts', 'const value = Math.random();'],
  ['src/node/net/x.ts', "import { Worker } from 'node:worker_threads';"],
  ['src/node/net/x.ts', "const { Worker } = process.getBuiltinModule('node:worker_threads');"],
  ['src/cli/x.ts', "import { y } from '../protocol/y.ts';"],
  ['src/base/x.ts', "import { y } from './y';"],
  ['sim/world/x.ts', "import { y } from '../../src/node/y.ts';"],
])('the import table refuses an edge of %s: %s', (path, text) => {
  expect(problemsOf(join(root, path), text)).toHaveLength(1);
});

test('the import table accepts what it lists', () => {
  const text = "import { y } from '../protocol/y.ts';\nimport type { z } from '../base/z.ts';";
  expect(problemsOf(join(root, 'src/engine/x.ts'), text)).toEqual([]);
});
