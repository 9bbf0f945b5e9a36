import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesToHex, encodeUtf8 } from '../../base/bytes.ts';
import { decodeHandshake, encodeHandshake, HANDSHAKE_BYTES, HandshakeReader } from './handshake.ts';
import { violationOf } from './violation.ts';

const anyHandshake = fc.record({
  infoHash: fc.uint8Array({ minLength: 20, maxLength: 20 }),
  peerId: fc.uint8Array({ minLength: 20, maxLength: 20 }),
  extensionProtocol: fc.boolean(),
  fast: fc.boolean(),
  dht: fc.boolean(),
  v2: fc.boolean(),
});

test('the bytes of a handshake with every bit that we know', () => {
  const bytes = encodeHandshake({
    infoHash: new Uint8Array(20).fill(0xab),
    peerId: encodeUtf8('-MR0001-abcdefghijkl'),
    extensionProtocol: true,
    fast: true,
    dht: true,
    v2: true,
  });
  expect(bytesToHex(bytes)).toBe(
    `13426974546f7272656e742070726f746f636f6c0000000000100015${'ab'.repeat(20)}2d4d52303030312d6162636465666768696a6b6c`,
  );
});

test('round trip, whole and in any two parts', () => {
  fc.assert(
    fc.property(anyHandshake, fc.nat(HANDSHAKE_BYTES), (handshake, cut) => {
      const bytes = encodeHandshake(handshake);
      expect(decodeHandshake(bytes)).toEqual(handshake);
      const reader = new HandshakeReader();
      expect(reader.take(bytes, 0, cut)).toBe(cut);
      if (cut < HANDSHAKE_BYTES) expect(reader.result()).toBeUndefined();
      expect(reader.take(bytes, cut, HANDSHAKE_BYTES)).toBe(HANDSHAKE_BYTES - cut);
      expect(reader.result()).toEqual(handshake);
    }),
  );
});

describe('what is no handshake', () => {
  const bytes = encodeHandshake({
    infoHash: new Uint8Array(20),
    peerId: new Uint8Array(20),
    extensionProtocol: false,
    fast: false,
    dht: false,
    v2: false,
  });

  test.each(Array.from({ length: 20 }, (_, i) => i))('is noticed at byte %i', (at) => {
    const wrong = bytes.slice();
    wrong[at]! ^= 0x20;
    expect(decodeHandshake(wrong)).toBe(violationOf('WIRE_HANDSHAKE_INVALID'));
    const reader = new HandshakeReader();
    reader.take(wrong, 0, at);
    expect(reader.result()).toBeUndefined();
    reader.take(wrong, at, at + 1);
    expect(reader.result()).toBe(violationOf('WIRE_HANDSHAKE_INVALID'));
  });

  test('one byte less or more', () => {
    expect(decodeHandshake(bytes.subarray(1))).toBe(violationOf('WIRE_HANDSHAKE_INVALID'));
    expect(decodeHandshake(new Uint8Array([...bytes, 0]))).toBe(violationOf('WIRE_HANDSHAKE_INVALID'));
  });

  test('the reader takes 68 bytes and leaves what follows', () => {
    expect(new HandshakeReader().take(new Uint8Array([...bytes, 1, 2, 3]), 0, 71)).toBe(68);
  });
});
