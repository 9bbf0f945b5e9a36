// Goal: every request is answered once, no token of the limit and no buffer is lost, whatever happens between the read
// and the socket. Method: a simulated disk, the real choker, limiter and buffers; peers that keep what they are sent.
import { beforeEach, expect, test } from 'vitest';
import { nodeCrypto } from '../../../sim/testing/node-crypto.ts';
import { SimContent } from '../../../sim/world/sim-content.ts';
import { SimDisk } from '../../../sim/world/sim-disk.ts';
import { SimFileSystem } from '../../../sim/world/sim-file-system.ts';
import { SimClock, VirtualClock } from '../../../sim/world/virtual-clock.ts';
import { bytesEqual } from '../../base/bytes.ts';
import { seededRandom } from '../../base/random.ts';
import { BLOCK_BYTES, SEND_BUFFER_TOTAL_MAX_BYTES } from '../../protocol/limits.ts';
import { PIECE_HEADER_BYTES } from '../../protocol/wire/wire-encoder.ts';
import { Choker } from '../../swarm/choker.ts';
import { PassingOn } from '../../swarm/passing-on.ts';
import { RateLimiter } from '../../swarm/rate-limiter.ts';
import { DeadlineQueue } from '../deadline-queue.ts';
import { UploadBudget } from '../session/upload-budget.ts';
import { TransferGate } from '../transfer-gate.ts';
import { RequestQueue } from './request-queue.ts';
import { BATCH_BLOCKS_MAX, SendBuffers } from './send-buffers.ts';
import { TorrentContent } from './torrent-content.ts';
import { Upload, type UploadPeer } from './upload.ts';

const BLOCKS_PER_PIECE = 8;

class Peer implements UploadPeer {
  readonly uploadGate = undefined;
  readonly id: number;
  readonly supportsFast: boolean;
  readonly requests = new RequestQueue();
  readonly isSnubbed = false;
  readonly isUploadOnly = false;
  readonly connectedAtMs = 0;
  readonly amInterested = false;
  readonly downloadBytesPerSecond = 0;
  readonly downloadedBytes = 0;
  readonly uploadedBytes = 0;
  readonly haveRatio = 0;
  readonly hidesPieces = false;
  readonly passedOnRatio = undefined;
  readonly uploadedSinceUnchoke = 0;
  readonly unchokedAtMs = 0;
  uploadBytesPerSecond = 0;
  isInterested = true;
  isUnchoked = true;
  isClosed = false;
  allowedFast = -1;
  readonly rejects: string[] = [];
  readonly blocks: string[] = [];
  /** Payload of each socket write. */
  readonly writes: number[] = [];
  /** Writes are taken only when the test says so. */
  holdsWrites = false;
  readonly held: (() => void)[] = [];
  #readingBytes = 0;
  #writtenBytes = 0;
  readonly #world: World;

  constructor(world: World, id: number, supportsFast = true) {
    this.#world = world;
    this.id = id;
    this.supportsFast = supportsFast;
  }

  get sendingBytes(): number {
    return this.#readingBytes + this.#writtenBytes;
  }

  sendChoke(isChoked: boolean): void {
    this.isUnchoked = !isChoked;
  }

  sendReject(pieceIndex: number, begin: number): void {
    this.rejects.push(`${pieceIndex}/${begin / BLOCK_BYTES}`);
  }

  sendBlocks(bytes: Uint8Array, payloadBytes: number, onTaken: () => void): void {
    this.writes.push(payloadBytes);
    this.#writtenBytes += bytes.length;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let offset = 0; offset < bytes.length; ) {
      const length = view.getUint32(offset) - 9;
      const [pieceIndex, begin] = [view.getUint32(offset + 5), view.getUint32(offset + 9)];
      const block = bytes.subarray(offset + PIECE_HEADER_BYTES, offset + PIECE_HEADER_BYTES + length);
      expect(bytesEqual(block, this.#world.content.piece(pieceIndex).subarray(begin, begin + length))).toBe(true);
      this.blocks.push(`${pieceIndex}/${begin / BLOCK_BYTES}`);
      offset += PIECE_HEADER_BYTES + length;
    }
    const take = (): void => {
      this.#writtenBytes -= bytes.length;
      onTaken();
    };
    if (this.holdsWrites) this.held.push(take);
    else this.#world.clock.schedule(this.#world.clock.nowMs + 1, take);
  }

  addReading(bytes: number): void {
    this.#readingBytes += bytes;
  }

  isAllowedFast(pieceIndex: number): boolean {
    return pieceIndex === this.allowedFast;
  }

  handleGateOpen(nowMs: number): void {
    this.#world.upload.serve(this, nowMs);
  }

  handleBug(error: unknown): void {
    throw error;
  }
}

class World {
  readonly clock = new VirtualClock();
  readonly content: SimContent;
  readonly disk: SimDisk;
  readonly buffers = new SendBuffers();
  readonly limiter: RateLimiter;
  readonly upload: Upload;
  readonly peers: Peer[] = [];
  readonly readErrors: number[] = [];
  noRoomCount = 0;

