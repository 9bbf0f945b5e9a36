// How a torrent that is complete spreads its pieces: keeps the counts of `PieceSpread` up with what peers say, and lets
// `Suggesting` act on them. At rest while something is missing: then what we want comes first.
import type { Bitfield } from '../../base/bitfield.ts';
import type { Random } from '../../base/random.ts';
import { PieceSpread } from '../../swarm/piece-spread.ts';
import { type SuggestedPeer, Suggesting } from './suggesting.ts';

export interface SpreadingPeer extends SuggestedPeer {
  /** What it had before the bitfield that has just come; undefined: nothing. */
  readonly haveBefore: Bitfield | undefined;
}

interface Machines {
  readonly spread: PieceSpread;
  readonly suggesting: Suggesting;
}

export interface SpreadingOptions {
  readonly pieceLengthBytes: number;
  readonly random: Random;
}

export class Spreading {
  readonly #options: SpreadingOptions;
  /** Undefined while the torrent is not complete. */
  #machines: Machines | undefined;

  constructor(options: SpreadingOptions) {
    this.#options = options;
  }

  /** Which pieces went to whom first, and how many copies there are; undefined while something is missing. */
  get spread(): PieceSpread | undefined {
    return this.#machines?.spread;
  }

  /** Pieces are too rare to let peers choose some of them at random: no allowed fast set is given. */
  get isSparing(): boolean {
    return this.#machines?.suggesting.isNeeded === true;
  }

  /** Everything wanted is here: `have`. */
  start(have: Bitfield, peers: Iterable<SpreadingPeer>): void {
    if (this.#machines !== undefined) return;
    const spread = new PieceSpread(have, this.#options.random);
    const suggesting = new Suggesting(spread, this.#options.pieceLengthBytes);
    this.#machines = { spread, suggesting };
    for (const peer of peers) {
      spread.addPieces(peer.id, peer.have);
      if (peer.isUnchoked) suggesting.handleUnchoke(peer);
    }
  }

  /** Something is missing again. */
  stop(): void {
    this.#machines = undefined;
  }

  handleBitfield(peer: SpreadingPeer): void {
    if (this.#machines === undefined) return;
    const { spread } = this.#machines;
    if (peer.haveBefore !== undefined) spread.removePieces(peer.haveBefore);
    spread.addPieces(peer.id, peer.have);
  }

  handleHave(peer: SpreadingPeer, pieceIndex: number): void {
    if (this.#machines === undefined) return;
    this.#machines.spread.handleHave(peer.id, pieceIndex);
    this.#machines.suggesting.handleHave(peer, pieceIndex);
  }

  handleDontHave(pieceIndex: number): void {
    this.#machines?.spread.handleDontHave(pieceIndex);
  }

  handlePeerGone(peer: SpreadingPeer): void {
    this.#machines?.spread.handlePeerGone(peer);
    this.#machines?.suggesting.handlePeerGone(peer);
  }

  /** It is about to be told. */
  handleUnchoke(peer: SpreadingPeer): void {
    this.#machines?.suggesting.handleUnchoke(peer);
  }

  handleChoke(peer: SpreadingPeer): void {
    this.#machines?.suggesting.handleChoke(peer);
  }

  /** The peer asks for a block of the piece, and gets it. */
  handleRequest(peer: SpreadingPeer, pieceIndex: number): void {
    this.#machines?.suggesting.handleRequest(peer, pieceIndex);
  }
}
