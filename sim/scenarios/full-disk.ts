// The disk is full half-way, and has room again later.
import { formatOf, type Scenario, untilSeeds } from './scenario.ts';

export const fullDisk: Scenario = {
  name: 'full-disk',
  about: 'A full disk stops the torrent with DISK_FULL and loses nothing; with room again it goes on from there.',
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 40 });
    world.addPeer({ content, has: 'all', link: { uploadBytesPerSecond: 400_000 } });
    const leecher = world.addPeer({ content });
    leecher.mayFail = true;
    leecher.files.capacityBytes = content.bytes.length / 2;
    world.runUntil('the torrent fails', () => leecher.torrent.state === 'failed', { limitMs: 60_000 });
    world.check(leecher.torrent.error?.code === 'DISK_FULL', `the error is ${leecher.torrent.error?.code}`);
    leecher.checkContent();
    const hadCount = leecher.havePieceCount;
    world.check(hadCount >= 15, `only ${hadCount} pieces were kept`);
    leecher.files.capacityBytes = Number.POSITIVE_INFINITY;
    leecher.torrent.start();
    untilSeeds(world, [leecher], 240_000);
    const { downloadedBytes } = leecher.torrent.stats();
    const again = downloadedBytes - content.bytes.length;
    world.check(again < content.bytes.length / 3, `${again} bytes were fetched twice`);
  },
};
