// What a connection lets through of the requests and blocks that a peer sends.
import { beforeEach, describe, expect, test } from 'vitest';
import { BLOCK_BYTES, INCOMING_REQUESTS_MAX, INVALID_REQUESTS_MAX, UNSOLICITED_BLOCKS_MAX } from '../limits.ts';
import type { PeerConnection } from './peer-connection.ts';
import { block, drain, message, openConnection, PIECE_BYTES, receive, request } from './testing/scripted-peer.ts';
import type { WireWriter } from './wire-encoder.ts';
import * as encode from './wire-encoder.ts';
import * as wire from './wire-event.ts';

describe('blocks', () => {
  test('must lie within a piece', () => {
    const verdict = (write: (writer: WireWriter) => void) => receive(openConnection(), message(write)).at(-1);
    expect(verdict(block(0, PIECE_BYTES - 10, 10))).toBe('BLOCK_DATA');
    expect(verdict(block(0, PIECE_BYTES - 10, 11))).toBe('WIRE_BLOCK_INVALID');
    expect(verdict(block(10, 90, 10))).toBe('BLOCK_DATA');
    expect(verdict(block(10, 90, 11))).toBe('WIRE_BLOCK_INVALID');
    expect(verdict(block(11))).toBe('WIRE_BLOCK_INVALID');
    expect(verdict(block(0xffffffff))).toBe('WIRE_BLOCK_INVALID');
    expect(verdict(block(0, 0xffffffff, 1))).toBe('WIRE_BLOCK_INVALID');
  });

  test('unsolicited ones are borne 64 times', () => {
    const connection = openConnection();
    for (let i = 0; i < UNSOLICITED_BLOCKS_MAX; i++) expect(connection.countUnsolicited()).toBeUndefined();
    expect(connection.countUnsolicited()).toEqual({
      code: 'WIRE_BLOCKS_TOO_MANY_UNSOLICITED',
      reaction: 'disconnect',
    });
    expect(connection.isClosed).toBe(true);
  });

  test('the rest of a chunk is dropped when the engine closes within it', () => {
    const connection = openConnection();
    connection.push(message(block(0), block(1), encode.writeUnchoke), 0);
    expect(connection.next()).toBe(wire.WIRE_BLOCK_DATA);
    connection.close();
    expect(drain(connection)).toEqual([]);
    expect(receive(connection, message(encode.writeUnchoke))).toEqual([]);
  });
});

describe('requests', () => {
  let connection: PeerConnection;
  beforeEach(() => {
    connection = openConnection();
    connection.sendBitfield(undefined);
    connection.sendChoke(false);
    connection.takeOutgoing(0);
  });

  test('within a piece are reported', () => {
    const stream = message(request(0), request(0, BLOCK_BYTES), request(10, 0, 100), request(10, 99, 1));
    expect(receive(connection, stream)).toEqual(['REQUEST', 'REQUEST', 'REQUEST', 'REQUEST']);
    expect(connection.takeOutgoing(0)).toBeUndefined();
  });

  test.each([
    ['nothing', 0, 0, 0],
    ['more than a block', 0, 0, BLOCK_BYTES + 1],
    ['a byte beyond the piece', 0, BLOCK_BYTES + 1, BLOCK_BYTES],
    ['a byte beyond the last piece', 10, 100, 1],
    ['a piece that is none', 11, 0, 1],
    ['numbers without measure', 0xffffffff, 0xffffffff, 0xffffffff],
  ])('for %s are rejected', (_, index, begin, length) => {
    expect(receive(connection, message(request(index, begin, length)))).toEqual(['WIRE_REQUEST_INVALID']);
    expect(connection.message.violation.reaction).toBe('reject');
    expect(connection.takeOutgoing(0)).toEqual(message((writer) => encode.writeReject(writer, index, begin, length)));
  });

  test('a peer without fast is refused in silence', () => {
    const plain = openConnection({ theirs: { fast: false } });
    expect(receive(plain, message(request(0)))).toEqual(['WIRE_REQUEST_CHOKED']);
    expect(plain.takeOutgoing(0)).toBeUndefined();
  });

  test('300 invalid ones are borne', () => {
    for (let i = 0; i < INVALID_REQUESTS_MAX; i++) {
      expect(receive(connection, message(request(11)))).toEqual(['WIRE_REQUEST_INVALID']);
    }
    expect(connection.isClosed).toBe(false);
    expect(receive(connection, message(request(11), request(0)))).toEqual(['WIRE_REQUESTS_TOO_MANY_INVALID']);
    expect(connection.isClosed).toBe(true);
  });

  test('those that the engine counts are counted together with the others', () => {
    for (let i = 1; i < INVALID_REQUESTS_MAX; i++) expect(connection.countInvalidRequest()).toBeUndefined();
    expect(receive(connection, message(request(11)))).toEqual(['WIRE_REQUEST_INVALID']);
    expect(connection.countInvalidRequest()?.code).toBe('WIRE_REQUESTS_TOO_MANY_INVALID');
    expect(connection.isClosed).toBe(true);
  });

  // A choke takes a while to reach the peer, whose requests meanwhile are honest.
  test('while choked are rejected, and excused as far as they can have crossed the choke', () => {
    connection.sendChoke(true);
    const borne = INCOMING_REQUESTS_MAX + INVALID_REQUESTS_MAX;
    const stream = message(...Array.from({ length: borne }, () => request(0)));
    expect(new Set(receive(connection, stream))).toEqual(new Set(['WIRE_REQUEST_CHOKED']));
    expect(connection.isClosed).toBe(false);
    expect(receive(connection, message(request(0)))).toEqual(['WIRE_REQUESTS_TOO_MANY_INVALID']);
  });

  test('while never unchoked are not excused', () => {
    const fresh = openConnection();
    const stream = message(...Array.from({ length: INVALID_REQUESTS_MAX + 1 }, () => request(0)));
    expect(receive(fresh, stream).at(-1)).toBe('WIRE_REQUESTS_TOO_MANY_INVALID');
  });

  test('for allowed fast pieces are served while choked, once', () => {
    connection.sendChoke(true);
    connection.sendAllowedFast(4);
    connection.sendAllowedFast(4);
    const whole = message(request(4), request(4, BLOCK_BYTES));
    expect(receive(connection, whole)).toEqual(['REQUEST', 'REQUEST']);
    expect(receive(connection, message(request(4), request(5)))).toEqual([
      'WIRE_REQUEST_CHOKED',
      'WIRE_REQUEST_CHOKED',
    ]);
    connection.sendChoke(false);
    expect(receive(connection, message(request(4)))).toEqual(['REQUEST']);
  });

  test('a cancel is reported whatever its numbers', () => {
    const cancel = message((writer) => encode.writeCancel(writer, 0xffffffff, 1, 2));
    expect(receive(connection, cancel)).toEqual(['CANCEL']);
  });
});
