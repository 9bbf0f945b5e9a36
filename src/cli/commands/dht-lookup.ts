// `millrace dht lookup`: who has a torrent, as the DHT knows it. Tells nobody that we were here.
import type { CliContext } from '../context.ts';
import { EXIT, type ExitCode, usageFailure } from '../exit-code.ts';
import { toSafeJson } from '../output/clean-text.ts';
import { formatCount } from '../output/format.ts';
import { loadSource } from '../source.ts';
import { checkReached, type DhtFlags, say, withDht } from '../with-dht.ts';

export async function dhtLookup(text: string, flags: DhtFlags, context: CliContext): Promise<ExitCode> {
  const source = await loadSource(text, context, new AbortController().signal);
  const { readTorrent } = await context.facade();
  const { infoHash, infoHashV2, private: isPrivate } = readTorrent(source);
  if (isPrivate === true) throw usageFailure('The torrent is private: it has no business in the DHT.');
  const hash = infoHash ?? infoHashV2;
  if (hash === null) {
    throw usageFailure('The link names a publisher and no torrent; millrace dht get finds what the publisher shares.');
  }
  return withDht(flags, context, async (dht, signal) => {
    const result = await dht.lookup(hash, { signal });
    checkReached(result);
    const { peers, seedEstimate, leecherEstimate, answerCount, queryCount } = result;
    if (flags.json === true) {
      const estimates = { seeds: seedEstimate ?? null, leechers: leecherEstimate ?? null };
      context.stdout.write(`${toSafeJson({ infoHash: hash, peers, ...estimates, nodes: answerCount, queryCount })}\n`);
      return EXIT.done;
    }
    for (const peer of peers) context.stdout.write(`${peer}\n`);
    const crowd =
      seedEstimate === undefined || leecherEstimate === undefined
        ? ''
        : ` (they count about ${formatCount(seedEstimate, 'seed')} and ${formatCount(leecherEstimate, 'leecher')})`;
    say(flags, context, `${formatCount(peers.length, 'peer')} from ${formatCount(answerCount, 'node')}${crowd}`);
    return EXIT.done;
  });
}
