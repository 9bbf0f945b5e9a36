// The blocks of one piece that is being fetched: which are free, who was asked for which, who sent which.
// Flat arrays, because one piece has up to 16,384 blocks. Knows no other piece and no peer but by its number.
import { assert } from '../../base/assert.ts';
import { BLOCK_BYTES } from '../../protocol/limits.ts';

/** Peers that may be asked for one block at a time (end game). */
export const COPIES_MAX = 3;

const RECEIVED = 255;

export class PieceBlocks {
  pieceIndex = -1;
  byteCount = 0;
  blockCount = 0;
  /** Blocks neither asked for nor here. */
  freeCount = 0;
  receivedCount = 0;
  /** Requests under way; a block asked of two peers counts twice. */
  outstandingCount = 0;
  /** The peer on parole that shall fetch the whole piece, so that blame falls on it alone; -1 = none. */
  exclusivePeerId = -1;
  /** Begun by a peer that is fast enough to fetch all of it: slow ones better stay away. */
  isFastOwned = false;
  /** The one peer on probation that has a part in the piece; -1 = none. */
  strangerId = -1;
  /** It failed before: peers on probation stay away from it. */
  isRetry = false;

  /** Per block: requests under way (0 to 3), or RECEIVED. */
  readonly #copies: Uint8Array;
  /** Three places a block: the peers asked. Once it is here, the first is the sender. */
  readonly #peers: Int32Array;
  /** Blocks with exactly one, two requests under way. */
  readonly #blocksWith = new Int32Array(COPIES_MAX + 1);
  /** No free block stands below. */
  #firstFree = 0;

  constructor(capacity: number) {
    this.#copies = new Uint8Array(capacity);
    this.#peers = new Int32Array(capacity * COPIES_MAX);
  }

  get capacity(): number {
    return this.#copies.length;
  }

  get isComplete(): boolean {
    return this.receivedCount === this.blockCount;
  }

  /** Nothing here, nothing under way: the piece need not stay open. */
  get isIdle(): boolean {
    return this.receivedCount === 0 && this.outstandingCount === 0;
  }

  /** Starts anew for another piece. */
  reset(pieceIndex: number, byteCount: number): void {
    this.pieceIndex = pieceIndex;
    this.byteCount = byteCount;
    this.blockCount = Math.ceil(byteCount / BLOCK_BYTES);
    assert(this.blockCount <= this.capacity, `piece ${pieceIndex} has more blocks than fit`);
    this.freeCount = this.blockCount;
    this.receivedCount = 0;
    this.outstandingCount = 0;
    this.exclusivePeerId = -1;
    this.isFastOwned = false;
    this.strangerId = -1;
    this.isRetry = false;
    this.#copies.fill(0);
    this.#blocksWith.fill(0);
    this.#firstFree = 0;
  }

  blockLength(block: number): number {
    return Math.min(BLOCK_BYTES, this.byteCount - block * BLOCK_BYTES);
  }

  isReceived(block: number): boolean {
    return this.#copies[block] === RECEIVED;
  }

  copiesOf(block: number): number {
    const copies = this.#copies[block]!;
    return copies === RECEIVED ? 0 : copies;
  }

  isRequestedFrom(block: number, peerId: number): boolean {
    return this.#placeOf(block, peerId) >= 0;
  }

