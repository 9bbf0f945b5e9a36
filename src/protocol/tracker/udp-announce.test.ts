import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concatBytes, encodeUtf8, readUint32, writeUint32 } from '../../base/bytes.ts';
import { seededRandom } from '../../base/random.ts';
import type { AnnounceRequest, AnnounceResponse } from './announce.ts';
import { UdpAnnounce } from './udp-announce.ts';
import type { UdpConnection, UdpExchangeOutput } from './udp-exchange.ts';
import { UdpScrape } from './udp-scrape.ts';

const REQUEST: AnnounceRequest = {
  infoHash: new Uint8Array(20),
  peerId: new Uint8Array(20),
  port: 1,
  downloadedBytes: 0,
  leftBytes: 0,
  uploadedBytes: 0,
  event: 'none',
  key: 0,
  numWant: 50,
};

function start(connection?: UdpConnection, nowMs = 0): UdpAnnounce {
  return new UdpAnnounce(REQUEST, { family: 4, urlData: '', random: seededRandom(1), connection }, nowMs);
}

function only(announce: UdpAnnounce): UdpExchangeOutput<AnnounceResponse> {
  const output = announce.poll();
  expect(announce.poll()).toBeUndefined();
  if (output === undefined) throw new Error('nothing to do');
  return output;
}

function sent(announce: UdpAnnounce): Uint8Array {
  const output = only(announce);
  if (output.type !== 'send') throw new Error(output.type);
  return output.datagram;
}

const actionOf = (datagram: Uint8Array): string => (readUint32(datagram, 8) === 0 ? 'connect' : 'announce');

/** A reply to a request, with the action given or the request's own. */
function replyTo(request: Uint8Array, rest: Uint8Array, action: number = readUint32(request, 8)): Uint8Array {
  const header = new Uint8Array(8);
  writeUint32(header, 0, action);
  header.set(request.subarray(12, 16), 4);
  return concatBytes([header, rest]);
}

const CONNECTION_ID = encodeUtf8('connect!');
const ANNOUNCE_REST = concatBytes([new Uint8Array(12), Uint8Array.of(192, 0, 2, 1, 0, 80)]);

test('connects, announces, and is done', () => {
  const announce = start();
  const connect = sent(announce);
  announce.handleDatagram(replyTo(connect, CONNECTION_ID), 1_000);
  const request = sent(announce);
  expect(request.subarray(0, 8)).toEqual(CONNECTION_ID);
  announce.handleDatagram(replyTo(request, ANNOUNCE_REST), 2_000);
  expect(only(announce)).toMatchObject({ type: 'response', response: { peers: [{ address: '192.0.2.1', port: 80 }] } });
  expect(announce.deadlineMs).toBe(Infinity);
  announce.handleDatagram(replyTo(request, ANNOUNCE_REST), 3_000);
  expect(announce.poll()).toBeUndefined();
});

// Goal: the schedule of BEP 15, "Announce times out". Method: answer the first connect only, then jump from deadline
// to deadline. Four minutes of protocol, no waiting.
test('retransmits as BEP 15 says and reconnects when the connection id has expired', () => {
  const announce = start();
  const log: string[] = [];
  let nowMs = 0;
  const drain = (): Uint8Array => {
    const datagram = sent(announce);
    log.push(`${nowMs / 1_000} s ${actionOf(datagram)}`);
    return datagram;
  };
  const connect = drain();
  nowMs = 1_000;
  announce.handleDatagram(replyTo(connect, CONNECTION_ID), nowMs);
  drain();
  while (nowMs < 200_000) {
    nowMs = announce.deadlineMs;
    announce.handleDeadline(nowMs);
    drain();
  }
  expect(log).toEqual([
    '0 s connect',
    '1 s announce',
    '16 s announce',
    '46 s announce',
    '106 s connect',
    '226 s connect',
  ]);
});

test('waits 15 · 2^n seconds, n up to 8', () => {
  const announce = start();
  const waits: number[] = [];
  for (let nowMs = 0; waits.length < 11; ) {
    sent(announce);
    waits.push((announce.deadlineMs - nowMs) / 15_000);
    announce.handleDeadline(announce.deadlineMs - 1);
    expect(announce.poll()).toBeUndefined();
    nowMs = announce.deadlineMs;
    announce.handleDeadline(nowMs);
  }
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 256, 256]);
});

