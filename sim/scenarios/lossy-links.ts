// One seed, three leechers, links that lose two packets in a hundred.
import { formatOf, type Scenario, untilSeeds } from './scenario.ts';

export const lossyLinks: Scenario = {
  name: 'lossy-links',
  about: 'A swarm on lossy, slow, jittery links completes.',
  link: { latencyMs: 80, jitterMs: 30, lossRatio: 0.02, bytesPerSecond: 500_000 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 48 });
    world.addPeer({ content, has: 'all' });
    const leechers = [1, 2, 3].map(() => world.addPeer({ content }));
    untilSeeds(world, leechers, 120_000);
    const uploaded = leechers.reduce((sum, peer) => sum + peer.torrent.stats().uploadedBytes, 0);
    world.check(uploaded > 0, 'leechers gave nothing to each other');
  },
};
