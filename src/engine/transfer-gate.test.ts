import { expect, test } from 'vitest';
import { SimClock, VirtualClock } from '../../sim/world/virtual-clock.ts';
import { RateLimiter } from '../swarm/rate-limiter.ts';
import { DeadlineQueue } from './deadline-queue.ts';
import { type GateWaiter, TransferGate } from './transfer-gate.ts';

const UNIT = 1_000;

/** Wants ever more, as much at once as it can get. */
class Greedy implements GateWaiter {
  receivedBytes = 0;
  readonly #gate: TransferGate;
  readonly #wanted: number;

  constructor(gate: TransferGate, wanted: number) {
    this.#gate = gate;
    this.#wanted = wanted;
  }

  handleGateOpen(nowMs: number): void {
    for (;;) {
      const granted = this.#gate.take(this.#wanted, UNIT, nowMs);
      this.receivedBytes += granted;
      if (granted === 0) break;
    }
    this.#gate.wait(this, UNIT, nowMs);
  }

  handleBug(error: unknown): void {
    throw error;
  }
}

function gateOf(...rates: readonly number[]): { clock: VirtualClock; gate: TransferGate; deadlines: DeadlineQueue } {
  const clock = new VirtualClock();
  const deadlines = new DeadlineQueue(new SimClock(clock), (_, error) => {
    throw error;
  });
  return {
    clock,
    deadlines,
    gate: rates.reduce<TransferGate | undefined>(
      (above, rate) => new TransferGate(new RateLimiter(rate, 0), deadlines, above),
      undefined,
    )!,
  };
}

test('those who wait take turns, however much each wants, and the limit holds', () => {
  const { clock, gate } = gateOf(50_000);
  const all = [1, 20, 100].map((units) => new Greedy(gate, units * UNIT));
  for (const each of all) each.handleGateOpen(0);
  clock.advanceTo(60_000);
  const sum = all.reduce((total, { receivedBytes }) => total + receivedBytes, 0);
  expect(sum).toBeGreaterThan(50_000 * 60 * 0.95);
  expect(sum).toBeLessThanOrEqual(50_000 * 60 + 20_000);
  for (const { receivedBytes } of all) expect(receivedBytes).toBeGreaterThan(sum / 3 / 1.5);
});

test('nobody gets past those in line', () => {
  const { clock, gate } = gateOf(10_000);
  const first = new Greedy(gate, UNIT);
  first.handleGateOpen(0);
  clock.advanceTo(90);
  // Almost enough for one unit: the first in line has its turn before anybody who comes by.
  expect(gate.take(UNIT, UNIT, 90)).toBe(0);
  clock.advanceTo(1_000);
  expect(gate.take(UNIT, UNIT, 1_000)).toBe(0);
  gate.forget(first);
  clock.advanceTo(2_000);
  expect(gate.take(UNIT, UNIT, 2_000)).toBe(UNIT);
});

test('the tighter of two limits holds, and costs the other one nothing', () => {
  const { clock, gate } = gateOf(1_000_000, 10_000);
  clock.advanceTo(10_000);
  expect(gate.take(200_000, UNIT, 10_000) % UNIT).toBe(0);
  const { clock: secondClock, gate: reversed } = gateOf(10_000, 1_000_000);
  secondClock.advanceTo(10_000);
  const granted = reversed.take(200_000, UNIT, 10_000);
  expect(granted).toBeLessThanOrEqual(17_000);
  expect(granted % UNIT).toBe(0);
});

test('what is charged delays what follows; what is given back does not', () => {
  const { clock, gate } = gateOf(10_000);
  clock.advanceTo(10_000);
  const granted = gate.take(100_000, UNIT, 10_000);
  gate.refund(granted);
  expect(gate.take(100_000, UNIT, 10_000)).toBe(granted);
  gate.charge(25_000, 10_000);
  clock.advanceTo(10_900);
  expect(gate.take(UNIT, UNIT, 10_900)).toBe(0);
  clock.advanceTo(11_200);
  expect(gate.take(UNIT, UNIT, 11_200)).toBe(UNIT);
});

