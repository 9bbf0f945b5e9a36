// Many programs in one swarm. One seed with a slow uplink cannot serve them all alone: they must trade pieces with each other,
// and Millrace must give as well as take.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { aria2, libtorrent, rtorrent, subject, transmission, webtorrent } from './clients/all.ts';
import type { MillraceEvent } from './clients/millrace.ts';
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
      const progress = running.process.stdoutLines
        .map((line) => JSON.parse(line) as MillraceEvent)
        .filter(({ event }) => event === 'progress');
      expect(Number(progress.at(-1)?.['uploaded']), 'Millrace gave to others too').toBeGreaterThan(0);
    }
  }
});
