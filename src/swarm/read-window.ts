// Which pieces a reader needs next, and when: as far ahead as it reads in some seconds, each piece by the time at which
// the reader will have come to it. Maths only.
import type { PieceDeadline } from './pieces/deadline-pieces.ts';

export interface ReadPosition {
  /** Next byte to read, and the end of what is read, in the torrent's byte space. */
  readonly positionBytes: number;
  readonly endBytes: number;
  readonly pieceLengthBytes: number;
  /** What the reader takes when it need not wait, bytes per second; Infinity: as fast as it gets it. */
  readonly readBytesPerSecond: number;
  /** What comes from all peers at present. */
  readonly downloadBytesPerSecond: number;
  readonly nowMs: number;
}

/** Time that a reader looks ahead. */
const WINDOW_MS = 20_000;
/** However slow the reader, so many pieces. */
const WINDOW_PIECES_MIN = 2;
/** However fast, so many bytes, but the pieces above. */
export const READ_WINDOW_MAX_BYTES: number = 32 * 1024 * 1024;
/** A reader that takes what it gets cannot be sped up by deadlines that nobody keeps; slower than this nobody is held to be. */
const RATE_MIN_BYTES = 128 * 1024;

/** In the order of reading; the first is needed at once. */
export function deadlinesAhead(at: ReadPosition): PieceDeadline[] {
  const { positionBytes, endBytes, pieceLengthBytes, nowMs } = at;
  const rate = Math.max(1, Math.min(at.readBytesPerSecond, Math.max(RATE_MIN_BYTES, at.downloadBytesPerSecond)));
  const windowBytes = Math.min(READ_WINDOW_MAX_BYTES, (rate * WINDOW_MS) / 1_000);
  const deadlines: PieceDeadline[] = [];
  let pieceIndex = Math.floor(positionBytes / pieceLengthBytes);
  for (let start = positionBytes; start < endBytes; start = ++pieceIndex * pieceLengthBytes) {
    const aheadBytes = start - positionBytes;
    if (aheadBytes > windowBytes && deadlines.length >= WINDOW_PIECES_MIN) break;
    deadlines.push({ pieceIndex, deadlineMs: nowMs + (aheadBytes * 1_000) / rate });
  }
  return deadlines;
}
