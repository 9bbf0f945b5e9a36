// One run of one swarm: a fresh seed, all leechers at once, until everybody who counts has everything. Returns what each of them
// needed, sent, received and cost, read from outside the programs; every byte that a leecher ended with is compared.
import { eventsOf } from '../../interop/clients/millrace.ts';
import type { RunningProcess } from '../../interop/world/running-process.ts';
import type { Running } from '../swarm/contender.ts';
import { costOf } from '../swarm/process-cost.ts';
import type { SwarmStage } from '../swarm/stage.ts';
import type { CrowdOptions } from './options.ts';
import { boundSeconds, type Member, type Swarm } from './swarms.ts';
import { limitUplink, TrafficWatch } from './uplink.ts';
import { bytesAt, secondsToReceive, type TrafficSample, utilisation, utilisationCurve } from './utilisation.ts';

/** Programs start and find each other outside the bound. */
const TIMEOUT_EXTRA_SECONDS = 30;
/** More than announces and handshakes bring. */
const ARRIVAL_BYTES = 64 * 1024;
const CURVE_PARTS = 20;

export interface MemberResult {
  readonly name: string;
  readonly isGreedy: boolean;
  /** From the start of the leechers until it said that it has everything; null when it had not by the end of the run. */
  readonly seconds: number | null;
  /** Until its first blocks had come. */
  readonly firstBlockSeconds: number | null;
  /** With headers, by the end of the run, over the torrent's size. */
  readonly sentRatio: number;
  readonly receivedRatio: number;
  /** Of itself and its children when it was complete. */
  readonly cpuSeconds: number;
  /** Blocks that it took and did not need, over the torrent's size; only Millrace says it. */
  readonly duplicateRatio: number | null;
  /** How many peers Millrace had, second by second. */
  readonly peerCounts?: readonly number[];
}

export interface SwarmRun {
  readonly name: string;
  readonly boundSeconds: number;
  /** Until the last that counts had everything. */
  readonly seconds: number;
  readonly isComplete: boolean;
  readonly members: readonly MemberResult[];
  readonly seedCpuSeconds: number;
  /** What the seed had sent when the first leecher was complete, and in all, over the torrent's size; with headers. */
  readonly seedCopiesAtFirst: number;
  readonly seedCopies: number;
  /** Shares of the uplinks that were used: in twenty parts of the time to the end. */
  readonly seedCurve: readonly number[];
  readonly leecherCurve: readonly number[];
  /** The leechers': first tenth, the eight tenths between, last tenth of the time. */
  readonly startUtilisation: number;
  readonly middleUtilisation: number;
  readonly tailUtilisation: number;
}

