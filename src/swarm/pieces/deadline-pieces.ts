// The pieces that somebody waits for, ordered by when they are needed, and when each of their requests is expected to be
// answered. Knows no peer but by its number, and chooses nothing: `DeadlineRule` does.

/** A piece and when it is needed, in the milliseconds of the engine's clock. */
export interface PieceDeadline {
  readonly pieceIndex: number;
  readonly deadlineMs: number;
}

/** A request that is late is expected after as much time again as it is late, but not before this. */
const OVERDUE_MIN_MS = 250;

interface ExpectedAnswer {
  readonly peerId: number;
  readonly atMs: number;
}

export class DuePiece implements PieceDeadline {
  readonly pieceIndex: number;
  deadlineMs: number;
  /** Block → the request for it that is to be answered first. BOUNDED: by the blocks of the piece. */
  readonly #expected = new Map<number, ExpectedAnswer>();

  constructor({ pieceIndex, deadlineMs }: PieceDeadline) {
    this.pieceIndex = pieceIndex;
    this.deadlineMs = deadlineMs;
  }

  /** The peer was asked for the block and is expected to have sent it then. The soonest of several counts. */
  expect(block: number, peerId: number, atMs: number, nowMs: number): void {
    const known = this.#expected.get(block);
    if (known === undefined || known.peerId === peerId || arrivalOf(known, nowMs) > atMs) {
      this.#expected.set(block, { peerId, atMs });
    }
  }

  /** The peer of whom the block is expected; -1: not known. */
  expectedPeerId(block: number): number {
    return this.#expected.get(block)?.peerId ?? -1;
  }

  /** That peer is no longer asked for it. */
  forget(block: number): void {
    this.#expected.delete(block);
  }

  /** When the block may be expected, as it looks now. Only after `expect`. */
  arrivalMs(block: number, nowMs: number): number {
    return arrivalOf(this.#expected.get(block)!, nowMs);
  }
}

function arrivalOf({ atMs }: ExpectedAnswer, nowMs: number): number {
  return nowMs < atMs ? atMs : nowMs + Math.max(OVERDUE_MIN_MS, nowMs - atMs);
}

export class DeadlinePieces {
  // BOUNDED: by the pieces of the torrent; set by the user and by readers, never by a peer.
  readonly #byPiece = new Map<number, DuePiece>();
  #ordered: readonly DuePiece[] = [];
  #changeCount = 0;

  get count(): number {
    return this.#byPiece.size;
  }

  /** Grows with every change of pieces or deadlines. */
  get changeCount(): number {
    return this.#changeCount;
  }

  /** Most urgent first; of equals the lowest index. */
  values(): readonly DuePiece[] {
    return this.#ordered;
  }

  get(pieceIndex: number): DuePiece | undefined {
    return this.#byPiece.get(pieceIndex);
  }

  /** These, and no others, have deadlines from now on. Of a piece that comes twice the earlier one counts. */
  replace(deadlines: Iterable<PieceDeadline>): void {
    const before = new Map(this.#byPiece);
    this.#byPiece.clear();
    for (const deadline of deadlines) {
      const { pieceIndex, deadlineMs } = deadline;
      const twin = this.#byPiece.get(pieceIndex);
      if (twin !== undefined) {
        twin.deadlineMs = Math.min(twin.deadlineMs, deadlineMs);
        continue;
      }
      const due = before.get(pieceIndex) ?? new DuePiece(deadline);
      due.deadlineMs = deadlineMs;
      this.#byPiece.set(pieceIndex, due);
    }
    this.#order([...this.#byPiece.values()]);
  }

  /** The piece is there. */
  delete(pieceIndex: number): void {
    if (this.#byPiece.delete(pieceIndex)) this.#order(this.#ordered.filter((due) => due.pieceIndex !== pieceIndex));
  }

  #order(pieces: DuePiece[]): void {
    this.#ordered = pieces.sort((a, b) => a.deadlineMs - b.deadlineMs || a.pieceIndex - b.pieceIndex);
    this.#changeCount++;
  }
}
