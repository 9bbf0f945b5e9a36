// Magnet links without a tracker: the DHT alone brings peers together, over nodes that are other torrents' peers. Private
// torrents stay out of it.
import type { SimWorld } from '../world/sim-world.ts';
import { type Scenario, untilSeeds } from './scenario.ts';

/** Where the simulator's peers listen. */
const PORT = 6881;
const BYSTANDERS = 6;

export const dhtOnly: Scenario = {
  name: 'dht-only',
  about: 'A magnet link is enough: its peers are found through the DHT, started from one known node, and no tracker.',
  link: { latencyMs: 40, bytesPerSecond: 500_000 },
  run(world: SimWorld, seed) {
    const trackers = false;
    const other = world.makeContent({ pieceCount: 2 });
    const content = world.makeContent({ pieceCount: 12, format: seed % 2 === 0 ? 'v2' : 'v1' });
    const first = world.addPeer({ content: other, has: 'all', session: { trackers, dht: true } });
    const dhtBootstrap = [`${first.host.addresses[0]}:${PORT}`];
    const session = { trackers, dht: true, dhtBootstrap };
    for (let i = 0; i < BYSTANDERS; i++) world.addPeer({ content: other, has: 'all', session });
    const seedPeer = world.addPeer({ content, has: 'all', session });
    world.run(10_000);
    const leecher = world.addPeer({ content, source: 'magnet', session });
    untilSeeds(world, [leecher], 120_000);
    const state = leecher.run.session.dhtState();
    if (state === undefined) world.report('the leecher has met no node');
    // With what it has learnt the next one needs no known host.
    const later = world.addPeer({
      content,
      source: 'magnet',
      session: { trackers, dht: true, ...(state && { dhtState: state }) },
    });
    untilSeeds(world, [later], 120_000);
    if (!seedPeer.isRunning) world.report('the seed has gone');
  },
};

export const dhtPrivate: Scenario = {
  name: 'dht-private',
  about: 'A private torrent is not in the DHT: nobody finds its peers there, and no node hears of it.',
  link: { latencyMs: 40, bytesPerSecond: 500_000 },
  run(world: SimWorld) {
    const trackers = false;
    const other = world.makeContent({ pieceCount: 2 });
    const content = world.makeContent({ pieceCount: 4, private: true });
    const first = world.addPeer({ content: other, has: 'all', session: { trackers, dht: true } });
    const session = { trackers, dht: true, dhtBootstrap: [`${first.host.addresses[0]}:${PORT}`] };
    for (let i = 0; i < BYSTANDERS; i++) world.addPeer({ content: other, has: 'all', session });
    world.addPeer({ content, has: 'all', session });
    const leecher = world.addPeer({ content, has: 'nothing', session });
    world.run(60_000);
    if (leecher.torrent.stats().haveBytes > 0) world.report('the leecher of a private torrent has found its peer');
    if (leecher.run.session.dht?.isStarted !== false) world.report('a private torrent has started the DHT');
  },
};
