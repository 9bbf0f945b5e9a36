// Hashes pieces of a content on the thread it runs on, taking one after the other from what all threads share: reads
// through one buffer that is used again and again, SHA-1 over each piece (BEP 3), SHA-256 leaves and their root for each
// piece (BEP 52), results into shared memory.
import { createHash, hash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { DiskError } from '../../platform/disk.ts';
import { BLOCK_BYTES } from '../../protocol/limits.ts';
import { leafCountOf, MERKLE_HASH_BYTES, merkleRoot } from '../../protocol/merkle/index.ts';
import { diskErrorOf } from '../disk/disk-failure.ts';
import { changedFailure } from './changed-failure.ts';
import { HashState } from './hash-state.ts';

export const SHA1_BYTES = 20;
/** A multiple of 16 KiB that stays in a core's own cache between reading and hashing. */
const BUFFER_BYTES = 256 * 1024;
/** Pieces of so many bytes are taken at once: neighbours share their files. */
const TAKEN_BYTES = 1024 * 1024;

/** All that a thread has to know of one content; sent to each once. */
export interface HashContent {
  readonly pieceLengthBytes: number;
  /** Of the byte space. */
  readonly spaceBytes: number;
  readonly files: readonly HashFile[];
  /** The byte space's parts in order: where each starts, how long it is, and its file; -1 for a pad. */
  readonly offsets: Float64Array;
  readonly lengths: Float64Array;
  readonly fileIndexes: Int32Array;
  /** Receives the SHA-1 of each piece (v1, hybrid). */
  readonly sha1s: SharedArrayBuffer | undefined;
  /** Receives the Merkle root of each piece's data (v2, hybrid). */
  readonly roots: SharedArrayBuffer | undefined;
  /** A `HashState`'s memory. */
  readonly state: SharedArrayBuffer;
}

export interface HashFile {
  readonly absolutePath: string;
  readonly lengthBytes: number;
  readonly modifiedMs: number;
}

export interface HashAnswer {
  /** Nothing is left to take. */
  readonly isFinished: boolean;
  readonly error?: DiskError | undefined;
}

const sha256 = (bytes: Uint8Array): Uint8Array => hash('sha256', bytes, 'buffer');

export class ContentHasher {
  readonly #content: HashContent;
  readonly #state: HashState;
  readonly #pieceCount: number;
  readonly #takenCount: number;
  /** Taken and not hashed yet. */
  #nextPiece = 0;
  #takenEnd = 0;
  readonly #sha1s: Uint8Array | undefined;
  readonly #roots: Uint8Array | undefined;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  /** The file read last, kept open for the next piece. */
  #openFileIndex = -1;
  #descriptor = -1;
  #hashedBytes = 0;

  constructor(content: HashContent) {
    this.#content = content;
    this.#state = new HashState(content.state);
    this.#pieceCount = Math.ceil(content.spaceBytes / content.pieceLengthBytes);
    this.#takenCount = Math.max(1, Math.floor(TAKEN_BYTES / content.pieceLengthBytes));
    this.#sha1s = content.sha1s && new Uint8Array(content.sha1s);
    this.#roots = content.roots && new Uint8Array(content.roots);
  }

  /**
   * Hashes pieces until none is left or about so many bytes are done. The first problem ends it, and the other threads;
   * what this one holds open is closed at the end.
   */
  hash(bytesMax: number): HashAnswer {
    let left = bytesMax;
    try {
      for (; left > 0; left -= this.#content.pieceLengthBytes) {
        if (!this.#takePiece()) {
          this.close();
          return { isFinished: true };
        }
        this.#hashedBytes = 0;
        this.#hashPiece(this.#nextPiece++);
        this.#state.addPiece(this.#hashedBytes);
      }
      return { isFinished: false };
    } catch (error) {
      const path = this.#content.files[this.#openFileIndex]?.absolutePath ?? '';
      this.#state.stop();
      this.close();
      return { isFinished: true, error: diskErrorOf(error, 'read', path) };
    }
  }

  close(): void {
    if (this.#descriptor >= 0) closeSync(this.#descriptor);
    this.#descriptor = -1;
    this.#openFileIndex = -1;
  }

  /** Whether `#nextPiece` is to be hashed here. */
  #takePiece(): boolean {
    if (this.#state.isStopped) return false;
    if (this.#nextPiece >= this.#takenEnd) {
      this.#nextPiece = this.#state.take(this.#takenCount);
      this.#takenEnd = Math.min(this.#nextPiece + this.#takenCount, this.#pieceCount);
    }
    return this.#nextPiece < this.#takenEnd;
  }

  #hashPiece(piece: number): void {
    const { pieceLengthBytes, spaceBytes, offsets, lengths, fileIndexes, files } = this.#content;
    const start = piece * pieceLengthBytes;
    const pieceEnd = Math.min(start + pieceLengthBytes, spaceBytes);
    const part = this.#partAt(start);
    // v2 pieces hold one file's bytes; behind them is a pad, or a gap that no hash covers.
    const dataEnd = this.#roots === undefined ? pieceEnd : Math.min(offsets[part]! + lengths[part]!, pieceEnd);
    const end = this.#sha1s === undefined ? dataEnd : pieceEnd;
    const leaves = this.#roots && new Uint8Array(Math.ceil((dataEnd - start) / BLOCK_BYTES) * MERKLE_HASH_BYTES);
    const isOneRead = end - start <= BUFFER_BYTES;
    const sha1 = this.#sha1s === undefined || isOneRead ? undefined : createHash('sha1');
    for (let position = start; position < end; position += BUFFER_BYTES) {
      const bytes = this.#buffer.subarray(0, Math.min(BUFFER_BYTES, end - position));
      this.#fill(bytes, position, part);
      if (leaves !== undefined) addLeaves(leaves, bytes, position - start, dataEnd - start);
      if (sha1 !== undefined) sha1.update(bytes);
      else this.#sha1s?.set(hash('sha1', bytes, 'buffer'), piece * SHA1_BYTES);
    }
    if (sha1 !== undefined) this.#sha1s?.set(sha1.digest(), piece * SHA1_BYTES);
    if (leaves !== undefined) {
      const { lengthBytes } = files[fileIndexes[part]!]!;
      const leafCount = lengthBytes <= pieceLengthBytes ? leafCountOf(lengthBytes) : pieceLengthBytes / BLOCK_BYTES;
      this.#roots?.set(merkleRoot(leaves, leafCount, sha256), piece * MERKLE_HASH_BYTES);
    }
  }

  /** The last part that starts at the offset or before it; empty files that end there come before it. */
  #partAt(offset: number): number {
    const { offsets } = this.#content;
    let low = 0;
    let high = offsets.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (offsets[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Copies the byte space from `position` on; `part` is one that starts there or before. */
  #fill(bytes: Uint8Array, position: number, firstPart: number): void {
    const { offsets, lengths, fileIndexes } = this.#content;
    let filled = 0;
    for (let part = firstPart; filled < bytes.length; part++) {
      const offsetInPart = position + filled - offsets[part]!;
      const count = Math.min(lengths[part]! - offsetInPart, bytes.length - filled);
      if (count <= 0) continue;
      const target = bytes.subarray(filled, filled + count);
      if (fileIndexes[part]! < 0) target.fill(0);
      else this.#read(fileIndexes[part]!, target, offsetInPart);
      filled += count;
    }
  }

  #read(fileIndex: number, target: Uint8Array, offset: number): void {
    if (fileIndex !== this.#openFileIndex) this.#open(fileIndex);
    let count = 0;
    while (count < target.length) {
      const got = readSync(this.#descriptor, target, count, target.length - count, offset + count);
      if (got === 0) throw changedFailure(this.#content.files[fileIndex]!.absolutePath);
      count += got;
    }
    this.#hashedBytes += count;
  }

  #open(fileIndex: number): void {
    this.close();
    const { absolutePath, lengthBytes, modifiedMs } = this.#content.files[fileIndex]!;
    this.#openFileIndex = fileIndex;
    // Without waiting, in case a pipe has taken the file's place.
    this.#descriptor = openSync(absolutePath, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const status = fstatSync(this.#descriptor);
    if (!status.isFile() || status.size !== lengthBytes || status.mtimeMs !== modifiedMs) {
      throw changedFailure(absolutePath);
    }
  }
}

/** Leaf hashes of the bytes, which start at `offset` (a multiple of 16 KiB) of a piece with `dataBytes` of data. */
function addLeaves(leaves: Uint8Array, bytes: Uint8Array, offset: number, dataBytes: number): void {
  const end = Math.min(bytes.length, dataBytes - offset);
  for (let start = 0; start < end; start += BLOCK_BYTES) {
    const block = bytes.subarray(start, Math.min(start + BLOCK_BYTES, end));
    leaves.set(sha256(block), ((offset + start) / BLOCK_BYTES) * MERKLE_HASH_BYTES);
  }
}
