// The order of choice: what a peer is asked for next. Priority first; within one, rarest first or lowest index first,
// pieces already begun before others, and duplicates only in end game. BEP 3 ("rarest first", "end game"), BEP 6
// (allowed fast). Moves pieces by the `open` it is given only; remembers which searches were in vain.
import type { Bitfield } from '../../base/bitfield.ts';
import { PRIORITY_MAX } from './availability-buckets.ts';
import type { DeadlinePieces } from './deadline-pieces.ts';
import { DeadlineRule, peerWithout } from './deadline-rule.ts';
import { type AnswerTime, EndGame } from './end-game.ts';
import type { BlockRef, OpenPieces, PeerRequests } from './open-pieces.ts';
import type { PieceBlocks } from './piece-blocks.ts';
import type { PieceTable } from './piece-table.ts';
import { type Covered, Probation } from './probation.ts';

/** A peer as the picker sees it. `have` is read at each call; the picker keeps no reference to the object. */
export interface PickerPeer {
  /** From 0 to 2^31 - 1, never used again for another connection. */
  readonly id: number;
  readonly have: Bitfield;
  readonly isChoking: boolean;
  readonly allowedFast: ReadonlySet<number>;
  /** Pieces that it would rather give than others (BEP 6); those that were looked at are deleted. */
  readonly suggested?: Set<number>;
  readonly isSnubbed: boolean;
  readonly blocksPerSecond: number;
  /** Shortest time from a request to its block; 0 until one was seen. Only deadlines look at it. @defaultValue 0 */
  readonly roundTripMs?: number;
  /** Fetches whole pieces alone, so that a bad one is its own. */
  readonly onParole?: boolean;
  /** On probation: it may be asked for so many blocks of pieces not yet verified. Absent: it is trusted. */
  readonly unverifiedMax?: number | undefined;
  /** No piece that it had a part in was verified yet: it gets no second one before the first has been. */
  readonly isNew?: boolean;
  /** Without a request under way for so long; of interest on probation. */
  readonly idleMs?: number;
}

export interface PieceChooserOptions {
  readonly table: PieceTable;
  readonly pieces: OpenPieces;
  /** Moves a missing piece to 'requested'. */
  readonly open: (piece: number) => PieceBlocks;
  /** Of the longest piece. */
  readonly blocksPerPiece: number;
  readonly maxOpenPieces: number;
  /** Pieces that somebody waits for; they come before all others. @defaultValue none */
  readonly deadlines?: DeadlinePieces | undefined;
  /** All peers that may be asked, for deadlines. @defaultValue none but the one that is asked */
  readonly peers?: (() => Iterable<PickerPeer>) | undefined;
  readonly answerMs: AnswerTime;
  readonly isCovered: Covered;
  /** Pieces that failed and are not had yet → who sent blocks of them that were thrown away. */
  readonly failed: ReadonlyMap<number, ReadonlySet<number>>;
}

/** Pieces drawn at random, whatever their rarity, before rarest first: something to trade soon (BEP 3). */
const RANDOM_FIRST_PIECES = 4;
/** A peer that fetches a whole piece within this time gets pieces of its own. */
const WHOLE_PIECE_SECONDS = 20;
/** Pieces drawn for a peer on probation before it gets one that nobody else could finish. */
const COVERED_TRIES_MAX = 8;
/** Pieces that one peer may hold requests in before it may no longer exceed `maxOpenPieces`. */
const EXTRA_PIECES_PER_PEER = 2;

/** What decides the order of choice: `PieceChooser`, or another rule in its place. */
export type PickRule = Pick<PieceChooser, 'isSequential' | 'isEndgame' | 'handleChange' | 'pick'> &
  Partial<Pick<PieceChooser, 'isPressing'>>;

export class PieceChooser {
  /** Lowest index first instead of rarest first. */
  isSequential = false;
  readonly #table: PieceTable;
  readonly #pieces: OpenPieces;
  readonly #open: (piece: number) => PieceBlocks;
  readonly #blocksPerPiece: number;
  readonly #maxOpenPieces: number;
  readonly #deadlineRule: DeadlineRule | undefined;
  readonly #endGame: EndGame;
  readonly #probation: Probation;
  readonly #isCovered: Covered;
  readonly #failed: ReadonlyMap<number, ReadonlySet<number>>;
  #changeCount = 0;

