// Peer messages to bytes and back: the decoder alone, the encoder alone, and the connection around both.
import { encodeHandshake, type Handshake } from '../../../src/protocol/wire/handshake.ts';
import { PeerConnection } from '../../../src/protocol/wire/peer-connection.ts';
import { WireDecoder } from '../../../src/protocol/wire/wire-decoder.ts';
import {
  PIECE_HEADER_BYTES,
  WireWriter,
  writeHave,
  writePiece,
  writePieceHeader,
  writeRequest,
} from '../../../src/protocol/wire/wire-encoder.ts';
import { WIRE_BLOCK_DATA, WIRE_NEED_MORE, type WireEvent } from '../../../src/protocol/wire/wire-event.ts';
import type { Operation, OperationGroup } from '../operation.ts';

const KIB = 1024;
const BLOCK_BYTES = 16 * KIB;
const PIECE_BYTES = 1024 * KIB;
const BLOCKS_PER_PIECE = PIECE_BYTES / BLOCK_BYTES;
const PIECE_COUNT = 1_024;
const BLOCK_COUNT = 512;
const MESSAGE_COUNT = 4_096;
const MAX_MESSAGE_BYTES = 1024 * KIB;

const HANDSHAKE: Handshake = {
  infoHash: new Uint8Array(20).fill(1),
  peerId: new Uint8Array(20).fill(2),
  extensionProtocol: true,
  fast: true,
  dht: false,
  v2: false,
};

/** What both the decoder and the connection do with bytes. */
interface Receiver {
  push(chunk: Uint8Array): void;
  next(): WireEvent;
}

function stream(write: (writer: WireWriter, index: number) => void, count: number): Uint8Array {
  const writer = new WireWriter();
  for (let i = 0; i < count; i++) write(writer, i);
  return writer.bytes.slice(0, writer.length);
}

function chunksOf(bytes: Uint8Array, chunkBytes: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; start += chunkBytes) chunks.push(bytes.subarray(start, start + chunkBytes));
  return chunks;
}

const block = new Uint8Array(BLOCK_BYTES);
const blocks = (): Uint8Array =>
  stream(
    (writer, i) => writePiece(writer, Math.floor(i / BLOCKS_PER_PIECE), (i % BLOCKS_PER_PIECE) * BLOCK_BYTES, block),
    BLOCK_COUNT,
  );
const haves = (): Uint8Array => stream((writer, i) => writeHave(writer, i % PIECE_COUNT), MESSAGE_COUNT);
const requests = (): Uint8Array =>
  stream((writer, i) => writeRequest(writer, i % PIECE_COUNT, 0, BLOCK_BYTES), MESSAGE_COUNT);

/** Everything that the receiver reports of the chunks; the sum keeps the fields from being optimised away. */
function receive(
  receiver: Receiver,
  fields: { readonly dataEnd: number; readonly pieceIndex: number },
  chunks: Uint8Array[],
): number {
  let sum = 0;
  for (const chunk of chunks) {
    receiver.push(chunk);
    for (let event = receiver.next(); event !== WIRE_NEED_MORE; event = receiver.next()) {
      sum += event === WIRE_BLOCK_DATA ? fields.dataEnd : fields.pieceIndex;
    }
  }
  return sum;
}

function decoding(name: string, bytes: Uint8Array, count: number, chunkBytes: number): Operation {
  const decoder = new WireDecoder({ maxMessageBytes: MAX_MESSAGE_BYTES });
  decoder.pieceCount = PIECE_COUNT;
  const chunks = chunksOf(bytes, chunkBytes);
  return { name: `decode a ${name}`, count, run: () => receive(decoder, decoder, chunks) };
}

function openConnection(): PeerConnection {
  const pieces = { pieceCount: PIECE_COUNT, bytesOfPiece: () => PIECE_BYTES };
  const connection = new PeerConnection({ nowMs: 0, handshake: HANDSHAKE, pieces });
  connection.push(encodeHandshake({ ...HANDSHAKE, peerId: new Uint8Array(20).fill(3) }), 0);
  while (connection.next() !== WIRE_NEED_MORE);
  connection.sendBitfield(undefined);
  connection.sendChoke(false);
  connection.takeOutgoing(0);
  return connection;
}

function receiving(name: string, bytes: Uint8Array, count: number, chunkBytes: number): Operation {
  const connection = openConnection();
  const chunks = chunksOf(bytes, chunkBytes);
  const receiver: Receiver = { push: (chunk) => connection.push(chunk, 1), next: () => connection.next() };
  const run = (): number => {
    const sum = receive(receiver, connection.message, chunks);
    connection.takeOutgoing(1);
    return sum;
  };
  return { name: `connection: ${name} received`, count, run };
}

function encoding(name: string, write: (writer: WireWriter, index: number) => void): Operation {
  const writer = new WireWriter();
  const run = (): number => {
    for (let i = 0; i < 1_000; i++) {
      if ((i & 15) === 0) writer.reset();
      write(writer, i);
    }
    return writer.length;
  };
  return { name: `encode a ${name}`, count: 1_000, run };
}

function requestTurns(): Operation {
  const connection = openConnection();
  const run = (): number => {
    let bytes = 0;
    for (let turn = 0; turn < 64; turn++) {
      for (let i = 0; i < 16; i++) connection.sendRequest(turn, i * BLOCK_BYTES, BLOCK_BYTES);
      bytes += connection.takeOutgoing(1)?.length ?? 0;
    }
    return bytes;
  };
  return { name: 'connection: request sent, 16 a turn', count: 1_024, run };
}

export const wire: OperationGroup = {
  name: 'wire',
  create: () => [
    decoding('block, chunks of 64 KiB', blocks(), BLOCK_COUNT, 64 * KIB),
    decoding('block, chunks of 512 KiB', blocks(), BLOCK_COUNT, 512 * KIB),
    decoding('block, chunks of 1,448 bytes', blocks(), BLOCK_COUNT, 1_448),
    decoding('have', haves(), MESSAGE_COUNT, 64 * KIB),
    decoding('have, chunks of 5 bytes', haves(), MESSAGE_COUNT, 5),
    decoding('request', requests(), MESSAGE_COUNT, 64 * KIB),
    encoding('request', (writer, i) => writeRequest(writer, i, 0, BLOCK_BYTES)),
    encoding('have', (writer, i) => writeHave(writer, i)),
    encoding('piece header', (writer, i) =>
      writePieceHeader(writer.bytes, writer.extend(PIECE_HEADER_BYTES), i, 0, BLOCK_BYTES),
    ),
    receiving('block, chunks of 64 KiB', blocks(), BLOCK_COUNT, 64 * KIB),
    receiving('block, chunks of 512 KiB', blocks(), BLOCK_COUNT, 512 * KIB),
    receiving('have', haves(), MESSAGE_COUNT, 64 * KIB),
    requestTurns(),
  ],
};