  constructor(bytesPerSecond = Number.POSITIVE_INFINITY) {
    const crypto = nodeCrypto();
    this.content = new SimContent(
      { pieceCount: 40, pieceLengthBytes: BLOCKS_PER_PIECE * BLOCK_BYTES, name: 'content' },
      seededRandom(1),
      crypto,
    );
    const files = new SimFileSystem();
    files.put('/data/content', this.content.files[0]!.bytes);
    this.disk = new SimDisk(this.clock, crypto, files);
    const spec = new TorrentContent(this.content.info).storageSpec('/data', [true]);
    this.limiter = new RateLimiter(bytesPerSecond, 0);
    const deadlines = new DeadlineQueue(new SimClock(this.clock), (_, error) => {
      throw error;
    });
    this.upload = new Upload(
      {
        peers: () => this.peers,
        mayGive: () => true,
        copiesOf: () => 0,
        readableBytes: (pieceIndex) => this.content.piece(pieceIndex).length,
        handleReadError: (pieceIndex) => this.readErrors.push(pieceIndex),
        handleNoRoom: () => this.noRoomCount++,
        nowMs: () => this.clock.nowMs,
      },
      {
        storage: this.disk.openStorage(spec),
        choker: new Choker({ slots: 4, random: seededRandom(2) }),
        gate: new TransferGate(this.limiter, deadlines),
        buffers: this.buffers,
        budget: new UploadBudget(deadlines, () => Number.POSITIVE_INFINITY),
        passingOn: new PassingOn(),
      },
    );
    this.clock.advanceBy(10);
  }

  join(supportsFast = true): Peer {
    const peer = new Peer(this, this.peers.length + 1, supportsFast);
    this.peers.push(peer);
    return peer;
  }

