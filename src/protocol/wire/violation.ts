// What a peer can do wrong on the wire, and what we do about it: one table decides. A violation is a value, never an
// exception; docs/errors.md has a sentence for each code. Knows no connection and no message.

export type ViolationCode =
  | 'WIRE_HANDSHAKE_INVALID'
  | 'WIRE_HANDSHAKE_TIMEOUT'
  | 'WIRE_INFO_HASH_MISMATCH'
  | 'WIRE_PEER_TIMEOUT'
  | 'WIRE_MESSAGE_TOO_LONG'
  | 'WIRE_MESSAGE_LENGTH_INVALID'
  | 'WIRE_BITFIELD_LENGTH_INVALID'
  | 'WIRE_BITFIELD_SPARE_BITS'
  | 'WIRE_BITFIELD_UNEXPECTED'
  | 'WIRE_FAST_NOT_NEGOTIATED'
  | 'WIRE_PIECE_INDEX_INVALID'
  | 'WIRE_REQUEST_INVALID'
  | 'WIRE_REQUEST_CHOKED'
  | 'WIRE_REQUESTS_TOO_MANY_INVALID'
  | 'WIRE_BLOCK_INVALID'
  | 'WIRE_BLOCKS_TOO_MANY_UNSOLICITED'
  | 'WIRE_EXTENSION_NOT_NEGOTIATED'
  | 'WIRE_EXTENSION_HANDSHAKE_INVALID'
  | 'WIRE_EXTENSION_HANDSHAKES_TOO_MANY'
  | 'WIRE_EXTENSION_MESSAGE_INVALID'
  | 'WIRE_HASH_REQUEST_INVALID'
  | 'WIRE_HASHES_INVALID'
  | 'WIRE_PEX_TOO_OFTEN';

/**
 * `ignore`: the message is dropped. `reject`: the request is refused, the connection lives. `disconnect`: the
 * connection ends. `ban`: it ends, and the address is not met again for a day.
 */
export type Reaction = 'ignore' | 'reject' | 'disconnect' | 'ban';

export interface Violation {
  readonly code: ViolationCode;
  readonly reaction: Reaction;
}

const REACTIONS: Readonly<Record<ViolationCode, Reaction>> = {
  WIRE_HANDSHAKE_INVALID: 'disconnect',
  WIRE_HANDSHAKE_TIMEOUT: 'disconnect',
  WIRE_INFO_HASH_MISMATCH: 'disconnect',
  WIRE_PEER_TIMEOUT: 'disconnect',
  WIRE_MESSAGE_TOO_LONG: 'disconnect',
  WIRE_MESSAGE_LENGTH_INVALID: 'disconnect',
  WIRE_BITFIELD_LENGTH_INVALID: 'disconnect',
  WIRE_BITFIELD_SPARE_BITS: 'disconnect',
  WIRE_BITFIELD_UNEXPECTED: 'disconnect',
  WIRE_FAST_NOT_NEGOTIATED: 'disconnect',
  WIRE_PIECE_INDEX_INVALID: 'disconnect',
  WIRE_REQUEST_INVALID: 'reject',
  WIRE_REQUEST_CHOKED: 'reject',
  WIRE_REQUESTS_TOO_MANY_INVALID: 'disconnect',
  WIRE_BLOCK_INVALID: 'disconnect',
  WIRE_BLOCKS_TOO_MANY_UNSOLICITED: 'disconnect',
  WIRE_EXTENSION_NOT_NEGOTIATED: 'disconnect',
  // A handshake we cannot read costs us the peer's extensions, not the peer.
  WIRE_EXTENSION_HANDSHAKE_INVALID: 'ignore',
  WIRE_EXTENSION_HANDSHAKES_TOO_MANY: 'disconnect',
  WIRE_EXTENSION_MESSAGE_INVALID: 'disconnect',
  WIRE_HASH_REQUEST_INVALID: 'reject',
  WIRE_HASHES_INVALID: 'disconnect',
  WIRE_PEX_TOO_OFTEN: 'disconnect',
};

const VIOLATIONS: ReadonlyMap<ViolationCode, Violation> = new Map(
  (Object.keys(REACTIONS) as ViolationCode[]).map((code) => [code, Object.freeze({ code, reaction: REACTIONS[code] })]),
);

/** The violation of that code; always the same frozen object. */
export function violationOf(code: ViolationCode): Violation {
  return VIOLATIONS.get(code)!;
}

/** True when the connection must end. */
export function isFatal(violation: Violation): boolean {
  return violation.reaction === 'disconnect' || violation.reaction === 'ban';
}
