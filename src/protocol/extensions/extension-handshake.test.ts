import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeUtf8 } from '../../base/bytes.ts';
import { bencode } from '../bencode/index.ts';
import {
  BENCODE_WIRE_DEPTH_MAX,
  BENCODE_WIRE_TOKENS_MAX,
  EXTENSIONS_PER_PEER_MAX,
  PEER_REQUEST_QUEUE_MAX,
  PEER_TEXT_MAX_BYTES,
  TORRENT_FILE_MAX_BYTES,
} from '../limits.ts';
import { decodeExtensionHandshake, type ExtensionHandshake, encodeExtensionHandshake } from './extension-handshake.ts';

const text = (payload: string): Uint8Array => Uint8Array.from(payload, (character) => character.charCodeAt(0));
const decode = (payload: string): ExtensionHandshake | undefined => decodeExtensionHandshake(text(payload));

test('round trip', () => {
  const address = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
  const name = fc.string({ maxLength: 20 }).map((value) => value.replace(/[^ -~]/g, '_'));
  const handshake: fc.Arbitrary<ExtensionHandshake> = fc.record({
    messages: fc.array(fc.tuple(name, fc.nat(255)), { maxLength: 20 }).map((entries) => new Map(entries)),
    client: optional(fc.constantFrom('', 'Millrace 0.1', 'µTorrent 1.2', '山'.repeat(42))),
    listenPort: optional(fc.integer({ min: 1, max: 65_535 })),
    requestQueue: optional(fc.integer({ min: 1, max: PEER_REQUEST_QUEUE_MAX })),
    yourAddress: optional(fc.oneof(address(4), address(16))),
    ipv4: optional(address(4)),
    ipv6: optional(address(16)),
    metadataSizeBytes: optional(fc.integer({ min: 1, max: TORRENT_FILE_MAX_BYTES })),
    uploadOnly: optional(fc.boolean()),
  });
  fc.assert(
    fc.property(handshake, (value) => {
      expect(decodeExtensionHandshake(encodeExtensionHandshake(value))).toEqual(value);
    }),
  );
});

// BEP 10 counts six bytes for µT_PEX, so that its µ is one byte, and two in the client name.
test('the example of BEP 10, and the one of BEP 21', () => {
  const bep10 = decode('d1:md11:LT_metadatai1e6:\xb5T_PEXi2ee1:pi6881e1:v13:\xc2\xb5Torrent 1.2e');
  expect(bep10?.client).toBe('µTorrent 1.2');
  expect(bep10?.listenPort).toBe(6881);
  expect(bep10?.messages.get('LT_metadata')).toBe(1);
  expect(decode('d1:md11:ut_metadatai3ee11:upload_onlyi1ee')?.uploadOnly).toBe(true);
});

test('an empty dictionary says nothing', () => {
  expect(decode('de')).toEqual({ messages: new Map() });
});

test.each(['', 'i1e', 'le', '2:de', 'd', 'd1:m', 'dx', 'd1:pi-0ee'])('%j is none', (payload) => {
  expect(decode(payload)).toBeUndefined();
});

test('random bytes never throw', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void decodeExtensionHandshake(bytes)));
});

