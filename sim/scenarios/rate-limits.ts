// Links that are faster one way, and limits that the user has set.
import type { SimPeer } from '../world/sim-peer.ts';
import { formatOf, type Scenario, untilSeeds } from './scenario.ts';

const SEED_LIMIT = 200_000;
const LEECHER_LIMIT = 90_000;
const WINDOW_MS = 10_000;

export const rateLimits: Scenario = {
  name: 'rate-limits',
  about: 'Limits hold within five hundredths over ten seconds, on lines that download faster than they upload.',
  link: { latencyMs: 30, uploadBytesPerSecond: 500_000, downloadBytesPerSecond: 4_000_000 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 160 });
    const seeder = world.addPeer({ content, has: 'all', session: { maxUploadBytesPerSecond: SEED_LIMIT } });
    const limited = world.addPeer({ content, torrent: { maxDownloadBytesPerSecond: LEECHER_LIMIT } });
    const free = world.addPeer({ content });
    world.run(10_000);
    const down = (peer: SimPeer): number => peer.torrent.stats().downloadedBytes;
    const up = (peer: SimPeer): number => peer.torrent.stats().uploadedBytes;
    const before = { seeder: up(seeder), limited: down(limited), free: down(free) };
    world.run(WINDOW_MS);
    const rates = {
      seeder: ((up(seeder) - before.seeder) / WINDOW_MS) * 1_000,
      limited: ((down(limited) - before.limited) / WINDOW_MS) * 1_000,
    };
    world.check(rates.seeder <= SEED_LIMIT * 1.05, `the seed gave ${rates.seeder} B/s`);
    world.check(rates.limited <= LEECHER_LIMIT * 1.05, `the limited leecher took ${rates.limited} B/s`);
    world.check(rates.seeder >= SEED_LIMIT * 0.9, `the seed gave only ${rates.seeder} B/s`);
    world.check(rates.limited >= LEECHER_LIMIT * 0.8, `the limited leecher took only ${rates.limited} B/s`);
    untilSeeds(world, [free], 90_000);
    untilSeeds(world, [limited], 90_000);
  },
};
