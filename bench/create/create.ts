// How fast torrents are made of files, and files checked against torrents: Millrace and rivals in turn, data in tmpfs, beside a
// bare loop that only reads and hashes. Seconds run from the start of the program to its end. Every torrent that is made of the
// single file is compared with Millrace's, and every check must find the files whole. `mktorrent -t 2`, which cannot check, is
// the mark for both. At last, peak memory over contents of very different sizes.
//
// npm run bench:create -- [--runs 5] [--size-mib 1024] [--many-mib 256] [--files 20000] [--folder /dev/shm]
//   [--tasks "create v1 single,verify v1 many"] [--programs millrace,libtorrent] [--memory-mib 64,1024,8192] [--out FILE]
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { TorrentFormat } from '../../interop/torrents/makers.ts';
import { readTorrent } from '../../src/index.ts';
import { figure, markdownTable } from '../harness/markdown-table.ts';
import { writeReport } from '../harness/report.ts';
import { median } from '../swarm/process-cost.ts';
import { type BenchContent, fileOfHoles, manyFiles, singleFile } from './contents.ts';
import { type Cost, measuredRun } from './measured-run.ts';
import { isInstalled, type Job, PROGRAMS, type Program } from './programs.ts';

const MIB = 1024 * 1024;
const PIECE_LENGTH_BYTES = MIB;
/** About what programs choose for such a folder; a hybrid torrent pads every file to a multiple of it. */
const MANY_PIECE_LENGTH_BYTES = 128 * 1024;
const FORMATS: readonly TorrentFormat[] = ['v1', 'v2', 'hybrid'];
const MARK = 'mktorrent -t 2';

interface Task {
  readonly name: string;
  readonly verb: 'create' | 'verify';
  readonly format: TorrentFormat;
  readonly content: BenchContent;
}

interface Run extends Cost {
  readonly task: string;
  readonly program: string;
}

interface Row {
  readonly task: string;
  readonly program: string;
  readonly seconds: number;
  readonly secondsMin: number;
  readonly secondsMax: number;
  /** Of the median of `mktorrent -t 2` for a v1 torrent of the same content. */
  readonly ofMark: number | undefined;
  readonly megabytesPerSecond: number;
  readonly cpuSeconds: number;
  readonly peakResidentMib: number;
}

interface MemoryRow {
  readonly sizeMib: number;
  readonly createPeakMib: number;
  readonly verifyPeakMib: number;
}

interface Options {
  readonly runCount: number;
  readonly totalBytes: number;
  readonly manyBytes: number;
  readonly fileCount: number;
  readonly tasks: readonly string[];
  readonly programs: readonly Program[];
  readonly memoryMib: readonly number[];
  readonly folder: string;
  readonly out: string | undefined;
}

const wordsOf = (text: string): string[] =>
  text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');

function options(): Options {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '5' },
      'size-mib': { type: 'string', default: '1024' },
      'many-mib': { type: 'string', default: '256' },
      files: { type: 'string', default: '20000' },
      tasks: { type: 'string', default: '' },
      programs: { type: 'string', default: '' },
      'memory-mib': { type: 'string', default: '64,1024,8192' },
      folder: { type: 'string', default: '/dev/shm' },
      out: { type: 'string' },
    },
  });
  const wanted = wordsOf(values.programs);
  const unknown = wanted.filter((name) => !PROGRAMS.some((program) => program.name === name));
  if (unknown.length > 0) throw new Error(`unknown program: ${unknown.join(', ')}`);
  const numbers = [values.runs, values['size-mib'], values['many-mib'], values.files].map(Number);
  if (!numbers.every((number) => number > 0)) throw new Error('runs, sizes and files want positive numbers');
  const [runCount = 0, sizeMib = 0, manyMib = 0, fileCount = 0] = numbers;
  return {
    runCount,
    totalBytes: sizeMib * MIB,
    manyBytes: manyMib * MIB,
    fileCount,
    tasks: wordsOf(values.tasks),
    programs: PROGRAMS.filter(({ name }) => wanted.length === 0 || wanted.includes(name)),
    memoryMib: wordsOf(values['memory-mib']).map(Number),
    folder: values.folder,
    out: values.out,
  };
}

