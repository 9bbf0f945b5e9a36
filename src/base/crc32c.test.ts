import { expect, test } from 'vitest';
import { hexToBytes } from './bytes.ts';
import { crc32c } from './crc32c.ts';

// RFC 3720, appendix B.4, the check value of the catalogue of CRCs, and the examples of BEP 40.
test.each([
  [new Uint8Array(), 0],
  [new TextEncoder().encode('123456789'), 0xe3069283],
  [new Uint8Array(32), 0x8a9136aa],
  [new Uint8Array(32).fill(0xff), 0x62a8ab43],
  [Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  [Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
  [hexToBytes('624c14007bd50000')!, 0xec2d7224],
  [hexToBytes('7bd5200a7bd520ea')!, 0x99568189],
])('of %o is %i', (bytes, expected) => {
  expect(crc32c(bytes)).toBe(expected);
});
