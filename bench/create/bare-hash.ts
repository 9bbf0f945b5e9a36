// The ceiling: nothing but readSync and hashing, a file's halves on two threads, no torrent made or checked.
//
//   node build/bench/create/bare-hash.js FILE v1|v2|hybrid THREADS PIECE_LENGTH
import { createHash, hash } from 'node:crypto';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

const BLOCK_BYTES = 16 * 1024;
const BUFFER_BYTES = 256 * 1024;

interface Share {
  readonly path: string;
  readonly format: string;
  readonly pieceBytes: number;
  readonly start: number;
  readonly end: number;
}

function hashShare({ path, format, pieceBytes, start, end }: Share): void {
  const buffer = new Uint8Array(BUFFER_BYTES);
  const file = openSync(path, 'r');
  for (let piece = start; piece < end; piece += pieceBytes) {
    const pieceEnd = Math.min(piece + pieceBytes, end);
    const sha1 = format === 'v2' ? undefined : createHash('sha1');
    for (let position = piece; position < pieceEnd; position += BUFFER_BYTES) {
      const bytes = buffer.subarray(
        0,
        readSync(file, buffer, 0, Math.min(BUFFER_BYTES, pieceEnd - position), position),
      );
      sha1?.update(bytes);
      for (let block = 0; format !== 'v1' && block < bytes.length; block += BLOCK_BYTES) {
        hash('sha256', bytes.subarray(block, block + BLOCK_BYTES), 'buffer');
      }
    }
    sha1?.digest();
  }
  closeSync(file);
}

function main(): void {
  const [path = '', format = 'v1', threads = '2', pieceLength = '1048576'] = process.argv.slice(2);
  const threadCount = Number(threads);
  const pieceBytes = Number(pieceLength);
  const { size } = statSync(path);
  const shareBytes = Math.ceil(size / pieceBytes / threadCount) * pieceBytes;
  for (let i = threadCount - 1; i >= 0; i--) {
    const share = { path, format, pieceBytes, start: i * shareBytes, end: Math.min((i + 1) * shareBytes, size) };
    if (i > 0) new Worker(new URL(import.meta.url), { workerData: share });
    else hashShare(share);
  }
}

if (isMainThread) main();
else hashShare(workerData as Share);
