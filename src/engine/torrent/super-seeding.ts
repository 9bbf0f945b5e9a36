// What a super-seed does (BEP 16): it shows a peer no piece at first, then one after the other, of those with fewest copies. The
// next is shown when an earlier one was seen at somebody else: who passes nothing on gets little. Differs from the BEP in
// that several may be open at a time, so that the upload never idles, and that the wait for others has an end.
import { Bitfield } from '../../base/bitfield.ts';
import type { PieceSpread, SpreadPeer } from '../../swarm/piece-spread.ts';

/** Pieces shown to a peer that we send to and not asked for yet: enough for what it asks for at once. */
const AHEAD_BYTES = 512 * 1024;
const AHEAD_MAX = 16;
/** A peer's pieces that nobody else has got, in times of what it is shown ahead: while some piece was shown to nobody, later. */
const WINDOW_FIRST = 3;
const WINDOW_LATER = 1;
/** So long after it came, a piece that nobody else has got holds its peer back no more: they may not be connected to us. */
const PROOF_MS = 30_000;
/** So long after it was shown, a piece that has not come counts no more: others are given it, and its peer others. */
const PROMISE_MS = 60_000;
/** So long after a piece was shown to somebody, another peer is not shown it: it is being passed on. */
const PASSING_ON_MS = 15_000;
/** Other seeds, by address, or copies of the rarest piece among the peers, with which the swarm needs no super-seed. */
const OTHER_SEEDS_ENOUGH = 2;
const COPIES_ENOUGH = 2;
const LOOK_MS = 1_000;

export interface SuperSeedPeer extends SpreadPeer {
  readonly isUnchoked: boolean;
  readonly blameKey: string;
  announceHave(pieceIndex: number): void;
}

export interface SuperSeedingOptions {
  readonly spread: PieceSpread;
  readonly pieceCount: number;
  readonly pieceLengthBytes: number;
  /** Connected peers that have the piece. */
  readonly seenAt: (pieceIndex: number) => number;
  readonly nowMs: () => number;
}

interface Shown {
  readonly pieces: Bitfield;
  /** Pieces shown and not had → when they were shown; begun ones too. BOUNDED: the window. */
  readonly openSinceMs: Map<number, number>;
  /** Of those, pieces that nothing was asked of yet. */
  readonly unbegun: Set<number>;
  /** Pieces had that were seen nowhere else → when they came. BOUNDED: the window. */
  readonly unprovenSinceMs: Map<number, number>;
}

export class SuperSeeding {
  readonly #options: SuperSeedingOptions;
  readonly #ahead: number;
  /** When each piece was shown to somebody last. */
  readonly #shownMs: Float64Array;
  /** BOUNDED: one a peer that connected since. */
  readonly #shown = new Map<number, Shown>();
  readonly #peers = new Map<number, SuperSeedPeer>();
  // BOUNDED: OTHER_SEEDS_ENOUGH.
  readonly #otherSeeds = new Set<string>();
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** The swarm has enough copies: it need not go on. */
  isDone = false;

  constructor(options: SuperSeedingOptions) {
    this.#options = options;
    this.#shownMs = new Float64Array(options.pieceCount).fill(Number.NEGATIVE_INFINITY);
    this.#ahead = Math.min(AHEAD_MAX, Math.max(1, Math.ceil(AHEAD_BYTES / options.pieceLengthBytes) - 1));
  }

  /** What the peer knows of us; undefined: it knew us before, and everything. */
  shownTo(peerId: number): Bitfield | undefined {
    return this.#shown.get(peerId)?.pieces;
  }

