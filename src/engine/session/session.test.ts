// Goal: the session's own duties: odd torrents, the same torrent twice, closing at any moment. Method: simulated worlds.
import { expect, test } from 'vitest';
import { nodeCrypto } from '../../../sim/testing/node-crypto.ts';
import type { ContentOptions } from '../../../sim/world/sim-content.ts';
import { SAVE_TO } from '../../../sim/world/sim-peer.ts';
import { SimWorld } from '../../../sim/world/sim-world.ts';
import { bytesEqual } from '../../base/bytes.ts';

function worldOf(seed = 1): SimWorld {
  return new SimWorld({ seed, crypto: nodeCrypto(), link: { latencyMs: 10 } });
}

test.each<[string, ContentOptions]>([
  ['nothing but empty files', { files: [0, 0, 0] }],
  ['one byte', { files: [1] }],
  ['one piece', { pieceCount: 1 }],
  ['empty files between others', { files: [0, 40_000, 0, 1, 0] }],
  ['v2 files with gaps', { files: [1, 70_000, 0, 1], format: 'v2' }],
  ['a hybrid with pad files', { files: [1, 70_000, 1], format: 'hybrid' }],
])('a torrent of %s is had, and closed without a trace', (_, options) => {
  const world = worldOf();
  const content = world.makeContent(options);
  world.addPeer({ content, has: 'all' });
  const leecher = world.addPeer({ content });
  world.runUntil('it is had', () => leecher.isSeed, { limitMs: 60_000 });
  expect(bytesEqual(leecher.readAll(), content.bytes)).toBe(true);
  for (const { path, bytes } of content.files) expect(leecher.files.read(`${SAVE_TO}/${path}`)).toEqual(bytes);
  expect(leecher.torrent.stats()).toMatchObject({ etaSeconds: 0, havePieceCount: content.pieceCount });
  world.finish();
  expect(world.problems).toEqual([]);
});

test('with no file wanted a torrent is complete at once, creates nothing and asks for nothing', () => {
  const world = worldOf();
  const content = world.makeContent({ files: [40_000, 0, 50_000] });
  world.addPeer({ content, has: 'all' });
  const leecher = world.addPeer({ content, torrent: { files: [] } });
  world.run(10_000);
  expect(leecher.torrent.state).toBe('seeding');
  expect(leecher.torrent.stats()).toMatchObject({ wantedBytes: 0, downloadedBytes: 0 });
  for (const { path } of content.files) expect(leecher.files.read(`${SAVE_TO}/${path}`)).toBeUndefined();
  world.finish();
  expect(world.problems).toEqual([]);
});

test('sharing only asks for nothing and creates nothing, whatever is missing', () => {
  const world = worldOf();
  const content = world.makeContent();
  world.addPeer({ content, has: 'all' });
  const partial = world.addPeer({ content, has: [0, 1, 2], torrent: { seedOnly: true } });
  const leecher = world.addPeer({ content });
  world.runUntil('it is had', () => leecher.isSeed, { limitMs: 60_000 });
  expect(partial.torrent.stats()).toMatchObject({ downloadedBytes: 0, havePieceCount: 3 });
  world.finish();
  expect(world.problems).toEqual([]);
});

// Goal: a peer that comes while the disk is checked is let in afterwards. Method: a check of about eight seconds, and a
// leecher that would dial again after five and after fifteen.
test('who connects while a torrent is being checked waits, and is let in when it is', () => {
  const world = worldOf();
  const content = world.makeContent({ pieceCount: 16, trackers: [] });
  const disk = { hashBytesPerSecond: content.bytes.length / 8, threadCount: 1 };
  const seed = world.addPeer({ content, has: 'all', disk });
  const leecher = world.addPeer({ content, torrent: { peers: [seed.address] } });
  world.run(7_000);
  expect(seed.torrent.state).toBe('checking');
  expect(leecher.torrent.stats().peerCount).toBe(0);
  world.run(6_000);
  expect(seed.torrent.state).toBe('seeding');
  expect(leecher.torrent.stats().peerCount + leecher.havePieceCount).toBeGreaterThan(0);
  world.finish();
  expect(world.problems).toEqual([]);
});

test('adding a torrent that is there gives that one; options that are wrong leave nothing behind', async () => {
  const world = worldOf();
  const content = world.makeContent();
  const peer = world.addPeer({ content });
  const { session, torrent, disk } = peer.run;
  expect(await session.add(content.metainfo, { saveTo: '/elsewhere' })).toBe(torrent);
  expect(await session.add(torrent.magnet, { saveTo: SAVE_TO })).toBe(torrent);
  const other = world.makeContent();
  const jobs = disk.jobCount;
  for (const wrong of [{ files: [7] }, { maxUploadBytesPerSecond: 0 }, { maxDownloadBytesPerSecond: Number.NaN }]) {
    await expect(session.add(other.metainfo, { saveTo: SAVE_TO, ...wrong })).rejects.toThrow(RangeError);
  }
  await expect(session.add(new Uint8Array(3), { saveTo: SAVE_TO })).rejects.toMatchObject({ code: 'METAINFO_INVALID' });
  expect(disk.jobCount).toBe(jobs);
  expect(session.torrents).toEqual([torrent]);
  let isClosed = false;
  session.closeNow(() => (isClosed = true), 1_000);
  await expect(session.add(other.metainfo, { saveTo: SAVE_TO })).rejects.toMatchObject({ code: 'SESSION_CLOSED' });
  world.run(5_000);
  expect(isClosed).toBe(true);
});

// Goal: closing works at any moment. Method: the same history again and again, closed a few events later each time.
test.each(['metainfo', 'magnet'] as const)('closing in the middle of anything leaves nothing open (%s)', (source) => {
  for (let events = 0; events < 1_500; events += 97) {
    const world = worldOf();
    const content = world.makeContent({ pieceCount: 6 });
    world.addPeer({ content, has: 'all' });
    const leecher = world.addPeer({ content, source });
    for (let i = 0; i < events; i++) world.clock.step();
    leecher.close();
    world.run(1_000);
    world.finish();
    expect(world.problems).toEqual([]);
  }
});
