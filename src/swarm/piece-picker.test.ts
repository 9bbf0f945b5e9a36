import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bitfield } from '../base/bitfield.ts';
import { seededRandom } from '../base/random.ts';
import { BLOCK_BYTES } from '../protocol/limits.ts';
import { type BlockRef, type PickerPeer, PiecePicker, type PiecePickerOptions } from './piece-picker.ts';

const NO_PIECES: ReadonlySet<number> = new Set();

interface TestPeer extends PickerPeer {
  isChoking: boolean;
  isSnubbed: boolean;
  blocksPerSecond: number;
  onParole: boolean;
  unverifiedMax: number | undefined;
  isNew: boolean;
  idleMs: number;
  allowedFast: ReadonlySet<number>;
}

function peerWith(id: number, have: Bitfield, overrides: Partial<TestPeer> = {}): TestPeer {
  return {
    id,
    have,
    isChoking: false,
    isSnubbed: false,
    blocksPerSecond: 0,
    onParole: false,
    unverifiedMax: undefined,
    isNew: false,
    idleMs: 0,
    allowedFast: NO_PIECES,
    ...overrides,
  };
}

function bitfieldOf(pieceCount: number, pieces: Iterable<number>): Bitfield {
  const bitfield = new Bitfield(pieceCount);
  for (const piece of pieces) bitfield.add(piece);
  return bitfield;
}

function pickerOf(pieceCount: number, blocksPerPiece: number, options: Partial<PiecePickerOptions> = {}): PiecePicker {
  const pieceLengthBytes = blocksPerPiece * BLOCK_BYTES;
  return new PiecePicker({
    pieceCount,
    pieceLengthBytes,
    bytesOfPiece: () => pieceLengthBytes,
    random: seededRandom(1),
    ...options,
  });
}

function pick(picker: PiecePicker, peer: PickerPeer, maxBlocks: number): BlockRef[] {
  const out: BlockRef[] = [];
  const count = picker.pick(peer, maxBlocks, out);
  picker.assertInvariants();
  return out.slice(0, count);
}

const piecesOf = (blocks: readonly BlockRef[]): number[] => [...new Set(blocks.map((block) => block.pieceIndex))];

// Delivers whole pieces from one seed until `count` pieces are had, and returns them in the order of completion.
function download(picker: PiecePicker, peer: PickerPeer, count: number): number[] {
  const done: number[] = [];
  while (done.length < count) {
    const blocks = pick(picker, peer, 1);
    expect(blocks).toHaveLength(1);
    for (const { pieceIndex, blockIndex } of blocks) {
      if (picker.handleBlock(pieceIndex, blockIndex, peer.id) !== 'pieceComplete') continue;
      picker.handlePieceVerified(pieceIndex);
      done.push(pieceIndex);
    }
  }
  return done;
}

test('one seed: every block is asked for once, with its place and length, the tail shorter', () => {
  const total = 5 * 40_000 + 17;
  const bytesOfPiece = (piece: number): number => Math.min(40_000, total - piece * 40_000);
  const picker = pickerOf(6, 1, { pieceLengthBytes: 40_000, bytesOfPiece });
  const seed = peerWith(1, Bitfield.full(6));
  picker.addAvailability(seed.have);
  const blocks = pick(picker, seed, 100);
  const spans = blocks
    .map((block) => [block.pieceIndex * 40_000 + block.begin, block.length])
    .sort((a, b) => a[0]! - b[0]!);
  let offset = 0;
  for (const [begin, length] of spans) {
    expect(begin).toBe(offset);
    offset += length!;
  }
  expect(offset).toBe(total);
  for (const block of blocks) expect(picker.blockLength(block.pieceIndex, block.blockIndex)).toBe(block.length);
  for (const block of blocks) picker.handleBlock(block.pieceIndex, block.blockIndex, 1);
  for (let piece = 0; piece < 6; piece++) picker.handlePieceVerified(piece);
  expect(picker.isComplete).toBe(true);
  expect(picker.isInteresting(seed.have)).toBe(false);
  expect(picker.haveBitfield.isFull).toBe(true);
});

test('objects in the out array are reused', () => {
  const picker = pickerOf(4, 4);
  const seed = peerWith(1, Bitfield.full(4));
  picker.addAvailability(seed.have);
  const out: BlockRef[] = [];
  picker.pick(seed, 4, out);
  const [first] = out;
  const before = { ...first };
  picker.pick(seed, 4, out);
  expect(out[0]).toBe(first);
  expect(out[0]).not.toEqual(before);
  expect(out).toHaveLength(4);
});

