// Goal: the announcer does what its schedule says, over both carriers, and leaves nothing behind. Method: a world in
// virtual time whose trackers do what each test says.
import { expect, test } from 'vitest';
import { readUint32 } from '../../base/bytes.ts';
import { seededRandom } from '../../base/random.ts';
import type { Endpoint } from '../../platform/network.ts';
import { bencode } from '../../protocol/bencode/index.ts';
import { DeadlineQueue } from '../deadline-queue.ts';
import { AnnounceGate } from './announce-gate.ts';
import { HttpCarrier } from './http-carrier.ts';
import { VirtualWorld } from './testing/virtual-world.ts';
import { type AnnounceFacts, TorrentAnnouncer } from './torrent-announcer.ts';
import { UdpTrackerClient } from './udp-tracker-client.ts';

const HTTP_URL = 'http://t.example/announce?passkey=secret';
const UDP_URL = 'udp://t.example:6969/announce';
const V4_PEER = Uint8Array.of(192, 0, 2, 9, 0, 80);
const REPLY = bencode({ interval: 1_800, peers: V4_PEER, 'external ip': Uint8Array.of(198, 51, 100, 7) });

class Rig {
  readonly world = new VirtualWorld();
  readonly peers: { peers: readonly Endpoint[]; url: string }[] = [];
  readonly externalAddresses: string[] = [];
  readonly logged: string[] = [];
  readonly udp: UdpTrackerClient;
  readonly announcer: TorrentAnnouncer;
  facts: AnnounceFacts = {
    infoHashes: [new Uint8Array(20).fill(0x61)],
    peerId: new Uint8Array(20).fill(0x62),
    port: 6881,
    uploadedBytes: 0,
    downloadedBytes: 0,
    leftBytes: 100,
    key: 5,
  };

  constructor(gate: AnnounceGate = new AnnounceGate(), infoHashes?: readonly Uint8Array[]) {
    if (infoHashes !== undefined) this.facts = { ...this.facts, infoHashes };
    const { world } = this;
    const { clock } = world;
    const random = seededRandom(1);
    const log = {
      write: (_level: string, message: string, fields?: object) =>
        void this.logged.push(message + JSON.stringify(fields)),
    };
    this.udp = new UdpTrackerClient({ clock, network: world, random, log });
    const deadlines = new DeadlineQueue(clock, (_, error) => {
      throw error;
    });
    const http = new HttpCarrier({ clock, http: world, userAgent: 'Millrace/0' });
    this.announcer = new TorrentAnnouncer(
      { clock, deadlines, http, resolver: world, udp: this.udp, gate, random, log },
      {
        announceFacts: () => this.facts,
        handlePeers: (peers, url) => void this.peers.push({ peers, url }),
        handleExternalAddress: (address) => void this.externalAddresses.push(address),
        handleBug: (error) => {
          throw error;
        },
      },
    );
  }

  /** Events of the HTTP announces so far, '' for none. */
  events(): string[] {
    return this.world.httpRequests.map((request) => /event=(\w+)/.exec(request.url)?.[1] ?? '');
  }
}

