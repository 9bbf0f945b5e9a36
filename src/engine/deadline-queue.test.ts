import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Clock, Timer } from '../platform/clock.ts';
import { type DeadlineEntry, DeadlineQueue } from './deadline-queue.ts';

/** A clock that runs at the test's word and knows how many timers wait. */
class ManualClock implements Clock {
  now = 0;
  waiting: { atMs: number; callback: () => void }[] = [];
  nowMs(): number {
    return this.now;
  }
  wallTimeMs(): number {
    return this.now;
  }
  schedule(atMs: number, callback: () => void): Timer {
    const entry = { atMs, callback };
    this.waiting.push(entry);
    return {
      cancel: () => {
        this.waiting = this.waiting.filter((other) => other !== entry);
      },
    };
  }
  advanceTo(nowMs: number): void {
    for (;;) {
      const next = this.waiting.filter(({ atMs }) => atMs <= nowMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.waiting = this.waiting.filter((other) => other !== next);
      this.now = Math.max(this.now, next.atMs);
      next.callback();
    }
    this.now = nowMs;
  }
}

class Recorder implements DeadlineEntry {
  readonly calls: number[] = [];
  nextMs = Number.POSITIVE_INFINITY;
  handleDeadline(nowMs: number): number {
    this.calls.push(nowMs);
    return this.nextMs;
  }
}

const failOnError = (_: DeadlineEntry, error: unknown): void => {
  throw error;
};

// Goal: each entry is called at its time, whatever the order of arrival. Method: random deadlines, one jump.
test('calls each entry at its deadline with one timer for all', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 50 }), (deadlines) => {
      const clock = new ManualClock();
      const queue = new DeadlineQueue(clock, failOnError);
      const recorders = deadlines.map((atMs) => {
        const recorder = new Recorder();
        queue.expedite(recorder, atMs);
        expect(clock.waiting).toHaveLength(1);
        return recorder;
      });
      clock.advanceTo(2_000);
      recorders.forEach((recorder, index) => {
        expect(recorder.calls).toHaveLength(1);
        expect(Math.abs(recorder.calls[0]! - deadlines[index]!)).toBeLessThanOrEqual(5);
      });
      expect(queue.size).toBe(0);
      expect(clock.waiting).toHaveLength(0);
    }),
  );
});

test('an entry is called again when it says, earlier when expedited, never when removed', () => {
  const clock = new ManualClock();
  const queue = new DeadlineQueue(clock, failOnError);
  const recorder = new Recorder();
  recorder.nextMs = 100;
  queue.expedite(recorder, 10);
  clock.advanceTo(20);
  queue.expedite(recorder, 500);
  queue.expedite(recorder, 50);
  clock.advanceTo(60);
  recorder.nextMs = 200;
  clock.advanceTo(120);
  expect(recorder.calls).toEqual([10, 50, 100]);
  queue.remove(recorder);
  clock.advanceTo(1_000);
  expect(recorder.calls).toHaveLength(3);
  expect(clock.waiting).toHaveLength(0);
});

test('an entry that asks for its own next call at once does not hold the loop', () => {
  const clock = new ManualClock();
  const queue = new DeadlineQueue(clock, failOnError);
  let calls = 0;
  const eager: DeadlineEntry = {
    handleDeadline: (nowMs) => {
      calls++;
      if (calls < 1_000) queue.expedite(eager, nowMs + 1);
      return Number.POSITIVE_INFINITY;
    },
  };
  queue.expedite(eager, 10);
  clock.advanceTo(10);
  expect(calls).toBe(1);
  clock.advanceTo(100);
  expect(calls).toBeGreaterThan(10);
  expect(calls).toBeLessThan(20);
});

test('an entry that throws is removed and stops no other', () => {
  const clock = new ManualClock();
  const failures: unknown[] = [];
  const queue = new DeadlineQueue(clock, (_, error) => failures.push(error));
  const recorder = new Recorder();
  queue.expedite(
    {
      handleDeadline: () => {
        throw new Error('mine');
      },
    },
    10,
  );
  queue.expedite(recorder, 11);
  clock.advanceTo(50);
  expect(failures).toHaveLength(1);
  expect(recorder.calls).toHaveLength(1);
});

test('an entry that answers for its own mistakes is told of them', () => {
  const clock = new ManualClock();
  const queue = new DeadlineQueue(clock, failOnError);
  const bugs: unknown[] = [];
  const handleDeadline = (): never => {
    throw new Error('mine');
  };
  queue.expedite({ handleDeadline, handleBug: (error) => bugs.push(error) }, 10);
  clock.advanceTo(50);
  expect(bugs).toEqual([new Error('mine')]);
  expect(clock.waiting).toHaveLength(0);
});

test('a failure that nobody takes does not stop the queue', () => {
  const clock = new ManualClock();
  const queue = new DeadlineQueue(clock, failOnError);
  const recorder = new Recorder();
  const handleDeadline = (): never => {
    throw new Error('mine');
  };
  queue.expedite({ handleDeadline }, 10);
  queue.expedite(recorder, 30);
  expect(() => clock.advanceTo(20)).toThrow('mine');
  clock.advanceTo(50);
  expect(recorder.calls).toEqual([30]);
});
