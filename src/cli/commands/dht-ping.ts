// `millrace dht ping`: whether a node of the DHT is there.
import type { CliContext } from '../context.ts';
import { CliFailure, EXIT, type ExitCode } from '../exit-code.ts';
import { cleanText, toSafeJson } from '../output/clean-text.ts';
import { type DhtFlags, withDht } from '../with-dht.ts';

export async function dhtPing(host: string, flags: DhtFlags, context: CliContext): Promise<ExitCode> {
  // No other node is asked.
  return withDht({ ...flags, dhtBootstrap: [] }, context, async (dht, signal) => {
    const node = await dht.ping(host, { signal });
    if (node === undefined) {
      const name = cleanText(host, 120);
      const message = `${name} did not answer; check the name, that a DHT node listens there, and the firewall (UDP).`;
      throw new CliFailure('DHT_NO_ANSWER', EXIT.network, message);
    }
    const { id, address, rttMs, isSecure } = node;
    const roundTripMs = Math.round(rttMs * 10) / 10;
    context.stdout.write(
      flags.json === true
        ? `${toSafeJson({ address, id, roundTripMs, idFitsAddress: isSecure })}\n`
        : `${address} answered in ${roundTripMs} ms, id ${id}\n`,
    );
    return EXIT.done;
  });
}
