// The network falls in two and heals; a seed goes away and comes back.
import { formatOf, type Scenario, untilSeeds } from './scenario.ts';

function partition(durationMs: number): Scenario['run'] {
  return (world, seed) => {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 64 });
    const source = world.addPeer({ content, has: 'all' });
    const near = [1, 2].map(() => world.addPeer({ content }));
    const far = [1, 2].map(() => world.addPeer({ content }));
    world.runUntil('far peers have a few pieces', () => far.every((peer) => peer.havePieceCount >= 3), {
      limitMs: 60_000,
    });
    const groups = [[source, ...near], far].map((peers) => peers.map((peer) => peer.host));
    world.network.partition([...groups[0]!, world.trackerHost], groups[1]!);
    untilSeeds(world, near, 120_000);
    world.run(durationMs);
    world.check(
      far.every((peer) => !peer.isSeed),
      'a far peer completed on its own',
    );
    world.network.heal();
    untilSeeds(world, far, 900_000);
  };
}

export const shortPartition: Scenario = {
  name: 'short-partition',
  about: 'A network that falls in two for twenty seconds heals, and connections live on.',
  link: { latencyMs: 40, bytesPerSecond: 150_000 },
  run: partition(20_000),
};

export const longPartition: Scenario = {
  name: 'long-partition',
  about: 'After ten minutes in two halves, peers find each other again.',
  link: { latencyMs: 40, bytesPerSecond: 150_000 },
  run: partition(600_000),
};

export const seedReturns: Scenario = {
  name: 'seed-returns',
  about:
    'The only seed loses power half-way and comes back minutes later: leechers share what they have, then complete.',
  link: { latencyMs: 40, bytesPerSecond: 200_000 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 64 });
    const source = world.addPeer({ content, has: 'all' });
    const leechers = [1, 2, 3].map(() => world.addPeer({ content }));
    world.runUntil('a third is there', () => leechers.every((peer) => peer.havePieceCount >= 16), { limitMs: 120_000 });
    source.powerOff();
    world.run(240_000);
    const counts = leechers.map((peer) => peer.havePieceCount);
    world.check(Math.max(...counts) - Math.min(...counts) <= 1, `leechers did not share: ${counts.join()}`);
    source.host.powerOn();
    source.start();
    untilSeeds(world, leechers, 600_000);
  },
};
