// The pieces being fetched and the requests under way, seen from the piece and from the peer. Keeps both views and
// the counters equal. Knows no priorities, no availability and no peer state: what to fetch is decided elsewhere.
import { assert } from '../../base/assert.ts';
import { BLOCK_BYTES } from '../../protocol/limits.ts';
import { PieceBlocks } from './piece-blocks.ts';

/** One block as a request names it. Objects in an `out` array are reused by the next call. */
export interface BlockRef {
  pieceIndex: number;
  blockIndex: number;
  /** Offset of the block in its piece, in bytes. */
  begin: number;
  /** Bytes of the block: 16 KiB, less at the end of a piece. */
  length: number;
}

/** A request that was under way and that the peer should be told to cancel. */
export interface CancelledRequest extends BlockRef {
  readonly peerId: number;
}

/** What is known of one peer's requests. */
export interface PeerRequests {
  readonly id: number;
  outstandingCount: number;
  /** Blocks of it in pieces that are not judged yet. */
  heldCount: number;
  /** Requests given up (cancelled, timed out) whose blocks may still arrive without being a violation. */
  lateCount: number;
  /** Piece → requests under way. BOUNDED: by the peer's outstanding requests. */
  readonly countByPiece: Map<number, number>;
  /** The piece it took a block of last. */
  currentPieceIndex: number;
  /** `changeCount` and number of pieces of the peer when a search for a free block found nothing; -1 = never. */
  nothingFreeAt: number;
  nothingFreeHaveCount: number;
}

/** Emptied `PieceBlocks` kept for the next piece, counted in blocks (13 bytes each). */
const POOL_MAX_BLOCKS = 65_536;

export class OpenPieces {
  /** In the order of opening. BOUNDED: by the picker's maxOpenPieces plus two a peer, plus late blocks. */
  readonly #open = new Map<number, PieceBlocks>();
  /** Open pieces with a free block. */
  readonly #hungry = new Set<PieceBlocks>();
  /** Complete pieces whose senders are still of interest. BOUNDED: by the disk's back-pressure. */
  readonly #complete = new Map<number, PieceBlocks>();
  /** BOUNDED: one a connected peer that was ever asked for a block. */
  readonly #peers = new Map<number, PeerRequests>();
  readonly #blockCapacity: number;
  readonly #pool: PieceBlocks[] = [];
  #freeBlockCount = 0;
  #changeCount = 0;
  #copyCount = 0;
  /** Blocks that came, had been asked for, and were here already. */
  duplicateCount = 0;

  /** `pieceLengthBytes`: of the largest piece. */
  constructor(pieceLengthBytes: number) {
    this.#blockCapacity = Math.ceil(pieceLengthBytes / BLOCK_BYTES);
  }

  get count(): number {
    return this.#open.size;
  }

  /** No piece is open or being hashed, and no peer is known. */
  get isEmpty(): boolean {
    return this.#open.size === 0 && this.#complete.size === 0 && this.#peers.size === 0;
  }

  /** Pieces that have all their blocks and are not judged yet. */
  get completeCount(): number {
    return this.#complete.size;
  }

  /** Blocks of open pieces neither here nor asked for. */
  get freeBlockCount(): number {
    return this.#freeBlockCount;
  }

  /** Grows whenever a request is given up, so that a block may be asked for again. */
  get changeCount(): number {
    return this.#changeCount;
  }

  get hungry(): ReadonlySet<PieceBlocks> {
    return this.#hungry;
  }

  /** Requests under way beyond one for each block. */
  get copyCount(): number {
    return this.#copyCount;
  }

  /** Every peer that was ever asked for something, those with nothing under way among them. */
  peers(): MapIterator<PeerRequests> {
    return this.#peers.values();
  }

