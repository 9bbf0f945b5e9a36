// The one state of every piece, its priority, and everything counted from the two. The legal transitions are those
// of docs/invariants/piece-states.md. Knows no blocks, no peers but through the availability buckets it keeps filled.
// What only the exchange with peers asks for (the buckets, the set of pieces worth having) is made when it is first asked
// for: thousands of torrents may be at rest, with a byte and a bit for each piece.
import { assert } from '../../base/assert.ts';
import { Bitfield } from '../../base/bitfield.ts';
import type { Random } from '../../base/random.ts';
import { AvailabilityBuckets, PRIORITY_MAX } from './availability-buckets.ts';

export type PieceState = 'skipped' | 'missing' | 'requested' | 'hashing' | 'have';

const PIECE_STATES: readonly PieceState[] = ['skipped', 'missing', 'requested', 'hashing', 'have'];
const STATE_NUMBERS: Readonly<Record<PieceState, number>> = {
  skipped: 0,
  missing: 1,
  requested: 2,
  hashing: 3,
  have: 4,
};

const TRANSITIONS: Readonly<Record<PieceState, readonly PieceState[]>> = {
  skipped: ['missing', 'have'],
  missing: ['skipped', 'requested', 'have'],
  requested: ['missing', 'skipped', 'hashing'],
  hashing: ['have', 'requested', 'missing', 'skipped'],
  have: ['missing', 'skipped'],
};

const PRIORITY_DEFAULT = 4;

export interface PieceTableOptions {
  readonly pieceCount: number;
  /** Requestable bytes of a piece; 0 when all of it is padding. */
  readonly bytesOfPiece: (piece: number) => number;
  readonly random: Random;
  readonly have?: Bitfield | undefined;
}

/** The state of a piece stands in the low bits of its byte, the priority above them. */
const STATE_MASK = 7;
const PRIORITY_SHIFT = 3;

export class PieceTable {
  readonly pieceCount: number;
  /** Pieces in state 'have'. */
  readonly have: Bitfield;
  readonly #random: Random;
  /** State and priority of each piece. */
  readonly #pieces: Uint8Array;
  #buckets: AvailabilityBuckets | undefined;
  /** Pieces that some peer could serve: wanted, not had, and with bytes to request. */
  #interesting: Bitfield | undefined;
  /** Pieces without a byte to request. BOUNDED: PIECES_MAX; absent for all but torrents with padding. */
  #withoutBytes: Set<number> | undefined;
  /** Per priority: wanted pieces not had. */
  readonly #wantedAt: number[] = [];
  #wantedMissingCount = 0;

  constructor(options: PieceTableOptions) {
    const { pieceCount } = options;
    this.pieceCount = pieceCount;
    this.have = new Bitfield(pieceCount);
    this.#random = options.random;
    this.#pieces = new Uint8Array(pieceCount);
    for (let priority = 0; priority <= PRIORITY_MAX; priority++) this.#wantedAt.push(0);
    for (let piece = 0; piece < pieceCount; piece++) {
      if (options.bytesOfPiece(piece) === 0) this.#noteWithoutBytes(piece);
      // Straight to where it belongs: torrents that are whole come by the thousand.
      this.#set(piece, options.have?.has(piece) === true ? 'have' : 'missing', PRIORITY_DEFAULT);
      this.#count(piece);
    }
  }

  /** Who has what, and the pieces that nobody has begun. */
  get buckets(): AvailabilityBuckets {
    this.#buckets ??= this.#createBuckets();
    return this.#buckets;
  }

