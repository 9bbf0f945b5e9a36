// Goal: the document checker finds what it promises to find. Method: give it small texts, each broken in one way.
import { expect, test } from 'vitest';
import {
  anchorOf,
  bepProblems,
  constantsOf,
  linkProblems,
  mentionProblems,
  numberOf,
  reasonProblems,
  roomProblems,
  unionMembers,
} from './check-docs.mjs';

test('values of limits are read from the code and from the table', () => {
  const source = 'const KIB = 1024;\nexport const A_BYTES: number = 16 * KIB;\nexport const B = 2_097_152;\n';
  expect([...constantsOf(source)]).toEqual([
    ['KIB', 1024],
    ['A_BYTES', 16_384],
    ['B', 2_097_152],
  ]);
  expect(['16 KiB', ' 2 MiB ', '2,097,152', 'some'].map(numberOf)).toEqual([16_384, 2_097_152, 2_097_152, undefined]);
});

const ROOMS =
  '# A\n## Rooms\n| Room | May import |\n| --- | --- |\n| `base` | nothing |\n| `node` | `base`, `node:` |\n## B\n';

test('the table of rooms is compared in both directions', () => {
  expect(roomProblems(ROOMS, { base: [], node: ['node:', 'base'] })).toEqual([]);
  expect(roomProblems(ROOMS, { base: [], node: ['base'] })).toHaveLength(1);
  expect(roomProblems(ROOMS, { base: [] })).toHaveLength(1);
  expect(roomProblems(ROOMS, { base: [], node: ['base', 'node:'], cli: [] })).toHaveLength(1);
});

test('links lead to files and headings', () => {
  const texts = { 'README.md': '', 'docs/a.md': '## Where do I add…\n', 'docs/adr/1.md': '' };
  const find = (text, path = 'README.md') => linkProblems(path, text, (name) => texts[name]);
  expect(anchorOf('The `pure` zone: why?')).toBe('the-pure-zone-why');
  expect(find('[a](docs/a.md) [b](docs/a.md#where-do-i-add) [c](https://example.org/x)')).toEqual([]);
  expect(find('[a](../docs/adr/1.md)', 'docs/a.md')).toEqual([]);
  expect(find('```\n[not a link](nowhere.md)\n```\n')).toEqual([]);
  expect(find('[a](docs/b.md)')).toHaveLength(1);
  expect(find('[a](docs/a.md#other)')).toHaveLength(1);
});

test('paths and scripts that are named exist', () => {
  const find = (text) =>
    mentionProblems('README.md', text, { exists: (path) => path === 'src/a.ts', scripts: ['check'] });
  expect(find('`src/a.ts`, `npm run check`, `a/b.ts`')).toEqual([]);
  expect(find('`src/b.ts`')).toHaveLength(1);
  expect(find('npm run bench:swarm')).toHaveLength(1);
});

test('a claim about a BEP names a file and a test', () => {
  const find = (...cells) => bepProblems(`| ${cells.join(' | ')} |`);
  expect(find('3', 'Base', 'yes', '', '`src/a.ts`', '`src/a.test.ts`')).toEqual([]);
  expect(find('5', 'DHT', 'no', '', '', '')).toEqual([]);
  expect(find('3', 'Base', 'partly', '', '`src/a.ts`', '')).toHaveLength(1);
  expect(find('3', 'Base', 'yes', '', '', '`src/a.test.ts`')).toHaveLength(1);
  expect(find('3', 'Base', 'almost', '', '`src/a.ts`', '`src/a.test.ts`')).toHaveLength(1);
});

test('codes of a diagnosis are compared with their table in both directions', () => {
  const source = "/** A. */\nexport type Code =\n  | 'slow'\n  | 'stopped';\nexport type Other = 'x';\n";
  expect(unionMembers(source, 'Code')).toEqual(['slow', 'stopped']);
  const table = '# D\n## One\n| Code | Sentence |\n| --- | --- |\n| `slow` | It is. |\n| `gone` | Was. |\n## Two\n';
  expect(reasonProblems(table, 'One', ['slow', 'gone'])).toEqual([]);
  expect(reasonProblems(table, 'One', ['slow', 'stopped'])).toHaveLength(2);
  expect(reasonProblems(table, 'Two', ['slow'])).toHaveLength(1);
});
