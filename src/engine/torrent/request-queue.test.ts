import fc from 'fast-check';
import { expect, test } from 'vitest';
import { INCOMING_REQUESTS_MAX } from '../../protocol/limits.ts';
import { RequestQueue } from './request-queue.ts';

const BLOCK = 16_384;

test('consecutive blocks of one piece leave as one batch', () => {
  const queue = new RequestQueue();
  for (const [piece, block] of [
    [3, 0],
    [3, 1],
    [3, 3],
    [4, 4],
  ] as const) {
    queue.add(piece, block * BLOCK, BLOCK);
  }
  expect(queue.takeBatch(1 << 20)).toEqual({ pieceIndex: 3, begin: 0, lengths: [BLOCK, BLOCK], totalBytes: 2 * BLOCK });
  expect(queue.takeBatch(1 << 20)?.begin).toBe(3 * BLOCK);
  expect(queue.takeBatch(1 << 20)?.pieceIndex).toBe(4);
  expect(queue.takeBatch(1 << 20)).toBeUndefined();
});

test('a batch stays within its bytes, but is never empty', () => {
  const queue = new RequestQueue();
  for (let block = 0; block < 4; block++) queue.add(0, block * BLOCK, BLOCK);
  expect(queue.takeBatch(1)?.lengths).toHaveLength(1);
  expect(queue.takeBatch(2 * BLOCK)?.lengths).toHaveLength(2);
});

test('holds INCOMING_REQUESTS_MAX and refuses one more', () => {
  const queue = new RequestQueue();
  for (let i = 0; i < INCOMING_REQUESTS_MAX - 1; i++) expect(queue.add(i, 0, BLOCK)).toBe(true);
  expect(queue.add(INCOMING_REQUESTS_MAX, 0, BLOCK)).toBe(true);
  expect(queue.add(INCOMING_REQUESTS_MAX + 1, 0, BLOCK)).toBe(false);
  expect(queue.length).toBe(INCOMING_REQUESTS_MAX);
});

test('blocks that start at one place and differ in length are two, each of them once', () => {
  const queue = new RequestQueue();
  for (const length of [BLOCK, 100, BLOCK, 100]) queue.add(5, 0, length);
  expect(queue.length).toBe(2);
  expect(queue.cancel(5, 0, BLOCK)).toBe(true);
  expect(queue.cancel(5, 0, BLOCK)).toBe(false);
  queue.add(5, 0, 100);
  expect(queue.length).toBe(1);
  expect(queue.drop()).toHaveLength(1);
  queue.add(5, 0, 100);
  expect(queue.takeBatch(1)?.lengths).toEqual([100]);
  expect(queue.cancel(5, 0, 100)).toBe(false);
});

// Goal: nothing is lost or served twice. Method: random adds and cancels against a list, then drain.
test('what was asked and not cancelled is served once, in order', () => {
  const command = fc.record({ cancel: fc.boolean(), piece: fc.nat({ max: 3 }), block: fc.nat({ max: 5 }) });
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const queue = new RequestQueue();
      let model: string[] = [];
      for (const { cancel, piece, block } of commands) {
        const key = `${piece}:${block * BLOCK}`;
        if (cancel) {
          expect(queue.cancel(piece, block * BLOCK, BLOCK)).toBe(model.includes(key));
          model = model.filter((other) => other !== key);
        } else {
          queue.add(piece, block * BLOCK, BLOCK);
          if (!model.includes(key)) model.push(key);
        }
      }
      const served: string[] = [];
      for (let batch = queue.takeBatch(4 * BLOCK); batch !== undefined; batch = queue.takeBatch(4 * BLOCK)) {
        for (let i = 0; i < batch.lengths.length; i++) served.push(`${batch.pieceIndex}:${batch.begin + i * BLOCK}`);
      }
      expect(served).toEqual(model);
    }),
  );
});

test('drop returns what it dropped and keeps what it is told to', () => {
  const queue = new RequestQueue();
  queue.add(1, 0, BLOCK);
  queue.add(2, 0, BLOCK);
  expect(queue.drop(({ pieceIndex }) => pieceIndex === 2)).toEqual([{ pieceIndex: 1, begin: 0, length: BLOCK }]);
  expect(queue.length).toBe(1);
});
