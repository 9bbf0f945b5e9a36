import { expect, test } from 'vitest';
import { formatBytes, formatCount, formatRate, formatSeconds, formatShare } from './format.ts';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_000, '1.0 KiB'],
  [1_024, '1.0 KiB'],
  [1_048_575, '1.0 MiB'],
  [1_288_490_189, '1.2 GiB'],
  [107_374_182_400, '100 GiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
  expect(formatRate(bytes)).toBe(`${text}/s`);
});

test('a share says 100 % only when it is whole', () => {
  expect(formatShare(9_999, 10_000)).toBe('99.9 %');
  expect(formatShare(10_000, 10_000)).toBe('100.0 %');
  expect(formatShare(0, 0)).toBe('0.0 %');
});

test.each([
  [0, '0s'],
  [59.4, '59s'],
  [60, '1m 00s'],
  [3_725, '1h 02m'],
  [90_000, '1d 01h'],
  [1e9, 'over 99 days'],
])('%d seconds are %s', (seconds, text) => {
  expect(formatSeconds(seconds)).toBe(text);
});

test('counts have their plural', () => {
  expect(formatCount(1, 'peer')).toBe('1 peer');
  expect(formatCount(1_234, 'file')).toBe('1,234 files');
});