/** Every task, or those that are wanted, in the order of the tables. */
function tasksOf(chosen: Options, parent: string): Task[] {
  const single = singleFile(parent, chosen.totalBytes);
  const many = manyFiles(parent, chosen.fileCount, chosen.manyBytes);
  const all = [single, many].flatMap((content) =>
    (['create', 'verify'] as const).flatMap((verb) =>
      FORMATS.map((format) => ({
        name: `${verb} ${format} ${content.isFolder ? 'many' : 'single'}`,
        verb,
        format,
        content,
      })),
    ),
  );
  const unknown = chosen.tasks.filter((name) => !all.some((task) => task.name === name));
  if (unknown.length > 0) throw new Error(`unknown task: ${unknown.join(', ')}; there are ${all.map((t) => t.name)}`);
  return all.filter(({ name }) => chosen.tasks.length === 0 || chosen.tasks.includes(name));
}

function jobOf({ format, content }: Pick<Task, 'format' | 'content'>, torrent: string): Job {
  const { path, parent, isFolder } = content;
  return {
    format,
    path,
    parent,
    isFolder,
    pieceLengthBytes: isFolder ? MANY_PIECE_LENGTH_BYTES : PIECE_LENGTH_BYTES,
    torrent,
  };
}

const millraceCommand = (verb: Task['verb'], job: Job): readonly string[] => PROGRAMS[0]?.[verb]?.(job) ?? [];

/** The torrents that checks run against; what others make of the single file must have the same info-hash. */
async function referenceTorrents(tasks: readonly Task[], folder: string): Promise<Map<string, string>> {
  const torrents = new Map<string, string>();
  for (const { format, content } of tasks) {
    const key = `${format} ${content.path}`;
    if (torrents.has(key)) continue;
    const torrent = join(folder, `reference-${torrents.size}.torrent`);
    await measuredRun(millraceCommand('create', jobOf({ format, content }, torrent)), folder);
    torrents.set(key, torrent);
  }
  return torrents;
}

async function measure(tasks: readonly Task[], chosen: Options, folder: string): Promise<Run[]> {
  const references = await referenceTorrents(tasks, folder);
  const runs: Run[] = [];
  for (let turn = 1; turn <= chosen.runCount; turn++) {
    for (const task of tasks) {
      const reference = references.get(`${task.format} ${task.content.path}`) ?? '';
      for (const program of chosen.programs) {
        const torrent = task.verb === 'verify' ? reference : join(folder, 'made.torrent');
        const command = program[task.verb]?.(jobOf(task, torrent));
        if (command?.[0] === undefined || !isInstalled(command[0])) continue;
        const cost = await measuredRun(command, folder);
        runs.push({ task: task.name, program: program.name, ...cost });
        if (task.verb === 'create') {
          if (program.isComparable === true && !task.content.isFolder) assertSame(torrent, reference, program.name);
          rmSync(torrent, { force: true });
        }
        console.log(`${turn}/${chosen.runCount} ${task.name.padEnd(20)} ${program.name.padEnd(20)} ${costText(cost)}`);
      }
    }
  }
  return runs;
}

function assertSame(torrent: string, reference: string, name: string): void {
  const [made, wanted] = [torrent, reference].map((path) => readTorrent(readFileSync(path)));
  if (made?.infoHash !== wanted?.infoHash || made?.infoHashV2 !== wanted?.infoHashV2) {
    throw new Error(`${name} made a torrent with another info-hash`);
  }
}

const costText = ({ seconds, cpuSeconds, peakResidentBytes }: Cost): string =>
  `${seconds.toFixed(3)} s, ${cpuSeconds.toFixed(2)} CPU-s, ${(peakResidentBytes / MIB).toFixed(0)} MiB`;

