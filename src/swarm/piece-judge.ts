// What follows from a piece's hash: who is guilty (`PieceHashBlame`), who is trusted (`PeerTrust`), and which blocks of a bad
// piece are worth keeping: those of peers who have proven themselves, so that only the others' are fetched again. Once the
// piece is good, comparing tells whether they were bad. Knows no connection and holds no bytes.

import type { PeerTrust } from './peer-trust.ts';
import type { BlockSender, PieceHashBlame } from './piece-hash-blame.ts';

/** So often blocks of one piece are kept before all of it is fetched again. */
const REPAIRS_MAX = 6;

export interface FailedPiece {
  /** Proven to have sent bad bytes. */
  readonly ban: readonly string[];
  /** Of the piece in this order; empty: keep nothing. */
  readonly isKept: readonly boolean[];
}

export class PieceJudge {
  readonly #blame: PieceHashBlame;
  readonly #trust: PeerTrust;
  /** Piece → how often blocks of it were kept. BOUNDED: pieces of the torrent; those that are good are forgotten. */
  readonly #repairs = new Map<number, number>();

  constructor(blame: PieceHashBlame, trust: PeerTrust) {
    this.#blame = blame;
    this.#trust = trust;
  }

  /** Whether the block hashes of the piece, once verified, can convict somebody. */
  needsBlockHashes(piece: number): boolean {
    return this.#blame.needsBlockHashes(piece);
  }

  /** Arguments as for `PieceHashBlame`. Returns who is guilty. */
  handleVerified(
    piece: number,
    blockSha1s: Uint8Array | undefined,
    senders: readonly BlockSender[],
  ): readonly string[] {
    this.#repairs.delete(piece);
    const { ban } = this.#blame.handleVerifiedPiece(piece, blockSha1s, senders);
    this.#trust.handleVerifiedPiece(senders);
    this.#trust.handleGuilty(ban);
    return ban;
  }

  handleFailed(piece: number, blockSha1s: Uint8Array | undefined, senders: readonly BlockSender[]): FailedPiece {
    const { ban } = this.#blame.handleFailedPiece(piece, blockSha1s, senders);
    const suspect = this.#trust.handleFailedPiece(senders, (peer) => this.#blame.failureCountOf(peer));
    this.#trust.handleGuilty(ban);
    const isKept = senders.map((sender) => sender !== suspect);
    const repairCount = this.#repairs.get(piece) ?? 0;
    // Without the hashes of what is fetched again, nobody could be convicted.
    const isRepaired = isKept.includes(true) && repairCount < REPAIRS_MAX && blockSha1s !== undefined;
    if (isRepaired) this.#repairs.set(piece, repairCount + 1);
    return { ban, isKept: isRepaired ? isKept : [] };
  }
}
