// How fast, and at what price, one torrent comes from one local aria2 seed: Millrace and rivals in turn, each on a host of its own in
// a private network, data in tmpfs, TCP, no encryption, one HTTP tracker. Seconds run from the start of the program until it says
// that it is complete; CPU time and peak memory are the kernel's figures for the process at that moment. Every byte is compared.
//
// Needs root. npm run bench:swarm -- [--clients millrace,libtorrent,aria2,webtorrent] [--runs 5] [--size-mib 1024]
//   [--seed aria2] [--folder /dev/shm] [--out FILE]
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { arch, cpus, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { clients } from '../../interop/clients/all.ts';
import type { Client, Program } from '../../interop/clients/client.ts';
import { SYSTEM_PYTHON } from '../../interop/clients/libtorrent.ts';
import { fingerprint, seededBytes, type Tree } from '../../interop/torrents/content.ts';
import { type MadeTorrent, makeTorrent } from '../../interop/torrents/makers.ts';
import { fileFromRoot } from '../../interop/world/root.ts';
import { runCommand } from '../../interop/world/run-command.ts';
import { Tracker } from '../../interop/world/tracker.ts';
import { type Host, sweepNamespaces, World } from '../../interop/world/world.ts';
import { type Cost, costOf, median } from './process-cost.ts';

const MIB = 1024 * 1024;
const SEED_READY_MS = 60_000;
const RUN_TIMEOUT_MS = 300_000;
const NAME = 'bench.bin';

interface Run extends Cost {
  readonly client: Program;
  readonly seconds: number;
  readonly megabytesPerSecond: number;
}

interface Setting {
  readonly world: World;
  readonly host: Host;
  readonly torrent: MadeTorrent;
  readonly tree: Tree;
  readonly totalBytes: number;
}

function writeData(parent: string, totalBytes: number): void {
  mkdirSync(parent);
  const file = openSync(join(parent, NAME), 'w');
  for (let offset = 0; offset < totalBytes; offset += 16 * MIB) {
    writeSync(file, seededBytes(`leech ${offset}`, Math.min(16 * MIB, totalBytes - offset)));
  }
  closeSync(file);
}

async function leechOnce(client: Client, { world, host, torrent, tree, totalBytes }: Setting): Promise<Run> {
  const dataDir = join(world.directory, 'leecher');
  const workDir = join(world.directory, 'leecher-state');
  mkdirSync(dataDir);
  mkdirSync(workDir);
  const startedMs = performance.now();
  const running = await client.start({ host, source: torrent.path, dataDir, workDir, seeding: false });
  try {
    await running.waitComplete(RUN_TIMEOUT_MS);
    const seconds = (performance.now() - startedMs) / 1000;
    const cost = costOf(running.process.child.pid ?? 0);
    await running.stop();
    const received = await fingerprint(dataDir, NAME);
    if (JSON.stringify(received) !== JSON.stringify(tree)) throw new Error(`${client.program} got different bytes`);
    return { client: client.program, seconds, megabytesPerSecond: totalBytes / 1e6 / seconds, ...cost };
  } catch (error) {
    console.error(running.log());
    throw error;
  } finally {
    await running.stop();
    rmSync(dataDir, { recursive: true });
    rmSync(workDir, { recursive: true });
  }
}

async function versions(): Promise<Record<string, string>> {
  const firstLine = async (command: string, args: string[]): Promise<string> =>
    (await runCommand(command, args)).stdout.split('\n')[0] ?? '';
  const manifest = fileFromRoot('interop/rivals/package.json');
  return {
    node: process.version,
    aria2: await firstLine('aria2c', ['--version']),
    libtorrent: await firstLine(SYSTEM_PYTHON, ['-c', 'import libtorrent; print(libtorrent.version)']),
    webtorrent: (JSON.parse(readFileSync(manifest, 'utf8')) as { dependencies: { webtorrent: string } }).dependencies
      .webtorrent,
  };
}

async function commit(): Promise<string> {
  const head = await runCommand('git', ['rev-parse', '--short=10', 'HEAD'], { cwd: fileFromRoot('.') });
  const changed = await runCommand('git', ['status', '--porcelain', '--untracked-files=no'], {
    cwd: fileFromRoot('.'),
  });
  return head.stdout.trim() + (changed.stdout === '' ? '' : '-changed');
}

type Summary = Record<string, Record<string, number>>;

function summarise(runs: readonly Run[], programs: readonly Program[]): Summary {
  const summary: Summary = {};
  for (const program of programs) {
    const own = runs.filter((run) => run.client === program);
    const of = (pick: (run: Run) => number): number => Number(median(own.map(pick)).toFixed(3));
    summary[program] = {
      runs: own.length,
      seconds: of((run) => run.seconds),
      secondsMin: Number(Math.min(...own.map((run) => run.seconds)).toFixed(3)),
      secondsMax: Number(Math.max(...own.map((run) => run.seconds)).toFixed(3)),
      megabytesPerSecond: of((run) => run.megabytesPerSecond),
      cpuSeconds: of((run) => run.cpuSeconds),
      peakResidentMib: of((run) => run.peakResidentBytes / MIB),
      anonymousMib: of((run) => run.anonymousBytes / MIB),
    };
  }
  return summary;
}

interface Options {
  readonly programs: readonly Program[];
  readonly seed: Program;
  readonly runCount: number;
  readonly totalBytes: number;
  readonly folder: string;
  readonly out: string | undefined;
}

function options(): Options {
  const { values } = parseArgs({
    options: {
      clients: { type: 'string', default: 'millrace,libtorrent' },
      runs: { type: 'string', default: '5' },
      'size-mib': { type: 'string', default: '1024' },
      seed: { type: 'string', default: 'aria2' },
      folder: { type: 'string', default: '/dev/shm' },
      out: { type: 'string' },
    },
  });
  const programs = values.clients.split(',') as Program[];
  const seed = values.seed as Program;
  const unknown = [...programs, seed].filter((program) => !(program in clients));
  if (unknown.length > 0) throw new Error(`unknown client: ${unknown.join(', ')}`);
  const totalBytes = Number(values['size-mib']) * MIB;
  const runCount = Number(values.runs);
  if (!(totalBytes > 0) || !(runCount > 0)) throw new Error('--size-mib and --runs want positive numbers');
  return { programs, seed, runCount, totalBytes, folder: values.folder, out: values.out };
}

/** Data, torrent, tracker and a seed that the tracker knows. The seed ends with the world. */
async function prepare(world: World, { seed, totalBytes }: Options): Promise<Setting> {
  const tracker = await Tracker.create(world);
  const parent = join(world.directory, 'seed');
  writeData(parent, totalBytes);
  const torrent = await makeTorrent('libtorrent', {
    path: join(parent, NAME),
    out: join(world.directory, 'bench.torrent'),
    format: 'v1',
    trackers: [tracker.httpUrl],
    pieceLengthBytes: MIB,
  });
  await tracker.serve(torrent.trackerHashes);
  const workDir = join(world.directory, 'seed-state');
  mkdirSync(workDir);
  const host = await world.addHost('seed');
  await clients[seed].start({ host, source: torrent.path, dataDir: parent, workDir, seeding: true });
  await tracker.waitForSeeds(torrent.trackerHashes[0] ?? '', 1, SEED_READY_MS);
  return { world, host: await world.addHost('leecher'), torrent, tree: await fingerprint(parent, NAME), totalBytes };
}

async function measure(setting: Setting, { programs, runCount }: Options): Promise<Run[]> {
  const runs: Run[] = [];
  for (let turn = 1; turn <= runCount; turn++) {
    for (const program of programs) {
      const run = await leechOnce(clients[program], setting);
      runs.push(run);
      const { seconds, megabytesPerSecond, cpuSeconds, peakResidentBytes } = run;
      console.log(
        `${turn}/${runCount} ${program.padEnd(12)} ${seconds.toFixed(2)} s, ${megabytesPerSecond.toFixed(0)} MB/s, ` +
          `${cpuSeconds.toFixed(2)} CPU-s, ${(peakResidentBytes / MIB).toFixed(0)} MiB`,
      );
      await delay(500); // let the seed notice that the leecher is gone
    }
  }
  return runs;
}

/** The first program over each of the others, medians. */
function ratiosOf(summary: Summary, [first = '', ...others]: readonly string[]): Summary {
  const ratios: Summary = {};
  for (const other of others) {
    const ratio = (field: string): number =>
      Number(((summary[first]?.[field] ?? 0) / (summary[other]?.[field] ?? 1)).toFixed(3));
    ratios[`${first} / ${other}`] = {
      seconds: ratio('seconds'),
      cpuSeconds: ratio('cpuSeconds'),
      peakResidentMib: ratio('peakResidentMib'),
    };
  }
  return ratios;
}

async function main(): Promise<void> {
  const chosen = options();
  sweepNamespaces();
  const world = await World.create(chosen.folder);
  let runs: Run[];
  try {
    runs = await measure(await prepare(world, chosen), chosen);
  } finally {
    world.close();
  }
  const summary = summarise(runs, chosen.programs);
  const ratios = ratiosOf(summary, chosen.programs);
  console.table(summary);
  if (chosen.programs.length > 1) console.table(ratios);

  const head = await commit();
  const day = new Date().toISOString().slice(0, 10);
  const file = chosen.out ?? fileFromRoot(`bench/results/swarm-leech-${day}-${head}.json`);
  const machine = {
    cpu: cpus()[0]?.model ?? '',
    cores: cpus().length,
    arch: arch(),
    kernel: release(),
    memory: totalmem(),
  };
  const setup = { sizeBytes: chosen.totalBytes, pieceLengthBytes: MIB, seed: chosen.seed, order: 'alternating' };
  const report = { benchmark: 'swarm/leech', date: day, commit: head, machine, versions: await versions(), setup };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ ...report, summary, ratios, runs }, null, 2)}\n`);
  console.log(`written to ${file}`);
}

await main();
