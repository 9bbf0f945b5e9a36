// What a connection keeps of the peer's pieces, before and after it knows the torrent's.
import { describe, expect, test } from 'vitest';
import { EXTENSION_IDS } from '../extensions/extension-handshake.ts';
import { encodeDontHave } from '../extensions/lt-donthave.ts';
import { ALLOWED_FAST_RECEIVED_MAX, PENDING_HAVES_MAX, PIECES_MAX } from '../limits.ts';
import type { PeerConnection } from './peer-connection.ts';
import type { PieceSizes } from './piece-sizes.ts';
import {
  bitfield,
  block,
  drain,
  extended,
  have,
  message,
  openConnection,
  PIECE_BYTES,
  PIECES,
  receive,
  request,
} from './testing/scripted-peer.ts';
import type { WireWriter } from './wire-encoder.ts';
import * as encode from './wire-encoder.ts';

describe('what the peer has', () => {
  test('bitfield, have, lt_donthave; nothing twice', () => {
    const connection = openConnection();
    const stream = message(
      bitfield(0xc0, 0x20),
      have(2),
      have(2),
      have(0),
      extended(EXTENSION_IDS.lt_donthave, encodeDontHave(0)),
      extended(EXTENSION_IDS.lt_donthave, encodeDontHave(5)),
    );
    expect(receive(connection, stream)).toEqual(['BITFIELD', 'HAVE', 'DONT_HAVE']);
    expect([...connection.have!.indexes()]).toEqual([1, 2, 10]);
  });

  test('a bitfield has the length of the torrent and no spare bit', () => {
    expect(receive(openConnection(), message(bitfield(0xff)))).toEqual(['WIRE_BITFIELD_LENGTH_INVALID']);
    expect(receive(openConnection(), message(bitfield(0xff, 0xe0, 0)))).toEqual(['WIRE_BITFIELD_LENGTH_INVALID']);
    expect(receive(openConnection(), message(bitfield(0xff, 0xe1)))).toEqual(['WIRE_BITFIELD_SPARE_BITS']);
    const connection = openConnection();
    expect(receive(connection, message(bitfield(0xff, 0xe0)))).toEqual(['BITFIELD']);
    expect(connection.isSeed).toBe(true);
  });

  const indexed: readonly (readonly [string, (index: number) => (writer: WireWriter) => void])[] = [
    ['HAVE', have],
    ['SUGGEST', (index) => (writer) => encode.writeSuggest(writer, index)],
    ['REJECT', (index) => (writer) => encode.writeReject(writer, index, 0, 1)],
    ['ALLOWED_FAST', (index) => (writer) => encode.writeAllowedFast(writer, index)],
    ['DONT_HAVE', (index) => extended(EXTENSION_IDS.lt_donthave, encodeDontHave(index))],
  ];

  test.each(indexed)('%s is bound by the piece count, before it is known by the largest torrent', (name, write) => {
    const verdict = (pieces: PieceSizes | undefined, index: number): string | undefined => {
      const connection = openConnection({ pieces });
      if (name === 'DONT_HAVE') receive(connection, message(encode.writeHaveAll));
      return receive(connection, message(write(index)))[0];
    };
    expect([9, 10, 11, 0xffffffff].map((index) => verdict(PIECES, index))).toEqual([
      name,
      name,
      'WIRE_PIECE_INDEX_INVALID',
      'WIRE_PIECE_INDEX_INVALID',
    ]);
    expect([PIECES_MAX - 2, PIECES_MAX - 1, PIECES_MAX].map((index) => verdict(undefined, index))).toEqual([
      undefined,
      undefined,
      'WIRE_PIECE_INDEX_INVALID',
    ]);
  });

  test('a malformed lt_donthave ends the connection', () => {
    const wrong = message(extended(EXTENSION_IDS.lt_donthave, new Uint8Array(5)));
    expect(receive(openConnection(), wrong)).toEqual(['WIRE_EXTENSION_MESSAGE_INVALID']);
  });

  test('allowed fast: 99, 100, and no more', () => {
    const pieces: PieceSizes = { pieceCount: 1_000, bytesOfPiece: () => PIECE_BYTES };
    for (const count of [-1, 0, 1].map((difference) => ALLOWED_FAST_RECEIVED_MAX + difference)) {
      const connection = openConnection({ pieces });
      const grants = Array.from(
        { length: count },
        (_, i) => (writer: WireWriter) => encode.writeAllowedFast(writer, i),
      );
      const kept = Math.min(count, ALLOWED_FAST_RECEIVED_MAX);
      expect(receive(connection, message(...grants, ...grants))).toHaveLength(kept);
      expect(connection.allowedFast.size).toBe(kept);
    }
  });
});

