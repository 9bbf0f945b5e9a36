import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Bitfield } from '../../base/bitfield.ts';
import { concatBytes, writeUint32 } from '../../base/bytes.ts';
import { BLOCK_BYTES, EXTENSION_MESSAGE_MAX_BYTES, PIECES_MAX, WIRE_MESSAGE_MAX_BYTES } from '../limits.ts';
import type { HashRequest } from './hash-messages.ts';
import type { ViolationCode } from './violation.ts';
import { WireDecoder } from './wire-decoder.ts';
import {
  WireWriter,
  writeAllowedFast,
  writeBitfield,
  writeCancel,
  writeChoke,
  writeExtended,
  writeHashes,
  writeHashReject,
  writeHashRequest,
  writeHave,
  writeHaveAll,
  writeHaveNone,
  writeInterested,
  writeKeepAlive,
  writeNotInterested,
  writePiece,
  writePort,
  writeReject,
  writeRequest,
  writeSuggest,
  writeUnchoke,
} from './wire-encoder.ts';
import * as events from './wire-event.ts';
import { WIRE_BLOCK_DATA, WIRE_KEEP_ALIVE, WIRE_NEED_MORE, WIRE_VIOLATION, type WireEvent } from './wire-event.ts';

const decoderOf = (): WireDecoder => new WireDecoder({ maxMessageBytes: WIRE_MESSAGE_MAX_BYTES });

const eventNames = new Map<WireEvent, string>(
  Object.entries(events).map(([name, value]) => [value as WireEvent, name.slice('WIRE_'.length)]),
);

/** Everything in `bytes` as readable lines; block parts are joined when the last one has come. */
function transcript(decoder: WireDecoder, chunks: readonly Uint8Array[]): string[] {
  const lines: string[] = [];
  let block: number[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let event = decoder.next(); event !== WIRE_NEED_MORE; event = decoder.next()) {
      const name = eventNames.get(event)!;
      switch (event) {
        case events.WIRE_HAVE:
        case events.WIRE_SUGGEST:
        case events.WIRE_ALLOWED_FAST:
          lines.push(`${name} ${decoder.pieceIndex}`);
          break;
        case events.WIRE_REQUEST:
        case events.WIRE_CANCEL:
        case events.WIRE_REJECT:
          lines.push(`${name} ${decoder.pieceIndex} ${decoder.begin} ${decoder.length}`);
          break;
        case events.WIRE_PORT:
          lines.push(`${name} ${decoder.port}`);
          break;
        case events.WIRE_EXTENDED:
          lines.push(`${name} ${decoder.extendedId} ${[...decoder.payload]}`);
          break;
        case events.WIRE_BITFIELD:
        case events.WIRE_HASH_REQUEST:
        case events.WIRE_HASHES:
        case events.WIRE_HASH_REJECT:
          lines.push(`${name} ${[...decoder.payload]}`);
          break;
        case WIRE_BLOCK_DATA:
          expect(decoder.blockIsFirst).toBe(block.length === 0);
          expect(decoder.blockOffset).toBe(block.length);
          block.push(...decoder.chunk.subarray(decoder.dataStart, decoder.dataEnd));
          expect(decoder.blockIsLast).toBe(block.length === decoder.length);
          if (decoder.blockIsLast) {
            lines.push(`${name} ${decoder.pieceIndex} ${decoder.begin} ${decoder.length} ${block}`);
            block = [];
          }
          break;
        case WIRE_VIOLATION:
          lines.push(`${name} ${decoder.violation.code}`);
          break;
        default:
          lines.push(name);
      }
    }
  }
  return lines;
}

const hashRequest: HashRequest = {
  piecesRoot: new Uint8Array(32).fill(7),
  baseLayer: 3,
  index: 8,
  length: 2,
  proofLayers: 5,
};
const hashHeader = `${Array(32).fill(7)},0,0,0,3,0,0,0,8,0,0,0,2,0,0,0,5`;

