import { expect, test } from 'vitest';
import { figure, markdownTable, percent } from './markdown-table.ts';

test('a table has one width for each column, text to the left and figures to the right', () => {
  const table = markdownTable(
    ['Program', 's'],
    [
      ['aria2', '12.00'],
      ['libtorrent', '1.50'],
    ],
  );
  expect(table.split('\n')).toEqual([
    '| Program    |     s |',
    '| ---------- | ----: |',
    '| aria2      | 12.00 |',
    '| libtorrent |  1.50 |',
  ]);
});

test('figures have thousands and digits, and a dash stands for none', () => {
  expect([figure(1057.4, 0), figure(2, 2), figure(undefined, 1), figure(Number.NaN, 1)]).toEqual([
    '1,057',
    '2.00',
    '-',
    '-',
  ]);
  expect([percent(0.754), percent(undefined)]).toEqual(['75 %', '-']);
});
