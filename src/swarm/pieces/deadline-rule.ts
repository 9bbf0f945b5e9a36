// Pieces with deadlines: which of their blocks to ask of a peer, before the ordinary order of choice has its turn. A block
// goes to a peer that can keep the deadline, or to the one that answers soonest; a peer that would be late is left to
// later pieces. What is late at one peer is asked of a second and a third that would be much sooner.
// Pieces that are needed later than the peers together take to fetch all that is needed before are left to the ordinary order.
import type { DeadlinePieces, DuePiece } from './deadline-pieces.ts';
import type { BlockRef, PeerRequests } from './open-pieces.ts';
import { COPIES_MAX, type PieceBlocks } from './piece-blocks.ts';
import type { PickerPeer, PieceChooserOptions } from './piece-chooser.ts';

/** A piece presses when it is needed within this time and so many times what fetching everything before it takes. */
const PRESSING_MS = 5_000;
const PRESSING_LOAD = 1.5;
/** Deadlines that are looked at; the ones behind them are later. */
const PIECES_MAX = 1_024;
/** What presses is worked out anew so often, and whenever deadlines change. */
const PRESSING_EVERY_MS = 50;
/** A peer counts as in time when it would still be if it took so many times as long as expected. */
const SAFETY = 1.5;
/** Of peers that are all too late, those are asked that take at most so many times as long as the soonest. */
const SOONEST_TOLERANCE = 1.25;
/** A second peer is asked when it takes at most so much of the time that the block is expected to take. */
const DUPLICATE_GAIN = 0.5;
/** ... and this much less, in ms: what is gained is worth a block that comes twice. */
const DUPLICATE_GAIN_MIN_MS = 250;
/** What is believed of a peer that was not measured yet: enough to be tried, too little to be trusted with much. */
const UNKNOWN_BLOCKS_PER_SECOND = 4;
const UNKNOWN_ROUND_TRIP_MS = 100;
/** Pieces that may be open beyond the bound, so that what is pressing need not wait for what is not. */
const EXTRA_OPEN_PIECES = 4;

export interface DeadlineRuleOptions extends PieceChooserOptions {
  readonly deadlines: DeadlinePieces;
  /** All that may be asked, the one that is asked among them. */
  readonly peers: () => Iterable<PickerPeer>;
}

export class DeadlineRule {
  /** After `pick`: pressing pieces that are left to others, so that the ordinary order shall leave them too. */
  readonly declined: number[] = [];
  readonly #options: DeadlineRuleOptions;
  /** How many of the pieces press, as found at that time and change. */
  #pressingCount = 0;
  #pressingAtMs = Number.NEGATIVE_INFINITY;
  #pressingAtChange = -1;

  constructor(options: DeadlineRuleOptions) {
    this.#options = options;
  }

  /** Something is needed so soon that it comes before all else. */
  isPressing(nowMs: number): boolean {
    if (this.#options.deadlines.count === 0) return false;
    this.#updatePressing(nowMs);
    return this.#pressingCount > 0;
  }

  /** Asks the peer for pressing blocks: fills `out` from 0 up to `limit` and returns how many. */
  pick(peer: PickerPeer, requests: PeerRequests, limit: number, out: BlockRef[], nowMs: number): number {
    this.declined.length = 0;
    const { deadlines } = this.#options;
    if (deadlines.count === 0) return 0;
    this.#updatePressing(nowMs);
    let filled = 0;
    for (let rank = 0; rank < this.#pressingCount && filled < limit; rank++) {
      const due = deadlines.values()[rank]!;
      if (peer.have.has(due.pieceIndex)) filled = this.#pickPiece(due, peer, requests, limit, out, filled, nowMs);
    }
    return filled;
  }

  #pickPiece(
    due: DuePiece,
    peer: PickerPeer,
    requests: PeerRequests,
    limit: number,
    out: BlockRef[],
    from: number,
    nowMs: number,
  ): number {
    const { pieces, table, maxOpenPieces, open } = this.#options;
    const { pieceIndex } = due;
    let blocks = pieces.get(pieceIndex);
    if (blocks === undefined && !table.buckets.has(pieceIndex)) return from;
    const slackMs = due.deadlineMs - nowMs;
    const allowed = this.#blocksInTime(peer, requests, pieceIndex, slackMs);
    if (allowed <= 0) {
      this.declined.push(pieceIndex);
      return from;
    }
    if (blocks === undefined) {
      if (pieces.count >= maxOpenPieces + EXTRA_OPEN_PIECES) return from;
      blocks = open(pieceIndex);
    }
    const until = Math.min(limit, from + allowed);
    const filled = pieces.takeFree(blocks, requests, out, from, until);
    if (filled > from) {
      requests.currentPieceIndex = pieceIndex;
      const firstPlace = requests.outstandingCount - (filled - from) + 1;
      for (let i = from; i < filled; i++) {
        const atMs = nowMs + timeOf(peer, firstPlace + i - from);
        due.expect(out[i]!.blockIndex, peer.id, atMs, nowMs);
      }
    }
    if (blocks.freeCount > 0 && filled < limit) this.declined.push(pieceIndex);
    return this.#pickLate(due, blocks, peer, requests, limit, out, filled, nowMs);
  }

