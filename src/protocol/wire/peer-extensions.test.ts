// Extension messages (BEP 10, 21, 54) and hash messages (BEP 52) as a connection reports and sends them.
import { describe, expect, test } from 'vitest';
import { bencode } from '../bencode/index.ts';
import { EXTENSION_IDS } from '../extensions/extension-handshake.ts';
import { encodeDontHave } from '../extensions/lt-donthave.ts';
import { EXTENSION_HANDSHAKES_MAX, HASH_PROOF_LAYERS_MAX, HASH_REQUEST_LENGTH_MAX } from '../limits.ts';
import { extended, message, openConnection, receive } from './testing/scripted-peer.ts';
import type { WireWriter } from './wire-encoder.ts';
import * as encode from './wire-encoder.ts';

describe('extensions', () => {
  const handshakeOf = (messages: Record<string, number>): ((writer: WireWriter) => void) =>
    extended(0, bencode({ m: messages }));

  test('need both bits', () => {
    const connection = openConnection({ theirs: { extensionProtocol: false } });
    connection.sendBitfield(undefined);
    connection.takeOutgoing(0);
    connection.sendExtensionHandshake({ messages: new Map() });
    expect(connection.takeOutgoing(0)).toBeUndefined();
    expect(receive(connection, message(handshakeOf({})))).toEqual(['WIRE_EXTENSION_NOT_NEGOTIATED']);
  });

  test('messages go out under the ids of the peer, the last ones', () => {
    const connection = openConnection();
    const payload = Uint8Array.of(1, 2);
    expect(connection.sendExtended('ut_metadata', payload)).toBe(false);
    receive(connection, message(handshakeOf({ ut_metadata: 9, lt_donthave: 8 })));
    expect(connection.sendExtended('ut_metadata', payload)).toBe(true);
    receive(connection, message(handshakeOf({ ut_metadata: 7 })));
    expect(connection.sendExtended('ut_metadata', payload)).toBe(true);
    expect(connection.sendDontHave(5)).toBe(true);
    expect(connection.sendUploadOnly(true)).toBe(false);
    receive(connection, message(handshakeOf({ ut_metadata: 0 })));
    expect(connection.sendExtended('ut_metadata', payload)).toBe(false);
    expect(connection.takeOutgoing(0)).toEqual(
      message(extended(9, payload), extended(7, payload), extended(8, encodeDontHave(5))),
    );
  });

  test('messages come in under our ids, unknown ids are ignored', () => {
    const connection = openConnection();
    const ids = [1, 2, 5, 6, 255].map((id) => extended(id, Uint8Array.of(id)));
    expect(receive(connection, message(...ids))).toEqual(['EXTENDED', 'EXTENDED', 'EXTENDED']);
  });

  test('claims add up over handshakes', () => {
    const connection = openConnection();
    expect(connection.peerRequestQueue).toBe(250);
    receive(connection, message(extended(0, bencode({ reqq: 77, v: 'A 1', metadata_size: 12_345 }))));
    expect(connection.extensionHandshake?.requestQueue).toBe(77);
    receive(connection, message(extended(0, bencode({ upload_only: 1 }))));
    expect(connection.extensionHandshake?.requestQueue).toBeUndefined();
    expect(connection.peerRequestQueue).toBe(77);
    expect(connection.peerUploadOnly).toBe(true);
    expect(connection.extensions.client).toBe('A 1');
    expect(connection.extensions.metadataSizeBytes).toBe(12_345);
  });

  test('upload_only is reported when it changes', () => {
    const connection = openConnection();
    const uploadOnly = (...bytes: number[]) => extended(EXTENSION_IDS.upload_only, Uint8Array.of(...bytes));
    expect(receive(connection, message(uploadOnly(0), uploadOnly(1), uploadOnly(1), uploadOnly()))).toEqual([
      'UPLOAD_ONLY',
    ]);
    expect(connection.peerUploadOnly).toBe(true);
  });

  test('an unreadable handshake is ignored, but counted: ten are borne', () => {
    const connection = openConnection();
    const stream = (count: number) =>
      message(
        ...Array.from({ length: count }, (_, i) => (i % 2 === 0 ? extended(0, new Uint8Array(3)) : handshakeOf({}))),
      );
    const names = receive(connection, stream(EXTENSION_HANDSHAKES_MAX));
    expect(names).toHaveLength(EXTENSION_HANDSHAKES_MAX);
    expect(new Set(names)).toEqual(new Set(['WIRE_EXTENSION_HANDSHAKE_INVALID', 'EXTENSION_HANDSHAKE']));
    expect(connection.isClosed).toBe(false);
    expect(receive(connection, stream(1))).toEqual(['WIRE_EXTENSION_HANDSHAKES_TOO_MANY']);
  });
});