  /** Marks the lowest free block as asked of the peer and returns it. Only when `freeCount` > 0. */
  takeFree(peerId: number): number {
    let block = this.#firstFree;
    while (block < this.blockCount && this.#copies[block] !== 0) block++;
    assert(block < this.blockCount, `piece ${this.pieceIndex} has no free block`);
    this.#firstFree = block + 1;
    this.freeCount--;
    this.#addRequest(block, peerId);
    return block;
  }

  /** A block that `copies` peers were asked for, and not this one; -1 when there is none. */
  findAsked(peerId: number, copies: number): number {
    if (this.#blocksWith[copies] === 0) return -1;
    for (let block = 0; block < this.blockCount; block++) {
      if (this.#copies[block] === copies && this.#placeOf(block, peerId) < 0) return block;
    }
    return -1;
  }

  /** Marks a block that others were asked for as asked of this peer too. Only below `COPIES_MAX`. */
  takeCopy(block: number, peerId: number): void {
    const copies = this.copiesOf(block);
    assert(copies > 0 && copies < COPIES_MAX, `block ${block} has ${copies} copies`);
    assert(this.#placeOf(block, peerId) < 0, `block ${block} is asked twice of one peer`);
    this.#addRequest(block, peerId);
  }

  /** Forgets that the peer was asked; false when it was not. */
  release(block: number, peerId: number): boolean {
    const place = this.#placeOf(block, peerId);
    if (place < 0) return false;
    const copies = this.#copies[block]!;
    const first = block * COPIES_MAX;
    this.#peers[first + place] = this.#peers[first + copies - 1]!;
    this.#copies[block] = copies - 1;
    this.outstandingCount--;
    this.#blocksWith[copies]!--;
    if (copies > 1) this.#blocksWith[copies - 1]!++;
    else {
      this.freeCount++;
      if (block < this.#firstFree) this.#firstFree = block;
    }
    return true;
  }

  /** The block is here. Appends the peers that were asked for it too to `others`; their requests are forgotten. */
  receive(block: number, peerId: number, others: number[]): void {
    const copies = this.#copies[block]!;
    const first = block * COPIES_MAX;
    for (let place = 0; place < copies; place++) {
      const id = this.#peers[first + place]!;
      if (id !== peerId) others.push(id);
    }
    if (copies === 0) this.freeCount--;
    else this.#blocksWith[copies]!--;
    this.outstandingCount -= copies;
    this.receivedCount++;
    this.#copies[block] = RECEIVED;
    this.#peers[first] = peerId;
  }

  /** The block that is here is thrown away: it may be asked for again. */
  drop(block: number): void {
    assert(this.isReceived(block), `block ${block} is not here`);
    this.#copies[block] = 0;
    this.receivedCount--;
    this.freeCount++;
    if (block < this.#firstFree) this.#firstFree = block;
  }

  /** Who sent the block; -1 while it is not here. */
  senderOf(block: number): number {
    return this.#copies[block] === RECEIVED ? this.#peers[block * COPIES_MAX]! : -1;
  }

  /** The peers asked for the block and not yet answered. */
  requestersOf(block: number): number[] {
    const first = block * COPIES_MAX;
    return [...this.#peers.subarray(first, first + this.copiesOf(block))];
  }

  assertInvariants(): void {
    const blocksWith = [0, 0, 0, 0];
    let received = 0;
    for (let block = 0; block < this.blockCount; block++) {
      if (this.isReceived(block)) {
        received++;
        continue;
      }
      const requesters = this.requestersOf(block);
      assert(requesters.length <= COPIES_MAX, `block ${block} has too many copies`);
      assert(new Set(requesters).size === requesters.length, `block ${block} is asked twice of one peer`);
      blocksWith[requesters.length]!++;
      assert(requesters.length > 0 || block >= this.#firstFree, `free block ${block} is out of sight`);
    }
    assert(this.receivedCount === received, 'received blocks miscounted');
    assert(this.freeCount === blocksWith[0], 'free blocks miscounted');
    assert(this.outstandingCount === blocksWith[1]! + 2 * blocksWith[2]! + 3 * blocksWith[3]!, 'requests miscounted');
    for (let copies = 1; copies <= COPIES_MAX; copies++) {
      assert(this.#blocksWith[copies] === blocksWith[copies], `blocks with ${copies} copies miscounted`);
    }
  }

  #placeOf(block: number, peerId: number): number {
    const copies = this.copiesOf(block);
    const first = block * COPIES_MAX;
    for (let place = 0; place < copies; place++) if (this.#peers[first + place] === peerId) return place;
    return -1;
  }

  #addRequest(block: number, peerId: number): void {
    const copies = this.#copies[block]!;
    this.#peers[block * COPIES_MAX + copies] = peerId;
    this.#copies[block] = copies + 1;
    this.outstandingCount++;
    if (copies > 0) this.#blocksWith[copies]!--;
    this.#blocksWith[copies + 1]!++;
  }
}