  constructor(options: PieceChooserOptions) {
    this.#table = options.table;
    this.#pieces = options.pieces;
    this.#open = options.open;
    this.#blocksPerPiece = options.blocksPerPiece;
    this.#maxOpenPieces = options.maxOpenPieces;
    const { deadlines, peers = () => [] } = options;
    if (deadlines !== undefined) this.#deadlineRule = new DeadlineRule({ ...options, deadlines, peers });
    this.#endGame = new EndGame({
      pieces: options.pieces,
      blockCount: options.table.pieceCount * options.blocksPerPiece,
      answerMs: options.answerMs,
    });
    this.#isCovered = options.isCovered;
    this.#failed = options.failed;
    this.#probation = new Probation({
      ...options,
      openNext: (priority, peer) => this.#openCovered(priority, peer) ?? this.#openNext(priority, peer),
    });
  }

  /** Every wanted block that some peer has is here or asked for. */
  get isEndgame(): boolean {
    return this.#pieces.count > 0 && this.#pieces.freeBlockCount === 0 && this.#table.buckets.availableCount === 0;
  }

  /** A piece may have become fetchable for a peer that found nothing, for another reason than a given-up request. */
  handleChange(): void {
    this.#changeCount++;
  }

  /** Pieces with deadlines come before all else at present. */
  isPressing(nowMs: number): boolean {
    return this.#deadlineRule?.isPressing(nowMs) === true;
  }

  pick(peer: PickerPeer, maxBlocks: number, out: BlockRef[], nowMs = 0): number {
    const requests = this.#pieces.peerOrNew(peer.id);
    if (peer.unverifiedMax !== undefined) return this.#probation.pick(peer, requests, out, maxBlocks);
    if (peer.isChoking) return this.#pickAllowedFast(peer, requests, out, maxBlocks);
    const newMax = this.#blocksPerPiece - requests.outstandingCount - requests.heldCount;
    const limit = peer.isNew === true ? Math.max(0, Math.min(maxBlocks, newMax)) : maxBlocks;
    const due = this.#deadlineRule?.pick(peer, requests, limit, out, nowMs) ?? 0;
    const declined = this.#deadlineRule?.declined;
    if (declined === undefined || declined.length === 0) return this.#pickOrdinary(peer, requests, out, due, limit);
    const filled = this.#pickOrdinary(peerWithout(peer, declined), requests, out, due, limit);
    // What was in vain without these pieces need not be so with them.
    requests.nothingFreeAt = -1;
    return filled;
  }

  #pickOrdinary(peer: PickerPeer, requests: PeerRequests, out: BlockRef[], from: number, maxBlocks: number): number {
    const filled = this.#pickFree(peer, requests, out, from, maxBlocks);
    if (filled === maxBlocks || peer.isSnubbed || peer.onParole === true || !this.isEndgame) return filled;
    return this.#endGame.pick(peer, requests, out, filled, maxBlocks);
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

  #pickFree(peer: PickerPeer, requests: PeerRequests, out: BlockRef[], from: number, limit: number): number {
    const changes = this.#changeCount + this.#pieces.changeCount;
    if (requests.nothingFreeAt === changes && requests.nothingFreeHaveCount === peer.have.count) return from;
    let filled = from;
    for (let priority = PRIORITY_MAX; priority > 0 && filled < limit; priority--) {
      if (this.#table.wantedCountAt(priority) === 0) continue;
      if (this.isSequential) filled = this.#pickSequential(priority, peer, requests, out, filled, limit);
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
    while (filled < limit && this.#pieces.count < this.#maxOpenPieces) {
      const suggested = this.#nextSuggested(priority, peer);
      if (suggested < 0) break;
      const blocks = this.#openFor(peer, suggested);
      if (blocks === undefined) continue;
      blocks.isFastOwned = isFast;
      filled = this.#take(blocks, requests, out, filled, limit);
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
        if (next >= 0 && (lowest === undefined || next < lowest.pieceIndex))
          lowest = this.#openFor(peer, next) ?? lowest;
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

  /** Whether an open piece with free blocks is one that the peer should go on with before it begins another. */
  #suits(blocks: PieceBlocks, priority: number, peer: PickerPeer, requests: PeerRequests, isFast: boolean): boolean {
    const { pieceIndex, exclusivePeerId } = blocks;
    if (this.#table.priorityOf(pieceIndex) !== priority || !peer.have.has(pieceIndex)) return false;
    if (peer.onParole === true || exclusivePeerId >= 0) return exclusivePeerId === peer.id;
    // Others finish what one on probation has begun, and what failed before, so that it is judged soon.
    if (blocks.strangerId >= 0 || blocks.isRetry) return true;
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
    if (this.isSequential) next = buckets.lowest(priority, peer.have);
    else if (have.count < RANDOM_FIRST_PIECES) next = buckets.random(priority, peer.have);
    else next = buckets.rarest(priority, peer.have);
    return next < 0 ? undefined : this.#openFor(peer, next);
  }

  /** A piece that the peer suggests and nobody has begun, of this priority; -1 when there is none. */
  #nextSuggested(priority: number, peer: PickerPeer): number {
    if (peer.suggested === undefined) return -1;
    for (const piece of peer.suggested) {
      const isOfUse = this.#table.buckets.has(piece) && peer.have.has(piece);
      if (isOfUse && this.#table.priorityOf(piece) !== priority) continue;
      peer.suggested.delete(piece);
      if (isOfUse) return piece;
    }
    return -1;
  }

  /** A piece that somebody else can finish, at random. */
  #openCovered(priority: number, peer: PickerPeer): PieceBlocks | undefined {
    for (let tries = COVERED_TRIES_MAX; tries > 0; tries--) {
      const piece = this.#table.buckets.random(priority, peer.have);
      if (piece < 0) break;
      if (this.#isCovered(piece, peer.id) && !this.#failed.has(piece)) return this.#openFor(peer, piece);
    }
    return undefined;
  }

  #openFor(peer: PickerPeer, piece: number): PieceBlocks | undefined {
    if (peer.unverifiedMax !== undefined && this.#failed.has(piece)) {
      if (this.#isCovered(piece, peer.id) || this.#failed.get(piece)!.has(peer.id)) return undefined;
    }
    const blocks = this.#open(piece);
    if (peer.onParole === true) blocks.exclusivePeerId = peer.id;
    return blocks;
  }
}
