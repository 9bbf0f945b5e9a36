import { expect, test } from 'vitest';
import type { Facade, ScrapeResult } from '../../engine/api.ts';
import { readTorrent } from '../../index.ts';
import { memoryContext } from '../testing/fakes.ts';
import { formatScrape, show } from './show.ts';

const MAGNET = `magnet:?xt=urn:btih:${'a'.repeat(40)}`;
const NONE = { seedCount: undefined, leecherCount: undefined, downloadedCount: undefined };
const RESULTS: readonly ScrapeResult[] = [
  { url: 'http://a/announce', seedCount: 1, leecherCount: 2_000, downloadedCount: 0, error: undefined },
  { url: 'udp://b:1', ...NONE, seedCount: 3, error: undefined },
  { url: 'udp://c:1', ...NONE, error: 'no \u001b[31m way' },
  { url: 'udp://d:1', ...NONE, error: undefined },
];

function contextWith(results: readonly ScrapeResult[]) {
  const asked: unknown[] = [];
  const facade = {
    readTorrent,
    scrapeTorrent: (source: unknown) => {
      asked.push(source);
      return Promise.resolve(results);
    },
  } as unknown as Facade;
  return { context: memoryContext({ facade: () => Promise.resolve(facade) }), asked };
}

test('one line a tracker, and no line of the tracker can pass for another', () => {
  expect(formatScrape(RESULTS).split('\n')).toEqual([
    'Swarm         http://a/announce: 1 seed, 2,000 leechers, 0 downloads',
    'Swarm         udp://b:1: 3 seeds',
    expect.stringMatching(/^Swarm {9}udp:\/\/c:1: no .*way$/),
    'Swarm         udp://d:1: no counts',
    '',
  ]);
  expect(formatScrape(RESULTS)).not.toContain('\u001b');
  expect(formatScrape([])).toBe('Swarm         no tracker to ask\n');
});

test('trackers are asked only when that is wanted', async () => {
  const { context, asked } = contextWith(RESULTS);
  expect(await show(MAGNET, {}, context)).toBe(0);
  expect(asked).toEqual([]);
  expect(context.stdout.text).not.toContain('Swarm');
  expect(await show(MAGNET, { scrape: true }, context)).toBe(0);
  expect(asked).toEqual([MAGNET]);
  expect(context.stdout.text).toContain('Swarm         http://a/announce: 1 seed');
});

test('--json has the counts under "scrape", null where absent', async () => {
  const { context } = contextWith(RESULTS.slice(1, 3));
  await show(MAGNET, { scrape: true, json: true }, context);
  expect(JSON.parse(context.stdout.text)).toMatchObject({
    infoHash: 'a'.repeat(40),
    scrape: [
      { url: 'udp://b:1', seeds: 3, leechers: null, downloaded: null, error: null },
      { url: 'udp://c:1', seeds: null, leechers: null, downloaded: null, error: 'no \u001b[31m way' },
    ],
  });
  const bare = contextWith(RESULTS);
  await show(MAGNET, { json: true }, bare.context);
  expect(JSON.parse(bare.context.stdout.text)).not.toHaveProperty('scrape');
});
