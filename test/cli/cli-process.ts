// Runs the built command line as a process of its own, as a shell would.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach } from 'vitest';
import { loadFacade } from '../../src/cli/facade.ts';
import { run } from '../../src/cli/program.ts';

export const MAIN: string = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
/** Tests speak neither to the Internet nor to whoever is on this machine's network. */
const QUIET = { MILLRACE_NO_DHT: '1', MILLRACE_NO_LSD: '1', MILLRACE_NO_PORT_MAPPING: '1' } as const;
const EVENT_TIMEOUT_MS = 15_000;

export interface CliResult {
  readonly exitCode: number | null;
  readonly stdout: Buffer;
  readonly text: string;
  readonly stderr: string;
}

export type CliEvent = Readonly<Record<string, unknown>> & { readonly event: string };

const processes = new Set<CliProcess>();
const folders: string[] = [];

afterEach(async () => {
  for (const cli of processes) cli.child.kill('SIGKILL');
  processes.clear();
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
});

/** A folder of its own, removed after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-e2e-'));
  folders.push(folder);
  return folder;
}

export class CliProcess {
  readonly child: ChildProcessWithoutNullStreams;
  /** Resolves when the process has ended and its output was read. */
  readonly ended: Promise<CliResult>;
  readonly #chunks: Buffer[] = [];
  #stderr = '';
  #wake: () => void = () => {};
  #isOver = false;

  constructor(args: readonly string[], options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {}) {
    this.child = spawn(process.execPath, [MAIN, ...args], {
      cwd: options.cwd,
      env: { ...process.env, ...QUIET, ...options.env },
    });
    processes.add(this);
    this.child.stdout.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#wake();
    });
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.child.stdin.on('error', () => {
      // The process may end without reading its input.
    });
    this.ended = new Promise((resolve) => {
      this.child.on('close', (exitCode) => {
        this.#isOver = true;
        this.#wake();
        resolve(this.#result(exitCode));
      });
    });
  }

  /** Complete JSON lines printed so far. */
  get events(): CliEvent[] {
    const lines = Buffer.concat(this.#chunks).toString('utf8').split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as CliEvent);
  }

  /** Waits until a `--json` line of this kind has been printed. */
  async event(name: string, fits: (event: CliEvent) => boolean = () => true): Promise<CliEvent> {
    const deadline = setTimeout(() => this.#wake(), EVENT_TIMEOUT_MS);
    const endMs = performance.now() + EVENT_TIMEOUT_MS;
    try {
      for (;;) {
        const found = this.events.find((event) => event.event === name && fits(event));
        if (found !== undefined) return found;
        if (this.#isOver || performance.now() >= endMs) {
          throw new Error(`no ${name} line; stdout: ${Buffer.concat(this.#chunks)}; stderr: ${this.#stderr}`);
        }
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      clearTimeout(deadline);
    }
  }

  #result(exitCode: number | null): CliResult {
    const stdout = Buffer.concat(this.#chunks);
    return { exitCode, stdout, text: stdout.toString('utf8'), stderr: this.#stderr };
  }
}

/** Runs to the end, as a process. */
export function runCli(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; readonly input?: Uint8Array } = {},
): Promise<CliResult> {
  const cli = new CliProcess(args, options);
  cli.child.stdin.end(options.input);
  return cli.ended;
}

/** The same commands without a process for each: a tenth of the time. Paths are absolute. */
export async function runHere(args: readonly string[]): Promise<CliResult> {
  const chunks: Buffer[] = [];
  let stderr = '';
  const exitCode = await run(args, '0.0.0', {
    stdout: { write: (data: string | Uint8Array) => chunks.push(Buffer.from(data as string)) },
    stderr: { write: (text: string) => (stderr += text) },
    env: QUIET,
    stdin: Readable.from([]),
    nowMs: () => performance.now(),
    facade: loadFacade,
    fetchBytes: () => Promise.reject(new Error('fetching needs a process')),
    catchSignals: () => new AbortController().signal,
  });
  const stdout = Buffer.concat(chunks);
  return { exitCode, stdout, text: stdout.toString('utf8'), stderr };
}
