// The memory of one piece that is coming in: one slab, or for more bytes than a slab holds one for each part that has
// begun to arrive. Padding behind the last block costs none: in a v2 torrent of small files it is most of each piece.
// Who holds the slabs: this object, from the first block of a part until the disk has taken it.

import { BLOCK_BYTES, SLAB_BYTES } from '../../protocol/limits.ts';
import type { BlockPool, Slab } from '../../storage/block-pool.ts';

/** A part of a piece whose blocks have all come. */
export interface FilledPart {
  readonly slab: Slab;
  /** From the start of the piece, in bytes. */
  readonly offset: number;
  /** Bytes of the part's blocks; where several parts come, the piece's last block with the padding that follows it. */
  readonly length: number;
}

export class PieceBuffer {
  readonly pieceIndex: number;
  /** SHA-1 of each block received, joined, kept only for a piece that failed before. */
  blockSha1s: Uint8Array | undefined;
  /** Parts handed to the disk and not yet answered. */
  partsInFlight = 0;
  /** All blocks have come. */
  isComplete = false;
  /** A part could not be written. */
  hasFailed = false;
  readonly #requestableBytes: number;
  /** What peers send; in parts, up to the end of the last block or of the piece. */
  readonly #keptBytes: number;
  readonly #pool: BlockPool;
  readonly #slabs: (Slab | undefined)[];
  /** Blocks of each part that have not come. */
  readonly #missingBlocks: Uint16Array;

  /**
   * `sizeBytes` is the piece's in the torrent's byte space, padding included; `requestableBytes`, at least one, is what
   * peers are asked for. The rest of the piece reads as zeros.
   */
  constructor(pool: BlockPool, pieceIndex: number, sizeBytes: number, requestableBytes: number) {
    this.#pool = pool;
    this.pieceIndex = pieceIndex;
    this.#requestableBytes = requestableBytes;
    // Parts are read back and hashed with the padding: the SHA-1 of the last block has to cover it here as well.
    const toBlockEnd = Math.min(sizeBytes, Math.ceil(requestableBytes / BLOCK_BYTES) * BLOCK_BYTES);
    this.#keptBytes = requestableBytes > SLAB_BYTES ? toBlockEnd : requestableBytes;
    const partCount = Math.ceil(this.#keptBytes / SLAB_BYTES);
    this.#slabs = new Array<Slab | undefined>(partCount).fill(undefined);
    this.#missingBlocks = new Uint16Array(partCount);
    for (let part = 0; part < partCount; part++) {
      this.#missingBlocks[part] = Math.ceil(this.#bytesOfPart(part) / BLOCK_BYTES);
    }
  }

  /** More bytes come than a slab holds: they go to the disk part by part. */
  get isInParts(): boolean {
    return this.#slabs.length > 1;
  }

  /** Where the block at `begin` is to be written: `bytes[begin % SLAB_BYTES]` on. Undefined when no memory is left. */
  slabAt(begin: number): Slab | undefined {
    const part = Math.floor(begin / SLAB_BYTES);
    let slab = this.#slabs[part];
    if (slab === undefined) {
      const bytes = this.#bytesOfPart(part);
      // A slab may hold another piece's bytes; what is not asked for must read as zeros.
      slab = this.#pool.take(bytes, Math.min(bytes, this.#requestableBytes - part * SLAB_BYTES));
      this.#slabs[part] = slab;
    }
    return slab;
  }

  /** The bytes of a block that has come; in parts, with the padding that may follow its last byte. */
  blockBytes(begin: number): Uint8Array {
    const offset = begin % SLAB_BYTES;
    return this.slabAt(begin)!.bytes.subarray(offset, offset + Math.min(BLOCK_BYTES, this.#keptBytes - begin));
  }

  /** Counts a block that has come; returns its part when that is now full. The caller releases the slab. */
  handleBlock(begin: number): FilledPart | undefined {
    const part = Math.floor(begin / SLAB_BYTES);
    this.#missingBlocks[part]!--;
    if (this.#missingBlocks[part] !== 0) return undefined;
    const slab = this.#slabs[part]!;
    this.#slabs[part] = undefined;
    return { slab, offset: part * SLAB_BYTES, length: this.#bytesOfPart(part) };
  }

  /** A block that has come is thrown away: it comes again. Only where all fits one slab. */
  dropBlock(): void {
    this.#missingBlocks[0]!++;
  }

  /** The piece that the slab holds is not good: those of its blocks that are not kept come again. */
  reopen(slab: Slab, droppedCount: number, blockSha1s: Uint8Array | undefined): void {
    this.#slabs[0] = slab;
    this.#missingBlocks[0] = droppedCount;
    this.blockSha1s = blockSha1s;
    this.isComplete = false;
  }

  /** Gives the memory back. */
  release(): void {
    for (let part = 0; part < this.#slabs.length; part++) {
      const slab = this.#slabs[part];
      if (slab !== undefined) this.#pool.release(slab);
      this.#slabs[part] = undefined;
    }
  }

  #bytesOfPart(part: number): number {
    return Math.min(this.#keptBytes - part * SLAB_BYTES, SLAB_BYTES);
  }
}