test('rarest first once four pieces are had, random before', () => {
  const pieceCount = 64;
  const orders = [1, 2, 3].map((seed) => {
    const picker = pickerOf(pieceCount, 2, { random: seededRandom(seed) });
    const source = peerWith(1, Bitfield.full(pieceCount));
    picker.addAvailability(source.have);
    // Piece i has 1 + i % 8 owners.
    for (let piece = 0; piece < pieceCount; piece++) {
      for (let owner = 0; owner < piece % 8; owner++) picker.incrementAvailability(piece);
    }
    expect(picker.availabilityOf(15)).toBe(8);
    return download(picker, source, pieceCount);
  });
  for (const order of orders) {
    const rarities = order.slice(4).map((piece) => piece % 8);
    expect(rarities).toEqual([...rarities].sort((a, b) => a - b));
  }
  // Among equals the draw differs, also for the first four.
  expect(orders[0]!.slice(0, 4)).not.toEqual(orders[1]!.slice(0, 4));
  expect(orders[0]!.slice(4)).not.toEqual(orders[2]!.slice(4));
});

test('rarest first holds for a peer that has few of very many pieces', () => {
  const pieceCount = 20_000;
  const picker = pickerOf(pieceCount, 1, { have: bitfieldOf(pieceCount, [0, 1, 2, 3]) });
  const common = peerWith(
    1,
    bitfieldOf(
      pieceCount,
      Array.from({ length: pieceCount - 1 }, (_, i) => i),
    ),
  );
  const partial = peerWith(2, bitfieldOf(pieceCount, [500, 7_000, 19_000]));
  picker.addAvailability(common.have);
  picker.addAvailability(partial.have);
  for (const piece of [500, 19_000]) picker.incrementAvailability(piece);
  expect(piecesOf(pick(picker, partial, 1))).toEqual([7_000]);
  expect(piecesOf(pick(picker, partial, 10)).sort()).toEqual([19_000, 500]);
  expect(pick(picker, partial, 10)).toEqual([]);
});

test('sequential takes pieces in order and shares them at block level', () => {
  const picker = pickerOf(10, 4);
  picker.setSequential(true);
  const seeds = [1, 2].map((id) => peerWith(id, Bitfield.full(10), { blocksPerSecond: 1000 }));
  const taken: number[] = [];
  for (let round = 0; round < 12; round++) {
    for (const block of pick(picker, seeds[round % 2]!, 3)) taken.push(block.pieceIndex * 4 + block.blockIndex);
  }
  expect(taken.slice(0, 36)).toEqual(Array.from({ length: 36 }, (_, index) => index));
});

test('higher priority comes first, 0 is never asked for', () => {
  for (const isSequential of [false, true]) {
    const picker = pickerOf(8, 2);
    picker.setSequential(isSequential);
    const priorities = [1, 7, 0, 3, 7, 0, 1, 5];
    for (const [piece, priority] of priorities.entries()) picker.setPriority(piece, priority);
    expect(picker.wantedMissingCount).toBe(6);
    expect(picker.stateOf(2)).toBe('skipped');
    const seed = peerWith(1, Bitfield.full(8));
    picker.addAvailability(seed.have);
    const order = piecesOf(pick(picker, seed, 100)).map((piece) => priorities[piece]);
    expect(order).toEqual([7, 7, 5, 3, 1, 1]);
    expect(picker.isInteresting(bitfieldOf(8, [2, 5]))).toBe(false);
  }
});

test('skipping an open piece drops it and names the requests to cancel', () => {
  const picker = pickerOf(1, 4);
  const seed = peerWith(7, Bitfield.full(1));
  picker.addAvailability(seed.have);
  pick(picker, seed, 3);
  picker.handleBlock(0, 0, 7);
  const cancelled = picker.setPriority(0, 0);
  expect(cancelled.map(({ blockIndex, peerId }) => [blockIndex, peerId])).toEqual([
    [1, 7],
    [2, 7],
  ]);
  expect(picker.stateOf(0)).toBe('skipped');
  expect(picker.outstandingOf(7)).toEqual([]);
  // Two were cancelled and may still arrive; a third is a violation.
  expect(picker.handleBlock(0, 1, 7)).toBe('duplicate');
  expect(picker.handleBlock(0, 2, 7)).toBe('duplicate');
  expect(picker.handleBlock(0, 2, 7)).toBe('unsolicited');
  picker.assertInvariants();
});

