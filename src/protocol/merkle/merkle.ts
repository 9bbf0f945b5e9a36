// Merkle trees of BEP 52: SHA-256 over pairs, leaves are hashes of 16 KiB blocks, what lies beyond the file's end is
// a subtree of zero leaves ("pad"). SHA-256 is an argument; this file knows no file and no message.
//
// A layer is the hashes of one level joined, without the pads at its end. Level 0 is the leaves.

import { assert } from '../../base/assert.ts';
import { BLOCK_BYTES } from '../limits.ts';

export type Sha256 = (bytes: Uint8Array) => Uint8Array;

export const MERKLE_HASH_BYTES = 32;

/** Levels from one node down to 2^levels leaves: log2 of a power of two, rounded up for other counts. */
export function levelsAbove(count: number): number {
  let levels = 0;
  // Sizes go up to 2^48, so no 32-bit shifts.
  for (let width = 1; width < count; width *= 2) levels++;
  return levels;
}

/** Leaves of a file's whole tree, pads included: a power of two. `lengthBytes` is not 0. */
export function leafCountOf(lengthBytes: number): number {
  return 2 ** levelsAbove(Math.ceil(lengthBytes / BLOCK_BYTES));
}

/** The root over 2^levels zero leaves. */
export function padHash(levels: number, sha256: Sha256): Uint8Array {
  let hash: Uint8Array = new Uint8Array(MERKLE_HASH_BYTES);
  const pair = new Uint8Array(2 * MERKLE_HASH_BYTES);
  for (let level = 0; level < levels; level++) {
    pair.set(hash);
    pair.set(hash, MERKLE_HASH_BYTES);
    hash = sha256(pair);
  }
  return hash;
}

/** The layer one level above: half as many hashes. `pad` is the pad hash of the given layer's level. */
function layerAbove(layer: Uint8Array, pad: Uint8Array, sha256: Sha256): Uint8Array {
  const count = layer.length / MERKLE_HASH_BYTES;
  const above = new Uint8Array(Math.ceil(count / 2) * MERKLE_HASH_BYTES);
  const wholePairs = count >>> 1;
  for (let i = 0; i < wholePairs; i++) {
    above.set(
      sha256(layer.subarray(i * 2 * MERKLE_HASH_BYTES, (i + 1) * 2 * MERKLE_HASH_BYTES)),
      i * MERKLE_HASH_BYTES,
    );
  }
  if (count % 2 === 1) {
    const pair = new Uint8Array(2 * MERKLE_HASH_BYTES);
    pair.set(layer.subarray((count - 1) * MERKLE_HASH_BYTES));
    pair.set(pad, MERKLE_HASH_BYTES);
    above.set(sha256(pair), wholePairs * MERKLE_HASH_BYTES);
  }
  return above;
}

/** The node `levels` above a layer that starts at level `baseLevel`; the layer has from 1 to 2^levels hashes. */
function rootAbove(layer: Uint8Array, baseLevel: number, levels: number, sha256: Sha256): Uint8Array {
  assert(layer.length > 0 && layer.length % MERKLE_HASH_BYTES === 0, 'a layer is whole hashes, at least one');
  assert(layer.length / MERKLE_HASH_BYTES <= 2 ** levels, 'the layer fits under its root');
  let nodes = layer;
  let pad = padHash(baseLevel, sha256);
  for (let level = 0; level < levels; level++) {
    nodes = layerAbove(nodes, pad, sha256);
    if (level + 1 < levels) pad = parent(pad, pad, sha256);
  }
  return nodes.slice(0, MERKLE_HASH_BYTES);
}

function parent(left: Uint8Array, right: Uint8Array, sha256: Sha256): Uint8Array {
  const pair = new Uint8Array(2 * MERKLE_HASH_BYTES);
  pair.set(left);
  pair.set(right, MERKLE_HASH_BYTES);
  return sha256(pair);
}

/**
 * The root over leaf hashes (32 bytes each, joined), padded with zero leaves to `leafCount`, a power of two.
 * Also the hash of one piece: its leaves, `leafCount` = piece length / 16 KiB.
 */
export function merkleRoot(leaves: Uint8Array, leafCount: number, sha256: Sha256): Uint8Array {
  return rootAbove(leaves, 0, levelsAbove(leafCount), sha256);
}

