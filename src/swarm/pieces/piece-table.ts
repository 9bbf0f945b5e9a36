// The one state of every piece, its priority, and everything counted from the two. The legal transitions are those
// of docs/invariants/piece-states.md. Knows no blocks, no peers but through the availability buckets it keeps filled.
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
  hashing: ['have', 'missing', 'skipped'],
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

export class PieceTable {
  readonly pieceCount: number;
  readonly buckets: AvailabilityBuckets;
  /** Pieces in state 'have'. */
  readonly have: Bitfield;
  readonly #states: Uint8Array;
  readonly #priorities: Uint8Array;
  /** Pieces that some peer could serve: wanted, not had, and with bytes to request. */
  readonly #interesting: Bitfield;
  /** Pieces without a byte to request. BOUNDED: PIECES_MAX; empty for all but torrents with padding. */
  readonly #withoutBytes = new Set<number>();
  /** Per priority: wanted pieces not had. */
  readonly #wantedAt = new Int32Array(PRIORITY_MAX + 1);
  #wantedMissingCount = 0;

  constructor(options: PieceTableOptions) {
    const { pieceCount } = options;
    this.pieceCount = pieceCount;
    this.buckets = new AvailabilityBuckets(pieceCount, options.random);
    this.have = new Bitfield(pieceCount);
    this.#states = new Uint8Array(pieceCount);
    this.#priorities = new Uint8Array(pieceCount).fill(PRIORITY_DEFAULT);
    this.#interesting = new Bitfield(pieceCount);
    for (let piece = 0; piece < pieceCount; piece++) {
      if (options.bytesOfPiece(piece) === 0) this.#withoutBytes.add(piece);
      // Straight to where it belongs: torrents that are whole come by the thousand.
      this.#states[piece] = options.have?.has(piece) === true ? STATE_NUMBERS.have : STATE_NUMBERS.missing;
      this.#count(piece);
    }
  }

  /** Wanted pieces not had. */
  get wantedMissingCount(): number {
    return this.#wantedMissingCount;
  }

  stateOf(piece: number): PieceState {
    return PIECE_STATES[this.#states[piece]!]!;
  }

  is(piece: number, state: PieceState): boolean {
    return this.#states[piece] === STATE_NUMBERS[state];
  }

  priorityOf(piece: number): number {
    return this.#priorities[piece]!;
  }

  /** Wanted pieces of this priority that are not had. */
  wantedCountAt(priority: number): number {
    return this.#wantedAt[priority]!;
  }

  isInteresting(have: Bitfield): boolean {
    return have.isFull ? this.#interesting.count > 0 : this.#interesting.intersects(have);
  }

  zeroByteMissing(): number[] {
    return [...this.#withoutBytes].filter((piece) => this.is(piece, 'missing'));
  }

  /** A piece of priority 0 is skipped. One that is open must have been closed before it gets priority 0. */
  setPriority(piece: number, priority: number): void {
    const before = this.#priorities[piece]!;
    if (before === priority) return;
    this.#uncount(piece);
    this.#priorities[piece] = priority;
    const isUntouched = this.is(piece, 'missing') || this.is(piece, 'skipped');
    if (isUntouched) this.#states[piece] = STATE_NUMBERS[priority === 0 ? 'skipped' : 'missing'];
    assert(priority > 0 || !this.is(piece, 'requested'), `piece ${piece} is skipped while it is open`);
    this.#count(piece);
  }

  /** To 'missing', or to 'skipped' when its priority is 0. */
  moveToUntouched(piece: number): void {
    this.moveTo(piece, this.#priorities[piece] === 0 ? 'skipped' : 'missing');
  }

  moveTo(piece: number, state: PieceState): void {
    const before = this.stateOf(piece);
    assert(TRANSITIONS[before].includes(state), `piece ${piece} goes from ${before} to ${state}`);
    this.#uncount(piece);
    this.#states[piece] = STATE_NUMBERS[state];
    this.#count(piece);
  }

  assertInvariants(): void {
    const wantedAt = new Array<number>(PRIORITY_MAX + 1).fill(0);
    for (let piece = 0; piece < this.pieceCount; piece++) {
      const state = this.stateOf(piece);
      const priority = this.#priorities[piece]!;
      const isWanted = priority > 0 && state !== 'have';
      const hasBytes = !this.#withoutBytes.has(piece);
      assert((state !== 'missing' && state !== 'requested') || priority > 0, `piece ${piece} is ${state} and unwanted`);
      assert(state !== 'skipped' || priority === 0, `piece ${piece} is skipped and wanted`);
      assert(hasBytes || state !== 'requested', `piece ${piece} has no bytes and is requested`);
      assert(this.have.has(piece) === (state === 'have'), `piece ${piece} is wrong in the bitfield`);
      assert(this.#interesting.has(piece) === (isWanted && hasBytes), `piece ${piece} interests wrongly`);
      assert(this.buckets.has(piece) === (state === 'missing' && hasBytes), `piece ${piece} is wrong in the buckets`);
      if (isWanted) wantedAt[priority]!++;
    }
    let sum = 0;
    for (const [priority, count] of wantedAt.entries()) {
      assert(this.#wantedAt[priority] === count, `wanted pieces of priority ${priority} miscounted`);
      sum += count;
    }
    assert(this.#wantedMissingCount === sum, 'wanted pieces miscounted');
    this.buckets.assertInvariants();
  }

  #count(piece: number): void {
    const priority = this.#priorities[piece]!;
    if (this.is(piece, 'have')) {
      this.have.add(piece);
      return;
    }
    if (priority === 0) return;
    this.#wantedMissingCount++;
    this.#wantedAt[priority]!++;
    if (this.#withoutBytes.has(piece)) return;
    this.#interesting.add(piece);
    if (this.is(piece, 'missing')) this.buckets.insert(piece, priority);
  }

  #uncount(piece: number): void {
    const priority = this.#priorities[piece]!;
    this.buckets.remove(piece);
    this.have.delete(piece);
    this.#interesting.delete(piece);
    if (priority === 0 || this.is(piece, 'have')) return;
    this.#wantedMissingCount--;
    this.#wantedAt[priority]!--;
  }
}