test('slow peers share a piece, fast ones get pieces of their own until none is left', () => {
  const picker = pickerOf(3, 40);
  const have = Bitfield.full(3);
  for (let id = 1; id <= 5; id++) picker.addAvailability(have);
  const slow = [peerWith(1, have), peerWith(2, have, { blocksPerSecond: 1 })];
  const fast = [peerWith(3, have, { blocksPerSecond: 2 }), peerWith(4, have, { blocksPerSecond: 900 })];
  const shared = piecesOf(slow.flatMap((peer) => pick(picker, peer, 5)));
  expect(shared).toHaveLength(1);
  const own = fast.map((peer) => piecesOf(pick(picker, peer, 5)));
  expect(new Set([...shared, ...own.flat()]).size).toBe(3);
  // A slow peer stays with the slow piece, a fast one with its own.
  expect(piecesOf(pick(picker, slow[0]!, 5))).toEqual(shared);
  expect(piecesOf(pick(picker, fast[0]!, 5))).toEqual(own[0]);
  // A late fast peer finds no new piece and helps.
  expect(pick(picker, peerWith(5, have, { blocksPerSecond: 900 }), 5)).toHaveLength(5);
});

test('a piece whose owner left is finished before a new one is begun', () => {
  const picker = pickerOf(50, 8);
  const have = Bitfield.full(50);
  const peers = [1, 2].map((id) => peerWith(id, have, { blocksPerSecond: 100 }));
  for (const peer of peers) picker.addAvailability(peer.have);
  const [piece] = piecesOf(pick(picker, peers[0]!, 4));
  picker.handleBlock(piece!, 0, 1);
  picker.handlePeerGone(1);
  picker.removeAvailability(have);
  expect(picker.stateOf(piece!)).toBe('requested');
  expect(pick(picker, peers[1]!, 7).map(({ pieceIndex, blockIndex }) => [pieceIndex, blockIndex])).toEqual(
    [1, 2, 3, 4, 5, 6, 7].map((block) => [piece, block]),
  );
});

test('a piece that nothing was received of is missing again when its peers are gone', () => {
  const picker = pickerOf(5, 3);
  const have = Bitfield.full(5);
  picker.addAvailability(have);
  pick(picker, peerWith(1, have), 15);
  picker.handlePeerGone(1);
  picker.assertInvariants();
  for (let piece = 0; piece < 5; piece++) expect(picker.stateOf(piece)).toBe('missing');
  expect(picker.openPieceCount).toBe(0);
});

test('the bound on open pieces: open ones first, but nobody is left idle', () => {
  const pieceCount = 100;
  const picker = pickerOf(pieceCount, 4, { maxOpenPieces: 3 });
  const all = Bitfield.full(pieceCount);
  const fast = peerWith(1, all, { blocksPerSecond: 1000 });
  picker.addAvailability(all);
  expect(piecesOf(pick(picker, fast, 12))).toHaveLength(3);
  // Three open and fully asked for; the peer owes blocks in all three.
  expect(pick(picker, fast, 12)).toEqual([]);
  const open = [...picker.partialPieces()].map((piece) => piece.pieceIndex);
  const foreign = Array.from({ length: pieceCount }, (_, i) => i).filter((piece) => !open.includes(piece));
  const other = peerWith(2, bitfieldOf(pieceCount, foreign), { blocksPerSecond: 1000 });
  picker.addAvailability(other.have);
  expect(piecesOf(pick(picker, other, 100))).toHaveLength(2);
  expect(pick(picker, other, 100)).toEqual([]);
  expect(picker.openPieceCount).toBe(5);
  // Finishing makes room again.
  for (const piece of open) {
    for (let block = 0; block < 4; block++) picker.handleBlock(piece, block, 1);
    picker.handlePieceVerified(piece);
  }
  expect(piecesOf(pick(picker, fast, 100))).toHaveLength(2);
});

test('end game: at most three copies, each peer once, the first answer cancels the others', () => {
  // Peer 0 answers in 40 s, peer 1 in 20 s, and so on: each has reason to help.
  const picker = pickerOf(1, 1, { answerMs: (id, count) => (count * 40_000) / 2 ** id });
  const have = Bitfield.full(1);
  for (let id = 0; id < 5; id++) picker.addAvailability(have);
  expect(picker.isEndgame).toBe(false);
  expect(pick(picker, peerWith(0, have), 10)).toHaveLength(1);
  expect(picker.isEndgame).toBe(true);
  expect(pick(picker, peerWith(0, have), 10)).toHaveLength(0);
  expect(pick(picker, peerWith(1, have), 10)).toHaveLength(1);
  expect(pick(picker, peerWith(2, have, { isSnubbed: true }), 10)).toHaveLength(0);
  expect(pick(picker, peerWith(3, have), 10)).toHaveLength(1);
  expect(pick(picker, peerWith(4, have), 10)).toHaveLength(0);
  expect(picker.handleBlock(0, 0, 1)).toBe('pieceComplete');
  expect([...picker.otherRequesters()].sort()).toEqual([0, 3]);
  expect(picker.handleBlock(0, 0, 3)).toBe('duplicate');
  expect(picker.handleBlock(0, 0, 3)).toBe('unsolicited');
  expect(picker.blockSendersOf(0)).toEqual([1]);
  expect(picker.isEndgame).toBe(false);
});

