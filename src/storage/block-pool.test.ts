import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BLOCK_BYTES, SLAB_BYTES } from '../protocol/limits.ts';
import { BlockPool, type Slab } from './block-pool.ts';

const MIB = 1024 * 1024;

function expectDisjoint(slabs: readonly Slab[]): void {
  const ranges = new Map<ArrayBufferLike, [number, number][]>();
  for (const { bytes } of slabs) {
    const others = ranges.get(bytes.buffer) ?? [];
    for (const [start, end] of others) {
      expect(bytes.byteOffset >= end || bytes.byteOffset + bytes.length <= start).toBe(true);
    }
    others.push([bytes.byteOffset, bytes.byteOffset + bytes.length]);
    ranges.set(bytes.buffer, others);
  }
}

test('no byte is handed out twice, and the bound holds', () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ take: fc.integer({ min: 1, max: 64 }), exact: fc.boolean() }),
      fc.record({ release: fc.nat() }),
      fc.constant('trim' as const),
    ),
    { maxLength: 100 },
  );
  fc.assert(
    fc.property(steps, (commands) => {
      const pool = new BlockPool({ maxBytes: 12 * MIB, shared: false });
      const taken: Slab[] = [];
      for (const command of commands) {
        if (command === 'trim') pool.trim();
        else if ('take' in command) {
          const length = command.take * BLOCK_BYTES - (command.exact ? 0 : 100);
          const slab = pool.take(length);
          if (slab !== undefined) {
            expect(slab.bytes.length).toBeGreaterThanOrEqual(length);
            taken.push(slab);
          }
        } else if (taken.length > 0) pool.release(taken.splice(command.release % taken.length, 1)[0]!);
        expect(pool.heldBytes).toBeLessThanOrEqual(12 * MIB);
        expect(pool.usedBytes).toBe(taken.reduce((sum, slab) => sum + slab.bytes.length, 0));
      }
      expectDisjoint(taken);
      for (const slab of taken) pool.release(slab);
      expect(pool.usedBytes).toBe(0);
      pool.trim();
      expect(pool.heldBytes).toBe(0);
    }),
  );
});

test('all of the bound can be used, then nothing, then again', () => {
  const pool = new BlockPool({ maxBytes: 8 * MIB, shared: true });
  const slabs = Array.from({ length: 8 }, () => pool.take(SLAB_BYTES)!);
  expectDisjoint(slabs);
  expect(slabs.every(({ bytes }) => bytes.buffer instanceof SharedArrayBuffer)).toBe(true);
  expect(pool.take(1)).toBeUndefined();
  pool.release(slabs[3]!);
  expect(pool.take(SLAB_BYTES)!.bytes).toBe(slabs[3]!.bytes);
});

test('idle memory of one size is used for another size', () => {
  const pool = new BlockPool({ maxBytes: 8 * MIB, shared: false });
  const large = pool.take(SLAB_BYTES)!;
  pool.release(large);
  const small = pool.take(BLOCK_BYTES)!;
  expect(small.bytes.buffer).toBe(large.bytes.buffer);
  expect(pool.heldBytes).toBe(4 * MIB);
});

test('a used slab comes back zeroed where it is asked to be', () => {
  const pool = new BlockPool({ maxBytes: 4 * MIB, shared: false });
  const slab = pool.take(BLOCK_BYTES)!;
  slab.bytes.fill(7);
  pool.release(slab);
  const again = pool.take(10_000, 9_000)!;
  expect(again.bytes).toBe(slab.bytes);
  expect(again.bytes.indexOf(0)).toBe(9_000);
  expect(again.bytes.lastIndexOf(7)).toBe(8_999);
});

test('misuse is our bug', () => {
  const pool = new BlockPool({ maxBytes: 4 * MIB, shared: false });
  const slab = pool.take(1)!;
  pool.release(slab);
  expect(() => pool.release(slab)).toThrow(/once/);
  expect(() => pool.release({ bytes: new Uint8Array(1) })).toThrow(/once/);
  expect(() => pool.take(0)).toThrow();
  expect(() => pool.take(SLAB_BYTES + 1)).toThrow();
});
