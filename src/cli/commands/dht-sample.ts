// `millrace dht sample`: which torrents the nodes around a target keep peers of (BEP 51).
import type { CliContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { toSafeJson } from '../output/clean-text.ts';
import { formatCount } from '../output/format.ts';
import { checkReached, type DhtFlags, say, withDht } from '../with-dht.ts';

export async function dhtSample(target: string, flags: DhtFlags, context: CliContext): Promise<ExitCode> {
  return withDht(flags, context, async (dht, signal) => {
    const result = await dht.sample(target, { signal });
    checkReached(result);
    const { infoHashes, nodeCount, heldCount, answerCount, queryCount } = result;
    if (flags.json === true) {
      const counts = { sampledNodes: nodeCount, held: heldCount, nodes: answerCount, queryCount };
      context.stdout.write(`${toSafeJson({ target, infoHashes, ...counts })}\n`);
      return EXIT.done;
    }
    for (const infoHash of infoHashes) context.stdout.write(`${infoHash}\n`);
    const torrents = formatCount(infoHashes.length, 'torrent');
    say(flags, context, `${torrents} from ${formatCount(nodeCount, 'node')}, which hold ${heldCount} together`);
    return EXIT.done;
  });
}
