// One peer changes half of the blocks that it sends, among honest seeds.
import { randomBelow } from '../../src/base/random.ts';
import { REQUEST, RESERVED_FAST_AND_EXTENSIONS } from '../world/raw-wire.ts';
import { formatOf, type Scenario, untilSeeds } from './scenario.ts';

export const lyingPeer: Scenario = {
  name: 'lying-peer',
  about: 'A sender of wrong blocks is found and banned, honest peers are not, and the content is right.',
  link: { latencyMs: 25, bytesPerSecond: 400_000 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 48, pieceLengthBytes: 65_536 });
    for (let i = 0; i < 4; i++) world.addPeer({ content, has: 'all', link: { uploadBytesPerSecond: 150_000 } });
    const liar = world.addFakePeer({
      content,
      reserved: RESERVED_FAST_AND_EXTENSIONS,
      script: {
        handleMessage(connection, { id, numbers }) {
          if (id !== REQUEST) return;
          const isWrong = randomBelow(world.random, 2) === 0;
          connection.sendBlock(numbers[0]!, numbers[1]!, numbers[2]!, (block) => {
            if (isWrong) block[randomBelow(world.random, block.length)]! ^= 0x55;
          });
        },
      },
    });
    const leechers = [world.addPeer({ content }), world.addPeer({ content })];
    untilSeeds(world, leechers, 300_000);
    for (const leecher of leechers) {
      const { hashFailureCount } = leecher.torrent.stats();
      const hasBanned = leecher.banned.some((address) => address.startsWith(liar.host.addresses[0]!));
      world.check(hashFailureCount === 0 || hasBanned, `${leecher.name} did not ban the liar`);
      // Blocks under way when the first proof came may fail a few more pieces.
      world.check(hashFailureCount <= 6, `${leecher.name} had ${hashFailureCount} bad pieces`);
    }
    world.check(
      leechers.some((leecher) => leecher.banned.length > 0),
      'the liar was never met',
    );
  },
};

export const liarsTogether: Scenario = {
  name: 'liars-together',
  about:
    'Four peers that each change one block in five, so that pieces are spoilt by several: no honest one is banned.',
  link: { latencyMs: 25, bytesPerSecond: 400_000 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 40, pieceLengthBytes: 262_144 });
    for (let i = 0; i < 4; i++) world.addPeer({ content, has: 'all', link: { uploadBytesPerSecond: 150_000 } });
    const liars = [1, 2, 3, 4].map(() =>
      world.addFakePeer({
        content,
        reserved: RESERVED_FAST_AND_EXTENSIONS,
        script: {
          handleMessage(connection, { id, numbers }) {
            if (id !== REQUEST) return;
            const isWrong = randomBelow(world.random, 5) === 0;
            connection.sendBlock(numbers[0]!, numbers[1]!, numbers[2]!, (block) => {
              if (isWrong) block[randomBelow(world.random, block.length)]! ^= 0x55;
            });
          },
        },
      }),
    );
    const leecher = world.addPeer({ content });
    untilSeeds(world, [leecher], 600_000);
    const { hashFailureCount } = leecher.torrent.stats();
    world.check(hashFailureCount <= 24, `${hashFailureCount} bad pieces`);
    const addresses = liars.map(({ host }) => host.addresses[0]!);
    const bannedCount = addresses.filter((address) =>
      leecher.banned.some((banned) => banned.startsWith(address)),
    ).length;
    world.check(hashFailureCount === 0 || bannedCount > 0, 'no liar was banned');
  },
};
