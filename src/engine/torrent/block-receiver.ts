// The block that is coming in from one peer: where its bytes go while they arrive, part by part. What follows from the
// whole block is the peer session's and the download's.
import type { Platform } from '../../platform/platform.ts';
import type { WireFields } from '../../protocol/wire/wire-decoder.ts';
import type { Download, DownloadPeer } from './download.ts';

/** `kept`: all of it is in its place. `dropped`: it was not asked for, or somebody else has brought it. */
export type BlockFate = 'partial' | 'kept' | 'dropped';

export class BlockReceiver {
  readonly #platform: Pick<Platform, 'copyBytes'>;
  /** Its download may be another one until the peer takes part. */
  readonly #transfer: { readonly download: Download };
  /** Where its bytes go; undefined: nowhere. */
  #target: Uint8Array | undefined;
  #targetOffset = 0;
  /** -1: no block is coming in. */
  #pieceIndex = -1;
  #begin = -1;

  constructor(platform: Pick<Platform, 'copyBytes'>, transfer: { readonly download: Download }) {
    this.#platform = platform;
    this.#transfer = transfer;
  }

  /** One part of a block, the next in turn. */
  receive(peer: DownloadPeer, message: WireFields): BlockFate {
    if (message.blockIsFirst) {
      const { pieceIndex, begin, length } = message;
      const { download } = this.#transfer;
      this.#target = download.openBlock(peer, pieceIndex, begin, length, message.blockIsLast);
      this.#targetOffset = download.targetOffset;
      this.#pieceIndex = pieceIndex;
      this.#begin = begin;
    }
    if (this.#target !== undefined) {
      const offset = this.#targetOffset + message.blockOffset;
      this.#platform.copyBytes(this.#target, offset, message.chunk, message.dataStart, message.dataEnd);
    }
    if (!message.blockIsLast) return 'partial';
    const wasKept = this.#target !== undefined;
    this.#target = undefined;
    this.#pieceIndex = -1;
    this.#begin = -1;
    return wasKept ? 'kept' : 'dropped';
  }

  /** The block has a new owner: what still comes of it goes nowhere. */
  abandon(pieceIndex: number, begin: number): void {
    if (this.#pieceIndex === pieceIndex && this.#begin === begin) this.#target = undefined;
  }

  /** The peer has gone in the middle of it. */
  close(peer: DownloadPeer): void {
    if (this.#pieceIndex !== -1) this.#transfer.download.closeBlock(peer, this.#pieceIndex, this.#begin);
  }
}
