// Keeps the documents true to the code: every exported name of the public entry has a doc comment, every error
// code has its sentence in docs/errors.md, every limit stands in docs/limits.md.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const read = (path) => (existsSync(resolve(root, path)) ? readFileSync(resolve(root, path), 'utf8') : undefined);
const problems = [];

// Limits: `export const NAME = …` of src/protocol/limits.ts, each with a comment above it and a row in the document.
const limits = read('src/protocol/limits.ts') ?? '';
const limitsDocument = read('docs/limits.md') ?? '';
const limitNames = [...limits.matchAll(/^export const ([A-Z0-9_]+)/gm)].map((match) => match[1]);
for (const name of limitNames) {
  if (!limitsDocument.includes(`\`${name}\``)) problems.push(`docs/limits.md: no row for ${name}`);
  if (!new RegExp(`\\*/\\nexport const ${name}\\b`).test(limits)) {
    problems.push(`src/protocol/limits.ts: ${name} has no doc comment`);
  }
}

// Error codes: the string literals of the unions that the documents promise to keep.
const errorsDocument = read('docs/errors.md') ?? '';
let codeCount = 0;
for (const path of ['src/platform/session-error.ts', 'src/protocol/wire/violation.ts']) {
  const text = read(path) ?? '';
  for (const [, code] of text.matchAll(/'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)'/g)) {
    codeCount++;
    if (!errorsDocument.includes(`\`${code}\``)) problems.push(`docs/errors.md: no sentence for ${code} (${path})`);
  }
}

// Public exports: each declaration that index.ts re-exports opens with a doc comment where it is declared.
const index = read('src/index.ts') ?? '';
let exportCount = 0;
for (const [, names, from] of index.matchAll(/export (?:type )?\{([^}]*)\} from '([^']+)'/g)) {
  const source = read(`src/${from.replace(/^\.\//, '')}`) ?? '';
  for (const raw of names.split(',')) {
    const name = raw
      .trim()
      .replace(/^type /, '')
      .split(/\s+as\s+/)[0];
    if (name === '') continue;
    exportCount++;
    const declared = new RegExp(
      `\\*/\\s*\\nexport (?:declare )?(?:abstract )?(?:class|interface|type|const|function|async function) ${name}\\b`,
    );
    if (!declared.test(source)) problems.push(`${from}: exported ${name} has no doc comment directly above it`);
  }
}

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log(
  `check-docs: ${limitNames.length} limits, ${codeCount} error codes, ${exportCount} public exports described`,
);
