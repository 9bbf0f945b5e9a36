// The tracker fails in every way it can, then works.
import { bytesToHex } from '../../src/base/bytes.ts';
import type { SimContent } from '../world/sim-content.ts';
import type { TrackerAnnounce, TrackerMode } from '../world/sim-tracker.ts';
import { type SimWorld, UDP_TRACKER_URL } from '../world/sim-world.ts';
import { formatOf, type Scenario, untilSeeds } from './scenario.ts';

/** What the tracker heard of the content's first info-hash; a hybrid has a second, which is announced as well. */
function announcesOf(world: SimWorld, content: SimContent): TrackerAnnounce[] {
  const infoHash = bytesToHex(content.infoHash);
  return world.tracker.announces.filter((announce) => announce.infoHash === infoHash);
}

const MODES: readonly TrackerMode[] = ['error', 'garbage', 'silent', 'failure', 'huge'];

function failThenRecover(trackers: readonly string[] | undefined): Scenario['run'] {
  return (world, seed) => {
    world.tracker.mode = 'error';
    const content = world.makeContent({
      format: formatOf(seed),
      pieceCount: 16,
      ...(trackers !== undefined && { trackers }),
    });
    world.addPeer({ content, has: 'all' });
    const leecher = world.addPeer({ content });
    for (const mode of MODES) {
      world.tracker.mode = mode;
      world.run(120_000);
    }
    world.check(leecher.havePieceCount === 0, 'pieces came from nowhere');
    world.check(
      leecher.torrent.trackers().every(({ state }) => state !== 'working'),
      'a dead tracker is called working',
    );
    // A hybrid torrent is announced under both of its hashes; the first stands for both.
    const [firstUrl] = leecher.run.http.requests.map(({ url }) => url);
    const requests = leecher.run.http.requests.filter(({ url }) => infoHashOf(url) === infoHashOf(firstUrl ?? ''));
    for (const [index, { atMs }] of requests.entries()) {
      const beforeMs = requests[index - 1]?.atMs ?? Number.NEGATIVE_INFINITY;
      world.check(atMs - beforeMs >= 5_000, `announces ${atMs - beforeMs} ms apart`);
    }
    world.tracker.mode = 'ok';
    // Back-off has grown meanwhile; an hour is its bound.
    untilSeeds(world, [leecher], 4_000_000);
    // The announce of `completed` is under way, or waits for its next try where datagrams are lost.
    const isWorking = (): boolean => leecher.torrent.trackers().some(({ state }) => state === 'working');
    world.runUntil('the tracker is called working', isWorking, { limitMs: 4_000_000 });
    const started = announcesOf(world, content).filter(({ event }) => event === 'started');
    // A hybrid's seed may have been found under the other hash; over UDP a repeated announce is heard twice.
    const isHttp = started.every(({ kind }) => kind === 'http');
    world.check(started.length <= 2 || !isHttp, `${started.length} announces of started`);
  };
}

export const trackerRecovers: Scenario = {
  name: 'tracker-recovers',
  about: 'A tracker that fails in every way is tried ever more rarely, and used again once it works.',
  run: failThenRecover(undefined),
};

export const udpTrackerRecovers: Scenario = {
  name: 'udp-tracker-recovers',
  about: 'The same over UDP, on links that lose datagrams.',
  link: { latencyMs: 30, lossRatio: 0.1 },
  run: failThenRecover([UDP_TRACKER_URL]),
};

export const trackerEvents: Scenario = {
  name: 'tracker-events',
  about: 'The tracker hears started, completed and stopped once each, in that order, and true numbers.',
  run(world, seed) {
    const content = world.makeContent({ format: formatOf(seed), pieceCount: 16 });
    world.addPeer({ content, has: 'all' });
    const leecher = world.addPeer({ content });
    untilSeeds(world, [leecher], 120_000);
    world.run(300_000);
    const [address] = leecher.host.addresses;
    leecher.close();
    const heard = announcesOf(world, content).filter((announce) => announce.address === address);
    const events = heard.map(({ event }) => event).filter((event) => event !== '');
    world.check(events.join() === 'started,completed,stopped', `events: ${events.join()}`);
    world.check(heard[0]?.left === content.info.contentBytes, `left ${heard[0]?.left} at first`);
    world.check(heard.at(-1)?.left === 0, 'something left at the end');
    const downloaded = heard.at(-1)?.downloaded ?? 0;
    world.check(downloaded >= content.info.contentBytes, `${downloaded} bytes downloaded at the end`);
    const spacing = heard.slice(1, -1).map(({ atMs }, index) => atMs - heard[index]!.atMs);
    world.check(heard.length >= 4, `${heard.length} announces in 5 minutes of a 2 minute interval`);
    world.check(
      spacing.slice(1).every((ms) => ms > 55_000),
      `announces ${spacing.join()} ms apart`,
    );
    const seedAddress = world.peers[0]!.host.addresses[0];
    const seedEvents = announcesOf(world, content).filter((announce) => announce.address === seedAddress);
    world.check(
      !seedEvents.some(({ event }) => event === 'completed'),
      'a seed that downloaded nothing said completed',
    );
  },
};

function infoHashOf(url: string): string | undefined {
  return /info_hash=([^&]*)/.exec(url)?.[1];
}
