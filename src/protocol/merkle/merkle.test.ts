import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesToHex, concatBytes } from '../../base/bytes.ts';
import { HASH_REQUEST_LENGTH_MAX } from '../limits.ts';
import {
  collectHashes,
  fullProofLayers,
  type HashRange,
  hashesBytesOf,
  isValidHashRange,
  leafCountOf,
  levelsAbove,
  MerkleTree,
  merkleRoot,
  padHash,
  rootFromLayer,
  uncleCountOf,
  verifyProof,
} from './merkle.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());
const KIB = 1024;

function leavesOf(count: number, salt = 0): Uint8Array {
  return concatBytes(Array.from({ length: count }, (_, i) => sha256(Uint8Array.of(i & 0xff, i >> 8, salt))));
}

const hashesOf = (tree: MerkleTree, range: HashRange): Uint8Array =>
  collectHashes(range, (level, index) => tree.node(level, index));

/** The definition of BEP 52 taken literally: fill up with zero leaves, hash pairs until one is left. */
function naiveLayers(leaves: Uint8Array, leafCount: number): Uint8Array[][] {
  let nodes: Uint8Array[] = Array.from({ length: leafCount }, (_, i) =>
    i * 32 < leaves.length ? leaves.slice(i * 32, i * 32 + 32) : new Uint8Array(32),
  );
  const layers = [nodes];
  while (nodes.length > 1) {
    nodes = Array.from({ length: nodes.length / 2 }, (_, i) => sha256(concatBytes([nodes[2 * i]!, nodes[2 * i + 1]!])));
    layers.push(nodes);
  }
  return layers;
}

test('levels and leaf counts', () => {
  expect([1, 2, 3, 4, 5, 2 ** 34, 2 ** 34 + 1].map(levelsAbove)).toEqual([0, 1, 2, 2, 3, 34, 35]);
  expect([1, 16 * KIB, 16 * KIB + 1, 48 * KIB, 48 * KIB + 1, 64 * KIB + 1].map(leafCountOf)).toEqual([
    1, 1, 2, 4, 4, 8,
  ]);
});

test('pad hashes are the roots of zero leaves', () => {
  expect(padHash(0, sha256)).toEqual(new Uint8Array(32));
  // SHA-256 of 64 zero bytes, published everywhere.
  expect(bytesToHex(padHash(1, sha256))).toBe('f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b');
  expect(padHash(3, sha256)).toEqual(naiveLayers(new Uint8Array(0), 8)[3]![0]);
});

test('roots agree with the definition, from leaves and from any layer', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 0, max: 3 }), (count, extraLevels) => {
      const leaves = leavesOf(count);
      const leafCount = 2 ** (levelsAbove(count) + extraLevels);
      const layers = naiveLayers(leaves, leafCount);
      expect(merkleRoot(leaves, leafCount, sha256)).toEqual(layers[layers.length - 1]![0]);

      const ownLevels = levelsAbove(count);
      for (let level = 0; level <= ownLevels; level++) {
        const kept = Math.ceil(count / 2 ** level);
        const layer = concatBytes(layers[level]!.slice(0, kept));
        expect(rootFromLayer(layer, 16 * KIB * 2 ** level, sha256)).toEqual(layers[ownLevels]![0]);
      }
    }),
  );
});

test('every valid range of a tree is proved by its hashes, and by no altered ones', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(), fc.nat(), fc.nat(), (count, layerPick, lengthPick, pick) => {
      const leafCount = 2 ** levelsAbove(count);
      const levels = levelsAbove(count);
      const baseLayer = layerPick % (levels + 1);
      const tree = MerkleTree.of({ layer: leavesOf(count), baseLayer: 0, leafCount, sha256 });
      const width = leafCount / 2 ** baseLayer;
      const proofLayers = fullProofLayers(baseLayer, leafCount);
      // A single hash is asked for with a proof, or it is the root.
      const shortest = width === 1 || proofLayers > 0 ? 0 : 1;
      const length = 2 ** (shortest + (lengthPick % (levelsAbove(width) + 1 - shortest)));
      const index = (pick % (width / length)) * length;
      const range: HashRange = { baseLayer, index, length, proofLayers };
      expect(isValidHashRange(range, leafCount, HASH_REQUEST_LENGTH_MAX)).toBe(true);

      const hashes = hashesOf(tree, range);
      expect(hashes.length).toBe(hashesBytesOf(range));
      expect(verifyProof(tree.root, range, hashes, leafCount, sha256)).toBe(true);
      const altered = hashes.slice();
      altered[pick % altered.length]! ^= 1;
      expect(verifyProof(tree.root, range, altered, leafCount, sha256)).toBe(false);
      expect(verifyProof(tree.root, range, hashes.subarray(32), leafCount, sha256)).toBe(false);
      if (width > length) {
        const elsewhere = { ...range, index: index === 0 ? length : 0 };
        expect(verifyProof(tree.root, elsewhere, hashes, leafCount, sha256)).toBe(false);
      }
    }),
  );
});

