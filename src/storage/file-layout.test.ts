import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FileLayout, type LayoutFile } from './file-layout.ts';
import { PartFileMap } from './part-file-map.ts';

const file = (lengthBytes: number, pad = false, offsetBytes?: number): LayoutFile => ({
  lengthBytes,
  pad,
  offsetBytes,
});

const layouts = fc
  .record({
    pieceLengthBytes: fc.integer({ min: 1, max: 16 }),
    files: fc.array(
      fc.record({ lengthBytes: fc.integer({ min: 0, max: 40 }), gap: fc.constantFrom(0, 0, 0, 5), pad: fc.boolean() }),
      { minLength: 1, maxLength: 12 },
    ),
  })
  .map(({ pieceLengthBytes, files }) => {
    let end = 0;
    const placed = files.map(({ lengthBytes, gap, pad }): LayoutFile => {
      const offsetBytes = end + gap;
      end = offsetBytes + lengthBytes;
      return gap === 0 ? { lengthBytes, pad } : { lengthBytes, pad, offsetBytes };
    });
    return { files: placed, layout: new FileLayout(placed, pieceLengthBytes) };
  });

/** Byte by byte: which file each byte of the space stands in, and where; undefined for zeros. */
function naiveSpace(files: readonly LayoutFile[]): ({ fileIndex: number; fileOffset: number } | undefined)[] {
  const space: ({ fileIndex: number; fileOffset: number } | undefined)[] = [];
  files.forEach((one, fileIndex) => {
    while (space.length < (one.offsetBytes ?? 0)) space.push(undefined);
    for (let fileOffset = 0; fileOffset < one.lengthBytes; fileOffset++) {
      space.push(one.pad ? undefined : { fileIndex, fileOffset });
    }
  });
  return space;
}

test('spans agree with a byte-by-byte model, cover the range and join what can be joined', () => {
  fc.assert(
    fc.property(layouts, fc.nat(), fc.nat(), fc.nat(), ({ files, layout }, a, b, c) => {
      const space = naiveSpace(files);
      expect(layout.spaceBytes).toBe(space.length);
      if (layout.pieceCount === 0) return;
      const piece = a % layout.pieceCount;
      const size = layout.bytesOfPiece(piece);
      const begin = b % (size + 1);
      const length = c % (size - begin + 1);
      const spans = layout.spans(piece, begin, length);
      const flat = spans.flatMap((span) =>
        Array.from({ length: span.lengthBytes }, (_, i) =>
          span.isZero ? undefined : { fileIndex: span.fileIndex, fileOffset: span.fileOffset + i },
        ),
      );
      const start = piece * layout.pieceLengthBytes + begin;
      expect(flat).toEqual(space.slice(start, start + length));
      for (let i = 0; i < spans.length; i++) {
        expect(spans[i]!.lengthBytes).toBeGreaterThan(0);
        if (i > 0) expect(spans[i]!.fileIndex).not.toBe(spans[i - 1]!.fileIndex);
      }
    }),
  );
});

test('pieces: sizes, requestable bytes, ranges and wishes agree with the model', () => {
  fc.assert(
    fc.property(layouts, fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }), ({ files, layout }, wanted) => {
      const space = naiveSpace(files);
      const wantedPieces = layout.wantedPieces(wanted);
      for (let piece = 0; piece < layout.pieceCount; piece++) {
        const start = piece * layout.pieceLengthBytes;
        const bytes = space.slice(start, start + layout.pieceLengthBytes);
        expect(layout.bytesOfPiece(piece)).toBe(bytes.length);
        expect(layout.requestableBytesOfPiece(piece)).toBe(bytes.findLastIndex((byte) => byte !== undefined) + 1);
        expect(wantedPieces.has(piece)).toBe(bytes.some((byte) => byte !== undefined && wanted[byte.fileIndex]));
      }
      let position = 0;
      files.forEach((one, fileIndex) => {
        const start = one.offsetBytes ?? position;
        position = start + one.lengthBytes;
        const range = layout.pieceRangeOfFile(fileIndex);
        expect(layout.offsetOfFile(fileIndex)).toBe(start);
        expect(range.end - range.first > 0).toBe(one.lengthBytes > 0);
        for (let byte = start; byte < position; byte++) {
          const piece = Math.floor(byte / layout.pieceLengthBytes);
          expect(piece >= range.first && piece < range.end).toBe(true);
        }
      });
    }),
  );
});

test('exactly the bytes of shared pieces have a slot in the part file, each its own', () => {
  fc.assert(
    fc.property(layouts, ({ files, layout }) => {
      const map = new PartFileMap(layout);
      const space = naiveSpace(files);
      const taken = new Set<number>();
      for (let position = 0; position < space.length; position++) {
        const byte = space[position];
        if (byte === undefined) continue;
        const start = position - (position % layout.pieceLengthBytes);
        const piece = space.slice(start, start + layout.pieceLengthBytes);
        const isShared = piece.some((other) => other !== undefined && other.fileIndex !== byte.fileIndex);
        const offset = map.offsetOf(byte.fileIndex, byte.fileOffset, 1);
        expect(offset !== undefined).toBe(isShared);
        if (offset === undefined) continue;
        expect(taken.has(offset)).toBe(false);
        taken.add(offset);
      }
      const slotBytes = files.flatMap((_, i) => map.slotsOfFile(i)).reduce((sum, slot) => sum + slot.lengthBytes, 0);
      expect(slotBytes).toBe(taken.size);
      expect([...taken].every((offset) => offset < slotBytes)).toBe(true);
    }),
  );
});

describe('examples', () => {
  test('a pad at the end of a piece is not requested, one in its middle is', () => {
    const layout = new FileLayout([file(10), file(6, true), file(3), file(2, true), file(4)], 16);
    expect([0, 1].map((piece) => layout.requestableBytesOfPiece(piece))).toEqual([10, 9]);
    expect(layout.spans(1, 0, 9)).toEqual([
      { fileIndex: 2, fileOffset: 0, lengthBytes: 3, isZero: false },
      { fileIndex: -1, fileOffset: 0, lengthBytes: 2, isZero: true },
      { fileIndex: 4, fileOffset: 0, lengthBytes: 4, isZero: false },
    ]);
  });

  test('v2 files start at pieces; what stands between is zeros', () => {
    const layout = new FileLayout([file(20), file(1, false, 32), file(16, false, 48)], 16);
    expect(layout.pieceCount).toBe(4);
    expect([0, 1, 2, 3].map((piece) => layout.bytesOfPiece(piece))).toEqual([16, 16, 16, 16]);
    expect([0, 1, 2, 3].map((piece) => layout.requestableBytesOfPiece(piece))).toEqual([16, 4, 1, 16]);
  });

  test('a piece of pads alone is neither wanted nor requestable', () => {
    const layout = new FileLayout([file(4), file(28, true), file(4)], 16);
    expect(layout.requestableBytesOfPiece(1)).toBe(0);
    expect([...layout.wantedPieces([true, true, true]).indexes()]).toEqual([0, 2]);
  });

  test('an empty torrent has no pieces', () => {
    const layout = new FileLayout([file(0)], 16);
    expect(layout.pieceCount).toBe(0);
    expect(layout.pieceRangeOfFile(0)).toEqual({ first: 0, end: 0 });
  });

  test('files that overlap, or lie beyond what a number can count, are our bug', () => {
    expect(() => new FileLayout([file(5), file(5, false, 4)], 16)).toThrow(/overlap/);
    expect(() => new FileLayout([file(Number.MAX_SAFE_INTEGER), file(1)], 16)).toThrow(/overlap/);
  });
});
