import { expect, test } from 'vitest';
import { concatBytes, encodeUtf8, readUint32, writeUint32 } from '../../src/base/bytes.ts';
import { seededRandom } from '../../src/base/random.ts';
import { bencode } from '../../src/protocol/bencode/index.ts';
import type { SimHost } from './sim-host.ts';
import { SimHttp, SimWeb } from './sim-http.ts';
import { SimNetwork } from './sim-network.ts';
import { SimNames, SimResolver } from './sim-resolver.ts';
import { SimTracker, type TrackerMode } from './sim-tracker.ts';
import { SimClock, VirtualClock } from './virtual-clock.ts';

const ESCAPED_HASH = '%00%FFabc%25'.padEnd(12 + 14, 'x');
const HASH = concatBytes([Uint8Array.of(0, 255), encodeUtf8('abc%'), encodeUtf8('x'.repeat(14))]);

function build(): {
  clock: VirtualClock;
  network: SimNetwork;
  names: SimNames;
  tracker: SimTracker;
  trackerHost: SimHost;
  client: SimHost;
  http: SimHttp;
  get: (url: string, timeoutMs?: number) => string;
} {
  const clock = new VirtualClock();
  const random = seededRandom(1);
  const network = new SimNetwork(clock, random, { latencyMs: 50 });
  const names = new SimNames();
  const web = new SimWeb();
  const trackerHost = network.addHost({ addresses: ['45.200.0.1', '2a00::c8'] });
  const client = network.addHost({ addresses: ['45.0.0.1', '2a00::1'] });
  names.set('tracker.sim', trackerHost.addresses);
  const tracker = new SimTracker({ clock, random, host: trackerHost, web });
  const http = new SimHttp({ clock: new SimClock(clock), network, names, web, host: client });
  const get = (url: string, timeoutMs = 10_000): string => {
    let answer = '';
    const request = { url, totalTimeoutMs: timeoutMs, maxBodyBytes: 1_000_000, maxRedirects: 0 };
    http.get(request, {
      handleResponse: ({ status, body }) => (answer = `${status} ${String.fromCharCode(...body)}`),
      handleFailed: ({ code }) => (answer = code),
    });
    expect(answer).toBe('');
    clock.runUntil(() => answer !== '', { limitMs: 60_000 });
    expect(http.openCount).toBe(0);
    return answer;
  };
  return { clock, network, names, tracker, trackerHost, client, http, get };
}

function announceUrl(port: number, event = 'started', left = 10): string {
  return `http://tracker.sim/announce?info_hash=${ESCAPED_HASH}&peer_id=-MR0001-abcdefghijkl&port=${port}&left=${left}&event=${event}`;
}

test('keeps the swarm over HTTP: peers of both families, no own endpoint, gone after stopped', () => {
  const { clock, tracker, get } = build();
  tracker.addPeer(HASH, { address: '2a00::5', port: 5 });
  const expectReply = (compact: number[], compact6: number[], seeds: number, leechers: number): string => {
    const body = bencode({
      complete: seeds,
      incomplete: leechers,
      interval: 120,
      peers: Uint8Array.from(compact),
      peers6: Uint8Array.from(compact6),
    });
    return `200 ${String.fromCharCode(...body)}`;
  };
  const six = [0x2a, 0, ...new Array<number>(13).fill(0), 5, 0, 5];
  const startedMs = clock.nowMs;
  expect(get(announceUrl(6881))).toBe(expectReply([], six, 1, 0));
  expect(clock.nowMs - startedMs).toBeCloseTo(201);
  expect(get(announceUrl(0x1234))).toBe(expectReply([45, 0, 0, 1, 0x1a, 0xe1], six, 1, 1));
  get(announceUrl(6881, 'stopped'));
  expect(get(announceUrl(0x1234))).toBe(expectReply([], six, 1, 0));
  expect(tracker.peersOf(HASH).map(({ port }) => port)).toEqual([5, 0x1234]);
  expect(tracker.announces.map(({ event }) => event)).toEqual(['started', 'started', 'stopped', 'started']);
});

