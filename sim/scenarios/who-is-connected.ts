// Which peers a torrent is connected to when there are more than it may have: useful ones are found, nobody is shut out, and
// an owner of many connections does not get all of them.
import { FakePeer, type FakePeerScript } from '../world/fake-peer.ts';
import * as wire from '../world/raw-wire.ts';
import type { SimContent } from '../world/sim-content.ts';
import type { SimPeer } from '../world/sim-peer.ts';
import type { SimWorld } from '../world/sim-world.ts';
import { formatOf, type Scenario, untilSeeds } from './scenario.ts';

/** Shakes hands, claims to have everything, never unchokes, and keeps the connection alive. */
const SILENT: FakePeerScript = {
  handleHandshake: (connection) => {
    const keepAlive = (): void => {
      connection.send(new Uint8Array(4));
      connection.after(60_000, keepAlive);
    };
    connection.sendFullBitfield();
    keepAlive();
  },
  handleMessage: () => {},
};

export const turnoverFindsGivers: Scenario = {
  name: 'turnover-finds-givers',
  about: 'All connections went to fifty peers that give nothing; the few that would come later are found in minutes.',
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 16 });
    for (let i = 0; i < 50; i++) world.addFakePeer({ content, script: SILENT });
    const leecher = world.addPeer({ content, session: { connectionsMax: 50 } });
    world.run(30_000);
    world.check(leecher.torrent.peers().length === 50, `${leecher.torrent.peers().length} silent peers`);
    // They accept, and dial nobody: it is the leecher's to find them.
    for (let i = 0; i < 3; i++) world.addFakePeer({ content });
    untilSeeds(world, [leecher], 300_000);
  },
};

/** Everybody can be reached from the first over connections that stand now. */
function isOneSwarm(peers: readonly SimPeer[]): boolean {
  const byHost = new Map(peers.map((peer) => [peer.host.addresses[0]!, peer]));
  const reached = new Set<SimPeer>([peers[0]!]);
  // The set grows while it is walked through.
  for (const peer of reached) {
    for (const { address } of peer.torrent.peers()) {
      const other = byHost.get(address.split(':')[0]!);
      if (other !== undefined) reached.add(other);
    }
  }
  return reached.size === peers.length;
}

export const moreThanSlots: Scenario = {
  name: 'more-than-slots',
  about: 'With more than twice as many peers as each may have connections, late ones get in and the swarm stays one.',
  link: { latencyMs: 20, uploadBytesPerSecond: 30_000, downloadBytesPerSecond: 1_000_000 },
  isHeavy: true,
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 32 });
    const session = { connectionsMax: 12 };
    const peers = [world.addPeer({ content, has: 'all', session })];
    for (let i = 0; i < 15; i++) peers.push(world.addPeer({ content, session }));
    world.run(15_000);
    const late = Array.from({ length: 10 }, () => world.addPeer({ content, session }));
    for (let i = 1; i <= 4; i++) {
      world.run(5_000);
      const all = [...peers, ...late].filter((peer) => !peer.isSeed || peer === peers[0]);
      world.check(i === 1 || isOneSwarm(all), `the swarm has fallen apart after ${i * 5} s`);
    }
    world.check(
      late.some((peer) => !peer.isSeed),
      'all is over before anything could be seen',
    );
    untilSeeds(world, [...peers, ...late], 300_000);
  },
};

/** Connects again and again from a few networks, with a new peer id each time. */
function flood(world: SimWorld, content: SimContent, target: SimPeer, perSecond: number): FakePeer[] {
  const remote = { address: target.host.addresses[0]!, port: 6881 };
  const hosts = Array.from({ length: 60 }, (_, index) =>
    world.network.addHost({ addresses: [`66.${index % 3}.7.${index + 1}`], link: { bytesPerSecond: 1_000_000 } }),
  );
  const fakes: FakePeer[] = [];
  const connectMore = (): void => {
    const host = hosts[fakes.length % hosts.length]!;
    const peerId = `-XX0000-${String(fakes.length).padStart(12, '0')}`;
    const script = {
      handleHandshake: (connection: { send(...parts: Uint8Array[]): void }): void =>
        connection.send(wire.rawMessage(wire.INTERESTED)),
      handleMessage: (): void => {},
    };
    const fake = new FakePeer({ clock: world.clock, host, content, peerId, script });
    fakes.push(fake);
    world.fakePeers.push(fake);
    fake.connect(remote);
    world.clock.schedule(world.clock.nowMs + 1_000 / perSecond, connectMore);
  };
  connectMore();
  return fakes;
}

