import { createHash } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { type ContentOptions, SimContent } from '../../../sim/world/sim-content.ts';
import { bytesEqual, concatBytes } from '../../base/bytes.ts';
import { seededRandom } from '../../base/random.ts';
import type { DiskError, Storage } from '../../platform/disk.ts';
import { BLOCK_BYTES, HASH_REQUEST_LENGTH_MAX, HASH_REQUESTS_QUEUED_MAX } from '../../protocol/limits.ts';
import { fullProofLayers, leafCountOf, rootFromLayer, verifyProof } from '../../protocol/merkle/index.ts';
import type { InfoDictionary } from '../../protocol/metainfo/index.ts';
import type { HashRequest } from '../../protocol/wire/hash-messages.ts';
import { VirtualClock } from '../announcer/testing/virtual-world.ts';
import { DeadlineQueue } from '../deadline-queue.ts';
import { HashExchange, type HashPeer } from './hash-exchange.ts';
import { TorrentContent } from './torrent-content.ts';

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());
const sha1 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha1').update(bytes).digest());
const random = seededRandom(5);
const crypto = { sha1, sha256, random };

/** A peer that keeps what it is answered. */
class Peer implements HashPeer {
  isClosed = false;
  isUnchoked = true;
  sendingBytes = 0;
  readonly hashes: { readonly request: HashRequest; readonly hashes: Uint8Array }[] = [];
  readonly rejects: HashRequest[] = [];

  sendHashes(request: HashRequest, hashes: Uint8Array): void {
    this.hashes.push({ request, hashes });
  }

  sendHashReject(request: HashRequest): void {
    this.rejects.push(request);
  }
}

class World {
  readonly clock = new VirtualClock();
  readonly content: SimContent;
  readonly exchange: HashExchange;
  readonly lacking = new Set<number>();
  readonly readErrors: number[] = [];
  readonly reads: { readonly pieceIndex: number; readonly bytes: number }[] = [];
  readsUnderWay = 0;
  error: DiskError | undefined;
  hashCount = 0;

  constructor(options: ContentOptions, edit: (info: InfoDictionary) => InfoDictionary = (info) => info) {
    this.content = new SimContent({ format: 'v2', ...options }, random, crypto);
    const info = edit(this.content.info);
    const host = {
      hasPiece: (pieceIndex: number) => !this.lacking.has(pieceIndex),
      handleReadError: (pieceIndex: number) => void this.readErrors.push(pieceIndex),
      nowMs: () => this.clock.nowMs(),
      handleBug: (bug: unknown): void => {
        throw bug;
      },
    };
    const deadlines = new DeadlineQueue(this.clock, (_, bug) => {
      throw bug;
    });
    const storage: Pick<Storage, 'read'> = {
      read: (pieceIndex, begin, targets, onDone) => {
        const bytes = targets[0]!.length;
        this.reads.push({ pieceIndex, bytes });
        this.readsUnderWay++;
        this.clock.schedule(this.clock.nowMs() + 1, () => {
          this.readsUnderWay--;
          const start = pieceIndex * info.pieceLengthBytes + begin;
          targets[0]!.set(this.content.bytes.subarray(start, start + bytes));
          onDone(this.error === undefined ? {} : { error: this.error });
        });
      },
    };
    this.exchange = new HashExchange(host, {
      content: new TorrentContent(info),
      storage,
      crypto: { ...crypto, sha256: (bytes) => this.#sha256(bytes) },
      deadlines,
    });
  }

  #sha256(bytes: Uint8Array): Uint8Array {
    this.hashCount++;
    return sha256(bytes);
  }

  /** A request with a whole proof for a range of a file's tree. */
  request(fileIndex: number, baseLayer: number, index: number, length: number): HashRequest {
    const { piecesRoot, lengthBytes } = this.content.info.files[fileIndex]!;
    const proofLayers = fullProofLayers(baseLayer, leafCountOf(lengthBytes));
    return { piecesRoot: piecesRoot!, baseLayer, index, length, proofLayers };
  }

  ask(peer: Peer, ...request: Parameters<World['request']>): void {
    this.exchange.handleRequest(peer, this.request(...request));
  }

  isProved(fileIndex: number, answer: { readonly request: HashRequest; readonly hashes: Uint8Array }): boolean {
    const { piecesRoot, lengthBytes } = this.content.info.files[fileIndex]!;
    return verifyProof(piecesRoot!, answer.request, answer.hashes, leafCountOf(lengthBytes), sha256);
  }

  /** The leaves of a file by their definition. */
  leaves(fileIndex: number, first: number, count: number): Uint8Array {
    const { bytes } = this.content.files[fileIndex]!;
    return concatBytes(
      Array.from({ length: count }, (_, i) => {
        const start = (first + i) * BLOCK_BYTES;
        return start < bytes.length ? sha256(bytes.subarray(start, start + BLOCK_BYTES)) : new Uint8Array(32);
      }),
    );
  }
}

