// The 68 bytes that open a connection (BEP 3), with the reserved bits of BEP 5, 6, 10 and 52. Knows no torrent: who
// compares the info-hash is PeerConnection's business, who recognises its own peer id the engine's.
import { type Violation, violationOf } from './violation.ts';

export interface Handshake {
  /** 20 bytes; of a v2 torrent the first 20 of its SHA-256 (BEP 52). */
  readonly infoHash: Uint8Array;
  /** 20 bytes. */
  readonly peerId: Uint8Array;
  /** BEP 10. */
  readonly extensionProtocol: boolean;
  /** BEP 6. */
  readonly fast: boolean;
  /** BEP 5. */
  readonly dht: boolean;
  /** BEP 52: the sender of a hybrid's v1 info-hash also speaks v2. */
  readonly v2: boolean;
}

export const HANDSHAKE_BYTES = 68;

/** Byte 19 and the protocol's name. */
const PREFIX = Uint8Array.from('\x13BitTorrent protocol', (character) => character.charCodeAt(0));
const RESERVED_OFFSET = 20;
const INFO_HASH_OFFSET = 28;
const PEER_ID_OFFSET = 48;
const EXTENSION_BIT = 0x10; // reserved[5]
const DHT_BIT = 0x01; // reserved[7], as the two below
const FAST_BIT = 0x04;
const V2_BIT = 0x10;

export function encodeHandshake(handshake: Handshake): Uint8Array {
  const bytes = new Uint8Array(HANDSHAKE_BYTES);
  bytes.set(PREFIX);
  if (handshake.extensionProtocol) bytes[RESERVED_OFFSET + 5]! |= EXTENSION_BIT;
  if (handshake.dht) bytes[RESERVED_OFFSET + 7]! |= DHT_BIT;
  if (handshake.fast) bytes[RESERVED_OFFSET + 7]! |= FAST_BIT;
  if (handshake.v2) bytes[RESERVED_OFFSET + 7]! |= V2_BIT;
  bytes.set(handshake.infoHash, INFO_HASH_OFFSET);
  bytes.set(handshake.peerId, PEER_ID_OFFSET);
  return bytes;
}

/** Decodes 68 bytes, of which it keeps copies only. */
export function decodeHandshake(bytes: Uint8Array): Handshake | Violation {
  if (bytes.length !== HANDSHAKE_BYTES || !startsLikeHandshake(bytes)) return violationOf('WIRE_HANDSHAKE_INVALID');
  return {
    infoHash: bytes.slice(INFO_HASH_OFFSET, PEER_ID_OFFSET),
    peerId: bytes.slice(PEER_ID_OFFSET),
    extensionProtocol: (bytes[RESERVED_OFFSET + 5]! & EXTENSION_BIT) !== 0,
    fast: (bytes[RESERVED_OFFSET + 7]! & FAST_BIT) !== 0,
    dht: (bytes[RESERVED_OFFSET + 7]! & DHT_BIT) !== 0,
    v2: (bytes[RESERVED_OFFSET + 7]! & V2_BIT) !== 0,
  };
}

/** False as soon as a byte tells that this is no handshake: a stranger need not be read to the end. */
function startsLikeHandshake(bytes: Uint8Array): boolean {
  const shared = Math.min(bytes.length, PREFIX.length);
  for (let i = 0; i < shared; i++) if (bytes[i] !== PREFIX[i]) return false;
  return true;
}

/** Collects the 68 bytes, which may come in any parts. */
export class HandshakeReader {
  readonly #bytes = new Uint8Array(HANDSHAKE_BYTES);
  #length = 0;

  /** Takes what it still lacks from `chunk[start..end)` and returns how many bytes that were. */
  take(chunk: Uint8Array, start: number, end: number): number {
    const taken = Math.min(HANDSHAKE_BYTES - this.#length, end - start);
    this.#bytes.set(chunk.subarray(start, start + taken), this.#length);
    this.#length += taken;
    return taken;
  }

  /** Undefined while bytes are missing and nothing is wrong with those that came. */
  result(): Handshake | Violation | undefined {
    if (this.#length === HANDSHAKE_BYTES) return decodeHandshake(this.#bytes);
    return startsLikeHandshake(this.#bytes.subarray(0, this.#length))
      ? undefined
      : violationOf('WIRE_HANDSHAKE_INVALID');
  }
}
