// Peers come, close, are killed and lose power at random; one seed stays.
import { randomBelow } from '../../src/base/random.ts';
import { formatOf, type Scenario, untilSeeds } from './scenario.ts';

const ROUNDS = 40;

export const comeAndGo: Scenario = {
  name: 'come-and-go',
  about: 'Whatever comes and goes, in whatever manner, those that stay complete, and nobody claims what is not there.',
  isHeavy: true,
  link: { latencyMs: 40, jitterMs: 20, lossRatio: 0.005, bytesPerSecond: 200_000 },
  run(world, seed) {
    const { random } = world;
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 64 });
    world.addPeer({ content, has: 'all', link: { uploadBytesPerSecond: 120_000 } });
    const leechers = Array.from({ length: 8 }, () => world.addPeer({ content, isStarted: false }));
    for (let round = 0; round < ROUNDS; round++) {
      const peer = leechers[randomBelow(random, leechers.length)]!;
      if (!peer.isRunning) {
        peer.host.powerOn();
        peer.start();
      } else {
        peer.checkContent();
        const manner = randomBelow(random, 4);
        if (manner === 0) peer.close();
        else if (manner === 1) peer.kill();
        else if (manner === 2) peer.powerOff();
        else peer.torrent.stopNow(() => peer.isRunning && peer.torrent.start(), 1_000);
      }
      world.run(randomBelow(random, 3_000));
    }
    for (const peer of leechers) {
      if (peer.isRunning) continue;
      peer.host.powerOn();
      peer.start();
    }
    untilSeeds(world, leechers, 900_000);
  },
};
