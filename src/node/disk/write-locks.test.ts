import { expect, test } from 'vitest';
import { createWriteLocks, WriteLocks } from './write-locks.ts';

test('a lock is free again after the write, also after one that failed', () => {
  const memory = createWriteLocks();
  const locks = new WriteLocks(memory);
  const held: number[] = [];
  locks.hold(1, 2, () => held.push(new Int32Array(memory).filter((state) => state !== 0).length));
  expect(held).toEqual([1]);
  expect(() =>
    locks.hold(1, 2, () => {
      throw new Error('no room');
    }),
  ).toThrow('no room');
  expect(new Int32Array(memory).every((state) => state === 0)).toBe(true);
});

test('a lock that its holder never gives back is taken over', () => {
  const memory = createWriteLocks();
  const states = new Int32Array(memory).fill(1);
  const locks = new WriteLocks(memory, 1);
  let isDone = false;
  locks.hold(3, 4, () => {
    isDone = true;
  });
  expect(isDone).toBe(true);
  // Whoever comes next does not wait for the dead again.
  expect(states.filter((state) => state === 0)).toHaveLength(1);
});

test('without other threads there is nothing to hold', () => {
  let isDone = false;
  new WriteLocks(undefined).hold(1, 1, () => {
    isDone = true;
  });
  expect(isDone).toBe(true);
});
