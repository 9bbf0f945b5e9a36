import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesToHex, concatBytes, encodeUtf8, hexToBytes, readUint32 } from '../../base/bytes.ts';
import { TRACKER_PEERS_MAX, TRACKER_TEXT_MAX_CHARACTERS } from '../limits.ts';
import type { AnnounceRequest } from './announce.ts';
import {
  decodeUdpAnnounceReply,
  decodeUdpConnectReply,
  decodeUdpError,
  decodeUdpReplyHeader,
  decodeUdpScrapeReply,
  encodeUdpAnnounce,
  encodeUdpConnect,
  encodeUdpScrape,
} from './udp-messages.ts';

const CONNECTION_ID = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const REQUEST: AnnounceRequest = {
  infoHash: new Uint8Array(20).fill(0xaa),
  peerId: new Uint8Array(20).fill(0xbb),
  port: 6881,
  downloadedBytes: 2 ** 40 + 1,
  leftBytes: 2,
  uploadedBytes: 2 ** 48 - 1,
  event: 'started',
  key: 0xdeadbeef,
  numWant: 200,
};

test('requests have the layout of BEP 15', () => {
  expect(bytesToHex(encodeUdpConnect(0x01020304))).toBe('00000417271019800000000001020304');
  expect(bytesToHex(encodeUdpAnnounce(CONNECTION_ID, 9, REQUEST, ''))).toBe(
    `01020304050607080000000100000009${'aa'.repeat(20)}${'bb'.repeat(20)}` +
      '000001000000000100000000000000020000ffffffffffff' +
      '0000000200000000deadbeef000000c81ae1',
  );
  expect(bytesToHex(encodeUdpScrape(CONNECTION_ID, 9, [REQUEST.infoHash]))).toBe(
    `01020304050607080000000200000009${'aa'.repeat(20)}`,
  );
});

test('events, address and wanted peers', () => {
  const eventOf = (event: AnnounceRequest['event']): number =>
    readUint32(encodeUdpAnnounce(CONNECTION_ID, 1, { ...REQUEST, event }, ''), 80);
  expect([eventOf('none'), eventOf('completed'), eventOf('started'), eventOf('stopped')]).toEqual([0, 1, 2, 3]);
  const addressOf = (ip: string): string =>
    bytesToHex(encodeUdpAnnounce(CONNECTION_ID, 1, { ...REQUEST, ip }, '').subarray(84, 88));
  expect(addressOf('192.0.2.1')).toBe('c0000201');
  expect(addressOf('2001:db8::1')).toBe('00000000');
  expect(addressOf('host.example')).toBe('00000000');
  expect(readUint32(encodeUdpAnnounce(CONNECTION_ID, 1, { ...REQUEST, numWant: 0 }, ''), 92)).toBe(0);
});

test('URL data is cut into options of at most 255 bytes (BEP 41)', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_200 }), (length) => {
      const urlData = '/a?b'.repeat(300).slice(0, length);
      let options = encodeUdpAnnounce(CONNECTION_ID, 1, REQUEST, urlData).subarray(98);
      const parts: Uint8Array[] = [];
      while (options.length > 0) {
        expect(options[0]).toBe(2);
        parts.push(options.subarray(2, 2 + options[1]!));
        options = options.subarray(2 + options[1]!);
      }
      expect(parts).toHaveLength(Math.ceil(length / 255));
      expect(concatBytes(parts)).toEqual(encodeUtf8(urlData));
    }),
  );
});

test('replies are read', () => {
  expect(decodeUdpReplyHeader(hexToBytes('0000000100000009')!)).toEqual({ action: 1, transactionId: 9 });
  expect(decodeUdpConnectReply(hexToBytes('0000000000000009ffffffffffffffff00')!)).toEqual(
    new Uint8Array(8).fill(0xff),
  );
  const announce = hexToBytes('0000000100000009000007080000000300000004' + 'c00002011ae1' + 'c00002020000' + '0102')!;
  expect(decodeUdpAnnounceReply(announce, 4)).toMatchObject({
    intervalMs: 1_800_000,
    leecherCount: 3,
    seedCount: 4,
    peers: [{ address: '192.0.2.1', port: 6881 }],
  });
  const announce6 = hexToBytes('0000000100000009000007080000000300000004' + `20010db8${'00'.repeat(11)}01` + '1ae1')!;
  expect(decodeUdpAnnounceReply(announce6, 6)?.peers).toEqual([{ address: '2001:db8::1', port: 6881 }]);
  expect(decodeUdpScrapeReply(hexToBytes('0000000200000009000000010000000200000003')!, 1)).toEqual([
    { seedCount: 1, downloadedCount: 2, leecherCount: 3 },
  ]);
  expect(decodeUdpError(concatBytes([hexToBytes('0000000300000009')!, encodeUtf8('no\u0000such\n')]))).toBe('no such');
  expect(decodeUdpError(hexToBytes('0000000300000009')!)).not.toBe('');
  expect(decodeUdpError(new Uint8Array(60_000).fill(0x41))).toHaveLength(TRACKER_TEXT_MAX_CHARACTERS);
});

test.each([TRACKER_PEERS_MAX - 1, TRACKER_PEERS_MAX, TRACKER_PEERS_MAX + 1, 10_000])('%i peers', (count) => {
  const reply = new Uint8Array(20 + 6 * count).fill(1);
  expect(decodeUdpAnnounceReply(reply, 4)?.peers).toHaveLength(Math.min(count, TRACKER_PEERS_MAX));
});

test('datagrams that are too short are no replies, and none throws', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.constantFrom(4 as const, 6 as const), (datagram, family) => {
      expect(decodeUdpReplyHeader(datagram) !== undefined).toBe(datagram.length >= 8);
      expect(decodeUdpConnectReply(datagram) !== undefined).toBe(datagram.length >= 16);
      expect(decodeUdpAnnounceReply(datagram, family) !== undefined).toBe(datagram.length >= 20);
      expect(decodeUdpScrapeReply(datagram, 2) !== undefined).toBe(datagram.length >= 32);
      expect(decodeUdpError(datagram).length).toBeGreaterThan(0);
    }),
  );
});
