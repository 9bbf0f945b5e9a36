// The results of the scale benchmark as Markdown tables.
import { figure, markdownTable } from '../harness/markdown-table.ts';
import { median } from '../swarm/process-cost.ts';
import type { HeldTorrents, OneMore, SilentPeers, TrackedTorrents } from './measurements.ts';

const MIB = 1024 * 1024;

export interface ScaleResults {
  readonly held: readonly HeldTorrents[];
  readonly oneMore: readonly OneMore[];
  readonly tracked: TrackedTorrents | undefined;
  readonly peers: readonly SilentPeers[];
}

export function tables({ held, oneMore, tracked, peers }: ScaleResults): string {
  const parts: string[] = [];
  if (held.length > 0) parts.push(heldTable(held));
  if (oneMore.length > 0) parts.push(oneMoreTable(oneMore));
  if (tracked !== undefined) parts.push(trackedTable(tracked));
  if (peers.length > 0) parts.push(peersTable(peers));
  return parts.join('\n\n');
}

function heldTable(held: readonly HeldTorrents[]): string {
  const groups = new Map<string, HeldTorrents[]>();
  for (const one of held) {
    const key = `${one.program}, ${figure(one.torrentCount, 0)} torrents, ${one.mode}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  const rows = [...groups].map(([key, group]) => {
    const of = (pick: (one: HeldTorrents) => number): number => median(group.map(pick));
    const idle = group.find((one) => one.idle !== undefined)?.idle;
    return [
      key,
      figure(
        of((one) => one.secondsUntilAllSeed),
        2,
      ),
      figure(
        of((one) => one.cpuSecondsUntilAllSeed),
        2,
      ),
      figure(of((one) => one.residentBytes) / MIB, 0),
      figure(of((one) => one.peakResidentBytes) / MIB, 0),
      figure(idle?.cpuPercent, 2),
      figure(idle?.allWakeUpsPerSecond, 1),
    ];
  });
  const head = ['Program', 's until all seed', 'CPU s', 'Resident MiB', 'Peak MiB', 'Idle CPU %', 'Idle wake-ups/s'];
  return markdownTable(head, rows);
}

function oneMoreTable(oneMore: readonly OneMore[]): string {
  const rows = oneMore.map(({ torrentCount, addMicroseconds, seedMicroseconds }) => [
    figure(torrentCount, 0),
    figure(addMicroseconds, 0),
    figure(seedMicroseconds, 0),
  ]);
  return markdownTable(['Torrents there', '`add` of one more, µs', 'until it seeds, µs'], rows);
}

function trackedTable(tracked: TrackedTorrents): string {
  const row = [
    figure(tracked.torrentCount, 0),
    figure(tracked.secondsUntilAllSeed, 2),
    figure(tracked.secondsUntilAllAnnounced, 2),
    figure(tracked.announcesAtOnceMax, 0),
    figure(tracked.residentBytes / MIB, 0),
    figure(tracked.idle.cpuPercent, 2),
    figure(tracked.idle.allWakeUpsPerSecond, 1),
  ];
  const head = ['Torrents with a tracker', 's until all seed', 's until all announced', 'Announces at once'];
  return markdownTable([...head, 'Resident MiB', 'Idle CPU %', 'Idle wake-ups/s'], [row]);
}

function peersTable(peers: readonly SilentPeers[]): string {
  const nobody = peers[0]!;
  const rows = peers.map((one) => {
    const perPeer = (bytes: number): string =>
      figure(one.peerCount === 0 ? undefined : bytes / 1024 / one.peerCount, 1);
    return [
      figure(one.peerCount, 0),
      figure(one.residentBytes / MIB, 0),
      perPeer(one.residentBytes - nobody.residentBytes),
      perPeer(one.heapBytes - nobody.heapBytes),
      perPeer(one.externalBytes - nobody.externalBytes),
      figure(one.timerCount, 0),
      figure(one.idle.cpuPercent, 2),
      figure(one.idle.mainThreadWakeUpsPerSecond, 2),
    ];
  });
  const head = ['Silent peers', 'Resident MiB', 'KiB each', 'of it heap', 'of it external', 'Timers'];
  return markdownTable([...head, 'CPU %', 'Wake-ups/s'], rows);
}
