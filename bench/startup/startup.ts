// How long programs take to start: Millrace's command line and library beside a bare Node and other clients, a process each,
// in turn, so that a slow moment of the machine strikes all alike. The files are in the page cache after a first round that does not count.
//
// npm run bench:startup -- [--runs 20] [--out FILE]
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { SYSTEM_PYTHON } from '../../interop/clients/libtorrent.ts';
import { fileFromRoot } from '../../interop/world/root.ts';
import { figure, markdownTable } from '../harness/markdown-table.ts';
import { writeReport } from '../harness/report.ts';
import { median } from '../swarm/process-cost.ts';
import { timeProcess } from './timed-process.ts';

interface Subject {
  readonly name: string;
  readonly command: readonly string[];
  readonly cwd: string;
  /** The program prints milliseconds of its own: what the import took, without the process around it. */
  readonly printsMs?: boolean;
}

interface Run {
  readonly subject: string;
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly ownMs?: number;
}

const ROOT = fileFromRoot('.');
const NODE = process.execPath;
const MAIN = fileFromRoot('dist/cli/main.js');
const RIVALS = fileFromRoot('interop/rivals');
const IMPORT = "import { Session } from 'millrace';";
const MEASURED_IMPORT = `import { writeSync } from 'node:fs';
  const startedMs = performance.now();
  await import('millrace');
  writeSync(1, String(performance.now() - startedMs));`;

const module = (text: string): string[] => [NODE, '--input-type=module', '-e', text];

// `millrace` resolves to this package itself, through its `exports`.
function allSubjects(): Subject[] {
  return [
    { name: 'node -e 0', command: [NODE, '-e', '0'], cwd: ROOT },
    { name: 'node, an empty module', command: module(''), cwd: ROOT },
    { name: 'millrace --help', command: [NODE, MAIN, '--help'], cwd: ROOT },
    { name: 'millrace --version', command: [NODE, MAIN, '--version'], cwd: ROOT },
    { name: `import { Session } from 'millrace'`, command: module(IMPORT), cwd: ROOT },
    { name: 'the import alone, inside the process', command: module(MEASURED_IMPORT), cwd: ROOT, printsMs: true },
    {
      name: 'import, Session.open(), close()',
      command: module(`${IMPORT} await (await Session.open({ portMapping: false })).close();`),
      cwd: ROOT,
    },
    { name: 'aria2c --help', command: ['aria2c', '--help'], cwd: ROOT },
    { name: 'transmission-daemon --help', command: ['transmission-daemon', '--help'], cwd: ROOT },
    { name: 'python3 -c pass', command: [SYSTEM_PYTHON, '-c', 'pass'], cwd: ROOT },
    { name: 'python3 -c "import libtorrent"', command: [SYSTEM_PYTHON, '-c', 'import libtorrent'], cwd: ROOT },
    { name: `import WebTorrent from 'webtorrent'`, command: module("import 'webtorrent';"), cwd: RIVALS },
  ];
}

/** Those that run here; the others are named. The first round also brings the files into memory. */
function subjects(): Subject[] {
  return allSubjects().filter(({ name, command, cwd }) => {
    try {
      if (!existsSync(cwd)) throw new Error(`${cwd} is missing`);
      timeProcess(command, cwd);
      return true;
    } catch {
      // Not installed, or not built: the table says so by leaving it out.
      console.error(`left out, does not run here: ${name}`);
      return false;
    }
  });
}

function runOnce({ name, command, cwd, printsMs }: Subject): Run {
  const { wallMs, cpuMs, stdout } = timeProcess(command, cwd);
  return { subject: name, wallMs, cpuMs, ...(printsMs ? { ownMs: Number(stdout) } : {}) };
}

/** Of the process, or of what it measured itself where it did. */
const timeOf = (run: Run): number => run.ownMs ?? run.wallMs;

function summarise(name: string, runs: readonly Run[]): Record<string, number | string> {
  const own = runs.filter((run) => run.subject === name);
  const times = own.map(timeOf);
  const cpu = own.some((run) => run.ownMs !== undefined) ? undefined : median(own.map((run) => run.cpuMs));
  return {
    subject: name,
    medianMs: Number(median(times).toFixed(1)),
    minMs: Number(Math.min(...times).toFixed(1)),
    maxMs: Number(Math.max(...times).toFixed(1)),
    ...(cpu === undefined ? {} : { cpuMs: Number(cpu.toFixed(1)) }),
  };
}

const { values } = parseArgs({ options: { runs: { type: 'string', default: '20' }, out: { type: 'string' } } });
const runCount = Number(values.runs);
if (!(runCount > 0)) throw new Error('--runs wants a positive number');
const present = subjects();
const runs: Run[] = [];
for (let round = 0; round < runCount; round++) for (const subject of present) runs.push(runOnce(subject));
const summary = present.map(({ name }) => summarise(name, runs));
const ms = (value: unknown): string => figure(value as number | undefined, 1);
console.log(
  markdownTable(
    ['Start of', 'ms, median', 'min', 'max', 'CPU ms'],
    summary.map((row) => [
      `\`${row['subject']}\``,
      ms(row['medianMs']),
      ms(row['minMs']),
      ms(row['maxMs']),
      ms(row['cpuMs']),
    ]),
  ),
);
if (values.out !== undefined) {
  const programs = ['aria2', 'transmission', 'libtorrent', 'webtorrent'];
  console.log(await writeReport({ benchmark: 'startup', programs, out: values.out }, { runCount, summary, runs }));
}
