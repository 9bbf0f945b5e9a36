// Goal: a mistake of ours under a socket, a timer or a disk answer ends the torrent it shows itself in, for good, and
// nothing else. Method: a hash function that breaks its promise in one place, two torrents in one session.
import { expect, test } from 'vitest';
import { nodeCrypto } from '../../../sim/testing/node-crypto.ts';
import { SAVE_TO } from '../../../sim/world/sim-peer.ts';
import { SimWorld } from '../../../sim/world/sim-world.ts';
import { bytesEqual } from '../../base/bytes.ts';
import type { Storage } from '../../platform/disk.ts';
import { GuardedStorage } from '../torrent/guarded-storage.ts';

/** Address and info-hash: what the allowed fast set is drawn from (BEP 6). */
const ALLOWED_FAST_INPUT_BYTES = 24;

test('the torrent fails with INTERNAL_BUG and cannot be started again; the session serves its other torrent', () => {
  const crypto = nodeCrypto();
  let isBroken = true;
  const sha1 = (bytes: Uint8Array): Uint8Array => {
    if (isBroken && bytes.length === ALLOWED_FAST_INPUT_BYTES) throw new Error('broken on purpose');
    return crypto.sha1(bytes);
  };
  const logged: string[] = [];
  const world = new SimWorld({ seed: 1, crypto: { ...crypto, sha1 }, onLog: (line) => logged.push(line) });
  const content = world.makeContent();
  const other = world.makeContent({ pieceCount: 5 });
  // A seed whose pieces are rare gives no allowed fast set: here it lacks some itself.
  const seed = world.addPeer({ content, has: [0, 1, 2, 3] });
  seed.mayFail = true;
  for (const { path, bytes } of other.files) seed.files.put(`${SAVE_TO}/${path}`, bytes);
  const { session, torrent } = seed.run;
  const otherTorrent = session.addNow(other.metainfo, { saveTo: SAVE_TO });
  const leecher = world.addPeer({ content });
  world.clock.runUntil(() => torrent.state === 'failed', { limitMs: 60_000 });
  expect(torrent.error).toMatchObject({ code: 'INTERNAL_BUG', cause: new Error('broken on purpose') });
  expect(torrent.connectionCount).toBe(0);
  session.assertInvariants();
  expect(logged.some((line) => line.includes('broken on purpose'))).toBe(true);

  isBroken = false;
  torrent.start();
  expect(torrent.state).toBe('failed');
  expect(otherTorrent.state).toBe('seeding');
  leecher.close();
  const second = world.addPeer({ content: other });
  world.clock.runUntil(() => second.isSeed, { limitMs: 60_000 });
  expect(bytesEqual(second.readAll(), other.bytes)).toBe(true);
  session.assertInvariants();
  let isClosed = false;
  session.closeNow(() => (isClosed = true), 3_000);
  world.run(10_000);
  expect(isClosed).toBe(true);
  expect(seed.host.openSocketCount).toBe(0);
});

test('what a handler of a disk answer throws is told to the owner of the storage and not to the disk', () => {
  const answers: (() => void)[] = [];
  const later = (...args: readonly unknown[]): void => {
    const onDone = args.at(-1) as (outcome: unknown) => void;
    answers.push(() => onDone({ matched: true }));
  };
  const storage: Storage = {
    writePiece: later,
    writePart: later,
    hashPiece: later,
    read: later,
    stat: later,
    createEmptyFiles: later,
    setWanted: later,
    flush: later,
    close: later,
  };
  const bugs: unknown[] = [];
  const guarded = new GuardedStorage(storage, { handleBug: (error) => bugs.push(error) });
  const fail = (): never => {
    throw new Error('mine');
  };
  const none = new Uint8Array(0);
  guarded.writePiece(0, none, {}, fail);
  guarded.writePart(0, 0, none, fail);
  guarded.hashPiece(0, {}, fail);
  guarded.read(0, 0, [], fail);
  guarded.stat(fail);
  guarded.createEmptyFiles(fail);
  guarded.setWanted([], fail);
  guarded.flush(fail);
  guarded.close(fail);
  expect(bugs).toEqual([]);
  for (const answer of answers) answer();
  expect(bugs).toHaveLength(Object.keys(storage).length);
});
