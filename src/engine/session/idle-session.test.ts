// Goal: what does nothing costs nothing: no timer for an idle torrent, none for a silent peer. Method: simulated worlds, in
// which the timers of a session and how often they ran can be counted; the same story with few and with many.
import { expect, test } from 'vitest';
import { nodeCrypto } from '../../../sim/testing/node-crypto.ts';
import type { FakePeer } from '../../../sim/world/fake-peer.ts';
import { rawMessage } from '../../../sim/world/raw-wire.ts';
import { SAVE_TO, type SimPeer } from '../../../sim/world/sim-peer.ts';
import { SimWorld, TRACKER_URL } from '../../../sim/world/sim-world.ts';

const HOUR_MS = 3_600_000;
const BITFIELD = 5;
const UNCHOKE = 1;
const INTERESTED = 2;
const REQUEST = 6;

function worldOf(): SimWorld {
  return new SimWorld({ seed: 1, crypto: nodeCrypto(), link: { latencyMs: 10 }, trackerIntervalSeconds: 1_800 });
}

/** One session that seeds so many torrents. */
function seedMany(world: SimWorld, count: number, trackers: readonly string[]): SimPeer {
  const peer = world.addPeer({ content: world.makeContent({ pieceCount: 2, trackers }), has: 'all' });
  for (let i = 1; i < count; i++) {
    const content = world.makeContent({ pieceCount: 2, trackers, name: `content ${i}` });
    for (const { path, bytes } of content.files) peer.files.put(`${SAVE_TO}/${path}`, bytes);
    peer.run.session.addNow(content.metainfo, { saveTo: SAVE_TO });
  }
  world.run(60_000);
  expect(peer.run.session.torrents.map(({ state }) => state)).toEqual(Array(count).fill('seeding'));
  return peer;
}

test.each([1, 40])('%i torrents that nobody asks for set no timer', (count) => {
  const world = worldOf();
  const { clock } = seedMany(world, count, []).run;
  const wakeUps = clock.wakeUpCount;
  expect(clock.liveTimerCount).toBe(0);
  world.run(HOUR_MS);
  expect(clock.wakeUpCount).toBe(wakeUps);
  world.finish();
  expect(world.problems).toEqual([]);
});

test.each([1, 40])('%i torrents that wait for their next announce share one timer', (count) => {
  const world = worldOf();
  const { clock } = seedMany(world, count, [TRACKER_URL]).run;
  const wakeUps = clock.wakeUpCount;
  expect(clock.liveTimerCount).toBe(1);
  world.run(1_500_000);
  expect(clock.liveTimerCount).toBe(1);
  expect(clock.wakeUpCount).toBe(wakeUps);
  world.finish();
  expect(world.problems).toEqual([]);
});

/** So many peers with half of the pieces that want nothing; resolves when all are connected. */
function joinSilently(world: SimWorld, peer: SimPeer, count: number): FakePeer[] {
  const fakes = Array.from({ length: count }, () =>
    world.addFakePeer({
      content: peer.content,
      isListed: false,
      script: {
        handleHandshake: (connection) => connection.send(rawMessage(BITFIELD, [], Uint8Array.of(0xaa, 0xaa))),
        handleMessage: () => {},
      },
    }),
  );
  const [address = '', port = ''] = peer.address.split(':');
  for (const fake of fakes) {
    fake.connect({ address, port: Number(port) });
    world.run(70); // Time for a handshake; and no two of them are due at the same moment later.
  }
  expect(peer.torrent.stats().peerCount).toBe(count);
  return fakes;
}

test.each([2, 60])('%i silent peers: one timer, woken for all of them together', (count) => {
  const world = worldOf();
  const peer = world.addPeer({ content: world.makeContent({ trackers: [] }), has: 'all' });
  const fakes = joinSilently(world, peer, count);
  world.run(5_000);
  const { clock } = peer.run;
  const wakeUps = clock.wakeUpCount;
  expect(clock.liveTimerCount).toBe(1);
  world.run(80_000);
  // Connected at different times, they are looked after at multiples of five seconds.
  expect(clock.wakeUpCount - wakeUps).toBeLessThanOrEqual(3);
  const received = fakes.map(({ connections }) => connections[0]!.receivedBytes);
  world.run(25_000);
  expect(clock.wakeUpCount - wakeUps).toBeLessThanOrEqual(6);
  fakes.forEach(({ connections }, i) => {
    expect(connections[0]!.receivedBytes, 'a keep-alive has come').toBe(received[i]! + 4);
  });
  world.run(60_000);
  expect(peer.torrent.stats().peerCount).toBe(0);
  expect(clock.liveTimerCount).toBe(0);
  world.finish();
  expect(world.problems).toEqual([]);
});

