import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../base/random.ts';
import { BLOCK_BYTES, HASH_REQUEST_LENGTH_MAX } from '../protocol/limits.ts';
import { collectHashes, leafCountOf, levelsAbove, MerkleTree } from '../protocol/merkle/index.ts';
import type { HashRequest } from '../protocol/wire/hash-messages.ts';
import { type LayeredFile, PieceLayerPicker } from './piece-layer-picker.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());
const PIECE_BYTES = 2 * BLOCK_BYTES;

/** Files by their number of pieces, with made-up layers; answers requests as an honest peer does. */
class Layers {
  readonly files: LayeredFile[] = [];
  readonly trees: { readonly root: Uint8Array; readonly layer: Uint8Array; readonly tree: MerkleTree }[] = [];
  picker: PieceLayerPicker;

  constructor(...pieceCounts: number[]) {
    const random = seededRandom(pieceCounts.length);
    for (const pieceCount of pieceCounts) {
      const lengthBytes = pieceCount * PIECE_BYTES - 1;
      const layer = Uint8Array.from({ length: pieceCount * 32 }, () => random.uint32() & 0xff);
      const tree = MerkleTree.of({ layer, baseLayer: 1, leafCount: leafCountOf(lengthBytes), sha256 });
      this.files.push({ piecesRoot: tree.root, lengthBytes });
      this.trees.push({ root: tree.root, layer, tree });
    }
    this.picker = new PieceLayerPicker(this.files, PIECE_BYTES, sha256);
  }

  answer(request: HashRequest): Uint8Array {
    const { tree } = this.trees.find(({ root }) => root.every((byte, i) => byte === request.piecesRoot[i]))!;
    return collectHashes(request, (level, index) => tree.node(level, index));
  }

  expectComplete(): void {
    expect(this.picker.isComplete).toBe(true);
    for (const { root, layer } of this.trees) expect(this.picker.layerOf(root)).toEqual(layer);
  }
}

test.each([[2], [3], [511], [512], [513], [514], [1_024], [1_025], [2, 600, 3]])(
  'layers of %i pieces, asked for in ranges of HASH_REQUEST_LENGTH_MAX at most',
  (...pieceCounts) => {
    const layers = new Layers(...pieceCounts);
    const lengths: number[] = [];
    for (let request = layers.picker.next(1); request !== undefined; request = layers.picker.next(1)) {
      expect(layers.picker.isComplete).toBe(false);
      lengths.push(request.length);
      expect(request.index % request.length).toBe(0);
      expect(levelsAbove(request.length)).toBe(Math.log2(request.length));
      expect(layers.picker.handleHashes(1, request, layers.answer(request))).toBe('accepted');
    }
    expect(lengths).toHaveLength(pieceCounts.reduce((sum, count) => sum + Math.ceil(count / 512), 0));
    expect(Math.max(...lengths)).toBeLessThanOrEqual(HASH_REQUEST_LENGTH_MAX);
    expect(Math.min(...lengths)).toBeGreaterThanOrEqual(2);
    layers.expectComplete();
  },
);

test('a lie is noticed, and what it was about is asked of another', () => {
  const layers = new Layers(600);
  const { picker } = layers;
  const request = picker.next(1)!;
  const hashes = layers.answer(request);
  hashes[40]! ^= 1;
  expect(picker.handleHashes(1, request, hashes)).toBe('lie');
  picker.handlePeerGone(1);
  expect(picker.next(2)).toEqual(request);
  expect(picker.handleHashes(2, request, layers.answer(request))).toBe('accepted');
});

test.each<[string, Partial<HashRequest>]>([
  ['another index', { index: 512 }],
  ['another length', { length: 256 }],
  ['another layer', { baseLayer: 0 }],
  ['another root', { piecesRoot: new Uint8Array(32) }],
  ['fewer proof layers', { proofLayers: 8 }],
])('hashes for %s than was asked for are a lie', (_, change) => {
  const layers = new Layers(600);
  const request = layers.picker.next(1)!;
  const hashes = layers.answer(request);
  expect(layers.picker.handleHashes(1, { ...request, ...change }, hashes)).toBe('lie');
  expect(layers.picker.handleHashes(2, request, hashes)).toBe('lie');
  expect(layers.picker.handleHashes(1, request, hashes)).toBe('accepted');
  expect(layers.picker.handleHashes(1, request, hashes)).toBe('lie');
});

