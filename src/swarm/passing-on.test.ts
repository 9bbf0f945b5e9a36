import { beforeEach, expect, test } from 'vitest';
import { PassingOn } from './passing-on.ts';

const GIVER = 1;
const KEEPER = 2;
const OTHER = 3;
const PATIENCE_MS = 8_000;

let passing: PassingOn;

beforeEach(() => {
  passing = new PassingOn();
});

/** The peer gets these pieces of us, before anybody else. */
function hand(peerId: number, pieces: readonly number[], nowMs = 0): void {
  for (const piece of pieces) {
    passing.handleSent(peerId, piece, false);
    passing.handleHave(peerId, piece, nowMs);
  }
}

test('pieces that others have after it are passed on; those that it has long enough alone are not', () => {
  hand(GIVER, [0, 1, 2, 3]);
  hand(KEEPER, [4, 5, 6, 7]);
  for (const piece of [0, 1, 2]) passing.handleHave(OTHER, piece, 1_000);
  passing.handleHave(OTHER, 4, 1_000);
  expect(passing.ratioOf(GIVER, 1_000)).toBe(1);
  expect(passing.ratioOf(KEEPER, PATIENCE_MS - 1)).toBeUndefined();
  expect(passing.ratioOf(KEEPER, PATIENCE_MS)).toBe(0.25);
  expect(passing.ratioOf(GIVER, PATIENCE_MS)).toBe(0.75);
  expect(passing.ratioOf(OTHER, PATIENCE_MS)).toBeUndefined();
});

test('better late than never', () => {
  hand(GIVER, [0, 1, 2]);
  expect(passing.ratioOf(GIVER, PATIENCE_MS)).toBe(0);
  passing.handleHave(OTHER, 1, 20_000);
  passing.handleHave(OTHER, 1, 20_000);
  expect(passing.ratioOf(GIVER, 20_000)).toBeCloseTo(1 / 3);
});

test('a piece that we sent to two proves nothing for either', () => {
  hand(GIVER, [0, 1, 2]);
  for (const piece of [0, 1, 2]) {
    passing.handleSent(OTHER, piece, true);
    passing.handleHave(OTHER, piece, 1_000);
  }
  expect(passing.ratioOf(GIVER, PATIENCE_MS)).toBeUndefined();
  expect(passing.ratioOf(OTHER, PATIENCE_MS)).toBeUndefined();
});

test('what we have to send again, since nobody else gave it, stays kept', () => {
  hand(KEEPER, [0, 1, 2]);
  expect(passing.ratioOf(KEEPER, PATIENCE_MS)).toBe(0);
  for (const piece of [0, 1, 2]) {
    passing.handleSent(OTHER, piece, true);
    passing.handleHave(OTHER, piece, 10_000);
  }
  expect(passing.ratioOf(KEEPER, 10_000)).toBe(0);
});

test('pieces that are elsewhere are not followed, nor those of peers that have gone', () => {
  for (const piece of [0, 1, 2]) {
    passing.handleSent(GIVER, piece, true);
    passing.handleHave(GIVER, piece, 0);
    passing.handleHave(OTHER, piece, 0);
  }
  expect(passing.ratioOf(GIVER, PATIENCE_MS)).toBeUndefined();
  hand(GIVER, [3, 4, 5]);
  passing.handlePeerGone(GIVER);
  expect(passing.ratioOf(GIVER, PATIENCE_MS)).toBeUndefined();
  hand(KEEPER, [3, 4, 5]);
  expect(passing.ratioOf(KEEPER, PATIENCE_MS)).toBe(0);
});

test('the past fades, and memory has a bound', () => {
  const pieces = Array.from({ length: 40 }, (_, piece) => piece);
  hand(KEEPER, pieces);
  expect(passing.ratioOf(KEEPER, PATIENCE_MS)).toBe(0);
  const later = pieces.map((piece) => piece + 100);
  hand(KEEPER, later, 10_000);
  for (const piece of later) passing.handleHave(OTHER, piece, 10_000);
  expect(passing.ratioOf(KEEPER, 10_000)).toBeGreaterThan(0.6);
  // Far beyond the bound: the oldest are forgotten, the newest followed.
  hand(
    GIVER,
    Array.from({ length: 10_000 }, (_, piece) => piece + 1_000),
    10_000,
  );
  for (let piece = 1_000; piece < 1_100; piece++) passing.handleHave(OTHER, piece, 10_000);
  expect(passing.ratioOf(GIVER, 10_000)).toBeUndefined();
  for (let piece = 10_000; piece < 10_100; piece++) passing.handleHave(OTHER, piece, 10_000);
  expect(passing.ratioOf(GIVER, 10_000)).toBe(1);
});

test('where pieces travel fast, who keeps them is known soon', () => {
  const fast = Array.from({ length: 8 }, (_, index) => index);
  hand(GIVER, fast);
  for (const piece of fast) passing.handleHave(OTHER, piece, 100);
  hand(KEEPER, [20, 21, 22], 1_000);
  expect(passing.ratioOf(KEEPER, 2_499)).toBeUndefined();
  expect(passing.ratioOf(KEEPER, 2_500)).toBe(0);
  expect(passing.ratioOf(GIVER, 2_500)).toBe(1);
});
