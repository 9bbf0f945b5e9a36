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
    gate: new TransferGate(
      rates.map((rate) => new RateLimiter(rate, 0)),
      deadlines,
    ),
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
  gate.charge(10_000, 10_000);
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
