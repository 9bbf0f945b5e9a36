// A fixed-size set of small integers, most significant bit first in each byte. Counts its members as it goes.

export class Bitfield {
  readonly length: number;
  readonly #bytes: Uint8Array;
  #count = 0;

  constructor(length: number) {
    this.length = length;
    this.#bytes = new Uint8Array((length + 7) >>> 3);
  }

  /** Copies the bytes; undefined when the size is wrong or a spare bit at the end is set. */
  static fromBytes(bytes: Uint8Array, length: number): Bitfield | undefined {
    if (bytes.length !== (length + 7) >>> 3) return undefined;
    const spareBits = bytes.length * 8 - length;
    if (spareBits > 0 && (bytes[bytes.length - 1]! & ((1 << spareBits) - 1)) !== 0) return undefined;
    const bitfield = new Bitfield(length);
    bitfield.#bytes.set(bytes);
    let count = 0;
    for (let i = 0; i < bytes.length; i++) count += popCount(bytes[i]!);
    bitfield.#count = count;
    return bitfield;
  }

  static full(length: number): Bitfield {
    const bitfield = new Bitfield(length);
    bitfield.setAll();
    return bitfield;
  }

  /** Number of members. */
  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count === this.length;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  has(index: number): boolean {
    return index >= 0 && index < this.length && (this.#bytes[index >>> 3]! & (0x80 >>> (index & 7))) !== 0;
  }

  /** Returns false when it was a member already, or lies outside. */
  add(index: number): boolean {
    if (index < 0 || index >= this.length || this.has(index)) return false;
    this.#bytes[index >>> 3]! |= 0x80 >>> (index & 7);
    this.#count++;
    return true;
  }

  /** Returns false when it was no member. */
  delete(index: number): boolean {
    if (!this.has(index)) return false;
    this.#bytes[index >>> 3]! &= ~(0x80 >>> (index & 7));
    this.#count--;
    return true;
  }

  setAll(): void {
    this.#bytes.fill(0xff);
    const spareBits = this.#bytes.length * 8 - this.length;
    if (spareBits > 0) this.#bytes[this.#bytes.length - 1] = (0xff << spareBits) & 0xff;
    this.#count = this.length;
  }

  clear(): void {
    this.#bytes.fill(0);
    this.#count = 0;
  }

  clone(): Bitfield {
    const copy = new Bitfield(this.length);
    copy.#bytes.set(this.#bytes);
    copy.#count = this.#count;
    return copy;
  }

  /** A copy of the bytes, spare bits zero. */
  toBytes(): Uint8Array {
    return this.#bytes.slice();
  }

  /** True when this has a member that `other` lacks. Both have the same length. */
  hasAnyMissingFrom(other: Bitfield): boolean {
    for (let i = 0; i < this.#bytes.length; i++) {
      if ((this.#bytes[i]! & ~other.#bytes[i]!) !== 0) return true;
    }
    return false;
  }

  /** True when both have a member in common. Both have the same length. */
  intersects(other: Bitfield): boolean {
    if (this.#count === 0 || other.#count === 0) return false;
    for (let i = 0; i < this.#bytes.length; i++) if ((this.#bytes[i]! & other.#bytes[i]!) !== 0) return true;
    return false;
  }

  /** The lowest index of at least `from` that both have, or -1. Both have the same length; allocates nothing. */
  nextCommon(other: Bitfield, from: number): number {
    const own = this.#bytes;
    const others = other.#bytes;
    let byteIndex = from >>> 3;
    if (byteIndex >= own.length) return -1;
    let common = own[byteIndex]! & others[byteIndex]! & (0xff >>> (from & 7));
    while (common === 0) {
      if (++byteIndex >= own.length) return -1;
      common = own[byteIndex]! & others[byteIndex]!;
    }
    return byteIndex * 8 + Math.clz32(common) - 24;
  }

  /** The lowest index of at least `from` that is no member, or -1. */
  nextMissing(from: number): number {
    let byteIndex = from >>> 3;
    if (byteIndex >= this.#bytes.length) return -1;
    let missing = ~this.#bytes[byteIndex]! & (0xff >>> (from & 7));
    while (missing === 0) {
      if (++byteIndex >= this.#bytes.length) return -1;
      missing = ~this.#bytes[byteIndex]! & 0xff;
    }
    const index = byteIndex * 8 + Math.clz32(missing) - 24;
    return index < this.length ? index : -1;
  }

  /** Members in ascending order. */
  *indexes(): Generator<number> {
    for (let byteIndex = 0; byteIndex < this.#bytes.length; byteIndex++) {
      const byte = this.#bytes[byteIndex]!;
      if (byte === 0) continue;
      for (let bit = 0; bit < 8; bit++) if ((byte & (0x80 >>> bit)) !== 0) yield byteIndex * 8 + bit;
    }
  }
}

function popCount(byte: number): number {
  let bits = byte;
  bits = (bits & 0x55) + ((bits >> 1) & 0x55);
  bits = (bits & 0x33) + ((bits >> 2) & 0x33);
  return (bits & 0x0f) + (bits >> 4);
}
