// Node ids and the distance between them (BEP 5, "Overview"): 160 bits, compared by XOR as unsigned numbers. Every function
// looks at the first 20 bytes only, so that a compact node, which begins with its id, can stand where an id is asked for.
import type { Random } from '../../base/random.ts';
import { randomBytes } from '../../base/random.ts';

export const NODE_ID_BYTES = 20;
export const NODE_ID_BITS = 160;

/** Negative when `left` is nearer to the target than `right`, zero when they are the same. */
export function compareDistance(target: Uint8Array, left: Uint8Array, right: Uint8Array): number {
  for (let i = 0; i < NODE_ID_BYTES; i++) {
    const difference = (left[i]! ^ target[i]!) - (right[i]! ^ target[i]!);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Leading bits that both share, 0 to 160. */
export function sharedPrefixBits(left: Uint8Array, right: Uint8Array): number {
  for (let i = 0; i < NODE_ID_BYTES; i++) {
    const difference = left[i]! ^ right[i]!;
    if (difference !== 0) return i * 8 + Math.clz32(difference) - 24;
  }
  return NODE_ID_BITS;
}

export function isSameId(left: Uint8Array, right: Uint8Array): boolean {
  for (let i = 0; i < NODE_ID_BYTES; i++) if (left[i] !== right[i]) return false;
  return true;
}

export function randomNodeId(random: Random): Uint8Array {
  return randomBytes(random, new Uint8Array(NODE_ID_BYTES));
}

/** A random id that shares exactly this many leading bits with `id`; of 160 it is the id itself. */
export function randomIdAtDistance(id: Uint8Array, sharedBits: number, random: Random): Uint8Array {
  const made = id.slice(0, NODE_ID_BYTES);
  if (sharedBits >= NODE_ID_BITS) return made;
  const noise = randomNodeId(random);
  const byte = sharedBits >> 3;
  const bit = 0x80 >> (sharedBits & 7);
  const below = bit - 1;
  made[byte] = ((made[byte]! ^ bit) & ~below) | (noise[byte]! & below);
  for (let i = byte + 1; i < NODE_ID_BYTES; i++) made[i] = noise[i]!;
  return made;
}
