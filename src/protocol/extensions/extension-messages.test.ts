// The small extension messages: ut_metadata (BEP 9), lt_donthave (BEP 54) and upload_only (BEP 21).
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesEqual, concatBytes, encodeUtf8 } from '../../base/bytes.ts';
import { bencode } from '../bencode/index.ts';
import { TORRENT_FILE_MAX_BYTES } from '../limits.ts';
import { decodeDontHave, encodeDontHave } from './lt-donthave.ts';
import { decodeUploadOnly, encodeUploadOnly } from './upload-only.ts';
import {
  decodeMetadataMessage,
  encodeMetadataData,
  encodeMetadataReject,
  encodeMetadataRequest,
  METADATA_PIECE_BYTES,
} from './ut-metadata.ts';

describe('ut_metadata', () => {
  test('the examples of BEP 9', () => {
    expect(encodeMetadataRequest(0)).toEqual(encodeUtf8('d8:msg_typei0e5:piecei0ee'));
    expect(decodeMetadataMessage(encodeUtf8('d8:msg_typei0e5:piecei0ee'))).toEqual({ type: 'request', piece: 0 });
    const data = encodeUtf8(`d8:msg_typei1e5:piecei0e10:total_sizei3425ee${'x'.repeat(3_425)}`);
    expect(decodeMetadataMessage(data)).toEqual({
      type: 'data',
      piece: 0,
      totalSizeBytes: 3_425,
      data: encodeUtf8('x'.repeat(3_425)),
    });
  });

  test('every part of a dictionary comes back as it was', () => {
    const size = fc.integer({ min: 1, max: 3 * METADATA_PIECE_BYTES + 5 });
    fc.assert(
      fc.property(size, (lengthBytes) => {
        const infoBytes = Uint8Array.from({ length: lengthBytes }, (_, i) => (i * 31 + (i >>> 14)) & 0xff);
        const parts: Uint8Array[] = [];
        for (let piece = 0; piece * METADATA_PIECE_BYTES < lengthBytes; piece++) {
          const message = decodeMetadataMessage(encodeMetadataData(piece, infoBytes));
          if (message?.type !== 'data') throw new Error('no data message');
          expect(message.piece).toBe(piece);
          expect(message.totalSizeBytes).toBe(lengthBytes);
          parts.push(message.data);
        }
        expect(bytesEqual(concatBytes(parts), infoBytes)).toBe(true);
      }),
      { numRuns: 20 },
    );
    expect(decodeMetadataMessage(encodeMetadataRequest(7))).toEqual({ type: 'request', piece: 7 });
    expect(decodeMetadataMessage(encodeMetadataReject(8))).toEqual({ type: 'reject', piece: 8 });
  });

  test.each([
    ['an unknown type', { msg_type: 3, piece: 0 }, 0],
    ['no type', { piece: 0 }, 0],
    ['no piece', { msg_type: 0 }, 0],
    ['a negative piece', { msg_type: 0, piece: -1 }, 0],
    ['no total size', { msg_type: 1, piece: 0 }, 10],
    ['a byte too few', { msg_type: 1, piece: 0, total_size: 11 }, 10],
    ['a byte too many', { msg_type: 1, piece: 0, total_size: 9 }, 10],
    ['more than a part', { msg_type: 1, piece: 0, total_size: 100_000 }, METADATA_PIECE_BYTES + 1],
    ['a part behind the end', { msg_type: 1, piece: 1, total_size: METADATA_PIECE_BYTES }, 0],
    ['a negative size', { msg_type: 1, piece: 0, total_size: -5 }, 0],
  ])('%s is ignored', (_, dictionary, trailingBytes) => {
    const payload = concatBytes([bencode(dictionary), new Uint8Array(trailingBytes)]);
    expect(decodeMetadataMessage(payload)).toBeUndefined();
  });

  test('the largest dictionary, and one byte more', () => {
    const limit = TORRENT_FILE_MAX_BYTES;
    const last = limit / METADATA_PIECE_BYTES - 1;
    const data = (piece: number, total: number, length: number) =>
      decodeMetadataMessage(concatBytes([bencode({ msg_type: 1, piece, total_size: total }), new Uint8Array(length)]));
    expect(data(last, limit - 1, METADATA_PIECE_BYTES - 1)?.type).toBe('data');
    expect(data(last, limit, METADATA_PIECE_BYTES)?.type).toBe('data');
    expect(data(0, limit + 1, METADATA_PIECE_BYTES)).toBeUndefined();
    expect(decodeMetadataMessage(encodeMetadataRequest(last))?.piece).toBe(last);
    expect(decodeMetadataMessage(encodeMetadataRequest(last + 1))).toBeUndefined();
    expect(decodeMetadataMessage(bencode({ msg_type: 0, piece: 2n ** 64n }))).toBeUndefined();
  });

  test('random bytes never throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void decodeMetadataMessage(bytes)));
  });
});

test('lt_donthave is a piece index and nothing else', () => {
  expect(decodeDontHave(encodeDontHave(0xdeadbeef))).toBe(0xdeadbeef);
  for (const length of [0, 3, 5]) expect(decodeDontHave(new Uint8Array(length))).toBeUndefined();
});

test('upload_only is one byte', () => {
  expect(decodeUploadOnly(encodeUploadOnly(true))).toBe(true);
  expect(decodeUploadOnly(encodeUploadOnly(false))).toBe(false);
  expect(decodeUploadOnly(Uint8Array.of(7))).toBe(true);
  for (const length of [0, 2]) expect(decodeUploadOnly(new Uint8Array(length))).toBeUndefined();
});
