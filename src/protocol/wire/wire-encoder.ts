// Peer messages to bytes (BEP 3, 5, 6, 10, 52): each function appends one message to a writer that is used again and
// again. Knows no connection: whether a message may be sent now is PeerConnection's.
import type { Bitfield } from '../../base/bitfield.ts';
import { EMPTY_BYTES, writeUint16, writeUint32 } from '../../base/bytes.ts';
import type { HashRequest } from './hash-messages.ts';
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
  WIRE_NOT_INTERESTED,
  WIRE_PORT,
  WIRE_REJECT,
  WIRE_REQUEST,
  WIRE_SUGGEST,
  WIRE_UNCHOKE,
} from './wire-event.ts';

/** Length prefix, id, piece index and begin: what stands before the block in a piece message. */
export const PIECE_HEADER_BYTES = 13;

const WRITER_INITIAL_BYTES = 256;
const WRITER_KEPT_BYTES = 16_384;

/** Bytes to be sent. Grows as needed and is used again; the owner bounds what it appends before a `take()`. */
export class WireWriter {
  bytes: Uint8Array = new Uint8Array(WRITER_INITIAL_BYTES);
  length = 0;

  /** Makes room for `count` more bytes and returns the offset where they go; the caller fills all of them. */
  extend(count: number): number {
    const start = this.length;
    const length = start + count;
    if (length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.bytes.length));
      grown.set(this.bytes.subarray(0, start));
      this.bytes = grown;
    }
    this.length = length;
    return start;
  }

  append(bytes: Uint8Array): void {
    const start = this.extend(bytes.length);
    this.bytes.set(bytes, start);
  }

  reset(): void {
    this.length = 0;
    if (this.bytes.length > WRITER_KEPT_BYTES) this.bytes = new Uint8Array(WRITER_INITIAL_BYTES);
  }

  /** The bytes written so far, which are the caller's from now on; the writer is empty again. */
  take(): Uint8Array {
    if (this.length === 0) return EMPTY_BYTES;
    const taken = this.bytes.slice(0, this.length);
    this.reset();
    return taken;
  }
}

export function writeKeepAlive(writer: WireWriter): void {
  const start = writer.extend(4);
  writeUint32(writer.bytes, start, 0);
}

export function writeChoke(writer: WireWriter): void {
  writePlain(writer, WIRE_CHOKE);
}

export function writeUnchoke(writer: WireWriter): void {
  writePlain(writer, WIRE_UNCHOKE);
}

export function writeInterested(writer: WireWriter): void {
  writePlain(writer, WIRE_INTERESTED);
}

export function writeNotInterested(writer: WireWriter): void {
  writePlain(writer, WIRE_NOT_INTERESTED);
}

export function writeHaveAll(writer: WireWriter): void {
  writePlain(writer, WIRE_HAVE_ALL);
}

export function writeHaveNone(writer: WireWriter): void {
  writePlain(writer, WIRE_HAVE_NONE);
}

export function writeHave(writer: WireWriter, pieceIndex: number): void {
  writeIndex(writer, WIRE_HAVE, pieceIndex);
}

export function writeSuggest(writer: WireWriter, pieceIndex: number): void {
  writeIndex(writer, WIRE_SUGGEST, pieceIndex);
}

export function writeAllowedFast(writer: WireWriter, pieceIndex: number): void {
  writeIndex(writer, WIRE_ALLOWED_FAST, pieceIndex);
}

export function writeRequest(writer: WireWriter, pieceIndex: number, begin: number, length: number): void {
  writeRange(writer, WIRE_REQUEST, pieceIndex, begin, length);
}

export function writeCancel(writer: WireWriter, pieceIndex: number, begin: number, length: number): void {
  writeRange(writer, WIRE_CANCEL, pieceIndex, begin, length);
}

export function writeReject(writer: WireWriter, pieceIndex: number, begin: number, length: number): void {
  writeRange(writer, WIRE_REJECT, pieceIndex, begin, length);
}

