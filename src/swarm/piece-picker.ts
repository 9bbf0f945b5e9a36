// Which blocks to ask of which peer. Owns the order of choice and the transitions between piece states; the states
// stand in PieceTable, the requests in OpenPieces. Knows no connection, no disk and no clock: it is told what
// happened and answers with blocks. BEP 3 ("rarest first", "end game"), BEP 6 (allowed fast).
import { assert } from '../base/assert.ts';
import type { Bitfield } from '../base/bitfield.ts';
import type { Random } from '../base/random.ts';
import { BLOCK_BYTES } from '../protocol/limits.ts';
import { PRIORITY_MAX } from './availability-buckets.ts';
import { type BlockRef, type CancelledRequest, OpenPieces, type PeerRequests } from './open-pieces.ts';
import { COPIES_MAX, type PieceBlocks } from './piece-blocks.ts';
import { type PieceState, PieceTable } from './piece-table.ts';

export type { BlockRef, CancelledRequest } from './open-pieces.ts';
export type { PieceState } from './piece-table.ts';

/** A peer as the picker sees it. `have` is read at each call; the picker keeps no reference to the object. */
export interface PickerPeer {
  /** From 0 to 2^31 - 1, never used again for another connection. */
  readonly id: number;
  readonly have: Bitfield;
  readonly isChoking: boolean;
  readonly allowedFast: ReadonlySet<number>;
  readonly isSnubbed: boolean;
  readonly blocksPerSecond: number;
  /** Fetches whole pieces alone, so that a bad one is its own. */
  readonly onParole?: boolean;
}

export interface PiecePickerOptions {
  readonly pieceCount: number;
  /** Of the longest piece; bounds what `bytesOfPiece` returns. */
  readonly pieceLengthBytes: number;
  /** Bytes to request of a piece: short at the end of the torrent and before padding, 0 for a piece of padding. */
  readonly bytesOfPiece: (piece: number) => number;
  readonly random: Random;
  /** Pieces had from the start; copied. */
  readonly have?: Bitfield | undefined;
  /**
   * Pieces in state 'requested' above which open ones are finished first. A peer that has none of them may still
   * hold requests in two more. @defaultValue `Infinity`
   */
  readonly maxOpenPieces?: number;
}

export type BlockVerdict =
  /** Never asked for, or asked for and answered already: a violation. */
  | 'unsolicited'
  /** Asked for once, but here already or no longer of use: drop the bytes. */
  | 'duplicate'
  /** Keep the bytes. `otherRequesters` says whom to send a cancel. */
  | 'accepted'
  /** Keep the bytes; it was the last block: hash the piece. */
  | 'pieceComplete';

export interface PartialPiece {
  readonly pieceIndex: number;
  readonly blockCount: number;
  readonly receivedBlockCount: number;
  readonly requestedBlockCount: number;
}

/** Pieces drawn at random, whatever their rarity, before rarest first: something to trade soon (BEP 3). */
const RANDOM_FIRST_PIECES = 4;
/** A peer that fetches a whole piece within this time gets pieces of its own. */
const WHOLE_PIECE_SECONDS = 20;
/** Pieces that one peer may hold requests in before it may no longer exceed `maxOpenPieces`. */
const EXTRA_PIECES_PER_PEER = 2;
/** In end game a peer duplicates blocks only while it owes fewer than a quarter second's, within these bounds. */
const DUPLICATES_MIN = 1;
const DUPLICATES_MAX = 16;

export class PiecePicker {
  readonly #table: PieceTable;
  readonly #pieces: OpenPieces;
  readonly #bytesOfPiece: (piece: number) => number;
  readonly #maxOpenPieces: number;
  readonly #blocksPerPiece: number;
  readonly #otherRequesters: number[] = [];
  #isSequential = false;
  /** Grows when a piece may have become fetchable for a peer that found nothing. */
  #changeCount = 0;

  constructor(options: PiecePickerOptions) {
    this.#table = new PieceTable(options);
    this.#pieces = new OpenPieces(options.pieceLengthBytes);
    this.#bytesOfPiece = options.bytesOfPiece;
    this.#maxOpenPieces = options.maxOpenPieces ?? Number.POSITIVE_INFINITY;
    this.#blocksPerPiece = Math.ceil(options.pieceLengthBytes / BLOCK_BYTES);
  }

  get pieceCount(): number {
    return this.#table.pieceCount;
  }

