// The stories of the scale benchmark: many torrents in one program, one torrent more, many trackers to tell, many silent peers.
import { setTimeout as delay } from 'node:timers/promises';
import { fileFromRoot } from '../../interop/world/root.ts';
import { RunningProcess } from '../../interop/world/running-process.ts';
import { median } from '../swarm/process-cost.ts';
import { type CheckMode, Holder, type HolderProgram } from './holder.ts';
import type { Library } from './library.ts';
import { type IdleCost, idleCost } from './process-usage.ts';
import type { QuietTracker } from './quiet-tracker.ts';

const SETTLE_MS = 5_000;
/** Before a stretch of idleness is measured: some seconds after much work, V8 collects what that left behind. */
const REST_MS = 30_000;
const ANNOUNCES_TIMEOUT_MS = 300_000;
const CROWD_TIMEOUT_MS = 120_000;
/** Kept below the limit of connections that one torrent may have. */
const PEERS_PER_TORRENT = 100;
/** Torrents that are added and removed before anything is timed. */
const WARM_UP_TORRENTS = 500;
/** Torrents that are added one by one at each size. */
export const SINGLE_ADDS = 20;
/** Sizes at which one more torrent is added, besides the full one. */
const SINGLE_AT: readonly number[] = [0, 1_000];

export interface HeldTorrents {
  readonly program: HolderProgram;
  readonly mode: CheckMode;
  readonly torrentCount: number;
  readonly secondsUntilAllSeed: number;
  readonly cpuSecondsUntilAllSeed: number;
  /** Before the first torrent. */
  readonly residentBytesEmpty: number;
  /** After some seconds of rest; no collection of garbage was forced. */
  readonly residentBytes: number;
  readonly peakResidentBytes: number;
  readonly openFiles: number;
  /** Only where it was waited for. */
  readonly idle: IdleCost | undefined;
}

