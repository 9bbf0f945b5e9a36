import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../base/random.ts';
import { Choker } from './choker.ts';
import type { ChokerMode } from './choking/choker-peer.ts';
import { applyFill, applyRound, peerOf } from './choking/testing/test-peer.ts';

const chokerOf = (slots: number, seed = 1): Choker => new Choker({ slots, random: seededRandom(seed) });

test('leeching: the best givers have the regular slots, whoever they are', () => {
  const peers = Array.from({ length: 20 }, (_, id) => peerOf(id, { downloadBytesPerSecond: id * 1_000 }));
  const choker = chokerOf(8);
  const unchoked = applyRound(choker, peers, 'leeching', 0);
  expect(unchoked).toHaveLength(8);
  expect(unchoked).toEqual(expect.arrayContaining([19, 18, 17, 16, 15, 14, 13]));
  expect(choker.nextRoundMs).toBe(10_000);
  // The worst of them stops giving, a choked one gives more than all.
  peers[13]!.downloadBytesPerSecond = 0;
  peers[3]!.downloadBytesPerSecond = 50_000;
  const next = applyRound(choker, peers, 'leeching', 10_000);
  expect(next).toContain(3);
  if (!choker.isOptimistic(13)) expect(next).not.toContain(13);
});

test('leeching: equals do not take slots from each other, nor does a little more', () => {
  const peers = Array.from({ length: 20 }, (_, id) => peerOf(id, { downloadBytesPerSecond: 10_000 }));
  const choker = chokerOf(8);
  const random = seededRandom(3);
  const regularOf = (unchoked: number[]): number[] => unchoked.filter((id) => !choker.isOptimistic(id));
  const first = regularOf(applyRound(choker, peers, 'leeching', 0));
  for (let round = 1; round < 30; round++) {
    for (const peer of peers) peer.downloadBytesPerSecond = 10_000 + (random.uint32() % 900);
    expect(regularOf(applyRound(choker, peers, 'leeching', round * 10_000))).toEqual(first);
  }
});

test('leeching: the optimistic slot goes round, each turn thirty seconds', () => {
  const peers = Array.from({ length: 12 }, (_, id) => peerOf(id, { downloadBytesPerSecond: id < 7 ? 10_000 : 0 }));
  const choker = chokerOf(8);
  const turns: number[] = [];
  for (let round = 0; round < 90; round++) {
    const unchoked = applyRound(choker, peers, 'leeching', round * 10_000);
    const optimistic = unchoked.filter((id) => choker.isOptimistic(id));
    expect(optimistic).toHaveLength(1);
    turns.push(optimistic[0]!);
  }
  for (let turn = 0; turn < 30; turn++) {
    expect(new Set(turns.slice(turn * 3, turn * 3 + 3)).size).toBe(1);
    if (turn > 0) expect(turns[turn * 3]).not.toBe(turns[turn * 3 - 1]);
  }
  expect(new Set(turns)).toEqual(new Set([7, 8, 9, 10, 11]));
});

test('leeching: newcomers are drawn three times as often', () => {
  let newcomers = 0;
  for (let seed = 0; seed < 400; seed++) {
    const peers = Array.from({ length: 8 }, (_, id) => peerOf(id, { connectedAtMs: id < 4 ? 995_000 : 0 }));
    // All others of two slots are earned.
    peers.push(peerOf(8, { downloadBytesPerSecond: 1_000 }));
    newcomers += applyRound(chokerOf(2, seed), peers, 'leeching', 1_000_000)[0]! < 4 ? 1 : 0;
  }
  expect(newcomers / 400).toBeGreaterThan(0.68);
  expect(newcomers / 400).toBeLessThan(0.82);
});

test('leeching: who stops answering loses its slot, but may be drawn', () => {
  const peers = [peerOf(1, { downloadBytesPerSecond: 90_000 }), peerOf(2, { downloadBytesPerSecond: 10 })];
  const choker = chokerOf(2);
  applyRound(choker, peers, 'leeching', 0);
  expect(peers.every((peer) => peer.isUnchoked)).toBe(true);
  peers[0]!.isSnubbed = true;
  applyRound(choker, peers, 'leeching', 30_000);
  expect(choker.isOptimistic(1)).toBe(true);
  expect(choker.isOptimistic(2)).toBe(false);
  peers.push(peerOf(3));
  const crowd = [...peers, peerOf(4), peerOf(5)];
  for (let round = 6; round < 30; round++) {
    const unchoked = applyRound(choker, crowd, 'leeching', round * 10_000);
    if (unchoked.includes(1)) expect(choker.isOptimistic(1)).toBe(true);
  }
});

