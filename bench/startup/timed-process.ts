// How long one process takes from its start to its end, and how much processor time, as the shell's `time` has it from the kernel.
import { spawnSync } from 'node:child_process';

export interface ProcessTimes {
  readonly wallMs: number;
  /** User and system time. */
  readonly cpuMs: number;
  readonly stdout: string;
}

// The command's own output on stderr is dropped; what is left there are the three figures, in seconds.
const SCRIPT = 'TIMEFORMAT="%3R %3U %3S"; time "$@" 2>/dev/null';

/** Runs a command to its end. @throws Error when it cannot be started or fails. */
export function timeProcess(command: readonly string[], cwd: string): ProcessTimes {
  const { status, stdout, stderr } = spawnSync('bash', ['-c', SCRIPT, 'bash', ...command], { cwd, encoding: 'utf8' });
  const [wall, user, system] = stderr.trim().split(' ').map(Number);
  if (status !== 0 || system === undefined) throw new Error(`${command.join(' ')} ended with exit code ${status}`);
  return { wallMs: wall! * 1000, cpuMs: (user! + system) * 1000, stdout };
}
