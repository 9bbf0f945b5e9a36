// Goal: requests, blocks and memory are counted once and agree, whatever peers and the disk do. Method: the real picker,
// pipelines, pool, limiter and a simulated disk; peers that do what a test says.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nodeCrypto } from '../../../sim/testing/node-crypto.ts';
import { SimContent } from '../../../sim/world/sim-content.ts';
import { SimDisk } from '../../../sim/world/sim-disk.ts';
import { SimFileSystem } from '../../../sim/world/sim-file-system.ts';
import { SimClock, VirtualClock } from '../../../sim/world/virtual-clock.ts';
import { Bitfield } from '../../base/bitfield.ts';
import { seededRandom } from '../../base/random.ts';
import type { DiskError } from '../../platform/disk.ts';
import { BLOCK_BYTES } from '../../protocol/limits.ts';
import { BlockPool } from '../../storage/block-pool.ts';
import { PeerTrust } from '../../swarm/peer-trust.ts';
import { PieceHashBlame } from '../../swarm/piece-hash-blame.ts';
import { PieceJudge } from '../../swarm/piece-judge.ts';
import { PiecePicker } from '../../swarm/piece-picker.ts';
import { RateLimiter } from '../../swarm/rate-limiter.ts';
import { RequestPipeline } from '../../swarm/request-pipeline.ts';
import { DeadlineQueue } from '../deadline-queue.ts';
import { TransferGate } from '../transfer-gate.ts';
import { Download, type DownloadHost, type DownloadPeer } from './download.ts';
import { TorrentContent } from './torrent-content.ts';
import { WritePressure } from './write-pressure.ts';

interface Request {
  readonly pieceIndex: number;
  readonly begin: number;
  readonly length: number;
}

class Peer implements DownloadPeer {
  readonly downloadGate = undefined;
  readonly id: number;
  readonly have: Bitfield;
  readonly pipeline: RequestPipeline;
  readonly allowedFast = new Set<number>();
  readonly blocksPerSecond = 0;
  readonly blameKey: string;
  readonly amInterested = true;
  isChoking = false;
  /** What it was asked for and has neither answered nor been told to forget. */
  readonly requests: Request[] = [];
  readonly cancels: Request[] = [];
  /** The block it is in the middle of; `target` is undefined when its bytes go nowhere. */
  receiving: { request: Request; target: Uint8Array | undefined; offset: number } | undefined;
  readonly #world: World;

  constructor(world: World, id: number) {
    this.#world = world;
    this.id = id;
    this.blameKey = `peer ${id}`;
    this.have = new Bitfield(world.content.pieceCount);
    this.have.setAll();
    this.pipeline = new RequestPipeline({ nowMs: world.clock.nowMs });
  }

  get isSnubbed(): boolean {
    return this.pipeline.isSnubbed;
  }

  get unverifiedMax(): number | undefined {
    const max = this.#world.trust.unverifiedMax(this.blameKey);
    return max === Number.POSITIVE_INFINITY ? undefined : max;
  }

  get idleMs(): number {
    return this.pipeline.idleMs(this.#world.nowMs());
  }

  sendRequest(pieceIndex: number, begin: number, length: number): void {
    this.requests.push({ pieceIndex, begin, length });
  }

  sendCancel(pieceIndex: number, begin: number, length: number): void {
    this.cancels.push({ pieceIndex, begin, length });
  }

  abandonBlock(pieceIndex: number, begin: number): void {
    const { receiving } = this;
    if (receiving?.request.pieceIndex === pieceIndex && receiving.request.begin === begin) receiving.target = undefined;
  }

  handleGateOpen(nowMs: number): void {
    this.#world.download.fillRequests(this, nowMs);
  }

  handleBug(error: unknown): void {
    throw error;
  }
}

interface WorldOptions {
  readonly pieceCount?: number;
  readonly pieceLengthBytes?: number;
  readonly bytesPerSecond?: number;
  readonly poolBytes?: number;
}

class World implements DownloadHost {
  readonly clock = new VirtualClock();
  readonly content: SimContent;
  readonly files = new SimFileSystem();
  readonly disk: SimDisk;
  readonly pool: BlockPool;
  readonly picker: PiecePicker;
  readonly download: Download;
  readonly gate: TransferGate;
  readonly trust = new PeerTrust();
  readonly peers = new Map<number, Peer>();
  readonly errors: DiskError[] = [];
  readonly verified: number[] = [];
  readonly guilty: string[] = [];
  #lastId = 0;
  readonly #torrentContent: TorrentContent;

