// Scrapes (BEP 48, and BEP 15 over UDP) of opentracker: Millrace's numbers are those that the tracker itself gives.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { libtorrent, millrace } from './clients/all.ts';
import { millraceMain } from './clients/millrace.ts';
import { Stage } from './stage.ts';
import type { Host } from './world/world.ts';

interface Scraped {
  readonly url: string;
  readonly seeds: number | null;
  readonly leechers: number | null;
  readonly downloaded: number | null;
  readonly error: string | null;
}

const UNKNOWN = { seeds: null, leechers: null, downloaded: null };

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open();
});

afterAll(() => stage.close());

async function scrape(host: Host, source: string): Promise<readonly Scraped[]> {
  const args = [millraceMain(), 'show', source, '--scrape', '--json'];
  const { stdout, stderr } = await host.run(process.execPath, args);
  expect(stderr).toBe('');
  return (JSON.parse(stdout) as { scrape: readonly Scraped[] }).scrape;
}

describe.each(['v1', 'v2', 'hybrid'] as const)('a %s torrent', (format) => {
  it('has one seed and one leecher, over HTTP and UDP', async (test) => {
    const { httpUrl, udpUrl } = stage.tracker;
    const { content, torrent } = await stage.offer('single', format, 'libtorrent', [httpUrl, udpUrl]);
    // So slow that the leecher stays one.
    await stage.startSeed(test, libtorrent, torrent, content.parent, { uploadBytesPerSecond: 20_000 });
    await stage.start(test, millrace, { source: torrent.path, dataDir: stage.folder('leech'), seeding: false });
    const host = await stage.host(test);
    await expect
      .poll(() => scrape(host, torrent.path), { timeout: 30_000, interval: 500 })
      .toEqual([
        { url: httpUrl, seeds: 1, leechers: 1, downloaded: 0, error: null },
        { url: udpUrl, seeds: 1, leechers: 1, downloaded: 0, error: null },
      ]);
    expect(await stage.tracker.scrape(torrent.trackerHashes[0] ?? '')).toEqual({ complete: 1, incomplete: 1 });
  });
});

it('a torrent that the tracker does not serve, and a tracker that is gone', { timeout: 60_000 }, async (test) => {
  const { httpUrl, udpUrl } = stage.tracker;
  const host = await stage.host(test);
  const source = `magnet:?xt=urn:btih:${'0'.repeat(40)}&tr=${encodeURIComponent(httpUrl)}&tr=${encodeURIComponent(udpUrl)}`;
  await stage.tracker.serve(['1'.repeat(40)]);
  const [overHttp, overUdp] = await scrape(host, source);
  expect(overHttp).toEqual({ url: httpUrl, ...UNKNOWN, error: 'The tracker does not know the torrent.' });
  // BEP 15 has no word for it.
  expect(overUdp).toEqual({ url: udpUrl, seeds: 0, leechers: 0, downloaded: 0, error: null });
  await stage.tracker.stop();
  for (const result of await scrape(host, source))
    expect(result).toMatchObject({ ...UNKNOWN, error: expect.any(String) });
});
