// Torrents that have peers and do not get on as fast as they could: each thing that can stand in the way of a block, made
// to stand there.
import { concatBytes } from '../../src/base/bytes.ts';
import { bencode } from '../../src/protocol/bencode/index.ts';
import type { FakeConnection, FakePeerScript } from '../world/fake-peer.ts';
import * as wire from '../world/raw-wire.ts';
import { expectDetail, expectReason } from './expect-reason.ts';
import { formatOf, type Scenario, untilSeeds } from './scenario.ts';

const MIB = 1024 * 1024;

export const whyChoked: Scenario = {
  name: 'why-choked',
  about: 'Choked by all; then stalled by the only one that unchokes; then what nobody has is missing.',
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 24 });
    const choking: FakePeerScript = {
      handleHandshake: (connection) => connection.sendFullBitfield(),
      handleMessage: () => {},
    };
    const chokers = [1, 2, 3, 4].map(() => world.addFakePeer({ content, script: choking }));
    const leecher = world.addPeer({ content });
    expectReason(world, leecher, 'choked-by-all', { limitMs: 10_000 });
    world.run(2_000);
    expectReason(world, leecher, 'choked-by-all', { limitMs: 1, holdsMs: 20_000 });
    expectDetail(world, leecher, 'chokingCount', 4);
    expectDetail(world, leecher, 'interestedInUsCount', 0);
    for (const { reason } of leecher.torrent.peers()) world.check(reason.code === 'choking-us', reason.message);

    const [connection] = chokers[0]!.connections;
    connection!.send(wire.rawMessage(wire.UNCHOKE));
    expectReason(world, leecher, 'stalled-peers', { limitMs: 40_000, holdsMs: 5_000 });
    expectDetail(world, leecher, 'peerCount', 1);
    for (const choker of chokers) choker.closeAll();

    // Peers with the first half, and nobody with the second.
    const half = Array.from({ length: 12 }, (_, piece) => piece);
    world.addPeer({ content, has: half });
    expectReason(world, leecher, 'downloading', { limitMs: 200_000 });
    expectReason(world, leecher, 'pieces-nobody-has', { limitMs: 60_000 });
  },
};

export const whyNobodyHas: Scenario = {
  name: 'why-nobody-has',
  about: 'Where some pieces are with nobody, it is said at first besides the main reason, at last as the main reason.',
  link: { latencyMs: 20, bytesPerSecond: 100_000 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 40 });
    const most = Array.from({ length: 37 }, (_, piece) => piece);
    world.addPeer({ content, has: most });
    const leecher = world.addPeer({ content });
    expectReason(world, leecher, 'downloading', { limitMs: 10_000, holdsMs: 3_000 });
    const further = leecher.torrent.diagnosis().further.find(({ code }) => code === 'pieces-nobody-has');
    world.check(further?.details['unavailablePieceCount'] === 3, `three are with nobody: ${further?.message}`);
    expectReason(world, leecher, 'pieces-nobody-has', { limitMs: 60_000, holdsMs: 10_000 });
    expectDetail(world, leecher, 'unavailablePieceCount', 3);
    expectDetail(world, leecher, 'missingPieceCount', 3);
    world.addPeer({ content, has: 'all' });
    untilSeeds(world, [leecher], 200_000);
  },
};

export const whyDownloadLimit: Scenario = {
  name: 'why-download-limit',
  about: 'Which download limit is in use is said as long as it is: 20 kB/s, 60 kB/s and 1 MB/s.',
  link: { latencyMs: 30, bytesPerSecond: 5_000_000 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 512, isRepetitive: true });
    for (let i = 0; i < 3; i++) world.addPeer({ content, has: 'all' });
    const limits = [20_000, 60_000, 1_000_000];
    const bySession = limits.map((maxDownloadBytesPerSecond) =>
      world.addPeer({ content, session: { maxDownloadBytesPerSecond } }),
    );
    const byTorrent = limits.map((maxDownloadBytesPerSecond) =>
      world.addPeer({
        content,
        session: { maxDownloadBytesPerSecond: 2_000_000 },
        torrent: { maxDownloadBytesPerSecond },
      }),
    );
    world.run(5_000);
    for (let passedMs = 0; passedMs < 5_000; passedMs += 250) {
      world.run(250);
      for (const [index, bytesPerSecond] of limits.entries()) {
        expectReason(world, bySession[index]!, 'download-limit-session', { limitMs: 1 });
        expectDetail(world, bySession[index]!, 'bytesPerSecond', bytesPerSecond);
        expectReason(world, byTorrent[index]!, 'download-limit-torrent', { limitMs: 1 });
        expectDetail(world, byTorrent[index]!, 'bytesPerSecond', bytesPerSecond);
      }
    }
  },
};

