// Neighbours on one local network that nobody else tells of each other (BEP 14).
import { LSD_INTERVAL_MS } from '../../src/protocol/limits.ts';
import { formatOf, type Scenario, untilSeeds } from './scenario.ts';

const SESSION = { localDiscovery: true };

export const localNeighbours: Scenario = {
  name: 'local-neighbours',
  about: 'On one local network a .torrent file or a magnet link is enough; other networks hear nothing of it.',
  link: { latencyMs: 1, bytesPerSecond: 1_000_000, lossRatio: 0.001 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), trackers: [], pieceCount: 8 });
    const here = { content, lan: 'here', session: SESSION };
    const source = world.addPeer({ ...here, has: 'all' });
    const stranger = world.addPeer({ content, lan: 'elsewhere', session: SESSION });
    const leechers = [world.addPeer(here), world.addPeer({ ...here, source: 'magnet' })];
    untilSeeds(world, leechers, 60_000);
    world.run(2 * LSD_INTERVAL_MS);
    const late = world.addPeer({ ...here, source: 'magnet' });
    untilSeeds(world, [late], 60_000);
    world.check(stranger.torrent.stats().peerCount === 0, 'another network heard of the torrent');
    const own = source.host.addresses[0];
    world.check(!source.host.dials.some(({ remote }) => remote.address === own), 'it found itself');
    const found = leechers[0]!.torrent.stats().peerSources;
    world.check(found.lsd + found.pex + found.incoming > 0, 'nobody was found');
    // Of a hybrid torrent each hash is announced.
    const hashCount = content.info.format === 'hybrid' ? 2 : 1;
    const announces = source.host.multicasts.length / hashCount;
    const mostAnnounces = Math.ceil(world.clock.nowMs / LSD_INTERVAL_MS);
    world.check(announces >= 2 && announces <= mostAnnounces, `${announces} announces, ${mostAnnounces} at most`);
  },
};

export const localPrivate: Scenario = {
  name: 'local-private',
  about: 'A private torrent sends no multicast, and does not meet a neighbour that announces it.',
  link: { latencyMs: 1, bytesPerSecond: 1_000_000 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), trackers: [], private: true });
    const source = world.addPeer({ content, has: 'all', lan: 'here', session: SESSION });
    // Nobody can know yet that this one is private: it asks its neighbours, and none of them answers.
    const asking = world.addPeer({ content, source: 'magnet', lan: 'here', session: SESSION });
    world.run(LSD_INTERVAL_MS * 2);
    world.check(asking.host.multicasts.length > 0, 'a magnet link was not announced');
    world.check(source.host.multicasts.length === 0, 'a private torrent was announced to the local network');
    world.check(source.host.dials.length + asking.host.dials.length === 0, 'somebody was dialled');
  },
};
