// A network that is faster than the disk.
import { UNWRITTEN_TOTAL_MAX_BYTES } from '../../src/protocol/limits.ts';
import { formatOf, type Scenario, untilSeeds } from './scenario.ts';

const MIB = 1024 * 1024;

export const slowDisk: Scenario = {
  name: 'slow-disk',
  about: 'Peers are read no faster than the disk writes: what is received and not written stays bounded.',
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
    untilSeeds(world, [leecher], 120_000);
    const most = leecher.run.disk.mostPendingWriteBytes;
    world.check(most <= UNWRITTEN_TOTAL_MAX_BYTES + 4 * MIB, `${most} bytes were unwritten at once`);
    world.check(most > 16 * MIB, `the disk was never behind: ${most} bytes`);
  },
};

export const stuckDisk: Scenario = {
  name: 'stuck-disk',
  about: 'A disk that does nothing for a minute stops the exchange and nothing else; it goes on when the disk does.',
  link: { latencyMs: 5, bytesPerSecond: 2_000_000 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 64 });
    world.addPeer({ content, has: 'all' });
    const leecher = world.addPeer({ content });
    world.runUntil('a few pieces', () => leecher.havePieceCount >= 5, { limitMs: 30_000 });
    leecher.run.disk.faults.slowness = Number.POSITIVE_INFINITY;
    world.run(60_000);
    const hadCount = leecher.havePieceCount;
    world.check(hadCount < content.pieceCount, 'pieces were had without a disk');
    leecher.run.disk.faults.slowness = 1;
    untilSeeds(world, [leecher], 120_000);
  },
};