test('a tree over the piece layer gives the same hashes as the tree over the leaves', () => {
  const leaves = leavesOf(37);
  const whole = MerkleTree.of({ layer: leaves, baseLayer: 0, leafCount: 64, sha256 });
  const layers = naiveLayers(leaves, 64);
  const pieces = MerkleTree.of({ layer: concatBytes(layers[2]!.slice(0, 10)), baseLayer: 2, leafCount: 64, sha256 });
  expect(pieces.root).toEqual(whole.root);
  const range = { baseLayer: 2, index: 8, length: 4, proofLayers: 3 };
  expect(hashesOf(pieces, range)).toEqual(hashesOf(whole, range));
  // Four hashes of the layer (two of them pads) and the uncles of levels 4 and 5.
  expect(uncleCountOf(range)).toBe(2);
  expect(hashesOf(pieces, range).subarray(3 * 32, 4 * 32)).toEqual(padHash(2, sha256));
});

test('a tree that grows in steps of any size is the tree that is made at once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 20 }), (count, step) => {
      const options = { layer: leavesOf(count), baseLayer: 0, leafCount: 2 * 2 ** levelsAbove(count), sha256 };
      let hashCount = 0;
      const counting = (bytes: Uint8Array): Uint8Array => {
        hashCount++;
        return sha256(bytes);
      };
      const tree = new MerkleTree({ ...options, sha256: counting });
      for (let isWhole = false; !isWhole; ) {
        const before = hashCount;
        isWhole = tree.grow(step);
        // A pad for each finished layer comes on top.
        expect(hashCount - before).toBeLessThanOrEqual(step + levelsAbove(options.leafCount));
      }
      expect(tree.root).toEqual(merkleRoot(options.layer, options.leafCount, sha256));
      expect(tree.grow(step)).toBe(true);
    }),
  );
});

test.each([
  [{ baseLayer: 0, index: 0, length: 2, proofLayers: 0 }, true],
  [{ baseLayer: 0, index: 2, length: 2, proofLayers: 5 }, true],
  [{ baseLayer: 0, index: 0, length: 64, proofLayers: 5 }, true],
  [{ baseLayer: 6, index: 0, length: 1, proofLayers: 0 }, true],
  [{ baseLayer: 0, index: 36, length: 1, proofLayers: 5 }, true],
  [{ baseLayer: 0, index: 36, length: 1, proofLayers: 0 }, false],
  [{ baseLayer: 0, index: 0, length: 3, proofLayers: 5 }, false],
  [{ baseLayer: 0, index: 1, length: 2, proofLayers: 5 }, false],
  [{ baseLayer: 0, index: 64, length: 2, proofLayers: 5 }, false],
  [{ baseLayer: 0, index: 0, length: 128, proofLayers: 0 }, false],
  [{ baseLayer: 0, index: 0, length: 2, proofLayers: 6 }, false],
  [{ baseLayer: 7, index: 0, length: 1, proofLayers: 0 }, false],
  [{ baseLayer: 2 ** 31, index: 0, length: 2, proofLayers: 0 }, false],
  [{ baseLayer: 0, index: 2 ** 32 - 2, length: 2, proofLayers: 0 }, false],
  [{ baseLayer: 0, index: 0, length: 0, proofLayers: 0 }, false],
])('hash range %j in a tree of 64 leaves: %s', (range, valid) => {
  expect(isValidHashRange(range, 64, HASH_REQUEST_LENGTH_MAX)).toBe(valid);
});

test('a range is as long as the limit at most', () => {
  const range = (length: number): HashRange => ({ baseLayer: 0, index: 0, length, proofLayers: 0 });
  expect(isValidHashRange(range(HASH_REQUEST_LENGTH_MAX / 2), 4096, HASH_REQUEST_LENGTH_MAX)).toBe(true);
  expect(isValidHashRange(range(HASH_REQUEST_LENGTH_MAX), 4096, HASH_REQUEST_LENGTH_MAX)).toBe(true);
  expect(isValidHashRange(range(HASH_REQUEST_LENGTH_MAX * 2), 4096, HASH_REQUEST_LENGTH_MAX)).toBe(false);
});
