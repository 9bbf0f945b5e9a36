// Reads pieces of one file back from the disk and hashes their blocks: the leaves of BEP 52, which no .torrent file
// holds. A little at a time, so that nothing else waits for it; one job at a time. Knows no peer and no tree.
import type { DiskError, Storage } from '../../platform/disk.ts';
import { BLOCK_BYTES } from '../../protocol/limits.ts';
import { MERKLE_HASH_BYTES, type Sha256 } from '../../protocol/merkle/index.ts';

/** Blocks read and hashed between two turns of everything else: a fraction of a millisecond. */
const BATCH_BLOCKS = 16;

export interface LeafJob {
  /** The file's data from here on: `lengthBytes` in pieces of `pieceLengthBytes`, the last of which may be short. */
  readonly firstPiece: number;
  readonly lengthBytes: number;
  readonly pieceLengthBytes: number;
}

export type LeafOutcome =
  | { readonly ok: true; readonly leaves: Uint8Array }
  | { readonly ok: false; readonly pieceIndex: number; readonly error: DiskError };

interface LeafMemory {
  /** What is being hashed. */
  readonly buffer: Uint8Array;
  readonly leaves: Uint8Array;
}

export class LeafReader {
  readonly #storage: Pick<Storage, 'read'>;
  readonly #sha256: Sha256;
  #isBusy = false;

  constructor(storage: Pick<Storage, 'read'>, sha256: Sha256) {
    this.#storage = storage;
    this.#sha256 = sha256;
  }

  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** One job after the other: not while `isBusy`. The leaves are those of the data alone, without pads. */
  read(job: LeafJob, onDone: (outcome: LeafOutcome) => void): void {
    this.#isBusy = true;
    const leaves = new Uint8Array(Math.ceil(job.lengthBytes / BLOCK_BYTES) * MERKLE_HASH_BYTES);
    // Held by the job alone: each torrent has a reader, and few are ever asked.
    const buffer = new Uint8Array(Math.min(BATCH_BLOCKS * BLOCK_BYTES, job.lengthBytes));
    this.#readBatch(job, 0, { buffer, leaves }, onDone);
  }

  #readBatch(job: LeafJob, offset: number, memory: LeafMemory, onDone: (outcome: LeafOutcome) => void): void {
    const { buffer, leaves } = memory;
    const { firstPiece, lengthBytes, pieceLengthBytes } = job;
    const begin = offset % pieceLengthBytes;
    const pieceIndex = firstPiece + (offset - begin) / pieceLengthBytes;
    const bytes = Math.min(buffer.length, pieceLengthBytes - begin, lengthBytes - offset);
    const data = buffer.subarray(0, bytes);
    this.#storage.read(pieceIndex, begin, [data], ({ error }) => {
      if (error !== undefined) {
        this.#isBusy = false;
        onDone({ ok: false, pieceIndex, error });
        return;
      }
      for (let start = 0; start < bytes; start += BLOCK_BYTES) {
        const at = ((offset + start) / BLOCK_BYTES) * MERKLE_HASH_BYTES;
        leaves.set(this.#sha256(data.subarray(start, start + BLOCK_BYTES)), at);
      }
      if (offset + bytes < lengthBytes) {
        this.#readBatch(job, offset + bytes, memory, onDone);
        return;
      }
      this.#isBusy = false;
      onDone({ ok: true, leaves });
    });
  }
}
