// Goal: whatever a program does with a torrent, in any order and from inside any event, the torrent ends up in the state
// that was asked for last and its parts agree. Method: the real engine in a simulated world; commands between and
// inside its events.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nodeCrypto } from '../../../sim/testing/node-crypto.ts';
import type { SimContent } from '../../../sim/world/sim-content.ts';
import type { SimPeer } from '../../../sim/world/sim-peer.ts';
import { SimWorld } from '../../../sim/world/sim-world.ts';
import { bytesEqual } from '../../base/bytes.ts';
import type { TorrentEvents, VerifyResult } from '../api.ts';
import type { Torrent } from './torrent.ts';

const SECOND_MS = 1_000;

interface Pair {
  readonly world: SimWorld;
  readonly content: SimContent;
  readonly seed: SimPeer;
  readonly leecher: SimPeer;
}

function pair(options: { pieceCount?: number; linkBytesPerSecond?: number; seed?: number } = {}): Pair {
  const world = new SimWorld({
    seed: options.seed ?? 1,
    crypto: nodeCrypto(),
    link: { latencyMs: 5, bytesPerSecond: options.linkBytesPerSecond ?? 200_000 },
  });
  const content = world.makeContent({ pieceCount: options.pieceCount ?? 12 });
  const seed = world.addPeer({ content, has: 'all' });
  const leecher = world.addPeer({ content });
  return { world, content, seed, leecher };
}

function isAtRest({ run }: SimPeer): boolean {
  run.session.assertInvariants();
  return run.torrent.connectionCount === 0 && run.torrent.peers().length === 0;
}

/** Both to the end, and the world's own checks. */
function finish({ world, leecher, content }: Pair): void {
  const hasAll = (): boolean => leecher.torrent.state === 'seeding' && leecher.havePieceCount === content.pieceCount;
  world.runUntil('the leecher has it all', hasAll, { limitMs: 400 * SECOND_MS });
  expect(bytesEqual(leecher.readAll(), content.bytes)).toBe(true);
  world.finish();
  expect(world.problems).toEqual([]);
}

test('a listener that stops the torrent as its download begins has the last word', () => {
  const all = pair();
  const { torrent } = all.leecher;
  let isArmed = true;
  torrent.on('stateChanged', ({ state }) => {
    if (isArmed && state === 'downloading') void torrent.stop();
  });
  all.world.run(10 * SECOND_MS);
  expect(torrent.state).toBe('stopped');
  expect(isAtRest(all.leecher)).toBe(true);
  isArmed = false;
  torrent.start();
  finish(all);
});

test('a listener that starts a torrent that was just stopped has the last word', () => {
  const all = pair();
  const { torrent } = all.leecher;
  all.world.runUntil('a piece', () => all.leecher.havePieceCount > 0, { limitMs: 60 * SECOND_MS });
  let restarts = 0;
  torrent.on('stateChanged', ({ state }) => {
    if (state === 'stopped' && restarts++ === 0) torrent.start();
  });
  void torrent.stop();
  expect(torrent.state).toBe('downloading');
  finish(all);
  expect(restarts).toBe(2);
});

test('a listener that stops the torrent when a peer connects leaves no ghost of that peer behind', () => {
  const all = pair();
  const { torrent } = all.leecher;
  const unsubscribe = torrent.on('peerConnected', () => void torrent.stop());
  all.world.run(20 * SECOND_MS);
  expect(torrent.state).toBe('stopped');
  expect(torrent.peers()).toEqual([]);
  expect(isAtRest(all.leecher)).toBe(true);
  unsubscribe();
  torrent.start();
  finish(all);
});

test('a torrent that failed goes on when a listener of its failure starts it', () => {
  const all = pair();
  const { torrent } = all.leecher;
  all.leecher.mayFail = true;
  all.leecher.files.capacityBytes = 100_000;
  torrent.on('error', () => {
    all.leecher.files.capacityBytes = Number.POSITIVE_INFINITY;
    torrent.start();
  });
  finish(all);
  expect(torrent.error).toBeUndefined();
});