describe('claims out of range are as good as absent, and cost nothing', () => {
  test.each([
    ['d1:pi0ee', 'listenPort', undefined],
    ['d1:pi65535ee', 'listenPort', 65_535],
    ['d1:pi65536ee', 'listenPort', undefined],
    ['d1:pi-1ee', 'listenPort', undefined],
    ['d4:reqqi-1ee', 'requestQueue', 1],
    ['d4:reqqi0ee', 'requestQueue', 1],
    ['d4:reqqi1ee', 'requestQueue', 1],
    ['d4:reqqi1999ee', 'requestQueue', 1_999],
    ['d4:reqqi2000ee', 'requestQueue', 2_000],
    ['d4:reqqi2001ee', 'requestQueue', 2_000],
    ['d4:reqqi2147483648ee', 'requestQueue', 2_000],
    ['d4:reqqi18446744073709551616ee', 'requestQueue', undefined],
    ['d4:reqq1:5e', 'requestQueue', undefined],
    ['d13:metadata_sizei0ee', 'metadataSizeBytes', undefined],
    ['d13:metadata_sizei16777215ee', 'metadataSizeBytes', 16_777_215],
    ['d13:metadata_sizei16777216ee', 'metadataSizeBytes', 16_777_216],
    ['d13:metadata_sizei16777217ee', 'metadataSizeBytes', undefined],
    ['d13:metadata_sizei1099511627776ee', 'metadataSizeBytes', undefined],
    ['d11:upload_onlyi0ee', 'uploadOnly', false],
    ['d11:upload_onlyi7ee', 'uploadOnly', true],
    ['d6:yourip3:abce', 'yourAddress', undefined],
    ['d6:yourip4:abcde', 'yourAddress', text('abcd')],
    ['d6:yourip5:abcdee', 'yourAddress', undefined],
    ['d6:yourip16:0123456789abcdefe', 'yourAddress', text('0123456789abcdef')],
    ['d4:ipv416:0123456789abcdefe', 'ipv4', undefined],
    ['d4:ipv64:abcde', 'ipv6', undefined],
    ['d1:vi1ee', 'client', undefined],
  ] as const)('%s: %s is %j', (payload, key, value) => {
    const handshake = decode(payload);
    expect(handshake).toBeDefined();
    expect(handshake![key]).toEqual(value);
  });

  test('ids are bytes; whatever is none is left out', () => {
    const handshake = decode('d1:md1:ai0e1:bi255e1:ci256e1:di-1e1:e1:1e1:fleee');
    expect([...handshake!.messages]).toEqual([
      ['a', 0],
      ['b', 255],
    ]);
    expect(decode('d1:mi1ee')?.messages.size).toBe(0);
  });

  test('names: the first 64, of 128 bytes at most', () => {
    const named = (count: number) =>
      decodeExtensionHandshake(
        bencode({ m: Object.fromEntries(Array.from({ length: count }, (_, i) => [`name${i}`, 1])) }),
      )?.messages.size;
    const limit = EXTENSIONS_PER_PEER_MAX;
    expect([limit - 1, limit, limit + 1, 400].map(named)).toEqual([limit - 1, limit, limit, limit]);
    const long = (length: number) =>
      decodeExtensionHandshake(bencode({ m: { ['x'.repeat(length)]: 1 } }))?.messages.size;
    const max = PEER_TEXT_MAX_BYTES;
    expect([max - 1, max, max + 1].map(long)).toEqual([1, 1, 0]);
  });

  test('the client name: 128 bytes at most, cut between characters', () => {
    const client = (value: string | Uint8Array) => decodeExtensionHandshake(bencode({ v: value }))?.client;
    const max = PEER_TEXT_MAX_BYTES;
    expect(client('x'.repeat(max - 1))).toBe('x'.repeat(max - 1));
    expect(client('x'.repeat(max))).toBe('x'.repeat(max));
    expect(client('x'.repeat(max + 1))).toBe('x'.repeat(max));
    expect(client('x'.repeat(max - 2) + '山')).toBe('x'.repeat(max - 2));
    expect(client('x'.repeat(max - 3) + '😀')).toBe('x'.repeat(max - 3));
    expect(client('😀'.repeat(100))).toBe('😀'.repeat(32));
    expect(client(Uint8Array.of(0x41, 0xff))).toBe('A\ufffd');
    expect(client(new Uint8Array(1_000).fill(0x80))!.length).toBeLessThanOrEqual(max);
  });

  test('depth and tokens are limited', () => {
    const nested = (depth: number) => decode(`d1:x${'l'.repeat(depth - 1)}${'e'.repeat(depth - 1)}e`);
    expect(nested(BENCODE_WIRE_DEPTH_MAX - 1)).toBeDefined();
    expect(nested(BENCODE_WIRE_DEPTH_MAX)).toBeDefined();
    expect(nested(BENCODE_WIRE_DEPTH_MAX + 1)).toBeUndefined();
    // The dictionary, its end, the key, the list and its end are five.
    const items = (tokens: number) => decode(`d1:xl${'0:'.repeat(tokens - 5)}ee`);
    expect(items(BENCODE_WIRE_TOKENS_MAX - 1)).toBeDefined();
    expect(items(BENCODE_WIRE_TOKENS_MAX)).toBeDefined();
    expect(items(BENCODE_WIRE_TOKENS_MAX + 1)).toBeUndefined();
  });

  test('keys that JavaScript objects know are names like any other', () => {
    const handshake = decode('d9:__proto__i1e1:md9:__proto__i7e11:constructori8eee');
    expect(handshake?.messages.get('__proto__')).toBe(7);
    expect(handshake?.messages.get('constructor')).toBe(8);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  test('nothing is borrowed from the payload', () => {
    const payload = text('d6:yourip4:abcd1:v2:MRe');
    const handshake = decodeExtensionHandshake(payload);
    payload.fill(0);
    expect(handshake?.yourAddress).toEqual(encodeUtf8('abcd'));
    expect(handshake?.client).toBe('MR');
  });
});
