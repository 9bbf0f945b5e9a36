// How many peers have each piece, and the wanted pieces that nobody has begun yet, sorted by priority and by that
// number. Every change is O(1): a piece moves between neighbouring buckets. Peers that have everything are counted
// apart, so that a seed that comes or goes touches no piece. Knows no blocks and no requests.
import { assert } from '../../base/assert.ts';
import { Bitfield } from '../../base/bitfield.ts';
import { type Random, randomBelow } from '../../base/random.ts';

/** Priorities run from 1 to 7; 0 means skipped and never stands here. */
export const PRIORITY_MAX = 7;

/** Pieces looked at one by one before the two bitfields are intersected instead. */
const PROBES_MAX = 512;

export class AvailabilityBuckets {
  readonly #pieceCount: number;
  readonly #random: Random;
  /** Peers that have the piece, without those of `#seedCount`. */
  readonly #availability: Uint16Array;
  /** Priority under which a piece stands in a bucket; 0 = it stands in none. */
  readonly #level: Uint8Array;
  /** Where it stands in its bucket. */
  readonly #position: Int32Array;
  readonly #members: Bitfield;
  /** [priority][availability] → pieces. */
  readonly #buckets: number[][][] = [];
  readonly #sizes = new Int32Array(PRIORITY_MAX + 1);
  #seedCount = 0;

  constructor(pieceCount: number, random: Random) {
    this.#pieceCount = pieceCount;
    this.#random = random;
    this.#availability = new Uint16Array(pieceCount);
    this.#level = new Uint8Array(pieceCount);
    this.#position = new Int32Array(pieceCount);
    this.#members = new Bitfield(pieceCount);
    for (let level = 0; level <= PRIORITY_MAX; level++) this.#buckets.push([]);
  }

  /** Pieces that stand here. */
  get count(): number {
    return this.#members.count;
  }