export const floodOfConnections: Scenario = {
  name: 'flood-of-connections',
  about: 'Ten connections a second from three networks push no honest peer out, nor keep late ones from coming in.',
  link: { latencyMs: 20, uploadBytesPerSecond: 60_000, downloadBytesPerSecond: 1_000_000 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 32 });
    const seeder = world.addPeer({ content, has: 'all', session: { connectionsMax: 30 } });
    // Among themselves they do not know each other: all depends on the seed.
    const honest = Array.from({ length: 6 }, () => world.addPeer({ content: content, torrent: { trackers: [] } }));
    world.run(5_000);
    const fakes = flood(world, content, seeder, 10);
    const isServed = (peer: SimPeer): boolean =>
      peer.isSeed || seeder.torrent.peers().some(({ address }) => address.startsWith(peer.host.addresses[0]!));
    for (let i = 0; i < 12; i++) {
      world.run(5_000);
      if (i === 5) {
        // It cannot be dialled: it has to get in by itself.
        honest.push(world.addPeer({ content, inbound: 'dropped' }));
        world.run(5_000);
      }
      for (const peer of honest) world.check(isServed(peer), `${peer.name} was pushed out after ${i * 5 + 5} s`);
    }
    const standing = fakes.reduce((sum, { openCount }) => sum + openCount, 0);
    world.check(standing <= 24, `${standing} connections of three networks`);
    untilSeeds(world, honest, 120_000);
    world.check(
      !fakes.some(({ connections }) => connections.some(({ receivedBytes }) => receivedBytes > 100_000)),
      'odd',
    );
  },
};

export const unneededPart: Scenario = {
  name: 'unneeded-part',
  about: 'Seeds part from each other after a moment and are not dialled again, until something is missing.',
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), files: [200_000, 200_000] });
    const seeds = [world.addPeer({ content, has: 'all' }), world.addPeer({ content, has: 'all' })];
    const partial = world.addPeer({ content, torrent: { files: [0] } });
    world.runUntil('the chosen file is there', () => partial.torrent.state === 'seeding', { limitMs: 60_000 });
    world.run(70_000);
    for (const peer of [...seeds, partial]) {
      world.check(peer.torrent.peers().length === 0, `${peer.name} keeps ${peer.torrent.peers().length} peers`);
    }
    const dialCount = (): number => [...seeds, partial].reduce((sum, { host }) => sum + host.dials.length, 0);
    const before = dialCount();
    world.run(3_600_000);
    world.check(dialCount() === before, `${dialCount() - before} dials in an hour in which nobody wants anything`);
    partial.torrent.selectFiles(partial.torrent.files.map(({ index }) => index));
    world.runUntil('the rest is there', () => partial.havePieceCount === content.pieceCount, { limitMs: 20_000 });
  },
};

export const sharedDials: Scenario = {
  name: 'shared-dials',
  about: 'A torrent with a thousand dead addresses keeps no other of its session from meeting its one peer.',
  run(world, seed) {
    const [busy, small] = [0, 1].map(() => world.makeContent({ format: formatOf(seed), pieceCount: 8 }));
    for (let i = 0; i < 1_000; i++) {
      world.tracker.addPeer(busy!.infoHash, { address: `46.${1 + (i >> 8)}.${i & 255}.9`, port: 6881 });
    }
    world.addPeer({ content: small!, has: 'all' });
    const leecher = world.addPeer({ content: busy!, session: { connectionsMax: 40 } });
    world.run(20_000);
    const torrent = leecher.run.session.addNow(small!.metainfo, { saveTo: '/other' });
    world.runUntil('the small torrent is complete', () => torrent.state === 'seeding', { limitMs: 30_000 });
  },
};
