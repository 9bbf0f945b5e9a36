import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SimClock, VirtualClock } from './virtual-clock.ts';

// Goal: the heap is a sorted queue with cancelling. Method: random schedules and cancels against a sorted list.
test('runs events in order of time, then of scheduling, and never a cancelled one', () => {
  const command = fc.record({ atMs: fc.integer({ min: 0, max: 20 }), cancelled: fc.boolean() });
  fc.assert(
    fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
      const clock = new VirtualClock();
      const ran: number[] = [];
      const timers = commands.map(({ atMs }, index) => clock.schedule(atMs, () => ran.push(index)));
      commands.forEach(({ cancelled }, index) => {
        if (cancelled) timers[index]!.cancel();
      });
      const expected = commands
        .map((entry, index) => ({ ...entry, index }))
        .filter((entry) => !entry.cancelled)
        .sort((left, right) => left.atMs - right.atMs || left.index - right.index)
        .map((entry) => entry.index);
      expect(clock.pendingCount).toBe(expected.length);
      clock.advanceTo(20);
      expect(ran).toEqual(expected);
      expect(clock.pendingCount).toBe(0);
      expect(clock.nowMs).toBe(20);
    }),
  );
});

test('many cancelled events are swept out and the rest keep their order', () => {
  const clock = new VirtualClock();
  const ran: number[] = [];
  for (let i = 0; i < 5_000; i++) {
    const timer = clock.schedule(10_000 - i, () => ran.push(i));
    if (i % 100 !== 0) timer.cancel();
  }
  clock.advanceTo(10_000);
  expect(ran).toEqual(Array.from({ length: 50 }, (_, index) => 4_900 - index * 100));
});

test('a callback for the present or the past runs later, at the present instant', () => {
  const clock = new VirtualClock();
  clock.advanceTo(100);
  const seen: number[] = [];
  clock.schedule(5, () => {
    seen.push(clock.nowMs);
    clock.schedule(5, () => seen.push(clock.nowMs + 1));
  });
  expect(seen).toEqual([]);
  clock.advanceTo(100);
  expect(seen).toEqual([100, 101]);
});

test('runUntil stops at the event that makes the predicate true, or at the limit', () => {
  const clock = new VirtualClock();
  let count = 0;
  const tick = (): void => {
    count++;
    clock.schedule(clock.nowMs + 10, tick);
  };
  clock.schedule(10, tick);
  expect(clock.runUntil(() => count === 3, { limitMs: 1_000 })).toBe(true);
  expect(clock.nowMs).toBe(30);
  expect(clock.runUntil(() => false, { limitMs: 100 })).toBe(false);
  expect(clock.nowMs).toBe(130);
});

test('a loop that takes no time is found', () => {
  const clock = new VirtualClock();
  const again = (): void => {
    clock.schedule(0, again);
  };
  again();
  expect(() => clock.advanceTo(1)).toThrow('stands still');
});

test('a host clock counts the timers that are still held', () => {
  const clock = new VirtualClock();
  const host = new SimClock(clock, { wallOffsetMs: 5 });
  const first = host.schedule(10, () => {});
  host.schedule(20, () => {});
  expect(host.liveTimerCount).toBe(2);
  first.cancel();
  first.cancel();
  expect(host.liveTimerCount).toBe(1);
  clock.advanceTo(20);
  expect(host.liveTimerCount).toBe(0);
  expect(host.mostTimers).toBe(2);
  expect(host.wallTimeMs() - new SimClock(clock).wallTimeMs()).toBe(5);
});
