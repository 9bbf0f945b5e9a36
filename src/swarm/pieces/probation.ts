// What a stranger is asked for once somebody has sent bad blocks: few blocks at a time, in pieces that no other stranger has a
// part in, and that peers who have proven themselves finish. So a bad piece names its sender, and costs those few blocks. Where
// nobody else could finish the piece, a stranger fetches it alone.
import { PRIORITY_MAX } from './availability-buckets.ts';
import type { BlockRef, OpenPieces, PeerRequests } from './open-pieces.ts';
import type { PieceBlocks } from './piece-blocks.ts';
import type { PickerPeer } from './piece-chooser.ts';
import type { PieceTable } from './piece-table.ts';

/** Nothing was asked of the peer for so long because others do not finish what it has a part in: it may. */
const STARVED_MS = 10_000;

/** One peer's turn. */
interface Turn {
  readonly peer: PickerPeer;
  readonly requests: PeerRequests;
  readonly out: BlockRef[];
  readonly limit: number;
  readonly isStarved: boolean;
  filled: number;
  /** Blocks that it may still be asked for. */
  room: number;
}

/** Whether another peer than this one, which has given good blocks before, has the piece. */
export type Covered = (piece: number, peerId: number) => boolean;

export interface ProbationOptions {
  readonly table: PieceTable;
  readonly pieces: OpenPieces;
  readonly maxOpenPieces: number;
  /** Another piece for the peer; undefined when there is none. */
  readonly openNext: (priority: number, peer: PickerPeer) => PieceBlocks | undefined;
  readonly isCovered: Covered;
  /** As in `PieceChooserOptions`. */
  readonly failed: ReadonlyMap<number, ReadonlySet<number>>;
}

export class Probation {
  readonly #options: ProbationOptions;

  constructor(options: ProbationOptions) {
    this.#options = options;
  }

  /** Asks the peer for blocks: fills `out` up to `limit`, and returns how many. */
  pick(peer: PickerPeer, requests: PeerRequests, out: BlockRef[], limit: number): number {
    const isStarved = requests.outstandingCount === 0 && (peer.idleMs ?? 0) > STARVED_MS;
    const room = (peer.unverifiedMax ?? 0) - requests.outstandingCount - requests.heldCount;
    const turn: Turn = { peer, requests, out, limit, filled: 0, room, isStarved };
    if (isStarved && requests.heldCount > 0) turn.room = limit;
    for (let priority = PRIORITY_MAX; priority > 0 && turn.filled < limit; priority--) {
      if (this.#options.table.wantedCountAt(priority) > 0) this.#pickAt(priority, turn);
    }
    return turn.filled;
  }

  #pickAt(priority: number, turn: Turn): void {
    const { table, pieces, maxOpenPieces, openNext } = this.#options;
    const { peer, limit } = turn;
    // Its own pieces first: the sooner they are judged, the sooner it is known.
    for (const isOwn of [true, false]) {
      for (const blocks of pieces.hungry) {
        const { pieceIndex, strangerId } = blocks;
        if ((strangerId === peer.id) !== isOwn || table.priorityOf(pieceIndex) !== priority) continue;
        if (mayAsk(peer, pieceIndex) && this.#suits(blocks, turn)) this.#take(blocks, turn);
        if (turn.filled === limit) return;
      }
    }
    while (turn.filled < limit && turn.room > 0 && !peer.isChoking && pieces.count < maxOpenPieces) {
      const blocks = openNext(priority, peer);
      if (blocks === undefined) return;
      this.#take(blocks, turn);
    }
  }

  #suits(blocks: PieceBlocks, { peer, isStarved }: Turn): boolean {
    const { exclusivePeerId, strangerId } = blocks;
    if (exclusivePeerId >= 0 && exclusivePeerId !== peer.id) return false;
    if (!isStarved && this.#options.failed.get(blocks.pieceIndex)?.has(peer.id) === true) return false;
    const isFree = !blocks.isRetry && (strangerId < 0 || strangerId === peer.id);
    return isFree || isStarved || !this.#options.isCovered(blocks.pieceIndex, peer.id);
  }

  #take(blocks: PieceBlocks, turn: Turn): void {
    const { peer, requests, out, limit, filled } = turn;
    const isOwn = blocks.strangerId === peer.id;
    // Nobody else will finish it.
    const isAlone = (isOwn || turn.room > 0) && !this.#options.isCovered(blocks.pieceIndex, peer.id);
    const count = isAlone ? limit - filled : Math.min(limit - filled, Math.max(0, turn.room));
    if (count === 0) return;
    if (blocks.strangerId < 0) blocks.strangerId = peer.id;
    turn.filled = this.#options.pieces.takeFree(blocks, requests, out, filled, filled + count);
    turn.room -= turn.filled - filled;
  }
}

function mayAsk({ have, isChoking, allowedFast }: PickerPeer, piece: number): boolean {
  return have.has(piece) && (!isChoking || allowedFast.has(piece));
}
