// The 20 bytes by which peers and trackers know a torrent: SHA-1 of the info dictionary, or the first 20 bytes of its
// SHA-256 (BEP 52). A hybrid torrent has both and is found by either.
import { bytesEqual } from '../../base/bytes.ts';

const SWARM_HASH_BYTES = 20;

export interface SwarmHashes {
  readonly infoHash: Uint8Array | undefined;
  readonly infoHashV2: Uint8Array | undefined;
}

/** All hashes the torrent answers to, the one it dials with first. */
export function swarmHashesOf(hashes: SwarmHashes): Uint8Array[] {
  const all: Uint8Array[] = [];
  if (hashes.infoHash !== undefined) all.push(hashes.infoHash);
  if (hashes.infoHashV2 !== undefined) all.push(hashes.infoHashV2.subarray(0, SWARM_HASH_BYTES));
  return all;
}

export function isSwarmHashOf(hashes: SwarmHashes, swarmHash: Uint8Array): boolean {
  return swarmHashesOf(hashes).some((hash) => bytesEqual(hash, swarmHash));
}
