// A user who stops, starts, chooses files and verifies at any moment.
import { randomBelow } from '../../src/base/random.ts';
import { formatOf, type Scenario, untilSeeds } from './scenario.ts';

const FILES = [70_000, 0, 300_000, 16_384, 131_072, 99_999, 250_001, 400_000] as const;
const ACTIONS = 60;

export const restlessUser: Scenario = {
  name: 'restless-user',
  about: 'Stopping, starting, choosing files and verifying at any moment breaks nothing.',
  link: { latencyMs: 15, bytesPerSecond: 120_000 },
  run(world, seed) {
    const { random } = world;
    const content = world.makeContent({ format: formatOf(seed), files: FILES });
    world.addPeer({ content, has: 'all' });
    const leechers = [1, 2].map(() => world.addPeer({ content }));
    const choosable = content.info.files.flatMap(({ pad }, index) => (pad ? [] : [index]));
    for (let i = 0; i < ACTIONS; i++) {
      const { torrent } = leechers[randomBelow(random, leechers.length)]!;
      const action = randomBelow(random, 5);
      if (action === 0) torrent.stopNow(() => {}, 1_000);
      else if (action === 1) torrent.start();
      else if (action === 2) void torrent.verify().catch(() => {});
      else torrent.selectFiles(choosable.filter(() => randomBelow(random, 3) > 0));
      world.run(randomBelow(random, 600));
    }
    for (const { torrent } of leechers) {
      torrent.selectFiles(choosable);
      torrent.start();
    }
    // Seeds of a part of the files count as complete until the choice has reached the disk.
    world.run(2_000);
    untilSeeds(world, leechers, 300_000);
    world.check(
      leechers.every(({ havePieceCount }) => havePieceCount >= content.pieceCount - 1),
      'not all pieces were had',
    );
    for (const leecher of leechers) {
      for (const { path, bytes } of content.files) {
        const actual = leecher.files.read(`/data/${path}`);
        const isRight = actual?.length === bytes.length && actual.every((byte, index) => byte === bytes[index]);
        world.check(isRight, `${leecher.name}: ${path} is ${actual === undefined ? 'missing' : 'wrong'}`);
      }
    }
  },
};
