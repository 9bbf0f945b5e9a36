import { expect, test } from 'vitest';
import type { PeerSource } from '../../swarm/dial-queue.ts';
import { mayUse } from './may-use.ts';

test('a private torrent takes peers from its trackers, its user and those that come by themselves (BEP 27)', () => {
  const all: PeerSource[] = ['tracker', 'magnet', 'user', 'incoming', 'pex', 'dht', 'lsd'];
  const allowed = (info: { private: boolean } | undefined): PeerSource[] =>
    all.filter((source) => mayUse(source, info));
  expect(allowed({ private: true })).toEqual(['tracker', 'user', 'incoming']);
  expect(allowed({ private: false })).toEqual(all);
  expect(allowed(undefined)).toEqual(all);
});
