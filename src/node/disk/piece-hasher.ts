// Hashes pieces and says whether they match: SHA-1 over the whole piece (BEP 3), SHA-256 over 16 KiB leaves and up their
// Merkle tree (BEP 52). Bytes come in memory, in one go or in parts whose length is a multiple of 16 KiB.
import type { Hash } from 'node:crypto';
import { assert } from '../../base/assert.ts';
import { BLOCK_BYTES, SLAB_BYTES } from '../../protocol/limits.ts';

const SHA1_BYTES = 20;
const SHA256_BYTES = 32;
const ZEROS = new Uint8Array(SLAB_BYTES);

/** An `ExpectedHash` in a form that is cheap to send: hashes as strings of one character a byte, empty when absent. */
export interface ExpectedDigest {
  readonly sha1: string;
  readonly merkleRoot: string;
  readonly leafCount: number;
  /** Bytes of the piece that the Merkle tree covers. */
  readonly dataBytes: number;
}

/** Takes a piece's bytes in order; bytes that are missing at its end count as zeros. */
export class PieceHasher {
  readonly #expected: ExpectedDigest;
  readonly #pieceBytes: number;
  readonly #leaves: Buffer;
  #sha1: Hash | undefined;
  #sha1Digest = '';
  #position = 0;

  constructor(expected: ExpectedDigest, pieceBytes: number) {
    assert(expected.sha1 !== '' || expected.merkleRoot !== '', 'a piece has a hash to match');
    this.#expected = expected;
    this.#pieceBytes = pieceBytes;
    const leafCount = expected.merkleRoot === '' ? 0 : Math.ceil(expected.dataBytes / BLOCK_BYTES);
    this.#leaves = Buffer.alloc(leafCount * SHA256_BYTES);
  }

  update(bytes: Uint8Array): void {
    assert(this.#position % BLOCK_BYTES === 0, 'parts end at blocks');
    if (this.#expected.merkleRoot !== '') this.#addLeaves(bytes);
    if (this.#expected.sha1 !== '') {
      if (bytes.length === this.#pieceBytes) this.#sha1Digest = hash('sha1', bytes, 'binary');
      else {
        this.#sha1 ??= createHash('sha1');
        this.#sha1.update(bytes);
      }
    }
    this.#position += bytes.length;
  }

  matches(): boolean {
    while (this.#position < this.#pieceBytes) {
      // The last part may have ended anywhere: zeros fill its block first.
      const toBlock = BLOCK_BYTES - (this.#position % BLOCK_BYTES);
      const wanted = toBlock < BLOCK_BYTES ? toBlock : ZEROS.length;
      const zeros = ZEROS.subarray(0, Math.min(wanted, this.#pieceBytes - this.#position));
      if (this.#expected.sha1 !== '') {
        this.#sha1 ??= createHash('sha1');
        this.#sha1.update(zeros);
      }
      this.#position += zeros.length;
    }
    if (this.#sha1 !== undefined) this.#sha1Digest = this.#sha1.digest('binary');
    if (this.#sha1Digest !== this.#expected.sha1) return false;
    if (this.#expected.merkleRoot === '') return true;
    return merkleRoot(this.#leaves, this.#expected.leafCount).toString('latin1') === this.#expected.merkleRoot;
  }

  #addLeaves(bytes: Uint8Array): void {
    const end = Math.min(bytes.length, this.#expected.dataBytes - this.#position);
    for (let start = 0; start < end; start += BLOCK_BYTES) {
      const leaf = hash('sha256', bytes.subarray(start, Math.min(start + BLOCK_BYTES, end)), 'buffer');
      leaf.copy(this.#leaves, ((this.#position + start) / BLOCK_BYTES) * SHA256_BYTES);
    }
  }
}

/** SHA-1 of each block of 16 KiB, the last one maybe shorter, joined. */
export function blockSha1s(bytes: Uint8Array): Uint8Array {
  const count = Math.ceil(bytes.length / BLOCK_BYTES);
  const joined = new Uint8Array(count * SHA1_BYTES);
  for (let i = 0; i < count; i++) {
    joined.set(hash('sha1', bytes.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES), 'buffer'), i * SHA1_BYTES);
  }
  return joined;
}

/** Root over the leaves, which are taken to be followed by zero hashes up to `leafCount`, a power of two. */
function merkleRoot(leaves: Buffer, leafCount: number): Buffer {
  let layer = leaves;
  let zero: Buffer = Buffer.alloc(SHA256_BYTES);
  for (let width = leafCount; width > 1; width /= 2) {
    // Nodes beyond the last leaf are all the same on one level: each is hashed once.
    const nodeCount = Math.ceil(layer.length / (2 * SHA256_BYTES));
    const parents = Buffer.alloc(nodeCount * SHA256_BYTES);
    for (let i = 0; i < nodeCount; i++) {
      let pair = layer.subarray(i * 2 * SHA256_BYTES, (i + 1) * 2 * SHA256_BYTES);
      if (pair.length === SHA256_BYTES) pair = Buffer.concat([pair, zero]);
      hash('sha256', pair, 'buffer').copy(parents, i * SHA256_BYTES);
    }
    zero = hash('sha256', Buffer.concat([zero, zero]), 'buffer');
    layer = parents;
  }
  return layer;
}

// Loaded with the first piece: the start of a program does not wait for it.
function hash(algorithm: string, bytes: Uint8Array, encoding: 'binary'): string;
function hash(algorithm: string, bytes: Uint8Array, encoding: 'buffer'): Buffer;
function hash(algorithm: string, bytes: Uint8Array, encoding: 'binary' | 'buffer'): string | Buffer {
  return process.getBuiltinModule('node:crypto').hash(algorithm, bytes, encoding);
}

function createHash(algorithm: string): Hash {
  return process.getBuiltinModule('node:crypto').createHash(algorithm);
}
