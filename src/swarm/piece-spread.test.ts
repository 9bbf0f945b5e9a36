// Goal: a piece leaves us once before any leaves twice, and the counts hold whatever peers say and whenever they leave.
// Method: property tests against a count made anew at each step.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bitfield } from '../base/bitfield.ts';
import { seededRandom } from '../base/random.ts';
import { PieceSpread, type SpreadPeer } from './piece-spread.ts';

const PIECES = 40;

function spreadOf(pieceCount: number = PIECES): PieceSpread {
  return new PieceSpread(Bitfield.full(pieceCount), seededRandom(1));
}

function peerOf(id: number, pieceCount: number = PIECES): SpreadPeer {
  return { id, have: new Bitfield(pieceCount) };
}

test('every piece is promised once before any is promised twice', () => {
  const spread = spreadOf();
  const peers = [0, 1, 2].map((id) => peerOf(id));
  const given = new Set<number>();
  for (let i = 0; i < PIECES; i++) {
    expect(spread.leastCopies).toBe(0);
    given.add(spread.next(peers[i % 3]!));
  }
  expect(given.size).toBe(PIECES);
  expect(spread.leastCopies).toBe(1);
  for (const piece of given) expect(spread.copiesOf(piece)).toBe(1);
});

test('what was seen at others is given last, what a peer took with it when it left first', () => {
  const spread = spreadOf(3);
  const [first, second] = [peerOf(1, 3), peerOf(2, 3)];
  second.have.add(0);
  spread.addPieces(second.id, second.have);
  const taken = spread.next(first);
  expect([1, 2]).toContain(taken);
  first.have.add(taken);
  spread.handleHave(first.id, taken);
  expect(spread.copiesOf(taken)).toBe(1);
  spread.handlePeerGone(first);
  expect(spread.copiesOf(taken)).toBe(0);
  expect([spread.next(second), spread.next(second)].sort()).toEqual([1, 2]);
  expect(spread.next(second)).toBe(-1);
  spread.withdrawAll(second.id);
  expect(spread.leastCopies).toBe(0);
});

test('of a piece that we lack nothing is promised', () => {
  const have = Bitfield.full(4);
  have.delete(2);
  const spread = new PieceSpread(have, seededRandom(1));
  spread.handlePieceLost(3);
  const peer = peerOf(1, 4);
  expect([spread.next(peer), spread.next(peer)].sort()).toEqual([0, 1]);
  expect(spread.next(peer)).toBe(-1);
  expect(spread.promise(peer, 2)).toBe(false);
  expect(spread.canGive(3)).toBe(false);
});

// Far more pieces than are looked at one by one, nearly all of them had.
test('a peer that lacks a few of many pieces is given those', () => {
  const spread = spreadOf(5_000);
  const peer = { id: 1, have: Bitfield.full(5_000) };
  for (const piece of [7, 4_998]) peer.have.delete(piece);
  spread.addPieces(peer.id, peer.have);
  const other = { id: 2, have: Bitfield.full(5_000) };
  for (let piece = 0; piece < 5_000; piece += 2) other.have.delete(piece);
  spread.addPieces(other.id, other.have);
  spread.handleHave(9, 7);
  spread.handleHave(9, 7);
  expect([spread.next(peer), spread.next(peer)].sort()).toEqual([4_998, 7]);
  expect(spread.next(peer)).toBe(-1);
});

const step = fc.record({
  kind: fc.constantFrom('next', 'promise', 'have', 'dont-have', 'bitfield', 'withdraw', 'gone'),
  peer: fc.nat(4),
  piece: fc.nat(PIECES - 1),
});

test('the counts hold whatever happens', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const spread = spreadOf();
      let peers = [0, 1, 2, 3, 4].map((id) => peerOf(id));
      let nextId = 5;
      for (const { kind, peer: index, piece } of steps) {
        const peer = peers[index]!;
        switch (kind) {
          case 'next': {
            const least = Math.min(...lackedBy(spread, peer).map((lacked) => spread.copiesOf(lacked)));
            const given = spread.next(peer);
            if (given >= 0) expect(spread.copiesOf(given)).toBe(least + 1);
            else expect(least).toBe(Number.POSITIVE_INFINITY);
            break;
          }
          case 'promise':
            spread.promise(peer, piece);
            break;
          case 'have':
            if (peer.have.add(piece)) spread.handleHave(peer.id, piece);
            break;
          case 'dont-have':
            if (peer.have.delete(piece)) spread.handleDontHave(piece);
            break;
          case 'bitfield': {
            const before = peer.have.clone();
            for (let i = piece; i < PIECES; i++) peer.have.add(i);
            spread.removePieces(before);
            spread.addPieces(peer.id, peer.have);
            break;
          }
          case 'withdraw':
            spread.withdraw(peer.id, piece);
            break;
          case 'gone':
            spread.handlePeerGone(peer);
            peers = peers.map((other) => (other === peer ? peerOf(nextId++) : other));
        }
        for (let i = 0; i < PIECES; i++) {
          const had = peers.filter(({ have }) => have.has(i)).length;
          const promised = peers.filter(({ id }) => spread.promisedTo(id).has(i)).length;
          expect(spread.copiesOf(i)).toBe(had + promised);
        }
        expect(spread.leastCopies).toBe(Math.min(...Array.from({ length: PIECES }, (_, i) => spread.copiesOf(i))));
        spread.assertInvariants();
      }
    }),
    { numRuns: 150 },
  );
});

function lackedBy(spread: PieceSpread, { id, have }: SpreadPeer): number[] {
  const pieces = Array.from({ length: PIECES }, (_, piece) => piece);
  return pieces.filter((piece) => !have.has(piece) && !spread.promisedTo(id).has(piece));
}