async function measureMemory(sizesMib: readonly number[], folder: string): Promise<MemoryRow[]> {
  const rows: MemoryRow[] = [];
  const torrent = join(folder, 'holes.torrent');
  for (const sizeMib of sizesMib) {
    const content = fileOfHoles(folder, sizeMib * MIB);
    const job = jobOf({ format: 'v1', content }, torrent);
    const created = await measuredRun(millraceCommand('create', job), folder);
    const verified = await measuredRun(millraceCommand('verify', job), folder);
    const [createPeakMib = 0, verifyPeakMib = 0] = [created, verified].map(({ peakResidentBytes }) =>
      Number((peakResidentBytes / MIB).toFixed(1)),
    );
    rows.push({ sizeMib, createPeakMib, verifyPeakMib });
    rmSync(content.path);
  }
  return rows;
}

function summarise(runs: readonly Run[], tasks: readonly Task[], programs: readonly Program[]): Row[] {
  const rows: Row[] = [];
  for (const task of tasks) {
    const suffix = task.content.isFolder ? 'many' : 'single';
    const secondsOf = (name: string, program: string): number[] =>
      runs.filter((run) => run.task === name && run.program === program).map(({ seconds }) => seconds);
    const marks = secondsOf(`create v1 ${suffix}`, MARK);
    for (const { name } of programs) {
      const own = runs.filter((run) => run.task === task.name && run.program === name);
      if (own.length === 0) continue;
      const all = secondsOf(task.name, name);
      const seconds = median(all);
      rows.push({
        task: task.name,
        program: name,
        seconds,
        secondsMin: Math.min(...all),
        secondsMax: Math.max(...all),
        ofMark: marks.length === 0 ? undefined : seconds / median(marks),
        megabytesPerSecond: task.content.totalBytes / 1e6 / seconds,
        cpuSeconds: median(own.map((run) => run.cpuSeconds)),
        peakResidentMib: median(own.map((run) => run.peakResidentBytes)) / MIB,
      });
    }
  }
  return rows;
}

function printTables(rows: readonly Row[], memory: readonly MemoryRow[]): void {
  const header = ['Task', 'Program', 'Seconds (min to max)', `Of ${MARK}`, 'MB/s', 'CPU seconds', 'Peak resident MiB'];
  const cells = rows.map((row) => [
    row.task,
    row.program,
    `${figure(row.seconds, 3)} (${figure(row.secondsMin, 3)} to ${figure(row.secondsMax, 3)})`,
    figure(row.ofMark, 2),
    figure(row.megabytesPerSecond, 0),
    figure(row.cpuSeconds, 2),
    figure(row.peakResidentMib, 0),
  ]);
  console.log(`\n${markdownTable(header, cells)}`);
  if (memory.length === 0) return;
  const memoryCells = memory.map((row) => [
    figure(row.sizeMib, 0),
    figure(row.createPeakMib, 0),
    figure(row.verifyPeakMib, 0),
  ]);
  console.log(`\n${markdownTable(['Content MiB', 'create, peak MiB', 'verify, peak MiB'], memoryCells)}`);
}

async function main(): Promise<void> {
  const chosen = options();
  const folder = mkdtempSync(join(chosen.folder, 'millrace-create-'));
  let tasks: Task[];
  let runs: Run[];
  let memory: MemoryRow[];
  try {
    tasks = tasksOf(chosen, folder);
    runs = await measure(tasks, chosen, folder);
    memory = await measureMemory(chosen.memoryMib, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
  const summary = summarise(runs, tasks, chosen.programs);
  printTables(summary, memory);

  const { totalBytes, manyBytes, fileCount, out } = chosen;
  const pieceLengths = { pieceLengthBytes: PIECE_LENGTH_BYTES, manyPieceLengthBytes: MANY_PIECE_LENGTH_BYTES };
  const setup = { totalBytes, manyBytes, fileCount, ...pieceLengths, order: 'alternating' };
  const programs = ['mktorrent', 'transmission-create', 'libtorrent', 'aria2'];
  const file = await writeReport({ benchmark: 'create', programs, out }, { setup, summary, memory, runs });
  console.log(`\nwritten to ${file}`);
}

await main();