  /** The pieces had. Live and not to be changed. */
  get haveBitfield(): Bitfield {
    return this.#table.have;
  }

  /** Wanted pieces not had. */
  get wantedMissingCount(): number {
    return this.#table.wantedMissingCount;
  }

  /** Every wanted piece is had. */
  get isComplete(): boolean {
    return this.#table.wantedMissingCount === 0;
  }

  /** Every wanted block that some peer has is here or asked for. */
  get isEndgame(): boolean {
    return this.#pieces.count > 0 && this.#pieces.freeBlockCount === 0 && this.#table.buckets.availableCount === 0;
  }

  get openPieceCount(): number {
    return this.#pieces.count;
  }

  stateOf(piece: number): PieceState {
    return this.#table.stateOf(piece);
  }

  priorityOf(piece: number): number {
    return this.#table.priorityOf(piece);
  }

  availabilityOf(piece: number): number {
    return this.#table.buckets.availabilityOf(piece);
  }

  /** The peer has a wanted piece that we lack. At worst O(pieces / 8), so not for every message. */
  isInteresting(have: Bitfield): boolean {
    return this.#table.isInteresting(have);
  }

  /** Wanted pieces without a byte to request: they need no peer, only `handlePieceVerified`. */
  zeroByteMissingPieces(): number[] {
    return this.#table.zeroByteMissing();
  }

  /** Pieces in state 'requested', in the order of opening. */
  *partialPieces(): Generator<PartialPiece> {
    for (const piece of this.#pieces.values()) {
      yield {
        pieceIndex: piece.pieceIndex,
        blockCount: piece.blockCount,
        receivedBlockCount: piece.receivedCount,
        requestedBlockCount: piece.blockCount - piece.receivedCount - piece.freeCount,
      };
    }
  }

  /**
   * 0 skips the piece, 7 is fetched first. Skipping a piece in state 'requested' drops its blocks; the requests
   * returned should be cancelled.
   */
  setPriority(piece: number, priority: number): readonly CancelledRequest[] {
    assert(Number.isInteger(priority) && priority >= 0 && priority <= PRIORITY_MAX, `priority ${priority}`);
    const blocks = this.#pieces.get(piece);
    const cancelled = priority === 0 && blocks !== undefined ? this.#abandon(blocks) : [];
    this.#table.setPriority(piece, priority);
    this.#changeCount++;
    return cancelled;
  }

  /** Lowest index first instead of rarest first; priorities still come before. */
  setSequential(isSequential: boolean): void {
    this.#isSequential = isSequential;
  }

  addAvailability(have: Bitfield): void {
    this.#table.buckets.addPeer(have);
  }

  /** `have` as the peer has it now, with every piece that was incremented since. */
  removeAvailability(have: Bitfield): void {
    this.#table.buckets.removePeer(have);
  }

  incrementAvailability(piece: number): void {
    this.#table.buckets.increment(piece);
  }

  decrementAvailability(piece: number): void {
    this.#changeCount++;
    this.#table.buckets.decrement(piece);
  }

  /**
   * Chooses up to `maxBlocks` blocks to ask of the peer and counts them as asked. Fills `out` from 0 on (its objects
   * are reused) and returns how many.
   */
  pick(peer: PickerPeer, maxBlocks: number, out: BlockRef[]): number {
    const requests = this.#pieces.peerOrNew(peer.id);
    if (peer.isChoking) return this.#pickAllowedFast(peer, requests, out, maxBlocks);
    const filled = this.#pickFree(peer, requests, out, maxBlocks);
    if (filled === maxBlocks || peer.isSnubbed || peer.onParole === true || !this.isEndgame) return filled;
    return this.#pickDuplicates(peer, requests, out, filled, maxBlocks);
  }

