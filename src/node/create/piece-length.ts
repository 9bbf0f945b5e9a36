// How long the pieces of a torrent are when nobody says: about a thousand to two thousand of them, so that the torrent
// stays small and a lost piece costs little.
import { PIECE_LENGTH_MAX_BYTES, PIECE_LENGTH_V2_MIN_BYTES } from '../../protocol/limits.ts';

const PIECES_WANTED_MAX = 2_048;
// Longer pieces are slow to come and to check, so from here on the torrent rather has more of them.
const USUAL_MAX_BYTES = 16 * 1024 * 1024;
const PIECES_UNUSUAL_MAX = 65_536;

/** A power of two from 16 KiB on; 16 MiB at most below 1 TiB. */
export function automaticPieceLength(contentBytes: number): number {
  let length = PIECE_LENGTH_V2_MIN_BYTES;
  while (length < USUAL_MAX_BYTES && contentBytes / length > PIECES_WANTED_MAX) length *= 2;
  while (length < PIECE_LENGTH_MAX_BYTES && contentBytes / length > PIECES_UNUSUAL_MAX) length *= 2;
  return length;
}
