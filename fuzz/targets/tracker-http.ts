// Replies of HTTP trackers: nothing may throw, and what is taken from a reply stays within its bounds.
import { encodeUtf8 } from '../../src/base/bytes.ts';
import {
  TRACKER_ID_MAX_BYTES,
  TRACKER_INTERVAL_MAX_MS,
  TRACKER_INTERVAL_MIN_MS,
  TRACKER_PEERS_MAX,
  TRACKER_TEXT_MAX_CHARACTERS,
} from '../../src/protocol/limits.ts';
import { decodeAnnounceReply } from '../../src/protocol/tracker/http-announce.ts';
import { decodeScrapeReply } from '../../src/protocol/tracker/http-scrape.ts';
import { normalizeIpAddress } from '../../src/protocol/tracker/ip-address.ts';

export const name = 'tracker-http';

export const seeds: readonly Uint8Array[] = [
  'd8:completei3e10:incompletei4e8:intervali1800e12:min intervali900e5:peers12:abcdefghijkl6:peers60:10:tracker id1:xe',
  'd8:intervali60e5:peersld2:ip9:192.0.2.14:porti6881eed2:ip11:2001:db8::14:porti1eeee',
  'd14:failure reason10:overloaded8:retry in5:never15:warning message4:slowe',
  'd11:external ip4:abcd5:filesd20:aaaaaaaaaaaaaaaaaaaad8:completei1e10:downloadedi2e10:incompletei3eeee',
].map(encodeUtf8);

const INFO_HASHES = [new Uint8Array(20).fill(0x61)];

export function run(bytes: Uint8Array): void {
  decodeScrapeReply(bytes, INFO_HASHES);
  const result = decodeAnnounceReply(bytes);
  if (!result.ok) {
    if (result.failure.message.length > TRACKER_TEXT_MAX_CHARACTERS) throw new Error('a long message');
    if (!((result.failure.retryInMs ?? 1) > 0)) throw new Error('a retry in the past');
    return;
  }
  const { peers, intervalMs, trackerId } = result.response;
  if (peers.length > TRACKER_PEERS_MAX) throw new Error('too many peers');
  if (!(intervalMs >= TRACKER_INTERVAL_MIN_MS && intervalMs <= TRACKER_INTERVAL_MAX_MS)) throw new Error('interval');
  if (trackerId !== undefined && trackerId.length > TRACKER_ID_MAX_BYTES) throw new Error('a long tracker id');
  for (const { address, port } of peers) {
    if (!(Number.isInteger(port) && port > 0 && port < 65_536)) throw new Error(`port ${port}`);
    if (normalizeIpAddress(address) !== address) throw new Error(`address ${address}`);
  }
}