const EVERY_MESSAGE: readonly (readonly [string, (writer: WireWriter) => void])[] = [
  ['KEEP_ALIVE', writeKeepAlive],
  ['CHOKE', writeChoke],
  ['UNCHOKE', writeUnchoke],
  ['INTERESTED', writeInterested],
  ['NOT_INTERESTED', writeNotInterested],
  ['HAVE 70000', (writer) => writeHave(writer, 70_000)],
  ['BITFIELD 128,64', (writer) => writeBitfield(writer, bitfieldOf(10, [0, 9]))],
  ['REQUEST 1 16384 100', (writer) => writeRequest(writer, 1, 16_384, 100)],
  ['BLOCK_DATA 2 32768 5 9,8,7,6,5', (writer) => writePiece(writer, 2, 32_768, Uint8Array.of(9, 8, 7, 6, 5))],
  ['BLOCK_DATA 2 0 0 ', (writer) => writePiece(writer, 2, 0, new Uint8Array(0))],
  ['CANCEL 4294967295 4294967294 4294967293', (writer) => writeCancel(writer, 2 ** 32 - 1, 2 ** 32 - 2, 2 ** 32 - 3)],
  ['PORT 65535', (writer) => writePort(writer, 65_535)],
  ['SUGGEST 3', (writer) => writeSuggest(writer, 3)],
  ['HAVE_ALL', writeHaveAll],
  ['HAVE_NONE', writeHaveNone],
  ['REJECT 5 0 16384', (writer) => writeReject(writer, 5, 0, 16_384)],
  ['ALLOWED_FAST 6', (writer) => writeAllowedFast(writer, 6)],
  ['EXTENDED 0 100,101', (writer) => writeExtended(writer, 0, Uint8Array.of(100, 101))],
  ['EXTENDED 255 ', (writer) => writeExtended(writer, 255, new Uint8Array(0))],
  [`HASH_REQUEST ${hashHeader}`, (writer) => writeHashRequest(writer, hashRequest)],
  [
    `HASHES ${hashHeader},${Array(96).fill(1)}`,
    (writer) => writeHashes(writer, hashRequest, new Uint8Array(96).fill(1)),
  ],
  [`HASH_REJECT ${hashHeader}`, (writer) => writeHashReject(writer, hashRequest)],
];
const EVERY_LINE = EVERY_MESSAGE.map(([line]) => line);

function bitfieldOf(length: number, members: readonly number[]): Bitfield {
  const bitfield = new Bitfield(length);
  for (const member of members) bitfield.add(member);
  return bitfield;
}

function encoded(write: (writer: WireWriter) => void): Uint8Array {
  const writer = new WireWriter();
  write(writer);
  return writer.take();
}

function head(messageBytes: number, id: number): Uint8Array {
  const bytes = new Uint8Array(5);
  writeUint32(bytes, 0, messageBytes);
  bytes[4] = id;
  return bytes;
}

/** A message of that id whose payload is zeros. */
function message(id: number, payloadBytes: number): Uint8Array {
  return concatBytes([head(1 + payloadBytes, id), new Uint8Array(payloadBytes)]);
}

const stream = concatBytes(EVERY_MESSAGE.map(([, write]) => encoded(write)));

describe('round trip', () => {
  test.each(EVERY_MESSAGE)('%s', (line, write) => {
    expect(transcript(decoderOf(), [encoded(write)])).toEqual([line]);
  });

  test('all messages in one chunk, in chunks of one byte, and split in two at every byte', () => {
    expect(transcript(decoderOf(), [stream])).toEqual(EVERY_LINE);
    const single = [...stream].map((byte) => Uint8Array.of(byte));
    expect(transcript(decoderOf(), single)).toEqual(EVERY_LINE);
    for (let at = 0; at <= stream.length; at++) {
      expect(transcript(decoderOf(), [stream.subarray(0, at), stream.subarray(at)])).toEqual(EVERY_LINE);
    }
  });

  test('a range of a larger array is read, and nothing beside it', () => {
    const array = concatBytes([Uint8Array.of(0, 0), encoded((writer) => writeHave(writer, 1)), Uint8Array.of(0xff)]);
    const decoder = decoderOf();
    decoder.push(array, 2, array.length - 1);
    expect(decoder.next()).toBe(events.WIRE_HAVE);
    expect(decoder.next()).toBe(WIRE_NEED_MORE);
    decoder.push(array, 0, 2);
    expect(decoder.next()).toBe(WIRE_NEED_MORE);
    decoder.push(array, 0, 2);
    expect(decoder.next()).toBe(WIRE_KEEP_ALIVE);
  });

  test('block data is a range of the chunk, not a copy', () => {
    const chunk = encoded((writer) => writePiece(writer, 1, 0, new Uint8Array(100)));
    const decoder = decoderOf();
    decoder.push(chunk);
    expect(decoder.next()).toBe(WIRE_BLOCK_DATA);
    expect(decoder.chunk).toBe(chunk);
    expect([decoder.dataStart, decoder.dataEnd]).toEqual([13, 113]);
  });
});

