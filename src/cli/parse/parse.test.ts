import { InvalidArgumentError } from 'commander';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDuration } from './duration.ts';
import { parsePeer, parsePort, parseUrl } from './endpoint.ts';
import { listIncludes, parseFileList } from './file-list.ts';
import { parseRate, parseSize } from './size.ts';

test.each([
  ['0', 0],
  ['1048576', 1_048_576],
  ['5M', 5_000_000],
  ['500k', 500_000],
  ['500K', 500_000],
  ['5MiB', 5_242_880],
  ['5mi', 5_242_880],
  ['1.5 GB', 1_500_000_000],
  ['.5k', 500],
  ['2T', 2_000_000_000_000],
])('size %s is %d bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each(['', '-1', '5X', 'M', '5M5', '1e6', '5Mb', '0x10', '5 M i', '99999999T'])('size "%s" is refused', (text) => {
  expect(() => parseSize(text)).toThrow(InvalidArgumentError);
});

test('binary prefixes can be the meaning of plain ones', () => {
  expect(parseSize('1M', { binaryPrefixes: true })).toBe(1_048_576);
  expect(parseSize('16KiB', { binaryPrefixes: true })).toBe(16_384);
});

test.each([
  ['5M', 5_000_000],
  ['500k', 500_000],
  ['5MiB/s', 5_242_880],
  ['20kB/s', 20_000],
  ['0', Number.POSITIVE_INFINITY],
  ['unlimited', Number.POSITIVE_INFINITY],
])('rate %s is %d bytes per second', (text, rate) => {
  expect(parseRate(text)).toBe(rate);
});

test.each([
  ['90', 90_000],
  ['0', 0],
  ['90s', 90_000],
  ['2h30m', 9_000_000],
  ['2H 30M', 9_000_000],
  ['1d', 86_400_000],
  ['1.5h', 5_400_000],
  ['250ms', 250],
  ['1w1d1h1m1s1ms', 694_861_001],
])('duration %s is %d ms', (text, durationMs) => {
  expect(parseDuration(text)).toBe(durationMs);
});

test.each(['', 'h', '1x', '-5s', '30m2h', '1h1h', '5 5s', '1h30'])('duration "%s" is refused', (text) => {
  expect(() => parseDuration(text)).toThrow(InvalidArgumentError);
});

test('a file list includes what it names, counted from 1', () => {
  const list = parseFileList('1,3-5, 9-');
  const included = Array.from({ length: 12 }, (_, index) => index).filter((index) => listIncludes(list, index));
  expect(included).toEqual([0, 2, 3, 4, 8, 9, 10, 11]);
});

test.each(['', '0', '5-3', '1,,2', 'a', '-3', '1-2-3', '9999999999'])('file list "%s" is refused', (text) => {
  expect(() => parseFileList(text)).toThrow(InvalidArgumentError);
});

test.each(['192.0.2.7:6881', 'localhost:1', '[2001:db8::7]:65535', 'peer-1.example.org:51413'])('peer %s', (text) => {
  expect(parsePeer(text)).toBe(text);
});

test.each(['192.0.2.7', 'host:0', 'host:65536', '2001:db8::7:6881', ':6881', 'a b:1'])(
  'peer "%s" is refused',
  (text) => {
    expect(() => parsePeer(text)).toThrow(InvalidArgumentError);
  },
);

test('ports and URLs', () => {
  expect(parsePort('0')).toBe(0);
  expect(parsePort('65535')).toBe(65_535);
  for (const text of ['65536', '-1', '', 'http', '1.5']) expect(() => parsePort(text)).toThrow(InvalidArgumentError);
  expect(parseUrl('udp://t.example:80/announce', ['http', 'udp'])).toBe('udp://t.example:80/announce');
  for (const text of ['file:///etc/passwd', 'nonsense', '']) {
    expect(() => parseUrl(text, ['http', 'udp'])).toThrow(InvalidArgumentError);
  }
});

test('any text is either understood or refused as an argument', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const parse of [parseSize, parseRate, parseDuration, parseFileList, parsePeer, parsePort]) {
        try {
          parse(text);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidArgumentError);
        }
      }
    }),
  );
});