test('without a limit all is granted, and a closed gate calls nobody and holds no deadline', () => {
  const { gate } = gateOf(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
  expect(gate.isUnlimited).toBe(true);
  expect(gate.take(123_456, UNIT, 0)).toBe(123_456);
  const limited = gateOf(10_000);
  const waiter = new Greedy(limited.gate, UNIT);
  waiter.handleGateOpen(0);
  expect(limited.deadlines.size).toBe(1);
  limited.gate.close();
  expect(limited.deadlines.size).toBe(0);
  limited.clock.advanceTo(10_000);
  expect(waiter.receivedBytes).toBe(0);
});

test('a waiter that fails keeps nobody behind it from its turn', () => {
  const { clock, gate } = gateOf(10_000);
  const bugs: unknown[] = [];
  const failing: GateWaiter = {
    handleGateOpen: () => {
      throw new Error('mine');
    },
    handleBug: (bug) => bugs.push(bug),
  };
  const second = new Greedy(gate, UNIT);
  gate.wait(failing, UNIT, 0);
  second.handleGateOpen(0);
  clock.advanceTo(1_000);
  expect(bugs).toHaveLength(1);
  expect(second.receivedBytes).toBeGreaterThan(5 * UNIT);
});

// Goal: what stands between the peers of two torrents and their session's limit. Method: gates behind one gate.
function gatesBehind(
  sessionRate: number,
  ...torrentRates: readonly number[]
): { clock: VirtualClock; deadlines: DeadlineQueue; session: TransferGate; torrents: TransferGate[] } {
  const { clock, deadlines, gate: session } = gateOf(sessionRate);
  const torrents = torrentRates.map((rate) => new TransferGate(new RateLimiter(rate, 0), deadlines, session));
  return { clock, deadlines, session, torrents };
}

test('peers of several torrents take turns under the limit of their session', () => {
  const { clock, torrents } = gatesBehind(90_000, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 15_000);
  const all = [torrents[0]!, torrents[0]!, torrents[1]!, torrents[2]!].map((gate) => new Greedy(gate, 100 * UNIT));
  for (const each of all) each.handleGateOpen(0);
  clock.advanceTo(100_000);
  const rates = all.map(({ receivedBytes }) => receivedBytes / 100);
  // The last is held at its torrent's limit, and what it leaves is for the others.
  for (const rate of rates.slice(0, 3)) expect(rate).toBeCloseTo(25_000, -3);
  expect(rates[3]).toBeCloseTo(15_000, -3);
});

test('both limits hold when both are short, and nobody starves between the two lines', () => {
  const { clock, torrents } = gatesBehind(60_000, 30_000, 45_000);
  const all = [torrents[0]!, torrents[0]!, torrents[0]!, torrents[1]!].map((gate) => new Greedy(gate, 50 * UNIT));
  for (const each of all) each.handleGateOpen(0);
  clock.advanceTo(100_000);
  const rates = all.map(({ receivedBytes }) => receivedBytes / 100);
  const sum = rates.reduce((total, rate) => total + rate, 0);
  expect(sum).toBeGreaterThan(57_000);
  expect(sum).toBeLessThan(61_000);
  expect(rates[0]! + rates[1]! + rates[2]!).toBeLessThan(31_000);
  expect(rates[3]).toBeLessThan(46_000);
  for (const rate of rates.slice(0, 3)) expect(rate).toBeCloseTo(10_000, -2);
});

test('says which limit is in use, for as long as it is', () => {
  const { clock, torrents } = gatesBehind(20_000, 5_000, Number.POSITIVE_INFINITY);
  const [slow, free] = torrents as [TransferGate, TransferGate];
  expect([slow.limitedBy(0), free.limitedBy(0)]).toEqual([undefined, undefined]);
  const waiters = [new Greedy(slow, UNIT), new Greedy(free, UNIT)];
  for (const waiter of waiters) waiter.handleGateOpen(0);
  let hereCount = 0;
  let lookCount = 0;
  for (let atMs = 2_000; atMs <= 10_000; atMs += 77) {
    clock.advanceTo(atMs);
    lookCount++;
    expect(free.limitedBy(atMs)).toBe('above');
    // Its turns under the session's limit are waited for too, for a moment.
    expect(slow.limitedBy(atMs)).toMatch(/here|above/);
    if (slow.limitedBy(atMs) === 'here') hereCount++;
  }
  expect(hereCount).toBeGreaterThan(lookCount / 2);
  expect(waiters.map((waiter, index) => torrents[index]!.isWaiting(waiter))).toEqual([true, true]);
  for (const [index, waiter] of waiters.entries()) torrents[index]!.forget(waiter);
  clock.advanceTo(20_000);
  expect([slow.limitedBy(20_000), free.limitedBy(20_000)]).toEqual([undefined, undefined]);
});

test('a gate that closes takes its own out of the line above, and no deadline stays behind', () => {
  const { clock, deadlines, torrents } = gatesBehind(20_000, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
  const waiters = torrents.map((gate) => new Greedy(gate, UNIT));
  for (const waiter of waiters) waiter.handleGateOpen(0);
  clock.advanceTo(1_000);
  const before = waiters[0]!.receivedBytes;
  torrents[0]!.close();
  clock.advanceTo(5_000);
  expect(waiters[0]!.receivedBytes).toBe(before);
  expect(waiters[1]!.receivedBytes).toBeGreaterThan(4 * before);
  torrents[1]!.close();
  expect(deadlines.size).toBe(0);
});

// Goal: whoever wants more when it is called than when it began to wait, waits for the rest at the limit that is short.
test('without a limit of its own a gate holds nobody up', () => {
  const { clock, session, torrents } = gatesBehind(10_000, Number.POSITIVE_INFINITY);
  const [gate] = torrents as [TransferGate];
  let wanted = UNIT;
  const growing: GateWaiter = {
    handleGateOpen(nowMs) {
      const granted = gate.take(wanted, UNIT, nowMs);
      if (granted < wanted) gate.wait(growing, UNIT, nowMs);
      wanted += UNIT;
    },
    handleBug(error) {
      throw error;
    },
  };
  growing.handleGateOpen(0);
  for (let atMs = 10; atMs <= 2_000; atMs += 10) {
    clock.advanceTo(atMs);
    expect([session.limitedBy(atMs), gate.limitedBy(atMs)]).toEqual(['here', 'above']);
  }
  gate.close();
});

test('a limit that changes holds for those in line, and one that is taken away lets them all go', () => {
  const { clock, deadlines, session, torrents } = gatesBehind(10_000, Number.POSITIVE_INFINITY);
  const [gate] = torrents as [TransferGate];
  const all = [new Greedy(gate, 10 * UNIT), new Greedy(gate, 10 * UNIT)];
  for (const each of all) each.handleGateOpen(0);
  const passedIn = (durationMs: number): number => {
    const sum = (): number => all.reduce((total, { receivedBytes }) => total + receivedBytes, 0);
    const before = sum();
    clock.advanceTo(clock.nowMs + durationMs);
    return sum() - before;
  };
  expect(passedIn(10_000)).toBeGreaterThan(95_000);
  session.setRate(1_000, clock.nowMs);
  expect(passedIn(10_000)).toBeLessThan(12_000);
  session.setRate(100_000, clock.nowMs);
  expect(Math.abs(passedIn(10_000) - 1_000_000)).toBeLessThan(50_000);
  gate.setRate(50_000, clock.nowMs);
  expect(Math.abs(passedIn(10_000) - 500_000)).toBeLessThan(50_000);
  // Neither wants anything any more, so that the lines can empty.
  const calls: number[] = [];
  for (const each of all) gate.forget(each);
  const last: GateWaiter = { handleGateOpen: (nowMs) => calls.push(nowMs), handleBug: () => {} };
  gate.setRate(1, clock.nowMs);
  gate.take(30 * UNIT, UNIT, clock.nowMs);
  gate.wait(last, UNIT, clock.nowMs);
  gate.setRate(Number.POSITIVE_INFINITY, clock.nowMs);
  const nowMs = clock.nowMs;
  clock.advanceTo(nowMs + 20);
  expect(calls).toHaveLength(1);
  expect([gate.isWaiting(last), deadlines.size]).toEqual([false, 0]);
});
