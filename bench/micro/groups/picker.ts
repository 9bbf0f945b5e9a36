// Which block to ask next: the whole life of a block in the picker, and what the peers' haves cost.
import { Bitfield } from '../../../src/base/bitfield.ts';
import { randomFraction, seededRandom } from '../../../src/base/random.ts';
import { BLOCK_BYTES } from '../../../src/protocol/limits.ts';
import { type BlockRef, type PickerPeer, PiecePicker } from '../../../src/swarm/piece-picker.ts';
import type { Operation, OperationGroup } from '../operation.ts';

const PIECE_BYTES = 16 * BLOCK_BYTES;
const BLOCKS_PER_CALL = 1_024;
const PEER_COUNT = 50;

function createPicker(pieceCount: number, have?: Bitfield): PiecePicker {
  const random = seededRandom(1);
  return new PiecePicker({
    pieceCount,
    pieceLengthBytes: PIECE_BYTES,
    bytesOfPiece: () => PIECE_BYTES,
    random,
    have,
    maxOpenPieces: 256,
  });
}

function createPeer(id: number, have: Bitfield): PickerPeer {
  return { id, have, isChoking: false, allowedFast: new Set(), isSnubbed: false, blocksPerSecond: 100 };
}

/** About that share of the pieces, drawn. */
function drawnBitfield(pieceCount: number, ratio: number, seed: number): Bitfield {
  const random = seededRandom(seed);
  const bitfield = new Bitfield(pieceCount);
  for (let piece = 0; piece < pieceCount; piece++) if (randomFraction(random) < ratio) bitfield.add(piece);
  return bitfield;
}

interface Swarm {
  readonly picker: PiecePicker;
  readonly peers: readonly PickerPeer[];
}

const everything = Bitfield.full(100_000);

/** Peers in turn ask for 16 blocks and get them; a piece that is whole is verified, and lost again so that it goes on for ever. */
function blockLives({ picker, peers }: Swarm): number {
  const out: BlockRef[] = [];
  let blocks = 0;
  for (let turn = 0; blocks < BLOCKS_PER_CALL; turn++) {
    const peer = peers[turn % peers.length]!;
    const count = picker.pick(peer, 16, out);
    if (count === 0) throw new Error('the picker found nothing');
    for (let i = 0; i < count; i++) {
      const { pieceIndex, blockIndex } = out[i]!;
      if (picker.handleBlock(pieceIndex, blockIndex, peer.id) !== 'pieceComplete') continue;
      picker.handlePieceVerified(pieceIndex);
      picker.handlePieceLost(pieceIndex);
    }
    blocks += count;
  }
  return blocks;
}

function lives(name: string, swarm: Swarm, isSequential = false): Operation {
  for (const peer of swarm.peers) swarm.picker.addAvailability(peer.have);
  swarm.picker.setSequential(isSequential);
  return { name: `a block asked, received, verified: ${name}`, count: BLOCKS_PER_CALL, run: () => blockLives(swarm) };
}

/** Seeds, or peers that have a part; the first four pieces are had, or the picker would still draw at random. */
function swarmOf(pieceCount: number, peerCount: number, ratio: number): Swarm {
  const had = new Bitfield(pieceCount);
  for (let piece = 0; piece < 4; piece++) had.add(piece);
  const bitfield = (seed: number): Bitfield =>
    ratio === 1 ? Bitfield.full(pieceCount) : drawnBitfield(pieceCount, ratio, seed);
  const peers = Array.from({ length: peerCount }, (_, id) => createPeer(id, bitfield(id + 1)));
  return { picker: createPicker(pieceCount, had), peers };
}

function availability(pieceCount: number): Operation[] {
  const { picker, peers } = swarmOf(pieceCount, PEER_COUNT, 0.5);
  for (const peer of peers) picker.addAvailability(peer.have);
  const leaver = peers[0]!.have;
  const rare = new Bitfield(pieceCount);
  rare.add(pieceCount - 1);
  let next = 0;
  return [
    {
      name: 'availability: one have',
      count: 2_000,
      run: () => {
        next = (next + 7_919) % (pieceCount - 1_000);
        for (let i = 0; i < 1_000; i++) picker.incrementAvailability(next + i);
        for (let i = 0; i < 1_000; i++) picker.decrementAvailability(next + i);
        return next;
      },
    },
    {
      name: `availability: a peer with half of ${pieceCount.toLocaleString('en-US')} pieces leaves and comes`,
      count: 2,
      run: () => {
        picker.removeAvailability(leaver);
        picker.addAvailability(leaver);
        return picker;
      },
    },
    {
      name: `interesting? ${pieceCount.toLocaleString('en-US')} pieces, the last one only`,
      count: 100,
      run: () => {
        let count = 0;
        for (let i = 0; i < 100; i++) if (picker.isInteresting(rare)) count++;
        return count;
      },
    },
  ];
}

/** All pieces but a few are had; all blocks of these are asked of three peers, and a fourth looks for more. */
function endGame(): Operation[] {
  const pieceCount = 100_000;
  const had = Bitfield.full(pieceCount);
  for (let piece = 0; piece < 16; piece++) had.delete(piece * 1_000);
  const picker = createPicker(pieceCount, had);
  const peers = Array.from({ length: 5 }, (_, id) => createPeer(id, Bitfield.full(pieceCount)));
  for (const peer of peers) picker.addAvailability(peer.have);
  const out: BlockRef[] = [];
  while (picker.pick(peers[0]!, 16, out) > 0);
  const idle = peers[4]!;
  return [
    {
      name: 'end game: a duplicate asked and given back',
      count: 100,
      run: () => {
        let asked = 0;
        for (let i = 0; i < 100; i++) {
          asked += picker.pick(idle, 1, out);
          picker.handleAllRequestsLost(idle.id);
        }
        return asked;
      },
    },
    {
      name: 'end game: a peer that owes enough asks in vain',
      count: 1_000,
      run: () => {
        let asked = 0;
        for (let i = 0; i < 1_000; i++) asked += picker.pick(peers[0]!, 16, out);
        return asked;
      },
    },
  ];
}

export const picker: OperationGroup = {
  name: 'picker',
  create: () => [
    lives('1,000 pieces, one seed', swarmOf(1_000, 1, 1)),
    lives('100,000 pieces, one seed', swarmOf(100_000, 1, 1)),
    lives('100,000 pieces, 50 peers with half', swarmOf(100_000, PEER_COUNT, 0.5)),
    lives('100,000 pieces, a peer with 0.1 %', swarmOf(100_000, 1, 0.001)),
    lives('sequential, 100,000 pieces, 50 peers with half', swarmOf(100_000, PEER_COUNT, 0.5), true),
    ...availability(100_000),
    ...endGame(),
    { name: 'a picker of 100,000 pieces made, none had', count: 1, run: () => createPicker(100_000) },
    { name: 'a picker of 100,000 pieces made, all had', count: 1, run: () => createPicker(100_000, everything) },
  ],
};
