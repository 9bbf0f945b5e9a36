// `millrace seed`: shares a file or folder, or the data of a .torrent, where it stands.
import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { DescribedFile, TorrentDescription } from '../../engine/api.ts';
import type { CliContext } from '../context.ts';
import { exists, resolveDataFolder } from '../data-folder.ts';
import { CliFailure, EXIT, type ExitCode, usageFailure } from '../exit-code.ts';
import { cleanText } from '../output/clean-text.ts';
import { shareHashed } from '../output/hash-progress.ts';
import type { Reporter } from '../output/reporter.ts';
import { loadSource } from '../source.ts';
import type { TransferJob } from '../transfer.ts';
import { checkTransferFlags, type TransferFlags } from '../transfer-options.ts';
import { withTransfer } from '../with-transfer.ts';

export interface SeedFlags extends TransferFlags {
  readonly data?: string;
  readonly format?: TorrentDescription['format'];
  readonly pieceLength?: number;
  readonly superSeed?: boolean;
}

export async function seed(sources: readonly string[], flags: SeedFlags, context: CliContext): Promise<ExitCode> {
  checkTransferFlags(flags);
  if (flags.files !== undefined || flags.match !== undefined) {
    throw usageFailure(
      'seed shares whole torrents; leave out --files and --match, or share a single file by its path.',
    );
  }
  return withTransfer(flags, context, async (reporter, signal) => {
    const jobs: TransferJob[] = [];
    for (const source of sources) {
      const isContent = flags.data === undefined && (await isPathToShare(source));
      jobs.push(
        await (isContent
          ? jobOfPath(source, flags, context, reporter, signal)
          : jobOfTorrent(source, flags, context, signal)),
      );
    }
    return jobs;
  });
}

/** A folder, or a file that is no .torrent file. */
async function isPathToShare(text: string): Promise<boolean> {
  if (text === '-') return false;
  try {
    const status = await stat(text);
    return status.isDirectory() || !/\.torrent$/i.test(text);
  } catch {
    // Nothing there: a link, an info-hash, or a mistake that loading will name.
    return false;
  }
}

async function jobOfPath(
  path: string,
  flags: SeedFlags,
  context: CliContext,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<TransferJob> {
  const { createTorrent, readTorrent } = await context.facade();
  const absolute = resolve(path);
  const label = `hashing ${basename(absolute)}`;
  const { format, pieceLength, tracker } = flags;
  const created = await createTorrent(absolute, {
    ...(format === undefined ? {} : { format }),
    ...(pieceLength === undefined ? {} : { pieceLengthBytes: pieceLength }),
    trackers: tracker ?? [],
    signal,
    onProgress: (progress) => reporter.preparing(label, shareHashed(progress)),
  });
  await checkNames(readTorrent(created.bytes).files, dirname(absolute));
  return {
    source: created.bytes,
    files: undefined,
    saveTo: dirname(absolute),
    isSeed: true,
    superSeeding: flags.superSeed === true,
    // It was hashed a moment ago.
    verify: flags.verify === true ? 'always' : 'never',
  };
}

/** The engine reads files under safe names only: content with others cannot be shared where it stands. */
async function checkNames(files: readonly DescribedFile[], folder: string): Promise<void> {
  for (const { path, pad } of files) {
    if (pad || (await exists(join(folder, path)))) continue;
    throw new CliFailure(
      'PATH',
      EXIT.path,
      `A name is not safe on every system: other clients would write ${cleanText(path, 200)}; rename it to that.`,
    );
  }
}

async function jobOfTorrent(
  text: string,
  flags: SeedFlags,
  context: CliContext,
  signal: AbortSignal,
): Promise<TransferJob> {
  const source = await loadSource(text, context, signal);
  const { readTorrent } = await context.facade();
  const [file] = readTorrent(source).files;
  return {
    source,
    files: undefined,
    saveTo: await resolveDataFolder(flags.data ?? flags.output ?? '.', file?.path.split('/')[0]),
    isSeed: true,
    superSeeding: flags.superSeed === true,
    verify: flags.verify === undefined ? 'auto' : flags.verify ? 'always' : 'never',
  };
}
