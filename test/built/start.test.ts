// Goal: a start stays short. Method: no clock, but what the built package loads: how many files, and which of Node's modules.
// What is slow to load comes with its first use (docs/adr/0008).
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const DIST = new URL('../../dist/', import.meta.url);
const STATIC_IMPORT = /^(?:import|export)\b[^;]*?\bfrom\s*"([^"]+)"|^import\s*"([^"]+)"/gm;

interface Loaded {
  /** Of dist/, the entry among them. */
  readonly files: string[];
  /** Node's modules and packages. */
  readonly others: string[];
}

/** All that an import of the file loads before any of its code runs. */
function loadedWith(entry: string): Loaded {
  const files = new Set([new URL(entry, DIST).href]);
  const others = new Set<string>();
  for (const file of files) {
    for (const [, from, bare] of readFileSync(new URL(file), 'utf8').matchAll(STATIC_IMPORT)) {
      const specifier = from ?? bare ?? '';
      if (specifier.startsWith('.')) files.add(new URL(specifier, file).href);
      else others.add(specifier);
    }
  }
  return { files: [...files].map((file) => file.slice(DIST.href.length)), others: [...others].sort() };
}

test('importing the package loads few files and nothing of the command line', () => {
  const { files, others } = loadedWith('index.js');
  expect(files.length).toBeLessThanOrEqual(5);
  expect(files.filter((file) => file.startsWith('cli/'))).toEqual([]);
  expect(others.filter((name) => !name.startsWith('node:'))).toEqual([]);
});

test('importing the package loads no module of Node that only some programs need', () => {
  const program = `
    const { Session } = await import(${JSON.stringify(new URL('index.js', DIST).href)});
    const loaded = [...process.moduleLoadList]; // before standard output, a pipe here, takes its part of them
    process.stdout.write(JSON.stringify({ type: typeof Session.open, loaded }));`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  const { type, loaded } = JSON.parse(output) as { type: string; loaded: string[] };
  expect(type).toBe('function');
  expect(loaded).toContain('NativeModule fs'); // the list is what it is taken for
  const slow = [
    'http',
    'https',
    'tls',
    'zlib',
    'worker_threads',
    'child_process',
    'inspector',
    'net',
    'dgram',
    'dns',
    'crypto',
  ];
  expect(slow.filter((name) => loaded.includes(`NativeModule ${name}`))).toEqual([]);
});

test('the command line starts without the engine', () => {
  const { files, others } = loadedWith('cli/main.js');
  expect(files.length).toBeLessThanOrEqual(5);
  expect(files).not.toContain('index.js');
  expect(others).toEqual(['commander', 'node:fs']);
});

test.each(['disk-worker.js', 'create-worker.js'])('a thread loads one file: %s', (entry) => {
  expect(loadedWith(entry).files).toEqual([entry]);
});
