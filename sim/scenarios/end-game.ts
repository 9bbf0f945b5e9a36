// The last blocks stand with a peer that is very slow.
import { formatOf, type Scenario, untilSeeds } from './scenario.ts';

export const endGame: Scenario = {
  name: 'end-game',
  about: 'The last blocks are asked of several peers, so that a slow one does not hold up the end; little is wasted.',
  link: { latencyMs: 30 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 40, pieceLengthBytes: 65_536 });
    for (let i = 0; i < 2; i++) world.addPeer({ content, has: 'all', link: { uploadBytesPerSecond: 300_000 } });
    for (let i = 0; i < 2; i++) world.addPeer({ content, has: 'all', link: { uploadBytesPerSecond: 3_000 } });
    const leecher = world.addPeer({ content });
    // 2.6 MB at 600 kB/s take 4.4 s; the slow ones alone would need 7 minutes for what they were asked.
    untilSeeds(world, [leecher], 25_000);
    const { wastedBytes } = leecher.torrent.stats();
    world.check(wastedBytes < content.bytes.length / 10, `${wastedBytes} of ${content.bytes.length} bytes wasted`);
  },
};
