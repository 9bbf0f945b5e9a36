import { expect, test } from 'vitest';
import { bytesAt, secondsToReceive, type TrafficSample, utilisation, utilisationCurve } from './utilisation.ts';

// 8 Mbit/s are 1,000,000 bytes a second. Nothing in the first second, half of the link in the second, all of it in the third.
const samples: readonly TrafficSample[] = [
  { seconds: 1, sentBytes: 0, receivedBytes: 10 },
  { seconds: 2, sentBytes: 500_000, receivedBytes: 70_000 },
  { seconds: 3, sentBytes: 1_500_000, receivedBytes: 80_000 },
];

test('bytes between two samples are divided in proportion, and end with the last', () => {
  expect(bytesAt(samples, 0, 'sentBytes')).toBe(0);
  expect(bytesAt(samples, 1.5, 'sentBytes')).toBe(250_000);
  expect(bytesAt(samples, 2.25, 'sentBytes')).toBe(750_000);
  expect(bytesAt(samples, 2.5, 'receivedBytes')).toBe(75_000);
  expect(bytesAt(samples, 9, 'sentBytes')).toBe(1_500_000);
  expect(bytesAt([], 9, 'sentBytes')).toBe(0);
});

test('the share of an uplink is of its rate, over all hosts', () => {
  expect(utilisation([samples], 8, 0, 3)).toBeCloseTo(0.5, 9);
  expect(utilisation([samples, []], 8, 2, 3)).toBeCloseTo(0.5, 9);
  expect(utilisationCurve([samples], 8, 3, 3)).toEqual([0, 0.5, 1]);
});

test('the first blocks have come when so many bytes have', () => {
  expect(secondsToReceive(samples, 64_000)).toBe(2);
  expect(secondsToReceive(samples, 80_001)).toBeNaN();
});