  /** What the peer was asked for, about the latest first: pieces by when it was first asked for them, blocks from the end. */
  *latestOf({ id, countByPiece }: PeerRequests): Generator<[pieceIndex: number, blockIndex: number]> {
    for (const [pieceIndex, count] of [...countByPiece].reverse()) {
      const piece = this.#open.get(pieceIndex)!;
      let left = count;
      for (let block = piece.blockCount - 1; left > 0; block--) {
        if (!piece.isRequestedFrom(block, id)) continue;
        left--;
        yield [pieceIndex, block];
      }
    }
  }

  values(): MapIterator<PieceBlocks> {
    return this.#open.values();
  }

  get(pieceIndex: number): PieceBlocks | undefined {
    return this.#open.get(pieceIndex);
  }

  complete(pieceIndex: number): PieceBlocks | undefined {
    return this.#complete.get(pieceIndex);
  }

  peer(peerId: number): PeerRequests | undefined {
    return this.#peers.get(peerId);
  }

  peerOrNew(peerId: number): PeerRequests {
    let peer = this.#peers.get(peerId);
    if (peer === undefined) {
      peer = {
        id: peerId,
        outstandingCount: 0,
        heldCount: 0,
        lateCount: 0,
        countByPiece: new Map(),
        currentPieceIndex: -1,
        nothingFreeAt: -1,
        nothingFreeHaveCount: 0,
      };
      this.#peers.set(peerId, peer);
    }
    return peer;
  }

  open(pieceIndex: number, byteCount: number): PieceBlocks {
    const piece = this.#pool.pop() ?? new PieceBlocks(this.#blockCapacity);
    piece.reset(pieceIndex, byteCount);
    this.#open.set(pieceIndex, piece);
    this.#hungry.add(piece);
    this.#freeBlockCount += piece.blockCount;
    return piece;
  }

  /** Asks the peer for free blocks of the piece, lowest first: fills `out` from `filled` up to `limit`. */
  takeFree(piece: PieceBlocks, peer: PeerRequests, out: BlockRef[], filled: number, limit: number): number {
    const count = Math.min(limit - filled, piece.freeCount);
    for (let i = filled; i < filled + count; i++) writeBlockRef(out, i, piece, piece.takeFree(peer.id));
    this.#freeBlockCount -= count;
    if (piece.freeCount === 0) this.#hungry.delete(piece);
    this.#countRequests(peer, piece.pieceIndex, count);
    return filled + count;
  }

  /** Asks the peer for blocks that `copies` others were asked for already. */
  takeDuplicates(
    piece: PieceBlocks,
    peer: PeerRequests,
    copies: number,
    out: BlockRef[],
    filled: number,
    limit: number,
  ): number {
    let next = filled;
    while (next < limit) {
      const block = piece.findAsked(peer.id, copies);
      if (block < 0) break;
      this.takeCopy(piece, block, peer, out, next++);
    }
    return next;
  }

  /** Asks the peer for this block, which others were asked for already; writes it to `out[filled]`. */
  takeCopy(piece: PieceBlocks, block: number, peer: PeerRequests, out: BlockRef[], filled: number): number {
    piece.takeCopy(block, peer.id);
    this.#copyCount++;
    writeBlockRef(out, filled, piece, block);
    this.#countRequests(peer, piece.pieceIndex, 1);
    return filled + 1;
  }

  /** The peer sent the block. Appends the other peers asked for it; what they send of it now comes late. */
  receive(piece: PieceBlocks, block: number, peer: PeerRequests, others: number[]): void {
    if (piece.isRequestedFrom(block, peer.id)) this.#countRequests(peer, piece.pieceIndex, -1);
    else peer.lateCount--;
    const copies = piece.copiesOf(block);
    if (copies === 0) this.#freeBlockCount--;
    this.#copyCount -= Math.max(0, copies - 1);
    piece.receive(block, peer.id, others);
    peer.heldCount++;
    if (piece.freeCount === 0) this.#hungry.delete(piece);
    for (const id of others) this.#countLate(id, piece.pieceIndex, 1);
  }

  /** Gives one request up; false when there was none. */
  release(piece: PieceBlocks, block: number, peerId: number): boolean {
    if (!piece.release(block, peerId)) return false;
    this.#handleReleased(piece, block, peerId);
    return true;
  }

