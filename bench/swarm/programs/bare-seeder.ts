// The bare seeder loop: sends a file to whoever connects, as fast as one connection takes it. Each piece is read with one
// `readv` straight behind the headers of its blocks and leaves in one write. No protocol, no requests, no limits: what is
// left is what Node itself costs a seeder.
//
// bare-seeder FILE PORT
import { closeSync, fstatSync, openSync, readvSync } from 'node:fs';
import net from 'node:net';
import { BARE_PIECE_BYTES, createPieceFrame, type PieceFrame, setPieceIndex } from './bare-stream.ts';

/** Enough that one is read while the kernel still takes the others. */
const FRAMES = 3;

const [path = '', port = ''] = process.argv.slice(2);

function serve(socket: net.Socket): void {
  socket.setNoDelay(true);
  socket.on('error', () => undefined); // the receiver is gone; the next one gets everything again
  const file = openSync(path, 'r');
  const totalBytes = fstatSync(file).size;
  const pieceCount = Math.ceil(totalBytes / BARE_PIECE_BYTES);
  let pieceIndex = 0;
  let busyCount = 0;
  const send = (whole: PieceFrame): void => {
    if (pieceIndex === pieceCount || socket.destroyed) {
      if (busyCount === 0) {
        closeSync(file);
        socket.end();
      }
      return;
    }
    const offset = pieceIndex * BARE_PIECE_BYTES;
    const length = Math.min(BARE_PIECE_BYTES, totalBytes - offset);
    const frame = length === BARE_PIECE_BYTES ? whole : createPieceFrame(length);
    setPieceIndex(frame, pieceIndex);
    pieceIndex++;
    busyCount++;
    if (readvSync(file, frame.targets, offset) !== length) throw new Error(`${path} is shorter than it was`);
    socket.write(frame.bytes, () => {
      busyCount--;
      send(whole);
    });
  };
  for (let count = 0; count < FRAMES; count++) send(createPieceFrame(BARE_PIECE_BYTES));
}

net.createServer(serve).listen(Number(port), () => console.log('ready'));
