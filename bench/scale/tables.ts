// The results of the scale benchmark as Markdown tables.
import { median } from '../swarm/process-cost.ts';
import type { HeldTorrents } from './measurements.ts';
import type { ScaleResults } from './scale.ts';

const MIB = 1024 * 1024;

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(0);
}

function heldTable(held: readonly HeldTorrents[]): string {
  const groups = new Map<string, HeldTorrents[]>();
  for (const one of held) {
    const key = `${one.mode} ${one.torrentCount} ${one.program}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  const rows = [...groups.values()].map((group) => {
    const { program, mode, torrentCount } = group[0]!;
    const of = (pick: (one: HeldTorrents) => number): number => median(group.map(pick));
    const idle = group.find((one) => one.idle !== undefined)?.idle;
    return [
      program,
      torrentCount.toLocaleString('en'),
      mode,
      of((one) => one.secondsUntilAllSeed).toFixed(2),
      of((one) => one.cpuSecondsUntilAllSeed).toFixed(2),
      mib(of((one) => one.residentBytes)),
      mib(of((one) => one.peakResidentBytes)),
      idle === undefined ? '-' : idle.cpuPercent.toFixed(2),
      idle === undefined ? '-' : idle.allWakeUpsPerSecond.toFixed(1),
    ];
  });
  const head = ['Program', 'Torrents', 'Data', 's until all seed', 'CPU s', 'Resident MiB', 'Peak MiB'];
  return table([...head, 'Idle CPU %', 'Idle wake-ups/s'], rows);
}

export function tables({ held, oneMore, tracked, peers }: ScaleResults): string {
  const parts: string[] = [];
  if (held.length > 0) parts.push(heldTable(held));
  if (oneMore.length > 0) {
    const rows = oneMore.map((one) => [
      one.torrentCount.toLocaleString('en'),
      Math.round(one.addMicroseconds),
      Math.round(one.seedMicroseconds),
    ]);
    parts.push(table(['Torrents there', '`add` of one more, µs', 'until it seeds, µs'], rows));
  }
  if (tracked !== undefined) {
    const { torrentCount, secondsUntilAllSeed, secondsUntilAllAnnounced, announcesAtOnceMax, residentBytes, idle } =
      tracked;
    const head = ['Torrents with a tracker', 's until all seed', 's until all announced', 'announces at once'];
    parts.push(
      table(
        [...head, 'Resident MiB', 'Idle CPU %', 'Idle wake-ups/s'],
        [
          [
            torrentCount.toLocaleString('en'),
            secondsUntilAllSeed.toFixed(2),
            secondsUntilAllAnnounced.toFixed(2),
            announcesAtOnceMax,
            mib(residentBytes),
            idle.cpuPercent.toFixed(2),
            idle.allWakeUpsPerSecond.toFixed(1),
          ],
        ],
      ),
    );
  }
  if (peers.length > 0) parts.push(peersTable(peers));
  return parts.join('\n\n');
}

function peersTable(peers: ScaleResults['peers']): string {
  const nobody = peers[0]!;
  const rows = peers.map((one) => {
    const perPeer = (bytes: number): string => (one.peerCount === 0 ? '-' : (bytes / 1024 / one.peerCount).toFixed(1));
    return [
      one.peerCount.toLocaleString('en'),
      mib(one.residentBytes),
      perPeer(one.residentBytes - nobody.residentBytes),
      perPeer(one.heapBytes - nobody.heapBytes),
      perPeer(one.externalBytes - nobody.externalBytes),
      one.timerCount,
      one.idle.cpuPercent.toFixed(2),
      one.idle.mainThreadWakeUpsPerSecond.toFixed(2),
    ];
  });
  const head = ['Silent peers', 'Resident MiB', 'KiB each', 'of it heap', 'of it external', 'Timers'];
  return table([...head, 'CPU %', 'Wake-ups/s'], rows);
}