test('an optimistic peer that gives earns a regular slot, and another is drawn', () => {
  const peers = Array.from({ length: 6 }, (_, id) => peerOf(id, { downloadBytesPerSecond: id < 2 ? 1_000 : 0 }));
  const choker = chokerOf(3);
  const drawn = applyRound(choker, peers, 'leeching', 0).find((id) => choker.isOptimistic(id))!;
  peers[drawn]!.downloadBytesPerSecond = 5_000;
  const unchoked = applyRound(choker, peers, 'leeching', 10_000);
  expect(unchoked).toContain(drawn);
  expect(choker.isOptimistic(drawn)).toBe(false);
  expect(unchoked).toHaveLength(3);
});

test.each<ChokerMode>(['leeching', 'seeding'])('%s: only interested peers, never more than the slots', (mode) => {
  const peers = [
    peerOf(1, { isInterested: false, isUnchoked: true, downloadBytesPerSecond: 1e6 }),
    peerOf(2, { isUploadOnly: true, downloadBytesPerSecond: 1e6 }),
    peerOf(3),
  ];
  expect(applyRound(chokerOf(8), peers, mode, 0)).toEqual([3]);
  const crowd = Array.from({ length: 50 }, (_, id) => peerOf(id));
  for (const slots of [0, 1, 2, 8, 49, 50, 51]) {
    for (const peer of crowd) peer.isUnchoked = false;
    expect(applyRound(chokerOf(slots), crowd, mode, 0)).toHaveLength(Math.min(slots, 50));
  }
});

test('a single slot is earned for three turns and drawn for the fourth', () => {
  const peers = [peerOf(0, { downloadBytesPerSecond: 1_000 }), peerOf(1), peerOf(2)];
  const choker = chokerOf(1);
  const turns: string[] = [];
  for (let nowMs = 0; nowMs < 480_000; nowMs += 10_000) {
    const unchoked = applyRound(choker, peers, 'leeching', nowMs);
    expect(unchoked).toHaveLength(1);
    turns.push(choker.slotKindOf(unchoked[0]!)!);
    expect(turns.at(-1)).toBe(nowMs % 120_000 < 90_000 ? 'earned' : 'optimistic');
  }
});

test('between rounds who waits takes a free slot, and none when all are taken', () => {
  const choker = chokerOf(2);
  const peers = [peerOf(1, { isUnchoked: true }), peerOf(2), peerOf(3, { isInterested: false, isUnchoked: true })];
  expect(applyFill(choker, peers, 0)).toEqual([1, 2, 3]);
  peers[1]!.isUnchoked = false;
  peers[2]!.isInterested = true;
  expect(applyFill(choker, peers, 0)).toEqual([1, 3]);
  expect(choker.fill([peerOf(4, { isSnubbed: true }), peerOf(5, { isUploadOnly: true })], 0)).toEqual([]);
  expect(choker.fill([peerOf(6, { isInterested: false })], 0)).toEqual([]);
  choker.setSupply(3, false);
  expect(applyFill(choker, peers, 0)).toEqual([1, 2, 3]);
});

// Goal: takers that come first, before there is anybody to compare them with, do not keep a seed's slots for a whole round.
test('seeding: while others wait, new holders of slots are looked at soon; once they are known, at the usual time', () => {
  const choker = chokerOf(3);
  const peers = [peerOf(1), peerOf(2), peerOf(3)];
  applyRound(choker, peers, 'seeding', 0);
  expect(choker.nextRoundMs).toBe(10_000);
  peers.push(peerOf(4, { passedOnRatio: 1 }));
  applyFill(choker, peers, 1_000);
  expect(choker.nextRoundMs).toBe(3_500);
  for (const id of [0, 1]) peers[id]!.passedOnRatio = 0;
  expect(applyRound(choker, peers, 'seeding', 3_500)).toContain(4);
  for (const peer of peers) peer.unchokedAtMs = 0;
  applyRound(choker, peers.slice(2), 'seeding', 40_000);
  expect(choker.nextRoundMs).toBe(50_000);
});

