// Who passes on what it gets: for a peer that alone has a piece, a `have` of anybody but the one it gave the piece to
// tells that this one has passed it on. Knows no connection, and nothing of the pieces but who had them first.

/** A piece that its first holder has had for so long is not passed on ... */
const PATIENCE_MAX_MS = 8_000;
/** ... or for so many times as long as others take in the mean, once so many pieces were passed on. */
const PATIENCE_RATIO = 6;
const PATIENCE_MIN_MS = 1_500;
const DELAYS_MIN = 8;
/** Weight of the newest delay in the mean. */
const NEWEST = 1 / 16;
/** So many pieces are needed to say anything. */
const JUDGED_MIN = 3;
/** Beyond so many judged pieces of a peer the old ones count half. */
const JUDGED_MAX = 32;
/** Of one peer, waiting for a verdict. */
const WAITING_MAX = 256;
/** Pieces that are followed at once: the oldest make room. */
const FOLLOWED_MAX = 4_096;

/** A piece that nobody but us and its first holder has. */
interface Followed {
  /** NOBODY: it was sent to several before anybody had it, so nobody can be told to have passed it on. */
  holderId: number;
  /** When the holder said that it has it. */
  hadMs: number | undefined;
  /** Counted as kept. */
  isOverdue: boolean;
}

interface Given {
  readonly piece: number;
  readonly hadMs: number;
}

interface Holder {
  passedCount: number;
  keptCount: number;
  /** Pieces that it has and nobody else, in the order of their `have`. BOUNDED: WAITING_MAX, more are not judged. */
  readonly waiting: Given[];
}

const NOBODY = -1;

export class PassingOn {
  // BOUNDED: FOLLOWED_MAX, the oldest is dropped.
  readonly #followed = new Map<number, Followed>();
  // BOUNDED: by the connected peers.
  readonly #holders = new Map<number, Holder>();
  /** From a holder's `have` to that of another, and how often that was seen. */
  #delayMeanMs = 0;
  #delayCount = 0;

  /** We send the piece to the peer; `isElsewhere`: a connected peer says that it has it. */
  handleSent(peerId: number, piece: number, isElsewhere: boolean): void {
    const followed = this.#followed.get(piece);
    if (followed === undefined) {
      if (!isElsewhere) this.#follow(peerId, piece);
      return;
    }
    if (followed.holderId === peerId) return;
    if (followed.holderId !== NOBODY && !this.#holders.has(followed.holderId)) {
      this.#followed.delete(piece);
      if (!isElsewhere) this.#follow(peerId, piece);
    } else {
      // What the next one has of it is ours.
      followed.holderId = NOBODY;
    }
  }

  /** The peer says that it has the piece now. */
  handleHave(peerId: number, piece: number, nowMs: number): void {
    const followed = this.#followed.get(piece);
    if (followed === undefined) return;
    const holder = this.#holders.get(followed.holderId);
    if (followed.holderId === peerId && holder !== undefined) {
      if (followed.hadMs !== undefined) return;
      followed.hadMs = nowMs;
      if (holder.waiting.length < WAITING_MAX) holder.waiting.push({ piece, hadMs: nowMs });
      return;
    }
    this.#followed.delete(piece);
    if (holder === undefined) return;
    if (followed.hadMs !== undefined) this.#countDelay(nowMs - followed.hadMs);
    if (followed.isOverdue) holder.keptCount = Math.max(0, holder.keptCount - 1);
    this.#count(holder, true);
  }

  handlePeerGone(peerId: number): void {
    this.#holders.delete(peerId);
  }

  /** 0 to 1; undefined: too little is known. */
  ratioOf(peerId: number, nowMs: number): number | undefined {
    const holder = this.#holders.get(peerId);
    if (holder === undefined) return undefined;
    const { waiting } = holder;
    const beforeMs = nowMs - this.#patienceMs;
    let overdueCount = 0;
    for (; overdueCount < waiting.length && waiting[overdueCount]!.hadMs <= beforeMs; overdueCount++) {
      const followed = this.#followed.get(waiting[overdueCount]!.piece);
      if (followed?.holderId !== peerId) continue;
      followed.isOverdue = true;
      this.#count(holder, false);
    }
    waiting.splice(0, overdueCount);
    const judged = holder.passedCount + holder.keptCount;
    return judged < JUDGED_MIN ? undefined : holder.passedCount / judged;
  }

  get #patienceMs(): number {
    if (this.#delayCount < DELAYS_MIN) return PATIENCE_MAX_MS;
    return Math.min(PATIENCE_MAX_MS, Math.max(PATIENCE_MIN_MS, PATIENCE_RATIO * this.#delayMeanMs));
  }

  #countDelay(delayMs: number): void {
    this.#delayCount++;
    this.#delayMeanMs += (delayMs - this.#delayMeanMs) * Math.max(NEWEST, 1 / this.#delayCount);
  }

  #follow(peerId: number, piece: number): void {
    if (this.#followed.size >= FOLLOWED_MAX) {
      const [oldest] = this.#followed.keys();
      this.#followed.delete(oldest!);
    }
    this.#followed.set(piece, { holderId: peerId, hadMs: undefined, isOverdue: false });
    if (!this.#holders.has(peerId)) this.#holders.set(peerId, { passedCount: 0, keptCount: 0, waiting: [] });
  }

  #count(holder: Holder, isPassed: boolean): void {
    if (isPassed) holder.passedCount++;
    else holder.keptCount++;
    if (holder.passedCount + holder.keptCount <= JUDGED_MAX) return;
    holder.passedCount /= 2;
    holder.keptCount /= 2;
  }
}
