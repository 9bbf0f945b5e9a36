import fc from 'fast-check';
import { expect, test } from 'vitest';
import { randomBelow, randomFraction, seededRandom, shuffle } from './random.ts';

test('one seed, one sequence', () => {
  const draw = (seed: number): number[] => {
    const random = seededRandom(seed);
    return Array.from({ length: 5 }, () => random.uint32());
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
});

test('numbers stay below their limit and a shuffle keeps its items', () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 1000 }), (seed, limit) => {
      const random = seededRandom(seed);
      const value = randomBelow(random, limit);
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThan(limit);
      expect(randomFraction(random)).toBeLessThan(1);
      const items = Array.from({ length: limit % 50 }, (_, index) => index);
      expect(shuffle(random, [...items]).sort((a, b) => a - b)).toEqual(items);
    }),
  );
});
