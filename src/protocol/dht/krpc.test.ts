import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesToHex, decodeUtf8Lenient, encodeUtf8 } from '../../base/bytes.ts';
import { DHT_DATAGRAM_MAX_BYTES } from '../limits.ts';
import { decodeKrpc } from './krpc-decode.ts';
import { KrpcEncoder } from './krpc-encoder.ts';
import type { KrpcQuery, KrpcResponse } from './krpc-message.ts';

const encoder = new KrpcEncoder();
const aa = encodeUtf8('aa');
const id = encodeUtf8('abcdefghij0123456789');
const target = encodeUtf8('mnopqrstuvwxyz123456');
const token = encodeUtf8('aoeusnth');
const text = (bytes: Uint8Array): string => decodeUtf8Lenient(bytes);

describe('the example packets of BEP 5', () => {
  const queries: [string, KrpcQuery, string][] = [
    ['ping', { method: 'ping', id }, 'd1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe'],
    [
      'find_node',
      { method: 'find_node', id, target },
      'd1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e1:q9:find_node1:t2:aa1:y1:qe',
    ],
    [
      'get_peers',
      { method: 'get_peers', id, target },
      'd1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz123456e1:q9:get_peers1:t2:aa1:y1:qe',
    ],
    [
      'announce_peer',
      { method: 'announce_peer', id, infoHash: target, port: 6881, impliedPort: true, token, seed: false },
      'd1:ad2:id20:abcdefghij012345678912:implied_porti1e9:info_hash20:mnopqrstuvwxyz1234564:porti6881e5:token8:aoeusnthe' +
        '1:q13:announce_peer1:t2:aa1:y1:qe',
    ],
  ];

  test.each(queries)('%s', (_, query, packet) => {
    expect(text(encoder.query(aa, query))).toBe(packet);
    expect(decodeKrpc(encodeUtf8(packet))).toMatchObject({
      type: 'query',
      transactionId: aa,
      query,
      isReadOnly: false,
    });
  });

  const responses: [string, KrpcResponse, string][] = [
    ['ping', { id: target }, 'd1:rd2:id20:mnopqrstuvwxyz123456e1:t2:aa1:y1:re'],
    [
      'find_node',
      { id: encodeUtf8('0123456789abcdefghij'), nodes: encodeUtf8('def456...') },
      'd1:rd2:id20:0123456789abcdefghij5:nodes9:def456...e1:t2:aa1:y1:re',
    ],
    [
      'get_peers with peers',
      { id, token, values: [encodeUtf8('axje.u'), encodeUtf8('idhtnm')] },
      'd1:rd2:id20:abcdefghij01234567895:token8:aoeusnth6:valuesl6:axje.u6:idhtnmee1:t2:aa1:y1:re',
    ],
    [
      'get_peers with nodes',
      { id, nodes: encodeUtf8('def456...'), token },
      'd1:rd2:id20:abcdefghij01234567895:nodes9:def456...5:token8:aoeusnthe1:t2:aa1:y1:re',
    ],
  ];

  test.each(responses)('response to %s', (_, response, packet) => {
    expect(text(encoder.response(aa, response))).toBe(packet);
    expect(decodeKrpc(encodeUtf8(packet))).toMatchObject({ type: 'response', transactionId: aa, response });
  });

  test('an error', () => {
    const packet = 'd1:eli201e23:A Generic Error Ocurrede1:t2:aa1:y1:ee';
    expect(text(encoder.error(aa, 201, 'A Generic Error Ocurred'))).toBe(packet);
    const message = encodeUtf8('A Generic Error Ocurred');
    expect(decodeKrpc(encodeUtf8(packet))).toMatchObject({ type: 'error', code: 201, message });
  });
});

test('the read-only mark stands outside the arguments (BEP 43)', () => {
  const packet = encoder.query(aa, { method: 'ping', id }, { isReadOnly: true });
  expect(text(packet)).toContain('2:roi1e');
  expect(decodeKrpc(packet)).toMatchObject({ isReadOnly: true });
});

test('the address that a response names is at the top (BEP 42)', () => {
  const endpoint = Uint8Array.of(1, 2, 3, 4, 0x1a, 0xe1);
  const packet = encoder.response(aa, { id }, endpoint);
  expect(bytesToHex(packet).startsWith(bytesToHex(encodeUtf8('d2:ip6:')))).toBe(true);
  expect(decodeKrpc(packet)).toMatchObject({ ownEndpoint: endpoint });
});

describe('what is answered with an error', () => {
  const query = (rest: string): string => `d1:ad2:id20:abcdefghij0123456789${rest}1:t2:aa1:y1:qe`;
  test.each([
    ['no id', 'd1:ade1:q4:ping1:t2:aa1:y1:qe', 203],
    ['a short id', 'd1:ad2:id19:abcdefghij012345678e1:q4:ping1:t2:aa1:y1:qe', 203],
    ['an unknown method', query('e1:q4:pong'), 204],
    ['no target', query('e1:q9:find_node'), 203],
    ['no token', query('9:info_hash20:mnopqrstuvwxyz1234564:porti1ee1:q13:announce_peer'), 203],
    ['port 0', query('9:info_hash20:mnopqrstuvwxyz1234564:porti0e5:token1:xe1:q13:announce_peer'), 203],
    ['port 65536', query('9:info_hash20:mnopqrstuvwxyz1234564:porti65536e5:token1:xe1:q13:announce_peer'), 203],
    ['a value without its signature', query('1:k32:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa5:token1:x1:v1:xe1:q3:put'), 203],
  ])('%s', (_, packet, code) => {
    expect(decodeKrpc(encodeUtf8(packet))).toMatchObject({ type: 'refused', code });
  });

  test('a method of the future that names a target is a find_node', () => {
    const packet = query('6:target20:mnopqrstuvwxyz123456e1:q8:whatever');
    expect(decodeKrpc(encodeUtf8(packet))).toMatchObject({ query: { method: 'find_node', target } });
  });
});

