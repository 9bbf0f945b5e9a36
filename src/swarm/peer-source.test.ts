import { expect, test } from 'vitest';
import { maySource, noPeersBySource, type PeerSource } from './peer-source.ts';

test('a private torrent is told of by its trackers alone; what the user names and who connects is met (BEP 27)', () => {
  const sources = Object.keys(noPeersBySource()) as PeerSource[];
  expect(sources.filter((source) => maySource(source, true)).sort()).toEqual(['incoming', 'magnet', 'tracker', 'user']);
  expect(sources.filter((source) => maySource(source, false)).sort()).toEqual(sources.sort());
});
