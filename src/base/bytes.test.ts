import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  bytesEqual,
  bytesToHex,
  compareBytes,
  concatBytes,
  decodeUtf8,
  encodeUtf8,
  hexToBytes,
  readUint16,
  readUint32,
  writeUint16,
  writeUint32,
} from './bytes.ts';

test('hexadecimal round trip, and what is not hexadecimal', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(hexToBytes(bytesToHex(bytes))).toEqual(bytes);
      expect(hexToBytes(bytesToHex(bytes).toUpperCase())).toEqual(bytes);
    }),
  );
  const long = Uint8Array.from({ length: 5_000 }, (_, i) => i * 7);
  expect(bytesToHex(long)).toBe(Buffer.from(long).toString('hex'));
  expect(hexToBytes('abc')).toBeUndefined();
  expect(hexToBytes('zz')).toBeUndefined();
});

test('numbers round trip at any offset', () => {
  fc.assert(
    fc.property(fc.nat({ max: 0xffffffff }), fc.nat({ max: 5 }), (value, offset) => {
      const bytes = new Uint8Array(12);
      writeUint32(bytes, offset, value);
      expect(readUint32(bytes, offset)).toBe(value);
      writeUint16(bytes, offset, value);
      expect(readUint16(bytes, offset)).toBe(value & 0xffff);
    }),
  );
});

test('comparison agrees with equality and with order of concatenated prefixes', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (left, right) => {
      expect(compareBytes(left, right) === 0).toBe(bytesEqual(left, right));
      expect(Math.sign(compareBytes(left, right))).toBe(-Math.sign(compareBytes(right, left)) + 0);
      expect(concatBytes([left, right]).length).toBe(left.length + right.length);
    }),
  );
});

test('UTF-8 is decoded strictly', () => {
  expect(decodeUtf8(encodeUtf8('naïve 山'))).toBe('naïve 山');
  expect(decodeUtf8(Uint8Array.of(0xc3, 0x28))).toBeUndefined();
  expect(decodeUtf8(Uint8Array.of(0xed, 0xa0, 0x80))).toBeUndefined();
});
