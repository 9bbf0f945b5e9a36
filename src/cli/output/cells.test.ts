import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cellsOf, fitCells } from './cells.ts';

test.each([
  ['abcdef', 6, 'abcdef'],
  ['abcdef', 5, 'abcd…'],
  ['日本語', 6, '日本語'],
  ['日本語', 5, '日本…'],
  ['日本語', 4, '日…'],
  ['e\u0301e\u0301', 2, 'e\u0301e\u0301'],
  ['abc', 0, ''],
])('%s in %d columns is %s', (text, width, fitted) => {
  expect(fitCells(text, width)).toBe(fitted);
});

test('never takes more columns than there are', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(30), (text, width) => {
      const used = [...fitCells(text, width)].reduce((sum, character) => sum + cellsOf(character), 0);
      expect(used).toBeLessThanOrEqual(width);
    }),
  );
});
