// Goal: how much a stranger is asked for, and of which pieces. Method: the real picker, with peers by hand.
import { expect, test } from 'vitest';
import { Bitfield } from '../../base/bitfield.ts';
import { seededRandom } from '../../base/random.ts';
import { BLOCK_BYTES } from '../../protocol/limits.ts';
import { type BlockRef, type PickerPeer, PiecePicker } from '../piece-picker.ts';

const BLOCKS = 8;
const PIECES = 6;

function pickerOf(isCovered: (piece: number) => boolean): PiecePicker {
  const picker = new PiecePicker({
    pieceCount: PIECES,
    pieceLengthBytes: BLOCKS * BLOCK_BYTES,
    bytesOfPiece: () => BLOCKS * BLOCK_BYTES,
    random: seededRandom(1),
    isCovered,
  });
  for (let i = 0; i < 4; i++) picker.addAvailability(Bitfield.full(PIECES));
  return picker;
}

function peer(id: number, more: Partial<PickerPeer> = {}): PickerPeer {
  const have = Bitfield.full(PIECES);
  return { id, have, isChoking: false, isSnubbed: false, allowedFast: new Set(), blocksPerSecond: 0, ...more };
}

function pick(picker: PiecePicker, to: PickerPeer, maxBlocks = 20): BlockRef[] {
  const out: BlockRef[] = [];
  const count = picker.pick(to, maxBlocks, out);
  picker.assertInvariants();
  return out.slice(0, count);
}

test('few blocks until they are judged, one stranger a piece, and the others finish it', () => {
  const picker = pickerOf(() => true);
  const one = pick(picker, peer(1, { unverifiedMax: 3 }));
  const two = pick(picker, peer(2, { unverifiedMax: 3 }));
  expect([one.length, two.length]).toEqual([3, 3]);
  expect(two[0]!.pieceIndex).not.toBe(one[0]!.pieceIndex);
  for (const { pieceIndex, blockIndex } of one) picker.handleBlock(pieceIndex, blockIndex, 1);
  expect(pick(picker, peer(1, { unverifiedMax: 3 }))).toEqual([]);
  const rest = pick(picker, peer(3), 2 * (BLOCKS - 3));
  expect(new Set(rest.map(({ pieceIndex }) => pieceIndex))).toEqual(new Set([one[0]!.pieceIndex, two[0]!.pieceIndex]));
  for (const { pieceIndex, blockIndex } of rest) picker.handleBlock(pieceIndex, blockIndex, 3);
  picker.handlePieceVerified(one[0]!.pieceIndex);
  expect(pick(picker, peer(1, { unverifiedMax: 6 }))).toHaveLength(6);
});

test('a piece that nobody else could finish is fetched alone', () => {
  const picker = pickerOf(() => false);
  const own = pick(picker, peer(1, { unverifiedMax: 2 }), BLOCKS);
  expect(own).toHaveLength(BLOCKS);
  expect(new Set(own.map(({ pieceIndex }) => pieceIndex)).size).toBe(1);
});

test('left waiting for long, a stranger may go on with what it has begun', () => {
  const picker = pickerOf(() => true);
  const begun = pick(picker, peer(1, { unverifiedMax: 2 }));
  for (const { pieceIndex, blockIndex } of begun) picker.handleBlock(pieceIndex, blockIndex, 1);
  expect(pick(picker, peer(1, { unverifiedMax: 2, idleMs: 9_000 }))).toEqual([]);
  const more = pick(picker, peer(1, { unverifiedMax: 2, idleMs: 11_000 }), BLOCKS - 2);
  expect(more).toHaveLength(BLOCKS - 2);
  expect(more.every(({ pieceIndex }) => pieceIndex === begun[0]!.pieceIndex)).toBe(true);
});

test('a choked stranger gets no more than what it is allowed, and not more of it than others on probation', () => {
  const picker = pickerOf(() => true);
  const choked = { unverifiedMax: 2, isChoking: true, allowedFast: new Set([3]) };
  expect(pick(picker, peer(1, choked))).toEqual([]);
  const begun = pick(picker, peer(9), 1);
  const allowed = { ...choked, allowedFast: new Set([begun[0]!.pieceIndex]) };
  expect(pick(picker, peer(1, allowed))).toHaveLength(2);
});

test('a new peer gets no second piece before its first has been verified', () => {
  const picker = pickerOf(() => true);
  const first = pick(picker, peer(1, { isNew: true }));
  expect(first).toHaveLength(BLOCKS);
  for (const { pieceIndex, blockIndex } of first) picker.handleBlock(pieceIndex, blockIndex, 1);
  expect(pick(picker, peer(1, { isNew: true }))).toEqual([]);
  picker.handlePieceVerified(first[0]!.pieceIndex);
  expect(pick(picker, peer(1))).toHaveLength(20);
});