  /** Gives all requests to the peer up. Returns the pieces that have become idle. */
  releaseAllOf(peerId: number): PieceBlocks[] {
    const peer = this.#peers.get(peerId);
    const idle: PieceBlocks[] = [];
    if (peer === undefined) return idle;
    for (const pieceIndex of [...peer.countByPiece.keys()]) {
      const piece = this.#open.get(pieceIndex)!;
      for (let block = 0; block < piece.blockCount; block++) this.release(piece, block, peerId);
      if (piece.isIdle) idle.push(piece);
    }
    return idle;
  }

  forgetPeer(peerId: number): void {
    assert((this.#peers.get(peerId)?.outstandingCount ?? 0) === 0, `peer ${peerId} is forgotten with requests`);
    this.#peers.delete(peerId);
  }

  /** Every block is here: it is no longer open, its senders stay known until `forget`. */
  moveToComplete(piece: PieceBlocks): void {
    this.#open.delete(piece.pieceIndex);
    this.#complete.set(piece.pieceIndex, piece);
  }

  /** A complete piece is open again: all its blocks but those kept are fetched anew. */
  reopen(piece: PieceBlocks, isKept: (block: number) => boolean): void {
    this.#complete.delete(piece.pieceIndex);
    this.#open.set(piece.pieceIndex, piece);
    for (let block = 0; block < piece.blockCount; block++) if (!isKept(block)) this.drop(piece, block);
    piece.isRetry = true;
    piece.strangerId = -1;
    piece.exclusivePeerId = -1;
    this.#changeCount++;
  }

  /** Throws a block of an open piece away that is here. */
  drop(piece: PieceBlocks, block: number): void {
    this.#unhold(piece, block);
    piece.drop(block);
    this.#freeBlockCount++;
    this.#hungry.add(piece);
    this.#changeCount++;
  }

  forget(pieceIndex: number): void {
    const piece = this.#complete.get(pieceIndex);
    if (piece === undefined) return;
    this.#complete.delete(pieceIndex);
    this.#unholdAll(piece);
    this.#recycle(piece);
  }

  /** Closes an open piece whatever its state; the requests under way are returned. */
  close(piece: PieceBlocks): CancelledRequest[] {
    const cancelled: CancelledRequest[] = [];
    for (let block = 0; piece.outstandingCount > 0; block++) {
      for (const peerId of piece.requestersOf(block)) {
        cancelled.push({ ...blockRef(piece, block), peerId });
        this.release(piece, block, peerId);
      }
    }
    this.#unholdAll(piece);
    this.#open.delete(piece.pieceIndex);
    this.#hungry.delete(piece);
    this.#freeBlockCount -= piece.freeCount;
    this.#recycle(piece);
    return cancelled;
  }

  /** Fresh objects, in the order of pieces first asked for. */
  outstandingOf(peerId: number): BlockRef[] {
    const refs: BlockRef[] = [];
    for (const pieceIndex of this.#peers.get(peerId)?.countByPiece.keys() ?? []) {
      const piece = this.#open.get(pieceIndex)!;
      for (let block = 0; block < piece.blockCount; block++) {
        if (piece.isRequestedFrom(block, peerId)) refs.push(blockRef(piece, block));
      }
    }
    return refs;
  }

  assertInvariants(): void {
    let free = 0;
    let copies = 0;
    const counts = new Map<string, number>();
    const held = this.#countHeld();
    for (const [pieceIndex, piece] of this.#open) {
      assert(piece.pieceIndex === pieceIndex, `piece ${pieceIndex} is filed wrong`);
      piece.assertInvariants();
      assert(!piece.isIdle && !piece.isComplete, `piece ${pieceIndex} need not be open`);
      assert(this.#hungry.has(piece) === piece.freeCount > 0, `piece ${pieceIndex} is filed wrong as hungry`);
      free += piece.freeCount;
      for (let block = 0; block < piece.blockCount; block++) {
        copies += Math.max(0, piece.copiesOf(block) - 1);
        for (const id of piece.requestersOf(block)) {
          const key = `${id} ${pieceIndex}`;
          counts.set(key, (counts.get(key) ?? 0) + 1);
        }
      }
    }
    assert(this.#freeBlockCount === free, 'free blocks miscounted');
    assert(this.#copyCount === copies, 'copies miscounted');
    for (const piece of this.#hungry) assert(this.#open.get(piece.pieceIndex) === piece, 'a hungry piece is not open');
    for (const [id, peer] of this.#peers) {
      let sum = 0;
      for (const [pieceIndex, count] of peer.countByPiece) {
        assert(counts.get(`${id} ${pieceIndex}`) === count, `requests of peer ${id} miscounted`);
        counts.delete(`${id} ${pieceIndex}`);
        sum += count;
      }
      assert(peer.heldCount === (held.get(id) ?? 0), `blocks of peer ${id} miscounted`);
      assert(peer.outstandingCount === sum, `requests of peer ${id} miscounted`);
      assert(peer.lateCount >= 0, `peer ${id} was late too often`);
    }
    assert(counts.size === 0, 'a request belongs to no known peer');
    for (const piece of this.#complete.values()) {
      assert(piece.isComplete && piece.outstandingCount === 0, `piece ${piece.pieceIndex} is not complete`);
    }
  }

  #countHeld(): ReadonlyMap<number, number> {
    const held = new Map<number, number>();
    for (const piece of [...this.#open.values(), ...this.#complete.values()]) {
      for (let block = 0; block < piece.blockCount; block++) {
        const sender = piece.senderOf(block);
        if (sender >= 0) held.set(sender, (held.get(sender) ?? 0) + 1);
      }
    }
    return held;
  }

  #handleReleased(piece: PieceBlocks, block: number, peerId: number): void {
    this.#changeCount++;
    if (piece.copiesOf(block) === 0) {
      this.#freeBlockCount++;
      this.#hungry.add(piece);
    } else this.#copyCount--;
    // It could not deliver: others may help.
    if (piece.exclusivePeerId === peerId) piece.exclusivePeerId = -1;
    this.#countLate(peerId, piece.pieceIndex, 1);
  }

  #countLate(peerId: number, pieceIndex: number, count: number): void {
    const peer = this.#peers.get(peerId)!;
    peer.lateCount += count;
    this.#countRequests(peer, pieceIndex, -count);
  }

  #countRequests(peer: PeerRequests, pieceIndex: number, change: number): void {
    if (change === 0) return;
    peer.outstandingCount += change;
    const count = (peer.countByPiece.get(pieceIndex) ?? 0) + change;
    if (count === 0) peer.countByPiece.delete(pieceIndex);
    else peer.countByPiece.set(pieceIndex, count);
  }

  #unholdAll(piece: PieceBlocks): void {
    for (let block = 0; block < piece.blockCount; block++) this.#unhold(piece, block);
  }

  /** Its sender has one block fewer that waits for a verdict. */
  #unhold(piece: PieceBlocks, block: number): void {
    const sender = this.#peers.get(piece.senderOf(block));
    if (sender !== undefined) sender.heldCount--;
  }

  #recycle(piece: PieceBlocks): void {
    if ((this.#pool.length + 1) * piece.capacity <= POOL_MAX_BLOCKS) this.#pool.push(piece);
  }
}

function blockRef(piece: PieceBlocks, block: number): BlockRef {
  const begin = block * BLOCK_BYTES;
  return { pieceIndex: piece.pieceIndex, blockIndex: block, begin, length: piece.blockLength(block) };
}

function writeBlockRef(out: BlockRef[], index: number, piece: PieceBlocks, block: number): void {
  const ref = out[index];
  if (ref === undefined) {
    out[index] = blockRef(piece, block);
    return;
  }
  ref.pieceIndex = piece.pieceIndex;
  ref.blockIndex = block;
  ref.begin = block * BLOCK_BYTES;
  ref.length = piece.blockLength(block);
}
