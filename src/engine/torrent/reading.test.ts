// Goal: a file can be read while it downloads, in every state of its torrent. Method: real engines and scripted peers in
// simulated worlds; the reader's bytes are compared with the content's.
import { expect, test } from 'vitest';
import { nodeCrypto } from '../../../sim/testing/node-crypto.ts';
import type { FakePeerScript } from '../../../sim/world/fake-peer.ts';
import * as wire from '../../../sim/world/raw-wire.ts';
import type { SimPeer } from '../../../sim/world/sim-peer.ts';
import { SimWorld } from '../../../sim/world/sim-world.ts';
import { bytesEqual, concatBytes, readUint32 } from '../../base/bytes.ts';
import type { ReadOptions } from '../api.ts';
import type { FileReader, ReadResult } from './file-reader.ts';

const FILES = [300_000, 500_000, 200_000] as const;

function makeWorld(linkBytesPerSecond = 200_000) {
  const world = new SimWorld({
    seed: 1,
    crypto: nodeCrypto(),
    link: { latencyMs: 20, bytesPerSecond: linkBytesPerSecond },
  });
  return { world, content: world.makeContent({ files: FILES, pieceLengthBytes: 32_768 }) };
}

/** Takes everything at once, and remembers it. */
class Taker {
  readonly reader: FileReader;
  readonly chunks: Uint8Array[] = [];
  last: ReadResult | undefined;

  constructor(peer: SimPeer, fileIndex: number, options: ReadOptions = {}) {
    this.reader = peer.torrent.openReader(fileIndex, options);
    this.#take();
  }

  get isOver(): boolean {
    return this.last?.type === 'end' || this.last?.type === 'failed';
  }

  get bytes(): Uint8Array {
    return concatBytes(this.chunks);
  }

  #take(): void {
    this.reader.next((result) => {
      this.last = result;
      if (result.type !== 'bytes') return;
      this.chunks.push(result.bytes);
      this.#take();
    });
  }
}

function expectRead(world: SimWorld, taker: Taker, expected: Uint8Array): void {
  world.runUntil('it is read', () => taker.isOver, { limitMs: 300_000 });
  expect(taker.last).toEqual({ type: 'end' });
  expect(bytesEqual(taker.bytes, expected)).toBe(true);
  taker.reader.close();
}

function finish(world: SimWorld): void {
  world.finish();
  expect(world.problems).toEqual([]);
}

test('while it downloads: the bytes of a file in order, long before the torrent is complete', () => {
  const { world, content } = makeWorld();
  world.addPeer({ content, has: 'all' });
  const leecher = world.addPeer({ content });
  world.run(500);
  expectRead(world, new Taker(leecher, 2), content.files[2]!.bytes);
  expect(leecher.isSeed).toBe(false);
  expect(leecher.havePieceCount).toBeLessThan(content.pieceCount * 0.7);
  finish(world);
});

test('a range, a seek, and several readers at once', () => {
  const { world, content } = makeWorld();
  world.addPeer({ content, has: 'all' });
  const leecher = world.addPeer({ content });
  world.run(500);
  const dropped = new Taker(leecher, 1);
  const end = new Taker(leecher, 1, { start: 400_001, end: 499_999 });
  const other = new Taker(leecher, 0, { start: 7 });
  world.run(1_000);
  dropped.reader.close();
  const received = dropped.chunks.length;
  expectRead(world, end, content.files[1]!.bytes.subarray(400_001, 499_999));
  expectRead(world, other, content.files[0]!.bytes.subarray(7));
  expect(dropped.chunks).toHaveLength(received);
  expectRead(world, new Taker(leecher, 0, { start: 300_000 }), new Uint8Array(0));
  finish(world);
});

test('of a complete torrent, while it is stopped, and of one that only shares', () => {
  const { world, content } = makeWorld();
  const seed = world.addPeer({ content, has: 'all', torrent: { seedOnly: true } });
  const partial = world.addPeer({ content, has: [0, 1], torrent: { seedOnly: true } });
  world.run(1_000);
  expectRead(world, new Taker(seed, 1), content.files[1]!.bytes);
  seed.torrent.stopNow(() => {}, 0);
  expectRead(world, new Taker(seed, 0), content.files[0]!.bytes);
  const taker = new Taker(partial, 0);
  world.run(1_000);
  expect(taker.bytes).toHaveLength(65_536);
  expect(taker.last).toMatchObject({ type: 'failed', error: { code: 'DISK_NOT_FOUND' } });
  taker.reader.close();
  finish(world);
});

