// Goal: magnet links of v2 and hybrid torrents get their piece layers, whatever some peers do. Method: the engine in a
// simulated world, among seeds that run it too and scripted peers that have the metadata and answer hash requests badly.
import { expect, test } from 'vitest';
import { nodeCrypto } from '../../../sim/testing/node-crypto.ts';
import type { FakeConnection, FakePeer } from '../../../sim/world/fake-peer.ts';
import * as wire from '../../../sim/world/raw-wire.ts';
import type { SimContent } from '../../../sim/world/sim-content.ts';
import type { SimPeer } from '../../../sim/world/sim-peer.ts';
import { SimWorld } from '../../../sim/world/sim-world.ts';
import { concatBytes } from '../../base/bytes.ts';
import { encodeExtensionHandshake } from '../../protocol/extensions/extension-handshake.ts';
import { decodeMetadataMessage, encodeMetadataData } from '../../protocol/extensions/ut-metadata.ts';
import { collectHashes, leafCountOf, MerkleTree } from '../../protocol/merkle/index.ts';
import type { TorrentFormat } from '../../protocol/metainfo/index.ts';
import { decodeHashHeader } from '../../protocol/wire/hash-messages.ts';

const crypto = nodeCrypto();
/** What the scripted peer calls ut_metadata; Millrace calls it 1. */
const METADATA_ID = 2;
const FILES = [100_000, 20_000, 0, 70_000, 200_000, 65_536, 40_000];

const newWorld = (): SimWorld => new SimWorld({ seed: 3, crypto, link: { latencyMs: 20, bytesPerSecond: 2_000_000 } });
const contentOf = (world: SimWorld, format: TorrentFormat): SimContent => world.makeContent({ format, files: FILES });

function untilSeed(world: SimWorld, peer: SimPeer, limitMs = 30_000): number {
  const startedMs = world.clock.nowMs;
  expect(
    world.clock.runUntil(() => peer.isSeed, { limitMs }),
    world.describe(peer),
  ).toBe(true);
  return world.clock.nowMs - startedMs;
}

function finish(world: SimWorld): void {
  world.finish();
  expect(world.problems).toEqual([]);
}

type HashAnswer = 'honest' | 'lie' | 'reject' | 'silence' | 'other hashes';

/** A peer that has the metadata and no piece, and answers hash requests in its way. */
function addMetadataPeer(world: SimWorld, content: SimContent, hashAnswer: HashAnswer): FakePeer {
  const { info } = content;
  return world.addFakePeer({
    content,
    reserved: wire.RESERVED_FAST_AND_EXTENSIONS,
    script: {
      handleHandshake(connection) {
        connection.send(wire.rawMessage(wire.HAVE_NONE));
        const messages = new Map([['ut_metadata', METADATA_ID]]);
        const handshake = encodeExtensionHandshake({ messages, metadataSizeBytes: info.infoBytes.length });
        connection.send(wire.rawMessage(wire.EXTENDED, [], concatBytes([Uint8Array.of(0), handshake])));
      },
      handleMessage(connection, { id, payload }) {
        if (id === wire.EXTENDED && payload[0] === METADATA_ID) {
          const message = decodeMetadataMessage(payload.subarray(1));
          if (message?.type !== 'request') return;
          const data = encodeMetadataData(message.piece, info.infoBytes);
          connection.send(wire.rawMessage(wire.EXTENDED, [], concatBytes([Uint8Array.of(1), data])));
        } else if (id === wire.HASH_REQUEST) answerHashRequest(connection, payload, content, hashAnswer);
      },
    },
  });
}

function answerHashRequest(
  connection: FakeConnection,
  payload: Uint8Array,
  { info }: SimContent,
  hashAnswer: HashAnswer,
): void {
  if (hashAnswer === 'silence') return;
  if (hashAnswer === 'reject') {
    connection.send(wire.rawMessage(wire.HASH_REJECT, [], payload));
    return;
  }
  const request = decodeHashHeader(payload);
  const file = info.files.find(({ piecesRoot }) => piecesRoot?.every((byte, i) => byte === request.piecesRoot[i]))!;
  const leafCount = leafCountOf(file.lengthBytes);
  const tree = MerkleTree.of({
    layer: file.pieceLayer!,
    baseLayer: request.baseLayer,
    leafCount,
    sha256: (bytes) => crypto.sha256(bytes),
  });
  const hashes = collectHashes(request, (level, index) => tree.node(level, index));
  if (hashAnswer === 'lie') hashes[33]! ^= 1;
  const header = payload.slice();
  if (hashAnswer === 'other hashes') header[35]! ^= 1;
  connection.send(wire.rawMessage(wire.HASHES, [], concatBytes([header, hashes])));
}

const sentHashRequests = (fake: FakePeer): number =>
  fake.connections.flatMap(({ receivedIds }) => receivedIds).filter((id) => id === wire.HASH_REQUEST).length;