test('any split into chunks gives the same messages, unknown ids between them are skipped', () => {
  const unknown = [message(12, 0), message(24, 3), message(255, 300)];
  const withUnknown = concatBytes(EVERY_MESSAGE.flatMap(([, write], i) => [encoded(write), unknown[i % 3]!]));
  fc.assert(
    fc.property(fc.array(fc.nat(withUnknown.length), { maxLength: 20 }), (cuts) => {
      const sorted = [0, ...cuts.sort((a, b) => a - b), withUnknown.length];
      const chunks = sorted.slice(1).map((cut, i) => withUnknown.subarray(sorted[i], cut));
      expect(transcript(decoderOf(), chunks)).toEqual(EVERY_LINE);
    }),
  );
});

test('random bytes never throw and end in messages, silence or one violation', () => {
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    // Random bytes alone are mostly too long at once: headers with small lengths reach the cases behind that.
    fc
      .array(fc.tuple(fc.nat(80), fc.nat(30), fc.uint8Array({ maxLength: 80 })), { maxLength: 12 })
      .map((messages) => concatBytes(messages.flatMap(([length, id, rest]) => [head(length, id), rest]))),
  );
  fc.assert(
    fc.property(hostile, fc.nat(64), fc.option(fc.nat(100), { nil: undefined }), (bytes, size, pieceCount) => {
      const decoder = decoderOf();
      decoder.pieceCount = pieceCount;
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += size + 1) chunks.push(bytes.subarray(at, at + size + 1));
      const lines = transcript(decoder, chunks);
      const violations = lines.filter((line) => line.startsWith('VIOLATION'));
      expect(violations.length).toBeLessThanOrEqual(1);
      if (violations.length === 1) expect(lines.at(-1)).toBe(violations[0]);
    }),
  );
});

