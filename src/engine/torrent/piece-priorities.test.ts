import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FileLayout } from '../../storage/file-layout.ts';
import { PiecePriorities } from './piece-priorities.ts';
import type { ContentFile } from './torrent-content.ts';

const PIECE = 10;

function prioritiesOf(lengths: readonly number[], wanted: readonly boolean[], pads: readonly number[] = []) {
  const files: ContentFile[] = lengths.map((lengthBytes, index) => ({
    path: [`${index}`],
    lengthBytes,
    isOnDisk: !pads.includes(index),
    pad: pads.includes(index),
  }));
  return new PiecePriorities(files, new FileLayout(files, PIECE), wanted);
}

test('a piece has the highest priority of its files; pads want nothing', () => {
  // Pieces: 0 of file 0; 1 of files 0 and 1; 2 of file 1 and the pad.
  const priorities = prioritiesOf([15, 10, 5], [true, true, true], [2]);
  expect([...priorities.ofPieces()]).toEqual([4, 4, 4]);
  priorities.setFile(0, 2);
  priorities.setFile(1, 6);
  expect([...priorities.ofPieces()]).toEqual([2, 6, 6]);
  priorities.setFile(1, 0);
  expect([...priorities.ofPieces()]).toEqual([2, 2, 0]);
  expect(priorities.wantedFiles).toEqual([true, false, true]);
});

test('choosing files: those that are left out go to 0, those that come back to 4, the others stay', () => {
  const priorities = prioritiesOf([10, 10, 10], [true, true, false]);
  priorities.setFile(0, 7);
  priorities.setPiece(2, 5);
  priorities.selectFiles([true, false, false]);
  expect([...priorities.ofPieces()]).toEqual([7, 0, 0]);
  priorities.selectFiles([true, true, false]);
  expect([...priorities.ofPieces()]).toEqual([7, 4, 0]);
});

test('what is said of a piece stands above its files, until its file is spoken of again', () => {
  const priorities = prioritiesOf([20, 20], [true, false]);
  expect(priorities.setPiece(0, 0)).toBe(0);
  expect(priorities.setPiece(3, 7)).toBe(7);
  expect([...priorities.ofPieces()]).toEqual([0, 4, 0, 7]);
  priorities.setFile(0, 1);
  expect([...priorities.ofPieces()]).toEqual([1, 1, 0, 7]);
});

test('a piece of an unwanted file gives the file a place on disk, one that a wanted file shares does not', () => {
  const priorities = prioritiesOf([15, 25], [true, false]);
  const before = priorities.storedChangeCount;
  priorities.setPiece(1, 7);
  expect(priorities.storedFiles()).toEqual([true, false]);
  const mirrored = prioritiesOf([25, 15], [false, true]);
  mirrored.setPiece(2, 7);
  expect(mirrored.storedFiles()).toEqual([false, true]);
  expect(priorities.storedChangeCount).toBe(before);
  priorities.setPiece(3, 1);
  expect(priorities.storedFiles()).toEqual([true, true]);
  expect(priorities.wantedFiles).toEqual([true, false]);
  expect(priorities.storedChangeCount).toBe(before + 1);
});

test('what is read is wanted while it is, above everything that says no, and keeps its place on disk', () => {
  const priorities = prioritiesOf([20, 20], [true, false]);
  const [first, second] = [
    { first: 1, end: 4 },
    { first: 2, end: 3 },
  ];
  priorities.beginReading(1, first);
  priorities.beginReading(1, second);
  expect([...priorities.ofPieces()]).toEqual([4, 4, 1, 1]);
  expect(priorities.setPiece(3, 0)).toBe(1);
  expect(priorities.storedFiles()).toEqual([true, true]);
  priorities.selectFiles([true, false]);
  expect(priorities.storedFiles()).toEqual([true, true]);
  priorities.endReading(first);
  expect([...priorities.ofPieces()]).toEqual([4, 4, 1, 0]);
  priorities.endReading(second);
  expect([...priorities.ofPieces()]).toEqual([4, 4, 0, 0]);
  priorities.selectFiles([true, false]);
  expect(priorities.storedFiles()).toEqual([true, false]);
});

// Method: the same calls on a model that keeps the last word on each file and piece.
test('agrees with a naive model', () => {
  const lengths = [7, 0, 30, 5, 20, 13];
  const layout = new FileLayout(
    lengths.map((lengthBytes) => ({ lengthBytes, pad: false })),
    PIECE,
  );
  const call = fc.oneof(
    fc.record({ kind: fc.constant('file'), index: fc.nat({ max: 5 }), priority: fc.nat({ max: 7 }) }),
    fc.record({ kind: fc.constant('piece'), index: fc.nat({ max: 7 }), priority: fc.nat({ max: 7 }) }),
  );
  fc.assert(
    fc.property(fc.array(call, { maxLength: 30 }), (calls) => {
      const priorities = prioritiesOf(
        lengths,
        lengths.map(() => true),
      );
      const files = lengths.map(() => 4);
      const pieces = new Map<number, number>();
      for (const { kind, index, priority } of calls) {
        if (kind === 'piece') {
          pieces.set(index, priority);
          priorities.setPiece(index, priority);
          continue;
        }
        files[index] = priority;
        const { first, end } = layout.pieceRangeOfFile(index);
        for (let piece = first; piece < end; piece++) pieces.delete(piece);
        priorities.setFile(index, priority);
      }
      const expected = Array.from({ length: layout.pieceCount }, (_, piece) => {
        const own = layout.spans(piece, 0, layout.bytesOfPiece(piece)).map(({ fileIndex }) => files[fileIndex]!);
        return pieces.get(piece) ?? Math.max(...own);
      });
      expect([...priorities.ofPieces()]).toEqual(expected);
      expect(priorities.wantedFiles).toEqual(files.map((priority) => priority > 0));
    }),
  );
});
