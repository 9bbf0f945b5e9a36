// Peer messages as bytes (BEP 3, 6, 10), written down apart from the engine's codecs: here nothing is checked, so that
// anything can be sent, and a mistake in the engine's codecs cannot hide behind the same mistake here.
import { concatBytes, encodeUtf8, readUint32, writeUint32 } from '../../src/base/bytes.ts';

export const CHOKE = 0;
export const UNCHOKE = 1;
export const INTERESTED = 2;
export const NOT_INTERESTED = 3;
export const HAVE = 4;
export const BITFIELD = 5;
export const REQUEST = 6;
export const PIECE = 7;
export const CANCEL = 8;
export const PORT = 9;
export const SUGGEST = 13;
export const HAVE_ALL = 14;
export const HAVE_NONE = 15;
export const REJECT = 16;
export const ALLOWED_FAST = 17;
export const EXTENDED = 20;
export const HASH_REQUEST = 21;
export const HASHES = 22;
export const HASH_REJECT = 23;

export interface RawHandshake {
  readonly infoHash: Uint8Array;
  readonly peerId: Uint8Array;
  /** The eight reserved bytes. @defaultValue fast and extension bits */
  readonly reserved?: Uint8Array;
}

export const RESERVED_FAST_AND_EXTENSIONS: Uint8Array = Uint8Array.of(0, 0, 0, 0, 0, 0x10, 0, 0x04);
export const RESERVED_NOTHING: Uint8Array = new Uint8Array(8);

export function rawHandshake({ infoHash, peerId, reserved = RESERVED_FAST_AND_EXTENSIONS }: RawHandshake): Uint8Array {
  return concatBytes([Uint8Array.of(19), encodeUtf8('BitTorrent protocol'), reserved, infoHash, peerId]);
}

/** A message of 32-bit numbers, then bytes; its length prefix is right unless another one is given. */
export function rawMessage(
  id: number,
  numbers: readonly number[] = [],
  bytes: Uint8Array = new Uint8Array(0),
  lengthPrefix: number = 1 + numbers.length * 4 + bytes.length,
): Uint8Array {
  const message = new Uint8Array(5 + numbers.length * 4 + bytes.length);
  writeUint32(message, 0, lengthPrefix);
  message[4] = id;
  numbers.forEach((number, index) => {
    writeUint32(message, 5 + index * 4, number);
  });
  message.set(bytes, 5 + numbers.length * 4);
  return message;
}

export interface RawMessage {
  readonly id: number;
  readonly payload: Uint8Array;
  /** The first three 32-bit numbers of the payload, as far as there are any. */
  readonly numbers: readonly number[];
}

/** Cuts a stream into the handshake and then messages; keep-alives are left out. */
export class RawSplitter {
  #bytes = new Uint8Array(0);
  handshake: { readonly reserved: Uint8Array; readonly infoHash: Uint8Array; readonly peerId: Uint8Array } | undefined;

  push(chunk: Uint8Array): RawMessage[] {
    this.#bytes = new Uint8Array(concatBytes([this.#bytes, chunk]));
    if (this.handshake === undefined) {
      if (this.#bytes.length < 68) return [];
      this.handshake = {
        reserved: this.#bytes.slice(20, 28),
        infoHash: this.#bytes.slice(28, 48),
        peerId: this.#bytes.slice(48, 68),
      };
      this.#bytes = this.#bytes.slice(68);
    }
    const messages: RawMessage[] = [];
    let offset = 0;
    while (this.#bytes.length - offset >= 4) {
      const end = offset + 4 + readUint32(this.#bytes, offset);
      if (end > this.#bytes.length) break;
      if (end > offset + 4) messages.push(messageOf(this.#bytes[offset + 4]!, this.#bytes.slice(offset + 5, end)));
      offset = end;
    }
    this.#bytes = this.#bytes.slice(offset);
    return messages;
  }
}

function messageOf(id: number, payload: Uint8Array): RawMessage {
  const numbers: number[] = [];
  for (let offset = 0; offset + 4 <= payload.length && offset < 12; offset += 4) {
    numbers.push(readUint32(payload, offset));
  }
  return { id, payload, numbers };
}