test('pieces that nobody has do not keep the end game away', () => {
  const picker = pickerOf(3, 2, { answerMs: (id, count) => (count * 40_000) / 2 ** id });
  const have = bitfieldOf(3, [0, 1]);
  for (const id of [1, 2]) {
    picker.addAvailability(have);
    pick(picker, peerWith(id, have), id === 1 ? 4 : 0);
  }
  expect(picker.isEndgame).toBe(true);
  expect(pick(picker, peerWith(2, have), 4)).toHaveLength(1);
  picker.incrementAvailability(2);
  expect(picker.isEndgame).toBe(false);
});

test('a block that comes after its time-out is kept while it is still of use', () => {
  const picker = pickerOf(1, 2);
  const have = Bitfield.full(1);
  picker.addAvailability(have);
  pick(picker, peerWith(1, have), 1);
  picker.handleRequestLost(0, 0, 1);
  expect(picker.stateOf(0)).toBe('missing');
  expect(picker.isOutstanding(0, 0, 1)).toBe(false);
  expect(picker.wouldAccept(0, 0, 1)).toBe(true);
  expect(picker.handleBlock(0, 0, 1)).toBe('accepted');
  expect(picker.stateOf(0)).toBe('requested');
  expect(picker.handleBlock(0, 0, 1)).toBe('unsolicited');
  picker.assertInvariants();
});

test('no number that a peer may send does harm', () => {
  const picker = pickerOf(2, 2);
  const have = Bitfield.full(2);
  picker.addAvailability(have);
  pick(picker, peerWith(1, have), 2);
  picker.handleRequestLost(0, 0, 1);
  for (const piece of [-1, 2, 2 ** 31, 2 ** 32 - 1, Number.NaN]) {
    expect(picker.wouldAccept(piece, 0, 1)).toBe(false);
    expect(picker.blockLength(piece, 0)).toBe(0);
    expect(picker.handleBlock(piece, 0, 99)).toBe('unsolicited');
    picker.handleRequestLost(piece, 0, 1);
  }
  for (const block of [-1, 0.5, 2, 2 ** 31]) {
    for (const piece of [0, 1]) expect(picker.wouldAccept(piece, block, 1)).toBe(false);
    picker.handleRequestLost(0, block, 1);
  }
  picker.assertInvariants();
});

test('choked: only allowed-fast pieces that the peer has', () => {
  const picker = pickerOf(6, 2);
  const have = bitfieldOf(6, [0, 1, 2]);
  picker.addAvailability(have);
  const peer = peerWith(1, have, { isChoking: true, allowedFast: new Set([2, 5, 0]) });
  expect(piecesOf(pick(picker, peer, 3))).toEqual([2, 0]);
  expect(pick(picker, peer, 3)).toHaveLength(1);
  expect(pick(picker, peer, 3)).toEqual([]);
  expect(pick(picker, peerWith(2, have, { isChoking: true }), 3)).toEqual([]);
});

test('on parole a peer fetches whole pieces alone, and others stay away while they have something else', () => {
  const picker = pickerOf(3, 4);
  const have = Bitfield.full(3);
  for (let id = 1; id <= 3; id++) picker.addAvailability(have);
  const [begun] = piecesOf(pick(picker, peerWith(1, have), 2));
  const suspect = peerWith(2, have, { onParole: true });
  const [own, ...more] = piecesOf(pick(picker, suspect, 2));
  expect(more).toEqual([]);
  expect(own).not.toBe(begun);
  expect(piecesOf(pick(picker, peerWith(3, have), 6))).not.toContain(own);
  expect(piecesOf(pick(picker, suspect, 2))).toEqual([own]);
});

test('a piece of padding has no block, is complete by word, and keeps nobody interested', () => {
  const bytesOfPiece = (piece: number): number => (piece === 1 ? 0 : BLOCK_BYTES);
  const picker = pickerOf(3, 1, { bytesOfPiece });
  const have = Bitfield.full(3);
  picker.addAvailability(have);
  expect(picker.zeroByteMissingPieces()).toEqual([1]);
  expect(picker.isInteresting(bitfieldOf(3, [1]))).toBe(false);
  expect(piecesOf(pick(picker, peerWith(1, have), 9)).sort()).toEqual([0, 2]);
  expect(picker.isEndgame).toBe(true);
  picker.handlePieceVerified(1);
  expect(picker.zeroByteMissingPieces()).toEqual([]);
  expect(picker.wantedMissingCount).toBe(2);
});

