// A disk that keeps no bytes: which pieces are written, and which blocks of the others came changed. Hashes are answered
// by rule: a piece matches unless one of its blocks was bad; the hash of a block names its place and whether it was.
import { writeUint32 } from '../../src/base/bytes.ts';
import type {
  Disk,
  ExpectedHash,
  FileStatus,
  PieceOutcome,
  Storage,
  StorageSpec,
  WriteOutcome,
} from '../../src/platform/disk.ts';
import { BLOCK_BYTES } from '../../src/protocol/limits.ts';
import type { CrowdSendBuffers } from './crowd-memory.ts';
import type { BlockOnTheWay } from './crowd-message.ts';
import { CallEvent, type EventWheel } from './event-wheel.ts';

const SHA1_BYTES = 20;
const DONE: WriteOutcome = {};

export interface CrowdDiskOptions {
  readonly wheel: EventWheel;
  readonly pieceLengthBytes: number;
  readonly sendBuffers: CrowdSendBuffers;
  /** Pieces that are there from the start: 1, else 0. */
  readonly initial: Uint8Array;
}

/** Holds one torrent. */
export class CrowdDisk implements Disk, Storage {
  readonly hashConcurrency = 8;
  /** Engines do not count shared memory when they decide to collect garbage; nothing ever touches it here. */
  readonly wantsSharedMemory = true;
  pendingWriteBytes = 0;
  lastKept: BlockOnTheWay = { pieceIndex: 0, begin: 0, isBad: false, source: undefined };
  readonly #options: CrowdDiskOptions;
  readonly #isWritten: Uint8Array;
  /** Of pieces that are not written: piece → its bad blocks. */
  readonly #bad = new Map<number, Set<number>>();
  /** Pieces of which parts have come, to be judged when they are read back. */
  readonly #inParts = new Set<number>();
  #files: FileStatus[] = [];

  constructor(options: CrowdDiskOptions) {
    this.#options = options;
    this.#isWritten = options.initial.slice();
  }

  /** The engine has kept the block that arrives just now. */
  handleKept(block: BlockOnTheWay): void {
    this.lastKept = block;
    const { pieceIndex, begin, isBad, source } = block;
    if (isBad && source !== undefined) source.badBlockCount++;
    const bad = this.#bad.get(pieceIndex);
    if (!isBad) {
      bad?.delete(begin / BLOCK_BYTES);
      return;
    }
    if (bad === undefined) this.#bad.set(pieceIndex, new Set([begin / BLOCK_BYTES]));
    else bad.add(begin / BLOCK_BYTES);
  }

  openStorage({ files }: StorageSpec): Storage {
    const isThere = this.#isWritten.includes(1);
    this.#files = files.map(({ lengthBytes }) => ({ exists: isThere, lengthBytes: isThere ? lengthBytes : 0 }));
    return this;
  }

  writePiece(
    pieceIndex: number,
    data: Uint8Array,
    _expected: ExpectedHash,
    onDone: (outcome: PieceOutcome) => void,
  ): void {
    const { length } = data;
    this.pendingWriteBytes += length;
    this.#soon(() => {
      this.pendingWriteBytes -= length;
      onDone(this.#judge(pieceIndex));
    });
  }

  writePart(pieceIndex: number, _offset: number, data: Uint8Array, onDone: (outcome: WriteOutcome) => void): void {
    const { length } = data;
    this.#inParts.add(pieceIndex);
    this.pendingWriteBytes += length;
    this.#soon(() => {
      this.pendingWriteBytes -= length;
      onDone(DONE);
    });
  }

  /** Before the download: what is there. After `writePart`: the verdict on what came. */
  hashPiece(pieceIndex: number, _expected: ExpectedHash, onDone: (outcome: PieceOutcome) => void): void {
    this.#soon(() => {
      const isJudged = this.#inParts.delete(pieceIndex);
      onDone(isJudged ? this.#judge(pieceIndex) : { matched: this.#isWritten[pieceIndex] === 1 });
    });
  }

  read(
    pieceIndex: number,
    begin: number,
    targets: readonly Uint8Array[],
    onDone: (outcome: WriteOutcome) => void,
  ): void {
    this.#soon(() => {
      this.#options.sendBuffers.restoreHeaders(pieceIndex, begin, targets);
      onDone(DONE);
    });
  }

  stat(onDone: (error: undefined, files: readonly FileStatus[]) => void): void {
    this.#soon(() => onDone(undefined, this.#files));
  }

  createEmptyFiles(onDone: (outcome: WriteOutcome) => void): void {
    this.#soon(() => onDone(DONE));
  }

  setWanted(_wanted: readonly boolean[], onDone: (outcome: WriteOutcome) => void): void {
    this.#soon(() => onDone(DONE));
  }

  flush(onDone: (outcome: WriteOutcome) => void): void {
    this.#soon(() => onDone(DONE));
  }

  close(onDone: () => void): void {
    this.#soon(onDone);
  }

  #judge(pieceIndex: number): PieceOutcome {
    // Of a bad piece, blocks may be kept: each that comes anew says whether it is bad.
    const bad = this.#bad.get(pieceIndex);
    if (bad === undefined || bad.size === 0) {
      this.#bad.delete(pieceIndex);
      this.#isWritten[pieceIndex] = 1;
      return { matched: true };
    }
    const blockCount = Math.ceil(this.#options.pieceLengthBytes / BLOCK_BYTES);
    const blockSha1s = new Uint8Array(blockCount * SHA1_BYTES);
    for (let block = 0; block < blockCount; block++) {
      const place = { pieceIndex, begin: block * BLOCK_BYTES, isBad: bad.has(block), source: undefined };
      blockSha1s.set(blockSha1(place), block * SHA1_BYTES);
    }
    return { matched: false, blockSha1s };
  }

  #soon(answer: () => void): void {
    this.#options.wheel.schedule(0, new CallEvent(answer));
  }
}

/** What stands for the SHA-1 of a block's bytes. */
export function blockSha1({ pieceIndex, begin, isBad }: BlockOnTheWay): Uint8Array {
  const bytes = new Uint8Array(SHA1_BYTES);
  writeUint32(bytes, 0, pieceIndex);
  writeUint32(bytes, 4, begin);
  bytes[8] = isBad ? 1 : 0;
  return bytes;
}
