// `millrace dht put`: has the DHT keep a text, a file, or the torrent that a publisher shares now (BEP 44, 46).
import { open } from 'node:fs/promises';
import type { DhtPutResult, DhtValue } from '../../engine/dht/dht-api.ts';
import type { CliContext } from '../context.ts';
import { CliFailure, EXIT, type ExitCode, usageFailure } from '../exit-code.ts';
import { type KeyFile, loadKeyFile } from '../key-file.ts';
import { cleanText, toSafeJson } from '../output/clean-text.ts';
import { formatCount } from '../output/format.ts';
import { loadSource } from '../source.ts';
import { checkReached, type DhtFlags, say, withDht } from '../with-dht.ts';

/** What the nodes take, and one byte that shows that there is more. */
const READ_MAX_BYTES = 1_001;

export interface DhtPutFlags extends DhtFlags {
  readonly key?: string;
  readonly salt?: Uint8Array;
  readonly seq?: number;
  /** The argument names a torrent: a pointer to it is put. */
  readonly torrent?: boolean;
  readonly bencoded?: boolean;
}

export async function dhtPut(text: string, flags: DhtPutFlags, context: CliContext): Promise<ExitCode> {
  const { key, salt, seq } = flags;
  if (key === undefined && (salt !== undefined || seq !== undefined || flags.torrent === true)) {
    throw usageFailure('--salt, --seq and --torrent are for items that have a key; name its file with --key.');
  }
  const value = flags.torrent === true ? await pointerOf(text, context) : await givenValue(text, flags);
  const keyFile = key === undefined ? undefined : await loadKeyFile(key);
  if (keyFile !== undefined) sayKey(keyFile, key!, flags, context);
  return withDht(flags, context, async (dht, signal) => {
    const asked = dht.put(value, {
      signal,
      ...(keyFile === undefined ? {} : { privateKey: keyFile.privateKey }),
      ...(salt === undefined ? {} : { salt }),
      ...(seq === undefined ? {} : { seq }),
    });
    const result = await asked.catch((error: unknown) => {
      // What nobody would take was not sent.
      throw error instanceof RangeError ? usageFailure(`That cannot be put: ${error.message}.`) : error;
    });
    checkReached(result);
    if (result.storedCount === 0) throw notStored(result);
    context.stdout.write(flags.json === true ? `${toSafeJson(shownResult(result))}\n` : formatResult(result));
    return EXIT.done;
  });
}

async function pointerOf(text: string, context: CliContext): Promise<DhtValue> {
  const source = await loadSource(text, context, new AbortController().signal);
  const { readTorrent } = await context.facade();
  const { infoHash, infoHashV2, private: isPrivate } = readTorrent(source);
  if (isPrivate === true) throw usageFailure('The torrent is private: it has no business in the DHT.');
  // Of a v2 hash the DHT knows the first 20 bytes, which name no torrent by themselves.
  if (infoHash !== null) return { infoHash };
  if (infoHashV2 === null) throw usageFailure('The link names a publisher and no torrent; name the torrent itself.');
  throw usageFailure('A pointer names a torrent by its v1 info-hash, which this one has not; make a hybrid torrent.');
}

/** A file that is there, or else the text itself. */
async function givenValue(text: string, flags: DhtPutFlags): Promise<DhtValue> {
  const bytes = (await readSmallFile(text)) ?? new TextEncoder().encode(text);
  return flags.bencoded === true ? { bencoded: bytes } : bytes;
}

/** Undefined when there is no such file. */
async function readSmallFile(path: string): Promise<Uint8Array | undefined> {
  try {
    const file = await open(path, 'r');
    try {
      const bytes = new Uint8Array(READ_MAX_BYTES);
      const { bytesRead } = await file.read(bytes, 0, READ_MAX_BYTES, 0);
      return bytes.slice(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG' || code === 'ERR_INVALID_ARG_VALUE') {
      return undefined;
    }
    throw error;
  }
}

function sayKey({ isNew, isExposed }: KeyFile, path: string, flags: DhtFlags, context: CliContext): void {
  const name = cleanText(path, 200);
  if (isNew) say(flags, context, `made a new key in ${name}; keep it: without it the item cannot be changed`);
  if (isExposed) say(flags, context, `others may read the key in ${name}; run chmod 600 on it`);
}

function notStored({ answerCount, refusalCode }: DhtPutResult): CliFailure {
  const advice =
    refusalCode === 302
      ? 'the nodes have a newer version: leave --seq out, or raise it'
      : `the last refusal was ${refusalCode ?? 'silence'}; try again`;
  const message = `None of the ${answerCount} nodes that answered has stored the item; ${advice}.`;
  return new CliFailure('DHT_NOT_STORED', EXIT.network, message);
}

function shownResult(result: DhtPutResult): Record<string, string | number | null> {
  const { target, publicKey, seq, storedCount, magnet, answerCount, queryCount } = result;
  return {
    target,
    publicKey: publicKey ?? null,
    seq: seq ?? null,
    stored: storedCount,
    magnet: magnet ?? null,
    nodes: answerCount,
    queryCount,
  };
}

function formatResult({ target, publicKey, seq, storedCount, magnet }: DhtPutResult): string {
  const lines = [`Target        ${target}`];
  if (publicKey !== undefined) lines.push(`Public key    ${publicKey}`, `Version       ${seq}`);
  lines.push(`Stored at     ${formatCount(storedCount, 'node')}`);
  if (magnet !== undefined) lines.push(`Magnet        ${magnet}`);
  return `${lines.join('\n')}\n`;
}
