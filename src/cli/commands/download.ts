// `millrace download`: fetches torrents until all wanted files are there.
import { resolve } from 'node:path';
import type { CliContext } from '../context.ts';
import type { ExitCode } from '../exit-code.ts';
import { selectFiles } from '../select-files.ts';
import { type LoadedSource, loadSource } from '../source.ts';
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
    // All sources are read before anything starts: a slip of the pen in the last one should not leave a half-run. One
    // alone of which all is wanted is read where it is added.
    const isRead = sources.length > 1 || flags.files !== undefined || flags.match !== undefined;
    for (const text of sources) {
      const source = await loadSource(text, context, signal);
      const files = isRead ? await chosenFiles(source, flags, context) : undefined;
      jobs.push(jobOf(source, files, flags));
    }
    return jobs;
  });
}

async function chosenFiles(
  source: LoadedSource,
  flags: TransferFlags,
  context: CliContext,
): Promise<readonly number[] | undefined> {
  const { readTorrent } = await context.facade();
  const { files } = readTorrent(source);
  // A link names no files: they are chosen when its metadata has come.
  return files.length === 0 ? undefined : await selectFiles(files, flags);
}

function jobOf(source: LoadedSource, files: readonly number[] | undefined, flags: TransferFlags): TransferJob {
  return {
    source,
    files,
    saveTo: resolve(flags.output ?? '.'),
    isSeed: false,
    verify: flags.verify === undefined ? 'auto' : flags.verify ? 'always' : 'never',
  };
}
