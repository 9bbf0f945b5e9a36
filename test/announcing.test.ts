// Goal: announces reach real trackers and their peers come back. Method: the announcer over Node's own sockets, against
// an HTTP tracker on node:http and a UDP tracker on node:dgram, all on loopback.
import dgram from 'node:dgram';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, expect, test, vi } from 'vitest';
import { readUint32 } from '../src/base/bytes.ts';
import { seededRandom } from '../src/base/random.ts';
import { AnnounceGate } from '../src/engine/announcer/announce-gate.ts';
import { HttpCarrier } from '../src/engine/announcer/http-carrier.ts';
import { ScriptedUdpTracker } from '../src/engine/announcer/testing/virtual-world.ts';
import { TorrentAnnouncer } from '../src/engine/announcer/torrent-announcer.ts';
import { UdpTrackerClient } from '../src/engine/announcer/udp-tracker-client.ts';
import { DeadlineQueue } from '../src/engine/deadline-queue.ts';
import { NodeHttp } from '../src/node/http/node-http.ts';
import { NodeNetwork } from '../src/node/net/node-network.ts';
import { NodeResolver } from '../src/node/resolver/node-resolver.ts';
import { NodeClock } from '../src/node/system/node-clock.ts';
import { bencode } from '../src/protocol/bencode/index.ts';

const quiet = { write: () => {} };
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function createAnnouncer(): { announcer: TorrentAnnouncer; peers: string[]; externalAddresses: string[] } {
  const clock = new NodeClock(quiet);
  const random = seededRandom(1);
  const peers: string[] = [];
  const externalAddresses: string[] = [];
  const network = new NodeNetwork(quiet);
  const udp = new UdpTrackerClient({ clock, network, random, log: quiet });
  const fail = (error: unknown): void => {
    throw error;
  };
  const announcer = new TorrentAnnouncer(
    {
      clock,
      deadlines: new DeadlineQueue(clock, (_, error) => fail(error)),
      http: new HttpCarrier({ clock, http: new NodeHttp({ log: quiet }), userAgent: 'Millrace/0' }),
      resolver: new NodeResolver(quiet),
      udp,
      gate: new AnnounceGate(),
      random,
      log: quiet,
    },
    {
      announceFacts: () => ({
        infoHashes: [Uint8Array.from({ length: 20 }, (_, index) => 240 + index)],
        peerId: new TextEncoder().encode('-MR0000-abcdefghijkl'),
        port: 6881,
        uploadedBytes: 1,
        downloadedBytes: 2,
        leftBytes: 3,
        key: 0xdeadbeef,
      }),
      handlePeers: (found) => void peers.push(...found.map(({ address, port }) => `${address} ${port}`)),
      handleExternalAddress: (address) => void externalAddresses.push(address),
      handleBug: fail,
    },
  );
  closers.push(() => {
    announcer.close();
    udp.close();
  });
  return { announcer, peers, externalAddresses };
}

const until = (predicate: () => boolean): Promise<unknown> => vi.waitUntil(predicate, { interval: 2, timeout: 5_000 });
const stop = (announcer: TorrentAnnouncer): Promise<void> => new Promise((done) => announcer.stop(done));

test('an HTTP tracker that compresses and redirects', async () => {
  const announces: string[] = [];
  const server = http.createServer((request, response) => {
    if (request.url!.startsWith('/announce')) {
      response.writeHead(302, { Location: `/moved${request.url!.slice('/announce'.length)}` }).end();
      return;
    }
    announces.push(request.url!);
    const reply = bencode({
      interval: 1_800,
      complete: 1,
      incomplete: 2,
      peers: Uint8Array.of(192, 0, 2, 1, 0x1a, 0xe1),
      'external ip': Uint8Array.of(127, 0, 0, 1),
    });
    response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync(reply));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close());
  const { announcer, peers, externalAddresses } = createAnnouncer();
  announcer.addTracker(`http://127.0.0.1:${(server.address() as AddressInfo).port}/announce?passkey=p`);
  announcer.start();
  await until(() => peers.length === 1);
  expect(peers).toEqual(['192.0.2.1 6881']);
  expect(externalAddresses).toEqual(['127.0.0.1']);
  expect(announcer.status()).toMatchObject([{ state: 'working', seedCount: 1, leecherCount: 2 }]);
  await stop(announcer);
  expect(announces).toHaveLength(2);
  expect(announces[0]).toContain('passkey=p&info_hash=%F0%F1%F2%F3');
  expect(announces[0]).toContain('event=started');
  expect(announces[1]).toContain('event=stopped');
});

test.each([
  ['udp4', '127.0.0.1', Uint8Array.of(192, 0, 2, 1, 0x1a, 0xe1), '192.0.2.1 6881'],
  [
    'udp6',
    '::1',
    Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x1a, 0xe1),
    '2001:db8::1 6881',
  ],
] as const)('a UDP tracker over %s', async (type, address, packed, expected) => {
  const tracker = new ScriptedUdpTracker();
  tracker.peers = packed;
  const socket = dgram.createSocket(type);
  socket.on('message', (datagram, remote) => {
    const reply = tracker.answer(datagram);
    if (reply !== undefined) socket.send(reply, remote.port, remote.address);
  });
  socket.bind(0, address);
  await once(socket, 'listening');
  closers.push(() => socket.close());
  const { announcer, peers } = createAnnouncer();
  const host = type === 'udp6' ? `[${address}]` : address;
  announcer.addTracker(`udp://${host}:${socket.address().port}/announce`);
  announcer.start();
  await until(() => peers.length === 1);
  expect(peers).toEqual([expected]);
  await stop(announcer);
  // The connection id of the first exchange served the second.
  expect(tracker.log).toEqual(['connect', 'announce', 'announce']);
  expect(tracker.announces.map((datagram) => readUint32(datagram, 80))).toEqual([2, 3]);
});

test('a tracker that refuses connections fails at once, and the next one is asked', async () => {
  const server = http.createServer(
    (_, response) => void response.end(bencode({ peers: Uint8Array.of(1, 2, 3, 4, 0, 5) })),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close());
  const { announcer, peers } = createAnnouncer();
  const closed = http.createServer();
  closed.listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const closedPort = (closed.address() as AddressInfo).port;
  await new Promise((done) => closed.close(done));
  announcer.addTier([
    `http://127.0.0.1:${closedPort}/announce`,
    `http://127.0.0.1:${(server.address() as AddressInfo).port}/announce`,
  ]);
  announcer.start();
  await until(() => peers.length === 1);
  expect(peers).toEqual(['1.2.3.4 5']);
});
