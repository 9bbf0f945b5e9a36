import { expect, test } from 'vitest';
import { BLOCK_BYTES } from '../protocol/limits.ts';
import { RequestPace } from './request-pace.ts';

const RATE = 1_000 * BLOCK_BYTES; // a block a millisecond

test('a clump leaves as a burst of 10 ms, then at 1.25 times the rate, in steps', () => {
  const pace = new RequestPace();
  let sent = 0;
  let nowMs = 500;
  let steps = 0;
  for (let left = 200; left > 0; steps++) {
    const count = pace.allow(left, RATE, nowMs);
    pace.handleRequested(count);
    sent += count;
    left -= count;
    expect(sent).toBeLessThanOrEqual(1.25 * (nowMs - 500 + 10));
    expect(pace.dueMs > nowMs).toBe(true);
    if (left > 0) nowMs = pace.dueMs;
  }
  expect(pace.dueMs).toBe(Number.POSITIVE_INFINITY);
  expect(nowMs - 500).toBeGreaterThan(140);
  expect(nowMs - 500).toBeLessThan(175);
  expect(steps).toBeLessThan(60);
});

test('what comes no faster than the rate is never held back', () => {
  const pace = new RequestPace();
  for (let nowMs = 0; nowMs < 1_000; nowMs += 5) {
    expect(pace.allow(5, RATE, nowMs)).toBe(5);
    pace.handleRequested(5);
    expect(pace.dueMs).toBe(Number.POSITIVE_INFINITY);
  }
});

test('at any rate a request leaves at last, and nothing is held back once it is released', () => {
  const pace = new RequestPace();
  expect(pace.allow(3, BLOCK_BYTES / 10, 0)).toBe(1);
  pace.handleRequested(1);
  const { dueMs } = pace;
  expect(dueMs).toBeGreaterThan(7_000);
  expect(pace.allow(2, BLOCK_BYTES / 10, dueMs)).toBe(1);
  pace.release();
  expect(pace.dueMs).toBe(Number.POSITIVE_INFINITY);
});
