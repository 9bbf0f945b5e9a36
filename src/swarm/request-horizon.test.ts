import { expect, test } from 'vitest';
import { HORIZON_MAX_SECONDS, RequestHorizon } from './request-horizon.ts';

test('it is far while nothing is wanting, nearer with each want, and never nearer than half a second', () => {
  const horizon = new RequestHorizon();
  expect(horizon.seconds(0)).toBe(HORIZON_MAX_SECONDS);
  horizon.handleWant(1_000);
  const once = horizon.seconds(1_000);
  expect(once).toBeLessThan(HORIZON_MAX_SECONDS);
  for (let nowMs = 2_000; nowMs < 30_000; nowMs += 1_000) horizon.handleWant(nowMs);
  expect(horizon.seconds(29_000)).toBeLessThan(0.6);
  expect(horizon.seconds(29_000)).toBeGreaterThanOrEqual(0.5);
});

test('one want that shows itself at many peers counts once, and it is forgotten with time', () => {
  const horizon = new RequestHorizon();
  horizon.handleWant(1_000);
  const once = horizon.seconds(1_000);
  for (let peer = 0; peer < 50; peer++) horizon.handleWant(1_001 + peer);
  expect(horizon.seconds(1_100)).toBeCloseTo(once, 1);
  expect(horizon.seconds(11_000)).toBeGreaterThan(once);
  expect(horizon.seconds(600_000)).toBe(HORIZON_MAX_SECONDS);
});