test('seeding: slots go round by quota, and each is served in turn', () => {
  const peers = Array.from({ length: 12 }, (_, id) => peerOf(id, { connectedAtMs: id }));
  const choker = chokerOf(4);
  const servedRounds = new Map<number, number>();
  for (let round = 0; round < 180; round++) {
    for (const id of applyRound(choker, peers, 'seeding', round * 10_000)) {
      servedRounds.set(id, (servedRounds.get(id) ?? 0) + 1);
      peers[id]!.uploadedSinceUnchoke += 1_000;
      peers[id]!.uploadBytesPerSecond = 100;
    }
  }
  for (const peer of peers) {
    expect(servedRounds.get(peer.id)).toBeGreaterThanOrEqual(54);
    expect(servedRounds.get(peer.id)).toBeLessThanOrEqual(66);
  }
});

test('seeding: a fast peer ends its turn by bytes, and a peer within its quota stays', () => {
  const peers = Array.from({ length: 5 }, (_, id) => peerOf(id, { connectedAtMs: id }));
  const choker = chokerOf(2);
  expect(applyRound(choker, peers, 'seeding', 0)).toEqual([0, 1]);
  peers[0]!.uploadedSinceUnchoke = 20 * 1024 * 1024;
  peers[1]!.uploadedSinceUnchoke = 20 * 1024 * 1024 - 1;
  expect(applyRound(choker, peers, 'seeding', 10_000)).toEqual([1, 2]);
  expect(applyRound(choker, peers, 'seeding', 50_000)).toEqual([1, 2]);
  expect(applyRound(choker, peers, 'seeding', 60_000)).toEqual([2, 3]);
});

test('seeding: nobody is choked while there are slots for all, quota or not; the slowest goes first', () => {
  const peers = Array.from({ length: 3 }, (_, id) => peerOf(id, { uploadBytesPerSecond: id * 100 }));
  const choker = chokerOf(3);
  for (let round = 0; round < 20; round++)
    expect(applyRound(choker, peers, 'seeding', round * 10_000)).toEqual([0, 1, 2]);
  peers.push(peerOf(3));
  expect(applyRound(choker, peers, 'seeding', 200_000)).toEqual([1, 2, 3]);
});

test('reconnecting does not get ahead of those who wait', () => {
  const choker = chokerOf(1);
  const peers = [peerOf(0, { connectedAtMs: 0 }), peerOf(1, { connectedAtMs: 1 }), peerOf(2, { connectedAtMs: 2 })];
  expect(applyRound(choker, peers, 'seeding', 10)).toEqual([0]);
  peers[0] = peerOf(3, { connectedAtMs: 5_000 });
  expect(applyRound(choker, peers, 'seeding', 10_000)).toEqual([1]);
});

test('any crowd: the answer is what changes, within the slots, and only for candidates', () => {
  const anyPeer = fc.record({
    isInterested: fc.boolean(),
    amInterested: fc.boolean(),
    isUnchoked: fc.boolean(),
    downloadBytesPerSecond: fc.nat({ max: 5 }),
    uploadBytesPerSecond: fc.nat({ max: 5 }),
    connectedAtMs: fc.nat({ max: 200_000 }),
    isSnubbed: fc.boolean(),
    uploadedSinceUnchoke: fc.nat({ max: 40_000_000 }),
    unchokedAtMs: fc.nat({ max: 200_000 }),
    isUploadOnly: fc.boolean(),
    downloadedBytes: fc.nat({ max: 1_000_000 }),
    uploadedBytes: fc.nat({ max: 1_000_000 }),
    haveRatio: fc.double({ min: 0, max: 1, noNaN: true }),
    hidesPieces: fc.constant(false),
    passedOnRatio: fc.constant(undefined),
  });
  fc.assert(
    fc.property(fc.array(anyPeer, { maxLength: 20 }), fc.nat({ max: 10 }), fc.nat(), (shapes, slots, seed) => {
      const choker = chokerOf(slots, seed);
      const peers = shapes.map((shape, id) => ({ ...shape, id }));
      for (let round = 0; round < 6; round++) {
        const mode = (seed + round) % 3 === 0 ? 'seeding' : 'leeching';
        const unchoked = applyRound(choker, peers, mode, 200_000 + round * 10_000);
        expect(unchoked.length).toBeLessThanOrEqual(slots);
        for (const id of unchoked) expect(peers[id]!.isInterested && !peers[id]!.isUploadOnly).toBe(true);
        if (mode === 'seeding') {
          const candidates = peers.filter((peer) => peer.isInterested && !peer.isUploadOnly).length;
          expect(unchoked).toHaveLength(Math.min(slots, candidates));
        }
      }
    }),
  );
});