test('a piece of 256 MiB: 16,384 blocks, failed, fetched again', () => {
  const picker = pickerOf(2, 16_384, { maxOpenPieces: 1 });
  const have = Bitfield.full(2);
  picker.addAvailability(have);
  const peer = peerWith(1, have);
  const blocks = pick(picker, peer, 16_384);
  expect(piecesOf(blocks)).toHaveLength(1);
  const piece = blocks[0]!.pieceIndex;
  for (const block of blocks) picker.handleBlock(piece, block.blockIndex, 1);
  expect(picker.stateOf(piece)).toBe('hashing');
  expect(picker.blockSendersOf(piece)).toHaveLength(16_384);
  picker.handlePieceFailed(piece);
  expect(picker.stateOf(piece)).toBe('missing');
  expect(picker.blockSendersOf(piece)).toEqual([]);
  picker.assertInvariants();
});

test('a failed write drops the piece in every state, and a lost piece is fetched again', () => {
  const picker = pickerOf(1, 2);
  const have = Bitfield.full(1);
  const peer = peerWith(1, have);
  picker.addAvailability(have);
  pick(picker, peer, 2);
  expect(picker.handleWriteFailed(0)).toHaveLength(2);
  pick(picker, peer, 2);
  picker.handleBlock(0, 0, 1);
  picker.handleBlock(0, 1, 1);
  expect(picker.handleWriteFailed(0)).toEqual([]);
  expect(picker.stateOf(0)).toBe('missing');
  expect(download(picker, peer, 1)).toEqual([0]);
  picker.handlePieceLost(0);
  expect(download(picker, peer, 1)).toEqual([0]);
});

test('availability counts seeds and partial peers, also when they change over', () => {
  const picker = pickerOf(4, 1);
  const seed = Bitfield.full(4);
  const leecher = bitfieldOf(4, [0]);
  picker.addAvailability(seed);
  picker.addAvailability(leecher);
  const counts = (): number[] => [0, 1, 2, 3].map((piece) => picker.availabilityOf(piece));
  expect(counts()).toEqual([2, 1, 1, 1]);
  // The seed loses a piece, the leecher gets all.
  seed.delete(2);
  picker.decrementAvailability(2);
  for (const piece of [1, 2, 3]) {
    leecher.add(piece);
    picker.incrementAvailability(piece);
  }
  expect(counts()).toEqual([2, 2, 1, 2]);
  picker.removeAvailability(leecher);
  expect(counts()).toEqual([1, 1, 0, 1]);
  picker.removeAvailability(seed);
  expect(counts()).toEqual([0, 0, 0, 0]);
  picker.assertInvariants();
});

// Goal: the rules that hold for every choice. Method: random commands on the picker and on a naive model of maps
// and sets; each answer of the picker is judged by the model before the model follows it.
class Model {
  readonly requesters = new Map<string, Set<number>>();
  readonly senders = new Map<string, number>();
  readonly late = new Map<number, number>();
  readonly states: string[];
  readonly priorities: number[];
  readonly availability: number[];

  readonly blockCounts: readonly number[];

  constructor(blockCounts: readonly number[]) {
    this.blockCounts = blockCounts;
    this.states = blockCounts.map(() => 'missing');
    this.priorities = blockCounts.map(() => 4);
    this.availability = blockCounts.map(() => 0);
  }

  blocks(piece: number): string[] {
    return Array.from({ length: this.blockCounts[piece]! }, (_, block) => `${piece}:${block}`);
  }

  requestersOf(key: string): Set<number> {
    let set = this.requesters.get(key);
    if (set === undefined) {
      set = new Set();
      this.requesters.set(key, set);
    }
    return set;
  }

  isFree(key: string): boolean {
    return !this.senders.has(key) && this.requestersOf(key).size === 0;
  }

  freePieces(filter: (piece: number) => boolean): number[] {
    return this.blockCounts
      .map((_, piece) => piece)
      .filter((piece) => (this.states[piece] === 'missing' || this.states[piece] === 'requested') && filter(piece))
      .filter((piece) => this.blocks(piece).some((key) => this.isFree(key)));
  }

  lose(key: string, peerId: number): void {
    if (!this.requestersOf(key).delete(peerId)) return;
    this.late.set(peerId, (this.late.get(peerId) ?? 0) + 1);
    this.settle(Number(key.split(':')[0]));
  }

  drop(piece: number): void {
    for (const key of this.blocks(piece)) {
      for (const id of this.requestersOf(key)) this.late.set(id, (this.late.get(id) ?? 0) + 1);
      this.requesters.delete(key);
      this.senders.delete(key);
    }
    this.states[piece] = this.priorities[piece] === 0 ? 'skipped' : 'missing';
  }

  settle(piece: number): void {
    const isIdle = this.blocks(piece).every((key) => this.isFree(key));
    if (this.states[piece] === 'requested' && isIdle) this.drop(piece);
  }
}

const BLOCK_COUNTS = [3, 3, 3, 3, 3, 3, 2];
const PEER_COUNT = 5;

