import fc from 'fast-check';
import { expect, test } from 'vitest';
import { copyBytes } from './copy-bytes.ts';

test.each([
  ['shared', (length: number) => new Uint8Array(new SharedArrayBuffer(length + 3), 3)],
  ['ordinary', (length: number) => new Uint8Array(length)],
])('copies a range into %s memory and touches nothing beside it', (_, allocate) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(60), fc.nat(60), fc.nat(20), (source, a, b, offset) => {
      const start = Math.min(a, b, source.length);
      const end = Math.min(Math.max(a, b), source.length);
      const target = allocate(100);
      const expected = new Uint8Array(100);
      expected.set(source.subarray(start, end), offset);
      copyBytes(target, offset, source, start, end);
      expect([...target]).toEqual([...expected]);
    }),
  );
});