describe('hash messages', () => {
  const piecesRoot = new Uint8Array(32).fill(4);
  const hashRequest = { piecesRoot, baseLayer: 0, index: 512, length: 512, proofLayers: 3 };

  test('requests and rejects are decoded', () => {
    const connection = openConnection();
    expect(
      receive(
        connection,
        message((writer) => encode.writeHashRequest(writer, hashRequest)),
      ),
    ).toEqual(['HASH_REQUEST']);
    expect(connection.hashRequest).toEqual(hashRequest);
    expect(
      receive(
        connection,
        message((writer) => encode.writeHashReject(writer, hashRequest)),
      ),
    ).toEqual(['HASH_REJECT']);
  });

  test.each([
    ['length', HASH_REQUEST_LENGTH_MAX],
    ['proofLayers', HASH_PROOF_LAYERS_MAX],
    ['baseLayer', HASH_PROOF_LAYERS_MAX],
  ])('a request is refused beyond the largest %s', (field, limit) => {
    const verdict = (value: number): string[] => {
      const connection = openConnection();
      const wrong = { ...hashRequest, [field]: value };
      const names = receive(
        connection,
        message((writer) => encode.writeHashRequest(writer, wrong)),
      );
      const refusal = message((writer) => encode.writeHashReject(writer, wrong));
      expect(connection.takeOutgoing(0)).toEqual(names[0] === 'HASH_REQUEST' ? undefined : refusal);
      return names;
    };
    expect([limit - 1, limit, limit + 1, 0xffffffff].map(verdict)).toEqual([
      ['HASH_REQUEST'],
      ['HASH_REQUEST'],
      ['WIRE_HASH_REQUEST_INVALID'],
      ['WIRE_HASH_REQUEST_INVALID'],
    ]);
    if (field === 'length') expect(verdict(0)).toEqual(['WIRE_HASH_REQUEST_INVALID']);
  });

  test('hashes are as many as the request and its proof', () => {
    const asked = { ...hashRequest, length: 4, index: 8 };
    const verdict = (count: number): string | undefined => {
      const connection = openConnection();
      const hashes = new Uint8Array(32 * count).fill(6);
      const names = receive(
        connection,
        message((writer) => encode.writeHashes(writer, asked, hashes)),
      );
      if (names[0] === 'HASHES') expect(connection.hashes).toEqual({ request: asked, hashes });
      return names[0];
    };
    expect([3, 4, 7, 8].map(verdict)).toEqual(['WIRE_HASHES_INVALID', 'HASHES', 'HASHES', 'WIRE_HASHES_INVALID']);
  });

  test('go out as they came in', () => {
    const connection = openConnection();
    connection.sendHashRequest(hashRequest);
    connection.sendHashReject(hashRequest);
    connection.sendHashes({ ...hashRequest, length: 2 }, new Uint8Array(64));
    const receiver = openConnection();
    expect(receive(receiver, connection.takeOutgoing(0)!)).toEqual(['HASH_REQUEST', 'HASH_REJECT', 'HASHES']);
  });
});
