import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bitfield } from '../base/bitfield.ts';
import { randomBelow, seededRandom } from '../base/random.ts';
import { BLOCK_BYTES } from '../protocol/limits.ts';
import { type BlockRef, type PickerPeer, PiecePicker } from './piece-picker.ts';

const BLOCKS = 4;

interface TestPeer extends PickerPeer {
  isChoking: boolean;
  isSnubbed: boolean;
  blocksPerSecond: number;
}

function peerOf(id: number, pieceCount: number, blocksPerSecond: number, overrides: Partial<TestPeer> = {}): TestPeer {
  return {
    id,
    have: Bitfield.full(pieceCount),
    isChoking: false,
    isSnubbed: false,
    allowedFast: new Set(),
    blocksPerSecond,
    roundTripMs: 50,
    ...overrides,
  };
}

function pickerOf(pieceCount: number, peers: readonly PickerPeer[], maxOpenPieces = 1_000): PiecePicker {
  const pieceLengthBytes = BLOCKS * BLOCK_BYTES;
  const picker = new PiecePicker({
    pieceCount,
    pieceLengthBytes,
    bytesOfPiece: () => pieceLengthBytes,
    random: seededRandom(1),
    peers: () => peers,
    maxOpenPieces,
  });
  for (const peer of peers) picker.addAvailability(peer.have);
  return picker;
}

function pick(picker: PiecePicker, peer: PickerPeer, maxBlocks: number, nowMs = 0): string[] {
  const out: BlockRef[] = [];
  const count = picker.pick(peer, maxBlocks, out, nowMs);
  picker.assertInvariants();
  return out.slice(0, count).map(({ pieceIndex, blockIndex }) => `${pieceIndex}:${blockIndex}`);
}

const piecesOf = (blocks: readonly string[]): number[] => [
  ...new Set(blocks.map((block) => Number.parseInt(block, 10))),
];

test('the most urgent piece comes first, whatever its index, rarity or priority', () => {
  const peer = peerOf(1, 20, 100);
  const picker = pickerOf(20, [peer]);
  picker.setPriority(3, 7);
  picker.setDeadlines([
    { pieceIndex: 9, deadlineMs: 2_000 },
    { pieceIndex: 17, deadlineMs: 500 },
    { pieceIndex: 5, deadlineMs: 1_000 },
  ]);
  expect(piecesOf(pick(picker, peer, 14))).toEqual([17, 5, 9, 3]);
});

test('pieces that are had or not wanted are passed over', () => {
  const peer = peerOf(1, 4, 100);
  const picker = pickerOf(4, [peer]);
  picker.handlePieceVerified(0);
  picker.setPriority(1, 0);
  picker.setDeadlines([0, 1, 2].map((pieceIndex) => ({ pieceIndex, deadlineMs: 0 })));
  expect(piecesOf(pick(picker, peer, 100)).sort()).toEqual([2, 3]);
});

test('a piece that is needed late does not press: the ordinary order goes on, until it does', () => {
  const peer = peerOf(1, 20, 100);
  const picker = pickerOf(20, [peer]);
  picker.setSequential(true);
  picker.setDeadlines([{ pieceIndex: 19, deadlineMs: 60_000 }]);
  expect(picker.isPressing(0)).toBe(false);
  expect(piecesOf(pick(picker, peer, 4, 0))).toEqual([0]);
  expect(picker.isPressing(56_000)).toBe(true);
  expect(piecesOf(pick(picker, peer, 4, 56_000))).toEqual([19]);
});

test('many pieces that are needed late press as early as fetching them all takes', () => {
  const peer = peerOf(1, 200, 10);
  const picker = pickerOf(200, [peer]);
  // 800 blocks at 10 a second are 80 s of work.
  picker.setDeadlines(Array.from({ length: 200 }, (_, pieceIndex) => ({ pieceIndex, deadlineMs: 90_000 })));
  expect(picker.isPressing(0)).toBe(true);
});

test('a slow peer is kept from what it would bring too late, and works on later pieces', () => {
  const slow = peerOf(1, 20, 0.5);
  const fast = peerOf(2, 20, 100);
  const picker = pickerOf(20, [slow, fast]);
  picker.setDeadlines([
    { pieceIndex: 7, deadlineMs: 1_000 },
    { pieceIndex: 8, deadlineMs: 4_500 },
  ]);
  const ofSlow = pick(picker, slow, 4);
  // One block takes it 2.05 s: in time for piece 8, with half as much again in hand, and once.
  expect(ofSlow[0]).toBe('8:0');
  expect(piecesOf(ofSlow.slice(1))).not.toContain(7);
  expect(piecesOf(ofSlow.slice(1))).not.toContain(8);
  expect(pick(picker, fast, 7)).toEqual(['7:0', '7:1', '7:2', '7:3', '8:1', '8:2', '8:3']);
});

