// What the wire reports, as small integers for the hot switch. An event that is a message has the message's id
// (BEP 3, 5, 6, 10, 52); the others start at 64. Values only.

export const WIRE_CHOKE = 0;
export const WIRE_UNCHOKE = 1;
export const WIRE_INTERESTED = 2;
export const WIRE_NOT_INTERESTED = 3;
export const WIRE_HAVE = 4;
export const WIRE_BITFIELD = 5;
export const WIRE_REQUEST = 6;
/** A part of a piece message's block, or all of it. */
export const WIRE_BLOCK_DATA = 7;
export const WIRE_CANCEL = 8;
export const WIRE_PORT = 9;
export const WIRE_SUGGEST = 13;
export const WIRE_HAVE_ALL = 14;
export const WIRE_HAVE_NONE = 15;
export const WIRE_REJECT = 16;
export const WIRE_ALLOWED_FAST = 17;
export const WIRE_EXTENDED = 20;
export const WIRE_HASH_REQUEST = 21;
export const WIRE_HASHES = 22;
export const WIRE_HASH_REJECT = 23;
/** The bytes pushed so far hold nothing more. */
export const WIRE_NEED_MORE = 64;
export const WIRE_KEEP_ALIVE = 65;
export const WIRE_VIOLATION = 66;
/** Reported by `PeerConnection` only: the peer's handshake is complete. */
export const WIRE_HANDSHAKE = 67;
/** Reported by `PeerConnection` only: extended message 0, decoded. */
export const WIRE_EXTENSION_HANDSHAKE = 68;
/** Reported by `PeerConnection` only: lt_donthave (BEP 54). */
export const WIRE_DONT_HAVE = 69;
/** Reported by `PeerConnection` only: the peer became upload-only, or ceased to be (BEP 21). */
export const WIRE_UPLOAD_ONLY = 70;

export type WireEvent =
  | typeof WIRE_CHOKE
  | typeof WIRE_UNCHOKE
  | typeof WIRE_INTERESTED
  | typeof WIRE_NOT_INTERESTED
  | typeof WIRE_HAVE
  | typeof WIRE_BITFIELD
  | typeof WIRE_REQUEST
  | typeof WIRE_BLOCK_DATA
  | typeof WIRE_CANCEL
  | typeof WIRE_PORT
  | typeof WIRE_SUGGEST
  | typeof WIRE_HAVE_ALL
  | typeof WIRE_HAVE_NONE
  | typeof WIRE_REJECT
  | typeof WIRE_ALLOWED_FAST
  | typeof WIRE_EXTENDED
  | typeof WIRE_HASH_REQUEST
  | typeof WIRE_HASHES
  | typeof WIRE_HASH_REJECT
  | typeof WIRE_NEED_MORE
  | typeof WIRE_KEEP_ALIVE
  | typeof WIRE_VIOLATION
  | typeof WIRE_HANDSHAKE
  | typeof WIRE_EXTENSION_HANDSHAKE
  | typeof WIRE_DONT_HAVE
  | typeof WIRE_UPLOAD_ONLY;