// Two files of several pieces of 64 KiB (10 and a short one, 3), one smaller than a piece, one of one block.
// SimContent puts the third into a folder, so that it comes last.
const files = [10 * 65_536 + 1_000, 3 * 65_536, 100, 40_000];
let world: World;
let peer: Peer;

beforeEach(() => {
  world = new World({ files, pieceLengthBytes: 65_536 });
  peer = new Peer();
});

test.each([
  [0, 2, 0, 16],
  [0, 2, 8, 8],
  [0, 2, 4, 2],
  [0, 2, 10, 1],
  [0, 3, 0, 8],
  [0, 5, 0, 2],
  [1, 2, 0, 4],
])('file %i, level %i, from %i, %i hashes: proved, with no read', (fileIndex, baseLayer, index, length) => {
  world.ask(peer, fileIndex, baseLayer, index, length);
  expect(peer.hashes).toEqual([]);
  world.clock.pass(50);
  expect(peer.rejects).toEqual([]);
  expect(peer.hashes).toHaveLength(1);
  expect(world.isProved(fileIndex, peer.hashes[0]!)).toBe(true);
  expect(world.reads).toEqual([]);
  expect(world.exchange.queuedCount).toBe(0);
});

test.each([
  [0, 0, 2],
  [0, 4, 4],
  [0, 0, 8],
  [0, 0, 64],
  [0, 40, 2],
  [0, 40, 8],
  [1, 8, 4],
  [2, 0, 2],
  [2, 0, 4],
  [2, 2, 2],
])('leaves of file %i from %i, %i of them: from the disk, proved', (fileIndex, index, length) => {
  world.ask(peer, fileIndex, 0, index, length);
  world.clock.pass(100);
  expect(peer.rejects).toEqual([]);
  const [answer] = peer.hashes;
  expect(bytesEqual(answer!.hashes.subarray(0, length * 32), world.leaves(fileIndex, index, length))).toBe(true);
  expect(world.isProved(fileIndex, answer!)).toBe(true);
});

test('leaves of one piece are read once, however many ask', () => {
  for (const index of [0, 2, 0]) world.ask(peer, 0, 0, index, 2);
  world.clock.pass(100);
  expect(peer.hashes).toHaveLength(3);
  expect(world.reads).toEqual([{ pieceIndex: 0, bytes: 65_536 }]);
});

test('large pieces are read a little at a time, one job after the other', () => {
  world = new World({ files: [4 * 1_048_576], pieceLengthBytes: 1_048_576 });
  world.ask(peer, 0, 0, 0, 64);
  world.ask(peer, 0, 0, 64, 64);
  let most = 0;
  for (let ms = 0; ms < 100; ms++) {
    world.clock.pass(1);
    most = Math.max(most, world.readsUnderWay);
  }
  expect(peer.hashes).toHaveLength(2);
  expect(most).toBe(1);
  expect(Math.max(...world.reads.map(({ bytes }) => bytes))).toBe(262_144);
  expect(peer.hashes.every((answer) => world.isProved(0, answer))).toBe(true);
});

test.each([
  ['an index beyond the layer', [0, 2, 16, 2]],
  ['a length that is no power of two', [0, 2, 0, 3]],
  ['leaves beyond the end of the file', [0, 0, 48, 4]],
  ['a layer between leaves and pieces', [0, 1, 0, 2]],
  ['the piece layer of a file of one piece', [2, 2, 0, 1]],
] as const)('rejects %s', (_, [fileIndex, baseLayer, index, length]) => {
  world.ask(peer, fileIndex, baseLayer, index, length);
  expect(peer.rejects).toHaveLength(1);
  world.clock.pass(100);
  expect(peer.hashes).toEqual([]);
});

test('rejects a root that no file has, and everything of a v1 torrent', () => {
  const request = { ...world.request(0, 2, 0, 16), piecesRoot: new Uint8Array(32).fill(9) };
  world.exchange.handleRequest(peer, request);
  world = new World({ files, pieceLengthBytes: 65_536, format: 'v1' });
  world.exchange.handleRequest(peer, request);
  expect(peer.rejects).toEqual([request, request]);
});

test('without piece layers a hybrid torrent has no hashes to give but those of files of one piece', () => {
  world = new World({ files, pieceLengthBytes: 65_536, format: 'hybrid' }, (info) => ({
    ...info,
    files: info.files.map((file) => ({ ...file, pieceLayer: undefined })),
  }));
  const small = world.content.info.files.findIndex(({ lengthBytes }) => lengthBytes === 40_000);
  world.ask(peer, 0, 2, 0, 16);
  world.ask(peer, 0, 0, 0, 2);
  expect(peer.rejects).toHaveLength(2);
  world.ask(peer, small, 0, 0, 4);
  world.clock.pass(100);
  expect(peer.hashes).toHaveLength(1);
  expect(world.isProved(small, peer.hashes[0]!)).toBe(true);
});

