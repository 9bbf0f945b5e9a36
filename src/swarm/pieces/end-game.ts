// End game: every wanted block that somebody has is here or asked for, and a peer would fall idle. It then helps the peer
// that would take longest, with the block that this one would send last, when it can bring it clearly sooner. A copy costs
// nothing where the cancel reaches the slow peer in time; what may come twice is kept to a small part of the torrent, unless
// much time is won. Knows no clock: how long answers take is asked of the options. BEP 3 ("end game").
import type { BlockRef, OpenPieces, PeerRequests } from './open-pieces.ts';
import { COPIES_MAX } from './piece-blocks.ts';
import type { PickerPeer } from './piece-chooser.ts';

/** The helper must bring the block in at most this part of the time that the slow peer needs. */
const SOONER_RATIO = 0.6;
/** What programs hand to their sockets ahead: time at the connection's rate, and blocks. Cancels do not reach it. */
const SENT_AHEAD_MS = 500;
const SENT_AHEAD_BLOCKS = 4;
/** Blocks that may come twice, as part of the torrent, and at least: those first risked, and all for which less is won than ... */
const RISKED_RATIO = 1 / 400;
const RISKED_MIN = 1;
const COPIES_RATIO = 1 / 160;
const COPIES_MIN = 2;
/** The time to be won for which a copy is risked, and that which is worth any copy. */
const RISKED_GAIN_MS = 500;
const DEAR_GAIN_MS = 8_000;
/** A helper owes no more than this time of its rate while it takes copies, within these bounds in blocks. */
const OWED_SECONDS = 0.25;
const OWED_MAX = 16;

/**
 * In how many ms the peer will have answered the next `count` of the requests to it, as far as can be told; 0 when it is
 * unknown.
 */
export type AnswerTime = (peerId: number, count: number) => number;

export interface EndGameOptions {
  readonly pieces: OpenPieces;
  readonly blockCount: number;
  readonly answerMs: AnswerTime;
}

export class EndGame {
  readonly #pieces: OpenPieces;
  readonly #answerMs: AnswerTime;
  readonly #riskedCopies: number;
  readonly #copies: number;

  constructor({ pieces, blockCount, answerMs }: EndGameOptions) {
    this.#pieces = pieces;
    this.#answerMs = answerMs;
    this.#riskedCopies = Math.max(RISKED_MIN, Math.floor(blockCount * RISKED_RATIO));
    this.#copies = Math.max(COPIES_MIN, Math.floor(blockCount * COPIES_RATIO));
  }

  /** Asks the peer for copies: fills `out` from `from` up to `limit`. */
  pick(peer: PickerPeer, requests: PeerRequests, out: BlockRef[], from: number, limit: number): number {
    const owedMax = Math.min(OWED_MAX, Math.max(1, Math.floor(peer.blocksPerSecond * OWED_SECONDS)));
    const until = Math.min(limit, from + owedMax - requests.outstandingCount);
    let filled = from;
    while (filled < until) {
      const next = this.#pickOne(peer, requests, out, filled);
      if (next === filled) break;
      filled = next;
    }
    return filled;
  }

  #pickOne(peer: PickerPeer, requests: PeerRequests, out: BlockRef[], at: number): number {
    const helperMs = this.#answerMs(peer.id, requests.outstandingCount + 1);
    let bestMs = 0;
    let bestPiece = -1;
    let bestBlock = -1;
    for (const holder of this.#pieces.peers()) {
      if (holder === requests || holder.outstandingCount === 0) continue;
      let place = holder.outstandingCount;
      for (const [pieceIndex, block] of this.#pieces.latestOf(holder)) {
        const dueMs = this.#answerMs(holder.id, place--);
        if (dueMs <= bestMs || !this.#isWorthIt(holder, dueMs, helperMs)) break;
        const blocks = this.#pieces.get(pieceIndex)!;
        if (!peer.have.has(pieceIndex) || blocks.copiesOf(block) >= COPIES_MAX) continue;
        if (blocks.isRequestedFrom(block, requests.id)) continue;
        if (blocks.copiesOf(block) > 1 && this.#isSoonHere(blocks.requestersOf(block), helperMs)) continue;
        bestMs = dueMs;
        bestPiece = pieceIndex;
        bestBlock = block;
        break;
      }
    }
    if (bestPiece < 0) return at;
    this.#pieces.takeCopy(this.#pieces.get(bestPiece)!, bestBlock, requests, out, at);
    return at + 1;
  }

  #isWorthIt(holder: PeerRequests, dueMs: number, helperMs: number): boolean {
    if (helperMs > SOONER_RATIO * dueMs) return false;
    const gainMs = dueMs - helperMs;
    if (gainMs > DEAR_GAIN_MS) return true;
    const copies = this.#pieces.duplicateCount + this.#pieces.copyCount;
    const sentAheadMs = Math.max(SENT_AHEAD_MS, this.#answerMs(holder.id, SENT_AHEAD_BLOCKS));
    return gainMs > (copies < this.#riskedCopies ? RISKED_GAIN_MS : sentAheadMs) && copies < this.#copies;
  }

  /** Of those asked for the block, one will answer not much later. */
  #isSoonHere(requesters: readonly number[], helperMs: number): boolean {
    return requesters.some((id) => {
      return this.#answerMs(id, this.#pieces.peer(id)!.outstandingCount) - helperMs < DEAR_GAIN_MS;
    });
  }
}

/** Where nothing is known of the peers: each answers one block a second. */
export function assumedAnswerMs(_peerId: number, count: number): number {
  return count * 1_000;
}