/** The root of a file longer than one piece from its piece layer. `pieceLengthBytes` is a power of two >= 16 KiB. */
export function rootFromLayer(layer: Uint8Array, pieceLengthBytes: number, sha256: Sha256): Uint8Array {
  const count = layer.length / MERKLE_HASH_BYTES;
  return rootAbove(layer, levelsAbove(pieceLengthBytes / BLOCK_BYTES), levelsAbove(count), sha256);
}

/** Part of one level of a file's tree, as hash requests name it (BEP 52, "hash request"). */
export interface HashRange {
  /** Levels above the leaves. */
  readonly baseLayer: number;
  /** Of the first hash in that level; a multiple of `length`. */
  readonly index: number;
  /** How many hashes; a power of two of at least 2, unless the level has fewer. */
  readonly length: number;
  /** Levels above `baseLayer`, counted from the one above it, whose uncle hashes are wanted. */
  readonly proofLayers: number;
}

/** Whether the range lies in the tree of a file with `leafCount` leaves (a power of two) and has BEP 52's shape. */
export function isValidHashRange(range: HashRange, leafCount: number, lengthMax: number): boolean {
  const { baseLayer, index, length, proofLayers } = range;
  const levels = levelsAbove(leafCount);
  if (baseLayer > levels || length < 1 || length > lengthMax || index < 0 || baseLayer < 0) return false;
  const width = 2 ** (levels - baseLayer);
  const isPowerOfTwo = 2 ** levelsAbove(length) === length;
  if (!isPowerOfTwo || index % length !== 0 || index + length > width) return false;
  if (proofLayers < 0 || proofLayers > Math.max(0, levels - baseLayer - 1)) return false;
  // The last hash of a layer may stand alone ("unless it gets truncated by the end of the layer"). libtorrent asks so,
  // and always for a proof; without one the request cannot be told from one for the root.
  return length > 1 || width === 1 || proofLayers > 0;
}

/**
 * How many uncle hashes follow the range's own: the levels inside the range's own subtree need none
 * (BEP 52: "the first log2(length)-1 proof layers are omitted"). That formula gives a single hash one uncle more than
 * it has proof layers, its own sibling.
 */
export function uncleCountOf(range: HashRange): number {
  if (range.proofLayers === 0) return 0;
  return Math.max(0, range.proofLayers - (levelsAbove(range.length) - 1));
}

/** Bytes of the hashes in an answer to this request. */
export function hashesBytesOf(range: HashRange): number {
  return (range.length + uncleCountOf(range)) * MERKLE_HASH_BYTES;
}

/**
 * The payload of a `hashes` message: the range's hashes and then its uncles, bottom first. `nodeAt` gives the hash at
 * a level and an index, pads included. The range has passed `isValidHashRange`.
 */
export function collectHashes(range: HashRange, nodeAt: (level: number, index: number) => Uint8Array): Uint8Array {
  const { baseLayer, index, length } = range;
  const result = new Uint8Array(hashesBytesOf(range));
  for (let i = 0; i < length; i++) result.set(nodeAt(baseLayer, index + i), i * MERKLE_HASH_BYTES);
  const firstUncle = levelsAbove(length);
  for (let i = 0; i < uncleCountOf(range); i++) {
    const node = Math.floor(index / 2 ** (firstUncle + i));
    result.set(nodeAt(baseLayer + firstUncle + i, siblingOf(node)), (length + i) * MERKLE_HASH_BYTES);
  }
  return result;
}

function siblingOf(index: number): number {
  return index % 2 === 0 ? index + 1 : index - 1;
}

export interface MerkleTreeOptions {
  /** Level `baseLayer` of the tree; kept, not copied. */
  readonly layer: Uint8Array;
  readonly baseLayer: number;
  /** Of the whole tree, a power of two. */
  readonly leafCount: number;
  readonly sha256: Sha256;
}

/**
 * A tree from one of its layers upwards, kept whole so that each answer is a copy of hashes and no hashing.
 * Memory: twice the layer. It is hashed in steps: nothing above the layer is there before `grow` has returned true.
 */
export class MerkleTree {
  readonly baseLayer: number;
  readonly leafCount: number;
  readonly #sha256: Sha256;
  readonly #levelCount: number;
  /** From the base layer upwards, without pads; those that are whole. */
  readonly #layers: Uint8Array[];
  /** Pad hash of each of these layers. */
  readonly #pads: Uint8Array[];
  /** The layer above them and how many of its hashes stand. */
  #growing: Uint8Array | undefined;
  #grownCount = 0;

