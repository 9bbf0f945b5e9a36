import { expect, test } from 'vitest';
import { BLOCK_BYTES, SEND_BUFFER_TOTAL_MAX_BYTES } from '../../protocol/limits.ts';
import { PIECE_HEADER_BYTES } from '../../protocol/wire/wire-encoder.ts';
import { BATCH_BLOCKS_MAX, SendBuffers } from './send-buffers.ts';

const MESSAGE_BYTES = BLOCK_BYTES + PIECE_HEADER_BYTES;

test('a buffer of each size is used again, and is not twice as large as what was asked for', () => {
  const buffers = new SendBuffers();
  for (let blocks = 1; blocks <= BATCH_BLOCKS_MAX; blocks++) {
    const bytes = blocks * MESSAGE_BYTES - 5;
    const buffer = buffers.take(bytes);
    expect(buffer.length).toBeGreaterThanOrEqual(bytes);
    expect(buffer.length).toBeLessThan(2 * bytes + 10);
    expect(buffers.usedBytes).toBe(buffer.length);
    buffers.release(buffer);
    expect(buffers.take(bytes)).toBe(buffer);
    buffers.release(buffer);
  }
  expect(buffers.usedBytes).toBe(0);
});

test('crumbs take what they are, and are not kept', () => {
  const buffers = new SendBuffers();
  const crumb = buffers.take(14);
  expect(crumb).toHaveLength(14);
  buffers.release(crumb);
  expect([buffers.usedBytes, buffers.keptBytes]).toEqual([0, 0]);
});

test('what is used and what is kept is bounded', () => {
  const buffers = new SendBuffers();
  const taken: Uint8Array[] = [];
  while (buffers.hasRoom) taken.push(buffers.take((taken.length % BATCH_BLOCKS_MAX) * MESSAGE_BYTES + MESSAGE_BYTES));
  expect(buffers.usedBytes).toBeLessThanOrEqual(SEND_BUFFER_TOTAL_MAX_BYTES);
  for (const buffer of taken) buffers.release(buffer);
  expect(buffers.usedBytes).toBe(0);
  expect(buffers.keptBytes).toBeGreaterThan(15 * BATCH_BLOCKS_MAX * MESSAGE_BYTES);
  expect(buffers.keptBytes).toBeLessThanOrEqual(16 * BATCH_BLOCKS_MAX * MESSAGE_BYTES);
});

test('it is crowded from sixteen whole batches on', () => {
  const buffers = new SendBuffers();
  const taken: Uint8Array[] = [];
  for (let i = 0; i < 16; i++) {
    expect(buffers.isCrowded).toBe(false);
    taken.push(buffers.take(BATCH_BLOCKS_MAX * MESSAGE_BYTES));
  }
  expect(buffers.isCrowded).toBe(true);
  buffers.release(taken[0]!);
  expect(buffers.isCrowded).toBe(false);
});
