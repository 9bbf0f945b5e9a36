// Torrents to which nobody is connected: each stage of finding peers is told apart from the next.
import { expectDetail, expectReason } from './expect-reason.ts';
import { formatOf, type Scenario } from './scenario.ts';

export const whyNoPeers: Scenario = {
  name: 'why-no-peers',
  about:
    'No source, a tracker that has not answered, that failed, that knows nobody: four reasons, in the real engine.',
  run(world, seed) {
    const lonely = world.addPeer({ content: world.makeContent({ format: formatOf(seed), trackers: [] }) });
    expectReason(world, lonely, 'no-sources', { limitMs: 1_000, holdsMs: 1_000 });

    const content = world.makeContent({ format: 'v1' });
    const silent = world.addPeer({ content, session: { trackers: false } });
    expectReason(world, silent, 'no-sources', { limitMs: 1_000 });

    world.tracker.mode = 'silent';
    const leecher = world.addPeer({ content });
    expectReason(world, leecher, 'finding-peers', { limitMs: 1_000, holdsMs: 1_000 });
    expectDetail(world, leecher, 'askingCount', 1);
    expectReason(world, leecher, 'no-peers', { limitMs: 60_000, holdsMs: 5_000 });
    expectDetail(world, leecher, 'failedCount', 1);

    world.tracker.mode = 'ok';
    const hasAnswered = (): boolean => leecher.torrent.diagnosis().details['answeredCount'] === 1;
    world.runUntil('the tracker has answered', hasAnswered, { limitMs: 120_000 });
    expectReason(world, leecher, 'no-peers', { limitMs: 1, holdsMs: 5_000 });
    expectDetail(world, leecher, 'peersInAnswers', 0);
    leecher.torrent.stopNow(() => {}, 1_000);
    expectReason(world, leecher, 'stopped', { limitMs: 5_000 });
  },
};

export const whyUnreachable: Scenario = {
  name: 'why-unreachable',
  about: 'Addresses that are being dialled, that refuse and that never answer are told apart and counted.',
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed) });
    const closed = world.addHost({ inbound: 'refused' });
    world.tracker.addPeer(content.infoHash, { address: closed.addresses[0]!, port: 6881 });
    for (const last of [1, 2]) world.tracker.addPeer(content.infoHash, { address: `46.1.${last}.1`, port: 6881 });
    const leecher = world.addPeer({ content });
    expectReason(world, leecher, 'dialling', { limitMs: 2_000, holdsMs: 5_000 });
    expectReason(world, leecher, 'peers-unreachable', { limitMs: 15_000, holdsMs: 5_000 });
    expectDetail(world, leecher, 'knownCount', 3);
    expectDetail(world, leecher, 'refusedCount', 1);
    const { timedOutCount, unreachableCount } = leecher.torrent.diagnosis().details;
    world.check(Number(timedOutCount) + Number(unreachableCount) === 2, 'two addresses never answer');
    // It is tried again, and says so.
    expectReason(world, leecher, 'dialling', { limitMs: 120_000 });
  },
};

export const whyConnectionLimit: Scenario = {
  name: 'why-connection-limit',
  about: 'A session whose connections are all taken says which limit keeps a torrent from dialling.',
  link: { latencyMs: 20, bytesPerSecond: 50_000 },
  run(world, seed) {
    const [first, second] = [1, 2].map(() => world.makeContent({ format: formatOf(seed), pieceCount: 40 }));
    for (const content of [first!, first!, second!]) world.addPeer({ content, has: 'all' });
    world.run(1_000);
    const leecher = world.addPeer({ content: first!, session: { connectionsMax: 1 } });
    const isHeldUp = (): boolean => leecher.torrent.diagnosis().further.some(({ code }) => code === 'connection-limit');
    world.runUntil('a peer that may not be dialled', isHeldUp, { limitMs: 20_000 });
    world.check(leecher.torrent.stats().peerCount === 1, 'one connection is allowed');
    const other = leecher.run.session.addNow(second!.metainfo, { saveTo: '/other' });
    world.runUntil('the other is held up', () => other.diagnosis().code === 'connection-limit', { limitMs: 20_000 });
    world.check(other.diagnosis().details['limit'] === 'session', "it is the session's limit");
  },
};

export const whyNoMetadata: Scenario = {
  name: 'why-no-metadata',
  about: 'A magnet link whose peers have no metadata waits for it, and with nobody to ask says that too.',
  run(world, seed) {
    const content = world.makeContent({ format: seed % 2 === 0 ? 'hybrid' : 'v1' });
    const leecher = world.addPeer({ content, source: 'magnet' });
    expectReason(world, leecher, 'no-peers', { limitMs: 10_000, holdsMs: 1_000 });
    world.check(
      leecher.torrent.diagnosis().further.some(({ code }) => code === 'waiting-for-metadata'),
      'it does not say what the peers are wanted for',
    );
    world.addPeer({ content, source: 'magnet' });
    expectReason(world, leecher, 'waiting-for-metadata', { limitMs: 200_000, holdsMs: 1_000 });
    expectDetail(world, leecher, 'peerCount', 1);
  },
};
