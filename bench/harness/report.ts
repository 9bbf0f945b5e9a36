// What every report says of where it was measured: the machine, the versions of the programs, the commit. Writes the JSON.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, cpus, release, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { SYSTEM_PYTHON } from '../../interop/clients/libtorrent.ts';
import { fileFromRoot } from '../../interop/world/root.ts';
import { runCommand } from '../../interop/world/run-command.ts';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly arch: string;
  readonly kernel: string;
  readonly memoryBytes: number;
}

export function machine(): Machine {
  const cores = cpus();
  return {
    cpu: cores[0]?.model ?? '',
    cores: cores.length,
    arch: arch(),
    kernel: release(),
    memoryBytes: totalmem(),
  };
}

/** The abbreviated commit, with `-changed` where files differ from it. */
export async function commit(): Promise<string> {
  const cwd = fileFromRoot('.');
  const head = await runCommand('git', ['rev-parse', '--short=10', 'HEAD'], { cwd, allowFailure: true });
  const changed = await runCommand('git', ['status', '--porcelain', '--untracked-files=no'], {
    cwd,
    allowFailure: true,
  });
  return head.stdout.trim() + (changed.stdout === '' ? '' : '-changed');
}

const VERSION_COMMANDS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  aria2: ['aria2c', '--version'],
  libtorrent: [SYSTEM_PYTHON, '-c', 'import libtorrent; print(libtorrent.version)'],
  transmission: ['transmission-daemon', '--version'],
  rtorrent: ['rtorrent', '-h'],
  mktorrent: ['mktorrent', '-h'],
  'transmission-create': ['transmission-create', '--version'],
};

/** Of Node and of those rivals that are named; an empty string where one is not installed. */
export async function versions(programs: readonly string[]): Promise<Record<string, string>> {
  const found: Record<string, string> = { node: process.version };
  for (const program of programs) {
    const [command, ...args] = VERSION_COMMANDS[program] ?? [];
    if (program === 'webtorrent') found[program] = webtorrentVersion();
    else if (command !== undefined) found[program] = await firstNumber(command, args);
  }
  return found;
}

/** Transmission answers on stderr, rTorrent in a sentence. */
async function firstNumber(command: string, args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await runCommand(command, args, { allowFailure: true }).catch(() => ({
    stdout: '',
    stderr: '',
  }));
  return /\d+\.\d+(?:\.\d+)*/.exec(stdout + stderr)?.[0] ?? '';
}

function webtorrentVersion(): string {
  const manifest = JSON.parse(readFileSync(fileFromRoot('interop/rivals/package.json'), 'utf8')) as {
    readonly dependencies: { readonly webtorrent: string };
  };
  return manifest.dependencies.webtorrent;
}

export interface ReportHead {
  /** Names the file too: `swarm` gives `bench/results/swarm-DATE-COMMIT.json`. */
  readonly benchmark: string;
  /** Programs beside Millrace whose versions matter. */
  readonly programs: readonly string[];
  /** Instead of the name above. */
  readonly out?: string | undefined;
}

/** Writes machine, versions, commit and `body` as JSON; returns the file's path. */
export async function writeReport({ benchmark, programs, out }: ReportHead, body: object): Promise<string> {
  const date = new Date().toISOString().slice(0, 10);
  const head = await commit();
  const file = out ?? fileFromRoot(`bench/results/${benchmark}-${date}-${head}.json`);
  const report = { benchmark, date, commit: head, machine: machine(), versions: await versions(programs), ...body };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  return file;
}