test('want is a list; other words in it are ignored (BEP 32)', () => {
  const both = encoder.query(aa, { method: 'find_node', id, target, want: { v4: true, v6: true } });
  expect(text(both)).toContain('4:wantl2:n42:n6e');
  expect(decodeKrpc(both)).toMatchObject({ query: { want: { v4: true, v6: true } } });
  const odd = text(both).replace('l2:n42:n6e', 'l2:n63:n42e');
  expect(decodeKrpc(encodeUtf8(odd))).toMatchObject({ query: { want: { v4: false, v6: true } } });
});

const bytesOf = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });
const nodeId = bytesOf(20);
const want = fc.option(fc.record({ v4: fc.boolean(), v6: fc.boolean() }), { nil: undefined });
const anyQuery: fc.Arbitrary<KrpcQuery> = fc.oneof(
  fc.record({ method: fc.constant('ping' as const), id: nodeId }),
  fc.record({
    method: fc.constantFrom('find_node' as const, 'sample_infohashes' as const),
    id: nodeId,
    target: nodeId,
    want,
  }),
  fc.record({
    method: fc.constant('get_peers' as const),
    id: nodeId,
    target: nodeId,
    want,
    noSeed: fc.boolean(),
    scrape: fc.boolean(),
  }),
  fc.record({
    method: fc.constant('announce_peer' as const),
    id: nodeId,
    infoHash: nodeId,
    port: fc.integer({ min: 1, max: 65_535 }),
    impliedPort: fc.boolean(),
    token: fc.uint8Array({ maxLength: 128 }),
    seed: fc.boolean(),
  }),
  fc.record({
    method: fc.constant('get' as const),
    id: nodeId,
    target: nodeId,
    want,
    seq: fc.option(fc.nat(), { nil: undefined }),
  }),
  fc.record({
    method: fc.constant('put' as const),
    id: nodeId,
    token: fc.uint8Array({ maxLength: 128 }),
    value: fc.constantFrom('i5e', '12:Hello World!', 'd1:ai1ee', 'le').map(encodeUtf8),
    mutable: fc.option(
      fc.record({
        publicKey: bytesOf(32),
        seq: fc.maxSafeNat(),
        signature: bytesOf(64),
        salt: fc.uint8Array({ maxLength: 64 }),
        cas: fc.option(fc.maxSafeNat(), { nil: undefined }),
      }),
      { nil: undefined },
    ),
  }),
);
const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const anyResponse: fc.Arbitrary<KrpcResponse> = fc.record({
  id: nodeId,
  nodes: optional(fc.uint8Array({ maxLength: 208 })),
  nodes6: optional(fc.uint8Array({ maxLength: 208 })),
  token: optional(fc.uint8Array({ maxLength: 128 })),
  values: optional(fc.array(fc.uint8Array({ maxLength: 18 }), { minLength: 1, maxLength: 20 })),
  seedFilter: optional(bytesOf(256)),
  peerFilter: optional(bytesOf(256)),
  value: optional(fc.constantFrom('i5e', '12:Hello World!', 'd1:ai1ee', 'le').map(encodeUtf8)),
  publicKey: optional(bytesOf(32)),
  seq: optional(fc.maxSafeNat()),
  signature: optional(bytesOf(64)),
  samples: optional(fc.uint8Array({ maxLength: 100 })),
  sampleTotal: optional(fc.nat()),
  sampleIntervalSeconds: optional(fc.nat()),
});

test('queries and responses come back as they went', () => {
  fc.assert(
    fc.property(anyQuery, fc.uint8Array({ maxLength: 32 }), fc.boolean(), (query, transactionId, isReadOnly) => {
      const packet = encoder.query(transactionId, query, { isReadOnly });
      expect(decodeKrpc(packet)).toEqual({ type: 'query', transactionId, query, isReadOnly });
    }),
    { numRuns: 300 },
  );
  fc.assert(
    fc.property(anyResponse, optional(bytesOf(6)), (response, ownEndpoint) => {
      const packet = encoder.response(aa, response, ownEndpoint);
      expect(decodeKrpc(packet)).toEqual({ type: 'response', transactionId: aa, response, ownEndpoint });
    }),
    { numRuns: 300 },
  );
});

test('a message that is cut anywhere is no message, and random bytes are none', () => {
  const packet = encoder.query(aa, { method: 'find_node', id, target });
  for (let end = 0; end < packet.length; end++) expect(decodeKrpc(packet.subarray(0, end))).toBeUndefined();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      decodeKrpc(bytes);
    }),
  );
});

test('a transaction id of 32 bytes is answered, a longer one not; nor is a datagram that is too long', () => {
  const long = (length: number): Uint8Array => encoder.query(new Uint8Array(length), { method: 'ping', id });
  expect(decodeKrpc(long(32))).toBeDefined();
  expect(decodeKrpc(long(33))).toBeUndefined();
  const padded = (total: number): Uint8Array => {
    const frame = 'd1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:q1:z';
    const digits = String(total - frame.length - 6);
    return encodeUtf8(`${frame}${digits}:${'x'.repeat(total - frame.length - digits.length - 2)}e`);
  };
  const longest = padded(DHT_DATAGRAM_MAX_BYTES);
  expect(longest.length).toBe(DHT_DATAGRAM_MAX_BYTES);
  expect(decodeKrpc(longest)).toBeDefined();
  expect(decodeKrpc(padded(DHT_DATAGRAM_MAX_BYTES + 1))).toBeUndefined();
});
