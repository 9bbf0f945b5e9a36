import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concatBytes } from '../../base/bytes.ts';
import {
  PIECE_HEADER_BYTES,
  WireWriter,
  writeHave,
  writeKeepAlive,
  writePiece,
  writePieceHeader,
} from './wire-encoder.ts';

test('what is taken is what was appended, whatever the sizes', () => {
  const parts = fc.array(fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 20 }), { maxLength: 4 });
  fc.assert(
    fc.property(parts, (turns) => {
      const writer = new WireWriter();
      for (const turn of turns) {
        for (const part of turn) writer.append(part);
        expect(writer.take()).toEqual(concatBytes(turn));
        expect(writer.length).toBe(0);
      }
    }),
  );
});

test("taken bytes are no longer the writer's", () => {
  const writer = new WireWriter();
  writeHave(writer, 1);
  const taken = writer.take();
  writeHave(writer, 2);
  expect(taken).toEqual(Uint8Array.of(0, 0, 0, 5, 4, 0, 0, 0, 1));
});

test('each message may be the one that makes the buffer grow', () => {
  for (let before = 0; before < 300; before++) {
    const writer = new WireWriter();
    writer.append(new Uint8Array(before).fill(9));
    writeKeepAlive(writer);
    writeHave(writer, 0x01020304);
    expect([...writer.take().subarray(before)]).toEqual([0, 0, 0, 0, 0, 0, 0, 5, 4, 1, 2, 3, 4]);
  }
});

test('a large buffer is not kept', () => {
  const writer = new WireWriter();
  writer.append(new Uint8Array(1_000_000));
  writer.take();
  expect(writer.bytes.length).toBeLessThan(20_000);
});

test('the header before a block is the start of the piece message', () => {
  const writer = new WireWriter();
  writePiece(writer, 70_000, 16_384, Uint8Array.of(1, 2, 3));
  const target = new Uint8Array(20);
  writePieceHeader(target, 4, 70_000, 16_384, 3);
  expect(target.subarray(4, 4 + PIECE_HEADER_BYTES)).toEqual(writer.take().subarray(0, PIECE_HEADER_BYTES));
  expect(target.subarray(17)).toEqual(new Uint8Array(3));
});
