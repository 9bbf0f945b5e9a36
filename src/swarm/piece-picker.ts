// Which blocks to ask of which peer. Owns the transitions between piece states (docs/invariants/piece-states.md); the
// states stand in PieceTable, the requests in OpenPieces, the order of choice in PieceChooser. Knows no connection, no
// disk and no clock: it is told what happened, and what time it is where deadlines count, and answers with blocks. What is only needed while blocks are asked for is made
// with the first of them.
// Above the usual size because it is mostly the commented interface of the folder `pieces`.
import { assert } from '../base/assert.ts';
import type { Bitfield } from '../base/bitfield.ts';
import type { Random } from '../base/random.ts';
import { BLOCK_BYTES } from '../protocol/limits.ts';
import { PRIORITY_MAX } from './pieces/availability-buckets.ts';
import { DeadlinePieces, type PieceDeadline } from './pieces/deadline-pieces.ts';
import { type AnswerTime, assumedAnswerMs } from './pieces/end-game.ts';
import { type BlockRef, type CancelledRequest, OpenPieces } from './pieces/open-pieces.ts';
import type { PieceBlocks } from './pieces/piece-blocks.ts';
import { type PickerPeer, type PickRule, PieceChooser, type PieceChooserOptions } from './pieces/piece-chooser.ts';
import { type PieceState, PieceTable } from './pieces/piece-table.ts';
import type { Covered } from './pieces/probation.ts';

export type { PieceDeadline } from './pieces/deadline-pieces.ts';
export type { BlockRef, CancelledRequest } from './pieces/open-pieces.ts';
export type { PickerPeer } from './pieces/piece-chooser.ts';
export type { PieceState } from './pieces/piece-table.ts';

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
  /** All peers that may be asked, for pieces with deadlines. @defaultValue none but the one that is asked */
  readonly peers?: (() => Iterable<PickerPeer>) | undefined;
  /** @defaultValue one second for each request */
  readonly answerMs?: AnswerTime | undefined;
  /** @defaultValue no peer has */
  readonly isCovered?: Covered | undefined;
  /** Another order of choice. @defaultValue a `PieceChooser` */
  readonly createChooser?: ((options: PieceChooserOptions) => PickRule) | undefined;
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

export class PiecePicker {
  readonly #table: PieceTable;
  readonly #pieceLengthBytes: number;
  readonly #bytesOfPiece: (piece: number) => number;
  readonly #maxOpenPieces: number;
  /** Undefined: none is open, and no peer was asked for anything. */
  #openPieces: OpenPieces | undefined;
  #madeChooser: PickRule | undefined;
  #isSequential = false;
  readonly #answerMs: AnswerTime;
  readonly #isCovered: Covered;
  /** Pieces that have failed and are not had yet → who sent blocks that were thrown away. BOUNDED: pieces; blocks. */
  readonly #failed = new Map<number, Set<number>>();
  readonly #chooserFor: PiecePickerOptions['createChooser'];
  readonly #otherRequesters: number[] = [];
  readonly #peers: PiecePickerOptions['peers'];
  /** Undefined: none was ever set. */
  #deadlines: DeadlinePieces | undefined;

