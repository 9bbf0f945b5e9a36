// Holds the table of who may import whom (ARCHITECTURE.md, "Rooms") and fails on any other edge, on a pure file
// that names Math.random, and, in src, on node:worker_threads outside src/node/disk. Reads import specifiers as text.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const PURE = ['base', 'protocol', 'swarm', 'storage', 'platform', 'engine'];

/** Room → rooms it may import; `node:` and `package:` stand for Node's modules and for dependencies. */
export const ALLOWED = {
  base: [],
  protocol: ['base'],
  platform: ['base'],
  swarm: ['protocol', 'base'],
  storage: ['protocol', 'base'],
  engine: ['swarm', 'storage', 'protocol', 'platform', 'base'],
  node: ['platform', 'storage', 'protocol', 'base', 'node:'],
  cli: ['index.ts', 'engine', 'node', 'platform', 'base', 'node:', 'package:commander', 'package:picomatch'],
  'index.ts': ['engine', 'node', 'platform', 'protocol'],
  sim: [...PURE],
  bench: [...PURE, 'node', 'cli', 'index.ts', 'sim', 'interop', 'node:', 'package:'],
  interop: ['index.ts', 'node:', 'package:'],
  fuzz: [...PURE, 'node:', 'package:'],
};
const TEST_EXTRA = ['node:', 'package:', 'sim', 'base', 'protocol', 'platform', 'storage', 'swarm', 'engine'];

const SPECIFIER = /(?:\bfrom\s*|\bimport\s*\(\s*|\bgetBuiltinModule\s*\(\s*|^\s*import\s+)['"]([^'"]+)['"]/gm;

export function roomOf(path) {
  const parts = relative(ROOT, path).split(sep);
  if (parts[0] === 'src') return parts.length === 2 ? parts[1] : parts[1];
  return parts[0];
}

function isTest(path) {
  return /\.(test|contract|config)\.ts$/.test(path) || path.includes(`${sep}testing${sep}`);
}

/** Returns the edges of one file's text that the table forbids, one sentence each. */
export function problemsOf(path, text) {
  const room = roomOf(path);
  const allowed = ALLOWED[room];
  const name = relative(ROOT, path);
  if (allowed === undefined) return [`${name}: room "${room}" is not in the table of scripts/check-imports.mjs`];
  const permitted = new Set([room, ...allowed, ...(isTest(path) ? TEST_EXTRA : [])]);
  const problems = [];
  const code = text.replace(/^\s*(?:\/\/|\*|\/\*).*$/gm, '');
  for (const [, specifier] of code.matchAll(SPECIFIER)) {
    let target;
    if (specifier.startsWith('.')) target = roomOf(resolve(dirname(path), specifier));
    else if (specifier.startsWith('node:')) target = 'node:';
    else target = `package:${specifier}`;
    const fits = permitted.has(target) || (target.startsWith('package:') && permitted.has('package:'));
    if (!fits) problems.push(`${name}: ${room} may not import ${specifier}`);
    const hasThreads = !name.startsWith('src') || name.startsWith(join('src', 'node', 'disk')) || isTest(path);
    if (specifier === 'node:worker_threads' && !hasThreads) {
      problems.push(`${name}: only src/node/disk may import node:worker_threads`);
    }
    if (specifier.startsWith('.') && !/\.(ts|json|mjs)$/.test(specifier)) {
      problems.push(`${name}: write the extension in ${specifier}`);
    }
  }
  if (PURE.includes(room) && !isTest(path) && /\bMath\.random\b/.test(code)) {
    problems.push(`${name}: randomness is a Random argument in the pure zone, never Math.random`);
  }
  return problems;
}

function* sourceFiles(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== 'node_modules' && entry.name !== 'fixtures') yield* sourceFiles(path);
    } else if (entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts')) yield path;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = [];
  let count = 0;
  for (const folder of ['src', 'sim', 'bench', 'interop', 'fuzz']) {
    let files;
    try {
      files = [...sourceFiles(join(ROOT, folder))];
    } catch (error) {
      if (error.code === 'ENOENT') continue;
      throw error;
    }
    for (const path of files) {
      count++;
      problems.push(...problemsOf(path, readFileSync(path, 'utf8')));
    }
  }
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exit(1);
  console.log(`check-imports: ${count} files, every import is in the table`);
}
