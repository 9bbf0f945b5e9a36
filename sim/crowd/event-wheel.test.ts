import { expect, test } from 'vitest';
import { randomBelow, seededRandom } from '../../src/base/random.ts';
import { CallEvent, CrowdClock, EventWheel } from './event-wheel.ts';

/** More than one turn of the wheel. */
const FAR_MS = 50_000;

test('events run in the order of their times, and of their scheduling within a millisecond, however far ahead', () => {
  const wheel = new EventWheel();
  const random = seededRandom(1);
  const expected: { atMs: number; index: number }[] = [];
  const ran: { atMs: number; index: number }[] = [];
  for (let index = 0; index < 2_000; index++) {
    const atMs = randomBelow(random, FAR_MS);
    expected.push({ atMs, index });
    wheel.schedule(atMs, new CallEvent(() => ran.push({ atMs: wheel.nowMs, index })));
  }
  expected.sort((a, b) => a.atMs - b.atMs || a.index - b.index);
  expect(wheel.runUntil(() => ran.length === expected.length, FAR_MS)).toBe(true);
  expect(ran).toEqual(expected);
  expect(wheel.eventCount).toBe(expected.length);
});

test('what is scheduled for now or before runs at the present instant, after what is due there; a cancelled call not at all', () => {
  const wheel = new EventWheel();
  const clock = new CrowdClock(wheel);
  const ran: string[] = [];
  clock.schedule(10, () => {
    ran.push(`first at ${wheel.nowMs}`);
    clock.schedule(3, () => ran.push(`third at ${wheel.nowMs}`));
    cancelled.cancel();
  });
  clock.schedule(9.2, () => ran.push(`second at ${wheel.nowMs}`));
  const cancelled = clock.schedule(20_000, () => ran.push('cancelled'));
  expect(wheel.runUntil(() => false, 30_000)).toBe(false);
  expect(ran).toEqual(['first at 10', 'second at 10', 'third at 10']);
});
