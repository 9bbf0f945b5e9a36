// Memory for blocks on their way to peers, over all torrents: large buffers are used again, and the sum is bounded.
import { assert } from '../../base/assert.ts';
import { BLOCK_BYTES, SEND_BUFFER_TOTAL_MAX_BYTES } from '../../protocol/limits.ts';
import { PIECE_HEADER_BYTES } from '../../protocol/wire/wire-encoder.ts';

/** Blocks in the largest batch: 1 MiB of payload. */
export const BATCH_BLOCKS_MAX = 64;
const LARGE_BYTES = BATCH_BLOCKS_MAX * (BLOCK_BYTES + PIECE_HEADER_BYTES);
/** Below this a fresh array costs less than keeping one. */
const REUSE_FROM_BYTES = 128 * 1024;
const KEPT_BUFFERS_MAX = 16;

export class SendBuffers {
  readonly #kept: Uint8Array[] = [];
  #usedBytes = 0;

  /** Bytes in arrays that are taken. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** So much is on its way that a peer which has a batch under way had better wait with its next one. */
  get isCrowded(): boolean {
    return this.#usedBytes >= KEPT_BUFFERS_MAX * LARGE_BYTES;
  }

  /** Whether a whole batch fits what may be on its way at once. */
  get hasRoom(): boolean {
    return this.#usedBytes + LARGE_BYTES <= SEND_BUFFER_TOTAL_MAX_BYTES;
  }

  /** An array of at least `bytes`, at most a whole batch. To be asked for only while it `hasRoom`. */
  take(bytes: number): Uint8Array {
    const size = bytes >= REUSE_FROM_BYTES ? LARGE_BYTES : bytes;
    assert(bytes <= LARGE_BYTES && this.hasRoom, 'a send buffer is taken while there is room, and for one batch');
    this.#usedBytes += size;
    if (size !== LARGE_BYTES) return new Uint8Array(size);
    return this.#kept.pop() ?? new Uint8Array(LARGE_BYTES);
  }

  release(buffer: Uint8Array): void {
    this.#usedBytes -= buffer.length;
    if (buffer.length === LARGE_BYTES && this.#kept.length < KEPT_BUFFERS_MAX) this.#kept.push(buffer);
  }
}
