// Limits of 20 kB/s to 1 MB/s, both ways, with one peer, with eight, and with three torrents of two peers each: every ten
// seconds after the start the limit passes, within a twentieth, and peers that are alike get alike. Nothing smaller than a
// block is asked for or sent: where a block is more than a twentieth, a window may hold one more or less.
import { BLOCK_BYTES } from '../../src/protocol/limits.ts';
import type { FakeConnection } from '../world/fake-peer.ts';
import * as wire from '../world/raw-wire.ts';
import type { SimContent } from '../world/sim-content.ts';
import type { SimPeer } from '../world/sim-peer.ts';
import type { SimWorld } from '../world/sim-world.ts';
import { formatOf, type Scenario } from './scenario.ts';
import { greedy } from './why-slow-upload.ts';

const WINDOW_MS = 10_000;
const TOTAL_RATIO = 0.05;
const SHARE_RATIO = 0.1;
const MESSAGE_BYTES = BLOCK_BYTES + 13;
const DEPTH = 100;

/** Torrents, and peers of each. */
interface Crowd {
  readonly torrentCount: number;
  readonly peerCount: number;
}

const CROWDS: readonly Crowd[] = [
  { torrentCount: 1, peerCount: 1 },
  { torrentCount: 1, peerCount: 8 },
  { torrentCount: 3, peerCount: 2 },
];

interface Measurement {
  readonly what: string;
  readonly bytesPerSecond: number;
  readonly windowCount: number;
  /** Bytes so far, of each peer. */
  bytesOfPeers(): readonly number[];
  /** Times that each peer was choked or unchoked so far, -1 while it is choked. Who has no slot has no share. */
  slotsOfPeers(): readonly number[];
}

/** Runs the windows, the first one unseen. */
function measure(
  world: SimWorld,
  { what, bytesPerSecond, windowCount, bytesOfPeers, slotsOfPeers }: Measurement,
): void {
  world.run(WINDOW_MS);
  const wanted = (bytesPerSecond * WINDOW_MS) / 1_000;
  const start = bytesOfPeers();
  const slots = slotsOfPeers();
  for (let i = 1; i <= windowCount; i++) {
    const before = bytesOfPeers();
    world.run(WINDOW_MS);
    const total = sumOf(bytesOfPeers()) - sumOf(before);
    const slack = Math.max(wanted * TOTAL_RATIO, MESSAGE_BYTES);
    world.check(Math.abs(total - wanted) <= slack, `${what}, window ${i}: ${total} bytes instead of ${wanted}`);
  }
  const ends = slotsOfPeers();
  const isServed = (index: number): boolean => ends[index]! >= 0 && ends[index] === slots[index];
  const shares = bytesOfPeers()
    .map((bytes, index) => bytes - start[index]!)
    .filter((_, index) => isServed(index));
  world.check(shares.length > 0, `${what}: nobody had a slot all the time`);
  const mean = sumOf(shares) / shares.length;
  const spread = Math.max(...shares) - Math.min(...shares);
  world.check(
    spread <= Math.max(mean * SHARE_RATIO, 1.5 * MESSAGE_BYTES),
    `${what}: shares of ${shares.join(', ')} bytes`,
  );
}

/** At high rates a share is many blocks within one window already. */
function windowCountOf(bytesPerSecond: number): number {
  return bytesPerSecond > 500_000 ? 1 : 3;
}

