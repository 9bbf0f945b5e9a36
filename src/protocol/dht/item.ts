// What the DHT stores besides peers (BEP 44): an immutable value under its SHA-1, a mutable one under that of its public key
// and salt. Owns what is hashed and what is signed; hashing and signing are the caller's.
import { concatBytes, encodeUtf8 } from '../../base/bytes.ts';

/** `v`, `salt` and the rest as they travel. */
export interface MutableItem {
  /** Bencoded, as it stood in the message. */
  readonly value: Uint8Array;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly seq: number;
  /** 64 bytes. */
  readonly signature: Uint8Array;
}

export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

type Sha1 = (bytes: Uint8Array) => Uint8Array;

export function immutableTarget(value: Uint8Array, sha1: Sha1): Uint8Array {
  return sha1(value);
}

export function mutableTarget(publicKey: Uint8Array, salt: Uint8Array, sha1: Sha1): Uint8Array {
  return sha1(concatBytes([publicKey, salt]));
}

/** The bytes that a mutable item's signature covers (BEP 44, "Signature Verification"). */
export function signedBytes(value: Uint8Array, seq: number, salt: Uint8Array): Uint8Array {
  const parts = [encodeUtf8(`3:seqi${seq}e1:v`), value];
  if (salt.length > 0) parts.unshift(encodeUtf8(`4:salt${salt.length}:`), salt);
  return concatBytes(parts);
}
