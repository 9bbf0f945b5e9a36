// The allowed fast set (BEP 6, "Allowed Fast Set Generation"): which pieces a peer may fetch while choked, the same
// from every peer it asks, and the same for a whole /24. IPv4 only, as BEP 6 has no rule for IPv6.
import { readUint32 } from '../../base/bytes.ts';

export interface AllowedFastOptions {
  /** The peer's IPv4 address, 4 bytes. */
  readonly address: Uint8Array;
  /** 20 bytes. */
  readonly infoHash: Uint8Array;
  readonly pieceCount: number;
  /** How many pieces; a torrent with fewer gives all of its pieces. */
  readonly setSize: number;
  readonly sha1: (bytes: Uint8Array) => Uint8Array;
}

/** Piece indexes in the order of their generation. */
export function allowedFastSet(options: AllowedFastOptions): readonly number[] {
  const wantedCount = Math.min(options.setSize, options.pieceCount);
  const pieces: number[] = [];
  let hash = new Uint8Array(24);
  hash.set(options.address.subarray(0, 3));
  hash.set(options.infoHash, 4);
  while (pieces.length < wantedCount) {
    hash = new Uint8Array(options.sha1(hash));
    for (let offset = 0; offset < 20 && pieces.length < wantedCount; offset += 4) {
      const pieceIndex = readUint32(hash, offset) % options.pieceCount;
      if (!pieces.includes(pieceIndex)) pieces.push(pieceIndex);
    }
  }
  return pieces;
}