function slotChangesOf({ receivedIds }: FakeConnection): number {
  const changes = receivedIds.filter((id) => id === wire.CHOKE || id === wire.UNCHOKE);
  return changes.at(-1) === wire.UNCHOKE ? changes.length : -1;
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

/** Opens the second and third torrent in the session of the peer, with all their files or none. */
function addTorrents(peer: SimPeer, contents: readonly SimContent[], hasAll: boolean): void {
  for (const [index, content] of contents.entries()) {
    const saveTo = `/other ${index}`;
    if (hasAll) for (const { path, bytes } of content.files) peer.files.put(`${saveTo}/${path}`, bytes.slice());
    peer.run.session.addNow(content.metainfo, { saveTo });
  }
}

function checkUpload(world: SimWorld, seed: number, bytesPerSecond: number, { torrentCount, peerCount }: Crowd): void {
  const makeContent = (): SimContent => world.makeContent({ format: formatOf(seed), pieceCount: 20 });
  const contents = Array.from({ length: torrentCount }, makeContent);
  const session = { maxUploadBytesPerSecond: bytesPerSecond };
  const seeder = world.addPeer({ content: contents[0]!, has: 'all', session });
  addTorrents(seeder, contents.slice(1), true);
  world.run(2_000);
  const remote = { address: seeder.host.addresses[0]!, port: 6881 };
  const takers: FakeConnection[] = [];
  for (const content of contents) {
    for (let i = 0; i < peerCount; i++) {
      const taker = world.addFakePeer({ content, script: greedy(content, DEPTH), isListed: false });
      takers.push(taker.connect(remote));
    }
  }
  measure(world, {
    what: `up, ${torrentCount} torrents of ${peerCount} peers at ${bytesPerSecond} B/s`,
    bytesPerSecond,
    windowCount: windowCountOf(bytesPerSecond),
    bytesOfPeers: () => takers.map(({ receivedBytes }) => receivedBytes),
    slotsOfPeers: () => takers.map(slotChangesOf),
  });
  for (const taker of takers) taker.close();
  for (const torrent of seeder.run.session.torrents) torrent.stopNow(() => {}, 0);
}

function checkDownload(
  world: SimWorld,
  seed: number,
  bytesPerSecond: number,
  { torrentCount, peerCount }: Crowd,
): void {
  const windowCount = windowCountOf(bytesPerSecond);
  const pieceCount = Math.ceil((bytesPerSecond * WINDOW_MS * (windowCount + 1.5)) / 1_000 / 32_768 / torrentCount);
  const makeContent = (): SimContent => {
    const options = { format: formatOf(seed), pieceCount, pieceLengthBytes: 32_768, isRepetitive: true };
    return world.makeContent(options);
  };
  const contents = Array.from({ length: torrentCount }, makeContent);
  const sentBytes: number[] = [];
  for (const content of contents) {
    for (let i = 0; i < peerCount; i++) {
      const index = sentBytes.push(0) - 1;
      world.addFakePeer({
        content,
        script: {
          handleMessage(connection, message) {
            if (message.id !== wire.REQUEST) return;
            sentBytes[index]! += message.numbers[2]!;
            connection.answerHonestly(message);
          },
        },
      });
    }
  }
  const leecher = world.addPeer({ content: contents[0]!, session: { maxDownloadBytesPerSecond: bytesPerSecond } });
  addTorrents(leecher, contents.slice(1), false);
  measure(world, {
    what: `down, ${torrentCount} torrents of ${peerCount} peers at ${bytesPerSecond} B/s`,
    bytesPerSecond,
    windowCount,
    bytesOfPeers: () => [...sentBytes],
    slotsOfPeers: () => sentBytes.map(() => 0),
  });
  for (const torrent of leecher.run.session.torrents) torrent.stopNow(() => {}, 0);
}

export const exactLimits: Scenario = {
  name: 'exact-limits',
  about: 'Limits up and down hold within a twentieth in every ten seconds, and those who are alike get alike.',
  isHeavy: true,
  link: { latencyMs: 20, bytesPerSecond: 10_000_000, segmentMaxBytes: 16_384, windowBytes: 1_048_576 },
  run(world, seed) {
    for (const bytesPerSecond of [20_000, 100_000, 1_000_000]) {
      for (const crowd of CROWDS) {
        checkUpload(world, seed, bytesPerSecond, crowd);
        checkDownload(world, seed, bytesPerSecond, crowd);
      }
    }
  },
};

export const changedLimits: Scenario = {
  name: 'changed-limits',
  about:
    'Limits of a session and of a torrent that are changed while it runs hold from then on, and can be taken away.',
  link: { latencyMs: 20, bytesPerSecond: 2_000_000 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 20 });
    const seeder = world.addPeer({ content, has: 'all' });
    world.run(1_000);
    const remote = { address: seeder.host.addresses[0]!, port: 6881 };
    const takers = [1, 2].map(() =>
      world.addFakePeer({ content, script: greedy(content, DEPTH), isListed: false }).connect(remote),
    );
    const { session } = seeder.run;
    const steps: readonly [set: () => void, bytesPerSecond: number][] = [
      [() => session.setLimits({ maxUploadBytesPerSecond: 50_000 }), 50_000],
      [() => seeder.torrent.setLimits({ maxUploadBytesPerSecond: 20_000 }), 20_000],
      [() => session.setLimits({ maxUploadBytesPerSecond: 200_000 }), 20_000],
      [() => seeder.torrent.setLimits({ maxUploadBytesPerSecond: 500_000 }), 200_000],
      [() => session.setLimits({}), 500_000],
      [() => seeder.torrent.setLimits({ maxDownloadBytesPerSecond: 10 }), 2_000_000],
      [() => session.setLimits({ maxUploadBytesPerSecond: 30_000 }), 30_000],
    ];
    for (const [set, bytesPerSecond] of steps) {
      set();
      world.run(2_000);
      const received = (): number => sumOf(takers.map(({ receivedBytes }) => receivedBytes));
      const before = received();
      world.run(WINDOW_MS);
      const wanted = (bytesPerSecond * WINDOW_MS) / 1_000;
      const off = Math.abs(received() - before - wanted);
      world.check(off <= Math.max(wanted * TOTAL_RATIO, MESSAGE_BYTES), `${bytesPerSecond} B/s: off by ${off} bytes`);
    }
  },
};

