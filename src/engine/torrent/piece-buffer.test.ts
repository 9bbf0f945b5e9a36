import { expect, test } from 'vitest';
import { BLOCK_BYTES, SLAB_BYTES } from '../../protocol/limits.ts';
import { BlockPool } from '../../storage/block-pool.ts';
import { PieceBuffer } from './piece-buffer.ts';

const MIB = 1024 * 1024;

test('padding behind the last block takes no memory', () => {
  const pool = new BlockPool({ maxBytes: 4 * MIB, shared: false });
  const buffer = new PieceBuffer(pool, 0, 16 * MIB, 3 * BLOCK_BYTES + 1);
  expect(buffer.isInParts).toBe(false);
  for (let block = 0; block < 4; block++) expect(buffer.slabAt(block * BLOCK_BYTES)).toBeDefined();
  expect(pool.usedBytes).toBe(4 * BLOCK_BYTES);
  for (let block = 0; block < 3; block++) expect(buffer.handleBlock(block * BLOCK_BYTES)).toBeUndefined();
  const filled = buffer.handleBlock(3 * BLOCK_BYTES)!;
  expect([filled.offset, filled.length]).toEqual([0, 3 * BLOCK_BYTES + 1]);
});

test('in parts, the last block is made up with zeros, whoever used the memory before', () => {
  const pool = new BlockPool({ maxBytes: 4 * MIB, shared: false });
  const used = pool.take(2 * BLOCK_BYTES)!;
  used.bytes.fill(7);
  pool.release(used);
  const buffer = new PieceBuffer(pool, 0, 4 * SLAB_BYTES, SLAB_BYTES + BLOCK_BYTES + 5);
  expect(buffer.slabAt(SLAB_BYTES)!.bytes).toBe(used.bytes);
  expect(used.bytes.indexOf(0)).toBe(BLOCK_BYTES + 5);
  expect(buffer.blockBytes(SLAB_BYTES + BLOCK_BYTES).lastIndexOf(7)).toBe(4);
  expect(buffer.blockBytes(SLAB_BYTES + BLOCK_BYTES)).toHaveLength(BLOCK_BYTES);
});

test('a piece never reaches beyond its end', () => {
  const pool = new BlockPool({ maxBytes: 8 * MIB, shared: false });
  const buffer = new PieceBuffer(pool, 0, SLAB_BYTES + BLOCK_BYTES + 9, SLAB_BYTES + BLOCK_BYTES + 5);
  buffer.slabAt(SLAB_BYTES);
  expect(buffer.blockBytes(SLAB_BYTES + BLOCK_BYTES)).toHaveLength(9);
  buffer.handleBlock(SLAB_BYTES);
  expect(buffer.handleBlock(SLAB_BYTES + BLOCK_BYTES)?.length).toBe(BLOCK_BYTES + 9);
});

test('more bytes than a slab holds come in parts, as many as have bytes', () => {
  const pool = new BlockPool({ maxBytes: 8 * MIB, shared: false });
  const buffer = new PieceBuffer(pool, 0, 4 * SLAB_BYTES, SLAB_BYTES + 1);
  expect(buffer.isInParts).toBe(true);
  buffer.slabAt(0);
  buffer.slabAt(SLAB_BYTES);
  expect(pool.usedBytes).toBe(SLAB_BYTES + BLOCK_BYTES);
  const filled = buffer.handleBlock(SLAB_BYTES)!;
  expect([filled.offset, filled.length]).toEqual([SLAB_BYTES, BLOCK_BYTES]);
  pool.release(filled.slab);
  buffer.release();
  expect(pool.usedBytes).toBe(0);
});
