import { expect, test } from 'vitest';
import { ReadPace } from './read-pace.ts';
import { deadlinesAhead, READ_WINDOW_MAX_BYTES, type ReadPosition } from './read-window.ts';

const KIB = 1024;

function at(overrides: Partial<ReadPosition>): ReadPosition {
  return {
    positionBytes: 0,
    endBytes: 1024 * 1024 * KIB,
    pieceLengthBytes: 256 * KIB,
    readBytesPerSecond: 1024 * KIB,
    downloadBytesPerSecond: 4096 * KIB,
    nowMs: 1_000,
    ...overrides,
  };
}

test('each piece by the time at which the reader comes to it, the first at once, 20 s ahead', () => {
  const deadlines = deadlinesAhead(at({ positionBytes: 128 * KIB }));
  expect(deadlines.slice(0, 3)).toEqual([
    { pieceIndex: 0, deadlineMs: 1_000 },
    { pieceIndex: 1, deadlineMs: 1_125 },
    { pieceIndex: 2, deadlineMs: 1_375 },
  ]);
  expect(deadlines.at(-1)!.deadlineMs).toBeGreaterThan(20_700);
  expect(deadlines.at(-1)!.deadlineMs).toBeLessThanOrEqual(21_000);
});

test('a reader that takes everything is looked ahead for at the rate of the download, or a least rate', () => {
  const readBytesPerSecond = Number.POSITIVE_INFINITY;
  expect(deadlinesAhead(at({ readBytesPerSecond, downloadBytesPerSecond: 512 * KIB }))[2]!.deadlineMs).toBe(2_000);
  expect(deadlinesAhead(at({ readBytesPerSecond, downloadBytesPerSecond: 0 }))[1]!.deadlineMs).toBe(3_000);
});

test('two pieces at least, the bound on bytes at most, nothing behind the end', () => {
  expect(deadlinesAhead(at({ readBytesPerSecond: 1 }))).toHaveLength(2);
  expect(deadlinesAhead(at({ pieceLengthBytes: 64 * 1024 * KIB }))).toHaveLength(2);
  const rate = { readBytesPerSecond: 1e9, downloadBytesPerSecond: 1e9 };
  expect(deadlinesAhead(at(rate))).toHaveLength(READ_WINDOW_MAX_BYTES / (256 * KIB) + 1);
  const end = { positionBytes: 512 * KIB, endBytes: 768 * KIB + 1 };
  expect(deadlinesAhead(at(end)).map(({ pieceIndex }) => pieceIndex)).toEqual([2, 3]);
  expect(deadlinesAhead(at({ positionBytes: 5, endBytes: 5 }))).toEqual([]);
});

test('the pace is the reader’s own time: what it waits for bytes does not count', () => {
  const pace = new ReadPace();
  expect(pace.bytesPerSecond(0)).toBe(Number.POSITIVE_INFINITY);
  let nowMs = 0;
  for (let i = 0; i < 200; i++) {
    pace.handleAsked(nowMs);
    nowMs += 900; // It waits.
    pace.handleGiven(10_000, nowMs);
    nowMs += 100; // It plays.
  }
  pace.handleAsked(nowMs);
  expect(pace.bytesPerSecond(nowMs)).toBeCloseTo(100_000, -3);
});

test('a burst at the beginning is forgotten, a pause slows the reader down', () => {
  const pace = new ReadPace();
  pace.handleGiven(4_000_000, 0);
  pace.handleAsked(0);
  let nowMs = 0;
  for (let i = 0; i < 300; i++) {
    pace.handleGiven(100_000, nowMs);
    nowMs += 100;
    pace.handleAsked(nowMs);
  }
  expect(pace.bytesPerSecond(nowMs)).toBeGreaterThan(990_000);
  expect(pace.bytesPerSecond(nowMs)).toBeLessThan(1_050_000);
  pace.handleGiven(100_000, nowMs);
  expect(pace.bytesPerSecond(nowMs + 60_000)).toBeLessThan(100_000);
});