describe('before the metadata is known', () => {
  const members = (connection: PeerConnection): number[] => [...connection.have!.indexes()];

  test('a bitfield and the news after it are applied later', () => {
    const connection = openConnection({ pieces: undefined });
    const stream = message(
      bitfield(0x80, 0x20),
      have(3),
      have(4),
      extended(EXTENSION_IDS.lt_donthave, encodeDontHave(0)),
      extended(EXTENSION_IDS.lt_donthave, encodeDontHave(4)),
      (writer) => encode.writeAllowedFast(writer, 6),
    );
    expect(receive(connection, stream)).toEqual([]);
    expect(connection.have).toBeUndefined();
    connection.setPieces(PIECES);
    expect(members(connection)).toEqual([3, 10]);
    expect([...connection.allowedFast]).toEqual([6]);
    expect(receive(connection, message(have(4)))).toEqual(['HAVE']);
  });

  test('have all and lt_donthave', () => {
    const connection = openConnection({ pieces: undefined });
    const stream = message(encode.writeHaveAll, extended(EXTENSION_IDS.lt_donthave, encodeDontHave(7)));
    expect(receive(connection, stream)).toEqual([]);
    connection.setPieces(PIECES);
    expect(members(connection)).toEqual([0, 1, 2, 3, 4, 5, 6, 8, 9, 10]);
  });

  test('have all after other news covers it', () => {
    const connection = openConnection({ pieces: undefined });
    const dontHave = extended(EXTENSION_IDS.lt_donthave, encodeDontHave(7));
    expect(receive(connection, message(have(3), dontHave, encode.writeHaveAll))).toEqual([]);
    connection.setPieces(PIECES);
    expect(members(connection)).toHaveLength(11);
  });

  test('a bitfield borrows nothing from the chunk', () => {
    const connection = openConnection({ pieces: undefined });
    const chunk = message(bitfield(0x80, 0x20));
    receive(connection, chunk);
    chunk.fill(0);
    connection.setPieces(PIECES);
    expect(members(connection)).toEqual([0, 10]);
  });

  test.each<[string, (writer: WireWriter) => void, string]>([
    ['a bitfield of another size', bitfield(0xff), 'WIRE_BITFIELD_LENGTH_INVALID'],
    ['spare bits', bitfield(0xff, 0xff), 'WIRE_BITFIELD_SPARE_BITS'],
    ['a have beyond the end', have(11), 'WIRE_PIECE_INDEX_INVALID'],
    ['an allowed fast beyond the end', (writer) => encode.writeAllowedFast(writer, 11), 'WIRE_PIECE_INDEX_INVALID'],
  ])('%s comes out when it is', (_, write, code) => {
    const connection = openConnection({ pieces: undefined });
    expect(receive(connection, message(write))).toEqual([]);
    connection.setPieces(PIECES);
    expect(drain(connection)).toEqual([code]);
    expect(connection.isClosed).toBe(true);
    expect(connection.have).toBeDefined();
  });

  test('haves are kept up to a bound', () => {
    const pieces: PieceSizes = { pieceCount: PIECES_MAX, bytesOfPiece: () => PIECE_BYTES };
    for (const count of [-1, 0, 1].map((difference) => PENDING_HAVES_MAX + difference)) {
      const connection = openConnection({ pieces: undefined });
      receive(
        connection,
        message((writer) => {
          for (let i = 0; i < count; i++) encode.writeHave(writer, i * 100);
        }),
      );
      connection.setPieces(pieces);
      expect(connection.have!.count).toBe(Math.min(count, PENDING_HAVES_MAX));
    }
  });

  test('blocks cannot have been asked for, requests cannot be served', () => {
    expect(receive(openConnection({ pieces: undefined }), message(block(0)))).toEqual(['WIRE_BLOCK_INVALID']);
    const connection = openConnection({ pieces: undefined });
    expect(receive(connection, message(request(0)))).toEqual(['WIRE_REQUEST_INVALID']);
    expect(connection.isClosed).toBe(false);
  });
});
