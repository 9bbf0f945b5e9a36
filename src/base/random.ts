// Randomness as an argument: the real one is seeded from the system, a test's from a number.

export interface Random {
  /** Uniform in [0, 2^32). */
  uint32(): number;
}

/** Uniform in [0, limit); `limit` from 1 to 2^32. */
export function randomBelow(random: Random, limit: number): number {
  return Math.floor((random.uint32() / 0x1_0000_0000) * limit);
}

/** Uniform in [0, 1). */
export function randomFraction(random: Random): number {
  return random.uint32() / 0x1_0000_0000;
}

/** Fills the array and returns it. */
export function randomBytes(random: Random, bytes: Uint8Array): Uint8Array {
  for (let i = 0; i < bytes.length; i++) bytes[i] = random.uint32() & 0xff;
  return bytes;
}

/** Fisher-Yates, in place. */
export function shuffle<T>(random: Random, items: T[]): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = randomBelow(random, i + 1);
    const swapped = items[i]!;
    items[i] = items[j]!;
    items[j] = swapped;
  }
  return items;
}

/** xoshiro128** from a 32-bit seed: fast, long period, replayable; not for secrets. */
export function seededRandom(seed: number): Random {
  // SplitMix32 spreads the seed over the four words; a state of zeros cannot come out of it.
  let mix = seed >>> 0;
  const word = (): number => {
    mix = (mix + 0x9e3779b9) >>> 0;
    let z = mix;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
  let a = word();
  let b = word();
  let c = word();
  let d = word() | 1;
  return {
    uint32(): number {
      const product = Math.imul(b, 5);
      const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
      const t = b << 9;
      c ^= a;
      d ^= b;
      b ^= c;
      a ^= d;
      c ^= t;
      d = (d << 11) | (d >>> 21);
      return result;
    },
  };
}
