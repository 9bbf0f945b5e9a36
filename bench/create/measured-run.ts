// Runs a program to its end and says what that cost: seconds on the wall, and the kernel's account of its processor time and
// its peak resident memory, all its threads and children included (GNU time asks wait4 for it).
import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const TIME_PROGRAM = '/usr/bin/time';
const ERROR_KEPT_CHARACTERS = 2_000;

export interface Cost {
  /** From the start of the program until it has ended. */
  readonly seconds: number;
  /** User and system time, in hundredths. */
  readonly cpuSeconds: number;
  readonly peakResidentBytes: number;
}

/** `folder` is where the program runs, and where the figures lie for a moment. */
export async function measuredRun(command: readonly string[], folder: string): Promise<Cost> {
  const figures = join(folder, '.figures');
  const startedMs = performance.now();
  const child = spawn(TIME_PROGRAM, ['-f', '%U %S %M', '-o', figures, '--', ...command], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (errors.length < ERROR_KEPT_CHARACTERS) errors += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (error) => reject(new Error('GNU time is needed (Debian: time)', { cause: error })));
    child.once('exit', resolve);
  });
  const seconds = (performance.now() - startedMs) / 1000;
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${errors}`);
  const [user = 0, system = 0, kibibytes = 0] = readFileSync(figures, 'utf8').trim().split(' ').map(Number);
  rmSync(figures);
  return { seconds, cpuSeconds: user + system, peakResidentBytes: kibibytes * 1024 };
}
