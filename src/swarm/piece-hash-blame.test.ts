import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../base/random.ts';
import { BLAME_MAX_BYTES, SHARED_FAILURES_MAX } from '../protocol/limits.ts';
import { PieceHashBlame } from './piece-hash-blame.ts';

/** One stand-in hash a block: 20 times the block's value. */
const hashes = (...values: number[]): Uint8Array =>
  Uint8Array.from(values.flatMap((value) => new Array(20).fill(value)));
const NOBODY = { ban: [], parole: [] };

test('the sole sender of a bad piece is guilty at once', () => {
  const blame = new PieceHashBlame();
  expect(blame.handleFailedPiece(3, hashes(1, 2), ['a', 'a'])).toEqual({ ban: ['a'], parole: [] });
  expect(blame.handleFailedPiece(3, undefined, ['b'])).toEqual({ ban: ['b'], parole: [] });
  expect(blame.needsBlockHashes(3)).toBe(false);
});

test('of several senders the one whose block differs is guilty, once the piece is good', () => {
  const blame = new PieceHashBlame();
  expect(blame.handleFailedPiece(0, hashes(1, 9, 3), ['a', 'b', 'c'])).toEqual(NOBODY);
  expect(blame.handleFailedPiece(0, hashes(8, 2, 3), ['d', 'a', undefined])).toEqual(NOBODY);
  expect(blame.needsBlockHashes(0)).toBe(true);
  expect(blame.handleVerifiedPiece(0, hashes(1, 2, 3), ['a', 'a', 'c'])).toEqual({ ban: ['b', 'd'], parole: [] });
  expect(blame.needsBlockHashes(0)).toBe(false);
  expect(blame.handleVerifiedPiece(0, hashes(1, 2, 3), ['a', 'a', 'c'])).toEqual(NOBODY);
});

test('one block of unknown origin makes a verdict impossible', () => {
  const blame = new PieceHashBlame();
  expect(blame.handleFailedPiece(0, hashes(1, 2), ['a', undefined])).toEqual(NOBODY);
  expect(blame.handleFailedPiece(1, hashes(1, 2), [undefined, undefined])).toEqual(NOBODY);
  expect(blame.handleFailedPiece(2, hashes(), [])).toEqual(NOBODY);
});

test('shared failures lead to parole at the limit, and a good piece alone ends it', () => {
  const blame = new PieceHashBlame();
  for (let piece = 1; piece < SHARED_FAILURES_MAX; piece++) {
    expect(blame.handleFailedPiece(piece, undefined, ['a', `other ${piece}`])).toEqual(NOBODY);
  }
  expect(blame.isOnParole('a')).toBe(false);
  expect(blame.handleFailedPiece(10, undefined, ['a', 'b'])).toEqual({ ban: [], parole: ['a'] });
  expect(blame.isOnParole('a')).toBe(true);
  expect(blame.handleFailedPiece(11, undefined, ['a', 'b'])).toEqual(NOBODY);
  blame.handleVerifiedPiece(12, undefined, ['a', 'b']);
  expect(blame.isOnParole('a')).toBe(true);
  blame.handleVerifiedPiece(13, undefined, ['a', 'a']);
  expect(blame.isOnParole('a')).toBe(false);
});

test('whoever stood beside the guilty is cleared of that failure', () => {
  const blame = new PieceHashBlame();
  for (let piece = 0; piece < SHARED_FAILURES_MAX - 1; piece++) {
    blame.handleFailedPiece(piece, hashes(1, 9), ['honest', 'liar']);
    expect(blame.handleVerifiedPiece(piece, hashes(1, 2), ['x', 'y']).ban).toEqual(['liar']);
  }
  expect(blame.handleFailedPiece(50, undefined, ['honest', 'z'])).toEqual(NOBODY);
});

test('the record is bounded: the oldest piece is forgotten, the latest kept', () => {
  const blame = new PieceHashBlame();
  const blocks = 1_000;
  const fits = Math.floor(BLAME_MAX_BYTES / (blocks * 28));
  const sha1s = new Uint8Array(blocks * 20);
  const senders = Array.from({ length: blocks }, (_, i) => (i % 2 === 0 ? 'a' : 'b'));
  for (let piece = 0; piece < fits; piece++) blame.handleFailedPiece(piece, sha1s, senders);
  expect(blame.needsBlockHashes(0)).toBe(true);
  blame.handleFailedPiece(fits, sha1s, senders);
  expect(blame.needsBlockHashes(0)).toBe(false);
  expect(blame.needsBlockHashes(1)).toBe(true);
  // Failing again and again costs no more than a few attempts.
  for (let i = 0; i < 1_000; i++) blame.handleFailedPiece(fits, sha1s, senders);
  expect(blame.needsBlockHashes(fits - 1)).toBe(true);
});

// Goal: a poisoner among honest peers is found within two failed pieces, and no honest peer is ever banned. Method:
// pieces of eight blocks, senders drawn at random, the poisoner spoils half of its blocks; bans and parole are obeyed.
test('one poisoner among ten: convicted, and nobody else', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const random = seededRandom(seed);
      const blame = new PieceHashBlame();
      const banned = new Set<string>();
      const failedPieces = new Set<number>();
      for (let piece = 0; piece < 30; piece++) {
        for (let isGood = false; !isGood; ) {
          const peers = Array.from({ length: 10 }, (_, i) => `peer ${i}`).filter((peer) => !banned.has(peer));
          const senders = Array.from({ length: 8 }, () => peers[random.uint32() % peers.length]!);
          const blocks = senders.map((sender, i) => (sender === 'peer 0' && random.uint32() % 2 === 0 ? 99 : i));
          isGood = !blocks.includes(99);
          const handle = isGood ? blame.handleVerifiedPiece : blame.handleFailedPiece;
          for (const peer of handle.call(blame, piece, hashes(...blocks), senders).ban) banned.add(peer);
          if (!isGood) failedPieces.add(piece);
        }
      }
      expect([...banned].filter((peer) => peer !== 'peer 0')).toEqual([]);
      expect(banned.has('peer 0')).toBe(failedPieces.size > 0);
      expect(failedPieces.size).toBeLessThanOrEqual(2);
    }),
  );
});