test.each<[TrackerMode, RegExp]>([
  ['silent', /^TIMED_OUT$/],
  ['error', /^500 /],
  ['garbage', /^200 /],
  ['huge', /^TOO_LARGE$/],
  ['failure', /^200 d14:failure reason/],
])('fails in the manner of "%s"', (mode, answer) => {
  const { tracker, get } = build();
  tracker.mode = mode;
  expect(get(announceUrl(1))).toMatch(answer);
  expect(tracker.announces).toEqual([]);
});

test('names, partitions, refused addresses and cancelling', () => {
  const { clock, network, names, client, trackerHost, http, get } = build();
  expect(get('http://nobody.sim/announce')).toBe('DNS_FAILED');
  expect(get('ftp://tracker.sim/announce')).toBe('URL_REFUSED');
  expect(get('http://tracker.sim:81/announce')).toBe('CONNECT_FAILED');
  network.partition([client], [trackerHost]);
  expect(get(announceUrl(1))).toBe('TIMED_OUT');
  network.heal();
  names.isDown = true;
  expect(get(announceUrl(1))).toBe('DNS_FAILED');
  const request = { url: announceUrl(1), totalTimeoutMs: 1_000, maxBodyBytes: 1, maxRedirects: 0 };
  const answers: string[] = [];
  const handler = { handleResponse: () => answers.push('response'), handleFailed: () => answers.push('failed') };
  http.get(request, handler).cancel();
  clock.advanceBy(60_000);
  expect(answers).toEqual([]);
  expect(http.openCount).toBe(0);
});

test('the resolver knows names and literals', () => {
  const { clock, names } = build();
  const resolver = new SimResolver(new SimClock(clock), names);
  const answers: string[] = [];
  const handler = {
    handleResolved: (addresses: readonly string[]) => answers.push(addresses.join(' ')),
    handleFailed: () => answers.push('failed'),
  };
  resolver.resolve('tracker.sim', handler);
  resolver.resolve('1.2.3.4', handler);
  resolver.resolve('::1', handler);
  resolver.resolve('nobody', handler);
  resolver.resolve('tracker.sim', handler).cancel();
  expect(answers).toEqual([]);
  clock.advanceBy(100);
  expect(answers).toEqual(['45.200.0.1 2a00::c8', '1.2.3.4', '::1', 'failed']);
});

test('keeps the swarm over UDP', () => {
  const { clock, tracker, client } = build();
  tracker.addPeer(HASH, { address: '45.9.0.1', port: 9 });
  const replies: Uint8Array[] = [];
  const socket = client.bindUdp(
    { address: '0.0.0.0', port: 7 },
    { handleListening: () => {}, handleFailed: () => {}, handleDatagram: (datagram) => replies.push(datagram.slice()) },
  );
  const remote = { address: '45.200.0.1', port: 80 };
  const connect = new Uint8Array(16);
  writeUint32(connect, 0, 0x417);
  writeUint32(connect, 4, 0x27101980);
  writeUint32(connect, 12, 77);
  socket.send(connect, remote);
  clock.advanceBy(1_000);
  expect(readUint32(replies[0]!, 4)).toBe(77);
  const announce = new Uint8Array(98);
  announce.set(replies[0]!.subarray(8, 16));
  writeUint32(announce, 8, 1);
  writeUint32(announce, 12, 78);
  announce.set(HASH, 16);
  writeUint32(announce, 80, 2);
  announce.set([0x1a, 0xe1], 96);
  socket.send(announce, remote);
  clock.advanceBy(1_000);
  expect([...replies[1]!.subarray(0, 8), ...replies[1]!.subarray(20)]).toEqual([
    0, 0, 0, 1, 0, 0, 0, 78, 45, 9, 0, 1, 0, 9,
  ]);
  expect(tracker.announces[0]).toMatchObject({ kind: 'udp', event: 'started', port: 6881, address: '45.0.0.1' });
  tracker.mode = 'failure';
  socket.send(announce, remote);
  clock.advanceBy(1_000);
  expect([...replies[2]!.subarray(0, 8)]).toEqual([0, 0, 0, 3, 0, 0, 0, 78]);
});
