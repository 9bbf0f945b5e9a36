// Handshakes, the order of messages, the flags, the clock and the commands of one connection.
import { describe, expect, test } from 'vitest';
import { Bitfield } from '../../base/bitfield.ts';
import { bytesToHex, concatBytes } from '../../base/bytes.ts';
import { EXTENSION_IDS, encodeExtensionHandshake } from '../extensions/extension-handshake.ts';
import { encodeDontHave } from '../extensions/lt-donthave.ts';
import { HANDSHAKE_TIMEOUT_MS, KEEP_ALIVE_MS, PEER_TIMEOUT_MS } from '../limits.ts';
import { encodeHandshake } from './handshake.ts';
import { PeerConnection } from './peer-connection.ts';
import {
  bitfield,
  block,
  drain,
  extended,
  have,
  message,
  OURS,
  openConnection,
  PIECES,
  receive,
  request,
  THEIRS,
} from './testing/scripted-peer.ts';
import type { WireWriter } from './wire-encoder.ts';
import * as encode from './wire-encoder.ts';
import * as wire from './wire-event.ts';

describe('handshake', () => {
  test('a dialled connection sends its own at once', () => {
    const connection = new PeerConnection({ nowMs: 0, handshake: OURS, pieces: PIECES });
    expect(connection.takeOutgoing(0)).toEqual(encodeHandshake(OURS));
    expect(connection.isOpen).toBe(false);
    expect(receive(connection, encodeHandshake(THEIRS))).toEqual(['HANDSHAKE']);
    expect(connection.isOpen).toBe(true);
    expect(connection.remotePeerId).toEqual(THEIRS.peerId);
    expect(connection.takeOutgoing(0)).toBeUndefined();
  });

  test('an accepted connection waits for accept(), then reads what came with the handshake', () => {
    const connection = new PeerConnection({ nowMs: 0 });
    expect(connection.takeOutgoing(0)).toBeUndefined();
    connection.push(concatBytes([encodeHandshake(THEIRS), message(encode.writeHaveAll)]), 0);
    expect(connection.next()).toBe(wire.WIRE_HANDSHAKE);
    expect(connection.infoHash).toEqual(THEIRS.infoHash);
    connection.accept(OURS, PIECES);
    expect(connection.takeOutgoing(0)).toEqual(encodeHandshake(OURS));
    expect(drain(connection)).toEqual(['HAVE_ALL']);
    expect(connection.isSeed).toBe(true);
  });

  test('an accepted connection that the engine does not want is silent', () => {
    const connection = new PeerConnection({ nowMs: 0 });
    connection.push(concatBytes([encodeHandshake(THEIRS), message(encode.writeHaveAll)]), 0);
    expect(connection.next()).toBe(wire.WIRE_HANDSHAKE);
    connection.close();
    expect(drain(connection)).toEqual([]);
    expect(connection.deadlineMs).toBe(Number.POSITIVE_INFINITY);
  });

  test('a stranger is noticed at its first byte, another torrent at its info-hash', () => {
    const stranger = new PeerConnection({ nowMs: 0 });
    expect(receive(stranger, Uint8Array.of(0x47))).toEqual(['WIRE_HANDSHAKE_INVALID']);
    expect(stranger.isClosed).toBe(true);
    const other = new PeerConnection({ nowMs: 0, handshake: OURS });
    const bytes = encodeHandshake({ ...THEIRS, infoHash: new Uint8Array(20).fill(9) });
    expect(receive(other, bytes)).toEqual(['WIRE_INFO_HASH_MISMATCH']);
  });

  test('a message before the handshake is no handshake', () => {
    const connection = new PeerConnection({ nowMs: 0, handshake: OURS });
    expect(receive(connection, message(encode.writeUnchoke))).toEqual(['WIRE_HANDSHAKE_INVALID']);
  });

  test('the v2 info-hash of a hybrid may answer the v1 one', () => {
    const v2 = new Uint8Array(20).fill(8);
    const connection = new PeerConnection({ nowMs: 0, handshake: { ...OURS, v2: true }, alternateInfoHash: v2 });
    expect(receive(connection, encodeHandshake({ ...THEIRS, infoHash: v2 }))).toEqual(['HANDSHAKE']);
    expect(connection.infoHash).toEqual(v2);
  });

  test('a bit counts when both sides set it', () => {
    for (const [mine, theirs] of [
      [true, true],
      [true, false],
      [false, true],
    ] as const) {
      const bits = (value: boolean) => ({ fast: value, extensionProtocol: value, dht: value });
      const connection = new PeerConnection({ nowMs: 0, handshake: { ...OURS, ...bits(mine) } });
      receive(connection, encodeHandshake({ ...THEIRS, ...bits(theirs) }));
      expect(connection.supportsFast).toBe(mine && theirs);
      expect(connection.supportsExtensions).toBe(mine && theirs);
      expect(connection.supportsDht).toBe(mine && theirs);
    }
  });
});