  /** No peer is there: what `buckets` has counted is nothing, and is made anew for the next one. */
  handleNoPeers(): void {
    this.#buckets = undefined;
    if (this.#wantedMissingCount === 0) this.#interesting = undefined;
  }

  /** Wanted pieces not had. */
  get wantedMissingCount(): number {
    return this.#wantedMissingCount;
  }

  stateOf(piece: number): PieceState {
    return PIECE_STATES[this.#pieces[piece]! & STATE_MASK]!;
  }

  is(piece: number, state: PieceState): boolean {
    return (this.#pieces[piece]! & STATE_MASK) === STATE_NUMBERS[state];
  }

  priorityOf(piece: number): number {
    return this.#pieces[piece]! >> PRIORITY_SHIFT;
  }

  /** Wanted pieces of this priority that are not had. */
  wantedCountAt(priority: number): number {
    return this.#wantedAt[priority]!;
  }

  isInteresting(have: Bitfield): boolean {
    if (this.#wantedMissingCount === 0) return false;
    this.#interesting ??= this.#createInteresting();
    return have.isFull ? this.#interesting.count > 0 : this.#interesting.intersects(have);
  }

  zeroByteMissing(): number[] {
    return this.#withoutBytes === undefined ? [] : [...this.#withoutBytes].filter((piece) => this.is(piece, 'missing'));
  }

  /** A piece of priority 0 is skipped. One that is open must have been closed before it gets priority 0. */
  setPriority(piece: number, priority: number): void {
    if (this.priorityOf(piece) === priority) return;
    this.#uncount(piece);
    const state = this.stateOf(piece);
    const isUntouched = state === 'missing' || state === 'skipped';
    this.#set(piece, isUntouched ? (priority === 0 ? 'skipped' : 'missing') : state, priority);
    assert(priority > 0 || !this.is(piece, 'requested'), `piece ${piece} is skipped while it is open`);
    this.#count(piece);
  }

  /** To 'missing', or to 'skipped' when its priority is 0. */
  moveToUntouched(piece: number): void {
    this.moveTo(piece, this.priorityOf(piece) === 0 ? 'skipped' : 'missing');
  }

  moveTo(piece: number, state: PieceState): void {
    const before = this.stateOf(piece);
    assert(TRANSITIONS[before].includes(state), `piece ${piece} goes from ${before} to ${state}`);
    this.#uncount(piece);
    this.#set(piece, state, this.priorityOf(piece));
    this.#count(piece);
  }

  assertInvariants(): void {
    const wantedAt = new Array<number>(PRIORITY_MAX + 1).fill(0);
    for (let piece = 0; piece < this.pieceCount; piece++) {
      const state = this.stateOf(piece);
      const priority = this.priorityOf(piece);
      const isWanted = priority > 0 && state !== 'have';
      const hasBytes = this.#hasBytes(piece);
      assert((state !== 'missing' && state !== 'requested') || priority > 0, `piece ${piece} is ${state} and unwanted`);
      assert(state !== 'skipped' || priority === 0, `piece ${piece} is skipped and wanted`);
      assert(hasBytes || state !== 'requested', `piece ${piece} has no bytes and is requested`);
      assert(this.have.has(piece) === (state === 'have'), `piece ${piece} is wrong in the bitfield`);
      const interests = this.#interesting?.has(piece) ?? (isWanted && hasBytes);
      assert(interests === (isWanted && hasBytes), `piece ${piece} interests wrongly`);
      const isInBucket = this.#buckets?.has(piece) ?? this.#isToBegin(piece);
      assert(isInBucket === (state === 'missing' && hasBytes), `piece ${piece} is wrong in the buckets`);
      if (isWanted) wantedAt[priority]!++;
    }
    let sum = 0;
    for (const [priority, count] of wantedAt.entries()) {
      assert(this.#wantedAt[priority] === count, `wanted pieces of priority ${priority} miscounted`);
      sum += count;
    }
    assert(this.#wantedMissingCount === sum, 'wanted pieces miscounted');
    this.#buckets?.assertInvariants();
  }

  #set(piece: number, state: PieceState, priority: number): void {
    this.#pieces[piece] = STATE_NUMBERS[state] | (priority << PRIORITY_SHIFT);
  }

  #hasBytes(piece: number): boolean {
    return this.#withoutBytes?.has(piece) !== true;
  }

  #noteWithoutBytes(piece: number): void {
    this.#withoutBytes ??= new Set();
    this.#withoutBytes.add(piece);
  }

  /** It stands in the buckets. */
  #isToBegin(piece: number): boolean {
    return this.is(piece, 'missing') && this.#hasBytes(piece);
  }

  #createBuckets(): AvailabilityBuckets {
    const buckets = new AvailabilityBuckets(this.pieceCount, this.#random);
    if (this.#wantedMissingCount === 0) return buckets;
    for (let piece = 0; piece < this.pieceCount; piece++) {
      if (this.#isToBegin(piece)) buckets.insert(piece, this.priorityOf(piece));
    }
    return buckets;
  }

  #createInteresting(): Bitfield {
    const interesting = new Bitfield(this.pieceCount);
    for (let piece = 0; piece < this.pieceCount; piece++) {
      const isWanted = this.priorityOf(piece) > 0 && !this.is(piece, 'have');
      if (isWanted && this.#hasBytes(piece)) interesting.add(piece);
    }
    return interesting;
  }

  #count(piece: number): void {
    const priority = this.priorityOf(piece);
    if (this.is(piece, 'have')) {
      this.have.add(piece);
      return;
    }
    if (priority === 0) return;
    this.#wantedMissingCount++;
    this.#wantedAt[priority]!++;
    if (!this.#hasBytes(piece)) return;
    this.#interesting?.add(piece);
    if (this.is(piece, 'missing')) this.#buckets?.insert(piece, priority);
  }

  #uncount(piece: number): void {
    const priority = this.priorityOf(piece);
    this.#buckets?.remove(piece);
    this.have.delete(piece);
    this.#interesting?.delete(piece);
    if (priority === 0 || this.is(piece, 'have')) return;
    this.#wantedMissingCount--;
    this.#wantedAt[priority]!--;
  }
}