describe('limits at limit - 1, limit and limit + 1', () => {
  const verdict = (bytes: Uint8Array, pieceCount?: number): string => {
    const decoder = decoderOf();
    decoder.pieceCount = pieceCount;
    return transcript(decoder, [bytes])[0]?.replace(/^VIOLATION /, '') ?? 'waits';
  };

  test.each<[string, number, number, ViolationCode]>([
    ['any message', 12, WIRE_MESSAGE_MAX_BYTES, 'WIRE_MESSAGE_TOO_LONG'],
    ['a block', WIRE_BLOCK_DATA, 9 + BLOCK_BYTES, 'WIRE_MESSAGE_TOO_LONG'],
    ['an extension message', events.WIRE_EXTENDED, 2 + EXTENSION_MESSAGE_MAX_BYTES, 'WIRE_MESSAGE_TOO_LONG'],
    ['a bitfield, pieces unknown', events.WIRE_BITFIELD, 1 + PIECES_MAX / 8, 'WIRE_BITFIELD_LENGTH_INVALID'],
  ])('%s', (_, id, limit, code) => {
    expect(verdict(head(limit - 1, id))).toBe('waits');
    expect(verdict(head(limit, id))).toBe('waits');
    expect(verdict(head(limit + 1, id))).toBe(code);
    expect(verdict(head(0xffffffff, id))).toBe('WIRE_MESSAGE_TOO_LONG');
  });

  test('hashes: 512 and one uncle for each of 34 layers', () => {
    const hashes = (count: number): string => verdict(head(49 + 32 * count, events.WIRE_HASHES));
    expect([545, 546, 547].map(hashes)).toEqual(['waits', 'waits', 'WIRE_MESSAGE_TOO_LONG']);
    expect(hashes(0)).toBe('WIRE_MESSAGE_LENGTH_INVALID');
    expect(verdict(head(49 + 33, events.WIRE_HASHES))).toBe('WIRE_MESSAGE_LENGTH_INVALID');
  });

  test('a bitfield, pieces known', () => {
    for (const pieceCount of [1, 8, 9, 1000]) {
      const bytes = Math.ceil(pieceCount / 8);
      expect(verdict(head(1 + bytes - 1, events.WIRE_BITFIELD), pieceCount)).toBe('WIRE_BITFIELD_LENGTH_INVALID');
      expect(verdict(head(1 + bytes, events.WIRE_BITFIELD), pieceCount)).toBe('waits');
      expect(verdict(head(1 + bytes + 1, events.WIRE_BITFIELD), pieceCount)).toBe('WIRE_BITFIELD_LENGTH_INVALID');
    }
  });

  test.each([
    ['choke', events.WIRE_CHOKE, 0],
    ['unchoke', events.WIRE_UNCHOKE, 0],
    ['interested', events.WIRE_INTERESTED, 0],
    ['not interested', events.WIRE_NOT_INTERESTED, 0],
    ['have all', events.WIRE_HAVE_ALL, 0],
    ['have none', events.WIRE_HAVE_NONE, 0],
    ['have', events.WIRE_HAVE, 4],
    ['suggest', events.WIRE_SUGGEST, 4],
    ['allowed fast', events.WIRE_ALLOWED_FAST, 4],
    ['request', events.WIRE_REQUEST, 12],
    ['cancel', events.WIRE_CANCEL, 12],
    ['reject', events.WIRE_REJECT, 12],
    ['port', events.WIRE_PORT, 2],
    ['hash request', events.WIRE_HASH_REQUEST, 48],
    ['hash reject', events.WIRE_HASH_REJECT, 48],
  ])('%s has one length', (_, id, payloadBytes) => {
    expect(verdict(message(id, payloadBytes))).not.toContain('WIRE_');
    expect(verdict(message(id, payloadBytes + 1))).toBe('WIRE_MESSAGE_LENGTH_INVALID');
    if (payloadBytes > 0) expect(verdict(message(id, payloadBytes - 1))).toBe('WIRE_MESSAGE_LENGTH_INVALID');
  });

  test('a piece message has 8 bytes before the block, an extension message an id', () => {
    expect(verdict(message(WIRE_BLOCK_DATA, 7))).toBe('WIRE_MESSAGE_LENGTH_INVALID');
    expect(verdict(message(WIRE_BLOCK_DATA, 8))).toBe('BLOCK_DATA 0 0 0 ');
    expect(verdict(message(events.WIRE_EXTENDED, 0))).toBe('WIRE_MESSAGE_LENGTH_INVALID');
  });
});

// Goal: memory follows what came, not what was claimed. Method: many decoders, each told of 128 KiB, sent a little.
test('a claimed length allocates nothing', () => {
  const decoders: WireDecoder[] = [];
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 2_000; i++) {
    const decoder = decoderOf();
    transcript(decoder, [head(1 + EXTENSION_MESSAGE_MAX_BYTES, events.WIRE_EXTENDED), new Uint8Array(100)]);
    decoders.push(decoder);
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(decoders.length * 1_000);
});

test('after a violation the stream is dropped', () => {
  const decoder = decoderOf();
  const lines = transcript(decoder, [message(events.WIRE_HAVE, 5), stream, stream]);
  expect(lines).toEqual(['VIOLATION WIRE_MESSAGE_LENGTH_INVALID']);
});

test('256 MiB of blocks are passed on without a copy', () => {
  const block = encoded((writer) => writePiece(writer, 1, 0, new Uint8Array(BLOCK_BYTES)));
  const lap = concatBytes([block, block, block, block]);
  const chunkBytes = 64 * 1024; // The first chunk of a lap ends inside the fourth block.
  const decoder = decoderOf();
  let parts = 0;
  let payloadBytes = 0;
  const run = (lapCount: number): void => {
    parts = 0;
    payloadBytes = 0;
    for (let i = 0; i < lapCount; i++) {
      for (let at = 0; at < lap.length; at += chunkBytes) {
        decoder.push(lap, at, Math.min(lap.length, at + chunkBytes));
        while (decoder.next() === WIRE_BLOCK_DATA) {
          parts++;
          payloadBytes += decoder.dataEnd - decoder.dataStart;
        }
      }
    }
  };
  run(500);
  const before = process.memoryUsage();
  run(4_096);
  const after = process.memoryUsage();
  expect(payloadBytes).toBe(256 * 1024 * 1024);
  expect(parts).toBe(4_096 * 5);
  expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(16 * 1024 * 1024);
});
