// Goal: who is helped in end game, with which block, and when it is not worth it. Method: pieces asked of peers by hand,
// and times of answer that a test names.
import { expect, test } from 'vitest';
import { Bitfield } from '../../base/bitfield.ts';
import { BLOCK_BYTES } from '../../protocol/limits.ts';
import { EndGame } from './end-game.ts';
import { type BlockRef, OpenPieces } from './open-pieces.ts';
import type { PickerPeer } from './piece-chooser.ts';

const BLOCKS = 8;
const HELPER = 9;

/** `msPerBlock`: of each peer, by its id. Each is asked for so many blocks of a piece of its own. */
function world(asked: readonly number[], msPerBlock: Readonly<Record<number, number>>, blockCount = 1_000) {
  const pieces = new OpenPieces(BLOCKS * BLOCK_BYTES);
  for (const [id, count] of asked.entries()) {
    pieces.takeFree(pieces.open(id, count * BLOCK_BYTES), pieces.peerOrNew(id), [], 0, count);
  }
  const endGame = new EndGame({ pieces, blockCount, answerMs: (id, count) => count * msPerBlock[id]! });
  const help = (limit = 10, blocksPerSecond = 1): string[] => {
    const out: BlockRef[] = [];
    const peer: PickerPeer = {
      id: HELPER,
      have: Bitfield.full(asked.length),
      isChoking: false,
      isSnubbed: false,
      allowedFast: new Set(),
      blocksPerSecond,
    };
    const count = endGame.pick(peer, pieces.peerOrNew(HELPER), out, 0, limit);
    pieces.assertInvariants();
    return out.slice(0, count).map(({ pieceIndex, blockIndex }) => `${pieceIndex}:${blockIndex}`);
  };
  return { pieces, help };
}

test('the peer that takes longest is helped, from the end of what it was asked for', () => {
  const { help } = world([4, 8, 8], { 0: 1_000, 1: 500, 2: 1_000, [HELPER]: 10 });
  expect(help()).toEqual(['2:7']);
  expect(help()).toEqual([]); // It owes a block.
});

test('a fast helper takes several', () => {
  const { help } = world([8], { 0: 2_000, [HELPER]: 1 });
  expect(help(10, 12)).toEqual(['0:7', '0:6', '0:5']);
});

test('no copy of what comes about as soon, nor of what the slow peer has sent already', () => {
  expect(world([4], { 0: 100, [HELPER]: 10 }).help()).toEqual([]);
  expect(world([4], { 0: 1_000, [HELPER]: 3_000 }).help()).toEqual([]);
  expect(world([8], { 0: 1_000, [HELPER]: 7_000 }).help()).toEqual([]);
});

test('what may come twice is bounded by the size of the torrent, but for very slow peers', () => {
  const slow = world([8], { 0: 900, [HELPER]: 10 }, 100);
  slow.pieces.duplicateCount = 2;
  expect(slow.help()).toEqual([]);
  const stuck = world([1], { 0: 60_000, [HELPER]: 10 }, 100);
  stuck.pieces.duplicateCount = 1_000;
  expect(stuck.help()).toEqual(['0:0']);
});

test('a third copy only where the second is late too', () => {
  const { pieces, help } = world([1], { 0: 60_000, 1: 1_000, 2: 50_000, [HELPER]: 10 });
  pieces.takeCopy(pieces.get(0)!, 0, pieces.peerOrNew(1), [], 0);
  expect(help()).toEqual([]);
  pieces.release(pieces.get(0)!, 0, 1);
  pieces.takeCopy(pieces.get(0)!, 0, pieces.peerOrNew(2), [], 0);
  expect(help()).toEqual(['0:0']);
});
