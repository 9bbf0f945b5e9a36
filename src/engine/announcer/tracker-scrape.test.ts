// Goal: scrapes reach every tracker that can be asked, and nothing is left behind. Method: a world in virtual time.
import { expect, test } from 'vitest';
import { seededRandom } from '../../base/random.ts';
import { bencode } from '../../protocol/bencode/index.ts';
import { TRACKER_CONCURRENT_MAX, TRACKER_SCRAPE_TIMEOUT_MS } from '../../protocol/limits.ts';
import { DeadlineQueue } from '../deadline-queue.ts';
import { AnnounceGate } from './announce-gate.ts';
import { HttpCarrier } from './http-carrier.ts';
import { VirtualWorld } from './testing/virtual-world.ts';
import { TorrentAnnouncer } from './torrent-announcer.ts';
import { type TrackerCounts, TrackerScrape } from './tracker-scrape.ts';
import { UdpCarrier } from './udp-carrier.ts';
import { UdpTrackerClient } from './udp-tracker-client.ts';

const HASH = new Uint8Array(20).fill(0x61);
const HASH_V2 = new Uint8Array(20).fill(0x62);
const HTTP_URL = 'http://t.example/announce?passkey=secret';
const UDP_URL = 'udp://u.example:6969';
const log = { write: () => {} };

interface Counts {
  readonly [key: string]: number;
}

const reply = (files: ReadonlyMap<Uint8Array, Counts>): Uint8Array => bencode({ files });
const counts = (complete: number, downloaded: number, incomplete: number): Counts => ({
  complete,
  downloaded,
  incomplete,
});

class Rig {
  readonly world = new VirtualWorld();
  readonly gate: AnnounceGate;
  readonly udp: UdpTrackerClient;
  readonly results: (readonly TrackerCounts[])[] = [];

  constructor(gate: AnnounceGate = new AnnounceGate()) {
    const { world } = this;
    this.gate = gate;
    this.udp = new UdpTrackerClient({ clock: world.clock, network: world, random: seededRandom(1), log });
    world.names.set('u.example', ['192.0.2.1', '2001:db8::1']);
    world.addTracker('192.0.2.1', 6969);
    world.httpAnswer = () => ({ body: reply(new Map([[HASH, counts(7, 100, 5)]])) });
  }

  start(urls: readonly string[], infoHashes: readonly Uint8Array[] = [HASH]): TrackerScrape {
    const { world, gate, udp } = this;
    const { clock } = world;
    const parts = {
      clock,
      gate,
      http: new HttpCarrier({ clock, http: world, userAgent: 'Millrace/0' }),
      udp: new UdpCarrier({ clock, resolver: world, client: udp }),
    };
    const scrape = new TrackerScrape(parts, { urls, infoHashes }, (results) => void this.results.push(results));
    expect(this.results).toEqual([]);
    return scrape;
  }

  /** Nothing is open, waiting or scheduled any more. */
  expectQuiet(): void {
    this.udp.close();
    const { openRequestCount, openSocketCount, clock } = this.world;
    expect({ openRequestCount, openSocketCount, timers: clock.timerCount }).toEqual({
      openRequestCount: 0,
      openSocketCount: 0,
      timers: 0,
    });
    let entered = 0;
    for (let i = 0; i < TRACKER_CONCURRENT_MAX; i++) this.gate.enter(() => entered++, { urgent: false });
    expect(entered).toBe(TRACKER_CONCURRENT_MAX);
  }
}

test('HTTP and UDP trackers at once, in the order of the URLs', () => {
  const rig = new Rig();
  rig.start([UDP_URL, HTTP_URL]);
  rig.world.clock.pass(1_000);
  expect(rig.results).toEqual([
    [
      { url: UDP_URL, seedCount: 3, leecherCount: 4, downloadedCount: 20, error: undefined },
      { url: HTTP_URL, seedCount: 7, leecherCount: 5, downloadedCount: 100, error: undefined },
    ],
  ]);
  expect(rig.world.httpRequests).toMatchObject([
    {
      url: `http://t.example/scrape?passkey=secret&info_hash=${'a'.repeat(20)}`,
      headers: { 'user-agent': 'Millrace/0' },
      totalTimeoutMs: TRACKER_SCRAPE_TIMEOUT_MS,
      maxBodyBytes: 1_048_576,
    },
  ]);
  rig.expectQuiet();
});

test('of a hybrid torrent the larger swarm counts', () => {
  const rig = new Rig();
  const swarms = new Map([
    [HASH, counts(7, 100, 5)],
    [HASH_V2, counts(6, 200, 5)],
  ]);
  rig.world.httpAnswer = () => ({ body: reply(swarms) });
  rig.start([HTTP_URL, UDP_URL], [HASH, HASH_V2]);
  rig.world.clock.pass(1_000);
  expect(rig.results[0]).toMatchObject([
    { seedCount: 7, leecherCount: 5, downloadedCount: 200 },
    { seedCount: 3, leecherCount: 4, downloadedCount: 20 },
  ]);
  expect(rig.world.httpRequests[0]!.url).toContain(`info_hash=${'a'.repeat(20)}&info_hash=${'b'.repeat(20)}`);
  rig.expectQuiet();
});