test('an unwanted file is wanted while it is read, and as far as it is read', () => {
  const { world, content } = makeWorld();
  world.addPeer({ content, has: 'all' });
  const leecher = world.addPeer({ content, torrent: { files: [0] } });
  world.runUntil('complete', () => leecher.isSeed, { limitMs: 60_000 });
  const had = leecher.havePieceCount;
  expectRead(
    world,
    new Taker(leecher, 1, { start: 100_000, end: 200_000 }),
    content.files[1]!.bytes.subarray(100_000, 200_000),
  );
  world.run(5_000);
  expect(leecher.isSeed).toBe(true);
  expect(leecher.torrent.files.map(({ wanted }) => wanted)).toEqual([true, false, false]);
  expect(leecher.havePieceCount).toBe(had + 4);
  finish(world);
});

test('a stopped torrent gives what it has, and the rest when it goes on', () => {
  const { world, content } = makeWorld();
  world.addPeer({ content, has: 'all' });
  const leecher = world.addPeer({ content });
  world.run(500);
  const taker = new Taker(leecher, 1);
  world.run(1_500);
  leecher.torrent.stopNow(() => {}, 0);
  world.run(5_000);
  const received = taker.bytes.length;
  expect(received).toBeLessThan(FILES[1]);
  leecher.torrent.start();
  expectRead(world, taker, content.files[1]!.bytes);
  finish(world);
});

test('removal ends a reader that waits', () => {
  const { world, content } = makeWorld();
  const leecher = world.addPeer({ content });
  world.run(500);
  const taker = new Taker(leecher, 0);
  leecher.torrent.removeNow(() => {}, 0);
  world.run(1_000);
  expect(taker.last).toMatchObject({ type: 'failed', error: { code: 'TORRENT_REMOVED' } });
  taker.reader.close();
  taker.reader.close();
  finish(world);
});

test('a piece that the disk cannot read is fetched again and read then', () => {
  const { world, content } = makeWorld();
  world.addPeer({ content, has: 'all' });
  const leecher = world.addPeer({ content });
  world.runUntil('complete', () => leecher.isSeed, { limitMs: 60_000 });
  leecher.run.disk.faults.read = (pieceIndex) => (pieceIndex === 0 ? 'DISK_IO' : undefined);
  const taker = new Taker(leecher, 0, { end: 30_000 });
  world.runUntil('it is missing', () => !leecher.isSeed, { limitMs: 1_000 });
  leecher.run.disk.faults.read = undefined;
  expectRead(world, taker, content.files[0]!.bytes.subarray(0, 30_000));
  finish(world);
});

test('who asks for no more bytes is read nothing ahead for', () => {
  const { world, content } = makeWorld(2_000_000);
  const seed = world.addPeer({ content, has: 'all' });
  world.run(1_000);
  const reader = seed.torrent.openReader(1);
  let received = 0;
  reader.next((result) => {
    if (result.type === 'bytes') received += result.bytes.length;
  });
  world.run(10_000);
  expect(received).toBe(32_768 - (300_000 % 32_768));
  expect(seed.run.disk.jobCount).toBe(0);
  reader.close();
  finish(world);
});

/** Answers nothing that it was asked for after the first block. */
const silent: FakePeerScript = {
  handleMessage: (connection, message) => {
    if (message.id === wire.REQUEST && connection.receivedIds.filter((id) => id === wire.REQUEST).length === 1) {
      connection.answerHonestly(message);
    }
  },
};

test('a peer that falls silent with urgent blocks holds a reader up for a moment only', () => {
  const { world, content } = makeWorld(300_000);
  const leecher = world.addPeer({ content });
  world.run(100);
  const connect = (script: FakePeerScript): void => {
    world.addFakePeer({ content, script, isListed: false }).connect({
      address: leecher.host.addresses[0]!,
      port: 6881,
    });
  };
  connect(silent);
  world.run(500);
  const startedMs = world.clock.nowMs;
  const taker = new Taker(leecher, 1);
  connect({});
  expectRead(world, taker, content.files[1]!.bytes);
  // 500,000 bytes take less than 2 s; a peer is not held to be snubbed before 5 s.
  expect(world.clock.nowMs - startedMs).toBeLessThan(4_500);
  finish(world);
});

