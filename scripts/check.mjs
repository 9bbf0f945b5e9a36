// The one gate: lint and format, the TypeScript projects, the import table, the documentation, the tests.
// Stops at the first step that fails, with that step's exit code.
import { spawnSync } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const bin = (name) => resolve(root, 'node_modules', '.bin', process.platform === 'win32' ? `${name}.cmd` : name);
const steps = [
  ['lint', bin('biome'), ['check', '--error-on-warnings', '.']],
  ['types', bin('tsc'), ['-b', 'tsconfig.json']],
  ['bundle', process.execPath, ['scripts/bundle.mjs']],
  ['types of tests and tools', bin('tsc'), ['-p', 'tsconfig.test.json']],
  ['imports', process.execPath, ['scripts/check-imports.mjs']],
  ['docs', process.execPath, ['scripts/check-docs.mjs']],
  ['tests', bin('vitest'), ['run']],
];

for (const [name, command, args] of steps) {
  const startedMs = performance.now();
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) {
    console.error(`check: ${name} failed${error ? ` (${error.message})` : ''}`);
    process.exit(status ?? 1);
  }
  console.log(`check: ${name} passed in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
}
