// A peer played by a test: what it sends, byte for byte, to a connection of ours, and what that reports.
import { expect } from 'vitest';
import { BLOCK_BYTES } from '../../limits.ts';
import { encodeHandshake, type Handshake } from '../handshake.ts';
import { PeerConnection } from '../peer-connection.ts';
import type { PieceSizes } from '../piece-sizes.ts';
import * as encode from '../wire-encoder.ts';
import { WireWriter } from '../wire-encoder.ts';
import * as wire from '../wire-event.ts';

export const PIECE_BYTES = 2 * BLOCK_BYTES;
/** Eleven pieces, the last of 100 bytes. */
export const PIECES: PieceSizes = { pieceCount: 11, bytesOfPiece: (index) => (index === 10 ? 100 : PIECE_BYTES) };

export const OURS: Handshake = {
  infoHash: new Uint8Array(20).fill(1),
  peerId: new Uint8Array(20).fill(2),
  extensionProtocol: true,
  fast: true,
  dht: true,
  v2: false,
};
export const THEIRS: Handshake = { ...OURS, peerId: new Uint8Array(20).fill(3) };

const eventNames = new Map<number, string>(
  Object.entries(wire).map(([name, value]) => [value as number, name.slice('WIRE_'.length)]),
);

/** Names of the events in `bytes`, a violation by its code. */
export function receive(connection: PeerConnection, bytes: Uint8Array, nowMs = 0): string[] {
  connection.push(bytes, nowMs);
  return drain(connection);
}

export function drain(connection: PeerConnection): string[] {
  const names: string[] = [];
  for (let event = connection.next(); event !== wire.WIRE_NEED_MORE; event = connection.next()) {
    names.push(event === wire.WIRE_VIOLATION ? connection.message.violation.code : eventNames.get(event)!);
  }
  return names;
}

export function message(...writes: ((writer: WireWriter) => void)[]): Uint8Array {
  const writer = new WireWriter();
  for (const write of writes) write(writer);
  return writer.take();
}

/** A dialled connection whose handshakes are done and whose outgoing bytes are drained. */
export function openConnection(
  options: { theirs?: Partial<Handshake>; pieces?: PieceSizes | undefined } = {},
): PeerConnection {
  const pieces = 'pieces' in options ? options.pieces : PIECES;
  const connection = new PeerConnection({ nowMs: 0, handshake: OURS, pieces });
  expect(receive(connection, encodeHandshake({ ...THEIRS, ...options.theirs }))).toEqual(['HANDSHAKE']);
  connection.takeOutgoing(0);
  return connection;
}

export const have = (index: number) => (writer: WireWriter) => encode.writeHave(writer, index);
export const request =
  (index: number, begin = 0, length = BLOCK_BYTES) =>
  (writer: WireWriter) =>
    encode.writeRequest(writer, index, begin, length);
export const bitfield =
  (...bytes: number[]) =>
  (writer: WireWriter) =>
    writer.append(Uint8Array.of(0, 0, 0, 1 + bytes.length, 5, ...bytes));
export const extended = (id: number, payload: Uint8Array) => (writer: WireWriter) =>
  encode.writeExtended(writer, id, payload);
export const block =
  (index: number, begin = 0, length = 10) =>
  (writer: WireWriter) =>
    encode.writePiece(writer, index, begin, new Uint8Array(length));
