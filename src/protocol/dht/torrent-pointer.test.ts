import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeUtf8, hexToBytes } from '../../base/bytes.ts';
import { decodeByteString, decodeTorrentPointer, encodeTorrentPointer } from './torrent-pointer.ts';

const INFO_HASH = hexToBytes('0123456789abcdef0123456789abcdef01234567')!;

test('a pointer is a dictionary with the info-hash (BEP 46)', () => {
  const value = encodeTorrentPointer(INFO_HASH);
  expect(value.subarray(0, 8)).toEqual(encodeUtf8('d2:ih20:'));
  expect(decodeTorrentPointer(value)).toEqual(INFO_HASH);
  expect(decodeByteString(value)).toBeUndefined();
});

test('other keys beside it do not matter; another length or kind is no pointer', () => {
  expect(decodeTorrentPointer(encodeUtf8('d1:ai1e2:ih20:aaaaaaaaaaaaaaaaaaaa1:zlee'))).toEqual(
    encodeUtf8('a'.repeat(20)),
  );
  for (const text of ['d2:ih19:aaaaaaaaaaaaaaaaaaae', 'd2:ihi1ee', '20:aaaaaaaaaaaaaaaaaaaa', 'de', 'd2:ih', '']) {
    expect(decodeTorrentPointer(encodeUtf8(text)), text).toBeUndefined();
  }
});

test('any bytes are read or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      decodeTorrentPointer(bytes);
      decodeByteString(bytes);
    }),
  );
  expect(decodeByteString(encodeUtf8('2:hi'))).toEqual(encodeUtf8('hi'));
});