describe('order of bitfield, have all and have none', () => {
  const states: readonly (readonly [string, (writer: WireWriter) => void])[] = [
    ['BITFIELD', bitfield(0x80, 0)],
    ['HAVE_ALL', encode.writeHaveAll],
    ['HAVE_NONE', encode.writeHaveNone],
  ];
  const mayPrecede: readonly ((writer: WireWriter) => void)[] = [
    encode.writeKeepAlive,
    encode.writeUnchoke,
    encode.writeInterested,
    (writer) => encode.writePort(writer, 1),
    extended(0, encodeExtensionHandshake({ messages: new Map() })),
    extended(200, new Uint8Array(3)),
  ];
  const mayNotPrecede: readonly ((writer: WireWriter) => void)[] = [
    have(1),
    request(1),
    (writer) => encode.writeCancel(writer, 1, 0, 1),
    (writer) => encode.writeReject(writer, 1, 0, 1),
    (writer) => encode.writeSuggest(writer, 1),
    (writer) => encode.writeAllowedFast(writer, 1),
    block(1),
    extended(EXTENSION_IDS.lt_donthave, encodeDontHave(1)),
    ...states.map(([, write]) => write),
  ];

  test.each(states)('%s may follow what is not about pieces', (name, write) => {
    for (const before of mayPrecede) expect(receive(openConnection(), message(before, write)).at(-1)).toBe(name);
  });

  test('a late bitfield adds its pieces', () => {
    const connection = openConnection();
    const [, late] = states[0]!;
    expect(receive(connection, message(have(1), late)).at(-1)).toBe('BITFIELD');
    expect([...connection.haveBefore!.indexes()]).toEqual([1]);
    expect(connection.have!.has(1)).toBe(true);
    expect(connection.have!.count).toBeGreaterThanOrEqual(connection.haveBefore!.count);
    expect(receive(connection, message(late)).at(-1)).toBe('BITFIELD');
    expect(connection.isClosed).toBe(false);
  });

  // aria2 says so when it has just become whole.
  test('have all may come late once, and adds every piece', () => {
    const connection = openConnection();
    expect(receive(connection, message(have(1), encode.writeHaveAll)).at(-1)).toBe('HAVE_ALL');
    expect([...connection.haveBefore!.indexes()]).toEqual([1]);
    expect(connection.have!.isFull).toBe(true);
    expect(connection.isClosed).toBe(false);
    expect(receive(connection, message(encode.writeHaveAll)).at(-1)).toBe('WIRE_BITFIELD_UNEXPECTED');
  });

  test.each(states.filter(([name]) => name === 'HAVE_NONE'))('%s may follow nothing else', (_name, write) => {
    for (const before of mayNotPrecede) {
      for (const pieces of [PIECES, undefined]) {
        // Without metadata a block is wrong for another reason.
        if (pieces === undefined && before === mayNotPrecede[6]) continue;
        const connection = openConnection({ pieces });
        expect(receive(connection, message(before, write, encode.writeChoke)).at(-1)).toBe('WIRE_BITFIELD_UNEXPECTED');
        expect(connection.isClosed).toBe(true);
      }
    }
  });
});

test.each([
  ['have all', encode.writeHaveAll],
  ['have none', encode.writeHaveNone],
  ['suggest', (writer: WireWriter) => encode.writeSuggest(writer, 1)],
  ['reject', (writer: WireWriter) => encode.writeReject(writer, 1, 0, 1)],
  ['allowed fast', (writer: WireWriter) => encode.writeAllowedFast(writer, 1)],
])('%s needs the fast extension', (_, write) => {
  const connection = openConnection({ theirs: { fast: false } });
  expect(receive(connection, message(write))).toEqual(['WIRE_FAST_NOT_NEGOTIATED']);
  expect(connection.isClosed).toBe(true);
});

describe('flags', () => {
  test('a change is reported, a repetition is not', () => {
    const connection = openConnection();
    const { writeChoke, writeInterested, writeNotInterested, writeUnchoke } = encode;
    expect(receive(connection, message(writeChoke, writeNotInterested))).toEqual([]);
    expect(receive(connection, message(writeUnchoke, writeUnchoke, writeInterested, writeInterested))).toEqual([
      'UNCHOKE',
      'INTERESTED',
    ]);
    expect([connection.peerChoking, connection.peerInterested]).toEqual([false, true]);
    expect(receive(connection, message(writeChoke, writeNotInterested))).toEqual(['CHOKE', 'NOT_INTERESTED']);
  });

  test('a change is sent, a repetition is not', () => {
    const connection = openConnection();
    connection.sendChoke(true);
    connection.sendInterested(false);
    expect(connection.takeOutgoing(0)).toBeUndefined();
    for (const flag of [false, false, true]) connection.sendChoke(flag);
    for (const flag of [true, true, false]) connection.sendInterested(flag);
    const { writeChoke, writeInterested, writeNotInterested, writeUnchoke } = encode;
    expect(connection.takeOutgoing(0)).toEqual(message(writeUnchoke, writeChoke, writeInterested, writeNotInterested));
  });

  test('uninterestedSinceMs runs while neither side is interested', () => {
    const connection = openConnection();
    expect(connection.uninterestedSinceMs).toBe(0);
    receive(connection, message(encode.writeInterested), 1_000);
    expect(connection.uninterestedSinceMs).toBe(Number.POSITIVE_INFINITY);
    connection.sendInterested(true);
    receive(connection, message(encode.writeNotInterested), 2_000);
    expect(connection.uninterestedSinceMs).toBe(Number.POSITIVE_INFINITY);
    connection.takeOutgoing(3_000);
    connection.sendInterested(false);
    expect(connection.uninterestedSinceMs).toBe(3_000);
  });
});

