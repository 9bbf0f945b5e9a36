// `millrace download`: fetches torrents until all wanted files are there.
import { resolve } from 'node:path';
import type { CliContext } from '../context.ts';
import type { ExitCode } from '../exit-code.ts';
import { selectFiles } from '../select-files.ts';
import { loadSource } from '../source.ts';
import type { TransferJob } from '../transfer.ts';
import { checkTransferFlags, type TransferFlags } from '../transfer-options.ts';
import { withTransfer } from '../with-transfer.ts';

export async function download(
  sources: readonly string[],
  flags: TransferFlags,
  context: CliContext,
): Promise<ExitCode> {
  checkTransferFlags(flags);
  return withTransfer(flags, context, async (_reporter, signal) => {
    const jobs: TransferJob[] = [];
    // All sources are read before anything starts: a slip of the pen in the last one should not leave a half-run.
    for (const source of sources) jobs.push(await jobOf(source, flags, context, signal));
    return jobs;
  });
}

async function jobOf(
  text: string,
  flags: TransferFlags,
  context: CliContext,
  signal: AbortSignal,
): Promise<TransferJob> {
  const source = await loadSource(text, context, signal);
  const { readTorrent } = await context.facade();
  const { files } = readTorrent(source);
  return {
    source,
    // A link names no files: they are chosen when its metadata has come.
    files: files.length === 0 ? undefined : await selectFiles(files, flags),
    saveTo: resolve(flags.output ?? '.'),
    isSeed: false,
    verify: flags.verify === undefined ? 'auto' : flags.verify ? 'always' : 'never',
  };
}
