// Memory without bytes. Nobody in a crowd ever reads a block, so all slabs are one and the same, and so are the buffers of
// batches that go out: of those only the headers count.

import { BATCH_BLOCKS_MAX, SendBuffers } from '../../src/engine/torrent/send-buffers.ts';
import { BLOCK_BYTES, SLAB_BYTES } from '../../src/protocol/limits.ts';
import { PIECE_HEADER_BYTES, writePieceHeader } from '../../src/protocol/wire/wire-encoder.ts';
import { BlockPool, type Slab } from '../../src/storage/block-pool.ts';

/** Every slab is this one. */
export class CrowdPool extends BlockPool {
  readonly #bytes = new Uint8Array(SLAB_BYTES);
  readonly #slabs = new Map<number, Slab>();

  constructor() {
    super({ maxBytes: SLAB_BYTES, shared: false });
  }

  override take(lengthBytes: number): Slab {
    let slab = this.#slabs.get(lengthBytes);
    if (slab === undefined) {
      slab = { bytes: this.#bytes.subarray(0, lengthBytes) };
      this.#slabs.set(lengthBytes, slab);
    }
    return slab;
  }

  override release(): void {}
}

/** Every buffer is this one: whoever writes to a socket has had its headers restored a moment before. */
export class CrowdSendBuffers extends SendBuffers {
  readonly #bytes = new Uint8Array(BATCH_BLOCKS_MAX * (PIECE_HEADER_BYTES + BLOCK_BYTES));

  override get hasRoom(): boolean {
    return true;
  }

  override take(): Uint8Array {
    return this.#bytes;
  }

  override release(): void {}

  /** The headers that stand before the targets of a read, which somebody else may have written over meanwhile. */
  restoreHeaders(pieceIndex: number, begin: number, targets: readonly Uint8Array[]): void {
    let at = begin;
    for (const { buffer, byteOffset, length } of targets) {
      // What a reader of a file wants has no headers.
      if (buffer !== this.#bytes.buffer) return;
      writePieceHeader(this.#bytes, byteOffset - PIECE_HEADER_BYTES, pieceIndex, at, length);
      at += length;
    }
  }
}