  /** Pieces that stand here and that at least one peer has. */
  get availableCount(): number {
    if (this.#seedCount > 0) return this.#members.count;
    let unavailable = 0;
    for (const level of this.#buckets) unavailable += level[0]?.length ?? 0;
    return this.#members.count - unavailable;
  }

  countAt(priority: number): number {
    return this.#sizes[priority]!;
  }

  /** Whether the piece stands here; any number may be given. */
  has(piece: number): boolean {
    return this.#members.has(piece);
  }

  availabilityOf(piece: number): number {
    return this.#availability[piece]! + this.#seedCount;
  }

  /** Adds a piece, or moves it to another priority. */
  insert(piece: number, priority: number): void {
    this.remove(piece);
    this.#level[piece] = priority;
    this.#sizes[priority]!++;
    this.#members.add(piece);
    this.#link(piece);
  }

  remove(piece: number): void {
    const level = this.#level[piece]!;
    if (level === 0) return;
    this.#unlink(piece);
    this.#level[piece] = 0;
    this.#sizes[level]!--;
    this.#members.delete(piece);
  }

  addPeer(have: Bitfield): void {
    if (have.isFull) this.#seedCount++;
    else for (let i = have.nextCommon(have, 0); i >= 0; i = have.nextCommon(have, i + 1)) this.increment(i);
  }

  removePeer(have: Bitfield): void {
    if (have.isFull && this.#seedCount > 0) this.#seedCount--;
    else for (let i = have.nextCommon(have, 0); i >= 0; i = have.nextCommon(have, i + 1)) this.decrement(i);
  }

  increment(piece: number): void {
    if (this.#level[piece] === 0) {
      this.#availability[piece]!++;
      return;
    }
    this.#unlink(piece);
    this.#availability[piece]!++;
    this.#link(piece);
  }

  decrement(piece: number): void {
    if (this.#availability[piece] === 0) {
      // One of the seeds lost a piece: from now on it is counted piece by piece.
      assert(this.#seedCount > 0, `piece ${piece} is given up by more peers than have it`);
      this.#seedCount--;
      for (let other = 0; other < this.#pieceCount; other++) if (other !== piece) this.increment(other);
    } else if (this.#level[piece] === 0) {
      this.#availability[piece]!--;
    } else {
      this.#unlink(piece);
      this.#availability[piece]!--;
      this.#link(piece);
    }
  }

  /** A piece of this priority that `have` has and fewest peers have, drawn among equals; -1 when there is none. */
  rarest(priority: number, have: Bitfield): number {
    if (this.#sizes[priority] === 0 || have.isEmpty) return -1;
    const level = this.#buckets[priority]!;
    // A peer that has not everything is counted piece by piece, so bucket 0 has hardly anything for it.
    let probesLeft = PROBES_MAX;
    for (let rarity = have.isFull ? 0 : 1; rarity < level.length; rarity++) {
      const bucket = level[rarity]!;
      if (bucket.length === 0) continue;
      let at = randomBelow(this.#random, bucket.length);
      for (let i = 0; i < bucket.length; i++) {
        const piece = bucket[at]!;
        if (have.has(piece)) return piece;
        if (--probesLeft === 0) return this.#rarestCommon(priority, have);
        if (++at === bucket.length) at = 0;
      }
    }
    return have.isFull ? -1 : this.#rarestCommon(priority, have);
  }

  /** A piece of this priority that neither has and fewest peers have, drawn among equals; -1 when there is none. */
  rarestLacking(priority: number, have: Bitfield, except: ReadonlySet<number>): number {
    if (this.#sizes[priority] === 0 || have.isFull) return -1;
    let probesLeft = PROBES_MAX;
    for (const bucket of this.#buckets[priority]!) {
      if (bucket.length === 0) continue;
      let at = randomBelow(this.#random, bucket.length);
      for (let i = 0; i < bucket.length; i++) {
        const piece = bucket[at]!;
        if (!have.has(piece) && !except.has(piece)) return piece;
        if (--probesLeft === 0) return this.#nextLacking(priority, have, except);
        if (++at === bucket.length) at = 0;
      }
    }
    return -1;
  }

  /** How many peers have the rarest piece of this priority; 0 when there is none. */
  leastAvailability(priority: number): number {
    const least = this.#buckets[priority]!.findIndex((bucket) => bucket.length > 0);
    return least < 0 ? 0 : least + this.#seedCount;
  }

  /** Any piece of this priority that `have` has; -1 when there is none. */
  random(priority: number, have: Bitfield): number {
    if (this.#sizes[priority] === 0) return -1;
    const start = randomBelow(this.#random, this.#pieceCount);
    const after = this.#nextOfLevel(priority, have, start);
    return after >= 0 ? after : this.#nextOfLevel(priority, have, 0);
  }

  /** The lowest piece of this priority that `have` has; -1 when there is none. */
  lowest(priority: number, have: Bitfield): number {
    const size = this.#sizes[priority]!;
    if (size === 0) return -1;
    if (size > PROBES_MAX) return this.#nextOfLevel(priority, have, 0);
    let lowest = -1;
    for (const bucket of this.#buckets[priority]!) {
      for (const piece of bucket) if ((lowest < 0 || piece < lowest) && have.has(piece)) lowest = piece;
    }
    return lowest;
  }

  assertInvariants(): void {
    let count = 0;
    for (let priority = 0; priority <= PRIORITY_MAX; priority++) {
      let size = 0;
      for (const [rarity, bucket] of this.#buckets[priority]!.entries()) {
        for (const [position, piece] of bucket.entries()) {
          assert(this.#level[piece] === priority, `piece ${piece} stands under a wrong priority`);
          assert(this.#availability[piece] === rarity, `piece ${piece} stands in a wrong bucket`);
          assert(this.#position[piece] === position, `piece ${piece} stands at a wrong position`);
          assert(this.#members.has(piece), `piece ${piece} stands in a bucket and is no member`);
          size++;
        }
      }
      assert(this.#sizes[priority] === size, `priority ${priority} has a wrong size`);
      count += size;
    }
    assert(this.#members.count === count, 'members and buckets differ');
    assert(this.#seedCount >= 0, 'fewer than no seeds');
  }

  #rarestCommon(priority: number, have: Bitfield): number {
    let rarest = -1;
    let equals = 0;
    for (let i = this.#nextOfLevel(priority, have, 0); i >= 0; i = this.#nextOfLevel(priority, have, i + 1)) {
      const difference = rarest < 0 ? -1 : this.#availability[i]! - this.#availability[rarest]!;
      if (difference > 0) continue;
      equals = difference < 0 ? 1 : equals + 1;
      if (randomBelow(this.#random, equals) === 0) rarest = i;
    }
    return rarest;
  }

  /** For a peer that has nearly everything that is rare: what it lacks lies anywhere, so any of it will do. */
  #nextLacking(priority: number, have: Bitfield, except: ReadonlySet<number>): number {
    const start = randomBelow(this.#random, this.#pieceCount);
    for (const from of [start, 0]) {
      let piece = have.nextMissing(from);
      while (piece >= 0 && (this.#level[piece] !== priority || except.has(piece))) piece = have.nextMissing(piece + 1);
      if (piece >= 0) return piece;
    }
    return -1;
  }

  #nextOfLevel(priority: number, have: Bitfield, from: number): number {
    let piece = this.#members.nextCommon(have, from);
    while (piece >= 0 && this.#level[piece] !== priority) piece = this.#members.nextCommon(have, piece + 1);
    return piece;
  }

  #link(piece: number): void {
    const level = this.#buckets[this.#level[piece]!]!;
    const rarity = this.#availability[piece]!;
    while (level.length <= rarity) level.push([]);
    const bucket = level[rarity]!;
    this.#position[piece] = bucket.length;
    bucket.push(piece);
  }

  #unlink(piece: number): void {
    const bucket = this.#buckets[this.#level[piece]!]![this.#availability[piece]!]!;
    const last = bucket.pop()!;
    if (last === piece) return;
    const position = this.#position[piece]!;
    bucket[position] = last;
    this.#position[last] = position;
  }
}
