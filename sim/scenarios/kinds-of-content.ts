// Contents and ways to get them that ordinary scenarios do not have: magnet links, chosen files, large pieces, NAT.
import { formatOf, type Scenario, untilSeeds } from './scenario.ts';

const FILES = [70_000, 0, 300_000, 16_384, 131_072, 99_999, 250_001] as const;

export const magnetLink: Scenario = {
  name: 'magnet-link',
  about: 'From a magnet link alone: metadata from peers, then the content.',
  link: { latencyMs: 40, lossRatio: 0.005, bytesPerSecond: 400_000 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), files: [...FILES, ...FILES] });
    world.addPeer({ content, has: 'all' });
    const leechers = [1, 2].map(() => world.addPeer({ content, source: 'magnet' }));
    untilSeeds(world, leechers, 60_000);
  },
};

export const chosenFiles: Scenario = {
  name: 'chosen-files',
  about: 'Only chosen files are created; what they share with others is kept apart; later the rest is chosen.',
  link: { latencyMs: 20, bytesPerSecond: 400_000 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), files: FILES });
    world.addPeer({ content, has: 'all' });
    const leecher = world.addPeer({ content, isStarted: false });
    const wanted = content.info.files.flatMap(({ pad, path }, index) =>
      !pad && path.at(-1) === 'file-2' ? [index] : [],
    );
    leecher.start({ files: wanted });
    untilSeeds(world, [leecher], 60_000);
    const made = leecher.files.paths().filter((path) => path.includes('file-'));
    world.check(made.length === 1, `these files were made: ${made.join(', ')}`);
    const all = content.info.files.flatMap(({ pad }, index) => (pad ? [] : [index]));
    leecher.torrent.selectFiles(all);
    world.run(1_000);
    untilSeeds(world, [leecher], 60_000);
    world.check(leecher.havePieceCount >= content.pieceCount - 1, 'not all pieces came');
    for (const { path, bytes } of content.files) {
      const actual = leecher.files.read(`/data/${path}`);
      const isRight = actual?.length === bytes.length && actual.every((byte, index) => byte === bytes[index]);
      world.check(isRight, `${path} is ${actual === undefined ? 'missing' : 'wrong'}`);
    }
  },
};

export const largePieces: Scenario = {
  name: 'large-pieces',
  about: 'Pieces larger than a slab of memory are written in parts and hashed from disk.',
  isHeavy: true,
  link: { latencyMs: 10, bytesPerSecond: 20_000_000, segmentMaxBytes: 65_536 },
  run(world, seed) {
    const content = world.makeContent({
      format: formatOf(seed),
      pieceCount: 4,
      pieceLengthBytes: 4_194_304,
      isRepetitive: true,
    });
    for (let i = 0; i < 2; i++) world.addPeer({ content, has: 'all' });
    const leechers = [1, 2].map(() => world.addPeer({ content }));
    untilSeeds(world, leechers, 120_000);
  },
};

export const behindNat: Scenario = {
  name: 'behind-nat',
  about: 'Peers that nobody can connect to still exchange through those that can be reached.',
  link: { latencyMs: 40, bytesPerSecond: 300_000 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 32 });
    world.addPeer({ content, has: 'all', inbound: 'dropped' });
    const open = world.addPeer({ content });
    const hidden = [1, 2].map(() => world.addPeer({ content, inbound: 'dropped' }));
    untilSeeds(world, [open, ...hidden], 600_000);
  },
};

export const crowd: Scenario = {
  name: 'crowd',
  about: 'Sixteen leechers and one seed: pieces spread, and the seed gives few copies itself.',
  isHeavy: true,
  link: { latencyMs: 40, uploadBytesPerSecond: 150_000, downloadBytesPerSecond: 1_000_000 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 48 });
    const seeder = world.addPeer({ content, has: 'all' });
    const leechers = Array.from({ length: 16 }, () => world.addPeer({ content }));
    untilSeeds(world, leechers, 240_000);
    const copies = seeder.torrent.stats().uploadedBytes / content.bytes.length;
    world.check(copies < 8, `the seed gave ${copies.toFixed(1)} copies to 16 leechers`);
  },
};

export const ownAddress: Scenario = {
  name: 'own-address',
  about: 'A tracker that lists ourselves, also under another address, makes no peer of us.',
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 24 });
    const leecher = world.addPeer({ content });
    const address = leecher.host.addresses[0]!;
    // The same host behind a second address, as with a NAT that loops back.
    world.network.addAlias(leecher.host, '46.0.0.9');
    for (const own of [address, '46.0.0.9']) {
      world.tracker.addPeer(content.infoHash, { address: own, port: 6881 });
    }
    world.run(400_000);
    world.check(leecher.torrent.stats().peerCount === 0, 'we are our own peer');
    const dialCount = leecher.host.dials.length;
    world.check(dialCount <= 4, `${dialCount} dials to ourselves in 400 s`);
    world.addPeer({ content, has: 'all' });
    untilSeeds(world, [leecher], 400_000);
  },
};
