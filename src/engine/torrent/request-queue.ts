// Blocks that one peer has asked for and not yet been sent, in order of arrival. Requests that continue one another
// leave as one batch, so that a single read and a single socket write serve them.
import { INCOMING_REQUESTS_MAX, PIECE_LENGTH_MAX_BYTES } from '../../protocol/limits.ts';

export interface BlockRequest {
  readonly pieceIndex: number;
  readonly begin: number;
  readonly length: number;
}

/** A run of requests of one piece, each starting where the one before it ends. */
export interface RequestBatch {
  readonly pieceIndex: number;
  readonly begin: number;
  /** Length of each block, in order. */
  readonly lengths: readonly number[];
  /** Sum of `lengths`. */
  readonly totalBytes: number;
}

export class RequestQueue {
  // BOUNDED: INCOMING_REQUESTS_MAX, further ones are refused.
  #requests: BlockRequest[] = [];
  /** How many of them start at a place, so that most need not be looked for. BOUNDED: as the requests. */
  readonly #starts = new Map<number, number>();

  get length(): number {
    return this.#requests.length;
  }

  /** False when the queue is full. The same request twice is kept once. */
  add(pieceIndex: number, begin: number, length: number): boolean {
    if (this.#requests.length >= INCOMING_REQUESTS_MAX) return false;
    if (this.#indexOf(pieceIndex, begin, length) !== -1) return true;
    const request = { pieceIndex, begin, length };
    const key = startKey(request);
    this.#requests.push(request);
    this.#starts.set(key, (this.#starts.get(key) ?? 0) + 1);
    return true;
  }

  /** False when it is not there: sent already, or never asked for. */
  cancel(pieceIndex: number, begin: number, length: number): boolean {
    const index = this.#indexOf(pieceIndex, begin, length);
    if (index === -1) return false;
    this.#forget(index, 1);
    return true;
  }

  /** How many bytes the next batch of at most `maxBytes` would have; at least one block when there is one. */
  takeBatch(maxBytes: number): RequestBatch | undefined {
    const first = this.#requests[0];
    if (first === undefined) return undefined;
    const lengths = [first.length];
    let totalBytes = first.length;
    for (let i = 1; i < this.#requests.length; i++) {
      const next = this.#requests[i]!;
      const continues = next.pieceIndex === first.pieceIndex && next.begin === first.begin + totalBytes;
      if (!continues || totalBytes + next.length > maxBytes) break;
      lengths.push(next.length);
      totalBytes += next.length;
    }
    this.#forget(0, lengths.length);
    return { pieceIndex: first.pieceIndex, begin: first.begin, lengths, totalBytes };
  }

  /** Bytes of the first request; 0 when there is none. */
  get firstBytes(): number {
    return this.#requests[0]?.length ?? 0;
  }

  /** Empties the queue except for what `keep` holds on to, and returns what was dropped. */
  drop(keep?: (request: BlockRequest) => boolean): BlockRequest[] {
    const dropped: BlockRequest[] = [];
    const kept: BlockRequest[] = [];
    for (const request of this.#requests) (keep?.(request) === true ? kept : dropped).push(request);
    this.#requests = kept;
    for (const request of dropped) this.#forgetStart(request);
    return dropped;
  }

  #forget(index: number, count: number): void {
    for (let i = index; i < index + count; i++) this.#forgetStart(this.#requests[i]!);
    this.#requests.splice(index, count);
  }

  #forgetStart(request: BlockRequest): void {
    const key = startKey(request);
    const count = this.#starts.get(key)!;
    if (count === 1) this.#starts.delete(key);
    else this.#starts.set(key, count - 1);
  }

  #indexOf(pieceIndex: number, begin: number, length: number): number {
    if (!this.#starts.has(startKey({ pieceIndex, begin }))) return -1;
    for (let i = this.#requests.length - 1; i >= 0; i--) {
      const request = this.#requests[i]!;
      if (request.begin === begin && request.pieceIndex === pieceIndex && request.length === length) return i;
    }
    return -1;
  }
}

function startKey({ pieceIndex, begin }: Pick<BlockRequest, 'pieceIndex' | 'begin'>): number {
  return pieceIndex * PIECE_LENGTH_MAX_BYTES + begin;
}
