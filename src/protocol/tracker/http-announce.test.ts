import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concatBytes, encodeUtf8 } from '../../base/bytes.ts';
import { bencode } from '../bencode/index.ts';
import {
  BENCODE_WIRE_DEPTH_MAX,
  TRACKER_ID_MAX_BYTES,
  TRACKER_INTERVAL_DEFAULT_MS,
  TRACKER_INTERVAL_MAX_MS,
  TRACKER_INTERVAL_MIN_MS,
  TRACKER_PEERS_MAX,
  TRACKER_RETRY_MAX_MS,
  TRACKER_TEXT_MAX_CHARACTERS,
} from '../limits.ts';
import type { AnnounceRequest, AnnounceResponse, TrackerFailure } from './announce.ts';
import { buildAnnounceUrl, decodeAnnounceReply, percentEncodeBytes } from './http-announce.ts';

const REQUEST: AnnounceRequest = {
  infoHash: Uint8Array.from({ length: 20 }, (_, index) => index * 13),
  peerId: encodeUtf8('-MR0100-abcdefghijkl'),
  port: 6881,
  uploadedBytes: 1,
  downloadedBytes: 2,
  leftBytes: 281_474_976_710_655,
  event: 'started',
  key: 0xab,
  numWant: 200,
};

function respond(reply: Record<string, unknown> | Uint8Array): AnnounceResponse {
  const result = decodeAnnounceReply(reply instanceof Uint8Array ? reply : bencode(reply as never));
  if (!result.ok) throw new Error(result.failure.message);
  return result.response;
}

function fail(body: Uint8Array): TrackerFailure {
  const result = decodeAnnounceReply(body);
  if (result.ok) throw new Error('the reply was taken');
  return result.failure;
}

const packed = (count: number, width: number): Uint8Array =>
  Uint8Array.from({ length: count * width }, (_, index) => 1 + ((index * 7) % 250));

test("the URL carries every parameter, and keeps the tracker's query", () => {
  const url = buildAnnounceUrl('http://t.example/announce?passkey=a%2Fb#fragment', {
    ...REQUEST,
    ip: '192.0.2.7',
    ipv4: '192.0.2.8',
    ipv6: '2001:db8::1',
    trackerId: Uint8Array.of(0x20, 0x41, 0xff),
  });
  expect(url).toBe(
    'http://t.example/announce?passkey=a%2Fb' +
      '&info_hash=%00%0D%1A%274AN%5Bhu%82%8F%9C%A9%B6%C3%D0%DD%EA%F7&peer_id=-MR0100-abcdefghijkl' +
      '&port=6881&uploaded=1&downloaded=2&left=281474976710655&compact=1&no_peer_id=1&numwant=200&key=000000AB' +
      '&event=started&ip=192.0.2.7&ipv4=192.0.2.8&ipv6=2001%3Adb8%3A%3A1&trackerid=%20A%FF',
  );
});

test.each([
  ['http://t.example/announce', 'http://t.example/announce?info_hash='],
  ['http://t.example/announce?', 'http://t.example/announce?info_hash='],
  ['http://t.example/announce?a=1', 'http://t.example/announce?a=1&info_hash='],
  ['http://t.example/announce?a=1&', 'http://t.example/announce?a=1&info_hash='],
  ['http://t.example', 'http://t.example?info_hash='],
])('parameters are added to %s', (trackerUrl, start) => {
  const url = buildAnnounceUrl(trackerUrl, { ...REQUEST, event: 'none' });
  expect(url.startsWith(start)).toBe(true);
  expect(url).not.toContain('event=');
  expect(url).not.toContain('trackerid=');
});

test('percent-encoding round trip', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const text = percentEncodeBytes(bytes);
      expect(text).toMatch(/^(?:[A-Za-z0-9\-._~]|%[0-9A-F]{2})*$/);
      const decoded = text.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
      expect(Uint8Array.from(decoded, (character) => character.charCodeAt(0))).toEqual(bytes);
    }),
  );
});

