// What the light peers of this benchmark need to know of a torrent: one file of v1 pieces, and its blocks by number.
import { BLOCK_BYTES } from '../../../src/protocol/limits.ts';

export interface TorrentView {
  readonly infoHash: Uint8Array;
  readonly pieceLengthBytes: number;
  readonly totalBytes: number;
}

/** As it travels on a command line. */
export function encodeView({ infoHash, pieceLengthBytes, totalBytes }: TorrentView): string {
  return JSON.stringify({ infoHash: Buffer.from(infoHash).toString('hex'), pieceLengthBytes, totalBytes });
}

export function decodeView(text: string): TorrentView {
  const { infoHash, ...sizes } = JSON.parse(text) as Omit<TorrentView, 'infoHash'> & { readonly infoHash: string };
  return { infoHash: Buffer.from(infoHash, 'hex'), ...sizes };
}

export function pieceCountOf({ totalBytes, pieceLengthBytes }: TorrentView): number {
  return Math.ceil(totalBytes / pieceLengthBytes);
}

export interface BlockPlace {
  readonly pieceIndex: number;
  readonly begin: number;
  readonly lengthBytes: number;
}

/** Piece lengths are multiples of the block, so a block's number gives its offset. */
export function blockCountOf({ totalBytes }: TorrentView): number {
  return Math.ceil(totalBytes / BLOCK_BYTES);
}

export function blockAt({ totalBytes, pieceLengthBytes }: TorrentView, blockIndex: number): BlockPlace {
  const offset = blockIndex * BLOCK_BYTES;
  const pieceIndex = Math.floor(offset / pieceLengthBytes);
  return {
    pieceIndex,
    begin: offset - pieceIndex * pieceLengthBytes,
    lengthBytes: Math.min(BLOCK_BYTES, totalBytes - offset),
  };
}

/** 20 bytes that no other connection has. */
export function peerIdOf(kind: string, index: number): Uint8Array {
  return Buffer.from(`-BN0000-${kind}${String(index).padStart(12 - kind.length, '0')}`, 'latin1');
}