  constructor({ layer, baseLayer, leafCount, sha256 }: MerkleTreeOptions) {
    const levels = levelsAbove(leafCount) - baseLayer;
    assert(layer.length > 0 && layer.length / MERKLE_HASH_BYTES <= 2 ** levels, 'the layer fits under its root');
    this.baseLayer = baseLayer;
    this.leafCount = leafCount;
    this.#sha256 = sha256;
    this.#levelCount = levels + 1;
    this.#layers = [layer];
    this.#pads = [padHash(baseLayer, sha256)];
  }

  /** A whole tree at once. */
  static of(options: MerkleTreeOptions): MerkleTree {
    const tree = new MerkleTree(options);
    tree.grow();
    return tree;
  }

  /** Hashes at most `hashCountMax` more nodes; true when the tree is whole. */
  grow(hashCountMax: number = Number.POSITIVE_INFINITY): boolean {
    let hashCount = 0;
    while (this.#layers.length < this.#levelCount) {
      const below = this.#layers[this.#layers.length - 1]!;
      const pad = this.#pads[this.#pads.length - 1]!;
      const count = Math.ceil(below.length / MERKLE_HASH_BYTES / 2);
      this.#growing ??= new Uint8Array(count * MERKLE_HASH_BYTES);
      const end = Math.min(count, this.#grownCount + hashCountMax - hashCount);
      hashCount += end - this.#grownCount;
      for (; this.#grownCount < end; this.#grownCount++) {
        const left = below.subarray(
          this.#grownCount * 2 * MERKLE_HASH_BYTES,
          (this.#grownCount + 1) * 2 * MERKLE_HASH_BYTES,
        );
        const isWhole = left.length === 2 * MERKLE_HASH_BYTES;
        const hash = isWhole ? this.#sha256(left) : parent(left, pad, this.#sha256);
        this.#growing.set(hash, this.#grownCount * MERKLE_HASH_BYTES);
      }
      if (this.#grownCount < count) return false;
      this.#layers.push(this.#growing);
      this.#pads.push(parent(pad, pad, this.#sha256));
      this.#growing = undefined;
      this.#grownCount = 0;
    }
    return true;
  }

  get root(): Uint8Array {
    return this.node(this.baseLayer + this.#levelCount - 1, 0);
  }

  /** The hash at `level` (counted from the leaves; not below the base layer), pads included. */
  node(level: number, index: number): Uint8Array {
    const layer = this.#layers[level - this.baseLayer];
    assert(layer !== undefined, 'the tree has grown to this level');
    const start = index * MERKLE_HASH_BYTES;
    return start < layer.length
      ? layer.subarray(start, start + MERKLE_HASH_BYTES)
      : this.#pads[level - this.baseLayer]!;
  }
}

/**
 * Whether the hashes of a `hashes` message lead to `root`: those of the range, then one uncle for each level up to
 * the root. A request must therefore have asked for all proof layers, which is what `fullProofLayers` gives.
 */
export function verifyProof(
  root: Uint8Array,
  range: HashRange,
  hashes: Uint8Array,
  leafCount: number,
  sha256: Sha256,
): boolean {
  const levels = levelsAbove(leafCount) - range.baseLayer;
  const rangeLevels = levelsAbove(range.length);
  if (hashes.length !== hashesBytesOf(range) || rangeLevels + uncleCountOf(range) !== levels) return false;
  const ownBytes = range.length * MERKLE_HASH_BYTES;
  let node = rootAbove(hashes.subarray(0, ownBytes), range.baseLayer, rangeLevels, sha256);
  for (let i = 0; i < levels - rangeLevels; i++) {
    const uncle = hashes.subarray(ownBytes + i * MERKLE_HASH_BYTES, ownBytes + (i + 1) * MERKLE_HASH_BYTES);
    const isRight = Math.floor(range.index / 2 ** (rangeLevels + i)) % 2 === 1;
    node = isRight ? parent(uncle, node, sha256) : parent(node, uncle, sha256);
  }
  for (let i = 0; i < MERKLE_HASH_BYTES; i++) if (node[i] !== root[i]) return false;
  return root.length === MERKLE_HASH_BYTES;
}

/** The `proofLayers` that lead up to the root of a tree with `leafCount` leaves. */
export function fullProofLayers(baseLayer: number, leafCount: number): number {
  return Math.max(0, levelsAbove(leafCount) - baseLayer - 1);
}
