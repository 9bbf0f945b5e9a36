import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bitfield } from './bitfield.ts';

// Goal: the bitfield is a set. Method: the same random commands on it and on a Set.
test('behaves like a set and counts its members', () => {
  const command = fc.record({ add: fc.boolean(), index: fc.integer({ min: -2, max: 40 }) });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 37 }), fc.array(command, { maxLength: 80 }), (length, commands) => {
      const bitfield = new Bitfield(length);
      const model = new Set<number>();
      for (const { add, index } of commands) {
        const inside = index >= 0 && index < length;
        const changes = inside && model.has(index) !== add;
        expect(add ? bitfield.add(index) : bitfield.delete(index)).toBe(changes);
        if (changes) add ? model.add(index) : model.delete(index);
      }
      expect(bitfield.count).toBe(model.size);
      expect([...bitfield.indexes()]).toEqual([...model].sort((a, b) => a - b));
      expect([...Bitfield.fromBytes(bitfield.toBytes(), length)!.indexes()]).toEqual([...bitfield.indexes()]);
    }),
  );
});

test('setAll leaves the spare bits clear', () => {
  expect(Bitfield.full(11).toBytes()).toEqual(Uint8Array.of(0xff, 0xe0));
  expect(Bitfield.full(8).toBytes()).toEqual(Uint8Array.of(0xff));
  expect(Bitfield.full(0).toBytes()).toEqual(new Uint8Array(0));
});

test('fromBytes refuses a wrong size and spare bits', () => {
  expect(Bitfield.fromBytes(Uint8Array.of(0xff), 9)).toBeUndefined();
  expect(Bitfield.fromBytes(Uint8Array.of(0xff, 0x80, 0), 9)).toBeUndefined();
  expect(Bitfield.fromBytes(Uint8Array.of(0xff, 0xc0), 9)).toBeUndefined();
  expect(Bitfield.fromBytes(Uint8Array.of(0xff, 0x80), 9)?.count).toBe(9);
});

test('hasAnyMissingFrom compares members', () => {
  const left = new Bitfield(20);
  const right = new Bitfield(20);
  expect(left.hasAnyMissingFrom(right)).toBe(false);
  left.add(19);
  expect(left.hasAnyMissingFrom(right)).toBe(true);
  expect(right.hasAnyMissingFrom(left)).toBe(false);
  right.setAll();
  expect(left.hasAnyMissingFrom(right)).toBe(false);
});

test('intersection: the common members, one after the other', () => {
  const members = fc.uniqueArray(fc.nat({ max: 50 }));
  fc.assert(
    fc.property(members, members, fc.nat({ max: 60 }), (left, right, from) => {
      const [a, b] = [new Bitfield(51), new Bitfield(51)];
      for (const index of left) a.add(index);
      for (const index of right) b.add(index);
      const common = left.filter((index) => right.includes(index)).sort((x, y) => x - y);
      expect(a.intersects(b)).toBe(common.length > 0);
      expect(a.nextCommon(b, from)).toBe(common.find((index) => index >= from) ?? -1);
    }),
  );
});
