// Keeps the documents true to the code. Every exported name of the public entry has a doc comment; every error code, limit
// and reaction stands in its document as it is in the code; links and paths lead somewhere; npm scripts that are named
// exist; the table of rooms is the one that the import checker enforces. Reads sources as text.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ALLOWED } from './check-imports.mjs';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const SOURCE_FOLDERS = ['src', 'sim', 'bench', 'interop', 'fuzz', 'test', 'scripts', 'docs'];
const read = (path) => (existsSync(join(ROOT, path)) ? readFileSync(join(ROOT, path), 'utf8') : '');

/** The cells of a table's rows, without the backticks around a whole cell. */
function rowsOf(text) {
  return text
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|[\s|:-]+\|$/.test(line))
    .map((line) => line.split('|').slice(1, -1));
}

const nameIn = (cell) => /^\s*`([^`]+)`\s*$/.exec(cell ?? '')?.[1];
const namesIn = (cell) => [...(cell ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1]);
const isSameList = (left, right) => left.length === right.length && left.every((item) => right.includes(item));

/** `16 MiB`, `64 KiB` or `1,000` as a number. */
export function numberOf(text) {
  const match = /^\s*([\d,]+)(?: (KiB|MiB))?\s*$/.exec(text ?? '');
  if (match === null) return undefined;
  const unit = { KiB: 1024, MiB: 1024 * 1024 }[match[2]] ?? 1;
  return Number(match[1].replaceAll(',', '')) * unit;
}

/** Name → value of the constants in a text like src/protocol/limits.ts: numbers, products, earlier constants. */
export function constantsOf(text) {
  const values = new Map();
  for (const [, name, expression] of text.matchAll(/^(?:export )?const ([A-Z0-9_]+)(?:: number)? = ([^;]+);/gm)) {
    const factors = expression.split('*').map((factor) => {
      const word = factor.trim();
      return values.get(word) ?? Number(word.replaceAll('_', ''));
    });
    values.set(
      name,
      factors.reduce((product, factor) => product * factor, 1),
    );
  }
  return values;
}

function limitProblems(counts) {
  const source = read('src/protocol/limits.ts');
  const rows = new Map(rowsOf(read('docs/limits.md')).map((cells) => [nameIn(cells[0]), cells[1]]));
  const values = constantsOf(source);
  const names = [...source.matchAll(/^export const ([A-Z0-9_]+)/gm)].map((match) => match[1]);
  counts.limits = names.length;
  const problems = [];
  for (const name of names) {
    if (!rows.has(name)) problems.push(`docs/limits.md: no row for ${name}`);
    else if (numberOf(rows.get(name)) !== values.get(name)) {
      problems.push(`docs/limits.md: ${name} is ${values.get(name)}, not ${rows.get(name).trim()}`);
    }
    if (!new RegExp(`\\*/\\nexport const ${name}\\b`).test(source)) {
      problems.push(`src/protocol/limits.ts: ${name} has no doc comment`);
    }
  }
  for (const name of rows.keys()) {
    if (name !== undefined && !names.includes(name)) problems.push(`docs/limits.md: there is no limit ${name}`);
  }
  return problems;
}

function errorProblems(counts) {
  const rows = new Map(rowsOf(read('docs/errors.md')).map((cells) => [nameIn(cells[0]), cells]));
  const problems = [];
  const known = new Set();
  const need = (code, path) => {
    known.add(code);
    if (!rows.has(code)) problems.push(`docs/errors.md: no sentence for ${code} (${path})`);
  };
  // The string literals of the unions that the document promises to keep.
  for (const path of ['src/platform/session-error.ts', 'src/protocol/wire/violation.ts']) {
    for (const [, code] of read(path).matchAll(/'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)'/g)) need(code, path);
  }
  for (const [, code, reaction] of read('src/protocol/wire/violation.ts').matchAll(/^ {2}([A-Z_]+): '([a-z]+)',$/gm)) {
    const stated = rows.get(code)?.[1]?.trim();
    if (stated !== reaction) problems.push(`docs/errors.md: the reaction to ${code} is ${reaction}, not ${stated}`);
  }
  for (const path of filesIn('src/cli', '.ts')) {
    if (path.endsWith('.test.ts')) continue;
    for (const [, code] of read(path).matchAll(/(?:new CliFailure\(\s*|\bcode: )'([A-Z_]+)'/g)) need(code, path);
  }
  for (const code of rows.keys()) {
    if (code !== undefined && !known.has(code)) problems.push(`docs/errors.md: there is no code ${code}`);
  }
  counts.codes = known.size;
  return problems;
}

/** The members of `export type NAME = 'a' | 'b';`. */
export function unionMembers(source, name) {
  const body = new RegExp(`export type ${name} =([^;]*);`).exec(source)?.[1] ?? '';
  return [...body.matchAll(/'([^']+)'/g)].map((match) => match[1]);
}

/** Codes of a union that the table under the heading lacks, and rows of it that are no code. */
export function reasonProblems(document, heading, codes) {
  const section = document.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  const rows = rowsOf(section)
    .map((cells) => nameIn(cells[0]))
    .filter((code) => code !== undefined);
  const lacking = codes.filter((code) => !rows.includes(code));
  const unknown = rows.filter((code) => !codes.includes(code));
  return [
    ...lacking.map((code) => `docs/diagnosis.md: "${heading}" has no sentence for ${code}`),
    ...unknown.map((code) => `docs/diagnosis.md: "${heading}" has ${code}, which is no code`),
  ];
}

function diagnosisProblems(counts) {
  const source = read('src/engine/diagnosis/reasons.ts');
  const document = read('docs/diagnosis.md');
  const tables = { 'Reasons of a torrent': 'TorrentReasonCode', 'Reasons of a peer': 'PeerReasonCode' };
  counts.reasons = 0;
  return Object.entries(tables).flatMap(([heading, union]) => {
    const codes = unionMembers(source, union);
    counts.reasons += codes.length;
    return codes.length === 0 ? [`${union} has no members`] : reasonProblems(document, heading, codes);
  });
}

/** Each declaration that index.ts re-exports opens with a doc comment where it is declared. */
function exportProblems(counts) {
  const problems = [];
  counts.exports = 0;
  for (const [, names, from] of read('src/index.ts').matchAll(/export (?:type )?\{([^}]*)\} from '([^']+)'/g)) {
    const source = read(`src/${from.replace(/^\.\//, '')}`);
    for (const raw of names.split(',')) {
      const name = raw
        .trim()
        .replace(/^type /, '')
        .split(/\s+as\s+/)[0];
      if (name === '') continue;
      counts.exports++;
      const declared = new RegExp(
        `\\*/\\s*\\nexport (?:declare )?(?:abstract )?(?:class|interface|type|const|function|async function) ${name}\\b`,
      );
      if (!declared.test(source)) problems.push(`${from}: exported ${name} has no doc comment directly above it`);
    }
  }
  return problems;
}

