// One long-running program under test: its output goes line by line to a log in memory, to whoever waits for a line, and to the
// failure report. Owns the process from spawn to exit; signals only the process it started.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProcessOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

const LINES_KEPT = 5_000;

/** Stands in for `promise` until `timeoutMs` is over, then throws `what` as a sentence. */
export async function within<T>(promise: Promise<T>, timeoutMs: number, what: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what()} (waited ${timeoutMs / 1000} s)`)), timeoutMs);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

export class RunningProcess {
  readonly label: string;
  readonly child: ChildProcess;
  readonly exited: Promise<Exit>;
  readonly stdoutLines: string[] = []; // BOUNDED: LINES_KEPT, oldest dropped
  readonly stderrLines: string[] = []; // BOUNDED: LINES_KEPT, oldest dropped
  readonly #lines: string[] = []; // BOUNDED: LINES_KEPT, oldest dropped
  readonly #watchers = new Set<(line: string) => void>();
  #exit: Exit | undefined;

  constructor(label: string, command: string, args: readonly string[], options: ProcessOptions = {}) {
    this.label = label;
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.child = child;
    child.stdin.on('error', () => undefined); // the program may end before it has read its input
    createInterface({ input: child.stdout }).on('line', (line) => this.#handleLine(line, this.stdoutLines));
    createInterface({ input: child.stderr }).on('line', (line) => this.#handleLine(line, this.stderrLines));
    this.exited = new Promise((resolve) => {
      const finish = (exit: Exit): void => {
        this.#exit = exit;
        resolve(exit);
      };
      child.once('error', (error) => {
        this.#handleLine(`could not be started: ${error.message}`, this.stderrLines);
        finish({ code: -1, signal: null });
      });
      child.once('close', (code, signal) => finish({ code, signal }));
    });
  }

  get exit(): Exit | undefined {
    return this.#exit;
  }

  #handleLine(line: string, stream: string[]): void {
    for (const kept of [stream, this.#lines]) {
      kept.push(line);
      if (kept.length > LINES_KEPT) kept.shift();
    }
    for (const watcher of this.#watchers) watcher(line);
  }

  /** Calls `watcher` with every line still to come. */
  watch(watcher: (line: string) => void): void {
    this.#watchers.add(watcher);
  }

  writeLine(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  /** The first line, already printed or to come, for which `matches` is true. Throws when the program ends without one. */
  async waitForLine(matches: (line: string) => boolean, timeoutMs: number, what: string): Promise<string> {
    const printed = this.#lines.find(matches);
    if (printed !== undefined) return printed;
    let watcher: ((line: string) => void) | undefined;
    const found = new Promise<string>((resolve, reject) => {
      watcher = (line) => {
        if (matches(line)) resolve(line);
      };
      this.#watchers.add(watcher);
      void this.exited.then((exit) => {
        const late = this.#lines.find(matches);
        if (late !== undefined) resolve(late);
        else reject(new Error(`${this.label} ended (code ${exit.code}, signal ${exit.signal}) before ${what}`));
      });
    });
    try {
      return await within(found, timeoutMs, () => `${this.label} did not come to ${what}`);
    } finally {
      if (watcher !== undefined) this.#watchers.delete(watcher);
    }
  }

  signal(name: NodeJS.Signals): void {
    if (this.#exit === undefined) this.child.kill(name);
  }

  waitForExit(timeoutMs: number): Promise<Exit> {
    return within(this.exited, timeoutMs, () => `${this.label} did not end`);
  }

  /** Asks the program to end, and after `graceMs` ends it. */
  async stop(name: NodeJS.Signals = 'SIGTERM', graceMs = 3_000): Promise<Exit> {
    this.signal(name);
    try {
      return await within(this.exited, graceMs, () => this.label);
    } catch {
      // It did not end by itself: that is not what these tests judge.
      this.signal('SIGKILL');
      return await this.exited;
    }
  }

  tail(lineCount = 40): string {
    return this.#lines.slice(-lineCount).join('\n');
  }
}