export const slowIsNotSnubbed: Scenario = {
  name: 'slow-is-not-snubbed',
  about:
    'Under 20 kB/s a block takes a second: haves are not held up by blocks, and nobody is taken for a peer that stalls.',
  link: { latencyMs: 20, bytesPerSecond: 1_000_000 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 24 });
    const limit = { maxDownloadBytesPerSecond: 20_000, maxUploadBytesPerSecond: 20_000 };
    const seeder = world.addPeer({ content, has: 'all', session: limit });
    const leechers = Array.from({ length: 8 }, () => world.addPeer({ content, session: limit }));
    let haveCount = 0;
    let lateCount = 0;
    world.run(2_000);
    const [first] = leechers;
    const verifiedMs = new Map<number, number>();
    first!.torrent.on('pieceVerified', ({ pieceIndex }) => verifiedMs.set(pieceIndex, world.clock.nowMs));
    const listener = world.addFakePeer({
      content,
      isListed: false,
      script: {
        ...greedy(content, 1),
        handleMessage(connection, message) {
          if (message.id === wire.HAVE) {
            haveCount++;
            const sinceMs = verifiedMs.get(message.numbers[0]!);
            if (sinceMs !== undefined && world.clock.nowMs - sinceMs > 200) lateCount++;
          } else greedy(content, 1).handleMessage?.(connection, message);
        },
      },
    });
    listener.connect({ address: first!.host.addresses[0]!, port: 6881 });
    let stalled = '';
    for (let i = 0; i < 150; i++) {
      world.run(1_000);
      for (const peer of [seeder, ...leechers]) {
        for (const { reason } of peer.torrent.peers()) if (reason.code === 'snubbed') stalled = peer.name;
      }
    }
    world.check(stalled === '', `${stalled} takes a slow peer for one that stalls`);
    world.check(haveCount > 5 && lateCount === 0, `${lateCount} of ${haveCount} haves came late`);
    const wastedBytes = sumOf(leechers.map((peer) => peer.torrent.stats().wastedBytes));
    world.check(wastedBytes <= 0.03 * 8 * content.bytes.length, `${wastedBytes} bytes wasted`);
  },
};
