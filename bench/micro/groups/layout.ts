// Where the bytes of pieces stand among many files.
import { FileLayout } from '../../../src/storage/file-layout.ts';
import type { Operation, OperationGroup } from '../operation.ts';

const FILE_COUNT = 20_000;
const FILE_BYTES = 50_000;
const PIECE_BYTES = 1024 * 1024;
const PIECES_PER_CALL = 100;

function perPiece(name: string, layout: FileLayout, measure: (piece: number) => number): Operation {
  const stride = Math.floor(layout.pieceCount / PIECES_PER_CALL);
  const run = (): number => {
    let sum = 0;
    for (let i = 0; i < PIECES_PER_CALL; i++) sum += measure(i * stride);
    return sum;
  };
  return { name: `20,000 files: ${name}`, count: PIECES_PER_CALL, run };
}

export const layout: OperationGroup = {
  name: 'layout',
  create: () => {
    const files = Array.from({ length: FILE_COUNT }, () => ({ lengthBytes: FILE_BYTES, pad: false }));
    const many = new FileLayout(files, PIECE_BYTES);
    const wanted = files.map((_, i) => i % 2 === 0);
    return [
      perPiece('spans of a piece of 1 MiB', many, (piece) => many.spans(piece, 0, many.bytesOfPiece(piece)).length),
      perPiece('span of a block', many, (piece) => many.spans(piece, 16_384, 16_384).length),
      perPiece('bytes to request of a piece', many, (piece) => many.requestableBytesOfPiece(piece)),
      { name: '20,000 files: wanted pieces', count: 1, run: () => many.wantedPieces(wanted) },
      { name: '20,000 files: a layout made', count: 1, run: () => new FileLayout(files, PIECE_BYTES) },
    ];
  },
};