const command = fc.record({
  kind: fc.constantFrom(
    ...([
      'pick',
      'pick',
      'pick',
      'pick',
      'block',
      'block',
      'block',
      'block',
      'block',
      'lost',
      'gone',
      'verdict',
    ] as const),
    ...(['verdict', 'priority', 'have', 'flags', 'stray', 'sequential', 'choked'] as const),
    ...(['writeFailed', 'pieceLost', 'guilty'] as const),
  ),
  peer: fc.nat({ max: PEER_COUNT - 1 }),
  piece: fc.nat({ max: BLOCK_COUNTS.length - 1 }),
  number: fc.nat({ max: 20 }),
});

function runCommands(
  commands: readonly { kind: string; peer: number; piece: number; number: number }[],
  seed: number,
  maxOpenPieces: number,
): void {
  const pieceCount = BLOCK_COUNTS.length;
  const bytesOfPiece = (piece: number): number =>
    BLOCK_COUNTS[piece]! * BLOCK_BYTES - (piece === pieceCount - 1 ? 5 : 0);
  const random = seededRandom(seed);
  const picker = new PiecePicker({
    pieceCount,
    pieceLengthBytes: 3 * BLOCK_BYTES,
    bytesOfPiece,
    random,
    maxOpenPieces,
    answerMs: (id, count) => count * (id % 3) * 3_000,
    isCovered: (piece) => piece % 2 === 0,
  });
  const model = new Model(BLOCK_COUNTS);
  let isSequential = false;
  let nextId = PEER_COUNT;
  const connect = (id: number): TestPeer => {
    const full = random.uint32() % 2 === 0;
    const have = full ? Bitfield.full(pieceCount) : bitfieldOf(pieceCount, [random.uint32() % pieceCount]);
    picker.addAvailability(have);
    for (const piece of have.indexes()) model.availability[piece]!++;
    return peerWith(id, have, { blocksPerSecond: random.uint32() % 3 });
  };
  const peers = Array.from({ length: PEER_COUNT }, (_, id) => connect(id));

  const judgePick = (peer: TestPeer, maxBlocks: number): void => {
    const out: BlockRef[] = [];
    const count = picker.pick(peer, maxBlocks, out);
    expect(count).toBeLessThanOrEqual(maxBlocks);
    let lastPriority = 8;
    let hasDuplicates = false;
    for (const { pieceIndex, blockIndex, begin, length } of out.slice(0, count)) {
      const key = `${pieceIndex}:${blockIndex}`;
      const priority = model.priorities[pieceIndex]!;
      expect(peer.have.has(pieceIndex)).toBe(true);
      expect(['missing', 'requested']).toContain(model.states[pieceIndex]);
      expect(begin).toBe(blockIndex * BLOCK_BYTES);
      expect(length).toBe(Math.min(BLOCK_BYTES, bytesOfPiece(pieceIndex) - begin));
      expect(model.senders.has(key)).toBe(false);
      const requesters = model.requestersOf(key);
      expect(requesters.has(peer.id)).toBe(false);
      expect(requesters.size).toBeLessThan(3);
      if (requesters.size > 0) {
        hasDuplicates = true;
        expect(model.freePieces((piece) => model.availability[piece]! > 0)).toEqual([]);
      } else expect(hasDuplicates).toBe(false);
      if (peer.isChoking) expect(peer.allowedFast.has(pieceIndex)).toBe(true);
      else if (!hasDuplicates && maxOpenPieces === Infinity && peer.unverifiedMax === undefined) {
        expect(priority).toBeLessThanOrEqual(lastPriority);
        lastPriority = priority;
        const rivals = model.freePieces((piece) => peer.have.has(piece) && model.priorities[piece]! >= priority);
        expect(rivals.every((piece) => model.priorities[piece] === priority)).toBe(true);
        if (isSequential) expect(pieceIndex).toBe(Math.min(...rivals));
        else if (model.states[pieceIndex] === 'missing' && picker.haveBitfield.count >= 4) {
          const fresh = rivals.filter((piece) => model.states[piece] === 'missing');
          expect(model.availability[pieceIndex]).toBe(Math.min(...fresh.map((piece) => model.availability[piece]!)));
        }
      }
      requesters.add(peer.id);
      model.states[pieceIndex] = 'requested';
    }
    if (peer.unverifiedMax !== undefined) {
      const isAlone = out.slice(0, count).some(({ pieceIndex }) => pieceIndex % 2 === 1);
      if (!isAlone && peer.idleMs === 0) expect(count).toBeLessThanOrEqual(peer.unverifiedMax);
    } else if (count < maxBlocks && !peer.isChoking && !peer.isNew) {
      const left = model.freePieces((piece) => peer.have.has(piece));
      if (maxOpenPieces === Infinity || picker.outstandingCountOf(peer.id) === 0) expect(left).toEqual([]);
    }
  };

  const judgeBlock = (peerId: number, piece: number, block: number): void => {
    const key = `${piece}:${block}`;
    const late = model.late.get(peerId) ?? 0;
    const isOutstanding = model.requestersOf(key).has(peerId);
    const isLacked = !model.senders.has(key) && ['missing', 'requested'].includes(model.states[piece]!);
    const verdict = picker.handleBlock(piece, block, peerId);
    if (!isOutstanding && late === 0) {
      expect(verdict).toBe('unsolicited');
      return;
    }
    if (!isOutstanding) model.late.set(peerId, late - 1);
    if (!isLacked) {
      expect(verdict).toBe('duplicate');
      return;
    }
    const others = [...model.requestersOf(key)].filter((id) => id !== peerId);
    expect([...picker.otherRequesters()].sort()).toEqual(others.sort());
    for (const id of others) model.late.set(id, (model.late.get(id) ?? 0) + 1);
    model.requesters.delete(key);
    model.senders.set(key, peerId);
    const isDone = model.blocks(piece).every((each) => model.senders.has(each));
    expect(verdict).toBe(isDone ? 'pieceComplete' : 'accepted');
    model.states[piece] = isDone ? 'hashing' : 'requested';
  };

  for (const { kind, peer: slot, piece, number } of commands) {
    const peer = peers[slot]!;
    if (kind === 'pick') judgePick(peer, number % 8);
    else if (kind === 'block') {
      const refs = picker.outstandingOf(peer.id);
      const ref = refs[number % Math.max(1, refs.length)];
      if (ref !== undefined) judgeBlock(peer.id, ref.pieceIndex, ref.blockIndex);
    } else if (kind === 'stray') judgeBlock(peer.id, piece, number % BLOCK_COUNTS[piece]!);
    else if (kind === 'lost') {
      picker.handleRequestLost(piece, number % 3, peer.id);
      if (number % 3 < BLOCK_COUNTS[piece]!) model.lose(`${piece}:${number % 3}`, peer.id);
    } else if (kind === 'choked' || kind === 'gone') {
      for (const [key] of [...model.requesters]) model.lose(key, peer.id);
      if (kind === 'choked') picker.handleAllRequestsLost(peer.id);
      else {
        picker.handlePeerGone(peer.id);
        picker.removeAvailability(peer.have);
        for (const gone of peer.have.indexes()) model.availability[gone]!--;
        peers[slot] = connect(nextId++);
      }
    } else if (kind === 'verdict' && model.states[piece] === 'hashing') {
      expect(picker.blockSendersOf(piece)).toEqual(model.blocks(piece).map((key) => model.senders.get(key)));
      const isBad = number % 3 === 0;
      const kept = new Set(isBad && number % 2 === 0 ? model.blocks(piece).slice(1) : []);
      if (!isBad) picker.handlePieceVerified(piece);
      else if (kept.size === 0) picker.handlePieceFailed(piece);
      else {
        const isRepaired = picker.handlePieceFailed(piece, (block) => kept.has(`${piece}:${block}`));
        expect(isRepaired).toBe(model.priorities[piece]! > 0);
        if (!isRepaired) kept.clear();
      }
      const senders = new Map([...kept].map((key) => [key, model.senders.get(key)!]));
      model.drop(piece);
      for (const [key, sender] of senders) model.senders.set(key, sender);
      if (senders.size > 0) model.states[piece] = 'requested';
      if (!isBad) model.states[piece] = 'have';
    } else if (kind === 'priority') {
      const priority = number % 8;
      const cancelled = picker.setPriority(piece, priority);
      model.priorities[piece] = priority;
      const expected =
        priority > 0
          ? []
          : model.blocks(piece).flatMap((key) => [...model.requestersOf(key)].map((id) => `${key} ${id}`));
      if (model.states[piece] === 'requested') {
        expect(cancelled.map((ref) => `${ref.pieceIndex}:${ref.blockIndex} ${ref.peerId}`).sort()).toEqual(
          expected.sort(),
        );
        if (priority === 0) model.drop(piece);
      } else if (model.states[piece] === 'missing' || model.states[piece] === 'skipped') {
        model.states[piece] = priority === 0 ? 'skipped' : 'missing';
      }
    } else if (kind === 'have') {
      const isNew = !peer.have.has(piece);
      if (isNew) picker.incrementAvailability(piece);
      else picker.decrementAvailability(piece);
      model.availability[piece]! += isNew ? 1 : -1;
      if (isNew) peer.have.add(piece);
      else peer.have.delete(piece);
    } else if (kind === 'flags') {
      peer.isChoking = number % 4 === 0;
      peer.isSnubbed = number % 5 === 0;
      peer.onParole = number % 7 === 0;
      peer.unverifiedMax = number % 6 === 1 ? number % 5 : undefined;
      peer.isNew = number % 8 === 3;
      peer.idleMs = number % 2 === 0 ? 20_000 : 0;
      peer.allowedFast = new Set([piece, number % pieceCount]);
    } else if (kind === 'guilty') {
      const dropped = picker
        .dropBlocks((_, sender) => sender === peer.id)
        .map((ref) => `${ref.pieceIndex}:${ref.blockIndex}`);
      const bad = [...model.senders].filter(([key, id]) => {
        return id === peer.id && model.states[Number(key.split(':')[0])] === 'requested';
      });
      expect(dropped.sort()).toEqual(bad.map(([key]) => key).sort());
      for (const [key] of bad) {
        const of = Number(key.split(':')[0]);
        model.senders.delete(key);
        const isIdle = model
          .blocks(of)
          .every((each) => !model.senders.has(each) && model.requestersOf(each).size === 0);
        if (isIdle) model.drop(of);
      }
    } else if (kind === 'sequential') {
      isSequential = number % 2 === 0;
      picker.setSequential(isSequential);
    } else if (kind === 'writeFailed' && ['requested', 'hashing'].includes(model.states[piece]!)) {
      picker.handleWriteFailed(piece);
      model.drop(piece);
    } else if (kind === 'pieceLost' && model.states[piece] === 'have') {
      picker.handlePieceLost(piece);
      model.drop(piece);
    }
    picker.assertInvariants();
    const wanted = model.states.map((state, i) => state !== 'have' && model.priorities[i]! > 0);
    for (let i = 0; i < pieceCount; i++) {
      expect(picker.stateOf(i)).toBe(model.states[i]);
      expect(picker.availabilityOf(i)).toBe(model.availability[i]);
    }
    expect(picker.wantedMissingCount).toBe(wanted.filter(Boolean).length);
    expect(picker.isInteresting(peer.have)).toBe(wanted.some((isWanted, i) => isWanted && peer.have.has(i)));
  }
  for (const peer of peers) picker.handlePeerGone(peer.id);
  picker.assertInvariants();
  for (const partial of picker.partialPieces()) expect(partial.requestedBlockCount).toBe(0);
}