  ask(peer: Peer, pieceIndex: number, blocks: number = BLOCKS_PER_PIECE): void {
    for (let block = 0; block < blocks; block++) {
      this.upload.handleRequest(peer, pieceIndex, block * BLOCK_BYTES, BLOCK_BYTES);
    }
  }
}

function blocksOf(pieceIndex: number, count: number = BLOCKS_PER_PIECE): string[] {
  return Array.from({ length: count }, (_, block) => `${pieceIndex}/${block}`);
}

let world: World;

beforeEach(() => {
  world = new World();
});

test('what is asked for is sent in order, in few writes, and nothing is kept', () => {
  const peer = world.join();
  peer.uploadBytesPerSecond = 100e6;
  for (let piece = 0; piece < 5; piece++) world.ask(peer, piece);
  world.upload.serve(peer, world.clock.nowMs);
  world.clock.advanceBy(1_000);
  expect(peer.blocks).toEqual([0, 1, 2, 3, 4].flatMap((piece) => blocksOf(piece)));
  expect(peer.writes).toHaveLength(5);
  expect(world.buffers.usedBytes).toBe(0);
  expect(peer.sendingBytes).toBe(0);
});

test('a peer whose rate is not known or low gets small batches', () => {
  const peer = world.join();
  world.ask(peer, 0);
  world.upload.serve(peer, world.clock.nowMs);
  world.clock.advanceBy(1_000);
  expect(peer.blocks).toEqual(blocksOf(0));
  expect(Math.max(...peer.writes)).toBe(2 * BLOCK_BYTES);
});

test('a piece that cannot be read is refused; the requests behind it are served', () => {
  const peer = world.join();
  world.disk.faults.read = (piece) => (piece === 1 ? 'DISK_IO' : undefined);
  for (let piece = 0; piece < 3; piece++) world.ask(peer, piece, 2);
  world.upload.serve(peer, world.clock.nowMs);
  world.clock.advanceBy(1_000);
  expect(peer.rejects).toEqual(blocksOf(1, 2));
  expect(peer.blocks).toEqual([...blocksOf(0, 2), ...blocksOf(2, 2)]);
  expect(world.readErrors).toEqual([1]);
  expect(world.buffers.usedBytes).toBe(0);
});

test.each([
  ['the read fails', (peer: Peer) => expect(peer.rejects.length).toBeGreaterThan(0)],
  ['the peer leaves', (peer: Peer) => expect(peer.blocks).toEqual([])],
])('what was counted against the limit is given back when %s', (name, check) => {
  world = new World(40 * BLOCK_BYTES);
  world.clock.advanceBy(1_000);
  const peer = world.join();
  if (name === 'the read fails') world.disk.faults.read = () => 'DISK_IO';
  const before = world.limiter.take(1e9, world.clock.nowMs);
  world.limiter.refund(before);
  world.ask(peer, 0, 4);
  world.upload.serve(peer, world.clock.nowMs);
  if (name === 'the peer leaves') peer.isClosed = true;
  world.clock.runUntil(() => world.disk.jobCount === 0, { limitMs: 100 });
  check(peer);
  expect(world.limiter.take(1e9, world.clock.nowMs)).toBeGreaterThanOrEqual(before);
  expect(world.buffers.usedBytes).toBe(0);
});

test('without memory for blocks the requests wait, and the next round serves them', () => {
  const peer = world.join(false);
  const taken: Uint8Array[] = [];
  while (world.buffers.hasRoom) taken.push(world.buffers.take(BATCH_BLOCKS_MAX * BLOCK_BYTES));
  expect(world.buffers.usedBytes).toBeLessThanOrEqual(SEND_BUFFER_TOTAL_MAX_BYTES);
  world.ask(peer, 0);
  world.upload.serve(peer, world.clock.nowMs);
  world.clock.advanceBy(1_000);
  expect(peer.requests.length).toBe(BLOCKS_PER_PIECE);
  expect(world.noRoomCount).toBe(1);
  for (const buffer of taken) world.buffers.release(buffer);
  world.upload.round(world.clock.nowMs);
  world.clock.advanceBy(1_000);
  expect(peer.blocks).toEqual(blocksOf(0));
  expect(world.buffers.usedBytes).toBe(0);
});

test('no more than two seconds of a peer are on their way when it does not take them', () => {
  const peer = world.join();
  peer.holdsWrites = true;
  for (let piece = 0; piece < 20; piece++) world.ask(peer, piece);
  world.upload.serve(peer, world.clock.nowMs);
  world.clock.advanceBy(10_000);
  expect(peer.blocks.length).toBeLessThanOrEqual(8);
  while (peer.held.length > 0) {
    for (const take of peer.held.splice(0)) take();
    world.clock.advanceBy(100);
  }
  expect(peer.blocks).toHaveLength(20 * BLOCKS_PER_PIECE);
});

test('a choke refuses what waits, except for what was allowed fast; without BEP 6 nothing is said', () => {
  const fast = world.join();
  const plain = world.join(false);
  fast.allowedFast = 1;
  for (const peer of [fast, plain]) {
    world.ask(peer, 0, 2);
    world.ask(peer, 1, 2);
    peer.isInterested = false;
  }
  // Peers that want nothing lose their slots in the round; it serves first what is already asked for.
  for (const buffer of [fast, plain]) buffer.isClosed = true;
  world.upload.round(world.clock.nowMs);
  for (const buffer of [fast, plain]) buffer.isClosed = false;
  expect([fast.isUnchoked, plain.isUnchoked]).toEqual([false, false]);
  expect(fast.rejects).toEqual(blocksOf(0, 2));
  expect(plain.rejects).toEqual([]);
  expect(plain.requests.length).toBe(0);
  world.upload.serve(fast, world.clock.nowMs);
  world.clock.advanceBy(100);
  expect(fast.blocks).toEqual(blocksOf(1, 2));
});

test('a limited upload shares its limit among those who wait', () => {
  const rate = 20 * BLOCK_BYTES;
  world = new World(rate);
  const peers = [world.join(), world.join(), world.join()];
  for (const peer of peers) for (let piece = 0; piece < 30; piece++) world.ask(peer, piece);
  for (const peer of peers) world.upload.serve(peer, world.clock.nowMs);
  world.clock.advanceBy(10_000);
  const counts = peers.map((peer) => peer.blocks.length);
  const sum = counts.reduce((total, count) => total + count, 0);
  expect(sum * BLOCK_BYTES).toBeGreaterThan(rate * 10 * 0.9);
  expect(sum * BLOCK_BYTES).toBeLessThan(rate * 10 * 1.1);
  expect(Math.min(...counts)).toBeGreaterThan(sum / 6);
});