describe('time', () => {
  test('the whole handshake has ten seconds, however it dribbles', () => {
    const connection = new PeerConnection({ nowMs: 5_000 });
    const bytes = encodeHandshake(THEIRS);
    expect(connection.deadlineMs).toBe(5_000 + HANDSHAKE_TIMEOUT_MS);
    receive(connection, bytes.subarray(0, 1), 5_000);
    receive(connection, bytes.subarray(1, 2), 14_000);
    connection.handleDeadline(5_000 + HANDSHAKE_TIMEOUT_MS - 1);
    expect(drain(connection)).toEqual([]);
    connection.handleDeadline(connection.deadlineMs);
    expect(drain(connection)).toEqual(['WIRE_HANDSHAKE_TIMEOUT']);
    expect(connection.deadlineMs).toBe(Number.POSITIVE_INFINITY);
  });

  test('two minutes without a byte end the connection, one byte renews them', () => {
    const connection = openConnection();
    receive(connection, message(encode.writeKeepAlive).subarray(0, 1), 60_000);
    connection.handleDeadline(60_000 + PEER_TIMEOUT_MS - 1);
    expect(drain(connection)).toEqual([]);
    connection.handleDeadline(60_000 + PEER_TIMEOUT_MS);
    expect(drain(connection)).toEqual(['WIRE_PEER_TIMEOUT']);
    expect(connection.isClosed).toBe(true);
  });

  test('silence while we did not read is excused', () => {
    const connection = openConnection();
    connection.excuseSilence(100_000);
    connection.handleDeadline(PEER_TIMEOUT_MS);
    expect(drain(connection)).toEqual([]);
  });

  test('a keep-alive goes out when nothing else did', () => {
    const connection = openConnection();
    connection.sendBitfield(undefined);
    connection.takeOutgoing(1_000);
    expect(connection.deadlineMs).toBe(1_000 + KEEP_ALIVE_MS);
    connection.handleDeadline(1_000 + KEEP_ALIVE_MS - 1);
    expect(connection.outgoingBytes).toBe(0);
    connection.handleDeadline(1_000 + KEEP_ALIVE_MS);
    expect(connection.takeOutgoing(1_000 + KEEP_ALIVE_MS)).toEqual(Uint8Array.of(0, 0, 0, 0));
    receive(connection, message(encode.writeKeepAlive), 150_000);
    connection.handleSent(150_000);
    expect(connection.deadlineMs).toBe(150_000 + KEEP_ALIVE_MS);
  });
});

describe('commands', () => {
  test.each([
    ['none, fast', true, [], '000000010f'],
    ['none, plain', false, [], undefined],
    ['some, fast', true, [0, 10], '00000003058020'],
    ['some, plain', false, [0, 10], '00000003058020'],
    ['all, fast', true, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], '000000010e'],
    ['all, plain', false, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], '0000000305ffe0'],
  ])('sendBitfield: %s', (_, fast, members, hex) => {
    const connection = openConnection({ theirs: { fast } });
    const ours = new Bitfield(PIECES.pieceCount);
    for (const member of members) ours.add(member);
    connection.sendHave(3);
    connection.sendBitfield(ours);
    const bytes = connection.takeOutgoing(0);
    expect(bytes === undefined ? undefined : bytesToHex(bytes)).toBe(hex);
    connection.sendHave(3);
    expect(connection.takeOutgoing(0)).toEqual(message(have(3)));
  });

  test('fast messages are not sent to a peer without fast, nor a port to one without DHT', () => {
    const connection = openConnection({ theirs: { fast: false, dht: false } });
    connection.sendReject(0, 0, 1);
    connection.sendSuggest(0);
    connection.sendAllowedFast(0);
    connection.sendPort(6881);
    expect(connection.takeOutgoing(0)).toBeUndefined();
  });

  test('a port of 0 is ignored, another reported', () => {
    const ports = [0, 6881].map((port) => (writer: WireWriter) => encode.writePort(writer, port));
    const connection = openConnection();
    expect(receive(connection, message(...ports))).toEqual(['PORT']);
    expect(connection.message.port).toBe(6881);
  });
});
