// Bloom filters that count a swarm without naming its peers (BEP 33): 2,048 bits, two of them for each address. Filters of
// several nodes are joined by OR. Knows addresses only; SHA-1 is the caller's.

export const BLOOM_FILTER_BYTES = 256;
const BLOOM_BITS: number = BLOOM_FILTER_BYTES * 8;
const BLOOM_HASHES = 2;

/** Puts the address with this SHA-1 into the filter. */
export function addToBloomFilter(filter: Uint8Array, addressSha1: Uint8Array): void {
  for (let hash = 0; hash < BLOOM_HASHES; hash++) {
    const bit = (addressSha1[2 * hash]! | (addressSha1[2 * hash + 1]! << 8)) % BLOOM_BITS;
    filter[bit >> 3] = filter[bit >> 3]! | (1 << (bit & 7));
  }
}

/** Adds all that `other` holds. */
export function joinBloomFilter(filter: Uint8Array, other: Uint8Array): void {
  for (let i = 0; i < BLOOM_FILTER_BYTES; i++) filter[i] = filter[i]! | (other[i] ?? 0);
}

/** How many addresses are likely to be in it. */
export function estimateBloomFilter(filter: Uint8Array): number {
  let zeroCount = 0;
  for (let i = 0; i < BLOOM_FILTER_BYTES; i++) {
    for (let bits = ~filter[i]! & 0xff; bits !== 0; bits &= bits - 1) zeroCount++;
  }
  // BEP 33 counts an empty filter as half an address; a full one says no more than "very many".
  if (zeroCount === BLOOM_BITS) return 0;
  const counted = Math.max(1, zeroCount);
  return Math.log(counted / BLOOM_BITS) / (BLOOM_HASHES * Math.log(1 - 1 / BLOOM_BITS));
}
