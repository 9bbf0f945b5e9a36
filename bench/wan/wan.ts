// How much of a long link a client fills: Millrace and rivals, each leeching one torrent over an emulated link, beside a plain
// TCP stream of Node.js that carries as many bytes over the same link in the same turn. For each round trip one seed, and once
// several seeds behind a link as many times as wide. Time runs from the leecher's first packet on the link until it says
// that it is complete, so the start of a program does not count, and handshakes and slow start do.
//
// Needs root, Linux and a C compiler. npm run bench:wan -- [--runs 3] [--round-trip-ms 20,100,300] [--rate-mbit 200] [--queue-ms 50]
//   [--loss 0] [--clients millrace,libtorrent,webtorrent,aria2] [--seed millrace] [--size-mib 192] [--crowd 4] [--max-seconds 40]
//   [--folder /dev/shm] [--out FILE]      (--crowd 0: no setting with several seeds)
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { arch, cpus, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { clients } from '../../interop/clients/all.ts';
import type { Program } from '../../interop/clients/client.ts';
import { SYSTEM_PYTHON } from '../../interop/clients/libtorrent.ts';
import { fingerprint, seededBytes } from '../../interop/torrents/content.ts';
import { fileFromRoot } from '../../interop/world/root.ts';
import { runCommand } from '../../interop/world/run-command.ts';
import { sweepNamespaces } from '../../interop/world/world.ts';
import { compileEmulator } from './link.ts';
import { secondsToReach } from './link-figures.ts';
import { markdownOf, type Run, type SettingName, summarise } from './report.ts';
import { type Content, Setting, type Transfer } from './setting.ts';

const MIB = 1024 * 1024;
const NAME = 'wan.bin';
/** Of the stream's steady rate, to say when a client has reached it. */
const REACHED_RATIO = 0.97;
/** Of the setting with several seeds. */
const CROWD_ROUND_TRIP_MS = 100;

interface Options {
  readonly programs: readonly Program[];
  readonly seed: Program;
  readonly settings: readonly SettingName[];
  readonly runCount: number;
  readonly queueMs: number;
  readonly lossRatio: number;
  readonly sizeBytes: number;
  readonly maxSeconds: number;
  readonly folder: string;
  readonly out: string | undefined;
}

function options(): Options {
  const { values } = parseArgs({
    options: {
      clients: { type: 'string', default: 'millrace,libtorrent,webtorrent,aria2' },
      seed: { type: 'string', default: 'millrace' },
      runs: { type: 'string', default: '3' },
      'round-trip-ms': { type: 'string', default: '20,100,300' },
      'rate-mbit': { type: 'string', default: '200' },
      'queue-ms': { type: 'string', default: '50' },
      loss: { type: 'string', default: '0' },
      'size-mib': { type: 'string', default: '192' },
      crowd: { type: 'string', default: '4' },
      'max-seconds': { type: 'string', default: '40' },
      folder: { type: 'string', default: '/dev/shm' },
      out: { type: 'string' },
    },
  });
  const programs = values.clients.split(',') as Program[];
  const seed = values.seed as Program;
  const unknown = [...programs, seed].filter((program) => !(program in clients));
  if (unknown.length > 0) throw new Error(`unknown client: ${unknown.join(', ')}`);
  const rateMbit = Number(values['rate-mbit']);
  const roundTrips = values['round-trip-ms'].split(',').filter((text) => text !== '');
  const settings: SettingName[] = roundTrips.map((text) => ({ roundTripMs: Number(text), rateMbit, peerCount: 1 }));
  const crowd = Number(values.crowd);
  if (crowd > 0) settings.push({ roundTripMs: CROWD_ROUND_TRIP_MS, rateMbit: crowd * rateMbit, peerCount: crowd });
  return {
    programs,
    seed,
    settings,
    runCount: Number(values.runs),
    queueMs: Number(values['queue-ms']),
    lossRatio: Number(values.loss),
    sizeBytes: Number(values['size-mib']) * MIB,
    maxSeconds: Number(values['max-seconds']),
    folder: values.folder,
    out: values.out,
  };
}

async function writeContent(parent: string, totalBytes: number): Promise<Content> {
  mkdirSync(parent);
  const file = openSync(join(parent, NAME), 'w');
  for (let offset = 0; offset < totalBytes; offset += 16 * MIB) {
    writeSync(file, seededBytes(`wan ${offset}`, Math.min(16 * MIB, totalBytes - offset)));
  }
  closeSync(file);
  return { parent, name: NAME, totalBytes, tree: await fingerprint(parent, NAME) };
}

function runOf(setting: SettingName, turn: number, transfer: Transfer, stream: Transfer): Run {
  const { reports, endMs, ...figures } = transfer;
  const { roundTripMs } = setting;
  return {
    ...setting,
    turn,
    ...figures,
    ratioToStream: figures.megabytesPerSecond / stream.megabytesPerSecond,
    steadyRatioToStream: figures.steadyLinkRate / stream.steadyLinkRate,
    secondsToReach: secondsToReach(reports, REACHED_RATIO * stream.steadyLinkRate, { endMs, roundTripMs }),
  };
}

function printRun(run: Run, runCount: number): void {
  const { roundTripMs, rateMbit, peerCount, subject, turn } = run;
  console.log(
    `${rateMbit} Mbit/s, ${roundTripMs} ms, ${peerCount} peer(s), ${turn}/${runCount} ${subject.padEnd(10)} ` +
      `${run.seconds.toFixed(2)} s, ${run.megabytesPerSecond.toFixed(2)} MB/s, ${run.ratioToStream.toFixed(3)} of the stream, ` +
      `steady ${(run.steadyLinkRate / 1e6).toFixed(2)}, reached after ${run.secondsToReach.toFixed(2)} s, ` +
      `link ${run.linkBytesPerByte.toFixed(4)}, duplicates ${run.duplicateRatio?.toFixed(4) ?? '-'}, ` +
      `dropped ${run.droppedPackets}${run.isFinished ? '' : ', not finished'}`,
  );
}

async function measureSetting(name: SettingName, content: Content, chosen: Options): Promise<Run[]> {
  const runs: Run[] = [];
  const setting = await Setting.open({ ...chosen, ...name, content });
  try {
    for (let turn = 1; turn <= chosen.runCount; turn++) {
      const stream = await setting.stream();
      const keep = (transfer: Transfer): void => {
        const run = runOf(name, turn, transfer, stream);
        runs.push(run);
        printRun(run, chosen.runCount);
      };
      keep(stream);
      for (const program of chosen.programs) keep(await setting.leech(program));
    }
  } finally {
    await setting.close();
  }
  return runs;
}

async function measure(chosen: Options): Promise<Run[]> {
  const runs: Run[] = [];
  const folder = mkdtempSync(join(chosen.folder, 'millrace-wan-'));
  try {
    for (const setting of chosen.settings) {
      const parent = join(folder, 'seed');
      const content = await writeContent(parent, chosen.sizeBytes * setting.peerCount);
      runs.push(...(await measureSetting(setting, content, chosen)));
      rmSync(parent, { recursive: true });
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return runs;
}

async function firstLine(command: string, args: readonly string[]): Promise<string> {
  const { stdout } = await runCommand(command, args, { cwd: fileFromRoot('.') });
  return stdout.split('\n')[0] ?? '';
}

async function versions(): Promise<Record<string, string>> {
  const rivals = readFileSync(fileFromRoot('interop/rivals/package.json'), 'utf8');
  return {
    node: process.version,
    aria2: await firstLine('aria2c', ['--version']),
    libtorrent: await firstLine(SYSTEM_PYTHON, ['-c', 'import libtorrent; print(libtorrent.version)']),
    webtorrent: (JSON.parse(rivals) as { dependencies: { webtorrent: string } }).dependencies.webtorrent,
  };
}

async function main(): Promise<void> {
  const chosen = options();
  sweepNamespaces();
  await compileEmulator();
  const runs = await measure(chosen);
  const summary = summarise(runs);
  console.log(`\n${markdownOf(summary)}`);
  const changed = (await firstLine('git', ['status', '--porcelain', '--untracked-files=no'])) !== '';
  const commit = (await firstLine('git', ['rev-parse', '--short=10', 'HEAD'])) + (changed ? '-changed' : '');
  const date = new Date().toISOString().slice(0, 10);
  const machine = {
    cpu: cpus()[0]?.model ?? '',
    cores: cpus().length,
    arch: arch(),
    kernel: release(),
    memory: totalmem(),
    congestionControl: await firstLine('sysctl', ['-n', 'net.ipv4.tcp_congestion_control']),
    sendBuffer: await firstLine('sysctl', ['-n', 'net.ipv4.tcp_wmem']),
    receiveBuffer: await firstLine('sysctl', ['-n', 'net.ipv4.tcp_rmem']),
  };
  const { queueMs, lossRatio, sizeBytes, seed, maxSeconds } = chosen;
  const setup = { queueMs, lossRatio, sizeBytesForEachPeer: sizeBytes, seed, maxSeconds, order: 'alternating' };
  const report = { benchmark: 'wan', date, commit, machine, versions: await versions(), setup, summary, runs };
  const file = chosen.out ?? fileFromRoot(`bench/results/wan-${date}-${commit}.json`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`written to ${file}`);
}

await main();
