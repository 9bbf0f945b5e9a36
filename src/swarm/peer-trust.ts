// Who has given enough good blocks to be trusted with a share of any piece. Nobody is asked for proof before the first piece
// of a torrent has failed; from then on a stranger gets few blocks at a time until they have turned out to be good, so that
// one who lies spoils little. Decides whose blocks of a failed piece are to be fetched again. Knows no connection: peers are
// address strings. Trust convicts nobody: that is up to `PieceHashBlame`.
import { PEER_LIST_MAX } from '../protocol/limits.ts';
import type { BlockSender } from './piece-hash-blame.ts';

/** Verified blocks that prove a peer: one that changes a block in five gets there in one case of a thousand. */
export const PROVEN_BLOCKS = 16;
/** Blocks of pieces not yet verified that a stranger may be asked for; each block that turns out good adds one. */
export const STRANGER_BLOCKS = 2;

/** Verified blocks after which a peer may be relied on to finish what a stranger has begun. */
const KNOWN_BLOCKS = 2;

/** What the share of a piece weighs beside that: little. */
const SHARE_WEIGHT = 0.01;

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

  /** No block of it was in a verified piece. */
  isNew(peer: string): boolean {
    return this.#goodBlocksOf(peer) === 0;
  }

  /** Has given good blocks: others' pieces may be left to it to finish. */
  isKnown(peer: string): boolean {
    return this.#goodBlocksOf(peer) >= KNOWN_BLOCKS;
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
   * Whose blocks are to be fetched again first: those of whoever has the most failures for the fewest good blocks, and of
   * equals the fewest in this piece, since that is the cheapest to find out. It has to prove itself anew.
   */
  handleFailedPiece(senders: readonly BlockSender[], failuresOf: (peer: string) => number): BlockSender {
    this.#isAlert = true;
    const counts = new Map<BlockSender, number>();
    for (const sender of senders) counts.set(sender, (counts.get(sender) ?? 0) + 1);
    let suspect: BlockSender;
    let most = Number.NEGATIVE_INFINITY;
    for (const [sender, count] of counts) {
      const suspicion = sender === undefined ? 1 : (1 + failuresOf(sender)) / (1 + this.#goodBlocksOf(sender));
      const order = suspicion - (SHARE_WEIGHT * count) / senders.length;
      if (order <= most) continue;
      most = order;
      suspect = sender;
    }
    if (suspect !== undefined) this.#goodBlocks.set(suspect, Math.floor(this.#goodBlocksOf(suspect) / 2));
    return suspect;
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
