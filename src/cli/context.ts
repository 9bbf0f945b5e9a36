// What a command gets from the process it runs in. Commands touch nothing of `process` themselves, so that tests can
// run them in memory.
import type { Facade } from '../engine/api.ts';

export interface OutputStream {
  write(data: string | Uint8Array): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

export interface CliContext {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Chunks of standard input. */
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Monotonic milliseconds. */
  nowMs(): number;
  /** Loads the engine on first use: `--help` must not pay for it. */
  facade(): Promise<Facade>;
  /** GET of a .torrent file: bounded in size and time. @throws {CliFailure} */
  fetchBytes(url: string, options: { readonly maxBytes: number; readonly signal: AbortSignal }): Promise<Uint8Array>;
  /**
   * From now on the first SIGINT, SIGTERM or SIGHUP aborts the signal that is returned, and the second ends the
   * process at once after `lastWords`. Before that call signals have the system's own effect.
   */
  catchSignals(lastWords: () => void): AbortSignal;
}