test.each<[string, (rig: Rig) => string, string]>([
  ['no scrape', () => 'http://t.example/x/ann', 'The tracker offers no scrape.'],
  [
    'another torrent',
    (rig) => {
      rig.world.httpAnswer = () => ({ body: reply(new Map([[HASH_V2, counts(1, 1, 1)]])) });
      return HTTP_URL;
    },
    'The tracker does not know the torrent.',
  ],
  [
    'a refusal',
    (rig) => {
      rig.world.httpAnswer = () => ({ status: 403, body: bencode({ 'failure reason': 'go\u0007 away' }) });
      return HTTP_URL;
    },
    'go  away',
  ],
  [
    'a status',
    (rig) => {
      rig.world.httpAnswer = () => ({ status: 404, body: new TextEncoder().encode('<html>') });
      return HTTP_URL;
    },
    'The tracker answered with HTTP status 404.',
  ],
  [
    'a UDP error',
    (rig) => {
      rig.world.trackers.get('192.0.2.1 6969')!.mood = { error: 'no scrape here' };
      rig.world.addTracker('2001:db8::1', 6969).mood = { error: 'no scrape here' };
      return UDP_URL;
    },
    'no scrape here',
  ],
  ['an unknown name', () => 'udp://nowhere.example:1', 'The host name is not known.'],
])('%s is a result', (_, prepare, error) => {
  const rig = new Rig();
  const url = prepare(rig);
  rig.start([url]);
  rig.world.clock.pass(1_000);
  expect(rig.results).toEqual([
    [{ url, seedCount: undefined, leecherCount: undefined, downloadedCount: undefined, error }],
  ]);
  rig.expectQuiet();
});

test('silence ends after TRACKER_SCRAPE_TIMEOUT_MS, and no sooner', () => {
  const rig = new Rig();
  rig.world.httpAnswer = () => undefined;
  rig.world.trackers.get('192.0.2.1 6969')!.mood = 'silent';
  rig.start([HTTP_URL, UDP_URL]);
  rig.world.clock.pass(TRACKER_SCRAPE_TIMEOUT_MS - 1);
  expect(rig.results).toEqual([]);
  rig.world.clock.pass(1);
  expect(rig.results[0]?.map(({ error }) => error)).toEqual(['it failed: TIMED_OUT', 'The tracker does not answer.']);
  rig.expectQuiet();
});

test('no tracker at all: an empty answer, later', () => {
  const rig = new Rig();
  rig.start([]);
  rig.world.clock.pass(0);
  expect(rig.results).toEqual([[]]);
  rig.expectQuiet();
});

test('many trackers wait for the gate', () => {
  const rig = new Rig(new AnnounceGate(2));
  const urls = Array.from({ length: 5 }, (_, i) => `http://t${i}.example/announce`);
  rig.start(urls);
  expect(rig.world.httpRequests).toHaveLength(2);
  rig.world.clock.pass(1_000);
  expect(rig.world.httpRequests).toHaveLength(5);
  expect(rig.results[0]?.map(({ url }) => url)).toEqual(urls);
});

test('ended early, it tells what it has, asks nobody else and gives its places back', () => {
  const rig = new Rig(new AnnounceGate(1));
  const scrape = rig.start([HTTP_URL, 'http://second.example/announce', UDP_URL]);
  rig.world.httpAnswer = () => undefined;
  rig.world.clock.pass(100);
  expect(rig.world.httpRequests).toHaveLength(2);
  scrape.end('over');
  scrape.end('again');
  expect(rig.results).toHaveLength(1);
  expect(rig.results[0]).toMatchObject([{ seedCount: 7 }, { error: 'over' }, { error: 'over' }]);
  rig.world.clock.pass(60_000);
  expect(rig.world.httpRequests).toHaveLength(2);
  expect(rig.results).toHaveLength(1);
  let entered = 0;
  rig.gate.enter(() => entered++, { urgent: false });
  expect(entered).toBe(1);
  rig.udp.close();
  expect(rig.world.clock.timerCount).toBe(0);
});

test('an announcer asks its trackers, each once, and stopping ends it', () => {
  const { world, gate, udp } = new Rig();
  const { clock } = world;
  const fail = (error: unknown): void => {
    throw error;
  };
  const deadlines = new DeadlineQueue(clock, (_, error) => fail(error));
  const http = new HttpCarrier({ clock, http: world, userAgent: 'Millrace/0' });
  const announcer = new TorrentAnnouncer(
    { clock, deadlines, http, resolver: world, udp, gate, random: seededRandom(1), log },
    {
      announceFacts: () => ({
        infoHashes: [HASH, HASH_V2],
        peerId: new Uint8Array(20),
        port: 6881,
        uploadedBytes: 0,
        downloadedBytes: 0,
        leftBytes: 1,
        key: 0,
      }),
      handlePeers: () => {},
      handleExternalAddress: () => {},
      handleBug: fail,
    },
  );
  announcer.addTier([HTTP_URL, UDP_URL]);
  const results: (readonly TrackerCounts[])[] = [];
  announcer.scrape((result) => void results.push(result));
  expect(results).toEqual([]);
  world.clock.pass(1_000);
  expect(results[0]?.map(({ url, seedCount }) => [url, seedCount])).toEqual(
    expect.arrayContaining([
      [HTTP_URL, 7],
      [UDP_URL, 3],
    ]),
  );
  expect(results[0]).toHaveLength(2);
  world.httpAnswer = () => undefined;
  announcer.scrape((result) => void results.push(result));
  let isStopped = false;
  announcer.stop(() => (isStopped = true));
  expect(results[1]?.map(({ error }) => error)).toEqual(['The torrent was stopped.', 'The torrent was stopped.']);
  world.clock.pass(1_000);
  expect(isStopped).toBe(true);
  udp.close();
  expect([world.openRequestCount, world.openSocketCount, world.clock.timerCount]).toEqual([0, 0, 0]);
});
