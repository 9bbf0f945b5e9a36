import { expect, test } from 'vitest';
import { bytesEqual } from '../../src/base/bytes.ts';
import { nodeCrypto } from '../testing/node-crypto.ts';
import { SAVE_TO } from './sim-peer.ts';
import { SimWorld } from './sim-world.ts';

function build(seed: number): SimWorld {
  return new SimWorld({
    seed,
    crypto: nodeCrypto(),
    link: { latencyMs: 30, lossRatio: 0.01, bytesPerSecond: 500_000 },
  });
}

function history(seed: number): { readonly atMs: number; readonly eventCount: number; readonly lines: string[] } {
  const world = build(seed);
  const content = world.makeContent({ pieceCount: 12 });
  world.addPeer({ content, has: 'all' });
  const leechers = [1, 2].map(() => world.addPeer({ content }));
  world.runUntil('all seeds', () => leechers.every((peer) => peer.isSeed), { limitMs: 60_000 });
  for (const peer of leechers) expect(bytesEqual(peer.readAll(), content.bytes)).toBe(true);
  const lines = world.peers.map((peer) => world.describe(peer));
  world.finish();
  expect(world.problems).toEqual([]);
  return { atMs: world.clock.nowMs, eventCount: world.clock.eventCount, lines };
}

test('one seed gives one history, another seed another', () => {
  const first = history(5);
  expect(history(5)).toEqual(first);
  expect(history(6).eventCount).not.toBe(first.eventCount);
});

test('bytes on disk that are not what the engine claims are a problem', () => {
  const world = build(1);
  const content = world.makeContent({ pieceCount: 4 });
  const peer = world.addPeer({ content, has: 'all' });
  world.runUntil('the check', () => peer.isSeed, { limitMs: 10_000 });
  peer.files.file(`${SAVE_TO}/${content.files[0]!.path}`)!.writeAt(0, Uint8Array.of(1, 2, 3));
  world.finish();
  expect(world.problems).toHaveLength(1);
  expect(world.problems[0]).toContain('claims 4 pieces, 3 are right on disk');
});

test('what does not come in time, what is logged as an error and what is left after closing are problems', () => {
  const world = build(1);
  const content = world.makeContent({ pieceCount: 4 });
  const peer = world.addPeer({ content });
  expect(world.runUntil('a miracle', () => peer.isSeed, { limitMs: 5_000 })).toBe(false);
  world.handleLog(peer, 'error', 'something broke');
  peer.run.clock.schedule(1e9, () => {});
  world.finish();
  const [late, logged, left] = world.problems;
  expect(late).toContain('not within 5 s: a miracle');
  expect(logged).toContain('something broke');
  expect(left).toContain('1 live timers left after close');
  expect(world.problems).toHaveLength(3);
});

test('a process that is killed runs no more, and starts again on the same files', () => {
  const world = build(2);
  const content = world.makeContent({ pieceCount: 16 });
  world.addPeer({ content, has: 'all' });
  const leecher = world.addPeer({ content });
  world.runUntil('half', () => leecher.havePieceCount >= 8, { limitMs: 60_000 });
  const { torrent } = leecher;
  leecher.kill();
  const before = torrent.stats().downloadedBytes;
  world.run(30_000);
  expect(torrent.stats().downloadedBytes).toBe(before);
  leecher.start();
  world.runUntil('all', () => leecher.isSeed, { limitMs: 60_000 });
  expect(bytesEqual(leecher.readAll(), content.bytes)).toBe(true);
  world.finish();
  expect(world.problems).toEqual([]);
});