  /** Somebody new, to whom nothing is shown. */
  admit(peer: SuperSeedPeer): Bitfield {
    const pieces = new Bitfield(this.#options.pieceCount);
    this.#peers.set(peer.id, peer);
    this.#shown.set(peer.id, { pieces, openSinceMs: new Map(), unbegun: new Set(), unprovenSinceMs: new Map() });
    return pieces;
  }

  /** Shows the peer more, if it may have more. */
  show(peer: SuperSeedPeer): void {
    const shown = this.#shown.get(peer.id);
    if (shown === undefined) return;
    const { spread, nowMs } = this.#options;
    while (this.#mayShow(peer, shown)) {
      const pieceIndex = spread.next(peer);
      if (pieceIndex < 0) return;
      // Whoever was shown it has had no time to pass it on; a later look draws another.
      if (nowMs() - this.#shownMs[pieceIndex]! < PASSING_ON_MS && this.#shown.size > 1) {
        spread.withdraw(peer.id, pieceIndex);
        return;
      }
      this.#shownMs[pieceIndex] = nowMs();
      shown.pieces.add(pieceIndex);
      shown.openSinceMs.set(pieceIndex, nowMs());
      shown.unbegun.add(pieceIndex);
      peer.announceHave(pieceIndex);
    }
  }

  /** The peer has said what it has. */
  handleBitfield(peer: SuperSeedPeer): void {
    const shown = this.#shown.get(peer.id);
    if (peer.have.isFull && this.#otherSeeds.size < OTHER_SEEDS_ENOUGH) this.#otherSeeds.add(peer.blameKey);
    for (const pieceIndex of [...(shown?.openSinceMs.keys() ?? [])]) {
      if (peer.have.has(pieceIndex)) this.#close(shown!, pieceIndex);
    }
    this.#look();
    this.show(peer);
  }

  handleHave(peer: SuperSeedPeer, pieceIndex: number): void {
    const { seenAt, nowMs } = this.#options;
    const shown = this.#shown.get(peer.id);
    const isOurs = shown?.openSinceMs.has(pieceIndex) === true;
    if (isOurs) this.#close(shown!, pieceIndex);
    if (isOurs && seenAt(pieceIndex) < 2) shown!.unprovenSinceMs.set(pieceIndex, nowMs());
    for (const [id, other] of this.#shown) {
      if (id !== peer.id && other.unprovenSinceMs.delete(pieceIndex)) this.show(this.#peers.get(id)!);
    }
    if (peer.have.isFull && this.#otherSeeds.size < OTHER_SEEDS_ENOUGH) this.#otherSeeds.add(peer.blameKey);
    this.#look();
    this.show(peer);
  }

  handleRequest(peer: SuperSeedPeer, pieceIndex: number): void {
    if (this.#shown.get(peer.id)?.unbegun.delete(pieceIndex) === true) this.show(peer);
  }

  handlePeerGone(peer: SuperSeedPeer): void {
    this.#shown.delete(peer.id);
    this.#peers.delete(peer.id);
  }

  /** Every few seconds: what has waited too long waits no more. */
  handleRound(): void {
    const nowMs = this.#options.nowMs();
    for (const [id, shown] of this.#shown) {
      for (const [pieceIndex, sinceMs] of shown.unprovenSinceMs) {
        if (nowMs - sinceMs >= PROOF_MS) shown.unprovenSinceMs.delete(pieceIndex);
      }
      for (const [pieceIndex, sinceMs] of shown.openSinceMs) {
        if (nowMs - sinceMs < PROMISE_MS) continue;
        this.#options.spread.withdraw(id, pieceIndex);
        this.#close(shown, pieceIndex);
      }
      this.show(this.#peers.get(id)!);
    }
    this.#look();
  }

  /** What it was not shown is shown to everybody: for the end. */
  *hiddenFrom(peer: SuperSeedPeer, have: Bitfield): Generator<number> {
    const shown = this.#shown.get(peer.id);
    if (shown === undefined) return;
    for (const pieceIndex of have.indexes()) if (!shown.pieces.has(pieceIndex)) yield pieceIndex;
  }

  #mayShow(peer: SuperSeedPeer, { openSinceMs, unbegun, unprovenSinceMs }: Shown): boolean {
    // One that we do not send to has something to want of us, no more.
    if (!peer.isUnchoked) return openSinceMs.size === 0 && unprovenSinceMs.size <= this.#ahead;
    if (unbegun.size >= this.#ahead) return false;
    const isFirstTime = this.#options.spread.leastCopies === 0;
    // Nobody is there to pass it on to.
    if (this.#shown.size === 1) return true;
    const window = (this.#ahead + 1) * (isFirstTime ? WINDOW_FIRST : WINDOW_LATER);
    return openSinceMs.size + unprovenSinceMs.size < window;
  }

  #close(shown: Shown, pieceIndex: number): void {
    shown.openSinceMs.delete(pieceIndex);
    shown.unbegun.delete(pieceIndex);
  }

  /** Looks at all pieces at most once in `LOOK_MS`, and when none is known to be rare. */
  #look(): void {
    if (this.#otherSeeds.size >= OTHER_SEEDS_ENOUGH) this.isDone = true;
    const { spread, pieceCount, seenAt, nowMs } = this.#options;
    if (this.isDone || spread.leastCopies < COPIES_ENOUGH || nowMs() - this.#lookedMs < LOOK_MS) return;
    this.#lookedMs = nowMs();
    let pieceIndex = 0;
    while (pieceIndex < pieceCount && (seenAt(pieceIndex) >= COPIES_ENOUGH || !spread.canGive(pieceIndex)))
      pieceIndex++;
    this.isDone = pieceIndex === pieceCount;
  }
}
