// Goal: who gives keeps a slot, who takes and never gives lives off what nobody else wants, and no slot stands empty while
// somebody waits who has not shown himself a taker. Method: a choker and peers that follow it, round by round.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../../base/random.ts';
import { Choker } from '../choker.ts';
import type { ChokerPeer } from './choker-peer.ts';
import { PeerLedger } from './peer-ledger.ts';
import { applyFill, applyRound, exchange, peerOf, type TestPeer, unchokedIds } from './testing/test-peer.ts';

const ROUND_MS = 10_000;
const RATE = 30_000;

const chokerOf = (slots: number, seed = 1): Choker => new Choker({ slots, random: seededRandom(seed) });

/** For one round: all that are unchoked take, and those of `givers` give as much. */
function playRound(peers: readonly TestPeer[], givers: ReadonlySet<number>): void {
  for (const peer of peers) {
    const sent = peer.isUnchoked ? RATE * 10 : 0;
    exchange(peer, sent, givers.has(peer.id) ? sent : 0, 10);
  }
}

test('those who never give have fewer than one in thirty slots once they are known, however few the others are', () => {
  const peers = Array.from({ length: 9 }, (_, id) => peerOf(id));
  const givers = new Set([0, 1, 2, 3, 4, 5]);
  const choker = chokerOf(5);
  let toTakers = 0;
  let all = 0;
  for (let round = 0; round < 600; round++) {
    const unchoked = applyRound(choker, peers, 'leeching', round * ROUND_MS);
    playRound(peers, givers);
    if (round < 10) continue;
    all += unchoked.length;
    toTakers += unchoked.filter((id) => !givers.has(id)).length;
  }
  expect(toTakers / all).toBeLessThan(1 / 30);
  // They are tried again now and then all the same.
  expect(toTakers).toBeGreaterThan(3);
});

test('who begins to give is a taker no longer', () => {
  const peers = [peerOf(0, { isUnchoked: true }), peerOf(1)];
  const ledger = new PeerLedger();
  ledger.update(peers, 0);
  exchange(peers[0]!, 300_000, 0, 10);
  ledger.update(peers, ROUND_MS);
  expect(peers.map((peer) => ledger.isTaker(peer))).toEqual([true, false]);
  exchange(peers[0]!, 0, 100_000, 10);
  expect(ledger.isTaker(peers[0]!)).toBe(false);
  ledger.update(peers, 2 * ROUND_MS);
  expect(ledger.isTaker(peers[0]!)).toBe(false);
});

test.each<[string, Partial<ChokerPeer>, number, number]>([
  ['it has nothing that we want', { amInterested: false }, 300_000, ROUND_MS],
  ['it had too little of us', {}, 100_000, ROUND_MS],
  ['it had too little time', {}, 300_000, 5_000],
])('no taker: %s', (_why, overrides, sentBytes, passedMs) => {
  const peer = peerOf(0, { isUnchoked: true, ...overrides });
  const ledger = new PeerLedger();
  ledger.update([peer], 0);
  exchange(peer, sentBytes, 0, passedMs / 1_000);
  ledger.update([peer], passedMs);
  expect(ledger.isTaker(peer)).toBe(false);
});

test('who hides the pieces that it got is a taker, whatever we want of it', () => {
  expect(new PeerLedger().isTaker(peerOf(0, { amInterested: false, hidesPieces: true }))).toBe(true);
});

test('a slot that nobody has earned goes to whoever owes least, and on to the next when its turn is over', () => {
  const debts = [900_000, 100_000, 500_000, 0];
  const peers = debts.map((uploadedBytes, id) => peerOf(id, { uploadedBytes, amInterested: false }));
  peers.push(peerOf(4, { downloadBytesPerSecond: 1_000 }));
  const choker = chokerOf(3, 4);
  // One for the giver, one drawn, one for debts.
  const unearned = (): number[] => unchokedIds(peers).filter((id) => choker.slotKindOf(id) === 'unearned');
  applyRound(choker, peers, 'leeching', 0);
  expect(choker.slotKindOf(4)).toBe('earned');
  const [first] = unearned();
  expect(choker.isOptimistic(3) ? 1 : 3).toBe(first);
  exchange(peers[first!]!, 2_000_000, 0, 10);
  applyRound(choker, peers, 'leeching', ROUND_MS);
  expect(unearned()).toEqual([first]);
  applyRound(choker, peers, 'leeching', 2 * ROUND_MS);
  expect(unearned()).not.toEqual([first]);
  expect(unearned()).toHaveLength(1);
});

