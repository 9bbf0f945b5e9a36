import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BLOCK_BYTES } from '../protocol/limits.ts';
import { RateLimiter } from './rate-limiter.ts';

const MESSAGE_BYTES = BLOCK_BYTES + 13;

describe.each([20_000, 100_000, 1_000_000, 50_000_000, 1_000_000_000])('%d B/s', (bytesPerSecond) => {
  // Goal: within 5 % over 10 s. Method: a sender that always wants more, woken up to 3 ms late.
  test.each([1, MESSAGE_BYTES, 64 * 1024])('in messages of %d bytes', (wantedBytes) => {
    const wanted = Math.max(wantedBytes, Math.ceil(bytesPerSecond / 20_000));
    const limiter = new RateLimiter(bytesPerSecond, 5_000);
    let nowMs = 5_000;
    let passed = 0;
    for (let wakes = 0; nowMs <= 15_000; wakes++) {
      for (let granted = limiter.take(wanted, nowMs); granted > 0; granted = limiter.take(wanted, nowMs)) {
        passed += granted;
      }
      expect(limiter.nextAtMs(nowMs, wanted)).toBeGreaterThan(nowMs);
      nowMs = Math.max(nowMs + 1, limiter.nextAtMs(nowMs, wanted)) + (wakes % 4);
    }
    expect(passed).toBeGreaterThan(bytesPerSecond * 10 * 0.95);
    expect(passed).toBeLessThan(bytesPerSecond * 10 * 1.05);
  });

  test('received bytes are charged afterwards and delay the next', () => {
    const limiter = new RateLimiter(bytesPerSecond, 0);
    let nowMs = 0;
    let passed = 0;
    while (nowMs < 10_000) {
      limiter.charge(20_000, nowMs);
      passed += 20_000;
      nowMs = limiter.nextAtMs(nowMs, 1);
    }
    expect(passed / bytesPerSecond / (nowMs / 1000)).toBeCloseTo(1, 1);
  });
});

test('no limit, and nothing at all', () => {
  const unlimited = new RateLimiter(Number.POSITIVE_INFINITY, 0);
  expect(unlimited.take(1e12, 0)).toBe(1e12);
  expect(unlimited.nextAtMs(7, 1e12)).toBe(7);
  const closed = new RateLimiter(0, 0);
  expect(closed.take(10, 100_000)).toBe(0);
  expect(closed.nextAtMs(100_000, 1)).toBe(Number.POSITIVE_INFINITY);
});

test('idle time saves up a quarter of a second, or one piece message', () => {
  expect(new RateLimiter(1_000_000, 0).take(10_000_000, 60_000)).toBe(250_000);
  expect(new RateLimiter(1_000, 0).take(10_000_000, 60_000)).toBe(MESSAGE_BYTES);
});

test('a change of rate counts from then on', () => {
  const limiter = new RateLimiter(100_000, 0);
  limiter.setRate(Number.POSITIVE_INFINITY, 100);
  expect(limiter.take(5_000_000, 100)).toBe(5_000_000);
  limiter.setRate(200_000, 200);
  expect(limiter.take(5_000_000, 200)).toBe(0);
  expect(limiter.take(5_000_000, 300)).toBe(20_000);
  limiter.refund(20_000);
  expect(limiter.take(5_000_000, 300)).toBe(20_000);
});

test('never grants more than was wanted or than time allows, and keeps its word on when', () => {
  const step = fc.record({ wanted: fc.integer({ min: 1, max: 40_000 }), waitMs: fc.nat({ max: 500 }) });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5_000_000 }), fc.array(step, { maxLength: 50 }), (rate, steps) => {
      const limiter = new RateLimiter(rate, 0);
      let nowMs = 0;
      let passed = 0;
      for (const { wanted, waitMs } of steps) {
        nowMs += waitMs;
        const granted = limiter.take(wanted, nowMs);
        expect(Number.isInteger(granted)).toBe(true);
        expect(granted).toBeLessThanOrEqual(wanted);
        passed += granted;
        expect(passed).toBeLessThanOrEqual((rate * nowMs) / 1000 + 1);
        if (wanted > MESSAGE_BYTES) continue;
        nowMs = limiter.nextAtMs(nowMs, wanted);
        expect(limiter.take(wanted, nowMs)).toBe(wanted);
        passed += wanted;
      }
    }),
  );
});

test('what passed beyond the limit is paid back within ten seconds, however much it was', () => {
  const limiter = new RateLimiter(20_000, 0);
  limiter.charge(8_000_000, 0);
  expect(limiter.nextAtMs(0, 1)).toBe(10_001);
  limiter.setRate(1_000_000, 0);
  expect(limiter.nextAtMs(0, 1)).toBeLessThanOrEqual(201);
});
