// Memory for blocks on their way to peers, over all torrents: buffers are used again, and the sum is bounded. A fresh one
// for each batch would keep the garbage collector busier than the sockets: a torrent of small files is sent file by file.
import { assert } from '../../base/assert.ts';
import { BLOCK_BYTES, SEND_BUFFER_TOTAL_MAX_BYTES } from '../../protocol/limits.ts';
import { PIECE_HEADER_BYTES } from '../../protocol/wire/wire-encoder.ts';

/** Blocks in the largest batch: 1 MiB of payload. */
export const BATCH_BLOCKS_MAX = 64;
const MESSAGE_BYTES = BLOCK_BYTES + PIECE_HEADER_BYTES;
const LARGE_BYTES = BATCH_BLOCKS_MAX * MESSAGE_BYTES;
/** Below this a fresh array costs less than keeping one, and a peer that asks for crumbs takes no more than crumbs. */
const REUSE_FROM_BYTES = BLOCK_BYTES / 2;
const KEPT_MAX_BYTES = 16 * LARGE_BYTES;

export class SendBuffers {
  // BOUNDED: KEPT_MAX_BYTES. By size: 1, 2, 4, … blocks with their headers.
  readonly #kept = new Map<number, Uint8Array[]>();
  #keptBytes = 0;
  #usedBytes = 0;

  /** Bytes in arrays that are taken. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Bytes in arrays that wait to be taken again. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** So much is on its way that a peer which has a batch under way had better wait with its next one. */
  get isCrowded(): boolean {
    return this.#usedBytes >= KEPT_MAX_BYTES;
  }

  /** Whether a whole batch fits what may be on its way at once. */
  get hasRoom(): boolean {
    return this.#usedBytes + LARGE_BYTES <= SEND_BUFFER_TOTAL_MAX_BYTES;
  }

  /** An array of at least `bytes`, at most a whole batch. To be asked for only while it `hasRoom`. */
  take(bytes: number): Uint8Array {
    assert(bytes <= LARGE_BYTES && this.hasRoom, 'a send buffer is taken while there is room, and for one batch');
    let size = bytes;
    if (bytes >= REUSE_FROM_BYTES) for (size = MESSAGE_BYTES; size < bytes; ) size *= 2;
    this.#usedBytes += size;
    const kept = this.#kept.get(size)?.pop();
    if (kept === undefined) return new Uint8Array(size);
    this.#keptBytes -= size;
    return kept;
  }

  release(buffer: Uint8Array): void {
    const size = buffer.length;
    this.#usedBytes -= size;
    if (size < REUSE_FROM_BYTES || this.#keptBytes + size > KEPT_MAX_BYTES) return;
    this.#keptBytes += size;
    const kept = this.#kept.get(size);
    if (kept === undefined) this.#kept.set(size, [buffer]);
    else kept.push(buffer);
  }
}
