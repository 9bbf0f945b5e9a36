// What one peer has: its bitfield, kept from bitfield, have, have all, have none (BEP 3, 6) and lt_donthave (BEP 54),
// and the pieces it lets us fetch while choked. Before the piece count is known (BEP 9) only the messages are kept.
import { Bitfield } from '../../base/bitfield.ts';
import { ALLOWED_FAST_RECEIVED_MAX, PENDING_HAVES_MAX, PIECES_MAX } from '../limits.ts';
import { type Violation, violationOf } from './violation.ts';

export class PeerPieces {
  /** Undefined until the piece count is known. */
  have: Bitfield | undefined;
  /** What `have` was before the last bitfield, when that was not the first word about it. */
  haveBefore: Bitfield | undefined = undefined;
  // BOUNDED: ALLOWED_FAST_RECEIVED_MAX, more are ignored.
  readonly allowedFast: Set<number> = new Set();

  /** Bitfield, have all or have none may still come: none has, and no message about pieces either. */
  #mayState = true;
  /** Have all may come late, once: five bytes that cost a look at every piece. */
  #mayStateAllLate = true;
  /** Until the piece count is known: what bitfield, have all or have none said. */
  // BOUNDED: the decoder refuses bitfields of more than PIECES_MAX bits.
  #pendingBitfield: Uint8Array | 'all' | 'none' = 'none';
  // BOUNDED: PENDING_HAVES_MAX; later news is ignored, so that pieces look rarer than they are, or a request fails.
  readonly #pendingChanges = new Map<number, boolean>();

  constructor(pieceCount: number | undefined) {
    if (pieceCount !== undefined) this.have = new Bitfield(pieceCount);
  }

  /** A message about a piece came: from now on a bitfield is out of place. */
  handlePieceMessage(): void {
    this.#mayState = false;
  }

  /** A late or second one adds its pieces: aria2 sends one in place of many haves. */
  handleBitfield(payload: Uint8Array): Violation | undefined {
    return this.#mayState ? this.#state(payload) : this.#merge(payload);
  }

  /** aria2 sends it late when it has become whole. */
  handleHaveAll(): Violation | undefined {
    if (this.#mayState) return this.#state('all');
    if (!this.#mayStateAllLate) return violationOf('WIRE_BITFIELD_UNEXPECTED');
    this.#mayStateAllLate = false;
    this.#mergeAll();
    return undefined;
  }

  handleHaveNone(): Violation | undefined {
    return this.#state('none');
  }

  /** True when it is news; false while the piece count is unknown. */
  handleHave(pieceIndex: number): Violation | boolean {
    return this.#change(pieceIndex, true);
  }

  /** True when it is news; false while the piece count is unknown. */
  handleDontHave(pieceIndex: number): Violation | boolean {
    return this.#change(pieceIndex, false);
  }

  /** True when it is news. */
  handleAllowedFast(pieceIndex: number): Violation | boolean {
    if (!this.isIndex(pieceIndex)) return violationOf('WIRE_PIECE_INDEX_INVALID');
    if (this.allowedFast.size >= ALLOWED_FAST_RECEIVED_MAX || this.allowedFast.has(pieceIndex)) return false;
    this.allowedFast.add(pieceIndex);
    return true;
  }

  /** Within the torrent, or within the largest torrent while the piece count is unknown. */
  isIndex(pieceIndex: number): boolean {
    return pieceIndex < (this.have?.length ?? PIECES_MAX);
  }

  /** Applies what was said before the piece count was known. After a violation `have` is empty. */
  setPieceCount(pieceCount: number): Violation | undefined {
    const stated = this.#pendingBitfield;
    this.#pendingBitfield = 'none';
    this.have = new Bitfield(pieceCount);
    if (stated instanceof Uint8Array) {
      const bitfield = Bitfield.fromBytes(stated, pieceCount);
      if (bitfield === undefined) return bitfieldViolation(stated, pieceCount);
      this.have = bitfield;
    } else if (stated === 'all') this.have.setAll();
    for (const [pieceIndex, has] of this.#pendingChanges) {
      if (pieceIndex >= pieceCount) return violationOf('WIRE_PIECE_INDEX_INVALID');
      if (has) this.have.add(pieceIndex);
      else this.have.delete(pieceIndex);
    }
    this.#pendingChanges.clear();
    for (const pieceIndex of this.allowedFast) {
      if (pieceIndex >= pieceCount) return violationOf('WIRE_PIECE_INDEX_INVALID');
    }
    return undefined;
  }

  #state(stated: Uint8Array | 'all' | 'none'): Violation | undefined {
    if (!this.#mayState) return violationOf('WIRE_BITFIELD_UNEXPECTED');
    this.#mayState = false;
    if (this.have === undefined) {
      this.#pendingBitfield = stated instanceof Uint8Array ? stated.slice() : stated;
    } else if (stated === 'all') {
      this.have.setAll();
    } else if (stated instanceof Uint8Array) {
      const bitfield = Bitfield.fromBytes(stated, this.have.length);
      if (bitfield === undefined) return bitfieldViolation(stated, this.have.length);
      this.have = bitfield;
    }
    return undefined;
  }

  #merge(stated: Uint8Array): Violation | undefined {
    if (this.have === undefined) {
      const pending = this.#pendingBitfield;
      if (pending === 'all') return undefined;
      const merged = stated.slice();
      // Bitfields of two lengths cannot both be right: the piece count will tell.
      if (pending !== 'none')
        for (let i = 0; i < Math.min(merged.length, pending.length); i++) merged[i]! |= pending[i]!;
      this.#pendingBitfield = merged;
      return undefined;
    }
    const bitfield = Bitfield.fromBytes(stated, this.have.length);
    if (bitfield === undefined) return bitfieldViolation(stated, this.have.length);
    for (const pieceIndex of this.have.indexes()) bitfield.add(pieceIndex);
    this.haveBefore = this.have;
    this.have = bitfield;
    return undefined;
  }

  #mergeAll(): void {
    if (this.have === undefined) {
      this.#pendingBitfield = 'all';
      this.#pendingChanges.clear();
      return;
    }
    this.haveBefore = this.have;
    this.have = new Bitfield(this.have.length);
    this.have.setAll();
  }

  #change(pieceIndex: number, has: boolean): Violation | boolean {
    this.#mayState = false;
    if (!this.isIndex(pieceIndex)) return violationOf('WIRE_PIECE_INDEX_INVALID');
    if (this.have !== undefined) return has ? this.have.add(pieceIndex) : this.have.delete(pieceIndex);
    const changes = this.#pendingChanges;
    if (changes.size < PENDING_HAVES_MAX || changes.has(pieceIndex)) changes.set(pieceIndex, has);
    return false;
  }
}

function bitfieldViolation(bytes: Uint8Array, pieceCount: number): Violation {
  const isLengthRight = bytes.length === (pieceCount + 7) >>> 3;
  return violationOf(isLengthRight ? 'WIRE_BITFIELD_SPARE_BITS' : 'WIRE_BITFIELD_LENGTH_INVALID');
}