  constructor(options: WorldOptions = {}) {
    const { pieceCount = 6, pieceLengthBytes = 65_536, bytesPerSecond = Number.POSITIVE_INFINITY } = options;
    const crypto = nodeCrypto();
    this.pool = new BlockPool({ maxBytes: options.poolBytes ?? 64 * 1024 * 1024, shared: false });
    this.content = new SimContent({ pieceCount, pieceLengthBytes, name: 'content' }, seededRandom(3), crypto);
    this.#torrentContent = new TorrentContent(this.content.info);
    this.disk = new SimDisk(this.clock, crypto, this.files);
    const storage = this.disk.openStorage(this.#torrentContent.storageSpec('/data', [true]));
    this.picker = new PiecePicker({
      pieceCount,
      pieceLengthBytes,
      bytesOfPiece: (piece) => this.requestableBytes(piece),
      random: seededRandom(4),
      answerMs: (id, count) => this.peers.get(id)?.pipeline.answerMs(count, this.nowMs()) ?? 0,
      isCovered: (piece, id) => [...this.peers.values()].some((peer) => peer.id !== id && peer.have.has(piece)),
    });
    const deadlines = new DeadlineQueue(new SimClock(this.clock), (_, error) => {
      throw error;
    });
    this.gate = new TransferGate(new RateLimiter(bytesPerSecond, this.clock.nowMs), deadlines);
    this.download = new Download(this, {
      picker: this.picker,
      storage,
      pool: this.pool,
      judge: new PieceJudge(new PieceHashBlame(), this.trust),
      gate: this.gate,
      pressure: new WritePressure(this.disk),
      crypto,
    });
  }

  peer(id: number): Peer | undefined {
    return this.peers.get(id);
  }
  senderKey(id: number): string {
    return `peer ${id}`;
  }
  pieceSizeBytes(pieceIndex: number): number {
    return this.#torrentContent.pieceSizeBytes(pieceIndex);
  }
  requestableBytes(pieceIndex: number): number {
    return this.#torrentContent.requestableBytes(pieceIndex);
  }
  expectedHash(pieceIndex: number): ReturnType<DownloadHost['expectedHash']> {
    return this.#torrentContent.expectedHash(pieceIndex);
  }
  handlePieceVerified(pieceIndex: number): void {
    this.verified.push(pieceIndex);
  }
  readonly pauses: number[] = [];
  expectFill(atMs: number): void {
    this.pauses.push(atMs);
  }
  handlePieceFailed(): void {
    for (const peer of this.peers.values()) this.download.fillRequests(peer, this.nowMs());
  }
  handleGuilty(blameKeys: readonly string[]): void {
    this.guilty.push(...blameKeys);
  }
  handleDiskError(error: DiskError): void {
    this.errors.push(error);
  }
  nowMs(): number {
    return this.clock.nowMs;
  }

  join(): Peer {
    const peer = new Peer(this, ++this.#lastId);
    this.peers.set(peer.id, peer);
    this.picker.addAvailability(peer.have);
    this.fill(peer);
    return peer;
  }

  /** As the transfer does it. */
  leave(peer: Peer): void {
    const { receiving } = peer;
    if (receiving !== undefined) {
      this.download.closeBlock(peer, receiving.request.pieceIndex, receiving.request.begin);
    }
    this.peers.delete(peer.id);
    this.download.handleRequestsLost(peer);
    this.picker.handlePeerGone(peer.id);
    this.download.handlePeerGone();
    this.picker.removeAvailability(peer.have);
    this.gate.forget(peer);
  }

  fill(peer: Peer): boolean {
    return this.download.fillRequests(peer, this.nowMs());
  }

  /** The peer begins to send a block; what of it is at hand already is all, or half. */
  begin(peer: Peer, request: Request, part: 'whole' | 'half', edit?: (block: Uint8Array) => void): void {
    const { pieceIndex, begin, length } = request;
    const target = this.download.openBlock(peer, pieceIndex, begin, length, part === 'whole');
    peer.receiving = { request, target, offset: this.download.targetOffset };
    this.#write(peer, 0, part === 'whole' ? length : Math.floor(length / 2), edit);
    if (part === 'whole') this.#end(peer);
  }

  finish(peer: Peer): void {
    const { length } = peer.receiving!.request;
    this.#write(peer, Math.floor(length / 2), length);
    this.#end(peer);
  }

  #write(peer: Peer, from: number, to: number, edit?: (block: Uint8Array) => void): void {
    const { request, target, offset } = peer.receiving!;
    const { pieceIndex, begin } = request;
    const bytes = this.content.piece(pieceIndex).slice(begin + from, begin + to);
    edit?.(bytes);
    target?.set(bytes, offset + from);
  }

  #end(peer: Peer): void {
    const { request, target } = peer.receiving!;
    peer.receiving = undefined;
    const { pieceIndex, begin, length } = request;
    if (target !== undefined) this.download.handleBlock(peer, pieceIndex, begin, length, this.nowMs());
    else this.download.handleDroppedBlock(peer, pieceIndex, begin, length, this.nowMs());
  }

