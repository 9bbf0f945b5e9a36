// From what the user named to the bytes of a .torrent file or the text of a link. Reads, never interprets: whether
// the bytes are a torrent is for the engine to say.
import { open } from 'node:fs/promises';
import type { CliContext } from './context.ts';
import { CliFailure, EXIT } from './exit-code.ts';
import { cleanText } from './output/clean-text.ts';

const INFO_HASH = /^(?:[0-9a-f]{40}|[a-z2-7]{32}|[0-9a-f]{64})$/i;
// The bound that the engine puts on a .torrent file too (docs/limits.md, TORRENT_FILE_MAX_BYTES).
const TORRENT_FILE_MAX_BYTES = 16 * 1024 * 1024;
const READ_BYTES = 256 * 1024;

/** A magnet link or info-hash (text), or the bytes of what should be a .torrent file. */
export type LoadedSource = string | Uint8Array;

/**
 * Loads a .torrent path, an http(s) URL of one, or `-` for standard input; links and info-hashes are returned as text.
 * A file that is there wins over an info-hash of the same spelling.
 */
export async function loadSource(text: string, context: CliContext, signal: AbortSignal): Promise<LoadedSource> {
  if (/^magnet:/i.test(text)) return text;
  if (/^https?:\/\//i.test(text)) return context.fetchBytes(text, { maxBytes: TORRENT_FILE_MAX_BYTES, signal });
  if (text === '-') return readBounded(context.stdin, 'Standard input');
  try {
    return await readTorrentFile(text);
  } catch (error) {
    if (isMissing(error) && INFO_HASH.test(text)) return text;
    throw sourceFailure(text, error);
  }
}

/** Whether it is a link that names a publisher and no torrent (BEP 46): what it stands for is known to the DHT alone. */
export function namesPublisher(source: LoadedSource): boolean {
  return (
    typeof source === 'string' &&
    /[?&;]xs(?:\.\d+)?=urn(?::|%3a)btpk/i.test(source) &&
    !/urn(?::|%3a)bt[im]h/i.test(source)
  );
}

/** A name for messages: a link is long and says little. */
export function sourceLabel(text: string): string {
  return text === '-' ? 'standard input' : cleanText(text, 120);
}

async function readTorrentFile(path: string): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    return await readBounded(file.createReadStream({ highWaterMark: READ_BYTES, autoClose: false }), path);
  } finally {
    await file.close();
  }
}

/** Joins the chunks, reading one chunk more than the bound at most. */
async function readBounded(chunks: AsyncIterable<Uint8Array>, name: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = []; // BOUNDED: TORRENT_FILE_MAX_BYTES, then refused
  let lengthBytes = 0;
  for await (const chunk of chunks) {
    lengthBytes += chunk.length;
    if (lengthBytes > TORRENT_FILE_MAX_BYTES) {
      throw new CliFailure(
        'METAINFO_INVALID',
        EXIT.invalidTorrent,
        `${name} is larger than any .torrent file may be (${TORRENT_FILE_MAX_BYTES} bytes); check that it is one.`,
      );
    }
    parts.push(chunk);
  }
  return Buffer.concat(parts, lengthBytes);
}

function isMissing(error: unknown): boolean {
  return systemCode(error) === 'ENOENT';
}

function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function sourceFailure(path: string, error: unknown): unknown {
  const failure = (message: string): CliFailure =>
    new CliFailure('SOURCE_UNREADABLE', EXIT.path, message, { cause: error });
  switch (systemCode(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ENAMETOOLONG':
      return failure(
        `There is no file ${sourceLabel(path)}; name a .torrent file, its URL, a magnet link or an info-hash (millrace --help lists the commands).`,
      );
    case 'EISDIR':
      return failure(`${path} is a folder; to share it use millrace seed, to make a torrent of it millrace create.`);
    case 'EACCES':
    case 'EPERM':
      return failure(`${path} may not be read; check who owns it.`);
    default:
      return error;
  }
}
