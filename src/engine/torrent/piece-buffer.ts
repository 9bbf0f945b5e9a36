// The memory of one piece that is coming in: one slab, or for a piece larger than a slab one for each part that has
// begun to arrive. Who holds the slabs: this object, from the first block of a part until the disk has taken it.

import { BLOCK_BYTES, SLAB_BYTES } from '../../protocol/limits.ts';
import type { BlockPool, Slab } from '../../storage/block-pool.ts';

/** A part of a piece whose blocks have all come. */
export interface FilledPart {
  readonly slab: Slab;
  /** From the start of the piece, in bytes. */
  readonly offset: number;
  /** Bytes of the part that belong to the piece, padding included. */
  readonly length: number;
}

export class PieceBuffer {
  readonly pieceIndex: number;
  /** Of the piece in the torrent's byte space, padding included. */
  readonly sizeBytes: number;
  /** SHA-1 of each block received, joined, kept only for a piece that failed before. */
  blockSha1s: Uint8Array | undefined;
  /** Parts handed to the disk and not yet answered. */
  partsInFlight = 0;
  /** All blocks have come. */
  isComplete = false;
  /** A part could not be written. */
  hasFailed = false;
  readonly #requestableBytes: number;
  readonly #pool: BlockPool;
  readonly #slabs: (Slab | undefined)[];
  /** Blocks of each part that have not come. */
  readonly #missingBlocks: Uint16Array;

  /** `requestableBytes` is what peers are asked for; the rest of the piece reads as zeros. */
  constructor(pool: BlockPool, pieceIndex: number, sizeBytes: number, requestableBytes: number) {
    this.#pool = pool;
    this.pieceIndex = pieceIndex;
    this.sizeBytes = sizeBytes;
    this.#requestableBytes = requestableBytes;
    const partCount = Math.max(1, Math.ceil(sizeBytes / SLAB_BYTES));
    this.#slabs = new Array<Slab | undefined>(partCount).fill(undefined);
    this.#missingBlocks = new Uint16Array(partCount);
    for (let part = 0; part < partCount; part++) {
      const bytes = Math.max(0, Math.min(requestableBytes - part * SLAB_BYTES, SLAB_BYTES));
      this.#missingBlocks[part] = Math.ceil(bytes / BLOCK_BYTES);
    }
  }

  /** The piece is larger than a slab and goes to the disk part by part. */
  get isInParts(): boolean {
    return this.#slabs.length > 1;
  }

  /** Where the block at `begin` is to be written: `bytes[begin % SLAB_BYTES]` on. Undefined when no memory is left. */
  slabAt(begin: number): Slab | undefined {
    const part = Math.floor(begin / SLAB_BYTES);
    let slab = this.#slabs[part];
    if (slab === undefined) {
      const offset = part * SLAB_BYTES;
      const bytes = Math.min(this.sizeBytes - offset, SLAB_BYTES);
      // A slab may hold another piece's bytes; what is not asked for must read as zeros.
      slab = this.#pool.take(bytes, Math.min(bytes, Math.max(0, this.#requestableBytes - offset)));
      this.#slabs[part] = slab;
    }
    return slab;
  }

  /** The bytes of a block that has come, with the padding that may follow its last byte. */
  blockBytes(begin: number): Uint8Array {
    const offset = begin % SLAB_BYTES;
    return this.slabAt(begin)!.bytes.subarray(offset, offset + Math.min(BLOCK_BYTES, this.sizeBytes - begin));
  }

  /** Counts a block that has come; returns its part when that is now full. The caller releases the slab. */
  handleBlock(begin: number): FilledPart | undefined {
    const part = Math.floor(begin / SLAB_BYTES);
    this.#missingBlocks[part]!--;
    if (this.#missingBlocks[part] !== 0) return undefined;
    const slab = this.#slabs[part]!;
    this.#slabs[part] = undefined;
    const offset = part * SLAB_BYTES;
    return { slab, offset, length: Math.min(this.sizeBytes - offset, SLAB_BYTES) };
  }

  /** Gives the memory back. */
  release(): void {
    for (let part = 0; part < this.#slabs.length; part++) {
      const slab = this.#slabs[part];
      if (slab !== undefined) this.#pool.release(slab);
      this.#slabs[part] = undefined;
    }
  }
}