interface Started {
  readonly member: Member;
  readonly running: Running;
  readonly processId: number;
  readonly samples: readonly TrafficSample[];
  readonly folders: readonly { remove(): void }[];
  readonly dataPath: string;
  seconds: number | null;
  cpuSeconds: number;
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

export async function runSwarm(stage: SwarmStage, swarm: Swarm, options: CrowdOptions): Promise<SwarmRun> {
  const hosts = [];
  for (const name of ['seed', ...swarm.members.map((_, index) => `peer${index}`)]) {
    const host = await stage.host(name);
    await limitUplink(host, { ...options, mbit: swarm.mbit });
    hosts.push(host);
  }
  const seed = await stage.startSeed(swarm.seed);
  const seedCpuBefore = costOf(seed.processId).cpuSeconds;
  const startedMs = performance.now();
  const traffic = new TrafficWatch(startedMs);
  const seedSamples = traffic.watch(seed.processId);
  const started: Started[] = [];
  try {
    const bound = boundSeconds(swarm, options.totalBytes);
    const limitMs = (options.patience * bound + TIMEOUT_EXTRA_SECONDS) * 1000;
    const starting = swarm.members.map(async (member, index) => {
      const one = await startMember(stage, member, index, traffic);
      started.push(one);
      return one;
    });
    const waits = (await Promise.all(starting)).map((one) => ({ one, done: waitFor(one, startedMs, limitMs) }));
    await Promise.all(waits.filter(({ one }) => !one.member.isGreedy).map(({ done }) => done));
    traffic.stop();
    const seedCpuSeconds = costOf(seed.processId).cpuSeconds - seedCpuBefore;
    for (const one of started) if (one.seconds === null) one.cpuSeconds = costOf(one.processId).cpuSeconds;
    await stopAll(started);
    const ordered = waits.map(({ one }) => one);
    for (const one of ordered) if (one.seconds !== null) stage.compare(one.dataPath);
    return { ...figuresOf(swarm, bound, { started: ordered, seedSamples, options }), seedCpuSeconds };
  } finally {
    traffic.stop();
    await stopAll(started);
    await seed.running.stop();
    for (const { folders } of started) for (const folder of folders) folder.remove();
  }
}

async function startMember(stage: SwarmStage, member: Member, index: number, traffic: TrafficWatch): Promise<Started> {
  const data = stage.folder('data');
  const state = stage.folder('leecher-state');
  const running = await member.contender.start({
    host: await stage.host(`peer${index}`),
    source: stage.torrent.path,
    dataDir: data.path,
    workDir: state.path,
    seeding: false,
    plaintext: true,
  });
  const processId = running.process.child.pid ?? 0;
  const samples = traffic.watch(processId);
  const folders = [data, state];
  return { member, running, processId, samples, folders, dataPath: data.path, seconds: null, cpuSeconds: 0 };
}

/** Resolves also when it does not come to its end in time: then `seconds` stays null. */
async function waitFor(one: Started, startedMs: number, limitMs: number): Promise<void> {
  try {
    await one.running.waitComplete(limitMs);
    one.seconds = (performance.now() - startedMs) / 1000;
    one.cpuSeconds = costOf(one.processId).cpuSeconds;
  } catch (error) {
    if (one.member.isGreedy) return;
    console.error(
      `--- ${one.member.name}: ${error instanceof Error ? error.message : error} ---\n${one.running.log()}`,
    );
  }
}

async function stopAll(started: readonly Started[]): Promise<void> {
  await Promise.all(started.map(({ running }) => running.stop()));
}

interface Ended {
  readonly started: readonly Started[];
  readonly seedSamples: readonly TrafficSample[];
  readonly options: CrowdOptions;
}

function figuresOf(
  swarm: Swarm,
  bound: number,
  { started, seedSamples, options: { totalBytes } }: Ended,
): Omit<SwarmRun, 'seedCpuSeconds'> {
  const counted = started.filter(({ member }) => !member.isGreedy);
  const ends = counted.map(({ seconds }) => seconds).filter((seconds) => seconds !== null);
  const isComplete = ends.length === counted.length;
  const endSeconds = isComplete ? Math.max(...ends) : (seedSamples.at(-1)?.seconds ?? 0);
  const uplinks = counted.map(({ samples }) => samples);
  const between = (from: number, to: number): number =>
    utilisation(uplinks, swarm.mbit, from * endSeconds, to * endSeconds);
  return {
    name: swarm.name,
    boundSeconds: bound,
    seconds: endSeconds,
    isComplete,
    members: started.map((one) => memberResult(one, totalBytes)),
    seedCopiesAtFirst: bytesAt(seedSamples, Math.min(endSeconds, ...ends), 'sentBytes') / totalBytes,
    seedCopies: bytesAt(seedSamples, endSeconds, 'sentBytes') / totalBytes,
    seedCurve: utilisationCurve([seedSamples], swarm.mbit, endSeconds, CURVE_PARTS),
    leecherCurve: utilisationCurve(uplinks, swarm.mbit, endSeconds, CURVE_PARTS),
    startUtilisation: between(0, 0.1),
    middleUtilisation: between(0.1, 0.9),
    tailUtilisation: between(0.9, 1),
  };
}

function memberResult({ member, running, samples, seconds, cpuSeconds }: Started, totalBytes: number): MemberResult {
  const last = samples.at(-1);
  const isMillrace = member.contender.program === 'millrace';
  return {
    name: member.name,
    isGreedy: member.isGreedy ?? false,
    seconds,
    firstBlockSeconds: finite(secondsToReceive(samples, ARRIVAL_BYTES)),
    sentRatio: (last?.sentBytes ?? 0) / totalBytes,
    receivedRatio: (last?.receivedBytes ?? 0) / totalBytes,
    cpuSeconds,
    duplicateRatio: null,
    ...(isMillrace ? millraceFigures(running.process, totalBytes, seconds !== null) : {}),
  };
}

function millraceFigures(
  process: RunningProcess,
  totalBytes: number,
  isComplete: boolean,
): Pick<MemberResult, 'duplicateRatio' | 'peerCounts'> {
  const progress = eventsOf(process).filter(({ event }) => event === 'progress');
  const downloaded = progress.at(-1)?.['downloaded'];
  const duplicateRatio = isComplete && typeof downloaded === 'number' ? downloaded / totalBytes - 1 : null;
  return { duplicateRatio, peerCounts: progress.map(({ peers }) => Number(peers)) };
}
