// `millrace create`: makes a .torrent file of a file or folder.
import { rename, rm, writeFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { CreatedTorrent, TorrentDescription } from '../../engine/api.ts';
import type { CliContext } from '../context.ts';
import { exists } from '../data-folder.ts';
import { CliFailure, EXIT, type ExitCode, usageFailure } from '../exit-code.ts';
import { cleanText, toSafeJson } from '../output/clean-text.ts';
import { createHashProgress } from '../output/hash-progress.ts';

export interface CreateFlags {
  readonly output?: string;
  readonly tracker?: readonly string[];
  readonly webSeed?: readonly string[];
  readonly pieceLength?: number;
  readonly format?: TorrentDescription['format'];
  readonly private?: boolean;
  readonly comment?: string;
  readonly source?: string;
  readonly date: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export async function create(path: string, flags: CreateFlags, context: CliContext): Promise<ExitCode> {
  const output = flags.output ?? `${basename(resolve(path))}.torrent`;
  if (output === '.torrent') throw usageFailure('The root folder has no name; choose a file name with -o.');
  const toStdout = output === '-';
  // Before the hashing, which may take long.
  if (!toStdout && flags.force !== true && (await exists(output))) throw existsFailure(output);
  const created = await hash(path, flags, context);
  if (flags.quiet !== true) {
    for (const sentence of created.skipped) context.stderr.write(`millrace: ${cleanText(sentence)}\n`);
  }
  if (toStdout) {
    context.stdout.write(created.bytes);
    return EXIT.done;
  }
  await writeOutput(output, created.bytes, flags.force === true);
  if (flags.json === true) context.stdout.write(`${toSafeJson(summary(output, created))}\n`);
  else if (flags.quiet !== true) context.stdout.write(`${output}\n${created.magnet}\n`);
  return EXIT.done;
}

async function hash(path: string, flags: CreateFlags, context: CliContext): Promise<CreatedTorrent> {
  const { createTorrent } = await context.facade();
  const progress = createHashProgress(context, 'hashing', flags.quiet === true);
  const { pieceLength, format, comment, source } = flags;
  try {
    return await createTorrent(path, {
      ...(format === undefined ? {} : { format }),
      ...(pieceLength === undefined ? {} : { pieceLengthBytes: pieceLength }),
      ...(comment === undefined ? {} : { comment }),
      ...(source === undefined ? {} : { source }),
      ...(flags.date ? {} : { creationDate: null }),
      trackers: flags.tracker ?? [],
      webSeeds: flags.webSeed ?? [],
      private: flags.private ?? false,
      onProgress: progress.update,
    });
  } catch (error) {
    if (error instanceof RangeError) throw usageFailure(`${error.message.replace(/\.$/, '')}; change --piece-length.`);
    throw error;
  } finally {
    progress.end();
  }
}

function summary(output: string, created: CreatedTorrent): Record<string, string | number | null> {
  return {
    path: output,
    name: created.name,
    infoHash: created.infoHash ?? null,
    infoHashV2: created.infoHashV2 ?? null,
    magnet: created.magnet,
    size: created.bytes.length,
  };
}

/** Whole or not at all: an interrupted write leaves no half torrent under the name. */
async function writeOutput(output: string, bytes: Uint8Array, overwrites: boolean): Promise<void> {
  if (!overwrites) {
    try {
      await writeFile(output, bytes, { flag: 'wx' });
      return;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') throw existsFailure(output);
      throw error;
    }
  }
  const temporary = `${output}.${process.pid}.part`;
  try {
    await writeFile(temporary, bytes, { flag: 'wx' });
    await rename(temporary, output);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

function existsFailure(output: string): CliFailure {
  return new CliFailure('PATH', EXIT.path, `${output} exists already; choose another name with -o, or use --force.`);
}
