// Peer messages from a byte stream (BEP 3, 5, 6, 10, 52), pulled one at a time without an object per message. Block
// payload is never copied: it is reported as a range of the chunk that was pushed. Knows the shape of messages, not
// whether one is allowed now: that is PeerConnection's.
import { assert } from '../../base/assert.ts';
import { EMPTY_BYTES, readUint16, readUint32 } from '../../base/bytes.ts';
import {
  BLOCK_BYTES,
  EXTENSION_MESSAGE_MAX_BYTES,
  HASH_PROOF_LAYERS_MAX,
  HASH_REQUEST_LENGTH_MAX,
  PIECES_MAX,
} from '../limits.ts';
import { type Violation, type ViolationCode, violationOf } from './violation.ts';
import { PIECE_HEADER_BYTES } from './wire-encoder.ts';
import {
  WIRE_ALLOWED_FAST,
  WIRE_BITFIELD,
  WIRE_BLOCK_DATA,
  WIRE_CANCEL,
  WIRE_CHOKE,
  WIRE_EXTENDED,
  WIRE_HASH_REJECT,
  WIRE_HASH_REQUEST,
  WIRE_HASHES,
  WIRE_HAVE,
  WIRE_HAVE_ALL,
  WIRE_HAVE_NONE,
  WIRE_INTERESTED,
  WIRE_KEEP_ALIVE,
  WIRE_NEED_MORE,
  WIRE_NOT_INTERESTED,
  WIRE_PORT,
  WIRE_REJECT,
  WIRE_REQUEST,
  WIRE_SUGGEST,
  WIRE_UNCHOKE,
  WIRE_VIOLATION,
  type WireEvent,
} from './wire-event.ts';

const HASH_HEADER_BYTES = 48;
const HASH_BYTES = 32;
/** Reassembly starts with this much, and a buffer that grew beyond it is not kept. */
const PARTIAL_INITIAL_BYTES = 64;
const PARTIAL_KEPT_BYTES = 4_096;

/** What `WireDecoder.next()` found; each field is valid until the following `next()`, for the events that it names. */
export interface WireFields {
  /** have, suggest, allowed fast, request, cancel, reject, block data, lt_donthave. */
  readonly pieceIndex: number;
  /** request, cancel, reject, block data: offset in the piece, in bytes. */
  readonly begin: number;
  /** request, cancel, reject: bytes asked for. Block data: bytes of the whole block. */
  readonly length: number;
  /** Block data: the array that was pushed. */
  readonly chunk: Uint8Array;
  /** Block data: this part is `chunk[dataStart..dataEnd)`. */
  readonly dataStart: number;
  readonly dataEnd: number;
  /** Block data: where this part starts in the block, in bytes. */
  readonly blockOffset: number;
  readonly blockIsFirst: boolean;
  readonly blockIsLast: boolean;
  /** bitfield, extended, hash messages: what follows the id (extended: follows the extended id). Borrowed. */
  readonly payload: Uint8Array;
  /** extended: the id that we gave the message in our extension handshake. */
  readonly extendedId: number;
  /** port (BEP 5). */
  readonly port: number;
  /** Violation. */
  readonly violation: Violation;
}

export class WireDecoder implements WireFields {
  /** Pieces of the torrent; undefined while unknown. Decides the only length that a bitfield may have. */
  pieceCount: number | undefined = undefined;

  pieceIndex = 0;
  begin = 0;
  length = 0;
  chunk: Uint8Array = EMPTY_BYTES;
  dataStart = 0;
  dataEnd = 0;
  blockOffset = 0;
  blockIsFirst = false;
  blockIsLast = false;
  payload: Uint8Array = EMPTY_BYTES;
  extendedId = 0;
  port = 0;
  violation: Violation = violationOf('WIRE_MESSAGE_TOO_LONG');

  readonly #maxMessageBytes: number;
  #position = 0;
  #end = 0;
  #failed = false;
  /** Bytes of the current block that have not been reported. */
  #blockRemaining = 0;
  /** Bytes of a message of unknown id that are still to be dropped. */
  #skipRemaining = 0;
  /** How many bytes `#decode` wants, counted from the start of the message, before it can go on. */
  #neededBytes = 0;
  // BOUNDED: holds one message, whose length prefix was checked; grows with the bytes that came, never by the claim.
  #partial: Uint8Array = new Uint8Array(PARTIAL_INITIAL_BYTES);
  #partialLength = 0;

  /** `maxMessageBytes` bounds the length prefix, whatever the message. */
  constructor(options: { readonly maxMessageBytes: number }) {
    this.#maxMessageBytes = options.maxMessageBytes;
  }

