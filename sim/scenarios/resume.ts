// What is on disk when the engine starts: part of it, wrong bytes, files of the wrong length.
import { SAVE_TO } from '../world/sim-peer.ts';
import { formatOf, type Scenario, untilSeeds } from './scenario.ts';

const FILES = [70_000, 0, 300_000, 16_384, 131_072, 99_999, 250_001] as const;

export const resumePartial: Scenario = {
  name: 'resume-partial',
  about: 'What is on disk is not fetched again, also after the process was killed.',
  link: { latencyMs: 20, bytesPerSecond: 200_000 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), files: FILES });
    world.addPeer({ content, has: 'all' });
    const has = Array.from({ length: content.pieceCount }, (_, index) => index).filter((index) => index % 3 === 0);
    const leecher = world.addPeer({ content, has });
    const hadBytes = has.reduce((sum, index) => sum + content.piece(index).length, 0);
    world.runUntil('some more', () => leecher.havePieceCount >= has.length + 5, { limitMs: 60_000 });
    const firstBytes = leecher.torrent.stats().downloadedBytes;
    const kept = leecher.havePieceCount;
    leecher.kill();
    leecher.start();
    world.runUntil('the check', () => leecher.torrent.state !== 'checking', { limitMs: 60_000 });
    world.check(leecher.havePieceCount >= kept, `${leecher.havePieceCount} of ${kept} pieces were found again`);
    untilSeeds(world, [leecher], 120_000);
    const fetched = firstBytes + leecher.torrent.stats().downloadedBytes;
    const missing = content.bytes.length - hadBytes;
    world.check(fetched < missing + 600_000, `${fetched} bytes fetched for ${missing} missing ones`);
    const wrong = leecher.verifiedPieces.filter((index) => index % 3 === 0);
    world.check(wrong.length === 0, `pieces ${wrong.join()} were had already`);
  },
};

export const corruptOnDisk: Scenario = {
  name: 'corrupt-on-disk',
  about: 'Changed bytes and files of the wrong length are found at the start, and only those pieces fetched.',
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), files: FILES });
    world.addPeer({ content, has: 'all' });
    const leecher = world.addPeer({ content, has: 'all', isStarted: false });
    const pathOf = (name: string): string =>
      `${SAVE_TO}/${content.files.find(({ path }) => path.endsWith(name))!.path}`;
    leecher.files.file(pathOf('file-2'))!.writeAt(100_000, Uint8Array.of(1, 2, 3, 4, 5));
    leecher.files.file(pathOf('file-5'))!.truncate(40_000);
    leecher.files.remove(pathOf('file-4'));
    leecher.start();
    world.runUntil('the check', () => leecher.torrent.state === 'downloading', { limitMs: 60_000 });
    const foundCount = leecher.havePieceCount;
    world.check(foundCount >= content.pieceCount - 12, `only ${foundCount} of ${content.pieceCount} pieces are right`);
    world.check(foundCount < content.pieceCount, 'damage was not found');
    untilSeeds(world, [leecher], 120_000);
    const { downloadedBytes } = leecher.torrent.stats();
    world.check(downloadedBytes <= 13 * content.info.pieceLengthBytes, `${downloadedBytes} bytes fetched`);
  },
};

export const rottenSeed: Scenario = {
  name: 'rotten-seed',
  about: 'A seed whose disk gives wrong bytes is found out; the rest comes from others.',
  link: { latencyMs: 20, bytesPerSecond: 300_000 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 32 });
    const rotten = world.addPeer({ content, has: 'all', name: 'rotten seed' });
    world.addPeer({ content, has: 'all', link: { uploadBytesPerSecond: 100_000 } });
    world.runUntil('both seeds are ready', () => world.peers.every((peer) => peer.isSeed), { limitMs: 10_000 });
    rotten.run.disk.faults.corrupt = () => true;
    const leecher = world.addPeer({ content });
    untilSeeds(world, [leecher], 240_000);
    const { hashFailureCount } = leecher.torrent.stats();
    world.check(hashFailureCount > 0, 'the rotten seed was never met');
  },
};

export const readErrors: Scenario = {
  name: 'read-errors',
  about: 'A seed that cannot read one piece withdraws it, serves the others, and gets it back from elsewhere.',
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 24 });
    const sick = world.addPeer({ content, has: 'all', name: 'sick seed' });
    world.runUntil('the seed is ready', () => sick.isSeed, { limitMs: 10_000 });
    sick.run.disk.faults.read = (pieceIndex) => (pieceIndex === 7 ? 'DISK_IO' : undefined);
    const leecher = world.addPeer({ content });
    world.runUntil('all but one piece', () => leecher.havePieceCount === content.pieceCount - 1, { limitMs: 120_000 });
    world.check(sick.havePieceCount === content.pieceCount - 1, 'the piece was not withdrawn');
    sick.run.disk.faults.read = undefined;
    world.addPeer({ content, has: 'all' });
    untilSeeds(world, [leecher, sick], 400_000);
  },
};

export const brokenDisk: Scenario = {
  name: 'broken-disk',
  about: 'A disk from which nothing can be read fails the torrent with DISK_IO, and the rest goes on.',
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 24 });
    const sick = world.addPeer({ content, has: 'all', name: 'sick seed' });
    world.runUntil('the seed is ready', () => sick.isSeed, { limitMs: 10_000 });
    sick.run.disk.faults.read = () => 'DISK_IO';
    sick.mayFail = true;
    const leecher = world.addPeer({ content });
    world.runUntil('the torrent fails', () => sick.torrent.state === 'failed', { limitMs: 60_000 });
    world.check(sick.torrent.error?.code === 'DISK_IO', `the error is ${sick.torrent.error?.code}`);
    world.addPeer({ content, has: 'all' });
    untilSeeds(world, [leecher], 400_000);
  },
};
