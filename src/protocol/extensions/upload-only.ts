// upload_only as a message of its own: BEP 21 has the key in the extension handshake only; libtorrent and µTorrent send
// this when a peer finishes, or starts to want more, while the connection lasts. One byte: 0 or not.

export function encodeUploadOnly(uploadOnly: boolean): Uint8Array {
  return Uint8Array.of(uploadOnly ? 1 : 0);
}

/** Undefined when the length is wrong: nothing is specified, so it is no fault of the peer's. */
export function decodeUploadOnly(payload: Uint8Array): boolean | undefined {
  return payload.length === 1 ? payload[0] !== 0 : undefined;
}
