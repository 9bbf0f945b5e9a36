// Goal: whatever way a piece's bytes come in, its hashes are those of the definition. Method: against hashes made whole.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BLOCK_BYTES } from '../../protocol/limits.ts';
import { blockSha1s, type ExpectedDigest, PieceHasher } from './piece-hasher.ts';

function digest(algorithm: string, bytes: Uint8Array): Buffer {
  return createHash(algorithm).update(bytes).digest();
}

/** All leaves and nodes, zero hashes after the last. */
function naiveRoot(data: Uint8Array, leafCount: number): Buffer {
  let layer = Array.from({ length: leafCount }, (_, i) => {
    const block = data.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES);
    return block.length === 0 ? Buffer.alloc(32) : digest('sha256', block);
  });
  while (layer.length > 1) {
    const below = layer;
    layer = Array.from({ length: below.length / 2 }, (_, i) =>
      digest('sha256', Buffer.concat([below[2 * i]!, below[2 * i + 1]!])),
    );
  }
  return layer[0]!;
}

test('in one go or in parts, with or without the zeros at the end', () => {
  const pieces = fc.record({
    power: fc.nat(5),
    dataFraction: fc.double({ min: 0.01, max: 1, noNaN: true }),
    shortBytes: fc.nat(20_000),
    partBlocks: fc.integer({ min: 1, max: 40 }),
    v1: fc.boolean(),
    v2: fc.boolean(),
    spoiled: fc.option(fc.nat()),
  });
  fc.assert(
    fc.property(pieces, ({ power, dataFraction, shortBytes, partBlocks, v1, v2, spoiled }) => {
      const leafCount = 2 ** power;
      // A v1 piece at a torrent's end has any length; a v2 piece may have padding after its data.
      const pieceBytes = v2 ? leafCount * BLOCK_BYTES : Math.max(1, leafCount * BLOCK_BYTES - shortBytes);
      const dataBytes = Math.max(1, Math.floor(pieceBytes * dataFraction));
      const piece = new Uint8Array(pieceBytes);
      for (let i = 0; i < dataBytes; i += 997) piece[i] = (i % 251) | 1;
      const expected: ExpectedDigest = {
        sha1: v1 || !v2 ? digest('sha1', piece).toString('latin1') : '',
        merkleRoot: v2 ? naiveRoot(piece.subarray(0, dataBytes), leafCount).toString('latin1') : '',
        leafCount,
        dataBytes,
      };
      if (spoiled !== null) piece[spoiled % dataBytes]! ^= 1;
      for (const given of [piece, piece.subarray(0, dataBytes)]) {
        const whole = new PieceHasher(expected, pieceBytes);
        whole.update(given);
        expect(whole.matches()).toBe(spoiled === null);
        const parted = new PieceHasher(expected, pieceBytes);
        for (let start = 0; start < given.length; start += partBlocks * BLOCK_BYTES) {
          parted.update(given.subarray(start, start + partBlocks * BLOCK_BYTES));
        }
        expect(parted.matches()).toBe(spoiled === null);
      }
    }),
    { numRuns: 60 },
  );
});

test('each block has its own SHA-1', () => {
  const bytes = new Uint8Array(BLOCK_BYTES + 5).fill(3);
  const blocks = [bytes.subarray(0, BLOCK_BYTES), bytes.subarray(BLOCK_BYTES)];
  expect(blockSha1s(bytes)).toEqual(new Uint8Array(Buffer.concat(blocks.map((block) => digest('sha1', block)))));
  expect(blockSha1s(new Uint8Array(0))).toHaveLength(0);
});