test('a whole reply is read', () => {
  const response = respond({
    interval: 1_800,
    'min interval': 900,
    complete: 3,
    incomplete: 4,
    downloaded: 5,
    peers: Uint8Array.of(192, 0, 2, 1, 0x1a, 0xe1, 192, 0, 2, 2, 0, 0, 9),
    peers6: concatBytes([Uint8Array.of(0x20, 1, 0xd, 0xb8), new Uint8Array(11), Uint8Array.of(1, 0x1a, 0xe2)]),
    'external ip': Uint8Array.of(198, 51, 100, 7),
    'tracker id': 'abc',
    'warning message': 'slow \u001b[31mdown',
  });
  expect(response).toEqual({
    intervalMs: 1_800_000,
    minIntervalMs: 900_000,
    seedCount: 3,
    leecherCount: 4,
    downloadedCount: 5,
    peers: [
      { address: '192.0.2.1', port: 6881 },
      { address: '2001:db8::1', port: 6882 },
    ],
    externalAddress: '198.51.100.7',
    trackerId: encodeUtf8('abc'),
    warning: 'slow  [31mdown',
  });
});

test('peers as dictionaries: literals are kept, names and impossible ports are not', () => {
  const peer = (ip: unknown, port: unknown): unknown => ({ ip, 'peer id': '-XX0000-000000000000', port });
  const { peers } = respond({
    peers: [
      peer('192.0.2.1', 1),
      peer('2001:DB8::2', 65_535),
      peer('peer.example', 6881),
      peer('192.0.2.3', 0),
      peer('192.0.2.4', 65_536),
      peer('192.0.2.5', -1),
      peer('0.0.0.0', 6881),
      peer(5, 6881),
      peer('192.0.2.6', '6881'),
      'junk',
      [],
    ],
  });
  expect(peers).toEqual([
    { address: '192.0.2.1', port: 1 },
    { address: '2001:db8::2', port: 65_535 },
  ]);
});

test.each([TRACKER_PEERS_MAX - 1, TRACKER_PEERS_MAX, TRACKER_PEERS_MAX + 1, 50_000])('%i peers', (count) => {
  const kept = Math.min(count, TRACKER_PEERS_MAX);
  expect(respond({ peers: packed(count, 6) }).peers).toHaveLength(kept);
  expect(respond({ peers6: packed(count, 18) }).peers).toHaveLength(kept);
  const both = respond({ peers: packed(count, 6), peers6: packed(count, 18) }).peers;
  expect(both).toHaveLength(TRACKER_PEERS_MAX);
  expect(both.filter((peer) => peer.address.includes(':'))).toHaveLength(TRACKER_PEERS_MAX / 2);
  if (count > 1_000) return;
  const dictionaries = Array.from({ length: count }, () => ({ ip: '192.0.2.1', port: 1 }));
  expect(respond({ peers: dictionaries }).peers).toHaveLength(kept);
});

test.each([
  [undefined, TRACKER_INTERVAL_DEFAULT_MS],
  [0, TRACKER_INTERVAL_DEFAULT_MS],
  [-1, TRACKER_INTERVAL_DEFAULT_MS],
  ['60', TRACKER_INTERVAL_DEFAULT_MS],
  [2n ** 63n, TRACKER_INTERVAL_DEFAULT_MS],
  [1, TRACKER_INTERVAL_MIN_MS],
  [TRACKER_INTERVAL_MIN_MS / 1_000 - 1, TRACKER_INTERVAL_MIN_MS],
  [TRACKER_INTERVAL_MIN_MS / 1_000, TRACKER_INTERVAL_MIN_MS],
  [TRACKER_INTERVAL_MIN_MS / 1_000 + 1, TRACKER_INTERVAL_MIN_MS + 1_000],
  [TRACKER_INTERVAL_MAX_MS / 1_000 - 1, TRACKER_INTERVAL_MAX_MS - 1_000],
  [TRACKER_INTERVAL_MAX_MS / 1_000, TRACKER_INTERVAL_MAX_MS],
  [TRACKER_INTERVAL_MAX_MS / 1_000 + 1, TRACKER_INTERVAL_MAX_MS],
  [2 ** 31, TRACKER_INTERVAL_MAX_MS],
  [Number.MAX_SAFE_INTEGER, TRACKER_INTERVAL_MAX_MS],
])('interval %s s is taken as %i ms', (interval, expected) => {
  const { intervalMs, minIntervalMs } = respond(interval === undefined ? {} : { interval, 'min interval': interval });
  expect(intervalMs).toBe(expected);
  const isSaid = typeof interval === 'number' && interval > 0;
  expect(minIntervalMs).toBe(isSaid ? expected : undefined);
});