test('a slow peer that alone has a piece is asked for all of it', () => {
  const slow = peerOf(1, 20, 0.5);
  const fast = peerOf(2, 20, 100, { have: new Bitfield(20) });
  const picker = pickerOf(20, [slow, fast]);
  picker.setDeadlines([{ pieceIndex: 7, deadlineMs: 0 }]);
  expect(pick(picker, slow, 4)).toEqual(['7:0', '7:1', '7:2', '7:3']);
});

test.each([{ isSnubbed: true }, { onParole: true }])('a peer with %o is kept from what presses', (overrides) => {
  const doubtful = peerOf(1, 20, 100, overrides);
  const sound = peerOf(2, 20, 10);
  const picker = pickerOf(20, [doubtful, sound]);
  picker.setDeadlines([{ pieceIndex: 7, deadlineMs: 3_000 }]);
  expect(piecesOf(pick(picker, doubtful, 4))).not.toContain(7);
  expect(piecesOf(pick(picker, sound, 4))).toEqual([7]);
});

test('what is late at one peer is asked of a much faster one, and cancelled at the first when it comes', () => {
  const slow = peerOf(1, 20, 2);
  const picker = pickerOf(20, [slow]);
  picker.setDeadlines([{ pieceIndex: 7, deadlineMs: 0 }]);
  expect(pick(picker, slow, 4)).toHaveLength(4);
  // In the mean time another has come.
  const fast = peerOf(2, 20, 100);
  const mixed = pickerOf(20, [slow, fast]);
  mixed.setDeadlines([{ pieceIndex: 7, deadlineMs: 0 }]);
  fast.isChoking = true;
  expect(pick(mixed, slow, 4)).toHaveLength(4);
  fast.isChoking = false;
  expect(pick(mixed, fast, 3)).toEqual(['7:0', '7:1', '7:2']);
  expect(mixed.handleBlock(7, 1, fast.id)).toBe('accepted');
  expect(mixed.otherRequesters()).toEqual([slow.id]);
  mixed.assertInvariants();
});

test('what comes in time, or not much later than from another, is asked for once', () => {
  const first = peerOf(1, 20, 20);
  const second = peerOf(2, 20, 24);
  const picker = pickerOf(20, [first, second]);
  picker.setDeadlines([{ pieceIndex: 7, deadlineMs: 0 }]);
  second.isChoking = true;
  expect(pick(picker, first, 4)).toHaveLength(4);
  second.isChoking = false;
  expect(piecesOf(pick(picker, second, 4))).not.toContain(7);
});

test('a silent peer: the longer its answer is overdue, the slower others may be; never more than three copies', () => {
  const peers = [1, 2, 3, 4].map((id) => peerOf(id, 400, 40));
  // Enough besides, so that it is not end game.
  const picker = pickerOf(400, peers);
  picker.setDeadlines([{ pieceIndex: 0, deadlineMs: 0 }]);
  for (const peer of peers.slice(1)) peer.isChoking = true;
  expect(pick(picker, peers[0]!, 4)).toHaveLength(4);
  for (const peer of peers) peer.isChoking = false;
  let asked = 0;
  for (let nowMs = 0; nowMs <= 60_000; nowMs += 500) {
    for (const peer of peers.slice(1)) {
      const blocks = pick(picker, peer, 4, nowMs);
      asked += blocks.filter((block) => block.startsWith('0:')).length;
      // They answer at once what nobody waits for.
      for (const { pieceIndex, blockIndex } of picker.outstandingOf(peer.id)) {
        if (pieceIndex > 0) picker.handleBlock(pieceIndex, blockIndex, peer.id);
      }
    }
    if (nowMs === 0) expect(asked).toBe(0);
  }
  expect(asked).toBe(8);
});

test('what is needed later is taken back first, what is needed soon not at all', () => {
  const peer = peerOf(1, 20, 100);
  const picker = pickerOf(20, [peer]);
  picker.setSequential(true);
  expect(pick(picker, peer, 12)).toHaveLength(12);
  picker.setDeadlines([
    { pieceIndex: 2, deadlineMs: 500 },
    { pieceIndex: 0, deadlineMs: 9_000 },
  ]);
  const pieces = (count: number): number[] => picker.takeBack(1, count, 2_000).map(({ pieceIndex }) => pieceIndex);
  expect(pieces(5)).toEqual([0, 1, 1, 1, 1]);
  expect(pieces(100)).toEqual([0, 0, 0]);
  expect(picker.outstandingOf(1).map(({ pieceIndex }) => pieceIndex)).toEqual([2, 2, 2, 2]);
  picker.assertInvariants();
});

