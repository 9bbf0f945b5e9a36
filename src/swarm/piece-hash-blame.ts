// Who sent the bad bytes of a piece whose hash failed. One sender of all of it is guilty at once; of several, the one
// whose block differs once the piece has been fetched well is. Until then those that keep sharing failures go on
// parole: they fetch pieces alone, so that the next bad one convicts. Knows no connection: peers are address strings.
import { BLAME_MAX_BYTES, PEER_LIST_MAX, SHARED_FAILURES_MAX } from '../protocol/limits.ts';

const SHA1_BYTES = 20;
/** What a block of a recorded attempt is taken to cost: its hash and a reference to its sender. */
const BLOCK_COST_BYTES: number = SHA1_BYTES + 8;
/** Failed attempts remembered of one piece. */
const ATTEMPTS_MAX = 8;

/** The address of who sent a block; undefined when it is not known. */
export type BlockSender = string | undefined;

export interface BlameVerdict {
  /** Proven to have sent bad bytes. */
  readonly ban: readonly string[];
  /** From now on to be asked for whole pieces alone. */
  readonly parole: readonly string[];
}

interface Attempt {
  readonly blockSha1s: Uint8Array;
  readonly senders: readonly BlockSender[];
}

export class PieceHashBlame {
  /** Piece → failed attempts, oldest piece first. BOUNDED: BLAME_MAX_BYTES, the oldest piece dropped. */
  readonly #attempts = new Map<number, Attempt[]>();
  /** Address → failed pieces shared with others and not cleared up. BOUNDED: PEER_LIST_MAX, the oldest dropped. */
  readonly #sharedFailures = new Map<string, number>();
  #attemptBytes = 0;

  /** Whether the block hashes of the piece, once verified, can convict somebody. */
  needsBlockHashes(piece: number): boolean {
    return this.#attempts.has(piece);
  }

  /** Failed pieces that it shared with others and that are not cleared up. */
  failureCountOf(peer: string): number {
    return this.#sharedFailures.get(peer) ?? 0;
  }

  isOnParole(peer: string): boolean {
    return this.failureCountOf(peer) >= SHARED_FAILURES_MAX;
  }

  /** `blockSha1s`: 20 bytes a block, joined; undefined when the disk could not tell. `senders`: one a block. */
  handleFailedPiece(piece: number, blockSha1s: Uint8Array | undefined, senders: readonly BlockSender[]): BlameVerdict {
    const known = new Set(senders.filter((sender) => sender !== undefined));
    const [first] = known;
    if (known.size === 1 && first !== undefined && senders.every((sender) => sender === first)) {
      return { ban: [first], parole: [] };
    }
    const parole: string[] = [];
    for (const peer of known) {
      const wasOnParole = this.isOnParole(peer);
      const count = (this.#sharedFailures.get(peer) ?? 0) + 1;
      this.#sharedFailures.delete(peer);
      this.#sharedFailures.set(peer, count);
      if (!wasOnParole && this.isOnParole(peer)) parole.push(peer);
    }
    dropOldest(this.#sharedFailures, PEER_LIST_MAX);
    if (blockSha1s?.length === senders.length * SHA1_BYTES) this.#record(piece, { blockSha1s, senders });
    return { ban: [], parole };
  }

  /** `blockSha1s` of the good piece; only needed when `needsBlockHashes` said so. `senders`: of the good blocks. */
  handleVerifiedPiece(
    piece: number,
    blockSha1s: Uint8Array | undefined,
    senders: readonly BlockSender[],
  ): BlameVerdict {
    this.#clearSoleSender(senders);
    const attempts = this.#attempts.get(piece);
    if (attempts === undefined) return { ban: [], parole: [] };
    this.#forget(piece);
    if (blockSha1s === undefined) return { ban: [], parole: [] };
    const guilty = new Set<string>();
    for (const attempt of attempts) {
      for (const [block, sender] of attempt.senders.entries()) {
        if (sender !== undefined && !isSameHash(attempt.blockSha1s, blockSha1s, block)) guilty.add(sender);
      }
    }
    // Whoever merely stood beside the guilty has one failure fewer.
    for (const attempt of attempts) for (const peer of new Set(attempt.senders)) this.#clearOne(peer);
    for (const peer of guilty) this.#sharedFailures.delete(peer);
    return { ban: [...guilty], parole: [] };
  }

  /** A whole good piece from one peer on parole: it has proven itself. */
  #clearSoleSender(senders: readonly BlockSender[]): void {
    const [first] = senders;
    if (first === undefined || !this.isOnParole(first)) return;
    if (senders.every((sender) => sender === first)) this.#sharedFailures.delete(first);
  }

  #clearOne(peer: BlockSender): void {
    if (peer === undefined) return;
    const count = this.#sharedFailures.get(peer);
    if (count === undefined) return;
    if (count <= 1) this.#sharedFailures.delete(peer);
    else this.#sharedFailures.set(peer, count - 1);
  }

  #record(piece: number, attempt: Attempt): void {
    const attempts = this.#attempts.get(piece) ?? [];
    if (attempts.length >= ATTEMPTS_MAX) this.#attemptBytes -= costOf(attempts.shift()!);
    attempts.push({ blockSha1s: attempt.blockSha1s.slice(), senders: [...attempt.senders] });
    this.#attemptBytes += costOf(attempt);
    // Deleted first, so that the piece counts as the latest.
    this.#attempts.delete(piece);
    this.#attempts.set(piece, attempts);
    for (const oldest of this.#attempts.keys()) {
      if (this.#attemptBytes <= BLAME_MAX_BYTES) break;
      this.#forget(oldest);
    }
  }

  #forget(piece: number): void {
    for (const attempt of this.#attempts.get(piece) ?? []) this.#attemptBytes -= costOf(attempt);
    this.#attempts.delete(piece);
  }
}

function costOf(attempt: Attempt): number {
  return attempt.senders.length * BLOCK_COST_BYTES;
}

function isSameHash(left: Uint8Array, right: Uint8Array, block: number): boolean {
  const end = (block + 1) * SHA1_BYTES;
  for (let i = block * SHA1_BYTES; i < end; i++) if (left[i] !== right[i]) return false;
  return true;
}

function dropOldest(map: Map<string, unknown>, maxCount: number): void {
  for (const key of map.keys()) {
    if (map.size <= maxCount) return;
    map.delete(key);
  }
}