test('an answer of the disk that belongs to a check of before does not start a torrent that is checked again', () => {
  const all = pair();
  const { leecher, world } = all;
  const { torrent, disk } = leecher.run;
  // The check of an empty disk is over at once; creating empty files comes next and is answered late.
  const states: string[] = [];
  torrent.on('stateChanged', ({ state }) => states.push(state));
  world.clock.runUntil(() => torrent.state === 'checking' && disk.jobCount === 1, { limitMs: SECOND_MS });
  disk.faults.slowness = 2_000;
  void torrent.stop();
  torrent.start();
  void torrent.stop();
  torrent.start();
  disk.faults.slowness = 1;
  finish(all);
  expect(states.filter((state) => state === 'downloading')).toHaveLength(1);
});

test('verifying in the middle of a download judges what is there and the download goes on', async () => {
  const all = pair();
  const { torrent } = all.leecher;
  all.world.runUntil('four pieces', () => all.leecher.havePieceCount >= 4, { limitMs: 60 * SECOND_MS });
  const first = torrent.verify();
  const second = torrent.verify();
  const count = torrent.stats().pieceCount;
  all.world.runUntil('the check ends', () => torrent.state === 'downloading', { limitMs: 10 * SECOND_MS });
  const result: VerifyResult = await first;
  expect(await second).toBe(result);
  expect(result.pieceCount).toBe(count);
  expect(result.goodPieces).toBeGreaterThanOrEqual(4);
  expect(result.goodPieces + result.badPieces + result.missingPieces).toBe(count);
  finish(all);
});

test('verifying a stopped torrent leaves it stopped', async () => {
  const all = pair();
  const { torrent } = all.leecher;
  all.world.runUntil('four pieces', () => all.leecher.havePieceCount >= 4, { limitMs: 60 * SECOND_MS });
  await Promise.race([torrent.stop(), Promise.resolve()]);
  all.world.run(5 * SECOND_MS);
  const verified = torrent.verify();
  all.world.run(5 * SECOND_MS);
  expect((await verified).goodPieces).toBeGreaterThanOrEqual(4);
  expect(torrent.state).toBe('stopped');
  expect(isAtRest(all.leecher)).toBe(true);
  torrent.start();
  finish(all);
});

test.each([
  ['stopped', (torrent: Torrent) => torrent.stop(), 'TORRENT_STOPPED'],
  ['removed', (torrent: Torrent) => torrent.remove(), 'TORRENT_REMOVED'],
] as const)('a check that is cut short because the torrent is %s says so', async (_, end, code) => {
  const { world, seed } = pair();
  seed.run.disk.faults.slowness = 100;
  const verified = seed.torrent.verify();
  void end(seed.torrent);
  await expect(verified).rejects.toMatchObject({ code });
  seed.run.disk.faults.slowness = 1;
  world.run(10 * SECOND_MS);
  await expect(Promise.race([end(seed.torrent), Promise.resolve('pending')])).resolves.toBeDefined();
});

test('a piece that was lost on disk is missing after verifying', async () => {
  const all = pair();
  const { seed, world, content } = all;
  world.run(SECOND_MS);
  const path = `/data/${content.files[0]!.path}`;
  const bytes = seed.files.read(path)!.slice();
  bytes[40_000]! ^= 1;
  seed.files.put(path, bytes);
  const verified = seed.torrent.verify();
  world.runUntil('the check ends', () => seed.torrent.state === 'downloading', { limitMs: 10 * SECOND_MS });
  const result = await verified;
  expect(result).toMatchObject({ badPieces: 1, missingPieces: 0, goodPieces: content.pieceCount - 1 });
  expect(seed.torrent.stats().havePieceCount).toBe(content.pieceCount - 1);
});

test('removing twice answers both calls, and adding meanwhile waits for the end and gives another torrent', async () => {
  const { world, leecher, content } = pair();
  const { session, torrent } = leecher.run;
  const ends: string[] = [];
  const removed = [torrent.remove().then(() => ends.push('first')), torrent.remove().then(() => ends.push('second'))];
  const added = session.add(content.metainfo, { saveTo: '/data' });
  expect(session.torrents).toHaveLength(1);
  world.run(10 * SECOND_MS);
  await Promise.all(removed);
  expect(ends).toEqual(['first', 'second']);
  const again = await added;
  expect(again).not.toBe(torrent);
  expect(session.torrents).toEqual([again]);
  world.runUntil('it is had', () => again.state === 'seeding', { limitMs: 400 * SECOND_MS });
  expect(bytesEqual(leecher.readAll(), content.bytes)).toBe(true);
});

