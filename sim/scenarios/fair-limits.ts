// One limit among three peers: each gets its third, and all of it is used.
import { BLOCK_BYTES } from '../../src/protocol/limits.ts';
import type { SimWorld } from '../world/sim-world.ts';
import { formatOf, type Scenario } from './scenario.ts';
import { greedy } from './why-slow-upload.ts';

const PEER_COUNT = 3;
const TOTAL_RATIO = 0.05;
const SHARE_RATIO = 0.2;
/** Nothing smaller than a block is asked for or sent: a window may begin or end in the middle of one. */
const MESSAGE_BYTES = BLOCK_BYTES + 13;
/** Requests that each peer keeps under way: 50 MB/s over 40 ms is a hundred blocks. */
const DEPTH = 200;
const SETTLE_MS = 3_000;

interface Window {
  readonly bytesPerSecond: number;
  readonly durationMs: number;
  /** Bytes so far, of each peer. */
  readonly bytesOfPeers: () => readonly number[];
}

/** What each peer got or gave within the window, checked against the limit and against each other. */
function checkWindow(world: SimWorld, { bytesPerSecond, durationMs, bytesOfPeers }: Window): void {
  const before = bytesOfPeers();
  world.run(durationMs);
  const shares = bytesOfPeers().map((bytes, index) => bytes - before[index]!);
  const total = shares.reduce((sum, bytes) => sum + bytes, 0);
  const wanted = (bytesPerSecond * durationMs) / 1_000;
  const what = `${bytesPerSecond} B/s over ${durationMs / 1_000} s`;
  const totalSlack = Math.max(wanted * TOTAL_RATIO, MESSAGE_BYTES);
  world.check(Math.abs(total - wanted) <= totalSlack, `${what}: ${total} bytes instead of ${wanted}`);
  const spread = Math.max(...shares) - Math.min(...shares);
  const shareSlack = Math.max((total / PEER_COUNT) * SHARE_RATIO, MESSAGE_BYTES);
  world.check(spread <= shareSlack, `${what}: shares of ${shares.join(', ')} bytes`);
}

/** Peers that take without end and keep nothing, so that fast limits cost no memory. */
function checkUpload(world: SimWorld, seed: number, bytesPerSecond: number, windowsMs: readonly number[]): void {
  const content = world.makeContent({ format: formatOf(seed), pieceCount: 40 });
  const seeder = world.addPeer({ content, has: 'all', session: { maxUploadBytesPerSecond: bytesPerSecond } });
  const remote = { address: seeder.host.addresses[0]!, port: 6881 };
  const takers = Array.from({ length: PEER_COUNT }, () =>
    world.addFakePeer({ content, script: greedy(content, DEPTH), isListed: false }),
  );
  const connections = takers.map((taker) => taker.connect(remote));
  const bytesOfPeers = (): readonly number[] => connections.map(({ receivedBytes }) => receivedBytes);
  world.run(SETTLE_MS);
  for (const durationMs of windowsMs) checkWindow(world, { bytesPerSecond, durationMs, bytesOfPeers });
  for (const taker of takers) taker.closeAll();
}

export const fairUploadLimit: Scenario = {
  name: 'fair-upload-limit',
  about: 'Three peers under one upload limit get the same within a fifth, all together the limit within a twentieth.',
  link: { latencyMs: 20, bytesPerSecond: 10_000_000 },
  run(world, seed) {
    for (const bytesPerSecond of [20_000, 60_000, 1_000_000]) {
      checkUpload(world, seed, bytesPerSecond, [10_000, 10_000, 60_000]);
    }
  },
};

export const fairFastLimit: Scenario = {
  name: 'fair-fast-limit',
  about: 'The same under a limit of 50 MB/s.',
  isHeavy: true,
  link: { latencyMs: 20, bytesPerSecond: 100_000_000, segmentMaxBytes: 65_536, windowBytes: 4_194_304 },
  run: (world, seed) => checkUpload(world, seed, 50_000_000, [10_000]),
};

export const fairBetweenTorrents: Scenario = {
  name: 'fair-between-torrents',
  about: 'Two torrents under one limit of their session, with one and two peers: no peer goes short.',
  link: { latencyMs: 20, bytesPerSecond: 10_000_000 },
  run(world, seed) {
    for (const bytesPerSecond of [20_000, 60_000, 1_000_000]) {
      const contents = [1, 2].map(() => world.makeContent({ format: formatOf(seed), pieceCount: 40 }));
      const [first, second] = contents;
      const seeder = world.addPeer({
        content: first!,
        has: 'all',
        session: { maxUploadBytesPerSecond: bytesPerSecond },
      });
      for (const { path, bytes } of second!.files) seeder.files.put(`/other/${path}`, bytes.slice());
      seeder.run.session.addNow(second!.metainfo, { saveTo: '/other' });
      world.run(2_000);
      const remote = { address: seeder.host.addresses[0]!, port: 6881 };
      const connections = [first!, second!, second!].map((content) =>
        world.addFakePeer({ content, script: greedy(content, DEPTH), isListed: false }).connect(remote),
      );
      const bytesOfPeers = (): readonly number[] => connections.map(({ receivedBytes }) => receivedBytes);
      world.run(SETTLE_MS);
      checkWindow(world, { bytesPerSecond, durationMs: 10_000, bytesOfPeers });
      for (const connection of connections) connection.close();
    }
  },
};

export const fairDownloadLimit: Scenario = {
  name: 'fair-download-limit',
  about:
    'Three seeds under one download limit give the same within a fifth, all together the limit within a twentieth.',
  link: { latencyMs: 20, bytesPerSecond: 10_000_000 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 900, isRepetitive: true });
    for (let i = 0; i < PEER_COUNT; i++) world.addPeer({ content, has: 'all' });
    world.run(SETTLE_MS);
    for (const bytesPerSecond of [20_000, 60_000, 1_000_000]) {
      const leecher = world.addPeer({ content, session: { maxDownloadBytesPerSecond: bytesPerSecond } });
      world.run(SETTLE_MS);
      const seeds = leecher.torrent.peers().filter(({ completedRatio }) => completedRatio === 1);
      world.check(seeds.length === PEER_COUNT, `${seeds.length} seeds are connected`);
      const bytesOfPeers = (): readonly number[] => {
        const peers = leecher.torrent.peers();
        return seeds.map(({ address }) => peers.find((peer) => peer.address === address)?.downloadedBytes ?? 0);
      };
      for (const durationMs of [10_000, 10_000]) checkWindow(world, { bytesPerSecond, durationMs, bytesOfPeers });
      // The next one is to find seeds only.
      leecher.torrent.stopNow(() => {}, 1_000);
      world.run(1_000);
    }
  },
};
