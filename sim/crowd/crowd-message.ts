// What travels between two computers of a crowd. Blocks are never stored: a message knows their place in the torrent,
// and the receiver is handed the same zeros again and again, behind a header of their own.
import { concatBytes, readUint32 } from '../../src/base/bytes.ts';
import { BLOCK_BYTES } from '../../src/protocol/limits.ts';
import { PIECE_HEADER_BYTES, writePieceHeader } from '../../src/protocol/wire/wire-encoder.ts';
import { CrowdEvent } from './event-wheel.ts';

const PIECE_MESSAGE_ID = 7;
const ALLOWED_FAST_ID = 17;
const HANDSHAKE_FIRST_BYTE = 19;
const HANDSHAKE_BYTES = 68;

/** Of a whole block. */
const MESSAGE_BYTES: number = PIECE_HEADER_BYTES + BLOCK_BYTES;
/** Bits that tell bad blocks from good ones. */
export const BLOCKS_PER_TURN_MAX = 16;

/** A block as the disk of a host gets to know it. */
export interface BlockOnTheWay {
  readonly pieceIndex: number;
  readonly begin: number;
  /** The sender changed its bytes. */
  readonly isBad: boolean;
  readonly source: BlockSource | undefined;
}

/** Who sent a block. */
export interface BlockSource {
  /** Changed blocks that somebody has kept. */
  badBlockCount: number;
}

/** Consecutive blocks of a piece. */
export interface BlockRun {
  readonly pieceIndex: number;
  readonly begin: number;
  readonly blockCount: number;
  readonly payloadBytes: number;
}

/** Where a message ends. */
export interface MessageReceiver {
  handleArrived(message: CrowdMessage): void;
}

/** Is queued at its sender, then stands in the wheel until it arrives. */
export abstract class CrowdMessage extends CrowdEvent {
  /** What the uplink carries. */
  readonly lengthBytes: number;
  readonly receiver: MessageReceiver;
  /** The next one in its sender's queue. */
  nextMessage: CrowdMessage | undefined = undefined;
  /** Called when it has left its host, for the last one of a write. */
  onTaken: (() => void) | undefined = undefined;
  /** Undefined for anything but blocks. */
  abstract readonly blocks: BlocksMessage | undefined;

  constructor(lengthBytes: number, receiver: MessageReceiver) {
    super();
    this.lengthBytes = lengthBytes;
    this.receiver = receiver;
  }

  /** As they come out of the socket. Borrowed until the next message is looked at. */
  abstract bytes(): Uint8Array;

  run(): void {
    this.receiver.handleArrived(this);
  }
}

/** Anything but blocks: one write, as it was written. */
export class PlainMessage extends CrowdMessage {
  readonly blocks: undefined;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, receiver: MessageReceiver) {
    super(bytes.length, receiver);
    this.blocks = undefined;
    this.#bytes = bytes;
  }

  bytes(): Uint8Array {
    return this.#bytes;
  }
}

/** What is sent at a time: as many piece messages as one turn on the uplink takes, consecutive blocks of one piece. */
export class BlocksMessage extends CrowdMessage {
  readonly pieceIndex: number;
  readonly begin: number;
  /** All but the last are whole. */
  readonly blockCount: number;
  /** One bit a block. */
  readonly badBits: number;
  readonly source: BlockSource;
  readonly #scratch: BlockScratch;

  constructor(receiver: MessageReceiver, scratch: BlockScratch, run: BlockRun, badBits: number, source: BlockSource) {
    super(run.blockCount * PIECE_HEADER_BYTES + run.payloadBytes, receiver);
    this.#scratch = scratch;
    this.pieceIndex = run.pieceIndex;
    this.begin = run.begin;
    this.blockCount = run.blockCount;
    this.badBits = badBits;
    this.source = source;
  }

  get blocks(): BlocksMessage {
    return this;
  }

  bytes(): Uint8Array {
    return this.#scratch.write(this);
  }

  /** The block that the byte at `offset` of `bytes()` belongs to. */
  blockAt(offset: number): BlockOnTheWay {
    const index = Math.floor(offset / MESSAGE_BYTES);
    const begin = this.begin + index * BLOCK_BYTES;
    const isBad = (this.badBits & (1 << index)) !== 0;
    return { pieceIndex: this.pieceIndex, begin, isBad, source: this.source };
  }
}

/** The bytes of any blocks, for one reader at a time. Only the headers mean anything. */
export class BlockScratch {
  readonly #bytes = new Uint8Array(BLOCKS_PER_TURN_MAX * MESSAGE_BYTES);

  write({ pieceIndex, begin, blockCount, lengthBytes }: BlocksMessage): Uint8Array {
    const bytes = this.#bytes;
    for (let i = 0; i < blockCount; i++) {
      const offset = i * MESSAGE_BYTES;
      const length = Math.min(BLOCK_BYTES, lengthBytes - offset - PIECE_HEADER_BYTES);
      writePieceHeader(bytes, offset, pieceIndex, begin + i * BLOCK_BYTES, length);
    }
    return bytes.subarray(0, lengthBytes);
  }
}

/** Whether a write of the engine is a batch of blocks: it starts with a piece message, and asks when it was taken. */
export function isBlockBatch(bytes: Uint8Array): boolean {
  return bytes.length >= PIECE_HEADER_BYTES && bytes[4] === PIECE_MESSAGE_ID;
}

/** Calls back for each run of at most `blocksMax` blocks of a batch; the blocks of a batch follow one another. */
export function splitBatch(bytes: Uint8Array, blocksMax: number, onRun: (run: BlockRun) => void): void {
  for (let offset = 0; offset < bytes.length; ) {
    const run = {
      pieceIndex: readUint32(bytes, offset + 5),
      begin: readUint32(bytes, offset + 9),
      blockCount: 0,
      payloadBytes: 0,
    };
    let isWhole = true;
    while (run.blockCount < blocksMax && isWhole && offset < bytes.length) {
      const length = readUint32(bytes, offset) + 4 - PIECE_HEADER_BYTES;
      isWhole = length === BLOCK_BYTES;
      run.blockCount++;
      run.payloadBytes += length;
      offset += PIECE_HEADER_BYTES + length;
    }
    onRun(run);
  }
}

/** What is left of a write when its allowed fast messages (BEP 6) are taken out: so a peer gives nothing at all. */
export function withoutAllowedFast(bytes: Uint8Array): Uint8Array {
  const kept: Uint8Array[] = [];
  let offset = bytes[0] === HANDSHAKE_FIRST_BYTE ? HANDSHAKE_BYTES : 0;
  kept.push(bytes.subarray(0, offset));
  while (offset < bytes.length) {
    const end = offset + 4 + readUint32(bytes, offset);
    if (bytes[offset + 4] !== ALLOWED_FAST_ID) kept.push(bytes.subarray(offset, end));
    offset = end;
  }
  return concatBytes(kept);
}
