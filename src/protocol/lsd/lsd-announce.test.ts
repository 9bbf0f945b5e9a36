import { expect, test } from 'vitest';
import { decodeUtf8Lenient, encodeUtf8 } from '../../base/bytes.ts';
import { randomBelow, randomBytes, seededRandom } from '../../base/random.ts';
import { LSD_DATAGRAM_MAX_BYTES, LSD_HASHES_MAX } from '../limits.ts';
import { decodeLsdAnnounce, encodeLsdAnnounce, LSD_GROUP_V4, LSD_GROUP_V6 } from './lsd-announce.ts';

const random = seededRandom(14);
const hashes = (count: number): Uint8Array[] =>
  Array.from({ length: count }, () => randomBytes(random, new Uint8Array(20)));

test('the bytes are those of BEP 14', () => {
  const infoHashes = [new Uint8Array(20).fill(0xab)];
  expect(decodeUtf8Lenient(encodeLsdAnnounce({ port: 6881, infoHashes, cookie: 'c0ffee' }, LSD_GROUP_V4))).toBe(
    `BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: 6881\r\nInfohash: ${'ab'.repeat(20)}\r\ncookie: c0ffee\r\n\r\n\r\n`,
  );
  const v6 = decodeUtf8Lenient(encodeLsdAnnounce({ port: 1, infoHashes, cookie: undefined }, LSD_GROUP_V6));
  expect(v6).toContain('Host: [ff15::efc0:988f]:6771\r\n');
});

test('LSD_HASHES_MAX info-hashes fit a datagram and are read, and no more than these', () => {
  for (const [count, read] of [
    [LSD_HASHES_MAX - 1, LSD_HASHES_MAX - 1],
    [LSD_HASHES_MAX, LSD_HASHES_MAX],
    [LSD_HASHES_MAX + 1, LSD_HASHES_MAX],
  ] as const) {
    const announce = { port: 65_535, infoHashes: hashes(count), cookie: 'f'.repeat(16) };
    const bytes = encodeLsdAnnounce(announce, LSD_GROUP_V6);
    expect(bytes.length).toBeLessThanOrEqual(LSD_DATAGRAM_MAX_BYTES);
    expect(decodeLsdAnnounce(bytes)).toEqual({ ...announce, infoHashes: announce.infoHashes.slice(0, read) });
  }
});

const HASH = '0123456789abcdef0123456789abcdef01234567';

test.each([
  [
    'other spellings and headers',
    `BT-SEARCH * HTTP/1.1\r\nhost:x\r\nX-New: y\r\nPORT:  80 \r\nINFOHASH:${HASH.toUpperCase()}\r\n\r\n`,
    80,
  ],
  ['the headers alone', `BT-SEARCH * HTTP/1.1\r\nPort: 80\r\nInfohash: ${HASH}`, 80],
  ['another method', `M-SEARCH * HTTP/1.1\r\nPort: 80\r\nInfohash: ${HASH}\r\n\r\n`, undefined],
  ['no port', `BT-SEARCH * HTTP/1.1\r\nInfohash: ${HASH}\r\n\r\n`, undefined],
  ['port 0', `BT-SEARCH * HTTP/1.1\r\nPort: 0\r\nInfohash: ${HASH}\r\n\r\n`, undefined],
  ['port 65536', `BT-SEARCH * HTTP/1.1\r\nPort: 65536\r\nInfohash: ${HASH}\r\n\r\n`, undefined],
  ['a signed port', `BT-SEARCH * HTTP/1.1\r\nPort: +80\r\nInfohash: ${HASH}\r\n\r\n`, undefined],
  ['a short info-hash', `BT-SEARCH * HTTP/1.1\r\nPort: 80\r\nInfohash: ${HASH.slice(1)}\r\n\r\n`, undefined],
  ['an info-hash after the end', `BT-SEARCH * HTTP/1.1\r\nPort: 80\r\n\r\nInfohash: ${HASH}\r\n`, undefined],
  ['nothing', '', undefined],
])('%s', (_name, text, port) => {
  expect(decodeLsdAnnounce(encodeUtf8(text))?.port).toBe(port);
});

test('a datagram of LSD_DATAGRAM_MAX_BYTES is read, a longer one is not', () => {
  const head = `BT-SEARCH * HTTP/1.1\r\nPort: 80\r\nInfohash: ${HASH}\r\nX: `;
  const text = head.padEnd(LSD_DATAGRAM_MAX_BYTES, 'x');
  expect(decodeLsdAnnounce(encodeUtf8(text))?.port).toBe(80);
  expect(decodeLsdAnnounce(encodeUtf8(`${text}x`))).toBeUndefined();
});

test('broken announces never throw', () => {
  for (let round = 0; round < 2_000; round++) {
    const bytes = encodeLsdAnnounce({ port: 6881, infoHashes: hashes(2), cookie: 'x' }, LSD_GROUP_V4);
    for (let i = randomBelow(random, 6); i >= 0; i--)
      bytes[randomBelow(random, bytes.length)] = randomBelow(random, 256);
    decodeLsdAnnounce(bytes.subarray(0, randomBelow(random, bytes.length + 1)));
  }
});
