// Hashing as the disk's threads do it (whole pieces in memory), and Merkle trees as the main thread does.
import { createHash } from 'node:crypto';
import { blockSha1s, PieceHasher } from '../../../src/node/disk/piece-hasher.ts';
import { NodeCrypto } from '../../../src/node/system/node-crypto.ts';
import { MerkleTree, merkleRoot } from '../../../src/protocol/merkle/index.ts';
import type { Operation, OperationGroup } from '../operation.ts';

const BLOCK_BYTES = 16 * 1024;
const PIECE_BYTES = 1024 * 1024;
const LEAF_COUNT = PIECE_BYTES / BLOCK_BYTES;

/** That the hash differs does not make it cheaper. */
const sha1 = 'x'.repeat(20);
const root = 'x'.repeat(32);

function piece(name: string, bytes: Uint8Array, hashes: { sha1: string; merkleRoot: string }): Operation {
  const count = PIECE_BYTES / bytes.length;
  const expected = { ...hashes, leafCount: bytes.length / BLOCK_BYTES, dataBytes: bytes.length };
  const run = (): number => {
    let matched = 0;
    for (let i = 0; i < count; i++) {
      const hasher = new PieceHasher(expected, bytes.length);
      hasher.update(bytes);
      if (hasher.matches()) matched++;
    }
    return matched;
  };
  return { name, count, run };
}

function merkle(): Operation[] {
  const { sha256 } = new NodeCrypto();
  const leaves = new Uint8Array(32 * LEAF_COUNT).fill(5);
  const layer = new Uint8Array(32 * 1_000).fill(5);
  return [
    { name: `Merkle root of ${LEAF_COUNT} leaves`, count: 1, run: () => merkleRoot(leaves, LEAF_COUNT, sha256) },
    {
      name: 'Merkle tree over a layer of 1,000 hashes',
      count: 1,
      run: () => MerkleTree.of({ layer, baseLayer: 6, leafCount: LEAF_COUNT * 1_024, sha256 }),
    },
    {
      name: 'SHA-256 of two hashes',
      count: 100,
      run: () => {
        let last: Uint8Array = leaves;
        for (let i = 0; i < 100; i++) last = sha256(leaves.subarray(0, 64));
        return last;
      },
    },
  ];
}

export const hash: OperationGroup = {
  name: 'hash',
  create: () => {
    const bytes = new Uint8Array(new SharedArrayBuffer(PIECE_BYTES)).fill(3);
    return [
      piece('check a piece of 1 MiB, v1', bytes, { sha1, merkleRoot: '' }),
      piece('check a piece of 1 MiB, v2', bytes, { sha1: '', merkleRoot: root }),
      piece('check a piece of 1 MiB, hybrid', bytes, { sha1, merkleRoot: root }),
      piece('check a piece of 16 KiB, v1', bytes.subarray(0, BLOCK_BYTES), { sha1, merkleRoot: '' }),
      piece('check a piece of 16 KiB, v2', bytes.subarray(0, BLOCK_BYTES), { sha1: '', merkleRoot: root }),
      { name: 'SHA-1 of each block of 1 MiB', count: 1, run: () => blockSha1s(bytes) },
      { name: 'SHA-1 of 1 MiB, node:crypto alone', count: 1, run: () => createHash('sha1').update(bytes).digest() },
      { name: 'SHA-256 of 1 MiB, node:crypto alone', count: 1, run: () => createHash('sha256').update(bytes).digest() },
      ...merkle(),
    ];
  },
};