  assertInvariants(): void {
    this.picker.assertInvariants();
    this.download.assertInvariants();
    for (const peer of this.peers.values()) {
      expect(peer.pipeline.outstanding).toBe(this.picker.outstandingCountOf(peer.id));
    }
  }
}

/** Everything that the peer was asked for, whole and in order, until nothing is asked any more. */
function serve(world: World, peer: Peer): void {
  for (let rounds = 0; rounds < 1_000; rounds++) {
    world.fill(peer);
    const request = peer.requests.shift();
    if (request === undefined) return;
    world.begin(peer, request, 'whole');
  }
}

test.each([
  ['pieces of four blocks', 65_536],
  ['pieces larger than a slab, written in parts', 2_097_152],
])('one peer, %s: all is written, verified, and no memory is kept', (_, pieceLengthBytes) => {
  const world = new World({ pieceCount: 3, pieceLengthBytes });
  const peer = world.join();
  serve(world, peer);
  world.clock.advanceBy(10_000);
  expect(world.verified.toSorted()).toEqual([0, 1, 2]);
  expect(world.picker.isComplete).toBe(true);
  expect(world.pool.usedBytes).toBe(0);
  expect(world.download.wastedBytes).toBe(0);
  world.assertInvariants();
});

test('a block has one writer: who begins it later takes it over, and what the first still sends goes nowhere', () => {
  const world = new World({ pieceCount: 1 });
  const [slow, quick] = [world.join(), world.join()];
  const request = slow.requests[0]!;
  world.begin(slow, request, 'half', (block) => block.fill(0xee));
  world.download.handleRequestsLost(slow);
  world.fill(quick);
  expect(quick.requests).toContainEqual(request);
  serve(world, quick);
  expect(slow.receiving?.target).toBeUndefined();
  world.finish(slow);
  world.clock.advanceBy(1_000);
  expect(world.verified).toEqual([0]);
  expect(world.download.wastedBytes).toBe(request.length);
  world.assertInvariants();
});

test('a piece that is deselected while a peer is in the middle of a block gives its memory back once', () => {
  const world = new World();
  const peer = world.join();
  const request = peer.requests[0]!;
  world.begin(peer, request, 'half');
  expect(world.pool.usedBytes).toBeGreaterThan(0);
  world.download.handleCancelled(world.picker.setPriority(request.pieceIndex, 0));
  world.download.forgetPiece(request.pieceIndex);
  expect(world.pool.usedBytes).toBe(0);
  expect(peer.cancels).toContainEqual(request);
  world.assertInvariants();
  world.finish(peer);
  world.assertInvariants();
  expect(world.pool.usedBytes).toBe(0);
});

test('a block of another length than was asked for is no answer that counts as one', () => {
  const world = new World();
  const peer = world.join();
  const { pieceIndex, begin } = peer.requests[0]!;
  const outstanding = peer.pipeline.outstanding;
  expect(world.download.openBlock(peer, pieceIndex, begin, 100, true)).toBeUndefined();
  expect(world.download.handleDroppedBlock(peer, pieceIndex, begin, 100, 0)).toBe(false);
  expect(world.download.handleDroppedBlock(peer, pieceIndex, begin, 100, 0)).toBe(false);
  expect(world.download.handleDroppedBlock(peer, pieceIndex, begin + 1, BLOCK_BYTES, 0)).toBe(false);
  expect(world.download.handleDroppedBlock(peer, 1_000_000, 0, BLOCK_BYTES, 0)).toBe(false);
  expect(peer.pipeline.outstanding).toBe(outstanding - 1);
  world.assertInvariants();
});

test('a piece that stopped being wanted while it was written may find no place; other failures are told', () => {
  const world = new World({ pieceCount: 2 });
  const peer = world.join();
  let code: 'DISK_NOT_FOUND' | 'DISK_FULL' = 'DISK_NOT_FOUND';
  world.disk.faults.write = () => code;
  serve(world, peer);
  world.picker.setPriority(0, 0);
  world.picker.setPriority(1, 0);
  world.clock.advanceBy(1_000);
  expect(world.errors).toEqual([]);
  expect(world.picker.stateOf(0)).toBe('skipped');
  world.picker.setPriority(0, 4);
  code = 'DISK_FULL';
  serve(world, peer);
  world.clock.advanceBy(1_000);
  expect(world.errors).toMatchObject([{ code: 'DISK_FULL' }]);
  expect(world.picker.stateOf(0)).toBe('missing');
  expect(world.pool.usedBytes).toBe(0);
  world.assertInvariants();
});

// Goal: giving requests up and getting their blocks all the same does not lift the limit. Method: a peer whose every
// answer comes after its request was given up.
test('a torrent that finds no memory asks for nothing for a moment, then goes on', () => {
  const world = new World({ pieceCount: 3, pieceLengthBytes: 1_048_576, poolBytes: 4 * 1_048_576 });
  const others = [1, 2, 3, 4].map(() => world.pool.take(1_048_576)!);
  const peer = world.join();
  const asked = peer.requests.length;
  expect(asked).toBeGreaterThan(0);
  for (const request of peer.requests.splice(0)) world.begin(peer, request, 'whole');
  expect(world.pauses).toEqual([world.nowMs() + 500]);
  world.fill(peer);
  expect(peer.requests).toEqual([]);
  expect(world.download.wastedBytes).toBe(asked * BLOCK_BYTES);
  world.assertInvariants();
  for (const slab of others) world.pool.release(slab);
  // The last piece is shorter: it has no memory before that of the others is free.
  for (let round = 0; round < 3; round++) {
    world.clock.advanceBy(1_000);
    serve(world, peer);
  }
  world.clock.advanceBy(1_000);
  expect(world.verified.length).toBe(3);
  world.assertInvariants();
});

/** The peer is asked for up to `count` blocks, and sends them. */
function give(world: World, peer: Peer, count: number, edit?: (block: Uint8Array) => void): Request[] {
  const given: Request[] = [];
  while (given.length < count) {
    if (peer.requests.length === 0) world.fill(peer);
    const request = peer.requests.shift();
    if (request === undefined) break;
    given.push(request);
    world.begin(peer, request, 'whole', edit);
  }
  return given;
}

/** Two peers, of whom the first has proven itself, and a piece of which each has sent a part. */
function sharedPiece(lie?: (block: Uint8Array) => void): { world: World; known: Peer; stranger: Peer; piece: number } {
  const world = new World({ pieceCount: 12 });
  const known = world.join();
  give(world, known, 16);
  world.clock.advanceBy(1_000);
  expect(world.trust.isProven(known.blameKey)).toBe(true);
  world.download.handleRequestsLost(known);
  known.requests.length = 0;
  const [{ pieceIndex: piece }] = give(world, known, 1) as [Request];
  world.download.handleRequestsLost(known);
  known.requests.length = 0;
  const stranger = world.join();
  const [request] = stranger.requests.splice(0) as [Request];
  expect(request.pieceIndex).toBe(piece);
  world.begin(stranger, request, 'whole', lie);
  world.download.handleRequestsLost(stranger);
  return { world, known, stranger, piece };
}

test('of a bad piece, only what the stranger has sent is fetched again, and it is convicted by it', () => {
  const { world, known, stranger, piece } = sharedPiece((block) => block.fill(1));
  give(world, known, 2);
  world.clock.advanceBy(10);
  expect(world.download.hashFailureCount).toBe(1);
  expect(world.download.hashFailedBytes).toBe(BLOCK_BYTES);
  expect(world.picker.stateOf(piece)).toBe('requested');
  expect(world.picker.blockSendersOf(piece).filter((id) => id === known.id)).toHaveLength(3);
  world.assertInvariants();
  world.fill(stranger);
  expect(stranger.requests.map(({ pieceIndex }) => pieceIndex)).not.toContain(piece);
  const again = known.requests.filter(({ pieceIndex }) => pieceIndex === piece);
  expect(again).toHaveLength(1);
  known.requests.splice(known.requests.indexOf(again[0]!), 1);
  world.begin(known, again[0]!, 'whole');
  world.clock.advanceBy(10);
  expect(world.verified).toContain(piece);
  expect(world.guilty).toEqual([stranger.blameKey]);
  world.assertInvariants();
});

test('where the suspect was honest, the others are looked at next, and the right one is convicted', () => {
  const { world, known, stranger, piece } = sharedPiece();
  give(world, known, 2, (block) => block.fill(1));
  const third = world.join();
  world.trust.handleVerifiedPiece(new Array(16).fill(third.blameKey));
  for (let rounds = 0; rounds < 5 && !world.verified.includes(piece); rounds++) {
    world.clock.advanceBy(10);
    give(world, third, 4);
  }
  expect(world.download.hashFailureCount).toBeGreaterThan(1);
  expect(world.verified).toContain(piece);
  expect(world.guilty).toEqual([known.blameKey]);
  expect(world.guilty).not.toContain(stranger.blameKey);
  world.assertInvariants();
});

test('what the guilty have sent of other pieces is thrown away before it spoils them', () => {
  const world = new World({ pieceCount: 12 });
  const liar = world.join();
  give(world, liar, 6, (block) => block.fill(1));
  expect(world.picker.partialPieces().next().value).toMatchObject({ receivedBlockCount: 2 });
  world.clock.advanceBy(10);
  expect(world.guilty).toEqual([liar.blameKey]);
  expect(world.download.hashFailedBytes).toBe(6 * BLOCK_BYTES);
  expect([...world.picker.partialPieces()].every(({ receivedBlockCount }) => receivedBlockCount === 0)).toBe(true);
  world.assertInvariants();
  world.leave(liar);
  expect(world.pool.usedBytes).toBe(0);
});

test('a silent peer is told to forget what others are asked for now', () => {
  const world = new World();
  const peer = world.join();
  const asked = peer.requests.length;
  expect(asked).toBeGreaterThan(0);
  world.download.handleSnubbed(peer);
  expect(peer.cancels).toEqual(peer.requests);
  expect(peer.pipeline.outstanding).toBe(0);
  world.assertInvariants();
});

test('late blocks count against the download limit', () => {
  const bytesPerSecond = 100_000;
  const world = new World({ pieceCount: 200, bytesPerSecond });
  const peer = world.join();
  let receivedBytes = 0;
  const seconds = 20;
  for (let i = 0; i < seconds * 10; i++) {
    world.clock.advanceBy(100);
    world.fill(peer);
    const requests = peer.requests.splice(0);
    world.download.handleRequestsLost(peer);
    for (const request of requests) {
      world.begin(peer, request, 'whole');
      receivedBytes += request.length;
    }
    world.assertInvariants();
  }
  expect(receivedBytes).toBeGreaterThan(bytesPerSecond * seconds * 0.8);
  expect(receivedBytes).toBeLessThan(bytesPerSecond * seconds * 1.1);
});

test('requests that are refused are not paid for', () => {
  const bytesPerSecond = 100_000;
  const world = new World({ pieceCount: 200, bytesPerSecond });
  const [refusing, giving] = [world.join(), world.join()];
  let receivedBytes = 0;
  for (let i = 0; i < 1_000; i++) {
    world.clock.advanceBy(10);
    world.fill(refusing);
    for (const { pieceIndex, begin } of refusing.requests.splice(0)) {
      expect(world.download.handleRequestLost(refusing, pieceIndex, begin)).toBe(true);
      expect(world.download.handleRequestLost(refusing, pieceIndex, begin)).toBe(false);
    }
    world.fill(giving);
    for (const request of giving.requests.splice(0)) {
      world.begin(giving, request, 'whole');
      receivedBytes += request.length;
    }
    world.assertInvariants();
  }
  expect(receivedBytes).toBeGreaterThan(bytesPerSecond * 10 * 0.8);
});

const SMALL = fc.nat({ max: 30 });
const command = fc.oneof(
  fc.record({ type: fc.constant('join' as const) }),
  fc.record({ type: fc.constantFrom('leave', 'choke', 'unchoke', 'snub', 'fill', 'finish'), peer: SMALL }),
  fc.record({ type: fc.constantFrom('whole', 'half', 'bad', 'reject', 'again'), peer: SMALL, which: SMALL }),
  fc.record({ type: fc.constantFrom('skip', 'want'), which: SMALL }),
  fc.record({ type: fc.constant('time' as const), ms: fc.constantFrom(0, 1, 100, 30_000) }),
  fc.record({ type: fc.constantFrom('stop', 'start') }),
);

function act(world: World, given: { readonly type: string; peer?: number; which?: number; ms?: number }): void {
  const { download, picker } = world;
  const peers = [...world.peers.values()];
  const peer = given.peer === undefined ? undefined : peers[given.peer % Math.max(1, peers.length)];
  const which = given.which ?? 0;
  const request = peer?.requests[which % Math.max(1, peer.requests.length)];
  const isFree = peer !== undefined && peer.receiving === undefined;
  if (given.type === 'join' && peers.length < 4) world.join();
  if (given.type === 'time') world.clock.advanceBy(given.ms!);
  if (given.type === 'skip') {
    download.handleCancelled(picker.setPriority(which % picker.pieceCount, 0));
    download.forgetPiece(which % picker.pieceCount);
  }
  if (given.type === 'want') picker.setPriority(which % picker.pieceCount, 4);
  if (given.type === 'stop') {
    for (const each of peers) world.leave(each);
    download.stop();
  }
  if (given.type === 'start') download.isRunning = true;
  if (peer === undefined) return;
  if (given.type === 'leave') world.leave(peer);
  if (given.type === 'fill') world.fill(peer);
  if (given.type === 'finish' && peer.receiving !== undefined) world.finish(peer);
  if (given.type === 'choke') {
    peer.isChoking = true;
    peer.requests.length = 0;
    download.handleRequestsLost(peer);
  }
  if (given.type === 'unchoke') peer.isChoking = false;
  if (given.type === 'snub') download.handleRequestsLost(peer);
  if (request === undefined || !isFree) return;
  if (given.type === 'reject') download.handleRequestLost(peer, request.pieceIndex, request.begin);
  if (given.type === 'again') world.begin(peer, request, 'whole');
  else peer.requests.splice(peer.requests.indexOf(request), 1);
  if (given.type === 'whole' || given.type === 'half') world.begin(peer, request, given.type);
  if (given.type === 'bad') world.begin(peer, request, 'whole', (block) => block.fill(1));
}

test.each([65_536, 1_048_576 + 65_536])('any order of events (pieces of %i bytes)', (pieceLengthBytes) => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const world = new World({ pieceCount: 4, pieceLengthBytes });
      world.join();
      for (const given of commands) {
        act(world, given);
        world.assertInvariants();
      }
      for (const peer of [...world.peers.values()]) world.leave(peer);
      world.download.isRunning = true;
      for (let piece = 0; piece < 4; piece++) world.picker.setPriority(piece, 4);
      const honest = world.join();
      for (let rounds = 0; rounds < 5 && !world.picker.isComplete; rounds++) {
        serve(world, honest);
        world.clock.advanceBy(10_000);
      }
      world.assertInvariants();
      expect(world.picker.isComplete).toBe(true);
      expect(world.errors).toEqual([]);
      expect(world.pool.usedBytes).toBe(0);
      expect(world.disk.pendingWriteBytes).toBe(0);
    }),
    { numRuns: 25 },
  );
});
