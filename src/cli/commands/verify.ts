// `millrace verify`: hashes the data of a .torrent on disk and says which files are damaged.
import type { DamagedFile, VerifyResult } from '../../engine/api.ts';
import type { CliContext } from '../context.ts';
import { resolveDataFolder } from '../data-folder.ts';
import { EXIT, type ExitCode, usageFailure } from '../exit-code.ts';
import { cleanText, toSafeJson } from '../output/clean-text.ts';
import { formatCount } from '../output/format.ts';
import { createHashProgress } from '../output/hash-progress.ts';
import { loadSource } from '../source.ts';

export interface VerifyFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export async function verify(text: string, folder: string, flags: VerifyFlags, context: CliContext): Promise<ExitCode> {
  const source = await loadSource(text, context, new AbortController().signal);
  if (typeof source === 'string') {
    throw usageFailure('A link does not hold the hashes of the pieces; name the .torrent file.');
  }
  const { readTorrent, verifyTorrent } = await context.facade();
  const { files } = readTorrent(source);
  const progress = createHashProgress(context, 'verifying', flags.quiet === true);
  let result: VerifyResult;
  try {
    result = await verifyTorrent(source, await resolveDataFolder(folder, files[0]?.path.split('/')[0]), {
      onProgress: progress.update,
    });
  } finally {
    progress.end();
  }
  const isGood = result.goodPieces === result.pieceCount && result.damagedFiles.length === 0;
  if (flags.json === true) context.stdout.write(`${toSafeJson({ ok: isGood, ...result })}\n`);
  else if (flags.quiet !== true) context.stdout.write(formatResult(result));
  return isGood ? EXIT.done : EXIT.verificationFailed;
}

export function formatResult(result: VerifyResult): string {
  const { pieceCount, goodPieces, badPieces, missingPieces, damagedFiles } = result;
  const lines = damagedFiles.map((file) => `${cleanText(file.path)}: ${reasonOf(file)}`);
  lines.push(
    goodPieces === pieceCount && damagedFiles.length === 0
      ? `${formatCount(pieceCount, 'piece')}, all right`
      : `${formatCount(pieceCount, 'piece')}: ${goodPieces} right, ${badPieces} wrong, ${missingPieces} missing`,
  );
  return `${lines.join('\n')}\n`;
}

function reasonOf(file: DamagedFile): string {
  if (file.reason === 'missing') return 'missing';
  const pieces = formatCount(file.badPieceCount, 'piece');
  return file.reason === 'wrong-length' ? `wrong length, ${pieces} wrong or missing` : `damaged, ${pieces} wrong`;
}