  /** Bytes of a block; 0 when there is no such block. Any numbers may be given. */
  blockLength(piece: number, block: number): number {
    if (!(piece >= 0 && piece < this.pieceCount && block >= 0)) return 0;
    return Math.max(0, Math.min(BLOCK_BYTES, this.#bytesOfPiece(piece) - block * BLOCK_BYTES));
  }

  isOutstanding(piece: number, block: number, peerId: number): boolean {
    const blocks = this.#pieces.get(piece);
    return blocks !== undefined && block < blocks.blockCount && blocks.isRequestedFrom(block, peerId);
  }

  /** Whether `handleBlock` would accept the block, so that its bytes are worth keeping while they arrive. */
  wouldAccept(piece: number, block: number, peerId: number): boolean {
    if (this.isOutstanding(piece, block, peerId)) return true;
    if (!Number.isInteger(block) || block < 0) return false;
    if ((this.#pieces.peer(peerId)?.lateCount ?? 0) === 0) return false;
    const blocks = this.#pieces.get(piece);
    if (blocks !== undefined) return block < blocks.blockCount && !blocks.isReceived(block);
    return this.#table.buckets.has(piece) && block * BLOCK_BYTES < this.#bytesOfPiece(piece);
  }

  /** The whole block has arrived. Indexes may be anything a peer can send. */
  handleBlock(piece: number, block: number, peerId: number): BlockVerdict {
    this.#otherRequesters.length = 0;
    const requests = this.#pieces.peer(peerId);
    if (requests === undefined) return 'unsolicited';
    if (!this.wouldAccept(piece, block, peerId)) {
      if (requests.lateCount === 0) return 'unsolicited';
      requests.lateCount--;
      return 'duplicate';
    }
    const blocks = this.#pieces.get(piece) ?? this.#open(piece);
    this.#pieces.receive(blocks, block, requests, this.#otherRequesters);
    if (blocks.exclusivePeerId !== peerId) blocks.exclusivePeerId = -1;
    if (!blocks.isComplete) return 'accepted';
    this.#pieces.moveToComplete(blocks);
    this.#table.moveTo(piece, 'hashing');
    return 'pieceComplete';
  }

  /**
   * After `handleBlock` accepted a block, and until the next call of it: the other peers that were asked for it and
   * should get a cancel. Their requests are no longer outstanding.
   */
  otherRequesters(): readonly number[] {
    return this.#otherRequesters;
  }

  /** The request was rejected, has timed out or was cancelled: the block may be asked for again. */
  handleRequestLost(piece: number, block: number, peerId: number): void {
    const blocks = this.#pieces.get(piece);
    if (blocks === undefined || block >= blocks.blockCount) return;
    if (this.#pieces.release(blocks, block, peerId) && blocks.isIdle) this.#abandon(blocks);
  }

  /** A choke without BEP 6: the peer forgot all our requests. Returns how many there were. */
  handleAllRequestsLost(peerId: number): number {
    const count = this.#pieces.peer(peerId)?.outstandingCount ?? 0;
    for (const blocks of this.#pieces.releaseAllOf(peerId)) this.#abandon(blocks);
    return count;
  }

  /** The connection has ended: its requests are lost and it may send nothing any more. */
  handlePeerGone(peerId: number): void {
    this.handleAllRequestsLost(peerId);
    this.#pieces.forgetPeer(peerId);
  }

  /** Requests under way to the peer: fresh objects, safe to change the picker while walking them. */
  outstandingOf(peerId: number): BlockRef[] {
    return this.#pieces.outstandingOf(peerId);
  }

  outstandingCountOf(peerId: number): number {
    return this.#pieces.peer(peerId)?.outstandingCount ?? 0;
  }

  /** From 'hashing' after a download; from 'missing' or 'skipped' when the disk turned out to hold it. */
  handlePieceVerified(piece: number): void {
    this.#pieces.forget(piece);
    this.#table.moveTo(piece, 'have');
  }

  /** The hash differs: every block is fetched again. Read `blockSendersOf` before. */
  handlePieceFailed(piece: number): void {
    this.#pieces.forget(piece);
    this.#changeCount++;
    this.#table.moveToUntouched(piece);
  }

  /** The piece could not be written, wholly or in part; from 'requested' or 'hashing'. Returns requests to cancel. */
  handleWriteFailed(piece: number): readonly CancelledRequest[] {
    const blocks = this.#pieces.get(piece);
    if (blocks !== undefined) return this.#abandon(blocks);
    this.handlePieceFailed(piece);
    return [];
  }

  /** A piece had turned out to be missing or damaged on disk. */
  handlePieceLost(piece: number): void {
    assert(this.#table.is(piece, 'have'), `piece ${piece} is lost and was not had`);
    this.#changeCount++;
    this.#table.moveToUntouched(piece);
  }

  /** The peer that sent each block of a piece in state 'requested' or 'hashing', -1 where none has; else empty. */
  blockSendersOf(piece: number): readonly number[] {
    const blocks = this.#pieces.get(piece) ?? this.#pieces.complete(piece);
    if (blocks === undefined) return [];
    return Array.from({ length: blocks.blockCount }, (_, block) => blocks.senderOf(block));
  }

  /** Throws when a rule of docs/invariants/piece-states.md is broken. For tests: O(pieces). */
  assertInvariants(): void {
    this.#table.assertInvariants();
    this.#pieces.assertInvariants();
    let open = 0;
    for (let piece = 0; piece < this.pieceCount; piece++) {
      const state = this.#table.stateOf(piece);
      if (state === 'requested') open++;
      assert((this.#pieces.get(piece) !== undefined) === (state === 'requested'), `piece ${piece} is ${state}`);
      assert((this.#pieces.complete(piece) !== undefined) === (state === 'hashing'), `piece ${piece} is ${state}`);
    }
    assert(this.#pieces.count === open, 'open pieces miscounted');
  }

  #pickAllowedFast(peer: PickerPeer, requests: PeerRequests, out: BlockRef[], limit: number): number {
    let filled = 0;
    for (const piece of peer.allowedFast) {
      if (filled === limit) break;
      if (!peer.have.has(piece)) continue;
      let blocks = this.#pieces.get(piece);
      const mayOpen = this.#pieces.count < this.#maxOpenPieces || requests.countByPiece.size < EXTRA_PIECES_PER_PEER;
      if (blocks === undefined && mayOpen && this.#table.buckets.has(piece)) blocks = this.#open(piece);
      if (blocks !== undefined) filled = this.#take(blocks, requests, out, filled, limit);
    }
    return filled;
  }

  #pickFree(peer: PickerPeer, requests: PeerRequests, out: BlockRef[], limit: number): number {
    const changes = this.#changeCount + this.#pieces.changeCount;
    if (requests.nothingFreeAt === changes && requests.nothingFreeHaveCount === peer.have.count) return 0;
    let filled = 0;
    for (let priority = PRIORITY_MAX; priority > 0 && filled < limit; priority--) {
      if (this.#table.wantedCountAt(priority) === 0) continue;
      if (this.#isSequential) filled = this.#pickSequential(priority, peer, requests, out, filled, limit);
      else filled = this.#pickRarest(priority, peer, requests, out, filled, limit);
    }
    // Nothing is left for this peer until a block is given up or the peer gets a piece: spare the next search.
    // When the bound on open pieces was in the way, that ends without either.
    if (filled < limit && this.#pieces.count < this.#maxOpenPieces) {
      requests.nothingFreeAt = changes;
      requests.nothingFreeHaveCount = peer.have.count;
    }
    return filled;
  }

  #pickRarest(
    priority: number,
    peer: PickerPeer,
    requests: PeerRequests,
    out: BlockRef[],
    from: number,
    limit: number,
  ): number {
    const isFast = peer.blocksPerSecond * WHOLE_PIECE_SECONDS >= this.#blocksPerPiece;
    let filled = from;
    const current = this.#pieces.get(requests.currentPieceIndex);
    if (current !== undefined && current.freeCount > 0 && this.#suits(current, priority, peer, requests, isFast)) {
      filled = this.#take(current, requests, out, filled, limit);
    }
    if (filled < limit) {
      for (const blocks of this.#pieces.hungry) {
        if (!this.#suits(blocks, priority, peer, requests, isFast)) continue;
        filled = this.#take(blocks, requests, out, filled, limit);
        if (filled === limit) return filled;
      }
    }
    while (filled < limit && this.#pieces.count < this.#maxOpenPieces) {
      const blocks = this.#openNext(priority, peer);
      if (blocks === undefined) break;
      blocks.isFastOwned = isFast;
      filled = this.#take(blocks, requests, out, filled, limit);
    }
    // Pieces that were left to others, now that there is nothing better to do.
    if (filled < limit) {
      for (const blocks of this.#pieces.hungry) {
        if (this.#table.priorityOf(blocks.pieceIndex) !== priority || !peer.have.has(blocks.pieceIndex)) continue;
        filled = this.#take(blocks, requests, out, filled, limit);
        if (filled === limit) return filled;
      }
    }
    return this.#pickExtra(priority, peer, requests, out, filled, limit);
  }

  #pickSequential(
    priority: number,
    peer: PickerPeer,
    requests: PeerRequests,
    out: BlockRef[],
    from: number,
    limit: number,
  ): number {
    let filled = from;
    while (filled < limit) {
      let lowest: PieceBlocks | undefined;
      for (const blocks of this.#pieces.hungry) {
        const { pieceIndex } = blocks;
        if (this.#table.priorityOf(pieceIndex) !== priority || !peer.have.has(pieceIndex)) continue;
        if (lowest === undefined || pieceIndex < lowest.pieceIndex) lowest = blocks;
      }
      if (this.#pieces.count < this.#maxOpenPieces) {
        const next = this.#table.buckets.lowest(priority, peer.have);
        if (next >= 0 && (lowest === undefined || next < lowest.pieceIndex)) lowest = this.#openFor(peer, next);
      }
      if (lowest === undefined) break;
      filled = this.#take(lowest, requests, out, filled, limit);
    }
    return this.#pickExtra(priority, peer, requests, out, filled, limit);
  }

  /** Above the bound on open pieces: a piece for a peer that would otherwise fall idle. */
  #pickExtra(
    priority: number,
    peer: PickerPeer,
    requests: PeerRequests,
    out: BlockRef[],
    from: number,
    limit: number,
  ): number {
    let filled = from;
    if (this.#pieces.count < this.#maxOpenPieces) return filled;
    while (filled < limit && requests.countByPiece.size < EXTRA_PIECES_PER_PEER) {
      const blocks = this.#openNext(priority, peer);
      if (blocks === undefined) break;
      filled = this.#take(blocks, requests, out, filled, limit);
    }
    return filled;
  }

  #pickDuplicates(peer: PickerPeer, requests: PeerRequests, out: BlockRef[], from: number, limit: number): number {
    const depth = Math.min(DUPLICATES_MAX, Math.max(DUPLICATES_MIN, Math.floor(peer.blocksPerSecond / 4)));
    const until = Math.min(limit, from + depth - requests.outstandingCount);
    if (from >= until) return from;
    const changes = this.#changeCount + this.#pieces.changeCount;
    if (requests.nothingToDuplicateAt === changes && requests.nothingToDuplicateHaveCount === peer.have.count) {
      return from;
    }
    let filled = from;
    for (let copies = 1; copies < COPIES_MAX; copies++) {
      for (const blocks of this.#pieces.values()) {
        if (!peer.have.has(blocks.pieceIndex)) continue;
        filled = this.#pieces.takeDuplicates(blocks, requests, copies, out, filled, until);
        if (filled === until) return filled;
      }
    }
    requests.nothingToDuplicateAt = changes;
    requests.nothingToDuplicateHaveCount = peer.have.count;
    return filled;
  }

  /** Whether an open piece with free blocks is one that the peer should go on with before it begins another. */
  #suits(blocks: PieceBlocks, priority: number, peer: PickerPeer, requests: PeerRequests, isFast: boolean): boolean {
    const { pieceIndex, exclusivePeerId } = blocks;
    if (this.#table.priorityOf(pieceIndex) !== priority || !peer.have.has(pieceIndex)) return false;
    if (peer.onParole === true || exclusivePeerId >= 0) return exclusivePeerId === peer.id;
    if (blocks.outstandingCount === 0 || requests.countByPiece.has(pieceIndex)) return true;
    return !isFast && !blocks.isFastOwned;
  }

  #take(blocks: PieceBlocks, requests: PeerRequests, out: BlockRef[], filled: number, limit: number): number {
    requests.currentPieceIndex = blocks.pieceIndex;
    return this.#pieces.takeFree(blocks, requests, out, filled, limit);
  }

  #openNext(priority: number, peer: PickerPeer): PieceBlocks | undefined {
    const { buckets, have } = this.#table;
    let next: number;
    if (this.#isSequential) next = buckets.lowest(priority, peer.have);
    else if (have.count < RANDOM_FIRST_PIECES) next = buckets.random(priority, peer.have);
    else next = buckets.rarest(priority, peer.have);
    return next < 0 ? undefined : this.#openFor(peer, next);
  }

  #openFor(peer: PickerPeer, piece: number): PieceBlocks {
    const blocks = this.#open(piece);
    if (peer.onParole === true) blocks.exclusivePeerId = peer.id;
    return blocks;
  }

  #open(piece: number): PieceBlocks {
    this.#table.moveTo(piece, 'requested');
    return this.#pieces.open(piece, this.#bytesOfPiece(piece));
  }

  #abandon(blocks: PieceBlocks): CancelledRequest[] {
    const cancelled = this.#pieces.close(blocks);
    this.#changeCount++;
    this.#table.moveToUntouched(blocks.pieceIndex);
    return cancelled;
  }
}
