import { expect, test } from 'vitest';
import { DIALS_IN_FLIGHT_MAX, DIALS_PER_SECOND, HALF_OPEN_INBOUND_MAX } from '../../protocol/limits.ts';
import { ConnectionBudget } from './connection-budget.ts';

test('connections of all kinds count against one bound, and closing makes room', () => {
  const budget = new ConnectionBudget(3);
  expect([budget.open(), budget.startDial(0), budget.openInbound()]).toEqual([true, true, true]);
  expect([budget.open(), budget.startDial(0), budget.hasRoom, budget.isOver]).toEqual([false, false, false, false]);
  budget.closeInbound();
  expect(budget.open()).toBe(false);
  budget.close();
  expect(budget.open()).toBe(true);
  expect(budget.connectionCount).toBe(3);
});

test('who is accepted when all connections are taken may show itself, and then one has to go', () => {
  const budget = new ConnectionBudget(2);
  const calls: number[] = [];
  budget.onRoom = () => calls.push(budget.connectionCount);
  budget.open();
  budget.open();
  for (let i = 0; i < HALF_OPEN_INBOUND_MAX; i++) expect(budget.openInbound()).toBe(true);
  expect(budget.openInbound()).toBe(false);
  expect(budget.isOver).toBe(true);
  for (let i = 0; i < HALF_OPEN_INBOUND_MAX; i++) {
    budget.closeInbound();
    budget.close();
  }
  expect([budget.isOver, budget.hasRoom]).toEqual([false, false]);
  expect(calls.at(-1)).toBe(2);
});

test('HALF_OPEN_INBOUND_MAX connections may lack their handshake; one that has sent it makes room for another', () => {
  const budget = new ConnectionBudget(1_000);
  for (let i = 1; i < HALF_OPEN_INBOUND_MAX; i++) budget.openInbound();
  expect(budget.isInboundFull).toBe(false);
  expect(budget.openInbound()).toBe(true);
  expect(budget.isInboundFull).toBe(true);
  expect(budget.openInbound()).toBe(false);
  expect(budget.connectionCount).toBe(HALF_OPEN_INBOUND_MAX);
  budget.closeInbound();
  expect(budget.openInbound()).toBe(true);
});

test('DIALS_PER_SECOND dials begin in a second, and the rest when nextDialMs says', () => {
  const budget = new ConnectionBudget(1_000);
  for (let i = 0; i < DIALS_PER_SECOND; i++) {
    expect(budget.startDial(500)).toBe(true);
    budget.endDial();
  }
  expect(budget.startDial(1_400)).toBe(false);
  const nextMs = budget.nextDialMs(1_400);
  expect(nextMs).toBe(1_500);
  expect(budget.startDial(nextMs)).toBe(true);
});

test('DIALS_IN_FLIGHT_MAX dials are under way at once', () => {
  const budget = new ConnectionBudget(1_000);
  let nowMs = 0;
  for (let i = 0; i < DIALS_IN_FLIGHT_MAX; i++) {
    if (!budget.startDial(nowMs)) {
      nowMs = budget.nextDialMs(nowMs);
      expect(budget.startDial(nowMs)).toBe(true);
    }
  }
  nowMs += 10_000;
  expect(budget.startDial(nowMs)).toBe(false);
  expect(budget.nextDialMs(nowMs)).toBeGreaterThan(nowMs);
  budget.endDial();
  expect(budget.startDial(nowMs)).toBe(true);
});
