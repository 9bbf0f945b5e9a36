// The stream of the bare loops: a file as piece messages in order, in pieces of 1 MiB and blocks of 16 KiB, with nothing said
// before or between. Knows how it is cut, and no socket.
import { BLOCK_BYTES } from '../../../src/protocol/limits.ts';
import { PIECE_HEADER_BYTES, writePieceHeader } from '../../../src/protocol/wire/wire-encoder.ts';

export const BARE_PIECE_BYTES: number = 1024 * 1024;
export const BARE_PORT = 6880;

/** A piece's messages in memory: `targets` are the gaps between the headers, where the blocks go. */
export interface PieceFrame {
  readonly bytes: Uint8Array;
  readonly targets: readonly Uint8Array[];
}

export function createPieceFrame(pieceBytes: number): PieceFrame {
  const blockCount = Math.ceil(pieceBytes / BLOCK_BYTES);
  const bytes = new Uint8Array(pieceBytes + blockCount * PIECE_HEADER_BYTES);
  const targets: Uint8Array[] = [];
  let offset = 0;
  for (let begin = 0; begin < pieceBytes; begin += BLOCK_BYTES) {
    const length = Math.min(BLOCK_BYTES, pieceBytes - begin);
    writePieceHeader(bytes, offset, 0, begin, length);
    offset += PIECE_HEADER_BYTES;
    targets.push(bytes.subarray(offset, offset + length));
    offset += length;
  }
  return { bytes, targets };
}

/** Names another piece in all headers of a frame. */
export function setPieceIndex(frame: PieceFrame, pieceIndex: number): void {
  let offset = 0;
  for (const [blockIndex, target] of frame.targets.entries()) {
    writePieceHeader(frame.bytes, offset, pieceIndex, blockIndex * BLOCK_BYTES, target.length);
    offset += PIECE_HEADER_BYTES + target.length;
  }
}