test.each(['v2', 'hybrid'] as const)('a %s magnet link, and the layers are passed on', (format) => {
  const world = newWorld();
  const content = contentOf(world, format);
  const seeds = [1, 2].map(() => world.addPeer({ content, has: 'all' }));
  const leecher = world.addPeer({ content, source: 'magnet' });
  untilSeed(world, leecher);
  for (const seed of seeds) seed.close();
  // A v2 torrent cannot be fetched from a magnet link without layers, and the only one who can give them is the leecher.
  const second = world.addPeer({ content, source: 'magnet', torrent: { peers: [leecher.address] } });
  const tookMs = untilSeed(world, second);
  if (format === 'hybrid') expect(tookMs).toBeLessThan(5_000);
  finish(world);
});

test('a layer of more than one request', () => {
  const world = newWorld();
  const content = world.makeContent({ format: 'v2', pieceCount: 700, pieceLengthBytes: 16_384, isRepetitive: true });
  world.addPeer({ content, has: 'all', link: { bytesPerSecond: 50_000_000 } });
  const leecher = world.addPeer({ content, source: 'magnet', link: { bytesPerSecond: 50_000_000 } });
  untilSeed(world, leecher);
  finish(world);
});

test.each<HashAnswer>(['lie', 'other hashes'])('a peer whose answer is "%s" is left and not met again', (answer) => {
  const world = newWorld();
  const content = contentOf(world, 'v2');
  const liar = addMetadataPeer(world, content, answer);
  const leecher = world.addPeer({ content, source: 'magnet' });
  world.run(5_000);
  expect(sentHashRequests(liar)).toBeGreaterThan(0);
  expect(leecher.torrent.state).toBe('fetching-metadata');
  expect(liar.openCount).toBe(0);
  const fromLeecher = (): number =>
    liar.connections.filter(({ socket }) => socket.remote.address === leecher.host.addresses[0]).length;
  const count = fromLeecher();
  world.addPeer({ content, has: 'all' });
  untilSeed(world, leecher, 200_000);
  expect(fromLeecher()).toBe(count);
  finish(world);
});

test.each<HashAnswer>(['reject', 'silence'])(
  'a peer whose answer is "%s" does not keep others from giving',
  (answer) => {
    const world = newWorld();
    const content = contentOf(world, 'v2');
    const useless = addMetadataPeer(world, content, answer);
    const leecher = world.addPeer({ content, source: 'magnet' });
    world.run(2_000);
    expect(leecher.torrent.state).toBe('fetching-metadata');
    world.addPeer({ content, has: 'all', torrent: { peers: [leecher.address] } });
    untilSeed(world, leecher, 20_000);
    expect(sentHashRequests(useless)).toBeGreaterThan(0);
    finish(world);
  },
);

// Peers that are asked for the same answer within one round trip of each other.
test('an answer that comes when the layers are complete begins nothing anew', () => {
  const world = newWorld();
  const content = world.makeContent({ format: 'v2', pieceCount: 8 });
  for (let i = 0; i < 4; i++) addMetadataPeer(world, content, 'honest');
  const leecher = world.addPeer({ content, source: 'magnet' });
  let completions = 0;
  leecher.torrent.on('metadata', () => completions++);
  world.run(5_000);
  expect(completions).toBe(1);
  finish(world);
});

test('an honest peer without pieces gives the layers; the pieces may come later', () => {
  const world = newWorld();
  const content = contentOf(world, 'v2');
  addMetadataPeer(world, content, 'honest');
  const leecher = world.addPeer({ content, source: 'magnet' });
  expect(world.clock.runUntil(() => leecher.torrent.state === 'downloading', { limitMs: 3_000 })).toBe(true);
  finish(world);
});

// The scripted peer answers only under the v1 hash, as a client that knows nothing of v2.
test('a hybrid torrent goes on with v1 hashes when nobody has v2 ones', () => {
  const world = newWorld();
  const content = contentOf(world, 'hybrid');
  const old = addMetadataPeer(world, content, 'reject');
  const leecher = world.addPeer({ content, source: 'magnet' });
  expect(world.clock.runUntil(() => leecher.torrent.state === 'downloading', { limitMs: 5_000 })).toBe(true);
  expect(sentHashRequests(old)).toBe(0);
  world.addPeer({ content, has: 'all', torrent: { peers: [leecher.address] } });
  untilSeed(world, leecher);
  finish(world);
});

test('stopping in the midst of it leaves nothing behind, and starting begins anew', () => {
  const world = newWorld();
  const content = contentOf(world, 'v2');
  const silent = addMetadataPeer(world, content, 'silence');
  const leecher = world.addPeer({ content, source: 'magnet' });
  world.run(3_000);
  expect(sentHashRequests(silent)).toBeGreaterThan(0);
  leecher.torrent.stopNow(() => {}, 0);
  world.run(1_000);
  expect(silent.openCount).toBe(0);
  expect(leecher.torrent.state).toBe('stopped');
  world.addPeer({ content, has: 'all' });
  leecher.torrent.start();
  untilSeed(world, leecher, 200_000);
  finish(world);
});
