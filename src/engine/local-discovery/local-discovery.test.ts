// Goal: neighbours are met, and nobody else is, whatever is sent to the group. Method: one real session on a simulated local
// network, and a socket beside it that says anything.
import { expect, test } from 'vitest';
import { nodeCrypto } from '../../../sim/testing/node-crypto.ts';
import type { SimHost } from '../../../sim/world/sim-host.ts';
import type { SimPeer } from '../../../sim/world/sim-peer.ts';
import { SimWorld } from '../../../sim/world/sim-world.ts';
import { encodeUtf8 } from '../../base/bytes.ts';
import type { UdpSocket } from '../../platform/network.ts';
import { LSD_INTERVAL_MS, LSD_RECEIVED_PER_SECOND } from '../../protocol/limits.ts';
import { decodeLsdAnnounce, encodeLsdAnnounce, LSD_GROUP_V4, LSD_PORT } from '../../protocol/lsd/lsd-announce.ts';

interface Neighbourhood {
  readonly world: SimWorld;
  readonly peer: SimPeer;
  readonly neighbour: SimHost;
  readonly heard: Uint8Array[];
  readonly socket: UdpSocket;
  say(datagram: Uint8Array, socket?: UdpSocket): void;
  /** What it would say to be met. */
  announce(port: number): Uint8Array;
}

function neighbourhood(): Neighbourhood {
  const world = new SimWorld({ seed: 6, crypto: nodeCrypto(), link: { latencyMs: 1 } });
  const content = world.makeContent({ pieceCount: 2, trackers: [] });
  const neighbour = world.addHost({ lan: 'here' });
  const heard: Uint8Array[] = [];
  const handler = {
    handleListening: () => {},
    handleDatagram: (datagram: Uint8Array) => heard.push(datagram.slice()),
    handleFailed: () => {},
  };
  const multicast = { group: LSD_GROUP_V4, interfaceName: 'eth0', hopsMax: 1 };
  const socket = neighbour.bindUdp({ address: '0.0.0.0', port: LSD_PORT, multicast }, handler);
  const peer = world.addPeer({ content, lan: 'here', session: { localDiscovery: true } });
  world.run(5_000);
  return {
    world,
    peer,
    neighbour,
    heard,
    socket,
    say: (datagram, from = socket) => from.send(datagram, { address: LSD_GROUP_V4, port: LSD_PORT }),
    announce: (port) => encodeLsdAnnounce({ port, infoHashes: [content.infoHash], cookie: undefined }, LSD_GROUP_V4),
  };
}

test('a torrent is announced with its port soon after its start, and never more than once in LSD_INTERVAL_MS', () => {
  const { world, peer, heard } = neighbourhood();
  expect(heard.map((datagram) => decodeLsdAnnounce(datagram)?.port)).toEqual([6881]);
  for (let i = 0; i < 10; i++) {
    peer.torrent.stopNow(() => {}, 0);
    world.run(1_000);
    peer.torrent.start();
    world.run(1_000);
  }
  expect(heard).toHaveLength(1);
  world.run(2 * LSD_INTERVAL_MS);
  expect(heard).toHaveLength(3);
});

test('who announces our torrent is dialled where it listens; announces are not answered, our own are not followed', () => {
  const { world, peer, neighbour, heard, say, announce } = neighbourhood();
  const own = heard[0]!;
  say(announce(7_001));
  say(own);
  say(encodeLsdAnnounce({ port: 7_002, infoHashes: [new Uint8Array(20)], cookie: 'x' }, LSD_GROUP_V4));
  say(encodeUtf8('BT-SEARCH * HTTP/1.1\r\n\r\n'));
  world.run(1_000);
  expect(peer.host.dials.map(({ remote }) => remote)).toEqual([{ address: neighbour.addresses[0], port: 7_001 }]);
  expect(heard.filter((datagram) => decodeLsdAnnounce(datagram)?.port === 6_881)).toHaveLength(2);
});

test('whoever speaks from outside the network is no neighbour', () => {
  const { world, peer, announce } = neighbourhood();
  const far = world.network.addHost({ addresses: ['192.168.78.1'], lan: 'here' });
  const quiet = { handleListening: () => {}, handleDatagram: () => {}, handleFailed: () => {} };
  far.bindUdp({ address: '0.0.0.0', port: LSD_PORT }, quiet).send(announce(7_001), {
    address: LSD_GROUP_V4,
    port: LSD_PORT,
  });
  world.run(1_000);
  expect(peer.host.dials).toEqual([]);
});

test('LSD_RECEIVED_PER_SECOND datagrams of a second are read, the rest is dropped, and later ones are read again', () => {
  const { world, peer, say, announce } = neighbourhood();
  for (let i = 1; i < LSD_RECEIVED_PER_SECOND; i++) say(encodeUtf8('noise'));
  say(announce(7_001));
  say(announce(7_002));
  world.run(2_000);
  expect(peer.host.dials.map(({ remote }) => remote.port)).toEqual([7_001]);
  say(announce(7_003));
  world.run(2_000);
  expect(new Set(peer.host.dials.map(({ remote }) => remote.port))).toEqual(new Set([7_001, 7_003]));
});

test('after the last torrent stops nothing is open and nothing waits', () => {
  const { world, peer } = neighbourhood();
  const openPorts = peer.host.openPortCount;
  peer.torrent.stopNow(() => {}, 0);
  world.run(1_000);
  expect(peer.host.openPortCount).toBe(openPorts - 1);
  expect(peer.run.clock.liveTimerCount).toBe(0);
  world.finish();
  expect(world.problems).toEqual([]);
});
