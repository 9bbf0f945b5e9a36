// Pick rules as the first programs had them: finish what is begun, then the next piece by one criterion, then ask every
// peer for what is still missing. No pieces of their own for fast peers, no patience with duplicates.

import { PRIORITY_MAX } from '../../src/swarm/pieces/availability-buckets.ts';
import type { BlockRef, PeerRequests } from '../../src/swarm/pieces/open-pieces.ts';
import { COPIES_MAX, type PieceBlocks } from '../../src/swarm/pieces/piece-blocks.ts';
import type { PickerPeer, PickRule, PieceChooserOptions } from '../../src/swarm/pieces/piece-chooser.ts';

/** `rarest`: rarest first, after four random pieces. */
export type PickOrder = 'random' | 'sequential' | 'rarest';

const RANDOM_FIRST_PIECES = 4;

export class SimplePickRule implements PickRule {
  isSequential = false;
  readonly #options: PieceChooserOptions;
  readonly #order: PickOrder;

  constructor(options: PieceChooserOptions, order: PickOrder) {
    this.#options = options;
    this.#order = order;
  }

  get isEndgame(): boolean {
    const { pieces, table } = this.#options;
    return pieces.count > 0 && pieces.freeBlockCount === 0 && table.buckets.availableCount === 0;
  }

  handleChange(): void {
    // Nothing is remembered between searches.
  }

  pick(peer: PickerPeer, maxBlocks: number, out: BlockRef[]): number {
    const requests = this.#options.pieces.peerOrNew(peer.id);
    if (peer.isChoking) return this.#pickAllowedFast(peer, requests, out, maxBlocks);
    const filled = this.#pickFree(peer, requests, out, maxBlocks);
    if (filled === maxBlocks || peer.isSnubbed || !this.isEndgame) return filled;
    return this.#pickDuplicates(peer, requests, out, filled, maxBlocks);
  }

  #pickFree(peer: PickerPeer, requests: PeerRequests, out: BlockRef[], limit: number): number {
    const { pieces, maxOpenPieces } = this.#options;
    let filled = 0;
    for (const blocks of pieces.hungry) {
      if (filled === limit) return filled;
      if (peer.have.has(blocks.pieceIndex)) filled = pieces.takeFree(blocks, requests, out, filled, limit);
    }
    while (filled < limit && pieces.count < maxOpenPieces) {
      const blocks = this.#openNext(peer);
      if (blocks === undefined) break;
      filled = pieces.takeFree(blocks, requests, out, filled, limit);
    }
    return filled;
  }

  #pickAllowedFast(peer: PickerPeer, requests: PeerRequests, out: BlockRef[], limit: number): number {
    const { pieces, table, open, maxOpenPieces } = this.#options;
    let filled = 0;
    for (const piece of peer.allowedFast) {
      if (filled === limit) break;
      if (!peer.have.has(piece)) continue;
      let blocks = pieces.get(piece);
      if (blocks === undefined && pieces.count < maxOpenPieces && table.buckets.has(piece)) blocks = open(piece);
      if (blocks !== undefined) filled = pieces.takeFree(blocks, requests, out, filled, limit);
    }
    return filled;
  }

  #pickDuplicates(peer: PickerPeer, requests: PeerRequests, out: BlockRef[], from: number, limit: number): number {
    const { pieces } = this.#options;
    let filled = from;
    for (let copies = 1; copies < COPIES_MAX; copies++) {
      for (const blocks of pieces.values()) {
        if (filled === limit) return filled;
        if (!peer.have.has(blocks.pieceIndex)) continue;
        filled = pieces.takeDuplicates(blocks, requests, copies, out, filled, limit);
      }
    }
    return filled;
  }

  #openNext({ have }: PickerPeer): PieceBlocks | undefined {
    const { table, open } = this.#options;
    const { buckets } = table;
    for (let priority = PRIORITY_MAX; priority > 0; priority--) {
      if (table.wantedCountAt(priority) === 0) continue;
      let next: number;
      if (this.#order === 'sequential') next = buckets.lowest(priority, have);
      else if (this.#order === 'random' || table.have.count < RANDOM_FIRST_PIECES)
        next = buckets.random(priority, have);
      else next = buckets.rarest(priority, have);
      if (next >= 0) return open(next);
    }
    return undefined;
  }
}
