// What an ordinary seed does so that each piece leaves it once before any leaves it twice (BEP 6, "Suggest Piece"): tells each
// unchoked peer, a little ahead of what it asks for, which pieces have fewest copies. Only while some piece is rare; the peer
// need not follow, and what it asks for instead is counted just the same.
import type { PieceSpread, SpreadPeer } from '../../swarm/piece-spread.ts';

/** Pieces suggested and not begun, for each peer: enough for what it asks for at once. */
const AHEAD_BYTES = 512 * 1024;
const AHEAD_MIN = 2;
const AHEAD_MAX = 16;
/** While the rarest piece has fewer copies among the peers, it matters which one goes out next. */
const RARE_COPIES = 3;
/** Pieces that a peer has begun and not finished, as far as they are counted. */
const BEGUN_MAX = 64;

export interface SuggestedPeer extends SpreadPeer {
  readonly supportsFast: boolean;
  readonly isUnchoked: boolean;
  sendSuggest(pieceIndex: number): void;
}

export class Suggesting {
  readonly #spread: PieceSpread;
  readonly #ahead: number;
  /** Suggested to the peer, and nothing of it asked for yet. BOUNDED: AHEAD_MAX a connected peer. */
  readonly #unbegun = new Map<number, Set<number>>();

  constructor(spread: PieceSpread, pieceLengthBytes: number) {
    this.#spread = spread;
    this.#ahead = Math.min(AHEAD_MAX, Math.max(AHEAD_MIN, Math.ceil(AHEAD_BYTES / pieceLengthBytes)));
  }

  /** It matters which piece goes out next. */
  get isNeeded(): boolean {
    return this.#spread.leastCopies < RARE_COPIES;
  }

  /** The peer is about to be unchoked: what is suggested now is there when it may ask. */
  handleUnchoke(peer: SuggestedPeer): void {
    this.#suggest(peer);
  }

  /** Nothing more goes to it: others are given what it was promised. */
  handleChoke(peer: SuggestedPeer): void {
    this.#unbegun.delete(peer.id);
    this.#spread.withdrawAll(peer.id);
  }

  handleRequest(peer: SuggestedPeer, pieceIndex: number): void {
    const unbegun = this.#unbegun.get(peer.id);
    if (unbegun?.delete(pieceIndex) !== true) {
      const promised = this.#spread.promisedTo(peer.id);
      if (promised.has(pieceIndex) || promised.size >= BEGUN_MAX) return;
      this.#spread.promise(peer, pieceIndex);
    }
    if (peer.isUnchoked) this.#suggest(peer);
  }

  /** The peer has got the piece, from us or from another. */
  handleHave(peer: SuggestedPeer, pieceIndex: number): void {
    if (this.#unbegun.get(peer.id)?.delete(pieceIndex) === true && peer.isUnchoked) this.#suggest(peer);
  }

  handlePeerGone(peer: SuggestedPeer): void {
    this.#unbegun.delete(peer.id);
  }

  #suggest(peer: SuggestedPeer): void {
    if (!peer.supportsFast || !this.isNeeded) return;
    const unbegun = this.#unbegun.get(peer.id) ?? new Set();
    while (unbegun.size < this.#ahead) {
      const pieceIndex = this.#spread.next(peer);
      if (pieceIndex < 0) break;
      unbegun.add(pieceIndex);
      peer.sendSuggest(pieceIndex);
    }
    if (unbegun.size > 0) this.#unbegun.set(peer.id, unbegun);
  }
}
