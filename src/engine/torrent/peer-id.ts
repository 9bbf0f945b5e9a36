// The id by which peers and trackers know a torrent of ours (BEP 3, BEP 20).
import { encodeUtf8 } from '../../base/bytes.ts';
import { type Random, randomBytes } from '../../base/random.ts';

/** BEP 20: `MW`, version 0.1.0.0. */
const PEER_ID_PREFIX = '-MW0100-';
const PEER_ID_BYTES = 20;

export function createPeerId(random: Random): Uint8Array {
  const peerId = new Uint8Array(PEER_ID_BYTES);
  randomBytes(random, peerId);
  peerId.set(encodeUtf8(PEER_ID_PREFIX));
  return peerId;
}
