// Peers as packed bytes: address and port, 6 bytes for IPv4 (BEP 23), 18 for IPv6 (BEP 7).
import { readUint16 } from '../../base/bytes.ts';
import type { TrackerPeer } from './announce.ts';
import { formatIpAddress } from './ip-address.ts';

/**
 * The peers of a packed list, at most `maxCount` of them: port 0 and the unspecified address are left out, a part of
 * an entry at the end is ignored.
 */
export function decodeCompactPeers(bytes: Uint8Array, family: 4 | 6, maxCount: number): TrackerPeer[] {
  const addressBytes = family === 4 ? 4 : 16;
  const peers: TrackerPeer[] = []; // BOUNDED: maxCount
  for (let at = 0; at + addressBytes + 2 <= bytes.length && peers.length < maxCount; at += addressBytes + 2) {
    const port = readUint16(bytes, at + addressBytes);
    const address = formatIpAddress(bytes.subarray(at, at + addressBytes));
    if (port !== 0 && address !== undefined && !isUnspecified(address)) peers.push({ address, port });
  }
  return peers;
}

/** Nobody can be reached there. */
export function isUnspecified(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}
