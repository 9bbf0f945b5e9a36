// Many programs in one swarm. One seed with a slow uplink cannot serve them all alone: they must trade pieces with each other,
// and Millrace must give as well as take.
import { afterAll, beforeAll, expect, it, type TestContext } from 'vitest';
import { aria2, libtorrent, millrace, rtorrent, subject, transmission, webtorrent } from './clients/all.ts';
import type { RunningClient } from './clients/client.ts';
import { eventsOf, type MillraceEvent } from './clients/millrace.ts';
import { Stage } from './stage.ts';
import { fingerprint, withoutEmptyFiles } from './torrents/content.ts';

const SEED_BYTES_PER_SECOND = 5_000_000;

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open();
});

afterAll(() => stage.close());

it('one slow seed, six different leechers at once: all of them get every byte', { timeout: 180_000 }, async (test) => {
  const { content, torrent, tree } = await stage.offer('many', 'v1', 'libtorrent', [stage.tracker.httpUrl]);
  await stage.startSeed(test, libtorrent, torrent, content.parent, { uploadBytesPerSecond: SEED_BYTES_PER_SECOND });
  const leechers = [];
  for (const client of [transmission, subject, aria2, rtorrent, webtorrent, libtorrent]) {
    const dataDir = stage.folder(`${client.program}-data`);
    leechers.push({
      client,
      dataDir,
      running: await stage.start(test, client, { source: torrent.path, dataDir, seeding: false }),
    });
  }
  await Promise.all(leechers.map(({ running }) => running.waitComplete(150_000)));
  await Promise.all(leechers.map(({ running }) => running.stop()));
  for (const { client, dataDir, running } of leechers) {
    const received = await fingerprint(dataDir, content.name);
    if (client.createsEmptyFiles) expect(received, client.program).toEqual(tree);
    else expect(withoutEmptyFiles(received), client.program).toEqual(withoutEmptyFiles(tree));
    if (client.program === 'millrace') {
      expect(Number(progressOf(running).at(-1)?.['uploaded']), 'Millrace gave to others too').toBeGreaterThan(0);
    }
  }
});

// Three leechers could take three copies of it.
it.for([true, false])(
  'Millrace as the only seed, super-seeding: %s, gives to others what they then give each other',
  { timeout: 180_000 },
  async (superSeeding, test: TestContext) => {
    const { content, torrent, tree } = await stage.offer('single', 'v1', 'libtorrent', [stage.tracker.httpUrl]);
    const uploadBytesPerSecond = SEED_BYTES_PER_SECOND;
    const moreArguments = superSeeding ? ['--super-seed'] : [];
    const seed = await stage.startSeed(test, millrace, torrent, content.parent, {
      uploadBytesPerSecond,
      moreArguments,
    });
    const leechers = [];
    for (const client of [transmission, aria2, libtorrent]) {
      const dataDir = stage.folder(`${client.program}-data`);
      leechers.push({
        client,
        dataDir,
        running: await stage.start(test, client, { source: torrent.path, dataDir, seeding: false }),
      });
    }
    await Promise.all(leechers.map(({ running }) => running.waitComplete(150_000)));
    await Promise.all(leechers.map(({ running }) => running.stop()));
    await seed.stop();
    for (const { client, dataDir } of leechers) {
      expect(await fingerprint(dataDir, content.name), client.program).toEqual(tree);
    }
    const uploaded = Number(progressOf(seed).at(-1)?.['uploaded']);
    const copies = uploaded / content.totalBytes;
    expect(copies).toBeGreaterThanOrEqual(1);
    expect(copies).toBeLessThan(superSeeding ? 1.3 : 2);
  },
);

function progressOf({ process }: RunningClient): MillraceEvent[] {
  return eventsOf(process).filter(({ event }) => event === 'progress');
}