interface Added {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

async function idle(holder: Holder, seconds: number): Promise<IdleCost> {
  // A look that is short has no use for a long rest before it.
  await delay(Math.min(REST_MS, seconds * 500));
  const before = holder.usage();
  const startedMs = performance.now();
  await delay(seconds * 1000);
  return idleCost(before, holder.usage(), (performance.now() - startedMs) / 1000);
}

export async function holdTorrents(
  program: HolderProgram,
  library: Library,
  options: { readonly mode: CheckMode; readonly torrentCount: number; readonly idleSeconds: number },
): Promise<HeldTorrents> {
  const { mode, torrentCount, idleSeconds } = options;
  const holder = await Holder.start(program, library, mode);
  try {
    await delay(500);
    const empty = holder.usage();
    const { seconds, cpuSeconds } = await holder.ask<Added>(`bulk 0 ${torrentCount}`);
    await delay(SETTLE_MS);
    const idleCosts = idleSeconds > 0 ? await idle(holder, idleSeconds) : undefined;
    const usage = holder.usage();
    return {
      program,
      mode,
      torrentCount,
      secondsUntilAllSeed: seconds,
      cpuSecondsUntilAllSeed: cpuSeconds,
      residentBytesEmpty: empty.residentBytes,
      residentBytes: usage.residentBytes,
      peakResidentBytes: usage.peakResidentBytes,
      openFiles: usage.openFiles,
      idle: idleCosts,
    };
  } finally {
    await holder.stop();
  }
}

/** What one more torrent costs beside so many; medians of SINGLE_ADDS. */
export interface OneMore {
  readonly torrentCount: number;
  /** The call of `add`. */
  readonly addMicroseconds: number;
  /** From the call until it seeds. */
  readonly seedMicroseconds: number;
}

export async function oneMore(library: Library, torrentCount: number): Promise<OneMore[]> {
  const holder = await Holder.start('millrace', library, 'verified');
  try {
    await holder.ask(`bulk 0 ${Math.min(WARM_UP_TORRENTS, torrentCount)}`);
    await holder.ask('drop');
    const results: OneMore[] = [];
    let held = 0;
    for (const target of [...SINGLE_AT.filter((count) => count + SINGLE_ADDS < torrentCount), torrentCount]) {
      if (target > held) await holder.ask(`bulk ${held} ${target}`);
      await delay(1_000);
      const times = await holder.ask<{ addMicroseconds: number[]; seedMicroseconds: number[] }>(
        `single ${target} ${target + SINGLE_ADDS}`,
      );
      held = target + SINGLE_ADDS;
      results.push({
        torrentCount: target,
        addMicroseconds: median(times.addMicroseconds),
        seedMicroseconds: median(times.seedMicroseconds),
      });
    }
    return results;
  } finally {
    await holder.stop();
  }
}

export interface TrackedTorrents {
  readonly torrentCount: number;
  readonly secondsUntilAllSeed: number;
  readonly secondsUntilAllAnnounced: number;
  readonly announcesAtOnceMax: number;
  readonly residentBytes: number;
  readonly idle: IdleCost;
  readonly announcesWhileIdle: number;
}

export async function trackedTorrents(
  library: Library,
  tracker: QuietTracker,
  options: { readonly torrentCount: number; readonly idleSeconds: number },
): Promise<TrackedTorrents> {
  const { torrentCount, idleSeconds } = options;
  const holder = await Holder.start('millrace', library, 'verified');
  try {
    const startedMs = performance.now();
    const announced = tracker.waitForAnnounces(torrentCount, ANNOUNCES_TIMEOUT_MS);
    const { seconds } = await holder.ask<Added>(`bulk 0 ${torrentCount}`);
    await announced;
    const secondsUntilAllAnnounced = (performance.now() - startedMs) / 1000;
    const countBefore = tracker.announceCount;
    const idleCosts = await idle(holder, idleSeconds);
    return {
      torrentCount,
      secondsUntilAllSeed: seconds,
      secondsUntilAllAnnounced,
      announcesAtOnceMax: tracker.openCountMax,
      residentBytes: holder.usage().residentBytes,
      idle: idleCosts,
      announcesWhileIdle: tracker.announceCount - countBefore,
    };
  } finally {
    await holder.stop();
  }
}

export interface SilentPeers {
  readonly peerCount: number;
  readonly residentBytes: number;
  /** After collecting garbage. */
  readonly heapBytes: number;
  readonly externalBytes: number;
  readonly timerCount: number;
  readonly idle: IdleCost;
}

interface MemoryAnswer {
  readonly heapUsed: number;
  readonly external: number;
  readonly timerCount: number;
  readonly peerCount: number;
}

/** One program with as many silent peers as each of `crowds` says, one after the other. */
export async function silentPeers(
  library: Library,
  crowds: readonly number[],
  idleSeconds: number,
): Promise<SilentPeers[]> {
  const results: SilentPeers[] = [];
  for (const peerCount of crowds) {
    const holder = await Holder.start('millrace', library, 'verified');
    let crowd: RunningProcess | undefined;
    try {
      await holder.ask(`bulk 0 ${Math.ceil(Math.max(...crowds) / PEERS_PER_TORRENT)}`);
      const { port } = await holder.ask<{ port: number }>('listen');
      crowd = await startCrowd(port, library, peerCount);
      const idleCosts = await idle(holder, idleSeconds);
      const { residentBytes } = holder.usage();
      const standing = await standingCount(crowd);
      const memory = await holder.ask<MemoryAnswer>('memory');
      if (standing !== peerCount || memory.peerCount !== peerCount)
        throw new Error(`${standing} of ${peerCount} stand`);
      const { heapUsed, external, timerCount } = memory;
      results.push({
        peerCount,
        residentBytes,
        heapBytes: heapUsed,
        externalBytes: external,
        timerCount,
        idle: idleCosts,
      });
    } finally {
      await crowd?.stop('SIGKILL');
      await holder.stop();
    }
  }
  return results;
}

async function startCrowd(port: number, library: Library, peerCount: number): Promise<RunningProcess> {
  const script = fileFromRoot('build/bench/scale/crowd.js');
  const args = [script, String(port), library.torrentDir, String(peerCount), String(PEERS_PER_TORRENT)];
  const crowd = new RunningProcess('crowd', process.execPath, args);
  try {
    await crowd.waitForLine((line) => line === '{"event":"connected"}', CROWD_TIMEOUT_MS, 'having connected');
    return crowd;
  } catch (error) {
    console.error(crowd.tail());
    await crowd.stop('SIGKILL');
    throw error;
  }
}

async function standingCount(crowd: RunningProcess): Promise<number> {
  crowd.writeLine('');
  const line = await crowd.waitForLine((text) => text.includes('"standing"'), CROWD_TIMEOUT_MS, 'counting');
  return (JSON.parse(line) as { count: number }).count;
}