test.each([Number.POSITIVE_INFINITY, 2])('agrees with a naive model (at most %d open pieces)', (maxOpenPieces) => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 90 }), fc.nat(), (commands, seed) => {
      runCommands(commands, seed, maxOpenPieces);
    }),
  );
});

// Goal: whatever peers do, an honest seed that stays completes the torrent. Method: run a whole download.
test('completes with peers that come, go, stall and lie', () => {
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom(1, 3, Number.POSITIVE_INFINITY), (seed, maxOpenPieces) => {
      const random = seededRandom(seed);
      const picker = pickerOf(20, 5, { random, maxOpenPieces });
      const peers = [0, 1, 2, 3].map((id) =>
        peerWith(id, id === 0 ? Bitfield.full(20) : bitfieldOf(20, [id, 2 * id, 19])),
      );
      for (const peer of peers) picker.addAvailability(peer.have);
      const out: BlockRef[] = [];
      for (let step = 0; step < 4_000 && !picker.isComplete; step++) {
        const peer = peers[random.uint32() % 4]!;
        picker.pick(peer, 4, out);
        if (peer.id !== 0 && random.uint32() % 3 === 0) continue;
        for (const { pieceIndex, blockIndex } of picker.outstandingOf(peer.id).slice(0, 3)) {
          if (picker.handleBlock(pieceIndex, blockIndex, peer.id) !== 'pieceComplete') continue;
          const isBad = picker.blockSendersOf(pieceIndex).includes(3);
          if (isBad) picker.handlePieceFailed(pieceIndex);
          else picker.handlePieceVerified(pieceIndex);
        }
        if (step === 200) picker.handlePeerGone(peers[3]!.id);
        if (step === 200) peers[3] = peerWith(4, bitfieldOf(20, [7]));
      }
      expect(picker.isComplete).toBe(true);
      picker.assertInvariants();
    }),
  );
});

test('suggestions come before rarity, within their priority, and only while they are of use', () => {
  const picker = pickerOf(8, 1, { have: bitfieldOf(8, [0]) });
  const seed = Bitfield.full(8);
  picker.addAvailability(seed);
  picker.setPriority(6, 7);
  // Had, not had by the peer, no longer there, wanted less than another.
  const suggested = new Set([0, 5, 3, 2]);
  const peer = peerWith(1, bitfieldOf(8, [0, 1, 2, 3, 6]), { suggested });
  expect(piecesOf(pick(picker, peer, 3))).toEqual([6, 3, 2]);
  expect([...suggested]).toEqual([]);
  expect(piecesOf(pick(picker, peer, 2))).toEqual([1]);
});