/** The table under "## Rooms" says what `allowed` says. */
export function roomProblems(text, allowed) {
  const section = text.split(/^## /m).find((part) => part.startsWith('Rooms\n')) ?? '';
  const table = new Map();
  for (const [room, imports] of rowsOf(section)) {
    const name = nameIn(room);
    if (name !== undefined) table.set(name, namesIn(imports));
  }
  const problems = [];
  for (const [room, imports] of Object.entries(allowed)) {
    const stated = table.get(room);
    if (stated === undefined) problems.push(`ARCHITECTURE.md: the table of rooms lacks ${room}`);
    else if (!isSameList(stated, imports)) {
      problems.push(`ARCHITECTURE.md: ${room} may import ${imports.join(', ') || 'nothing'}, not ${stated.join(', ')}`);
    }
    table.delete(room);
  }
  for (const room of table.keys()) problems.push(`ARCHITECTURE.md: the table of rooms has ${room}, which is none`);
  return problems;
}

/** The anchor that a heading gets. */
export function anchorOf(heading) {
  return heading
    .toLowerCase()
    .replaceAll('`', '')
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .trim()
    .replaceAll(' ', '-');
}

const anchorsOf = (text) => [...text.matchAll(/^#+ (.+)$/gm)].map((match) => anchorOf(match[1]));

/** Links to files that are not there, or to headings that they do not have. `readText` answers undefined for no file. */
export function linkProblems(path, text, readText) {
  const problems = [];
  const prose = text.replace(/^```[\s\S]*?^```/gm, '');
  for (const [, target] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/i.test(target)) continue;
    const [file, anchor] = target.split('#');
    const linked = file === '' ? path : join(dirname(path), file);
    const linkedText = readText(linked);
    if (linkedText === undefined) problems.push(`${path}: the link to ${target} leads nowhere`);
    else if (anchor !== undefined && !anchorsOf(linkedText).includes(anchor)) {
      problems.push(`${path}: ${linked} has no heading for #${anchor}`);
    }
  }
  return problems;
}

/** Paths in backticks that do not exist, and npm scripts that package.json does not have. */
export function mentionProblems(path, text, { exists, scripts }) {
  const problems = [];
  const folders = SOURCE_FOLDERS.join('|');
  for (const [, mentioned] of text.matchAll(new RegExp(`\`((?:${folders})/[A-Za-z0-9_./-]*)\``, 'g'))) {
    if (!exists(mentioned)) problems.push(`${path}: there is no ${mentioned}`);
  }
  for (const [, script] of text.matchAll(/npm run (?:--silent )?([a-z][a-z:]*)/g)) {
    if (!scripts.includes(script)) problems.push(`${path}: there is no script "${script}" in package.json`);
  }
  return problems;
}

/** BEP rows: yes and partly name files and tests, no names none. */
export function bepProblems(text) {
  const problems = [];
  for (const [bep, , status, , files, tests] of rowsOf(text)) {
    const number = bep.trim();
    if (!/^\d+$/.test(number)) continue;
    const claimed = status.trim();
    if (!['yes', 'partly', 'no'].includes(claimed)) problems.push(`docs/bep-support.md: BEP ${number} is "${claimed}"`);
    const isClaimed = claimed !== 'no';
    const hasTest = namesIn(tests).some((name) => /\.(test|contract)\.ts$/.test(name));
    if (isClaimed !== hasTest)
      problems.push(`docs/bep-support.md: BEP ${number} is "${claimed}" and names no fitting test`);
    if (isClaimed !== namesIn(files).length > 0)
      problems.push(`docs/bep-support.md: BEP ${number}: files and "${claimed}"`);
  }
  return problems;
}

/** Paths of files below a folder, from the root on. */
function filesIn(folder, extension) {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(extension))
    .map((entry) => relative(ROOT, join(entry.parentPath ?? entry.path, entry.name)).replaceAll(sep, '/'))
    .filter((path) => !path.includes('node_modules/'))
    .sort();
}

function documentProblems(counts) {
  const rootDocuments = readdirSync(ROOT).filter((name) => name.endsWith('.md'));
  const documents = [...rootDocuments, ...SOURCE_FOLDERS.flatMap((folder) => filesIn(folder, '.md'))];
  counts.documents = documents.length;
  const scripts = Object.keys(JSON.parse(read('package.json')).scripts);
  const exists = (path) => existsSync(join(ROOT, path));
  const readText = (path) => (exists(path) ? (path.endsWith('.md') ? read(path) : '') : undefined);
  return documents.flatMap((path) => {
    const text = read(path);
    return [...linkProblems(path, text, readText), ...mentionProblems(path, text, { exists, scripts })];
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const counts = {};
  const problems = [
    ...limitProblems(counts),
    ...errorProblems(counts),
    ...diagnosisProblems(counts),
    ...exportProblems(counts),
    ...documentProblems(counts),
    ...roomProblems(read('ARCHITECTURE.md'), ALLOWED),
    ...bepProblems(read('docs/bep-support.md')),
  ];
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exit(1);
  const { limits, codes, reasons, exports, documents } = counts;
  console.log(
    `check-docs: ${limits} limits, ${codes} error codes, ${reasons} reasons, ${exports} public exports, ${documents} documents hold`,
  );
}
