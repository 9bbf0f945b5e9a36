// A whole peer connection: the first byte picks the circumstances, the second how the rest is cut, the rest is what
// the peer sends. Whatever is reported must be true, and the same however the bytes were cut.
import { concatBytes, encodeUtf8 } from '../../src/base/bytes.ts';
import { encodeExtensionHandshake } from '../../src/protocol/extensions/extension-handshake.ts';
import { encodeHandshake, type Handshake } from '../../src/protocol/wire/handshake.ts';
import { PeerConnection } from '../../src/protocol/wire/peer-connection.ts';
import type { PieceSizes } from '../../src/protocol/wire/piece-sizes.ts';
import * as encode from '../../src/protocol/wire/wire-encoder.ts';
import { WireWriter } from '../../src/protocol/wire/wire-encoder.ts';
import * as wire from '../../src/protocol/wire/wire-event.ts';

export const name = 'wire';

const PIECE_BYTES = 40_000;
const PIECES: PieceSizes = { pieceCount: 21, bytesOfPiece: (index) => (index === 20 ? 123 : PIECE_BYTES) };
const HANDSHAKE: Handshake = {
  infoHash: encodeUtf8('iiiiiiiiiiiiiiiiiiii'),
  peerId: encodeUtf8('-XX0000-pppppppppppp'),
  extensionProtocol: true,
  fast: true,
  dht: true,
  v2: false,
};
const HASH_REQUEST = { piecesRoot: new Uint8Array(32), baseLayer: 0, index: 0, length: 2, proofLayers: 4 };

function seed(circumstances: number, ...writes: ((writer: WireWriter) => void)[]): Uint8Array {
  const writer = new WireWriter();
  writer.append(Uint8Array.of(circumstances, 7));
  for (const write of writes) write(writer);
  return writer.take();
}

const talk = [
  encode.writeUnchoke,
  encode.writeInterested,
  (writer: WireWriter) => encode.writeHave(writer, 3),
  (writer: WireWriter) => encode.writeRequest(writer, 3, 0, 16_384),
  (writer: WireWriter) => encode.writePiece(writer, 20, 100, new Uint8Array(23)),
  (writer: WireWriter) => encode.writeCancel(writer, 3, 0, 16_384),
  (writer: WireWriter) => encode.writeReject(writer, 3, 0, 16_384),
  (writer: WireWriter) => encode.writeSuggest(writer, 20),
  (writer: WireWriter) => encode.writeAllowedFast(writer, 0),
  (writer: WireWriter) => encode.writePort(writer, 6_881),
  (writer: WireWriter) => encode.writeExtended(writer, 3, Uint8Array.of(0, 0, 0, 3)),
  (writer: WireWriter) => encode.writeExtended(writer, 4, Uint8Array.of(1)),
  (writer: WireWriter) => encode.writeHashRequest(writer, HASH_REQUEST),
  (writer: WireWriter) => encode.writeHashes(writer, HASH_REQUEST, new Uint8Array(128)),
  encode.writeKeepAlive,
  encode.writeChoke,
];
const bitfield = (writer: WireWriter): void => writer.append(Uint8Array.of(0, 0, 0, 4, 5, 0xf0, 0x0f, 0x08));
const handshake = (writer: WireWriter): void => {
  const messages = new Map([['ut_metadata', 3]]);
  encode.writeExtended(writer, 0, encodeExtensionHandshake({ messages, client: 'X', requestQueue: 9 }));
};

export const seeds: readonly Uint8Array[] = [
  seed(0, bitfield, handshake, ...talk),
  seed(1, handshake, bitfield, ...talk),
  seed(3, encode.writeHaveAll, handshake, ...talk),
  concatBytes([Uint8Array.of(4, 20), encodeHandshake(HANDSHAKE), seed(0, bitfield, ...talk).subarray(2)]),
];

export function run(bytes: Uint8Array): void {
  const circumstances = bytes[0] ?? 0;
  const partBytes = 1 + (bytes[1] ?? 0);
  const stream = bytes.subarray(2);
  const whole = transcript(circumstances, stream, Math.max(stream.length, 1));
  const parts = transcript(circumstances, stream, partBytes);
  if (whole.join('\n') !== parts.join('\n')) throw new Error(`cut differently, read differently:\n${whole}\n${parts}`);
}

/** Bit 0: the metadata is unknown. Bit 1: it becomes known at the end. Bit 2: the peer's handshake is in the bytes. */
function transcript(circumstances: number, stream: Uint8Array, partBytes: number): string[] {
  const isPiecesKnown = (circumstances & 1) === 0;
  const connection = new PeerConnection({
    nowMs: 0,
    handshake: HANDSHAKE,
    pieces: isPiecesKnown ? PIECES : undefined,
  });
  const lines: string[] = [];
  if ((circumstances & 4) === 0) feed(connection, encodeHandshake(HANDSHAKE), lines);
  for (let at = 0; at < stream.length; at += partBytes) {
    feed(connection, stream.slice(at, at + partBytes), lines);
    connection.takeOutgoing(0);
  }
  if (!isPiecesKnown && (circumstances & 2) !== 0 && !connection.isClosed) {
    connection.setPieces(PIECES);
    feed(connection, new Uint8Array(0), lines);
  }
  lines.push(`${connection.have?.count} ${connection.allowedFast.size} ${connection.peerRequestQueue}`);
  return lines;
}

function feed(connection: PeerConnection, chunk: Uint8Array, lines: string[]): void {
  connection.push(chunk, 0);
  for (let event = connection.next(); event !== wire.WIRE_NEED_MORE; event = connection.next()) {
    const { message } = connection;
    if (event === wire.WIRE_BLOCK_DATA) {
      check(message.dataStart <= message.dataEnd && message.dataEnd <= chunk.length, 'data lies within the chunk');
      check(message.begin + message.length <= PIECES.bytesOfPiece(message.pieceIndex), 'the block lies in its piece');
      check(message.blockOffset + message.dataEnd - message.dataStart <= message.length, 'the part lies in the block');
      if (!message.blockIsLast) continue;
    }
    if (event === wire.WIRE_HAVE) check(connection.have!.has(message.pieceIndex), 'a reported piece is in `have`');
    lines.push(event === wire.WIRE_VIOLATION ? message.violation.code : `${event}`);
  }
  chunk.fill(0xee);
}

function check(condition: boolean, sentence: string): void {
  if (!condition) throw new Error(`not true: ${sentence}`);
}