test('an answer to an early copy counts after a retransmission', () => {
  const announce = start();
  const first = sent(announce);
  announce.handleDeadline(announce.deadlineMs);
  expect(sent(announce)).toEqual(first);
  announce.handleDatagram(replyTo(first, CONNECTION_ID), 20_000);
  expect(actionOf(sent(announce))).toBe('announce');
});

test('an error refuses, whatever it answers', () => {
  const atConnect = start();
  atConnect.handleDatagram(replyTo(sent(atConnect), encodeUtf8('go away'), 3), 1);
  expect(only(atConnect)).toEqual({ type: 'refused', message: 'go away' });
  const atAnnounce = start();
  atAnnounce.handleDatagram(replyTo(sent(atAnnounce), CONNECTION_ID), 1);
  atAnnounce.handleDatagram(replyTo(sent(atAnnounce), encodeUtf8('unregistered'), 3), 2);
  expect(only(atAnnounce)).toEqual({ type: 'refused', message: 'unregistered' });
  expect(atAnnounce.deadlineMs).toBe(Infinity);
});

test('wrong transaction, wrong action and short datagrams are ignored', () => {
  const announce = start();
  const connect = sent(announce);
  const wrongTransaction = replyTo(connect, CONNECTION_ID);
  wrongTransaction[7]! ^= 1;
  for (const stray of [
    wrongTransaction,
    replyTo(connect, CONNECTION_ID.subarray(1)),
    replyTo(connect, ANNOUNCE_REST, 1),
    replyTo(connect, ANNOUNCE_REST, 2),
    replyTo(connect, ANNOUNCE_REST, 4),
    new Uint8Array(0),
  ]) {
    announce.handleDatagram(stray, 1);
    expect(announce.poll()).toBeUndefined();
  }
  announce.handleDatagram(replyTo(connect, CONNECTION_ID), 2);
  const request = sent(announce);
  for (const stray of [replyTo(request, CONNECTION_ID, 0), replyTo(request, ANNOUNCE_REST.subarray(0, 11))]) {
    announce.handleDatagram(stray, 3);
    expect(announce.poll()).toBeUndefined();
  }
  announce.handleDatagram(replyTo(request, ANNOUNCE_REST), 4);
  expect(only(announce).type).toBe('response');
});

test('guessed datagrams are never accepted', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 8, maxLength: 40 }), (guess) => {
      const announce = start();
      fc.pre(readUint32(guess, 4) !== readUint32(sent(announce), 12));
      announce.handleDatagram(guess, 1);
      expect(announce.poll()).toBeUndefined();
    }),
  );
});

test('a connection of an earlier exchange spares the connect while it lives', () => {
  const first = start();
  first.handleDatagram(replyTo(sent(first), CONNECTION_ID), 1_000);
  expect(first.connection).toEqual({ id: CONNECTION_ID, expiresMs: 61_000 });
  expect(actionOf(sent(start(first.connection, 60_999)))).toBe('announce');
  expect(actionOf(sent(start(first.connection, 61_000)))).toBe('connect');
});

test('a tracker that has forgotten an earlier connection is asked for another', () => {
  const connection = { id: CONNECTION_ID, expiresMs: 60_000 };
  const refused = start(connection);
  refused.handleDatagram(replyTo(sent(refused), encodeUtf8('Connection ID mismatch'), 3), 1);
  const connect = sent(refused);
  expect(actionOf(connect)).toBe('connect');
  refused.handleDatagram(replyTo(connect, encodeUtf8('no'), 3), 2);
  expect(only(refused).type).toBe('refused');
  const silent = start(connection);
  sent(silent);
  silent.handleDeadline(silent.deadlineMs);
  expect(actionOf(sent(silent))).toBe('connect');
});

test('a scrape asks about at most 74 torrents and answers in their order', () => {
  const hashes = Array.from({ length: 75 }, (_, index) => new Uint8Array(20).fill(index));
  const connection = { id: CONNECTION_ID, expiresMs: 60_000 };
  const scrape = new UdpScrape(hashes, { random: seededRandom(1), connection }, 0);
  const output = scrape.poll();
  if (output?.type !== 'send') throw new Error('no request');
  expect(output.datagram).toHaveLength(16 + 74 * 20);
  const rest = new Uint8Array(74 * 12);
  writeUint32(rest, 12, 7);
  scrape.handleDatagram(replyTo(output.datagram, rest), 1);
  const answer = scrape.poll();
  if (answer?.type !== 'response') throw new Error('no answer');
  expect(answer.response).toHaveLength(74);
  expect(answer.response[1]).toEqual({ seedCount: 7, downloadedCount: 0, leecherCount: 0 });
});