export function writeBitfield(writer: WireWriter, bitfield: Bitfield): void {
  writePayload(writer, WIRE_BITFIELD, bitfield.toBytes());
}

/** BEP 5: the UDP port of our DHT node. */
export function writePort(writer: WireWriter, port: number): void {
  const start = writeHead(writer, WIRE_PORT, 2);
  writeUint16(writer.bytes, start, port);
}

/** BEP 10: `extendedId` is the one that the receiver chose in its handshake; 0 is the handshake itself. */
export function writeExtended(writer: WireWriter, extendedId: number, payload: Uint8Array): void {
  const start = writeHead(writer, WIRE_EXTENDED, 1 + payload.length);
  writer.bytes[start] = extendedId;
  writer.bytes.set(payload, start + 1);
}

/** A whole piece message, for small uses; uploads in bulk use `writePieceHeader` and send the block from its buffer. */
export function writePiece(writer: WireWriter, pieceIndex: number, begin: number, block: Uint8Array): void {
  const start = writer.extend(PIECE_HEADER_BYTES + block.length);
  writePieceHeader(writer.bytes, start, pieceIndex, begin, block.length);
  writer.bytes.set(block, start + PIECE_HEADER_BYTES);
}

/** Writes the 13 bytes that stand before a block of `length` bytes. */
export function writePieceHeader(
  target: Uint8Array,
  offset: number,
  pieceIndex: number,
  begin: number,
  length: number,
): void {
  writeUint32(target, offset, 9 + length);
  target[offset + 4] = WIRE_BLOCK_DATA;
  writeUint32(target, offset + 5, pieceIndex);
  writeUint32(target, offset + 9, begin);
}

/** BEP 52. */
export function writeHashRequest(writer: WireWriter, request: HashRequest): void {
  const start = writeHead(writer, WIRE_HASH_REQUEST, 48);
  writeHashHeader(writer.bytes, start, request);
}

/** BEP 52: the same payload as the request that is refused. */
export function writeHashReject(writer: WireWriter, request: HashRequest): void {
  const start = writeHead(writer, WIRE_HASH_REJECT, 48);
  writeHashHeader(writer.bytes, start, request);
}

/** BEP 52 hashes: the request that is answered, then the hashes of the base layer and the uncles, joined. */
export function writeHashes(writer: WireWriter, request: HashRequest, hashes: Uint8Array): void {
  const start = writeHead(writer, WIRE_HASHES, 48 + hashes.length);
  writeHashHeader(writer.bytes, start, request);
  writer.bytes.set(hashes, start + 48);
}

function writeHashHeader(bytes: Uint8Array, start: number, request: HashRequest): void {
  bytes.set(request.piecesRoot, start);
  writeUint32(bytes, start + 32, request.baseLayer);
  writeUint32(bytes, start + 36, request.index);
  writeUint32(bytes, start + 40, request.length);
  writeUint32(bytes, start + 44, request.proofLayers);
}

/** Length prefix and id; returns the offset of the payload, which the caller fills. */
function writeHead(writer: WireWriter, id: number, payloadBytes: number): number {
  const start = writer.extend(5 + payloadBytes);
  writeUint32(writer.bytes, start, 1 + payloadBytes);
  writer.bytes[start + 4] = id;
  return start + 5;
}

function writePlain(writer: WireWriter, id: number): void {
  writeHead(writer, id, 0);
}

function writePayload(writer: WireWriter, id: number, payload: Uint8Array): void {
  const start = writeHead(writer, id, payload.length);
  writer.bytes.set(payload, start);
}

function writeIndex(writer: WireWriter, id: number, pieceIndex: number): void {
  const start = writeHead(writer, id, 4);
  writeUint32(writer.bytes, start, pieceIndex);
}

function writeRange(writer: WireWriter, id: number, pieceIndex: number, begin: number, length: number): void {
  const start = writeHead(writer, id, 12);
  writeUint32(writer.bytes, start, pieceIndex);
  writeUint32(writer.bytes, start + 4, begin);
  writeUint32(writer.bytes, start + 8, length);
}
