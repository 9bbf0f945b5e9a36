// Goal: who gets a connection, and how many. Method: one real seed, scripted peers from one or several hosts.
import { expect, test } from 'vitest';
import { nodeCrypto } from '../../../sim/testing/node-crypto.ts';
import { type FakeConnection, FakePeer } from '../../../sim/world/fake-peer.ts';
import type { SimHost } from '../../../sim/world/sim-host.ts';
import { SimWorld } from '../../../sim/world/sim-world.ts';
import {
  CONNECTIONS_PER_ADDRESS_MAX,
  CONNECTIONS_PER_NETWORK_MAX,
  CONNECTIONS_PER_TORRENT_MAX,
} from '../../protocol/limits.ts';

function worldOf(): {
  world: SimWorld;
  peer: ReturnType<SimWorld['addPeer']>;
  host(address: string): SimHost;
  connect(host: SimHost, count: number): FakeConnection[];
} {
  const world = new SimWorld({ seed: 1, crypto: nodeCrypto(), link: { latencyMs: 5 } });
  const content = world.makeContent();
  const peer = world.addPeer({ content, has: 'all' });
  world.run(1_000);
  let lastId = 0;
  return {
    world,
    peer,
    host: (address) => world.network.addHost({ addresses: [address] }),
    connect: (host, count) =>
      Array.from({ length: count }, () => {
        const peerId = `-XX0000-${String(++lastId).padStart(12, '0')}`;
        const fake = new FakePeer({ clock: world.clock, host, content, peerId, script: { handleHandshake: () => {} } });
        const connection = fake.connect({ address: peer.host.addresses[0]!, port: 6881 });
        // One after the other, so that none makes room for the next as half-open.
        world.run(50);
        return connection;
      }),
  };
}

function openOf(connections: readonly FakeConnection[]): number {
  return connections.filter(({ isOpen }) => isOpen).length;
}

test.each([-1, 0, 1])('a public address has CONNECTIONS_PER_ADDRESS_MAX connections (%i more)', (more) => {
  const { peer, host, connect } = worldOf();
  const asked = CONNECTIONS_PER_ADDRESS_MAX + more;
  const crowd = connect(host('99.1.1.1'), asked);
  expect(openOf(crowd)).toBe(Math.min(asked, CONNECTIONS_PER_ADDRESS_MAX));
  // Others come in as before, and one that leaves makes room.
  expect(openOf(connect(host('99.1.2.1'), 1))).toBe(1);
  crowd[0]!.close();
  expect(openOf(connect(crowd[0]!.peer.host, 1))).toBe(1);
  peer.run.session.assertInvariants();
});

test.each([-1, 0, 1])('a public /24 has CONNECTIONS_PER_NETWORK_MAX that have exchanged nothing (%i more)', (more) => {
  const { host, connect } = worldOf();
  const asked = CONNECTIONS_PER_NETWORK_MAX + more;
  const crowd = Array.from({ length: asked }, (_, index) => connect(host(`99.1.1.${index + 1}`), 1)[0]!);
  expect(openOf(crowd)).toBe(Math.min(asked, CONNECTIONS_PER_NETWORK_MAX));
  expect(openOf(connect(host('99.1.2.1'), 1))).toBe(1);
});

test('a private address may stand for many peers, up to what the torrent takes', () => {
  const { peer, host, connect, world } = worldOf();
  const crowd = connect(host('10.0.0.7'), CONNECTIONS_PER_TORRENT_MAX + 1);
  expect(openOf(crowd)).toBe(CONNECTIONS_PER_TORRENT_MAX);
  expect(crowd.at(-1)!.isOpen).toBe(false);
  expect(peer.torrent.connectionCount).toBe(CONNECTIONS_PER_TORRENT_MAX);
  for (const connection of crowd) connection.close();
  world.run(1_000);
  expect(peer.torrent.connectionCount).toBe(0);
  peer.run.session.assertInvariants();
});

test('a peer id has one connection, wherever it comes from, and the first one keeps it', () => {
  const { world, peer, host, connect } = worldOf();
  const [first] = connect(host('99.1.1.1'), 1);
  const twin = new FakePeer({
    clock: world.clock,
    host: host('99.1.1.2'),
    content: first!.peer.content,
    peerId: String.fromCharCode(...first!.peer.peerId),
    script: { handleHandshake: () => {} },
  });
  const second = twin.connect({ address: peer.host.addresses[0]!, port: 6881 });
  world.run(1_000);
  expect([first!.isOpen, second.isOpen]).toEqual([true, false]);
  expect(peer.torrent.peers()).toHaveLength(1);
  first!.close();
  world.run(1_000);
  const third = twin.connect({ address: peer.host.addresses[0]!, port: 6881 });
  world.run(1_000);
  expect(third.isOpen).toBe(true);
});

test('a torrent that is told its own address finds itself once and never asks again', () => {
  const { world, peer } = worldOf();
  peer.torrent.connectPeer(peer.address);
  world.run(600_000);
  expect(peer.host.dials).toHaveLength(1);
  expect(peer.torrent.peers()).toEqual([]);
  peer.run.session.assertInvariants();
});

test('a peer whose connection we began and a twin that it begins end as one connection on both sides', () => {
  const world = new SimWorld({ seed: 1, crypto: nodeCrypto(), link: { latencyMs: 200 } });
  const content = world.makeContent({ trackers: [] });
  const [left, right] = [world.addPeer({ content, has: 'all' }), world.addPeer({ content })];
  world.run(100);
  left.torrent.connectPeer(right.address);
  right.torrent.connectPeer(left.address);
  world.run(3_000);
  expect([left.torrent.peers().length, right.torrent.peers().length]).toEqual([1, 1]);
  world.runUntil('all is had', () => right.isSeed, { limitMs: 60_000 });
  left.run.session.assertInvariants();
  right.run.session.assertInvariants();
  world.finish();
  expect(world.problems).toEqual([]);
});
