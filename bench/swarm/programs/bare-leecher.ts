// The bare leecher loop: receives what the bare seeder sends, copies it into pooled pieces of 1 MiB, and gives each to one
// worker that hashes and writes it. No protocol, no picking, no choking: what is left is what Node itself costs a leecher.
//
// bare-leecher HOST PORT OUT DIGESTS   (DIGESTS: a file with the SHA-1 of each piece, joined)
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { Worker } from 'node:worker_threads';
import { readUint32 } from '../../../src/base/bytes.ts';
import { copyBytes } from '../../../src/node/system/copy-bytes.ts';
import { PIECE_HEADER_BYTES } from '../../../src/protocol/wire/wire-encoder.ts';
import { BARE_PIECE_BYTES } from './bare-stream.ts';
import type { BarePiece, BareWorkerData } from './bare-worker.ts';

const READ_BYTES = 512 * 1024;
/** Pieces that may wait for the worker before the sender has to. */
const WAITING_PIECES_MAX = 32;

const [host = '', port = '', out = '', digestsPath = ''] = process.argv.slice(2);
const digests = readFileSync(digestsPath);
const pieceCount = digests.length / 20;
const worker = new Worker(new URL('./bare-worker.js', import.meta.url), {
  workerData: { path: out, digests } satisfies BareWorkerData,
});

const slabs: { readonly shared: SharedArrayBuffer; readonly bytes: Uint8Array; isKnown: boolean }[] = [];
const freeSlabs: number[] = [];
const header = new Uint8Array(PIECE_HEADER_BYTES);
let headerLength = 0;
let blockRemaining = 0;
let slabIndex = -1;
let pieceIndex = 0;
let filledBytes = 0;
let sentCount = 0;
let doneCount = 0;
let startedMs = 0;
let outgoing: BarePiece[] = [];

function takeSlab(): number {
  const free = freeSlabs.pop();
  if (free !== undefined) return free;
  const shared = new SharedArrayBuffer(BARE_PIECE_BYTES);
  slabs.push({ shared, bytes: new Uint8Array(shared), isKnown: false });
  return slabs.length - 1;
}

function finishPiece(): void {
  const slab = slabs[slabIndex]!;
  const piece: BarePiece = {
    slabIndex,
    pieceIndex,
    lengthBytes: filledBytes,
    slab: slab.isKnown ? undefined : slab.shared,
  };
  slab.isKnown = true;
  outgoing.push(piece);
  slabIndex = -1;
}

/** Returns whether reading goes on. */
function handleRead(length: number, chunk: Uint8Array): boolean {
  let position = 0;
  while (position < length) {
    if (blockRemaining === 0) {
      while (headerLength < PIECE_HEADER_BYTES && position < length) header[headerLength++] = chunk[position++]!;
      if (headerLength < PIECE_HEADER_BYTES) break;
      headerLength = 0;
      blockRemaining = readUint32(header, 0) - 9;
      if (readUint32(header, 9) === 0) {
        if (slabIndex !== -1) finishPiece();
        slabIndex = takeSlab();
        pieceIndex = readUint32(header, 5);
        filledBytes = 0;
      }
    }
    const taken = Math.min(blockRemaining, length - position);
    copyBytes(slabs[slabIndex]!.bytes, filledBytes, chunk, position, position + taken);
    filledBytes += taken;
    blockRemaining -= taken;
    position += taken;
    if (filledBytes === BARE_PIECE_BYTES) finishPiece();
  }
  flush();
  return sentCount - doneCount <= WAITING_PIECES_MAX;
}

function flush(): void {
  if (outgoing.length === 0) return;
  sentCount += outgoing.length;
  worker.postMessage(outgoing);
  outgoing = [];
}

const socket = net.connect({
  host,
  port: Number(port),
  noDelay: true,
  onread: { buffer: new Uint8Array(READ_BYTES), callback: handleRead },
});
socket.on('connect', () => {
  startedMs = performance.now();
});
socket.on('end', () => {
  if (slabIndex !== -1) finishPiece();
  flush();
});
worker.on('message', (indexes: readonly number[]) => {
  freeSlabs.push(...indexes);
  doneCount += indexes.length;
  if (sentCount - doneCount <= WAITING_PIECES_MAX) socket.resume();
  if (doneCount < pieceCount) return;
  console.log(JSON.stringify({ event: 'complete', transferSeconds: (performance.now() - startedMs) / 1000 }));
  worker.postMessage('end');
});
// Stays until it is told to go, as a client that seeds: its account is read meanwhile.
setInterval(() => undefined, 1_000);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(0));