  constructor(options: PiecePickerOptions) {
    this.#table = new PieceTable(options);
    this.#pieceLengthBytes = options.pieceLengthBytes;
    this.#bytesOfPiece = options.bytesOfPiece;
    this.#maxOpenPieces = options.maxOpenPieces ?? Number.POSITIVE_INFINITY;
    this.#answerMs = options.answerMs ?? assumedAnswerMs;
    this.#isCovered = options.isCovered ?? (() => false);
    this.#chooserFor = options.createChooser;
    this.#peers = options.peers;
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

  /** Wanted pieces not had that no peer has, for when there are peers. Looks at the open pieces one by one. */
  get unavailableCount(): number {
    const { count, availableCount } = this.#table.buckets;
    let unavailable = count - availableCount;
    for (const { pieceIndex } of this.partialPieces()) if (this.availabilityOf(pieceIndex) === 0) unavailable++;
    return unavailable;
  }

  /** Pieces whose blocks are all here and that wait for `handlePieceVerified` or `handlePieceFailed`. */
  get hashingCount(): number {
    return this.#openPieces?.completeCount ?? 0;
  }

  /** Every wanted piece is had. */
  get isComplete(): boolean {
    return this.#table.wantedMissingCount === 0;
  }

  /** Every wanted block that some peer has is here or asked for. */
  get isEndgame(): boolean {
    return this.#madeChooser?.isEndgame === true;
  }

  get openPieceCount(): number {
    return this.#openPieces?.count ?? 0;
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
    for (const piece of this.#openPieces?.values() ?? []) {
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
    const blocks = this.#openPieces?.get(piece);
    const cancelled = priority === 0 && blocks !== undefined ? this.#abandon(blocks) : [];
    this.#table.setPriority(piece, priority);
    this.#madeChooser?.handleChange();
    return cancelled;
  }

  /** Lowest index first instead of rarest first; priorities still come before. */
  setSequential(isSequential: boolean): void {
    this.#isSequential = isSequential;
    if (this.#madeChooser !== undefined) this.#madeChooser.isSequential = isSequential;
  }

  /**
   * These pieces, and no others, are needed by a time: they are asked for first, of the peers that answer soonest. Those
   * that are had or not wanted are passed over. Times are those that `pick` is given.
   */
  setDeadlines(deadlines: Iterable<PieceDeadline>): void {
    this.#pieceDeadlines.replace(deadlines);
  }

  /** Pieces with deadlines come before all else at present. */
  isPressing(nowMs: number): boolean {
    return (this.#deadlines?.count ?? 0) > 0 && this.#chooser.isPressing?.(nowMs) === true;
  }

  /**
   * Gives up to `count` requests to the peer up, which should be cancelled: those that are needed last first, none that is
   * needed before `neededMs`.
   */
  takeBack(peerId: number, count: number, neededMs: number): readonly CancelledRequest[] {
    const needed = ({ pieceIndex }: BlockRef): number =>
      this.#deadlines?.get(pieceIndex)?.deadlineMs ?? Number.POSITIVE_INFINITY;
    const refs = this.outstandingOf(peerId).filter((ref) => needed(ref) >= neededMs);
    refs.sort((a, b) => (needed(a) < needed(b) ? -1 : Number(needed(a) > needed(b))));
    const last = refs.slice(Math.max(0, refs.length - count));
    for (const { pieceIndex, blockIndex } of last) this.handleRequestLost(pieceIndex, blockIndex, peerId);
    return last.map((ref) => ({ ...ref, peerId }));
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
    this.#madeChooser?.handleChange();
    this.#table.buckets.decrement(piece);
  }

  /**
   * Chooses up to `maxBlocks` blocks to ask of the peer and counts them as asked. Fills `out` from 0 on (its objects
   * are reused) and returns how many. `nowMs` is for deadlines alone.
   */
  pick(peer: PickerPeer, maxBlocks: number, out: BlockRef[], nowMs = 0): number {
    return this.#chooser.pick(peer, maxBlocks, out, nowMs);
  }

  /** Bytes of a block; 0 when there is no such block. Any numbers may be given. */
  blockLength(piece: number, block: number): number {
    if (!(piece >= 0 && piece < this.pieceCount && block >= 0)) return 0;
    return Math.max(0, Math.min(BLOCK_BYTES, this.#bytesOfPiece(piece) - block * BLOCK_BYTES));
  }

  isOutstanding(piece: number, block: number, peerId: number): boolean {
    const blocks = this.#openPieces?.get(piece);
    return blocks !== undefined && block < blocks.blockCount && blocks.isRequestedFrom(block, peerId);
  }

  /** Whether `handleBlock` would accept the block, so that its bytes are worth keeping while they arrive. */
  wouldAccept(piece: number, block: number, peerId: number): boolean {
    if (this.isOutstanding(piece, block, peerId)) return true;
    if (!Number.isInteger(block) || block < 0) return false;
    if ((this.#openPieces?.peer(peerId)?.lateCount ?? 0) === 0) return false;
    const blocks = this.#pieces.get(piece);
    if (blocks !== undefined) return block < blocks.blockCount && !blocks.isReceived(block);
    return this.#table.buckets.has(piece) && block * BLOCK_BYTES < this.#bytesOfPiece(piece);
  }

  /** The whole block has arrived. Indexes may be anything a peer can send. */
  handleBlock(piece: number, block: number, peerId: number): BlockVerdict {
    this.#otherRequesters.length = 0;
    const requests = this.#openPieces?.peer(peerId);
    if (requests === undefined) return 'unsolicited';
    if (!this.wouldAccept(piece, block, peerId)) {
      if (requests.lateCount === 0) return 'unsolicited';
      requests.lateCount--;
      this.#pieces.duplicateCount++;
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
    const blocks = this.#openPieces?.get(piece);
    if (blocks === undefined || block >= blocks.blockCount) return;
    if (this.#pieces.release(blocks, block, peerId) && blocks.isIdle) this.#abandon(blocks);
  }

  /** A choke without BEP 6: the peer forgot all our requests. Returns how many there were. */
  handleAllRequestsLost(peerId: number): number {
    const count = this.outstandingCountOf(peerId);
    for (const blocks of this.#openPieces?.releaseAllOf(peerId) ?? []) this.#abandon(blocks);
    return count;
  }

  /** The connection has ended: its requests are lost and it may send nothing any more. */
  handlePeerGone(peerId: number): void {
    this.handleAllRequestsLost(peerId);
    this.#openPieces?.forgetPeer(peerId);
  }

  /** No peer is left, and what each had was removed: drops what is only of use with peers. */
  handleNoPeers(): void {
    this.#table.handleNoPeers();
    if (this.#openPieces?.isEmpty !== true) return;
    this.#openPieces = undefined;
    this.#madeChooser = undefined;
  }

  /** Requests under way to the peer: fresh objects, safe to change the picker while walking them. */
  outstandingOf(peerId: number): BlockRef[] {
    return this.#openPieces?.outstandingOf(peerId) ?? [];
  }

  outstandingCountOf(peerId: number): number {
    return this.#openPieces?.peer(peerId)?.outstandingCount ?? 0;
  }

  /** From 'hashing' after a download; from 'missing' or 'skipped' when the disk turned out to hold it. */
  handlePieceVerified(piece: number): void {
    this.#openPieces?.forget(piece);
    this.#deadlines?.delete(piece);
    this.#failed.delete(piece);
    this.#table.moveTo(piece, 'have');
  }

  /**
   * The hash differs: every block is fetched again, or all but those that `isKept` names. Read `blockSendersOf` before.
   * Returns false when the piece is not wanted any more, and nothing is kept.
   */
  handlePieceFailed(piece: number, isKept?: (block: number) => boolean): boolean {
    const blocks = this.#openPieces?.complete(piece);
    this.#noteFailed(piece, blocks, isKept);
    if (isKept !== undefined && blocks !== undefined && this.#table.priorityOf(piece) > 0) {
      this.#pieces.reopen(blocks, isKept);
      this.#table.moveTo(piece, 'requested');
      return true;
    }
    this.#moveToUntouched(piece);
    return false;
  }

  /** Throws away what is here of open pieces, by piece and sender; returns those blocks. Pieces may be given up by it. */
  dropBlocks(isBad: (piece: number, senderId: number) => boolean): readonly BlockRef[] {
    const dropped: BlockRef[] = [];
    for (const blocks of [...(this.#openPieces?.values() ?? [])]) {
      for (let block = 0; block < blocks.blockCount; block++) {
        const sender = blocks.senderOf(block);
        if (sender < 0 || !isBad(blocks.pieceIndex, sender)) continue;
        this.#pieces.drop(blocks, block);
        const { pieceIndex } = blocks;
        const begin = block * BLOCK_BYTES;
        dropped.push({ pieceIndex, blockIndex: block, begin, length: blocks.blockLength(block) });
      }
      if (blocks.isIdle) this.#abandon(blocks);
    }
    return dropped;
  }

  #noteFailed(piece: number, blocks: PieceBlocks | undefined, isKept: ((block: number) => boolean) | undefined): void {
    const senders = this.#failed.get(piece) ?? new Set();
    this.#failed.set(piece, senders);
    for (let block = 0; blocks !== undefined && block < blocks.blockCount; block++) {
      if (isKept?.(block) !== true) senders.add(blocks.senderOf(block));
    }
  }

  #moveToUntouched(piece: number): void {
    this.#openPieces?.forget(piece);
    this.#madeChooser?.handleChange();
    this.#table.moveToUntouched(piece);
  }

  /** The piece could not be written, wholly or in part; from 'requested' or 'hashing'. Returns requests to cancel. */
  handleWriteFailed(piece: number): readonly CancelledRequest[] {
    const blocks = this.#openPieces?.get(piece);
    if (blocks !== undefined) return this.#abandon(blocks);
    this.#moveToUntouched(piece);
    return [];
  }

  /** A piece had turned out to be missing or damaged on disk. */
  handlePieceLost(piece: number): void {
    assert(this.#table.is(piece, 'have'), `piece ${piece} is lost and was not had`);
    this.#madeChooser?.handleChange();
    this.#table.moveToUntouched(piece);
  }

  /** The peer that sent each block of a piece in state 'requested' or 'hashing', -1 where none has; else empty. */
  blockSendersOf(piece: number): readonly number[] {
    const blocks = this.#openPieces?.get(piece) ?? this.#openPieces?.complete(piece);
    if (blocks === undefined) return [];
    return Array.from({ length: blocks.blockCount }, (_, block) => blocks.senderOf(block));
  }

  /** Throws when a rule of docs/invariants/piece-states.md is broken. For tests: O(pieces). */
  assertInvariants(): void {
    this.#table.assertInvariants();
    this.#openPieces?.assertInvariants();
    let open = 0;
    for (let piece = 0; piece < this.pieceCount; piece++) {
      const state = this.#table.stateOf(piece);
      if (state === 'requested') open++;
      assert((this.#openPieces?.get(piece) !== undefined) === (state === 'requested'), `piece ${piece} is ${state}`);
      const isComplete = this.#openPieces?.complete(piece) !== undefined;
      assert(isComplete === (state === 'hashing'), `piece ${piece} is ${state}`);
    }
    assert(this.openPieceCount === open, 'open pieces miscounted');
  }

  get #pieces(): OpenPieces {
    this.#openPieces ??= new OpenPieces(this.#pieceLengthBytes);
    return this.#openPieces;
  }

  get #pieceDeadlines(): DeadlinePieces {
    this.#deadlines ??= new DeadlinePieces();
    return this.#deadlines;
  }

  get #chooser(): PickRule {
    this.#madeChooser ??= this.#createChooser();
    return this.#madeChooser;
  }

  #createChooser(): PickRule {
    const options: PieceChooserOptions = {
      table: this.#table,
      pieces: this.#pieces,
      open: (piece) => this.#open(piece),
      blocksPerPiece: Math.ceil(this.#pieceLengthBytes / BLOCK_BYTES),
      maxOpenPieces: this.#maxOpenPieces,
      deadlines: this.#pieceDeadlines,
      peers: this.#peers,
      answerMs: this.#answerMs,
      isCovered: this.#isCovered,
      failed: this.#failed,
    };
    const chooser = this.#chooserFor?.(options) ?? new PieceChooser(options);
    chooser.isSequential = this.#isSequential;
    return chooser;
  }

  #open(piece: number): PieceBlocks {
    this.#table.moveTo(piece, 'requested');
    const blocks = this.#pieces.open(piece, this.#bytesOfPiece(piece));
    blocks.isRetry = this.#failed.has(piece);
    return blocks;
  }

  #abandon(blocks: PieceBlocks): CancelledRequest[] {
    const cancelled = this.#pieces.close(blocks);
    this.#madeChooser?.handleChange();
    this.#table.moveToUntouched(blocks.pieceIndex);
    return cancelled;
  }
}
