// Which piece a seed gives to whom, so that each piece leaves it once before any leaves it twice (BEP 16; BEP 6, "Suggest
// Piece"). Counts the copies of each piece among the connected peers, those that were promised to a peer and have not come
// there yet included. Knows no message and no clock: how a promise is told, and when, is decided elsewhere.
import type { Bitfield } from '../base/bitfield.ts';
import type { Random } from '../base/random.ts';
import { AvailabilityBuckets } from './pieces/availability-buckets.ts';

/** A peer as the spread sees it. `have` is read at each call. */
export interface SpreadPeer {
  /** Never used again for another connection. */
  readonly id: number;
  readonly have: Bitfield;
}

/** All pieces stand under one priority. */
const ONLY = 1;
const NO_PIECES: ReadonlySet<number> = new Set();

export class PieceSpread {
  /** Copies of each piece that we have, promised ones included. */
  readonly #copies: AvailabilityBuckets;
  /** BOUNDED: by the peers connected, each with as many promises as the caller lets it have open. */
  readonly #promises = new Map<number, Set<number>>();

  /** `have`: the pieces that we can give. */
  constructor(have: Bitfield, random: Random) {
    this.#copies = new AvailabilityBuckets(have.length, random);
    for (const piece of have.indexes()) this.#copies.insert(piece, ONLY);
  }

  /** Copies of the piece that has fewest, promised ones included. */
  get leastCopies(): number {
    return this.#copies.leastAvailability(ONLY);
  }

  /** We have it. */
  canGive(piece: number): boolean {
    return this.#copies.has(piece);
  }

  /** We cannot give the piece any more. */
  handlePieceLost(piece: number): void {
    this.#copies.remove(piece);
  }

  copiesOf(piece: number): number {
    return this.#copies.availabilityOf(piece);
  }

  /** What was promised to the peer and has not come there. */
  promisedTo(peerId: number): ReadonlySet<number> {
    return this.#promises.get(peerId) ?? NO_PIECES;
  }

  /** Promises the peer a piece that it lacks, of those with fewest copies; -1 when it lacks none. */
  next(peer: SpreadPeer): number {
    const piece = this.#copies.rarestLacking(ONLY, peer.have, this.promisedTo(peer.id));
    if (piece >= 0) this.promise(peer, piece);
    return piece;
  }

  /** The peer takes a piece, chosen by whomever; false when it has it or was promised it. */
  promise(peer: SpreadPeer, piece: number): boolean {
    const promised = this.#promises.get(peer.id) ?? new Set();
    if (peer.have.has(piece) || promised.has(piece) || !this.#copies.has(piece)) return false;
    this.#promises.set(peer.id, promised.add(piece));
    this.#copies.increment(piece);
    return true;
  }

  /** The peer will not take the piece after all, or not soon. */
  withdraw(peerId: number, piece: number): void {
    if (this.#forgetPromise(peerId, piece)) this.#copies.decrement(piece);
  }

  withdrawAll(peerId: number): void {
    for (const piece of this.promisedTo(peerId)) this.#copies.decrement(piece);
    this.#promises.delete(peerId);
  }

  /** What the peer says it has, when nothing was counted for it. */
  addPieces(peerId: number, have: Bitfield): void {
    for (const piece of [...this.promisedTo(peerId)]) if (have.has(piece)) this.withdraw(peerId, piece);
    this.#copies.addPeer(have);
  }

  /** Nothing is counted for the peer any more but its promises. */
  removePieces(have: Bitfield): void {
    this.#copies.removePeer(have);
  }

  handleHave(peerId: number, piece: number): void {
    // A promise that is kept was counted before.
    if (!this.#forgetPromise(peerId, piece)) this.#copies.increment(piece);
  }

  handleDontHave(piece: number): void {
    this.#copies.decrement(piece);
  }

  /** `have`: what was counted for it. */
  handlePeerGone(peer: SpreadPeer): void {
    this.withdrawAll(peer.id);
    this.removePieces(peer.have);
  }

  #forgetPromise(peerId: number, piece: number): boolean {
    const promised = this.#promises.get(peerId);
    if (promised?.delete(piece) !== true) return false;
    if (promised.size === 0) this.#promises.delete(peerId);
    return true;
  }

  /** Throws when the counts disagree. For tests: O(pieces). */
  assertInvariants(): void {
    this.#copies.assertInvariants();
  }
}
