import { isIP } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { familyOf, formatIpAddress, normalizeIpAddress, parseIpAddress } from './ip-address.ts';

test('bytes survive the round trip through text, and the text is one that Node accepts', () => {
  const addresses = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
    // Many zeros, so that runs of zero groups are compressed in all places.
    fc.array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 }).map((bytes) => Uint8Array.from(bytes)),
  );
  fc.assert(
    fc.property(addresses, (bytes) => {
      const text = formatIpAddress(bytes)!;
      expect(isIP(text)).toBe(familyOf(text));
      const parsed = parseIpAddress(text)!;
      expect(parsed).toEqual(parsed.length === bytes.length ? bytes : bytes.subarray(12));
      expect(normalizeIpAddress(text.toUpperCase())).toBe(text);
    }),
  );
});

test('texts that are no address literals, as Node sees them too', () => {
  const characters = fc.constantFrom('0', '1', '25', '256', '.', ':', '::', 'a', 'F', 'g', '10000', '%1', ' ');
  fc.assert(
    fc.property(fc.array(characters, { maxLength: 16 }), (parts) => {
      const text = parts.join('');
      // Node also takes a zone; we do not.
      expect(parseIpAddress(text) !== undefined).toBe(isIP(text) !== 0 && !text.includes('%'));
    }),
    { numRuns: 500 },
  );
});

test.each([
  ['2001:db8:0:0:0:0:0:1', '2001:db8::1'],
  ['2001:0DB8:0:1:0:0:0:0', '2001:db8:0:1::'],
  ['1:0:0:2:0:0:3:4', '1::2:0:0:3:4'],
  ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
  ['::', '::'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
  ['127.0.0.1', '127.0.0.1'],
  ['127.0.0.01', undefined],
  ['1::2::3', undefined],
  ['1:2:3:4:5:6:7:8::', undefined],
  ['[::1]', undefined],
  ['tracker.example', undefined],
  ['', undefined],
])('%s is written %s', (text, expected) => {
  expect(normalizeIpAddress(text)).toBe(expected);
});
