import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FileLayout } from '../../storage/file-layout.ts';
import { fileTableOf, pathOf } from './file-table.ts';

const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }).filter((text) => !/[/\p{Cs}]/u.test(text));

test('gives back the names and places of the files, in whatever script', () => {
  const file = fc.record({
    path: fc.array(name, { minLength: 1, maxLength: 4 }),
    lengthBytes: fc.nat({ max: 1000 }),
    pad: fc.boolean(),
    wanted: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(file, { maxLength: 30 }), (files) => {
      const table = fileTableOf(files);
      expect(table.fileCount).toBe(files.length);
      expect(files.map((_, i) => pathOf(table, i))).toEqual(files.map(({ path }) => path.join('/')));
      const [ours, theirs] = [new FileLayout(table.places, 100), new FileLayout(files, 100)];
      expect(ours.pieceCount).toBe(theirs.pieceCount);
      for (let piece = 0; piece < ours.pieceCount; piece++) {
        const bytes = ours.bytesOfPiece(piece);
        expect(ours.spans(piece, 0, bytes)).toEqual(theirs.spans(piece, 0, bytes));
      }
    }),
  );
});

test('all of it stands in one piece of shared memory', () => {
  const table = fileTableOf([{ path: ['a', 'b'], lengthBytes: 5, pad: false, wanted: true }]);
  const { starts, lengths, dataFiles } = table.places;
  const memories = new Set([starts, lengths, dataFiles, table.paths, table.pathEnds].map(({ buffer }) => buffer));
  expect(memories.size).toBe(1);
  expect([...memories][0]).toBeInstanceOf(SharedArrayBuffer);
});