test('an HTTP tracker over a whole life', () => {
  const rig = new Rig();
  const { world, announcer } = rig;
  world.httpAnswer = () => ({ body: REPLY });
  expect(announcer.addTracker(HTTP_URL)).toBe(true);
  world.clock.pass(1_000);
  expect(world.httpRequests).toEqual([]);
  announcer.start();
  world.clock.pass(1_000);
  expect(world.httpRequests[0]).toMatchObject({
    headers: { 'user-agent': 'Millrace/0' },
    totalTimeoutMs: 30_000,
    maxBodyBytes: 1_048_576,
    maxRedirects: 5,
  });
  expect(world.httpRequests[0]!.url).toMatch(
    /^http:\/\/t\.example\/announce\?passkey=secret&info_hash=a{20}&peer_id=b/,
  );
  expect(rig.peers).toEqual([{ peers: [{ address: '192.0.2.9', port: 80 }], url: HTTP_URL }]);
  expect(rig.externalAddresses).toEqual(['198.51.100.7']);
  expect(announcer.status()).toMatchObject([{ url: HTTP_URL, tier: 0, state: 'working', peerCount: 1 }]);
  world.clock.pass(32 * 60_000);
  rig.facts = { ...rig.facts, leftBytes: 0, downloadedBytes: 100 };
  announcer.handleComplete();
  world.clock.pass(1_000);
  const stopped: string[] = [];
  announcer.stop(() => stopped.push('done'));
  expect(stopped).toEqual([]);
  world.clock.pass(1_000);
  expect(stopped).toEqual(['done']);
  expect(rig.events()).toEqual(['started', '', 'completed', 'stopped']);
  expect(world.httpRequests[2]!.url).toContain('&downloaded=100&left=0&');
  expect(world.httpRequests[3]).toMatchObject({ totalTimeoutMs: 3_000 });
  expect(world.httpRequests[3]!.url).toContain('&numwant=0&');
  expect(rig.peers).toHaveLength(3);
  world.clock.pass(10 * 3_600_000);
  expect(world.httpRequests).toHaveLength(4);
  expect(world.clock.timerCount).toBe(0);
  expect(rig.logged.join()).not.toMatch(/secret|announce\?/);
});

test.each([
  [{ failure: 'CONNECT_FAILED' as const }, 'it failed: CONNECT_FAILED'],
  [{ status: 503, body: bencode({}) }, 'The tracker answered with HTTP status 503.'],
  [{ status: 404, body: new Uint8Array(0) }, 'The tracker answered with HTTP status 404.'],
  [{ status: 400, body: bencode({ 'failure reason': 'bad passkey' }) }, 'bad passkey'],
  [{ body: bencode({ 'failure reason': 'unregistered' }) }, 'unregistered'],
  [{ body: new TextEncoder().encode('<html>') }, /not bencoded/],
  [undefined, 'it failed: TIMED_OUT'],
])('a failing HTTP tracker: %j', (answer, message) => {
  const rig = new Rig();
  rig.world.httpAnswer = () => answer;
  rig.announcer.addTracker(HTTP_URL);
  rig.announcer.start();
  rig.world.clock.pass(30_001);
  const [status] = rig.announcer.status();
  expect(status).toMatchObject({ message: expect.stringMatching(message) });
  expect(status!.failureCount).toBeGreaterThan(0);
  expect(rig.peers).toEqual([]);
});

test('"never" disables a tracker, the next of its tier takes over', () => {
  const rig = new Rig();
  const { world, announcer } = rig;
  world.httpAnswer = ({ url }) =>
    url.includes('bad') ? { body: bencode({ 'failure reason': 'no', 'retry in': 'never' }) } : { body: REPLY };
  announcer.addTier(['http://bad.example/', 'http://good.example/']);
  announcer.start();
  for (let hours = 0; hours < 5; hours++) world.clock.pass(3_600_000);
  const hosts = world.httpRequests.map((request) => new URL(request.url).hostname);
  expect(hosts.filter((host) => host === 'bad.example').length).toBeLessThanOrEqual(1);
  expect(hosts.filter((host) => host === 'good.example').length).toBeGreaterThan(8);
});

test('a UDP tracker is asked over both families, and told stopped on both', () => {
  const rig = new Rig();
  const { world, announcer } = rig;
  world.names.set('t.example', ['2001:db8::1', '192.0.2.1', '192.0.2.2']);
  const ipv4 = world.addTracker('192.0.2.1', 6969);
  const ipv6 = world.addTracker('2001:db8::1', 6969);
  ipv4.peers = V4_PEER;
  ipv6.peers = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 80);
  announcer.addTracker(UDP_URL);
  announcer.start();
  world.clock.pass(1_000);
  expect(rig.peers.flatMap(({ peers }) => peers.map((peer) => peer.address)).sort()).toEqual([
    '192.0.2.9',
    '2001:db8::9',
  ]);
  expect(announcer.status()).toMatchObject([{ state: 'working', seedCount: 4, leecherCount: 3 }]);
  world.names.clear();
  let isStopped = false;
  announcer.stop(() => {
    isStopped = true;
  });
  world.clock.pass(1_000);
  expect(isStopped).toBe(true);
  const eventOf = (datagram: Uint8Array | undefined): number => readUint32(datagram!, 80);
  expect([ipv4, ipv6].map((tracker) => tracker.announces.map(eventOf))).toEqual([
    [2, 3],
    [2, 3],
  ]);
  rig.udp.close();
  expect(world.clock.timerCount).toBe(0);
});