test('the pieces with deadlines of the user’s come first, and a slow peer holds none of the next', () => {
  const { world, content } = makeWorld(400_000);
  const leecher = world.addPeer({ content });
  world.run(100);
  const asked: number[] = [];
  const script: FakePeerScript = {
    handleMessage: (connection, message) => {
      if (message.id === wire.REQUEST) asked.push(readUint32(message.payload, 0));
      connection.answerHonestly(message);
    },
  };
  for (const pieceIndex of [20, 9]) leecher.torrent.setPieceDeadline(pieceIndex, pieceIndex * 10);
  leecher.torrent.setPieceDeadline(3, 60_000);
  world.addFakePeer({ content, script, isListed: false }).connect({
    address: leecher.host.addresses[0]!,
    port: 6881,
  });
  world.run(500);
  expect(asked.slice(0, 4)).toEqual([9, 9, 20, 20]);
  expect(asked.slice(4, 6)).not.toContain(3);
  leecher.torrent.clearPieceDeadlines();
  world.runUntil('complete', () => leecher.isSeed, { limitMs: 60_000 });
  finish(world);
});

test('priorities at any time: the file and the piece that are set higher come first, 0 does not come', () => {
  const { world, content } = makeWorld(150_000);
  world.addPeer({ content, has: 'all' });
  const leecher = world.addPeer({ content });
  const { torrent } = leecher;
  world.run(1_200);
  const before = leecher.verifiedPieces.length;
  torrent.setFilePriority(2, 7);
  torrent.setFilePriority(1, 0);
  const late = [11, 12, 13, 14, 15, 16].find((piece) => !leecher.verifiedPieces.includes(piece))!;
  torrent.setPiecePriority(late, 1);
  torrent.setSequential(true);
  world.runUntil('complete', () => leecher.isSeed, { limitMs: 60_000 });
  const first = Math.floor((FILES[0] + FILES[1]) / 32_768);
  const next = leecher.verifiedPieces.slice(before + 3, before + 6);
  for (const pieceIndex of next) expect(pieceIndex, `${next}`).toBeGreaterThanOrEqual(first);
  // With the very last ones: the next blocks are asked for while those before are on their way.
  expect(leecher.verifiedPieces.slice(-3)).toContain(late);
  expect(torrent.files.map(({ wanted }) => wanted)).toEqual([true, false, true]);
  expect(leecher.havePieceCount).toBeLessThan(content.pieceCount);
  torrent.setFilePriority(1, 1);
  world.run(100);
  world.runUntil('complete', () => leecher.havePieceCount === content.pieceCount, { limitMs: 60_000 });
  finish(world);
});

test.each([
  ['no such file', (peer: SimPeer) => peer.torrent.openReader(3)],
  ['bytes behind the end', (peer: SimPeer) => peer.torrent.openReader(0, { end: 300_001 })],
  ['an end before the start', (peer: SimPeer) => peer.torrent.openReader(0, { start: 2, end: 1 })],
  ['half a byte', (peer: SimPeer) => peer.torrent.openReader(0, { start: 0.5 })],
  ['a priority above 7', (peer: SimPeer) => peer.torrent.setFilePriority(0, 8)],
  ['no such piece', (peer: SimPeer) => peer.torrent.setPiecePriority(1_000, 1)],
  ['a deadline in the past', (peer: SimPeer) => peer.torrent.setPieceDeadline(0, -1)],
  ['a deadline that never is', (peer: SimPeer) => peer.torrent.setPieceDeadline(0, Number.POSITIVE_INFINITY)],
])('%s is a RangeError', (_, act) => {
  const { world, content } = makeWorld();
  const peer = world.addPeer({ content });
  world.run(100);
  expect(() => act(peer)).toThrow(RangeError);
});

test('before the metadata is known priorities and deadlines have nothing to stand on', () => {
  const { world, content } = makeWorld();
  const { torrent } = world.addPeer({ content, source: 'magnet' });
  for (const act of [() => torrent.setFilePriority(0, 1), () => torrent.setPieceDeadline(0, 1)]) {
    expect(act).toThrow(expect.objectContaining({ code: 'METADATA_NOT_FOUND' }));
  }
  torrent.clearPieceDeadlines();
  torrent.setSequential(true);
});
