// Goal: the slots of one uplink are shared among the torrents that somebody wants something of, and nothing runs while nobody
// does. Method: torrents that say what they are told to, on a clock of their own.
import { beforeEach, expect, test } from 'vitest';
import { SimClock, VirtualClock } from '../../../sim/world/virtual-clock.ts';
import { DeadlineQueue } from '../deadline-queue.ts';
import { UploadBudget, type UploadDemand, type UploadMember } from './upload-budget.ts';

const SLOTS = 5;

class Member implements UploadMember {
  sentBytes = 0;
  interested: number;
  isBusy = true;
  slots = 0;
  hasSpare = false;

  constructor(interested: number) {
    this.interested = interested;
  }

  demand(): UploadDemand {
    const unchokedCount = Math.min(this.slots, this.interested);
    return { unchokedCount, busyCount: this.isBusy ? unchokedCount : 0, waitingCount: this.interested - unchokedCount };
  }

  setSupply(slots: number, hasSpare: boolean): void {
    this.slots = slots;
    this.hasSpare = hasSpare;
  }
}

let clock: VirtualClock;
let budget: UploadBudget;

beforeEach(() => {
  clock = new VirtualClock();
  const deadlines = new DeadlineQueue(new SimClock(clock), (_, error) => {
    throw error;
  });
  budget = new UploadBudget(deadlines, () => Number.POSITIVE_INFINITY);
});

function join(...interested: number[]): Member[] {
  const members = interested.map((count) => new Member(count));
  for (const member of members) budget.add(member, clock.nowMs);
  return members;
}

function runSeconds(members: readonly Member[], seconds: number, bytesPerSecond = 100_000): void {
  for (let second = 0; second < seconds; second++) {
    for (const member of members) member.sentBytes += bytesPerSecond / members.length;
    clock.advanceBy(1_000);
  }
}

const slotsOf = (members: readonly Member[]): number[] => members.map(({ slots }) => slots);

test('one torrent has all slots, two share them, and each of many has one', () => {
  const members = join(20);
  expect(slotsOf(members)).toEqual([SLOTS]);
  members.push(...join(20));
  runSeconds(members, 2);
  expect(slotsOf(members)).toEqual([2, 3]);
  members.push(...join(20, 20, 20, 20, 20));
  runSeconds(members, 2);
  expect(slotsOf(members)).toEqual([1, 1, 1, 1, 1, 1, 1]);
});

test('what one torrent has no use for is there for the others', () => {
  const members = join(1, 20);
  runSeconds(members, 2);
  expect(slotsOf(members)).toEqual([1, SLOTS - 1]);
  // Whoever wants more first may have it.
  members[1]!.interested = 2;
  runSeconds(members, 2);
  expect(slotsOf(members)).toEqual([1 + 2, 2 + 2]);
});

test('a torrent of which nobody wants anything leaves its slots, and comes back', () => {
  const [left, other] = join(20, 20);
  left!.interested = 0;
  runSeconds([left!, other!], 3);
  expect(other!.slots).toBe(SLOTS);
  left!.interested = 20;
  budget.add(left!, clock.nowMs);
  runSeconds([left!, other!], 2);
  expect(left!.slots + other!.slots).toBe(SLOTS);
  budget.remove(left!);
  runSeconds([other!], 2);
  expect(other!.slots).toBe(SLOTS);
});

test('bytes of all count together: plenty for one is plenty for all', () => {
  const members = join(50, 50);
  runSeconds(members, 5, 30 * 1024 * 1024);
  expect(budget.slots).toBe(30);
  expect(slotsOf(members)).toEqual([15, 15]);
});

test('an uplink that nobody uses is said to be so', () => {
  const members = join(20);
  runSeconds(members, 5);
  expect(members[0]!.hasSpare).toBe(false);
  members[0]!.isBusy = false;
  runSeconds(members, 10);
  expect(members[0]!.hasSpare).toBe(true);
});

test('while nobody wants anything nothing runs', () => {
  const members = join(3);
  members[0]!.interested = 0;
  clock.advanceBy(2_000);
  expect(clock.pendingCount).toBe(0);
});