test('what nobody else uses goes to takers, as long as that is so', () => {
  const takers = [peerOf(1, { hidesPieces: true }), peerOf(2, { hidesPieces: true })];
  expect(applyRound(chokerOf(3), takers, 'leeching', 0)).toEqual([1, 2]);
  for (const peer of takers) peer.isUnchoked = false;
  const peers = [peerOf(0, { isUnchoked: true }), ...takers];
  const choker = chokerOf(3);
  applyRound(choker, peers, 'leeching', 0);
  expect(applyFill(choker, peers, 1_000)).not.toEqual([0, 1, 2]);
  choker.setSupply(3, true);
  expect(applyFill(choker, peers, 2_000)).toEqual([0, 1, 2]);
  expect(choker.endSpare(3_000).length).toBeGreaterThan(0);
  expect(choker.slotKindOf(0)).toBeDefined();
  expect(choker.endSpare(3_000)).toEqual([]);
});

test('no slot is empty while somebody waits who is no proven taker; with spare upload, while anybody waits', () => {
  const anyPeer = fc.record({
    isInterested: fc.boolean(),
    amInterested: fc.boolean(),
    isUploadOnly: fc.boolean(),
    isSnubbed: fc.boolean(),
    isUnchoked: fc.boolean(),
    connectedAtMs: fc.nat({ max: 60_000 }),
    hidesPieces: fc.boolean(),
  });
  const anyStep = fc.array(
    fc.record({ sent: fc.nat({ max: 600_000 }), got: fc.nat({ max: 100_000 }), isInterested: fc.boolean() }),
    { minLength: 12, maxLength: 12 },
  );
  fc.assert(
    fc.property(
      fc.array(anyPeer, { maxLength: 12 }),
      fc.array(anyStep, { maxLength: 6 }),
      fc.nat({ max: 9 }),
      fc.boolean(),
      fc.nat(),
      (shapes, steps, slots, hasSpare, seed) => {
        const choker = chokerOf(slots, seed);
        const ledger = new PeerLedger();
        const peers = shapes.map((shape, id) => peerOf(id, shape));
        let nowMs = 60_000;
        const check = (): void => {
          const isTaken = (peer: TestPeer): boolean => peer.isUnchoked && peer.isInterested;
          if (peers.filter(isTaken).length >= slots) return;
          for (const peer of peers) {
            const isWaiting = peer.isInterested && !peer.isUnchoked && !peer.isUploadOnly && !peer.isSnubbed;
            if (!isWaiting) continue;
            expect(ledger.isTaker(peer) && !hasSpare).toBe(true);
            // And it waits for somebody else's sake.
            const isOther = (one: TestPeer): boolean => one.isInterested && !one.isUploadOnly && !ledger.isTaker(one);
            expect(peers.some(isOther)).toBe(true);
          }
        };
        for (const step of steps) {
          choker.setSupply(slots, hasSpare);
          ledger.update(peers, nowMs);
          expect(applyRound(choker, peers, 'leeching', nowMs).length).toBeLessThanOrEqual(slots);
          check();
          for (const [index, peer] of peers.entries()) {
            const { sent, got, isInterested } = step[index]!;
            exchange(peer, peer.isUnchoked ? sent : 0, got, 10);
            peer.isInterested = isInterested;
          }
          applyFill(choker, peers, nowMs + 5_000);
          check();
          nowMs += ROUND_MS;
        }
      },
    ),
  );
});