test('leaves are for peers that we serve, of pieces that we have', () => {
  peer.isUnchoked = false;
  world.ask(peer, 0, 0, 0, 2);
  expect(peer.rejects).toHaveLength(1);
  peer.isUnchoked = true;
  world.lacking.add(1);
  world.ask(peer, 0, 0, 4, 4);
  world.ask(peer, 0, 0, 0, 8);
  expect(peer.rejects).toHaveLength(3);
  world.ask(peer, 0, 0, 0, 4);
  // The piece layer is known without the pieces.
  world.ask(peer, 0, 2, 0, 16);
  peer.isUnchoked = false;
  world.clock.pass(100);
  expect(peer.rejects).toHaveLength(4);
  expect(peer.hashes).toHaveLength(1);
  expect(world.reads).toEqual([]);
});

test('bytes on disk that do not lead to the root are not passed on', () => {
  world.content.bytes[70_000]! ^= 1;
  world.ask(peer, 0, 0, 4, 4);
  world.clock.pass(100);
  expect(peer.hashes).toEqual([]);
  expect(peer.rejects).toHaveLength(1);
});

test('a read that fails is a reject, and the next job has its turn', () => {
  world.error = { code: 'DISK_NOT_FOUND', message: 'gone' };
  world.ask(peer, 0, 0, 4, 4);
  world.ask(peer, 0, 0, 0, 4);
  world.clock.pass(100);
  expect(peer.rejects).toHaveLength(2);
  expect(world.readErrors).toEqual([1, 0]);
  expect(world.exchange.queuedCount).toBe(0);
});

test('a peer has HASH_REQUESTS_QUEUED_MAX requests waiting at most; others do not suffer', () => {
  const other = new Peer();
  for (let i = 0; i < HASH_REQUESTS_QUEUED_MAX; i++) world.ask(peer, 0, 2, 0, 16);
  expect(peer.rejects).toHaveLength(0);
  world.ask(peer, 0, 2, 0, 16);
  world.ask(other, 0, 2, 0, 16);
  expect(peer.rejects).toHaveLength(1);
  expect(other.rejects).toHaveLength(0);
  world.clock.pass(100);
  expect(peer.hashes).toHaveLength(HASH_REQUESTS_QUEUED_MAX);
  expect(other.hashes).toHaveLength(1);
  world.ask(peer, 0, 2, 0, 16);
  expect(peer.rejects).toHaveLength(1);
});

test('a peer that does not read its answers gets no more', () => {
  peer.sendingBytes = 100_000_000;
  world.ask(peer, 0, 2, 0, 16);
  world.clock.pass(10);
  expect(peer.rejects).toHaveLength(1);
});

test('closed peers and a stopped torrent are answered no more', () => {
  const other = new Peer();
  world.ask(peer, 0, 2, 0, 16);
  world.ask(peer, 0, 0, 0, 4);
  world.ask(other, 0, 2, 0, 16);
  peer.isClosed = true;
  world.clock.pass(100);
  expect([peer.hashes, peer.rejects, world.reads]).toEqual([[], [], []]);
  expect(other.hashes).toHaveLength(1);
  world.ask(other, 0, 2, 0, 16);
  world.exchange.stop();
  world.clock.pass(100);
  expect(other.hashes).toHaveLength(1);
  expect(world.clock.timerCount).toBe(0);
});

test('the tree of a long layer is hashed over several turns, and once', () => {
  const pieceCount = 5_000;
  const pieceLayer = new Uint8Array(pieceCount * 32).fill(7);
  const piecesRoot = rootFromLayer(pieceLayer, BLOCK_BYTES, sha256);
  const lengthBytes = pieceCount * BLOCK_BYTES;
  world = new World({ files: [1], pieceLengthBytes: BLOCK_BYTES }, (info) => ({
    ...info,
    pieceCount,
    spaceBytes: lengthBytes,
    files: [{ ...info.files[0]!, lengthBytes, piecesRoot, pieceLayer }],
  }));
  const request = { piecesRoot, baseLayer: 0, index: 4_096, length: HASH_REQUEST_LENGTH_MAX, proofLayers: 12 };

  world.exchange.handleRequest(peer, request);
  world.clock.pass(0);
  expect(world.hashCount).toBeLessThan(2_100);
  expect(peer.hashes).toEqual([]);
  world.clock.pass(100);
  expect(peer.hashes).toHaveLength(1);
  const whole = world.hashCount;
  world.exchange.handleRequest(peer, { ...request, index: 0 });
  world.clock.pass(100);
  expect(world.hashCount).toBe(whole);
  const leafCount = leafCountOf(lengthBytes);
  for (const { request: asked, hashes } of peer.hashes) {
    expect(verifyProof(piecesRoot, asked, hashes, leafCount, sha256)).toBe(true);
  }
});
