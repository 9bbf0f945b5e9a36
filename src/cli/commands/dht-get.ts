// `millrace dht get`: an item of the DHT (BEP 44), by its target or by the public key of its author.
import type { DhtItem } from '../../engine/dht/dht-api.ts';
import type { CliContext, OutputStream } from '../context.ts';
import { CliFailure, EXIT, type ExitCode } from '../exit-code.ts';
import { cleanText, toSafeJson } from '../output/clean-text.ts';
import { checkReached, type DhtFlags, say, withDht } from '../with-dht.ts';

export interface DhtGetFlags extends DhtFlags {
  readonly salt?: Uint8Array;
}

export async function dhtGet(target: string, flags: DhtGetFlags, context: CliContext): Promise<ExitCode> {
  return withDht(flags, context, async (dht, signal) => {
    const { salt } = flags;
    const result = await dht.get(target, { signal, ...(salt === undefined ? {} : { salt }) });
    checkReached(result);
    const { item } = result;
    if (item === undefined) {
      throw new CliFailure(
        'DHT_ITEM_NOT_FOUND',
        EXIT.metadataNotFound,
        `None of the ${result.answerCount} nodes that answered has an item under ${result.target}; check the target and --salt, or ask its author to put it again.`,
      );
    }
    if (flags.json === true) {
      const counts = { nodes: result.answerCount, queryCount: result.queryCount };
      context.stdout.write(`${toSafeJson({ target: result.target, ...shownItem(item), ...counts })}\n`);
      return EXIT.done;
    }
    printValue(item, context.stdout);
    if (item.seq !== undefined) say(flags, context, `version ${item.seq}, signed by ${item.publicKey}`);
    return EXIT.done;
  });
}

function shownItem(item: DhtItem): Record<string, string | number | null> {
  const { value, bytes, infoHash, publicKey, seq } = item;
  return {
    text: bytes === undefined ? null : textOf(bytes),
    bencoded: Buffer.from(value).toString('base64'),
    infoHash: infoHash ?? null,
    publicKey: publicKey ?? null,
    seq: seq ?? null,
  };
}

/** Into a pipe the very bytes; on a terminal nothing that could do harm there. */
function printValue({ value, bytes, infoHash }: DhtItem, stdout: OutputStream): void {
  if (infoHash !== undefined) stdout.write(`${infoHash}\n`);
  else if (stdout.isTTY === true) stdout.write(`${cleanText(Buffer.from(bytes ?? value).toString('utf8'))}\n`);
  else stdout.write(bytes ?? value);
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
