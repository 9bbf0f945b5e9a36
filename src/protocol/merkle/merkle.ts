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
  if (!isPowerOfTwo || index % length !== 0 || index + length > width || (length === 1 && width > 1)) return false;
  return proofLayers >= 0 && proofLayers <= Math.max(0, levels - baseLayer - 1);
}

/**
 * How many uncle hashes follow the range's own: the levels inside the range's own subtree need none
 * (BEP 52: "the first log2(length)-1 proof layers are omitted").
 */
export function uncleCountOf(range: HashRange): number {
  return Math.max(0, range.proofLayers - Math.max(0, levelsAbove(range.length) - 1));
}

/** Bytes of the hashes in an answer to this request. */
export function hashesBytesOf(range: HashRange): number {
  return (range.length + uncleCountOf(range)) * MERKLE_HASH_BYTES;
}

/**
 * A tree from one of its layers upwards, kept whole so that each answer is a copy of hashes and no hashing.
 * Memory: twice the layer.
 */
export class MerkleTree {
  readonly baseLayer: number;
  readonly leafCount: number;
  /** From the base layer to the root, without pads. */
  readonly #layers: readonly Uint8Array[];
  /** Pad hash of each of these layers. */
  readonly #pads: readonly Uint8Array[];

  /** `layer` is level `baseLayer` of a tree over `leafCount` leaves (a power of two); it is kept, not copied. */
  constructor(options: {
    readonly layer: Uint8Array;
    readonly baseLayer: number;
    readonly leafCount: number;
    readonly sha256: Sha256;
  }) {
    const { layer, baseLayer, leafCount, sha256 } = options;
    const levels = levelsAbove(leafCount) - baseLayer;
    assert(layer.length > 0 && layer.length / MERKLE_HASH_BYTES <= 2 ** levels, 'the layer fits under its root');
    this.baseLayer = baseLayer;
    this.leafCount = leafCount;
    const layers = [layer];
    const pads = [padHash(baseLayer, sha256)];
    for (let level = 0; level < levels; level++) {
      layers.push(layerAbove(layers[level]!, pads[level]!, sha256));
      pads.push(parent(pads[level]!, pads[level]!, sha256));
    }
    this.#layers = layers;
    this.#pads = pads;
  }

  get root(): Uint8Array {
    return this.#layers[this.#layers.length - 1]!;
  }

  /**
   * The range's hashes and then its uncles, bottom first: the payload of a `hashes` message. Undefined when the
   * range starts below this tree's base layer. The range has passed `isValidHashRange`.
   */
  hashes(range: HashRange): Uint8Array | undefined {
    const base = range.baseLayer - this.baseLayer;
    if (base < 0 || base >= this.#layers.length) return undefined;
    const result = new Uint8Array(hashesBytesOf(range));
    for (let i = 0; i < range.length; i++) result.set(this.#node(base, range.index + i), i * MERKLE_HASH_BYTES);
    const firstUncle = levelsAbove(range.length);
    for (let i = 0; i < uncleCountOf(range); i++) {
      const node = Math.floor(range.index / 2 ** (firstUncle + i));
      result.set(this.#node(base + firstUncle + i, node ^ 1), (range.length + i) * MERKLE_HASH_BYTES);
    }
    return result;
  }

  #node(level: number, index: number): Uint8Array {
    const start = index * MERKLE_HASH_BYTES;
    const layer = this.#layers[level]!;
    return start < layer.length ? layer.subarray(start, start + MERKLE_HASH_BYTES) : this.#pads[level]!;
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
