// The worker of the bare leecher loop: hashes each piece, compares, writes it to its place. One message for all pieces that
// came in one turn, one back.
import { createHash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { BARE_PIECE_BYTES } from './bare-stream.ts';

export interface BareWorkerData {
  readonly path: string;
  /** SHA-1 of each piece, joined. */
  readonly digests: Uint8Array;
}

export interface BarePiece {
  readonly slabIndex: number;
  readonly pieceIndex: number;
  readonly lengthBytes: number;
  /** Sent with the first piece in this slab. */
  readonly slab: SharedArrayBuffer | undefined;
}

const { path, digests } = workerData as BareWorkerData;
const file = openSync(path, 'w');
const slabs = new Map<number, Uint8Array>();

parentPort?.on('message', (pieces: readonly BarePiece[] | 'end') => {
  if (pieces === 'end') {
    closeSync(file);
    parentPort?.close();
    return;
  }
  for (const { slabIndex, pieceIndex, lengthBytes, slab } of pieces) {
    if (slab !== undefined) slabs.set(slabIndex, new Uint8Array(slab));
    const bytes = slabs.get(slabIndex)!.subarray(0, lengthBytes);
    const digest = createHash('sha1').update(bytes).digest();
    if (!digest.equals(digests.subarray(pieceIndex * 20, pieceIndex * 20 + 20))) {
      throw new Error(`piece ${pieceIndex} is wrong`);
    }
    writeSync(file, bytes, 0, lengthBytes, pieceIndex * BARE_PIECE_BYTES);
  }
  parentPort?.postMessage(pieces.map(({ slabIndex }) => slabIndex));
});
