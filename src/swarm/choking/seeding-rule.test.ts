// Goal: each of the rules for seeding serves whom it says. Method: peers that follow the choker, round by round.
import { expect, test } from 'vitest';
import { seededRandom } from '../../base/random.ts';
import { Choker } from '../choker.ts';
import type { ChokerPeer, SeedingChoker } from './choker-peer.ts';
import { applyFill, applyRound, peerOf, type TestPeer } from './testing/test-peer.ts';

const ROUND_MS = 10_000;

const chokerOf = (seedingChoker: SeedingChoker, slots = 5): Choker =>
  new Choker({ slots, random: seededRandom(1), seedingChoker });

/** Rounds in which each peer had a slot, over `rounds`. */
function play(choker: Choker, peers: readonly TestPeer[], rounds: number): number[] {
  const counts = peers.map(() => 0);
  for (let round = 0; round < rounds; round++) {
    for (const id of applyRound(choker, peers, 'seeding', round * ROUND_MS)) counts[id]!++;
  }
  return counts;
}

const peersOf = (count: number, of: (id: number) => Partial<ChokerPeer>): TestPeer[] =>
  Array.from({ length: count }, (_, id) => peerOf(id, { connectedAtMs: id, ...of(id) }));

test('auto: who passes on what it gets is served in turns; who keeps it is tried now and then', () => {
  const peers = peersOf(10, (id) => ({ passedOnRatio: id < 7 ? 0.9 : 0 }));
  const counts = play(chokerOf('auto'), peers, 1_000);
  expect(Math.min(...counts.slice(0, 7))).toBeGreaterThan(500);
  const toKeepers = counts.slice(7).reduce((sum, count) => sum + count, 0);
  expect(toKeepers / 5_000).toBeLessThan(1 / 50);
  expect(toKeepers).toBeGreaterThan(5);
});

test('auto: of whom nothing is known waits for those who pass on, and is tried in turns', () => {
  const peers = peersOf(12, (id) => (id < 8 ? { passedOnRatio: 0.5 } : {}));
  const counts = play(chokerOf('auto'), peers, 1_000);
  const toUnknown = counts.slice(8).reduce((sum, count) => sum + count, 0);
  expect(toUnknown / 5_000).toBeGreaterThan(0.05);
  expect(toUnknown / 5_000).toBeLessThan(0.2);
  expect(Math.min(...counts.slice(8))).toBeGreaterThan(40);
});

test('auto: where nobody passes anything on, nobody is the worse for it', () => {
  const peers = peersOf(10, () => ({ passedOnRatio: 0 }));
  const counts = play(chokerOf('auto'), peers, 500);
  expect(Math.min(...counts)).toBeGreaterThan(150);
});

test('auto: beside others, who keeps what it gets has what they leave', () => {
  const peers = peersOf(3, (id) => ({ passedOnRatio: id === 2 ? 0 : 1 }));
  const choker = chokerOf('auto', 8);
  applyRound(choker, peers, 'seeding', 0);
  choker.setSupply(8, true);
  expect(applyFill(choker, peers, 1_000)).toEqual([0, 1, 2]);
  if (choker.slotKindOf(2) === 'spare') expect(choker.endSpare(2_000)).toEqual([2]);
  expect(choker.slotKindOf(0)).toBe('served');
});

test('fastest: the fastest keep their slots, and one goes round', () => {
  const peers = peersOf(10, (id) => ({ uploadBytesPerSecond: id * 1_000 }));
  const counts = play(chokerOf('fastest'), peers, 300);
  expect(counts.slice(6)).toEqual([300, 300, 300, 300]);
  expect(Math.min(...counts.slice(0, 6))).toBeGreaterThan(10);
});

test('anti-leech: those that are just beginning or nearly complete come first', () => {
  const peers = peersOf(11, (id) => ({ haveRatio: id / 10 }));
  const counts = play(chokerOf('anti-leech'), peers, 300);
  expect([0, 1, 9, 10].map((id) => counts[id])).toEqual([300, 300, 300, 300]);
  expect(counts[5]).toBeGreaterThan(10);
});

test('round-robin: everybody in turn, whatever they do with it', () => {
  const peers = peersOf(10, (id) => ({ passedOnRatio: id < 7 ? 0.9 : 0, haveRatio: id / 10 }));
  const counts = play(chokerOf('round-robin'), peers, 480);
  expect(Math.min(...counts)).toBeGreaterThan(200);
  expect(Math.max(...counts)).toBeLessThan(280);
});
