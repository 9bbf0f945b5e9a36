// What everything else stands on: sets of pieces, rate limits, and the queue of all deadlines.
import { Bitfield } from '../../../src/base/bitfield.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { type DeadlineEntry, DeadlineQueue } from '../../../src/engine/deadline-queue.ts';
import type { Clock } from '../../../src/platform/clock.ts';
import { RateLimiter } from '../../../src/swarm/rate-limiter.ts';
import type { Operation, OperationGroup } from '../operation.ts';

const PIECE_COUNT = 100_000;
const BLOCK_MESSAGE_BYTES = 16_397;
const ENTRY_COUNT = 10_000;

function repeated(name: string, count: number, once: (i: number) => number | boolean): Operation {
  const run = (): number => {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += Number(once(i));
    return sum;
  };
  return { name, count, run };
}

function bitfields(): Operation[] {
  const half = new Bitfield(PIECE_COUNT);
  for (let i = 0; i < PIECE_COUNT; i += 2) half.add(i);
  const odd = new Bitfield(PIECE_COUNT);
  for (let i = 1; i < PIECE_COUNT; i += 2) odd.add(i);
  const last = new Bitfield(PIECE_COUNT);
  last.add(PIECE_COUNT - 1);
  const full = Bitfield.full(PIECE_COUNT);
  const bytes = half.toBytes();
  return [
    repeated('bitfield: has', 10_000, (i) => half.has((i * 7_919) % PIECE_COUNT)),
    repeated('bitfield: add or delete', 10_000, (i) => (i & 1 ? half.delete((i - 1) * 6 + 1) : half.add(i * 6 + 1))),
    repeated('bitfield of 100,000: nextCommon over all', 1, () => {
      let at = full.nextCommon(last, 0);
      for (let i = half.nextCommon(full, 0); i >= 0; i = half.nextCommon(full, i + 1)) at = i;
      return at;
    }),
    repeated('bitfield of 100,000: no member in common', 10, () => half.intersects(odd)),
    repeated('bitfield of 100,000: from bytes', 10, () => Bitfield.fromBytes(bytes, PIECE_COUNT)!.count),
    repeated('bitfield of 100,000: walk over the members', 1, () => {
      let sum = 0;
      for (const index of half.indexes()) sum += index;
      return sum;
    }),
  ];
}

function limits(): Operation {
  const limiter = new RateLimiter(10_000_000, 0);
  let nowMs = 0;
  return repeated('rate limiter: take, and when again', 1_000, () => {
    nowMs += 1;
    return limiter.take(BLOCK_MESSAGE_BYTES, nowMs) + limiter.nextAtMs(nowMs, BLOCK_MESSAGE_BYTES);
  });
}

/** Runs what is due when told to, so that no real timer is in the measurement. */
class ManualClock implements Clock {
  time = 0;
  #due: (() => void) | undefined;

  nowMs(): number {
    return this.time;
  }

  wallTimeMs(): number {
    return this.time;
  }

  schedule(_atMs: number, callback: () => void): { cancel(): void } {
    this.#due = callback;
    return {
      cancel: () => {
        this.#due = undefined;
      },
    };
  }

  advanceTo(timeMs: number): void {
    this.time = timeMs;
    const due = this.#due;
    this.#due = undefined;
    due?.();
  }
}

function deadlines(): Operation[] {
  const clock = new ManualClock();
  const random = seededRandom(1);
  let callCount = 0;
  const queue = new DeadlineQueue(clock, (_entry, error) => {
    throw error;
  });
  const entries = Array.from({ length: ENTRY_COUNT }, (): DeadlineEntry => {
    const handleDeadline = (nowMs: number): number => {
      callCount++;
      return nowMs + 60_000 + (random.uint32() % 60_000);
    };
    return { handleDeadline };
  });
  for (const entry of entries) queue.expedite(entry, random.uint32() % 120_000);
  return [
    {
      // About 111 of 10,000 entries are due in a second.
      name: 'deadline queue of 10,000: an entry called and queued again',
      count: Math.round((ENTRY_COUNT * 1_000) / 90_000),
      run: () => {
        for (let i = 0; i < 100; i++) clock.advanceTo(clock.time + 10);
        return callCount;
      },
    },
    repeated('deadline queue of 10,000: a later deadline told', 1_000, (i) => {
      queue.expedite(entries[i]!, clock.time + 200_000);
      return i;
    }),
    repeated('deadline queue of 10,000: removed and added', 1_000, (i) => {
      queue.remove(entries[i]!);
      queue.expedite(entries[i]!, clock.time + 60_000 + i);
      return i;
    }),
  ];
}

export const base: OperationGroup = { name: 'base', create: () => [...bitfields(), limits(), ...deadlines()] };