test('who rejects is not asked the same again', () => {
  const layers = new Layers(600);
  const { picker } = layers;
  const first = picker.next(1)!;
  picker.handleReject(1, first);
  const second = picker.next(1)!;
  expect(second.index).toBe(512);
  expect(picker.next(1)).toBeUndefined();
  expect([picker.refusalsOf(1), picker.outstandingOf(1)]).toEqual([1, 1]);
  // An answer that nobody waits for changes nothing.
  picker.handleReject(1, first);
  expect(picker.refusalsOf(1)).toBe(1);
  expect(picker.next(2)).toEqual(first);
});

test('at the end three peers at most are asked for the same, and the slower ones do no harm', () => {
  const layers = new Layers(2);
  const { picker } = layers;
  const request = picker.next(1)!;
  expect(picker.next(1)).toBeUndefined();
  expect(picker.next(2)).toEqual(request);
  expect(picker.next(3)).toEqual(request);
  expect(picker.next(4)).toBeUndefined();
  expect(picker.handleHashes(2, request, layers.answer(request))).toBe('accepted');
  layers.expectComplete();
  picker.handlePeerGone(3);
  expect(picker.handleHashes(1, request, new Uint8Array(64))).toBe('accepted');
  layers.expectComplete();
});

test('a proved layer that goes on beyond the end of the file is nothing a torrent may have', () => {
  const layer = Uint8Array.from({ length: 4 * 32 }, (_, i) => i);
  const tree = MerkleTree.of({ layer, baseLayer: 1, leafCount: 8, sha256 });
  const file = { piecesRoot: tree.root, lengthBytes: 3 * PIECE_BYTES };
  const picker = new PieceLayerPicker([file], PIECE_BYTES, sha256);
  const request = picker.next(1)!;
  const hashes = collectHashes(request, (level, index) => tree.node(level, index));
  expect(picker.handleHashes(1, request, hashes)).toBe('impossible');
});

// Goal: whatever peers do, in whatever order, the layers come out right as long as somebody honest stays.
test('any mixture of honest, refusing, lying and leaving peers', () => {
  const step = fc.record({
    peer: fc.integer({ min: 1, max: 4 }),
    act: fc.constantFrom('ask', 'honest', 'lie', 'reject', 'leave'),
  });
  const layers = new Layers(3, 5, 9, 2, 4);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const picker = new PieceLayerPicker(layers.files, PIECE_BYTES, sha256);
      layers.picker = picker;
      const asked = new Map<number, HashRequest[]>([1, 2, 3, 4].map((peer) => [peer, []]));
      for (const { peer, act } of steps) {
        const own = asked.get(peer)!;
        if (act === 'ask') {
          const request = picker.next(peer);
          if (request !== undefined) own.push(request);
        } else if (act === 'leave') {
          picker.handlePeerGone(peer);
          own.length = 0;
        } else {
          const request = own.shift();
          if (request === undefined) continue;
          if (act === 'reject') picker.handleReject(peer, request);
          else {
            const hashes = layers.answer(request);
            if (act === 'lie') hashes[0]! ^= 1;
            picker.handleHashes(peer, request, hashes);
          }
        }
        for (const [id, requests] of asked) expect(picker.outstandingOf(id)).toBe(requests.length);
      }
      for (const peer of asked.keys()) picker.handlePeerGone(peer);
      for (let request = picker.next(9); request !== undefined; request = picker.next(9)) {
        expect(picker.handleHashes(9, request, layers.answer(request))).toBe('accepted');
      }
      layers.expectComplete();
    }),
  );
});