test('what presses is opened though the bound on open pieces is reached, but not without bound', () => {
  const peer = peerOf(1, 100, 1_000);
  const picker = pickerOf(100, [peer], 2);
  picker.setSequential(true);
  pick(picker, peer, 2 * BLOCKS);
  picker.setDeadlines(Array.from({ length: 50 }, (_, index) => ({ pieceIndex: 50 + index, deadlineMs: 0 })));
  expect(piecesOf(pick(picker, peer, 400))).toEqual([50, 51, 52, 53]);
});

// Goal: deadlines and priorities may change at any time. Method: random commands, the picker's own invariants after each,
// and the rules of asking; then an honest peer completes what is wanted.
test('whatever is set, asked, sent and taken back, nothing breaks and all that is wanted comes', () => {
  const pieceCount = 12;
  const command = fc.record({
    kind: fc.constantFrom(
      'pick',
      'pick',
      'block',
      'block',
      'deadlines',
      'priority',
      'flags',
      'gone',
      'back',
      'verdict',
    ),
    peer: fc.nat({ max: 3 }),
    piece: fc.nat({ max: pieceCount - 1 }),
    number: fc.nat({ max: 20 }),
  });
  fc.assert(
    fc.property(fc.array(command, { maxLength: 120 }), fc.constantFrom(2, 1_000), (commands, maxOpenPieces) => {
      const random = seededRandom(commands.length);
      let nextId = 10;
      const peers = [0.5, 5, 50, 0].map((rate, id) => peerOf(id, pieceCount, rate));
      const picker = pickerOf(pieceCount, peers, maxOpenPieces);
      let nowMs = 0;
      const judge = (peer: TestPeer, piece: number, block: number): void => {
        if (picker.handleBlock(piece, block, peer.id) !== 'pieceComplete') return;
        if (randomBelow(random, 3) === 0) picker.handlePieceFailed(piece);
        else picker.handlePieceVerified(piece);
      };
      for (const { kind, peer: place, piece, number } of commands) {
        nowMs += number * 50;
        const peer = peers[place]!;
        if (kind === 'pick') {
          const before = picker.outstandingCountOf(peer.id);
          const blocks = pick(picker, peer, number, nowMs);
          expect(new Set(blocks).size).toBe(blocks.length);
          expect(picker.outstandingCountOf(peer.id)).toBe(before + blocks.length);
          for (const asked of piecesOf(blocks)) expect(picker.stateOf(asked)).toBe('requested');
        } else if (kind === 'block') {
          const ref = picker.outstandingOf(peer.id)[0];
          if (ref !== undefined) judge(peer, ref.pieceIndex, ref.blockIndex);
        } else if (kind === 'deadlines') {
          const pieces = Array.from({ length: number }, () => randomBelow(random, pieceCount));
          picker.setDeadlines(
            pieces.map((pieceIndex) => ({ pieceIndex, deadlineMs: nowMs + randomBelow(random, 9_000) })),
          );
        } else if (kind === 'priority') picker.setPriority(piece, number % 8);
        else if (kind === 'back') picker.takeBack(peer.id, number, nowMs);
        else if (kind === 'flags') {
          peer.isSnubbed = number % 3 === 0;
          peer.blocksPerSecond = number;
        } else if (kind === 'gone') {
          picker.handlePeerGone(peer.id);
          picker.removeAvailability(peer.have);
          peers[place] = peerOf(nextId++, pieceCount, number);
          picker.addAvailability(peers[place]!.have);
        } else if (kind === 'verdict' && picker.stateOf(piece) === 'have') picker.handlePieceLost(piece);
        picker.assertInvariants();
      }
      const honest = peers[2]!;
      honest.isSnubbed = false;
      for (const peer of peers) if (peer !== honest) picker.handlePeerGone(peer.id);
      for (const peer of peers) if (peer !== honest) picker.removeAvailability(peer.have);
      peers.splice(0, peers.length, honest);
      for (let step = 0; step < 1_000 && !picker.isComplete; step++) {
        nowMs += 100;
        pick(picker, honest, 8, nowMs);
        for (const { pieceIndex, blockIndex } of picker.outstandingOf(honest.id)) judge(honest, pieceIndex, blockIndex);
      }
      expect(picker.isComplete).toBe(true);
    }),
    { numRuns: 60 },
  );
});
