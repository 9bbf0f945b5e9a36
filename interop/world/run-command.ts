// Runs one short command to its end and gives back what it printed. Knows nothing of namespaces or clients.
// A command that fails throws with its own last words, because a set-up step that failed must not pass in silence.
import { type SpawnOptions, spawn } from 'node:child_process';

export interface CommandResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: Uint8Array | string;
  /** Killed with SIGKILL after this long. @defaultValue 60 s */
  readonly timeoutMs?: number;
  /** Give the result back instead of throwing when the exit code is not 0. @defaultValue `false` */
  readonly allowFailure?: boolean;
}

/** Descriptions of torrents with many files are long. */
const OUTPUT_KEPT_CHARACTERS = 16_000_000;

export async function runCommand(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<CommandResult> {
  const spawnOptions: SpawnOptions = { cwd: options.cwd, env: options.env ?? process.env };
  const child = spawn(command, args, { ...spawnOptions, stdio: 'pipe' });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (stdout.length < OUTPUT_KEPT_CHARACTERS) stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (stderr.length < OUTPUT_KEPT_CHARACTERS) stderr += text;
  });
  // A program that ends without reading its input closes the pipe; its exit code tells what matters.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 60_000);
  try {
    const result = await new Promise<CommandResult>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
    });
    if (result.code !== 0 && options.allowFailure !== true) {
      const how = result.signal === null ? `exit code ${result.code}` : `signal ${result.signal}`;
      throw new Error(`${command} ${args.join(' ')} ended with ${how}: ${(stderr || stdout).trim().slice(-2000)}`);
    }
    return result;
  } finally {
    clearTimeout(timer);
  }
}