test('hostile values leave nothing behind', () => {
  expect(
    respond({
      peers: -5,
      peers6: 7,
      complete: -1,
      incomplete: 'many',
      downloaded: 2n ** 64n,
      'external ip': new Uint8Array(5),
      'warning message': 7,
    }),
  ).toMatchObject({
    peers: [],
    seedCount: undefined,
    leecherCount: undefined,
    downloadedCount: undefined,
    externalAddress: undefined,
    warning: undefined,
  });
});

test('the longest tracker id and text', () => {
  for (const length of [TRACKER_ID_MAX_BYTES - 1, TRACKER_ID_MAX_BYTES, TRACKER_ID_MAX_BYTES + 1]) {
    const kept = respond({ 'tracker id': new Uint8Array(length) }).trackerId;
    expect(kept?.length).toBe(length <= TRACKER_ID_MAX_BYTES ? length : undefined);
  }
  for (const length of [TRACKER_TEXT_MAX_CHARACTERS - 1, TRACKER_TEXT_MAX_CHARACTERS, 1_000_000]) {
    const { message } = fail(bencode({ 'failure reason': '<'.repeat(length) }));
    expect(message).toHaveLength(Math.min(length, TRACKER_TEXT_MAX_CHARACTERS));
  }
});

test.each([
  ['never', Infinity],
  [5, 300_000],
  ['5', 300_000],
  [1_440, TRACKER_RETRY_MAX_MS],
  [1_439, TRACKER_RETRY_MAX_MS - 60_000],
  [1_441, TRACKER_RETRY_MAX_MS],
  [Number.MAX_SAFE_INTEGER, TRACKER_RETRY_MAX_MS],
  [0, undefined],
  [-5, undefined],
  ['soon', undefined],
  [undefined, undefined],
])('"retry in" %s', (retryIn, expected) => {
  const reply = retryIn === undefined ? {} : { 'retry in': retryIn };
  expect(fail(bencode({ 'failure reason': 'overloaded', ...reply }))).toEqual({
    kind: 'refused',
    message: 'overloaded',
    retryInMs: expected,
  });
});

test('a failure without a readable reason is a failure all the same', () => {
  expect(fail(bencode({ 'failure reason': Uint8Array.of(0xff, 0xfe) })).kind).toBe('refused');
  expect(fail(bencode({ 'failure reason': '' })).message).not.toBe('');
});

test.each(['', '<html>busy</html>', 'i5e', 'le', 'd8:intervali60e', 'd8:intervali060ee', 'd5:peers99999:ee'])(
  '%j is no reply',
  (body) => {
    expect(fail(encodeUtf8(body)).kind).toBe('malformed');
  },
);

test('nesting up to the limit is read, beyond it refused', () => {
  const nested = (depth: number): Uint8Array => encodeUtf8(`d1:x${'l'.repeat(depth - 1)}${'e'.repeat(depth - 1)}e`);
  expect(decodeAnnounceReply(nested(BENCODE_WIRE_DEPTH_MAX - 1)).ok).toBe(true);
  expect(decodeAnnounceReply(nested(BENCODE_WIRE_DEPTH_MAX)).ok).toBe(true);
  expect(decodeAnnounceReply(nested(BENCODE_WIRE_DEPTH_MAX + 1)).ok).toBe(false);
  expect(decodeAnnounceReply(nested(100_000)).ok).toBe(false);
});

test('no bytes make it throw, and every cut of a reply is refused', () => {
  const reply = bencode({ interval: 60, peers: packed(2, 6), 'tracker id': 'x' });
  for (let end = 0; end < reply.length; end++) expect(decodeAnnounceReply(reply.subarray(0, end)).ok).toBe(false);
  fc.assert(
    fc.property(fc.uint8Array(), fc.nat(), fc.nat(255), (junk, at, byte) => {
      decodeAnnounceReply(junk);
      const bent = reply.slice();
      bent[at % bent.length] = byte;
      const result = decodeAnnounceReply(bent);
      if (result.ok) for (const peer of result.response.peers) expect(peer.port).toBeGreaterThan(0);
    }),
  );
});