  /** How many more blocks of the piece the peer may be asked for. */
  #blocksInTime(peer: PickerPeer, requests: PeerRequests, pieceIndex: number, slackMs: number): number {
    const inTime = isReliable(peer) ? blocksWithin(peer, slackMs / SAFETY) - requests.outstandingCount : 0;
    if (inTime >= this.#options.blocksPerPiece) return inTime;
    let soonestMs = Number.POSITIVE_INFINITY;
    for (const other of this.#options.peers()) {
      if (other.id === peer.id || other.isChoking || !isReliable(other) || !other.have.has(pieceIndex)) continue;
      soonestMs = Math.min(soonestMs, timeOf(other, this.#outstandingOf(other.id) + 1));
    }
    // Nobody else can give it.
    if (soonestMs === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
    if (!isReliable(peer)) return 0;
    const amongSoonest = blocksWithin(peer, soonestMs * SOONEST_TOLERANCE) - requests.outstandingCount;
    return Math.max(inTime, amongSoonest);
  }

  /** Blocks that were asked of others, are expected too late, and would come much sooner from this peer. */
  #pickLate(
    due: DuePiece,
    blocks: PieceBlocks,
    peer: PickerPeer,
    requests: PeerRequests,
    limit: number,
    out: BlockRef[],
    from: number,
    nowMs: number,
  ): number {
    if (blocks.outstandingCount === 0 || !isReliable(peer)) return from;
    let filled = from;
    for (let block = 0; block < blocks.blockCount && filled < limit; block++) {
      const copies = blocks.copiesOf(block);
      if (copies === 0 || copies >= COPIES_MAX || blocks.isRequestedFrom(block, peer.id)) continue;
      const arrivalMs = this.#arrivalMs(due, blocks, block, nowMs);
      if (arrivalMs <= due.deadlineMs) continue;
      const ownMs = timeOf(peer, requests.outstandingCount + 1);
      const waitMs = arrivalMs - nowMs;
      if (ownMs > DUPLICATE_GAIN * waitMs || ownMs > waitMs - DUPLICATE_GAIN_MIN_MS) continue;
      filled = this.#options.pieces.takeCopy(blocks, block, requests, out, filled);
      due.expect(block, peer.id, nowMs + ownMs, nowMs);
    }
    return filled;
  }

  /** When a block that was asked for is expected. Of requests that were made without a deadline: as the last of their peer. */
  #arrivalMs(due: DuePiece, blocks: PieceBlocks, block: number, nowMs: number): number {
    const peerId = due.expectedPeerId(block);
    if (peerId >= 0 && !blocks.isRequestedFrom(block, peerId)) due.forget(block);
    if (due.expectedPeerId(block) < 0) {
      for (const other of this.#options.peers()) {
        if (!blocks.isRequestedFrom(block, other.id)) continue;
        due.expect(block, other.id, nowMs + timeOf(other, this.#outstandingOf(other.id)), nowMs);
      }
    }
    if (due.expectedPeerId(block) < 0) due.expect(block, blocks.requestersOf(block)[0]!, nowMs, nowMs);
    return due.arrivalMs(block, nowMs);
  }

  #updatePressing(nowMs: number): void {
    const { deadlines, pieces, table, blocksPerPiece } = this.#options;
    const isFresh = nowMs >= this.#pressingAtMs && nowMs < this.#pressingAtMs + PRESSING_EVERY_MS;
    if (isFresh && this.#pressingAtChange === deadlines.changeCount) return;
    this.#pressingAtMs = nowMs;
    this.#pressingAtChange = deadlines.changeCount;
    this.#pressingCount = 0;
    let blocksPerSecond = 0;
    for (const peer of this.#options.peers()) if (!peer.isChoking && isReliable(peer)) blocksPerSecond += rateOf(peer);
    let load = 0;
    const most = Math.min(PIECES_MAX, deadlines.count);
    for (let rank = 0; rank < most; rank++) {
      const { pieceIndex, deadlineMs } = deadlines.values()[rank]!;
      const blocks = pieces.get(pieceIndex);
      if (blocks !== undefined) load += blocks.blockCount - blocks.receivedCount;
      else if (table.buckets.has(pieceIndex)) load += blocksPerPiece;
      const loadMs = (load * 1_000) / Math.max(1, blocksPerSecond);
      if (deadlineMs - nowMs <= PRESSING_MS + PRESSING_LOAD * loadMs) this.#pressingCount = rank + 1;
    }
  }

  #outstandingOf(peerId: number): number {
    return this.#options.pieces.peer(peerId)?.outstandingCount ?? 0;
  }
}

/** The same peer without these pieces. */
export function peerWithout(peer: PickerPeer, withoutPieces: readonly number[]): PickerPeer {
  const { id, isChoking, allowedFast, isSnubbed, blocksPerSecond } = peer;
  const have = peer.have.clone();
  for (const pieceIndex of withoutPieces) have.delete(pieceIndex);
  return { id, have, isChoking, allowedFast, isSnubbed, blocksPerSecond, onParole: peer.onParole === true };
}

function isReliable(peer: PickerPeer): boolean {
  return !peer.isSnubbed && peer.onParole !== true;
}

function rateOf({ blocksPerSecond }: PickerPeer): number {
  return blocksPerSecond > 0 ? blocksPerSecond : UNKNOWN_BLOCKS_PER_SECOND;
}

function roundTripOf({ roundTripMs = 0 }: PickerPeer): number {
  return roundTripMs > 0 ? roundTripMs : UNKNOWN_ROUND_TRIP_MS;
}

/** Until the peer has answered so many requests, this one the last of them, in ms. */
function timeOf(peer: PickerPeer, place: number): number {
  return roundTripOf(peer) + (place * 1_000) / rateOf(peer);
}

/** How many requests the peer answers within that time. */
function blocksWithin(peer: PickerPeer, timeMs: number): number {
  return Math.max(0, Math.floor(((timeMs - roundTripOf(peer)) * rateOf(peer)) / 1_000));
}
