import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TransferRate } from './transfer-rate.ts';

test('a steady flow reads as what it is, from the first second on', () => {
  const rate = new TransferRate(12_345);
  for (let ms = 0; ms <= 60_000; ms += 50) {
    rate.add(5_000, 12_345 + ms);
    if (ms >= 1_000) expect(Math.abs(rate.bytesPerSecond(12_345 + ms) - 100_000)).toBeLessThan(6_000);
  }
  expect(rate.totalBytes).toBe(1_201 * 5_000);
});

test('silence: the rate falls step by step and is zero after ten seconds', () => {
  const rate = new TransferRate(0);
  for (let ms = 0; ms < 20_000; ms += 100) rate.add(1_000, ms);
  let last = rate.bytesPerSecond(20_000);
  expect(last).toBeCloseTo(10_000, -3);
  for (let ms = 21_000; ms < 30_000; ms += 1_000) {
    expect(rate.bytesPerSecond(ms)).toBeLessThan(last);
    last = rate.bytesPerSecond(ms);
  }
  expect(rate.bytesPerSecond(30_000)).toBe(0);
});

// Goal: no byte is counted twice or lost. Method: against a list of all additions.
test('agrees with the sum over its window', () => {
  const step = fc.record({ bytes: fc.nat({ max: 100_000 }), waitMs: fc.nat({ max: 4_000 }) });
  fc.assert(
    fc.property(fc.nat({ max: 5_000 }), fc.array(step, { maxLength: 40 }), (startMs, steps) => {
      const rate = new TransferRate(startMs);
      const added: { ms: number; bytes: number }[] = [];
      let nowMs = startMs;
      for (const { bytes, waitMs } of steps) {
        nowMs += waitMs;
        rate.add(bytes, nowMs);
        added.push({ ms: nowMs, bytes });
        const fromMs = Math.max(startMs, (Math.floor(nowMs / 1000) - 9) * 1000);
        const sum = added.filter(({ ms }) => ms >= fromMs).reduce((total, { bytes: each }) => total + each, 0);
        expect(rate.bytesPerSecond(nowMs)).toBeCloseTo((sum * 1000) / Math.max(1000, nowMs - fromMs), 6);
      }
    }),
  );
});
