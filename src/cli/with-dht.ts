// The frame around a command that only asks the DHT: a session that listens nowhere and answers nobody, signals, the time-out,
// and what was learnt is kept for the next time.
import type { DhtLike, DhtReach } from '../engine/dht/dht-api.ts';
import type { CliContext } from './context.ts';
import { readDhtState, writeDhtState } from './dht-state-file.ts';
import { CliFailure, EXIT, type ExitCode, failureOf } from './exit-code.ts';
import { cleanText } from './output/clean-text.ts';
import { errorLine } from './output/json-lines.ts';

const TIMER_MAX_MS = 2_147_483_647;

export interface DhtFlags {
  readonly bind?: string;
  readonly dhtBootstrap?: readonly string[];
  readonly timeout?: number;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: number;
}

class TimedOut extends Error {}

/** Runs `ask` with the DHT of a session of its own; without a bootstrap node nobody but whom `ask` asks. A failure with `--json` is an object on stdout too. */
export async function withDht(
  flags: DhtFlags,
  context: CliContext,
  ask: (dht: DhtLike, signal: AbortSignal) => Promise<ExitCode>,
): Promise<ExitCode> {
  const interrupt = context.catchSignals(() => undefined);
  const stop = new AbortController();
  const handleInterrupt = (): void => stop.abort(interrupt.reason);
  interrupt.addEventListener('abort', handleInterrupt, { once: true });
  if (interrupt.aborted) handleInterrupt();
  const giveUp = (): void => stop.abort(new TimedOut());
  const timeout = flags.timeout === undefined ? undefined : setTimeout(giveUp, Math.min(flags.timeout, TIMER_MAX_MS));
  try {
    return await askOnce(flags, context, stop.signal, ask);
  } catch (error) {
    if (interrupt.aborted) return EXIT.interrupted;
    const thrown = error instanceof TimedOut ? timeoutFailure() : error;
    if (flags.json === true) {
      const { code, message } = failureOf(thrown);
      context.stdout.write(`${errorLine(code, message)}\n`);
    }
    throw thrown;
  } finally {
    clearTimeout(timeout);
    interrupt.removeEventListener('abort', handleInterrupt);
  }
}

/** @throws {CliFailure} nobody has answered, so nothing that was found means anything. */
export function checkReached({ answerCount }: DhtReach): void {
  if (answerCount > 0) return;
  throw new CliFailure(
    'DHT_UNREACHABLE',
    EXIT.network,
    'No node of the DHT answered; check the connection and the firewall (millrace doctor does), or name a node with --dht-bootstrap.',
  );
}

/** A line beside the result, on stderr. */
export function say(flags: DhtFlags, context: CliContext, message: string): void {
  if (flags.quiet !== true && flags.json !== true) context.stderr.write(`millrace: ${message}\n`);
}

async function askOnce(
  flags: DhtFlags,
  context: CliContext,
  signal: AbortSignal,
  ask: (dht: DhtLike, signal: AbortSignal) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { openSession } = await context.facade();
  const isAlone = flags.dhtBootstrap?.length === 0;
  const known = isAlone ? undefined : await readDhtState(context.env);
  signal.throwIfAborted();
  const isWordy = (flags.verbose ?? 0) >= 2;
  const session = await openSession({
    tcp: false,
    trackers: false,
    pex: false,
    localDiscovery: false,
    portMapping: false,
    dht: true,
    dhtReadOnly: true,
    ...(flags.bind === undefined ? {} : { bind: flags.bind }),
    ...(flags.dhtBootstrap === undefined ? {} : { dhtBootstrap: flags.dhtBootstrap }),
    ...(known === undefined ? {} : { dhtState: known }),
    log: {
      write: (level, message) => {
        if (isWordy || level === 'error') context.stderr.write(`millrace: ${cleanText(`${level}: ${message}`)}\n`);
      },
    },
  });
  try {
    return await ask(session.dht!, signal);
  } finally {
    const state = session.dhtState();
    await session.close({ timeoutMs: 0 });
    if (state !== undefined && !isAlone) await writeDhtState(context.env, state);
  }
}

function timeoutFailure(): CliFailure {
  return new CliFailure(
    'TIMED_OUT',
    EXIT.timedOut,
    'The DHT had not answered when --timeout was over; try a longer one, or name a node with --dht-bootstrap.',
  );
}
