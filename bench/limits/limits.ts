// How exactly limits hold, and what they cost: two processes of the built program on this machine, one of them limited, and
// what passes in ten seconds after a moment to settle. The content is a sparse file, so that no disk is in the way of it.
//
// npm run bench:limits -- [--rates 20k,1M,50M,100M,200M,none] [--folder /dev/shm]
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { fileFromRoot } from '../../interop/world/root.ts';
import { runCommand } from '../../interop/world/run-command.ts';
import { figure, markdownTable } from '../harness/markdown-table.ts';
import { usageOf } from '../scale/process-usage.ts';

const CLI = fileFromRoot('dist/cli/main.js');
const SETTLE_MS = 2_000;
const WINDOW_MS = 10_000;
/** Of a rate without a limit, what this machine may reach at most. */
const UNLIMITED_BYTES_PER_SECOND = 600e6;
const PORT = 7_811;

interface Sample {
  readonly rate: string;
  readonly side: 'download' | 'upload';
  readonly bytesPerSecond: number;
  readonly wantedBytesPerSecond: number;
  readonly cpuSecondsPerGigabyte: number;
}

interface Progress {
  readonly downloadedBytes: number;
  readonly atMs: number;
}

function bytesPerSecondOf(rate: string): number {
  const match = /^(\d+)([kM]?)$/.exec(rate);
  if (match === null) return Number.POSITIVE_INFINITY;
  return Number(match[1]) * (match[2] === 'M' ? 1e6 : match[2] === 'k' ? 1e3 : 1);
}

/** The last progress that the program printed, with the time of its coming. */
function watchProgress(child: ChildProcess): { readonly all: Progress[] } {
  const all: Progress[] = [];
  createInterface({ input: child.stdout! }).on('line', (line) => {
    const { event, downloadedBytes, downloaded } = JSON.parse(line) as Record<string, unknown>;
    const bytes = downloadedBytes ?? downloaded;
    if (event === 'progress' && typeof bytes === 'number')
      all.push({ downloadedBytes: bytes, atMs: performance.now() });
  });
  return { all };
}

async function measure(folder: string, rate: string, side: Sample['side']): Promise<Sample> {
  const wanted = bytesPerSecondOf(rate);
  const run = mkdtempSync(join(folder, 'millrace-limits-'));
  const children: ChildProcess[] = [];
  const start = (...args: readonly string[]): ChildProcess => {
    const child = spawn(
      process.execPath,
      [CLI, ...args, '--no-trackers', '--no-dht', '--no-lsd', '--no-port-mapping', '--json'],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    children.push(child);
    return child;
  };
  try {
    const lengthBytes = Math.min(wanted, UNLIMITED_BYTES_PER_SECOND) * ((SETTLE_MS + WINDOW_MS) / 1_000 + 3) + 50e6;
    const file = join(run, 'content');
    writeFileSync(file, '');
    truncateSync(file, Math.ceil(lengthBytes));
    const torrent = join(run, 'content.torrent');
    await runCommand(process.execPath, [CLI, 'create', '-q', '-o', torrent, '--piece-length', '1MiB', file]);
    const limit = wanted === Number.POSITIVE_INFINITY ? [] : [`--max-${side}`, rate];
    const seeder = start(
      ...['seed', torrent, '--data', run, '--no-verify', '--port', String(PORT)],
      ...(side === 'upload' ? limit : []),
    );
    seeder.stdout!.resume();
    await sleep(1_500);
    const leecher = start(
      ...['download', torrent, '-o', join(run, 'out'), '--peer', `127.0.0.1:${PORT}`, '--port', '0'],
      ...(side === 'download' ? limit : []),
    );
    const progress = watchProgress(leecher);
    for (let i = 0; i < 100 && (progress.all.at(-1)?.downloadedBytes ?? 0) === 0; i++) await sleep(100);
    await sleep(SETTLE_MS);
    const cpuSeconds = (): number => children.reduce((sum, { pid }) => sum + usageOf(pid!).cpuSeconds, 0);
    const before = progress.all.at(-1)!;
    const cpuBefore = cpuSeconds();
    await sleep(WINDOW_MS);
    const after = progress.all.at(-1)!;
    const cpu = cpuSeconds() - cpuBefore;
    const bytes = after.downloadedBytes - before.downloadedBytes;
    return {
      rate,
      side,
      bytesPerSecond: (bytes * 1_000) / (after.atMs - before.atMs),
      wantedBytesPerSecond: wanted,
      cpuSecondsPerGigabyte: cpu / (bytes / 1e9),
    };
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await sleep(200);
    rmSync(run, { recursive: true, force: true });
  }
}

function rowOf({ rate, side, bytesPerSecond, wantedBytesPerSecond, cpuSecondsPerGigabyte }: Sample): string[] {
  const isLimited = wantedBytesPerSecond !== Number.POSITIVE_INFINITY;
  const off = isLimited ? `${figure((bytesPerSecond / wantedBytesPerSecond - 1) * 100, 1)} %` : '';
  return [rate, side, figure(bytesPerSecond / 1e6, 3), off, figure(cpuSecondsPerGigabyte, 2)];
}

const { values } = parseArgs({
  options: {
    rates: { type: 'string', default: '20k,1M,50M,100M,200M,none' },
    folder: { type: 'string', default: tmpdir() },
  },
});
const rows: string[][] = [];
for (const rate of values.rates.split(',')) {
  for (const side of ['download', 'upload'] as const) {
    const row = rowOf(await measure(values.folder, rate, side));
    console.error(row.join(' · '));
    rows.push(row);
  }
}
console.log(markdownTable(['Limit, B/s', 'Of the', 'MB/s', 'Off by', 'CPU s/GB, both processes'], rows));
