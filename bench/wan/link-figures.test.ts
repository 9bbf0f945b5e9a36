import { expect, test } from 'vitest';
import { figuresOf, type LinkReport, secondsToReach } from './link-figures.ts';

// A request at 1,000 ms of which the link knows 50 ms later; from 1,100 ms on bytes come at 1 MB/s, from 2,100 ms on at 10 MB/s.
function reports(): LinkReport[] {
  const made: LinkReport[] = [{ atMs: 500, toNearBytes: 7_000, toFarBytes: 900, droppedToNear: 3 }];
  for (let atMs = 1_050; atMs <= 7_100; atMs += 10) {
    const slowMs = Math.min(Math.max(0, atMs - 1_100), 1_000);
    const fastMs = Math.max(0, atMs - 2_100);
    made.push({ atMs, toNearBytes: 7_000 + slowMs * 1_000 + fastMs * 10_000, toFarBytes: 1_000, droppedToNear: 5 });
  }
  return made;
}
const transfer = { endMs: 7_100, payloadBytes: 50_000_000, roundTripMs: 100 };

test('time runs from the first packet, the steady rate from three seconds after the first block', () => {
  const figures = figuresOf(reports(), transfer);
  expect(figures.seconds).toBeCloseTo(6.1, 6);
  expect(figures.megabytesPerSecond).toBeCloseTo(50 / 6.1, 6);
  expect(figures.steadyLinkRate).toBeCloseTo(10_000_000, -3);
  expect(figures.linkBytesPerByte).toBeCloseTo(51 / 50, 6);
  expect(figures.droppedPackets).toBe(2);
});

test('a transfer that is over before it is steady has no steady rate, and one without packets no figures', () => {
  const short = reports().filter(({ atMs }) => atMs <= 3_000);
  expect(figuresOf(short, { ...transfer, endMs: 3_000 }).steadyLinkRate).toBeNaN();
  expect(() => figuresOf(reports().slice(0, 1), transfer)).toThrow('nothing passed');
});

test('a rate is reached where a window of half a second begins that has it', () => {
  expect(secondsToReach(reports(), 9_999_000, transfer)).toBeCloseTo(2.1 - 1.12, 2);
  expect(secondsToReach(reports(), 500_000, transfer)).toBe(0);
  expect(secondsToReach(reports(), 11_000_000, transfer)).toBe(Number.POSITIVE_INFINITY);
});
