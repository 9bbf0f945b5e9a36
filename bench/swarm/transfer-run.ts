// One transfer: a leecher starts, fetches everything from a seed that is ready, and is compared byte by byte. Seconds run from
// the start of the program until it says that every piece is there and verified; the accounts of both sides are read then.
import { readFileSync, readlinkSync } from 'node:fs';
import type { Contender, Running } from './contender.ts';
import { type Cost, costOf } from './process-cost.ts';
import { type ReadySeed, type SwarmStage, waitQuiet } from './stage.ts';

/** A client that is slower than this has failed. */
const BYTES_PER_MS_MIN = 4_000;
const TIMEOUT_EXTRA_MS = 60_000;
const ARRIVAL_LOOK_MS = 5;
/** More than announces and handshakes bring. */
const ARRIVAL_BYTES = 64 * 1024;

export interface TransferRun {
  /** The row of the table that it belongs to. */
  readonly name: string;
  readonly seconds: number;
  readonly megabytesPerSecond: number;
  /** From the start of the program until the first blocks were on its host: start-up, announce, handshakes. */
  readonly firstBlockSeconds: number;
  readonly leecher: Cost;
  /** CPU time of this run alone; memory of the process since it started. */
  readonly seed: Cost;
  /** On a disk: how long the system then took to write what the leecher had given it. */
  readonly syncSeconds?: number;
}

export interface TransferOptions {
  /** For Node, where the leecher is Millrace. */
  readonly nodeArguments?: readonly string[];
  /** Addresses that the leecher is given: its tracker does not know them. */
  readonly peers?: readonly string[];
  /** Called when the leecher is complete and still runs. */
  onComplete?(running: Running): void | Promise<void>;
}

export async function transferOnce(
  stage: SwarmStage,
  name: string,
  leecher: Contender,
  seed: ReadySeed,
  more: TransferOptions = {},
): Promise<TransferRun> {
  const data = stage.folder('data');
  const state = stage.folder('leecher-state');
  const host = await stage.host(`leech-${leecher.program}`);
  await stage.settle();
  await waitQuiet(seed.processId);
  const seedBefore = costOf(seed.processId);
  const startedMs = performance.now();
  const running = await leecher.start({
    host,
    source: stage.torrent.path,
    dataDir: data.path,
    workDir: state.path,
    seeding: false,
    plaintext: true,
    peers: more.peers ?? (leecher.isClient ? [] : [seed.address]),
    nodeArguments: more.nodeArguments ?? [],
  });
  const arrival = watchArrival(running.process.child.pid ?? 0);
  try {
    await running.waitComplete(TIMEOUT_EXTRA_MS + stage.content.totalBytes / BYTES_PER_MS_MIN);
    const seconds = (performance.now() - startedMs) / 1000;
    const own = costOf(running.process.child.pid ?? 0);
    const seedNow = costOf(seed.processId);
    await more.onComplete?.(running);
    await running.stop();
    const firstBlockSeconds = Math.max(0, arrival.stop() - startedMs) / 1000;
    const synced = stage.isOnDisk ? { syncSeconds: await stage.sync() } : {};
    // The bare loop has compared hashes, and moves one file whatever the torrent has.
    if (leecher.isClient) stage.compare(data.path);
    return {
      name,
      seconds,
      megabytesPerSecond: stage.content.totalBytes / 1e6 / seconds,
      firstBlockSeconds,
      leecher: own,
      seed: { ...seedNow, cpuSeconds: seedNow.cpuSeconds - seedBefore.cpuSeconds },
      ...synced,
    };
  } catch (error) {
    console.error(`--- ${leecher.name} (leecher) ---\n${running.log()}\n--- its seed ---\n${seed.running.log()}`);
    throw error;
  } finally {
    arrival.stop();
    await running.stop();
    data.remove();
    state.remove();
  }
}

/** Looks at the network of a process until blocks have come to it; `stop` gives the time of that. */
function watchArrival(processId: number): { stop(): number } {
  const outside = readlinkSync('/proc/self/ns/net');
  let before: number | undefined;
  let arrivedMs = Number.NaN;
  const timer = setInterval(() => {
    const received = receivedBytes(processId, outside);
    if (received === undefined) return;
    before ??= received;
    if (received - before < ARRIVAL_BYTES) return;
    arrivedMs = performance.now();
    clearInterval(timer);
  }, ARRIVAL_LOOK_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return arrivedMs;
    },
  };
}

/** Of the interface that every host of the private network has; undefined while the process has not entered its namespace. */
function receivedBytes(processId: number, outside: string): number | undefined {
  try {
    if (readlinkSync(`/proc/${processId}/ns/net`) === outside) return undefined;
    const match = /^\s*eth0:\s*(\d+)/m.exec(readFileSync(`/proc/${processId}/net/dev`, 'utf8'));
    return match === null ? undefined : Number(match[1]);
  } catch {
    return undefined; // it has ended
  }
}
