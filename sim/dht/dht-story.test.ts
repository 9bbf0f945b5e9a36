// Goal: what is announced is found while nodes leave and lie. Method: a small world, one seed; the figures of large ones
// are in docs/simulator.md.
import { expect, test } from 'vitest';
import { nodeCrypto } from '../testing/node-crypto.ts';
import { DhtStory, type DhtStoryOptions } from './dht-scenario.ts';

const STORY: DhtStoryOptions = {
  seed: 3,
  nodeCount: 120,
  lookupCount: 60,
  churnPerHour: 0.2,
  liarRatio: 0.1,
  friendRatio: 0.5,
  minutes: 3,
  torrentCount: 10,
  crypto: (random) => nodeCrypto(random),
};

test('nodes come and go, a tenth lie: nearly every look-up finds the peer', () => {
  const result = new DhtStory(STORY).run();
  expect(result.lookupCount).toBeGreaterThan(50);
  expect(result.foundCount / result.lookupCount).toBeGreaterThanOrEqual(0.98);
  expect(result.bytesPerSecond).toBeLessThan(1_000);
});

test('nodes of one party around a torrent, with ids chosen freely, do not hide its peers (T-79)', () => {
  const attack = { nodeCount: 60, fitsAddress: false, networkCount: 60 };
  const result = new DhtStory({ ...STORY, liarRatio: 0, torrentCount: 1, attack }).run();
  expect(result.foundCount / result.lookupCount).toBeGreaterThanOrEqual(0.95);
});
