// How a torrent that is complete spreads its pieces: keeps the counts of `PieceSpread` up with what peers say, and lets
// `SuperSeeding`, where the user wants it, or `Suggesting` act on them. At rest while something is missing: then what we want
// comes first. Peers that connected before super-seeding began know what we have, and are treated as by any seed.
import type { Bitfield } from '../../base/bitfield.ts';
import type { Random } from '../../base/random.ts';
import { PieceSpread } from '../../swarm/piece-spread.ts';
import { type SuggestedPeer, Suggesting } from './suggesting.ts';
import { SuperSeeding, type SuperSeedPeer } from './super-seeding.ts';

export interface SpreadingPeer extends SuggestedPeer, SuperSeedPeer {
  /** What it had before the bitfield that has just come; undefined: nothing. */
  readonly haveBefore: Bitfield | undefined;
  announceUploadOnly(isUploadOnly: boolean): void;
}

interface Machines {
  readonly have: Bitfield;
  readonly spread: PieceSpread;
  readonly suggesting: Suggesting;
}

export interface SpreadingOptions {
  readonly pieceLengthBytes: number;
  readonly random: Random;
  /** Connected peers that have the piece. */
  readonly seenAt: (pieceIndex: number) => number;
  readonly nowMs: () => number;
  readonly peers: () => Iterable<SpreadingPeer>;
  /** The swarm has enough copies: super-seeding has ended by itself. */
  readonly onSuperSeedingDone: () => void;
}

export class Spreading {
  readonly #options: SpreadingOptions;
  /** Undefined while the torrent is not complete. */
  #machines: Machines | undefined;
  #superSeeding: SuperSeeding | undefined;

  constructor(options: SpreadingOptions) {
    this.#options = options;
  }

  /** Which pieces went to whom first, and how many copies there are; undefined while something is missing. */
  get spread(): PieceSpread | undefined {
    return this.#machines?.spread;
  }

  /** Pieces are too rare to let peers choose some of them at random: no allowed fast set is given. */
  get isSparing(): boolean {
    return this.#superSeeding !== undefined || this.#machines?.suggesting.isNeeded === true;
  }

  get isSuperSeeding(): boolean {
    return this.#superSeeding !== undefined;
  }

  /** Everything wanted is here: `have`. */
  start(have: Bitfield, isSuperSeed: boolean): void {
    if (this.#machines === undefined) {
      const spread = new PieceSpread(have, this.#options.random);
      const suggesting = new Suggesting(spread, this.#options.pieceLengthBytes);
      this.#machines = { have, spread, suggesting };
      for (const peer of this.#options.peers()) {
        spread.addPieces(peer.id, peer.have);
        if (peer.isUnchoked) suggesting.handleUnchoke(peer);
      }
    }
    this.setSuperSeeding(isSuperSeed);
  }

  /** Something is missing again. */
  stop(): void {
    this.#endSuperSeeding();
    this.#machines = undefined;
  }

  setSuperSeeding(isOn: boolean): void {
    if (!isOn) this.#endSuperSeeding();
    else if (this.#machines !== undefined && this.#superSeeding === undefined) {
      const { pieceLengthBytes, seenAt, nowMs } = this.#options;
      const { spread, have } = this.#machines;
      this.#superSeeding = new SuperSeeding({ spread, pieceCount: have.length, pieceLengthBytes, seenAt, nowMs });
    }
  }

  /** What a peer that has just connected is told that we have; undefined: everything. Then `handleGreeted`. */
  admit(peer: SpreadingPeer): Bitfield | undefined {
    return this.#superSeeding?.admit(peer);
  }

  /** The peer has been told what it is to be told at first. */
  handleGreeted(peer: SpreadingPeer): void {
    this.#superSeeding?.show(peer);
  }

  /** The peer was told that we have the piece, as far as we have it. */
  isShown(peerId: number, pieceIndex: number): boolean {
    return this.#superSeeding?.shownTo(peerId)?.has(pieceIndex) !== false;
  }

  handleBitfield(peer: SpreadingPeer): void {
    if (this.#machines === undefined) return;
    const { spread } = this.#machines;
    if (peer.haveBefore !== undefined) spread.removePieces(peer.haveBefore);
    spread.addPieces(peer.id, peer.have);
    this.#superSeeding?.handleBitfield(peer);
    this.#endIfDone();
  }

  handleHave(peer: SpreadingPeer, pieceIndex: number): void {
    if (this.#machines === undefined) return;
    this.#machines.spread.handleHave(peer.id, pieceIndex);
    this.#superSeeding?.handleHave(peer, pieceIndex);
    if (this.#knowsAll(peer)) this.#machines.suggesting.handleHave(peer, pieceIndex);
    this.#endIfDone();
  }

  handleDontHave(pieceIndex: number): void {
    this.#machines?.spread.handleDontHave(pieceIndex);
  }

  /** We cannot give the piece any more. */
  handlePieceLost(pieceIndex: number): void {
    this.#machines?.spread.handlePieceLost(pieceIndex);
  }

  handlePeerGone(peer: SpreadingPeer): void {
    this.#machines?.spread.handlePeerGone(peer);
    this.#machines?.suggesting.handlePeerGone(peer);
    this.#superSeeding?.handlePeerGone(peer);
  }

  /** It is about to be told. */
  handleUnchoke(peer: SpreadingPeer): void {
    if (this.#knowsAll(peer)) this.#machines?.suggesting.handleUnchoke(peer);
  }

  handleUnchoked(peer: SpreadingPeer): void {
    this.#superSeeding?.show(peer);
  }

  handleChoke(peer: SpreadingPeer): void {
    if (this.#knowsAll(peer)) this.#machines?.suggesting.handleChoke(peer);
  }

  /** The peer asks for a block of a piece that we have. */
  handleRequest(peer: SpreadingPeer, pieceIndex: number): void {
    if (this.#knowsAll(peer)) this.#machines?.suggesting.handleRequest(peer, pieceIndex);
    else this.#superSeeding?.handleRequest(peer, pieceIndex);
  }

  /** Every few seconds. */
  handleRound(): void {
    this.#superSeeding?.handleRound();
    this.#endIfDone();
  }

  #knowsAll(peer: SpreadingPeer): boolean {
    return this.#superSeeding?.shownTo(peer.id) === undefined;
  }

  #endIfDone(): void {
    if (this.#superSeeding?.isDone !== true) return;
    this.#endSuperSeeding();
    this.#options.onSuperSeedingDone();
  }

  /** From now on everybody may know that we have everything. */
  #endSuperSeeding(): void {
    const superSeeding = this.#superSeeding;
    if (superSeeding === undefined || this.#machines === undefined) return;
    const { have, suggesting } = this.#machines;
    this.#superSeeding = undefined;
    for (const peer of [...this.#options.peers()]) {
      if (superSeeding.shownTo(peer.id) === undefined) continue;
      for (const pieceIndex of superSeeding.hiddenFrom(peer, have)) peer.announceHave(pieceIndex);
      peer.announceUploadOnly(true);
      if (peer.isUnchoked) suggesting.handleUnchoke(peer);
    }
  }
}