test('a dead second family delays neither the result nor the end', () => {
  const rig = new Rig();
  const { world, announcer } = rig;
  world.names.set('t.example', ['192.0.2.1', '2001:db8::1']);
  world.addTracker('192.0.2.1', 6969).peers = V4_PEER;
  announcer.addTracker(UDP_URL);
  announcer.start();
  world.clock.pass(500);
  expect(announcer.status()[0]!.state).toBe('working');
  let stoppedAtMs = 0;
  const askedAtMs = world.clock.nowMs();
  announcer.stop(() => {
    stoppedAtMs = world.clock.nowMs();
  });
  world.clock.pass(10_000);
  expect(stoppedAtMs - askedAtMs).toBeLessThan(500);
});

test('after a failure another address of the tracker is tried', () => {
  const rig = new Rig();
  const { world, announcer } = rig;
  world.names.set('t.example', ['192.0.2.1', '192.0.2.2']);
  world.addTracker('192.0.2.2', 6969).peers = V4_PEER;
  announcer.addTracker(UDP_URL);
  announcer.start();
  world.clock.pass(31_000);
  expect(announcer.status()).toMatchObject([{ state: 'failed', message: 'The tracker does not answer.' }]);
  world.clock.pass(31_000);
  expect(announcer.status()[0]!.state).toBe('working');
});

test.each([
  ['an unknown name', undefined, 'The host name is not known.'],
  ['a look-up without end', [], 'The host name was not found in time.'],
  ['no usable address', ['fe80::1%eth0'], 'The tracker has no address that we can reach.'],
])('a UDP tracker with %s', (_name, addresses, message) => {
  const rig = new Rig();
  if (addresses !== undefined) rig.world.names.set('t.example', addresses);
  rig.announcer.addTracker(UDP_URL);
  rig.announcer.start();
  rig.world.clock.pass(30_001);
  expect(rig.announcer.status()).toMatchObject([{ message }]);
});

test('a UDP refusal is what the status shows', () => {
  const rig = new Rig();
  rig.world.names.set('t.example', ['192.0.2.1', '2001:db8::1']);
  rig.world.addTracker('192.0.2.1', 6969).mood = { error: 'unregistered torrent' };
  rig.announcer.addTracker(UDP_URL);
  rig.announcer.start();
  rig.world.clock.pass(31_000);
  expect(rig.announcer.status()).toMatchObject([{ state: 'failed', message: 'unregistered torrent' }]);
});

test('stop gives up when the time is over, and cancels what was under way', () => {
  const rig = new Rig();
  const { world, announcer } = rig;
  world.httpAnswer = ({ url }) => (url.includes('event=stopped') || url.includes('slow') ? undefined : { body: REPLY });
  announcer.addTracker(HTTP_URL);
  announcer.addTracker('http://slow.example/');
  announcer.start();
  world.clock.pass(1_000);
  expect(world.openRequestCount).toBe(1);
  let stoppedAtMs = 0;
  const askedAtMs = world.clock.nowMs();
  announcer.stop(() => {
    stoppedAtMs = world.clock.nowMs();
  }, 2_000);
  announcer.stop(() => {});
  world.clock.pass(10_000);
  expect(stoppedAtMs - askedAtMs).toBe(2_000);
  expect(world.openRequestCount).toBe(0);
  expect(world.clock.timerCount).toBe(0);
  expect(rig.events().filter((event) => event === 'stopped')).toHaveLength(1);
});