// Goal: what is made for peers goes with the last of them, and nothing is lost by it. Method: leechers one after the other.
test('a seed that was left alone forgets no count, and serves the next peer', () => {
  const world = worldOf();
  const content = world.makeContent({ trackers: [] });
  const seed = world.addPeer({ content, has: 'all' });
  for (const round of [1, 2]) {
    const leecher = world.addPeer({ content, torrent: { peers: [seed.address] } });
    world.runUntil('it is had', () => leecher.isSeed, { limitMs: 60_000 });
    world.run(10_000);
    leecher.close();
    world.run(1_000);
    expect(seed.torrent.stats()).toMatchObject({
      peerCount: 0,
      uploadedBytes: round * content.bytes.length,
      wastedBytes: 0,
      hashFailureCount: 0,
    });
  }
  world.finish();
  expect(world.problems).toEqual([]);
});

test('what a liar cost is still told when it and everybody else has gone', () => {
  const world = worldOf();
  const content = world.makeContent({ trackers: [] });
  const seed = world.addPeer({ content, has: 'all' });
  const liar = world.addFakePeer({
    content,
    script: {
      handleMessage: (connection, { id, numbers }) => {
        const [pieceIndex = 0, begin = 0, length = 0] = numbers;
        if (id === REQUEST) connection.sendBlock(pieceIndex, begin, length, (block) => block.fill(0));
      },
    },
  });
  const peers = [`${liar.host.addresses[0]}:6881`];
  const leecher = world.addPeer({ content, torrent: { peers } });
  world.runUntil('it has banned the liar', () => leecher.banned.length > 0, { limitMs: 60_000 });
  leecher.torrent.connectPeer(seed.address);
  world.runUntil('it is had', () => leecher.isSeed, { limitMs: 60_000 });
  seed.close();
  world.run(1_000);
  const { peerCount, hashFailureCount, wastedBytes } = leecher.torrent.stats();
  expect(peerCount).toBe(0);
  expect(hashFailureCount).toBeGreaterThan(0);
  expect(wastedBytes).toBeGreaterThan(0);
  world.finish();
  expect(world.problems).toEqual([]);
});

// Goal: a connection that stood before the last peer went, and whose handshake comes after, belongs to the exchange that is
// there then. Method: one of two files is had; both peers' comings and goings are scripted.
test('a peer that is admitted after the last one went brings what is wanted later', () => {
  const world = worldOf();
  const content = world.makeContent({ files: [65_536, 65_536], trackers: [] });
  const late = world.addFakePeer({ content, script: { handleOpen: () => {}, handleHandshake: () => {} } });
  const early = world.addFakePeer({ content, isListed: false, script: { handleHandshake: () => {} } });
  const peers = [`${late.host.addresses[0]}:6881`];
  const peer = world.addPeer({ content, has: [0, 1], torrent: { files: [0], peers } });
  const [address = '', port = ''] = peer.address.split(':');
  const connection = early.connect({ address, port: Number(port) });
  world.run(2_000);
  expect(peer.torrent.stats()).toMatchObject({ state: 'seeding', peerCount: 1 });
  connection.close();
  world.run(1_000);
  expect(peer.torrent.stats().peerCount).toBe(0);
  late.connections[0]!.sendHandshake();
  world.run(1_000);
  peer.torrent.selectFiles([0, 1]);
  late.connections[0]!.sendFullBitfield();
  late.connections[0]!.send(rawMessage(UNCHOKE));
  world.runUntil('the other file is had', () => peer.torrent.stats().havePieceCount === 4, { limitMs: 60_000 });
  expect(peer.torrent.stats().wastedBytes).toBe(0);
  world.finish();
  expect(world.problems).toEqual([]);
});

test('a peer that wants something after a long silence is unchoked at once, and again has its rounds', () => {
  const world = worldOf();
  const peer = world.addPeer({ content: world.makeContent({ trackers: [] }), has: 'all' });
  const [first, second] = joinSilently(world, peer, 2);
  world.run(60_000);
  const connection = first!.connections[0]!;
  const { clock } = peer.run;
  const wakeUps = clock.wakeUpCount;
  connection.send(rawMessage(INTERESTED));
  world.run(1_000);
  expect(peer.torrent.peers().filter(({ amChoking }) => !amChoking)).toHaveLength(1);
  world.run(30_000);
  expect(clock.wakeUpCount - wakeUps).toBeGreaterThanOrEqual(3);
  expect(second!.openCount).toBe(1);
  world.finish();
  expect(world.problems).toEqual([]);
});
