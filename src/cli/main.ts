#!/usr/bin/env node
// The process around the command line: streams, signals, exit. Everything else is imported when it is needed.
import { readFileSync } from 'node:fs';
import type { CliContext } from './context.ts';
import { EXIT, type Failure, failureOf } from './exit-code.ts';
import { writeFailure } from './output/failure-line.ts';
import { run } from './program.ts';
import { catchSignals } from './signals.ts';

const context: CliContext = {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  stdin: process.stdin,
  nowMs: () => performance.now(),
  facade: async () => (await import('./facade.ts')).loadFacade(),
  fetchBytes: async (url, options) => (await import('./fetch-bytes.ts')).fetchBytes(url, options),
  catchSignals,
};

let outputFailure: Failure | undefined;
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that has seen enough (`millrace show x | head -1`) is no failure: what is written later goes nowhere.
    if (error.code === 'EPIPE' || outputFailure !== undefined) return;
    outputFailure = failureOf(error);
    if (stream !== process.stderr) writeFailure(process.stderr, outputFailure, 0);
  });
}

for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    writeFailure(process.stderr, failureOf(error), process.argv.includes('-vv') ? 2 : 0);
    process.exit(EXIT.unexpected);
  });
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return (manifest as { version: string }).version;
}

/** Resolves when the system has taken what was written; exiting earlier would cut it off. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    // Once more through the queue, even when it is empty: a failed write is reported a turn later.
    if (stream.destroyed) setImmediate(resolve);
    else stream.write('', () => setImmediate(resolve));
  });
}

const exitCode = await run(process.argv.slice(2), version(), context);
await flushed(process.stdout);
await flushed(process.stderr);
// Exits rather than waits: a peer's socket or a worker that is slow to end must not hold the shell.
process.exit(exitCode === EXIT.done && outputFailure !== undefined ? outputFailure.exitCode : exitCode);