  /** Lends `chunk[start..end)` until `next()` has returned `WIRE_NEED_MORE`; not before may the next one be pushed. */
  push(chunk: Uint8Array, start = 0, end: number = chunk.length): void {
    assert(this.#position === this.#end, 'the last chunk has not been drained');
    if (this.#failed) return;
    this.chunk = chunk;
    this.#position = start;
    this.#end = end;
  }

  /** The next event in what was pushed. After a violation the rest of the stream is dropped. */
  next(): WireEvent {
    if (this.#blockRemaining > 0) return this.#nextBlockPart();
    if (this.#failed) return WIRE_NEED_MORE;
    if (this.#skipRemaining > 0 && !this.#skip()) return WIRE_NEED_MORE;
    if (this.#partial.length > PARTIAL_KEPT_BYTES && this.#partialLength === 0) this.#releasePartial();
    for (;;) {
      const event = this.#partialLength === 0 ? this.#decodeChunk() : this.#decodePartial();
      if (event !== undefined) return event;
      // A message of unknown id was met: drop it and look further.
      if (!this.#skip()) return WIRE_NEED_MORE;
    }
  }

  /** Undefined when a message of unknown id is to be skipped. */
  #decodeChunk(): WireEvent | undefined {
    const start = this.#position;
    const event = this.#decode(this.chunk, start, this.#end - start);
    if (event === WIRE_NEED_MORE && this.#neededBytes > 0) this.#stash(this.#end - start);
    return event;
  }

  #decodePartial(): WireEvent | undefined {
    for (;;) {
      const wanted = Math.min(this.#neededBytes - this.#partialLength, this.#end - this.#position);
      if (wanted > 0) this.#stash(wanted);
      if (this.#partialLength < this.#neededBytes) return WIRE_NEED_MORE;
      const event = this.#decode(this.#partial, 0, this.#partialLength);
      if (event === WIRE_NEED_MORE && this.#neededBytes > this.#partialLength) continue;
      this.#partialLength = 0;
      return event;
    }
  }

  /**
   * Reads one message at `start`, of which `available` bytes are there. Returns WIRE_NEED_MORE with `#neededBytes`
   * set when that is too little (`#neededBytes` = 0: everything was taken, and the block's payload is awaited).
   */
  #decode(bytes: Uint8Array, start: number, available: number): WireEvent | undefined {
    if (available < 4) return this.#need(4);
    const messageBytes = readUint32(bytes, start);
    if (messageBytes === 0) return this.#took(bytes, 4, WIRE_KEEP_ALIVE);
    if (messageBytes > this.#maxMessageBytes) return this.#fail('WIRE_MESSAGE_TOO_LONG');
    if (available < 5) return this.#need(5);
    // A cast, so that the cases below need none; an id outside the union ends in the default.
    const id = bytes[start + 4]! as WireEvent;
    if (id === WIRE_BLOCK_DATA) return this.#decodePiece(bytes, start, available, messageBytes);
    switch (id) {
      case WIRE_CHOKE:
      case WIRE_UNCHOKE:
      case WIRE_INTERESTED:
      case WIRE_NOT_INTERESTED:
      case WIRE_HAVE_ALL:
      case WIRE_HAVE_NONE:
        if (messageBytes !== 1) return this.#fail('WIRE_MESSAGE_LENGTH_INVALID');
        return this.#took(bytes, 5, id);
      case WIRE_HAVE:
      case WIRE_SUGGEST:
      case WIRE_ALLOWED_FAST:
        if (messageBytes !== 5) return this.#fail('WIRE_MESSAGE_LENGTH_INVALID');
        if (available < 9) return this.#need(9);
        this.pieceIndex = readUint32(bytes, start + 5);
        return this.#took(bytes, 9, id);
      case WIRE_REQUEST:
      case WIRE_CANCEL:
      case WIRE_REJECT:
        if (messageBytes !== 13) return this.#fail('WIRE_MESSAGE_LENGTH_INVALID');
        if (available < 17) return this.#need(17);
        this.pieceIndex = readUint32(bytes, start + 5);
        this.begin = readUint32(bytes, start + 9);
        this.length = readUint32(bytes, start + 13);
        return this.#took(bytes, 17, id);
      case WIRE_PORT:
        if (messageBytes !== 3) return this.#fail('WIRE_MESSAGE_LENGTH_INVALID');
        if (available < 7) return this.#need(7);
        this.port = readUint16(bytes, start + 5);
        return this.#took(bytes, 7, id);
      case WIRE_BITFIELD:
      case WIRE_EXTENDED:
      case WIRE_HASH_REQUEST:
      case WIRE_HASHES:
      case WIRE_HASH_REJECT:
        return this.#decodeWhole(bytes, start, available, messageBytes, id);
      default:
        this.#skipRemaining = messageBytes - 1;
        this.#took(bytes, 5, WIRE_NEED_MORE);
        return undefined;
    }
  }

  #decodePiece(bytes: Uint8Array, start: number, available: number, messageBytes: number): WireEvent {
    if (messageBytes < 9) return this.#fail('WIRE_MESSAGE_LENGTH_INVALID');
    // We never ask for more than one block of BLOCK_BYTES, so nothing longer can be an answer.
    if (messageBytes > 9 + BLOCK_BYTES) return this.#fail('WIRE_MESSAGE_TOO_LONG');
    if (available < PIECE_HEADER_BYTES) return this.#need(PIECE_HEADER_BYTES);
    this.pieceIndex = readUint32(bytes, start + 5);
    this.begin = readUint32(bytes, start + 9);
    this.length = messageBytes - 9;
    this.dataEnd = 0;
    this.blockOffset = 0;
    this.#blockRemaining = this.length;
    this.#took(bytes, PIECE_HEADER_BYTES, WIRE_NEED_MORE);
    if (this.length > 0) return this.#nextBlockPart();
    this.dataStart = this.#position;
    this.dataEnd = this.#position;
    this.blockIsFirst = true;
    this.blockIsLast = true;
    return WIRE_BLOCK_DATA;
  }

  #nextBlockPart(): WireEvent {
    const available = this.#end - this.#position;
    if (available === 0) return WIRE_NEED_MORE;
    const remaining = this.#blockRemaining;
    const taken = Math.min(available, remaining);
    this.blockOffset = this.length - remaining;
    this.blockIsFirst = remaining === this.length;
    this.blockIsLast = taken === remaining;
    this.dataStart = this.#position;
    this.dataEnd = this.#position + taken;
    this.#position = this.dataEnd;
    this.#blockRemaining = remaining - taken;
    return WIRE_BLOCK_DATA;
  }

  /** Messages that are delivered in one piece; the length is judged before any of it is kept. */
  #decodeWhole(bytes: Uint8Array, start: number, available: number, messageBytes: number, id: WireEvent): WireEvent {
    const problem = this.#lengthProblem(id, messageBytes - 1);
    if (problem !== undefined) return this.#fail(problem);
    const totalBytes = 4 + messageBytes;
    if (available < totalBytes) return this.#need(totalBytes);
    const isExtended = id === WIRE_EXTENDED;
    if (isExtended) this.extendedId = bytes[start + 5]!;
    this.payload = bytes.subarray(start + (isExtended ? 6 : 5), start + totalBytes);
    return this.#took(bytes, totalBytes, id);
  }

  #lengthProblem(id: WireEvent, payloadBytes: number): ViolationCode | undefined {
    switch (id) {
      case WIRE_BITFIELD: {
        if (this.pieceCount !== undefined) {
          return payloadBytes === (this.pieceCount + 7) >>> 3 ? undefined : 'WIRE_BITFIELD_LENGTH_INVALID';
        }
        return payloadBytes <= (PIECES_MAX + 7) >>> 3 ? undefined : 'WIRE_BITFIELD_LENGTH_INVALID';
      }
      case WIRE_EXTENDED:
        if (payloadBytes < 1) return 'WIRE_MESSAGE_LENGTH_INVALID';
        return payloadBytes <= 1 + EXTENSION_MESSAGE_MAX_BYTES ? undefined : 'WIRE_MESSAGE_TOO_LONG';
      case WIRE_HASHES: {
        const hashBytes = payloadBytes - HASH_HEADER_BYTES;
        if (hashBytes < HASH_BYTES || hashBytes % HASH_BYTES !== 0) return 'WIRE_MESSAGE_LENGTH_INVALID';
        const hashCountMax = HASH_REQUEST_LENGTH_MAX + HASH_PROOF_LAYERS_MAX;
        return hashBytes <= HASH_BYTES * hashCountMax ? undefined : 'WIRE_MESSAGE_TOO_LONG';
      }
      default:
        return payloadBytes === HASH_HEADER_BYTES ? undefined : 'WIRE_MESSAGE_LENGTH_INVALID';
    }
  }

  #took(bytes: Uint8Array, count: number, event: WireEvent): WireEvent {
    this.#neededBytes = 0;
    // What stands in the reassembly buffer was taken from the chunk when it was stashed.
    if (bytes !== this.#partial) this.#position += count;
    return event;
  }

  #need(count: number): WireEvent {
    this.#neededBytes = count;
    return WIRE_NEED_MORE;
  }

  #fail(code: ViolationCode): WireEvent {
    this.violation = violationOf(code);
    this.#failed = true;
    this.#position = this.#end;
    this.#partialLength = 0;
    this.#releasePartial();
    return WIRE_VIOLATION;
  }

  /** Moves `count` bytes of the chunk to the reassembly buffer. */
  #stash(count: number): void {
    const length = this.#partialLength + count;
    if (length > this.#partial.length) {
      const grown = new Uint8Array(Math.max(length, Math.min(2 * this.#partial.length, this.#neededBytes)));
      grown.set(this.#partial.subarray(0, this.#partialLength));
      this.#partial = grown;
    }
    // Byte by byte: the usual case is a header of a few bytes, where a subarray would cost more.
    if (count < 32)
      for (let i = 0; i < count; i++) this.#partial[this.#partialLength + i] = this.chunk[this.#position + i]!;
    else this.#partial.set(this.chunk.subarray(this.#position, this.#position + count), this.#partialLength);
    this.#partialLength = length;
    this.#position += count;
  }

  #releasePartial(): void {
    this.#partial = new Uint8Array(PARTIAL_INITIAL_BYTES);
  }

  /** Drops what is left of a message of unknown id; false when the chunk ends first. */
  #skip(): boolean {
    const skipped = Math.min(this.#skipRemaining, this.#end - this.#position);
    this.#skipRemaining -= skipped;
    this.#position += skipped;
    return this.#skipRemaining === 0;
  }
}
