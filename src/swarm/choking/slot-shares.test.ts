import fc from 'fast-check';
import { expect, test } from 'vitest';
import { optimisticSlots, shareSlots } from './slot-shares.ts';

test('one slot in five goes round, and at least one; a single one every fourth turn', () => {
  expect([0, 2, 4, 5, 9, 10, 100].map((slots) => optimisticSlots(slots, 0))).toEqual([0, 1, 1, 1, 1, 2, 20]);
  expect([0, 1, 2, 3, 4, 5, 6, 7].map((turn) => optimisticSlots(1, turn))).toEqual([0, 0, 0, 1, 0, 0, 0, 1]);
});

test('torrents share alike, and what one cannot use the others get', () => {
  expect(shareSlots(8, [50])).toEqual([8]);
  expect(shareSlots(8, [50, 50])).toEqual([4, 4]);
  expect(shareSlots(8, [1, 50])).toEqual([1, 7]);
  expect(shareSlots(9, [50, 2, 50])).toEqual([3, 2, 4]);
  expect(shareSlots(5, [9, 0, 9, 9])).toEqual([1, 0, 2, 2]);
  expect(shareSlots(2, [9, 9, 9])).toEqual([1, 1, 1]);
});

test('any torrents: nobody who waits has none, nobody gets more than it can use, and none is left over', () => {
  const anyDemands = fc.array(fc.nat({ max: 60 }), { maxLength: 12 });
  fc.assert(
    fc.property(fc.nat({ max: 100 }), anyDemands, (total, demands) => {
      const shares = shareSlots(total, demands);
      const least = demands.filter((demand) => demand > 0).length;
      const wanted = demands.reduce((sum, demand) => sum + demand, 0);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBe(Math.min(wanted, Math.max(total, least)));
      for (const [index, share] of shares.entries()) {
        expect(share).toBeLessThanOrEqual(demands[index]!);
        expect(share > 0).toBe(demands[index]! > 0);
        // Who has fewer than another has all that it can use, or one less.
        for (const other of shares) if (share < other - 1) expect(share).toBe(demands[index]);
      }
    }),
  );
});
