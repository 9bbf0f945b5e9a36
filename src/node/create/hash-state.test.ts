import { expect, test } from 'vitest';
import { HashState } from './hash-state.ts';

test('all views of a state hand out each piece once and count together', () => {
  const first = new HashState();
  const second = new HashState(first.memory);
  expect([first.take(4), second.take(4), first.take(1), second.take(4)]).toEqual([0, 4, 8, 9]);
  first.addPiece(5_000_000_000);
  second.addPiece(5);
  expect([first.donePieceCount, second.hashedBytes]).toEqual([2, 5_000_000_005]);
  expect(second.isStopped).toBe(false);
  first.stop();
  expect(second.isStopped).toBe(true);
});
