// Limits that hold for some peers only: the local network where the user exempts it, single addresses that the user names.
import { FakePeer } from '../world/fake-peer.ts';
import type { SimContent } from '../world/sim-content.ts';
import type { SimWorld } from '../world/sim-world.ts';
import { expectReason } from './expect-reason.ts';
import { formatOf, type Scenario } from './scenario.ts';
import { greedy } from './why-slow-upload.ts';

const SESSION_LIMIT = 40_000;
const LINK_BYTES_PER_SECOND = 2_000_000;
const DEPTH = 200;
const WINDOW_MS = 10_000;

/** A greedy peer at this address. */
function addTaker(world: SimWorld, content: SimContent, address: string): FakePeer {
  const host = world.network.addHost({ addresses: [address], link: { bytesPerSecond: LINK_BYTES_PER_SECOND } });
  const taker = new FakePeer({ clock: world.clock, host, content, script: greedy(content, DEPTH) });
  world.fakePeers.push(taker);
  return taker;
}

/** Bytes per second that each gets over ten seconds. */
function ratesOf(world: SimWorld, takers: readonly FakePeer[]): number[] {
  const received = (): number[] => takers.map(({ connections }) => connections[0]!.receivedBytes);
  const before = received();
  world.run(WINDOW_MS);
  return received().map((bytes, index) => ((bytes - before[index]!) * 1_000) / WINDOW_MS);
}

function isWithin(rate: number, wanted: number, ratio: number): boolean {
  // And one block: a window may begin or end in the middle of one.
  return Math.abs(rate - wanted) <= wanted * ratio + (16_397 * 1_000) / WINDOW_MS;
}

export const localPeers: Scenario = {
  name: 'local-peers',
  about: 'A limit holds for the local network too, unless the user exempts it; then for the others alone.',
  link: { latencyMs: 10, bytesPerSecond: 10_000_000 },
  run(world, seed) {
    for (const [index, limitLocalPeers] of [true, false].entries()) {
      const content = world.makeContent({ format: formatOf(seed), pieceCount: 40 });
      const session = { maxUploadBytesPerSecond: SESSION_LIMIT, limitLocalPeers };
      const seeder = world.addPeer({ content, has: 'all', session });
      world.run(1_000);
      const remote = { address: seeder.host.addresses[0]!, port: 6881 };
      const takers = [`192.168.${index}.2`, `47.1.${index}.2`].map((address) => addTaker(world, content, address));
      for (const taker of takers) taker.connect(remote);
      world.run(3_000);
      const [local, far] = ratesOf(world, takers);
      const what = `limitLocalPeers ${limitLocalPeers}: ${local} B/s to the local peer, ${far} to the other`;
      if (limitLocalPeers) {
        world.check(isWithin(local! + far!, SESSION_LIMIT, 0.05) && isWithin(local!, far!, 0.2), what);
      } else {
        world.check(local! > LINK_BYTES_PER_SECOND * 0.8 && isWithin(far!, SESSION_LIMIT, 0.05), what);
        const reasons = seeder.torrent.peers().map(({ address, reason }) => [address.split(':')[0], reason.code]);
        const expected = [
          [takers[0]!.host.addresses[0], 'taking'],
          [takers[1]!.host.addresses[0], 'upload-limit'],
        ];
        world.check(JSON.stringify(reasons) === JSON.stringify(expected), JSON.stringify(reasons));
      }
      for (const taker of takers) taker.closeAll();
    }
  },
};

export const singlePeerLimits: Scenario = {
  name: 'single-peer-limits',
  about: 'A limit for one address holds for it alone, within the limit of all; it can be changed and taken away.',
  link: { latencyMs: 10, bytesPerSecond: 10_000_000 },
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 40 });
    const seeder = world.addPeer({ content, has: 'all', session: { maxUploadBytesPerSecond: 200_000 } });
    world.run(1_000);
    const remote = { address: seeder.host.addresses[0]!, port: 6881 };
    const takers = ['47.2.0.2', '47.3.0.2'].map((address) => addTaker(world, content, address));
    // One is limited before it connects, the other while it is connected.
    seeder.torrent.setPeerLimits('47.2.0.2', { maxUploadBytesPerSecond: 30_000 });
    for (const taker of takers) taker.connect(remote);
    world.run(3_000);
    const expectRates = (wanted: readonly number[]): void => {
      const rates = ratesOf(world, takers);
      const isRight = rates.every((rate, index) => isWithin(rate, wanted[index]!, 0.06));
      world.check(isRight, `${rates.join(' and ')} B/s instead of ${wanted.join(' and ')}`);
    };
    expectRates([30_000, 170_000]);
    seeder.torrent.setPeerLimits('47.3.0.2', { maxUploadBytesPerSecond: 60_000 });
    world.run(3_000);
    expectRates([30_000, 60_000]);
    expectReason(world, seeder, 'upload-limit-peers', { limitMs: 1_000, holdsMs: 2_000 });
    for (const address of ['47.2.0.2', '47.3.0.2']) seeder.torrent.setPeerLimits(address, {});
    world.run(3_000);
    expectRates([100_000, 100_000]);

    // The other direction, and both limits at once.
    const leecher = world.addPeer({ content });
    leecher.torrent.setPeerLimits(seeder.host.addresses[0]!, { maxDownloadBytesPerSecond: 20_000 });
    for (const taker of takers) taker.closeAll();
    expectReason(world, leecher, 'download-limit-peers', { limitMs: 60_000, holdsMs: 3_000 });
    const before = leecher.torrent.stats().downloadedBytes;
    world.run(WINDOW_MS);
    const rate = ((leecher.torrent.stats().downloadedBytes - before) * 1_000) / WINDOW_MS;
    world.check(isWithin(rate, 20_000, 0.05), `${rate} B/s from a peer limited to 20000`);
  },
};
