// The frame around a transfer: reporter, signals, preparation, and what was thrown becomes an exit code.
import type { CliContext } from './context.ts';
import { EXIT, type ExitCode, failureOf } from './exit-code.ts';
import { createReporter } from './output/create-reporter.ts';
import type { Reporter } from './output/reporter.ts';
import { Transfer, type TransferJob } from './transfer.ts';
import type { TransferFlags } from './transfer-options.ts';

export async function withTransfer(
  flags: TransferFlags,
  context: CliContext,
  prepare: (reporter: Reporter, signal: AbortSignal) => Promise<readonly TransferJob[]>,
): Promise<ExitCode> {
  const reporter = createReporter(context, {
    json: flags.json === true,
    quiet: flags.quiet === true,
    verbosity: flags.verbose ?? 0,
  });
  const interrupt = context.catchSignals(() => reporter.close());
  try {
    const jobs = await prepare(reporter, interrupt);
    return await new Transfer(context, flags, reporter, interrupt).run(jobs);
  } catch (error) {
    if (interrupt.aborted) return EXIT.interrupted;
    const failure = failureOf(error);
    reporter.failure(failure);
    return failure.exitCode;
  } finally {
    reporter.close();
  }
}