test('removing from inside an event of the removal itself is told once', () => {
  const { world, leecher } = pair();
  const { session, torrent } = leecher.run;
  world.run(3 * SECOND_MS);
  let removals = 0;
  let asked = 0;
  let answered = 0;
  const remove = (): void => {
    asked++;
    torrent.removeNow(() => answered++, SECOND_MS);
  };
  session.on('torrentRemoved', () => removals++);
  torrent.on('stateChanged', remove);
  torrent.on('peerDisconnected', remove);
  remove();
  world.run(10 * SECOND_MS);
  expect(removals).toBe(1);
  expect(asked).toBeGreaterThan(1);
  expect(answered).toBe(asked);
});

type Command = 'stop' | 'start' | 'verify' | 'remove' | 'selectNone' | 'selectAll';

function give(torrent: Torrent, command: Command): void {
  if (command === 'stop') torrent.stopNow(() => {}, SECOND_MS);
  else if (command === 'start') torrent.start();
  else if (command === 'verify') torrent.verify().catch(() => undefined);
  else if (command === 'remove') torrent.removeNow(() => {}, SECOND_MS);
  else torrent.selectFiles(command === 'selectAll' ? torrent.files.map(({ index }) => index) : []);
}

const EVENTS: readonly (keyof TorrentEvents)[] = [
  'stateChanged',
  'peerConnected',
  'peerDisconnected',
  'pieceVerified',
  'complete',
];

interface Step {
  readonly events: number;
  readonly command: Command;
  readonly inside: { readonly event: keyof TorrentEvents; readonly command: Command } | null;
}

/** Parts from the seed while nothing is wanted, and is told to want everything while it does not run. */
const WANTED_WHILE_STOPPED: Step[] = [
  { events: 23, command: 'start', inside: { event: 'peerDisconnected', command: 'start' } },
  { events: 8, command: 'selectNone', inside: null },
  { events: 56, command: 'verify', inside: { event: 'peerConnected', command: 'selectAll' } },
  { events: 14, command: 'selectNone', inside: { event: 'pieceVerified', command: 'start' } },
  { events: 59, command: 'stop', inside: { event: 'stateChanged', command: 'verify' } },
  { events: 58, command: 'selectAll', inside: { event: 'peerDisconnected', command: 'start' } },
  { events: 53, command: 'stop', inside: { event: 'pieceVerified', command: 'start' } },
  { events: 44, command: 'selectAll', inside: { event: 'pieceVerified', command: 'selectNone' } },
];

// Goal: no order of commands, given between events or from inside them, breaks a rule or leaves something behind.
test('any commands at any moment', () => {
  const command = fc.constantFrom<Command>('stop', 'start', 'verify', 'selectNone', 'selectAll', 'start');
  const step: fc.Arbitrary<Step> = fc.record({
    events: fc.integer({ min: 0, max: 60 }),
    command,
    inside: fc.option(fc.record({ event: fc.constantFrom(...EVENTS), command }), { nil: null }),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), fc.boolean(), (steps, isRemovedAtLast) => {
      const all = pair({ pieceCount: 4 });
      const { world, leecher } = all;
      const { torrent, session } = leecher.run;
      for (const { events, command: next, inside } of steps) {
        const unsubscribe =
          inside === null
            ? undefined
            : torrent.on(inside.event, () => {
                unsubscribe?.();
                give(torrent, inside.command);
              });
        for (let i = 0; i < events; i++) world.clock.step();
        give(torrent, next);
        session.assertInvariants();
        world.clock.step();
        session.assertInvariants();
        unsubscribe?.();
      }
      if (isRemovedAtLast) {
        give(torrent, 'remove');
        world.run(10 * SECOND_MS);
        expect(session.torrents).toEqual([]);
        session.assertInvariants();
        world.finish();
        expect(world.problems).toEqual([]);
        return;
      }
      world.run(10 * SECOND_MS);
      give(torrent, 'selectAll');
      give(torrent, 'start');
      finish(all);
    }),
    { numRuns: 25, endOnFailure: true, examples: [[WANTED_WHILE_STOPPED, false]] },
  );
});