test('stop without anything to tell calls back at once, but not synchronously', () => {
  const rig = new Rig();
  rig.announcer.addTracker(HTTP_URL);
  let isStopped = false;
  const onDone = (): void => {
    isStopped = true;
  };
  rig.announcer.stop(onDone);
  expect(isStopped).toBe(false);
  rig.world.clock.pass(0);
  expect(isStopped).toBe(true);
  rig.announcer.start();
  isStopped = false;
  rig.announcer.stop(onDone);
  rig.world.clock.pass(0);
  expect(isStopped).toBe(true);
  expect(rig.world.openRequestCount).toBe(0);
});

test('close ends everything and tells nobody', () => {
  const rig = new Rig();
  const { world, announcer } = rig;
  world.httpAnswer = () => ({ body: REPLY });
  announcer.addTracker(HTTP_URL);
  announcer.start();
  world.clock.pass(1_000);
  announcer.close();
  announcer.close();
  world.clock.pass(3_600_000);
  expect(rig.events()).toEqual(['started']);
  expect(world.clock.timerCount).toBe(0);
});

test('a hybrid announces both info-hashes, also when the second becomes known later', () => {
  const [v1, v2] = [new Uint8Array(20).fill(0x31), new Uint8Array(20).fill(0x32)];
  const hashesOf = (rig: Rig): string[] =>
    rig.world.httpRequests.map((request) => /info_hash=(.)/.exec(request.url)![1]!);
  const both = new Rig(undefined, [v1, v2]);
  both.announcer.addTracker(HTTP_URL);
  both.announcer.start();
  expect(hashesOf(both)).toEqual(['1', '2']);
  const late = new Rig(undefined, [v1]);
  late.announcer.addTracker(HTTP_URL);
  late.announcer.start();
  late.facts = { ...late.facts, infoHashes: [v1, v2] };
  late.announcer.handleSecondInfoHash();
  expect(hashesOf(late)).toEqual(['1', '2']);
});

test('the gate is shared: no more announces at once than it has places, and every torrent gets its turn', () => {
  const gate = new AnnounceGate(2);
  const rigs = Array.from({ length: 6 }, () => new Rig(gate));
  for (const rig of rigs) {
    rig.world.httpAnswer = () => ({ body: REPLY });
    rig.announcer.addTracker(HTTP_URL);
    rig.announcer.start();
  }
  const openCount = (): number => rigs.reduce((sum, rig) => sum + rig.world.openRequestCount, 0);
  expect(openCount()).toBe(2);
  for (let round = 0; round < 20; round++) {
    for (const rig of rigs) {
      rig.world.clock.pass(10);
      expect(openCount()).toBeLessThanOrEqual(2);
    }
  }
  for (const rig of rigs) expect(rig.peers).toHaveLength(1);
});

test('more peers may be asked for after the minimum interval', () => {
  const rig = new Rig();
  const { world, announcer } = rig;
  world.httpAnswer = () => ({ body: bencode({ interval: 1_800, 'min interval': 120 }) });
  announcer.addTracker(HTTP_URL);
  announcer.start();
  world.clock.pass(1_000);
  announcer.requestMorePeers();
  world.clock.pass(100_000);
  expect(world.httpRequests).toHaveLength(1);
  world.clock.pass(20_000);
  expect(world.httpRequests).toHaveLength(2);
});

test('only URLs of trackers are taken', () => {
  const { announcer } = new Rig();
  announcer.addTier(['wss://t.example/', 'file:///x', HTTP_URL]);
  expect(announcer.addTracker('javascript:alert(1)')).toBe(false);
  expect(announcer.addTracker(HTTP_URL)).toBe(false);
  expect(announcer.addTracker(UDP_URL, 0)).toBe(true);
  expect(announcer.addTracker('udp://other.example', 5)).toBe(true);
  expect(announcer.status().map(({ url, tier }) => `${tier} ${url}`)).toEqual([
    `0 ${HTTP_URL}`,
    `0 ${UDP_URL}`,
    '1 udp://other.example',
  ]);
});