export const whyRequestQueue: Scenario = {
  name: 'why-request-queue',
  about: 'A peer far away that takes two requests at a time is told apart from one that is slow.',
  link: { latencyMs: 150, bytesPerSecond: 10_000_000 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 200, isRepetitive: true });
    const handleHandshake = (connection: FakeConnection): void => {
      const handshake = bencode({ m: {}, reqq: 2 });
      connection.send(wire.rawMessage(wire.EXTENDED, [], concatBytes([Uint8Array.of(0), handshake])));
      connection.sendFullBitfield();
      connection.send(wire.rawMessage(wire.UNCHOKE));
    };
    const reserved = Uint8Array.of(0, 0, 0, 0, 0, 0x10, 0, 0);
    world.addFakePeer({ content, reserved, script: { handleHandshake } });
    const leecher = world.addPeer({ content });
    expectReason(world, leecher, 'peer-request-queues', { limitMs: 20_000, holdsMs: 5_000 });
    const slow = world.makeContent({ format: formatOf(seed), pieceCount: 100 });
    world.addPeer({ content: slow, has: 'all', link: { uploadBytesPerSecond: 30_000 } });
    const patient = world.addPeer({ content: slow });
    expectReason(world, patient, 'downloading', { limitMs: 20_000, holdsMs: 10_000 });
  },
};

export const whyDisk: Scenario = {
  name: 'why-disk',
  about: 'A disk that is slower than the network is the reason, and so is one that still has the last pieces.',
  isHeavy: true,
  link: { latencyMs: 2, bytesPerSecond: 200_000_000, segmentMaxBytes: 65_536, windowBytes: 1_048_576 },
  run(world, seed) {
    const content = world.makeContent({
      format: formatOf(seed),
      pieceCount: 84,
      pieceLengthBytes: MIB,
      isRepetitive: true,
    });
    world.addPeer({ content, has: 'all' });
    const leecher = world.addPeer({ content, disk: { writeBytesPerSecond: 4 * MIB, threadCount: 1 } });
    expectReason(world, leecher, 'disk-writes', { limitMs: 5_000, holdsMs: 4_000 });
    world.check(leecher.torrent.diagnosis().effect === 'limited', 'a slow disk limits');
    world.check((leecher.torrent.diagnosis().peers['disk-writes'] ?? 0) === 1, 'the peer waits for our disk');
    leecher.run.disk.faults.slowness = 0.01;
    untilSeeds(world, [leecher], 120_000);

    const small = world.makeContent({ pieceCount: 4 });
    world.addPeer({ content: small, has: 'all' });
    const stuck = world.addPeer({ content: small });
    stuck.run.disk.faults.slowness = 1_000;
    expectReason(world, stuck, 'checking', { limitMs: 1_000 });
    stuck.run.disk.faults.slowness = 1;
    world.runUntil('the check ends', () => stuck.torrent.state === 'downloading', { limitMs: 60_000 });
    stuck.run.disk.faults.slowness = Number.POSITIVE_INFINITY;
    expectReason(world, stuck, 'disk-writes', { limitMs: 20_000, holdsMs: 5_000 });
    world.check(stuck.torrent.diagnosis().effect === 'waiting', 'everything has come');
    stuck.run.disk.faults.slowness = 1;
    untilSeeds(world, [stuck], 60_000);
  },
};

export const whyFailed: Scenario = {
  name: 'why-failed',
  about: 'A torrent that has failed says so, with the error.',
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed) });
    world.addPeer({ content, has: 'all' });
    const leecher = world.addPeer({ content });
    leecher.mayFail = true;
    leecher.files.capacityBytes = 1_000;
    expectReason(world, leecher, 'failed', { limitMs: 30_000 });
    expectDetail(world, leecher, 'error', 'DISK_FULL');
  },
};
