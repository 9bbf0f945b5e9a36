// Who has given enough good blocks to be trusted with a share of any piece. Nobody is asked for proof before the first piece
// of a torrent has failed; from then on a stranger gets few blocks at a time until they have turned out to be good, so that
// one who lies spoils little. Decides whose blocks of a failed piece are to be fetched again. Knows no connection: peers are
// address strings. Trust convicts nobody: that is up to `PieceHashBlame`.
import { PEER_LIST_MAX } from '../protocol/limits.ts';
import type { BlockSender } from './piece-hash-blame.ts';

/** Verified blocks that prove a peer: one that changes a block in five gets there in one case of a thousand. */
export const PROVEN_BLOCKS = 32;
/** Blocks of pieces not yet verified that a stranger may be asked for; each block that turns out good adds one. */
export const STRANGER_BLOCKS = 3;

export class PeerTrust {
  /** Address → blocks in verified pieces, up to PROVEN_BLOCKS. BOUNDED: PEER_LIST_MAX, the oldest dropped. */
  readonly #goodBlocks = new Map<string, number>();
  #isAlert = false;

  /** A piece of the torrent has failed: somebody sends bad blocks. */
  get isAlert(): boolean {
    return this.#isAlert;
  }

  isProven(peer: string): boolean {
    return this.#goodBlocksOf(peer) >= PROVEN_BLOCKS;
  }

  /** Blocks of pieces not yet verified that the peer may be asked for. */
  unverifiedMax(peer: string): number {
    if (!this.#isAlert || this.isProven(peer)) return Number.POSITIVE_INFINITY;
    return STRANGER_BLOCKS + this.#goodBlocksOf(peer);
  }

  handleVerifiedPiece(senders: readonly BlockSender[]): void {
    for (const sender of senders) {
      if (sender === undefined) continue;
      const count = this.#goodBlocksOf(sender);
      if (count >= PROVEN_BLOCKS) continue;
      this.#goodBlocks.set(sender, count + 1);
      if (this.#goodBlocks.size > PEER_LIST_MAX) this.#forgetOldest();
    }
  }

  /**
   * Whose blocks are to be fetched again: those of strangers, of everybody when all are proven. They have to prove
   * themselves anew.
   */
  handleFailedPiece(senders: readonly BlockSender[]): ReadonlySet<BlockSender> {
    this.#isAlert = true;
    const strangers = new Set(senders.filter((sender) => sender === undefined || !this.isProven(sender)));
    const suspects = strangers.size > 0 ? strangers : new Set(senders);
    for (const suspect of suspects) if (suspect !== undefined) this.#goodBlocks.delete(suspect);
    return suspects;
  }

  /** They are proven to have sent bad blocks. */
  handleGuilty(peers: readonly string[]): void {
    for (const peer of peers) this.#goodBlocks.delete(peer);
  }

  #goodBlocksOf(peer: string): number {
    return this.#goodBlocks.get(peer) ?? 0;
  }

  #forgetOldest(): void {
    const [oldest] = this.#goodBlocks.keys();
    this.#goodBlocks.delete(oldest!);
  }
}
