// Hashes of small inputs and signatures on the caller's thread, and the secure random source. Large hashing is the disk's
// work.
import type { Random } from '../base/random.ts';

export interface Crypto {
  /** 20 bytes. */
  sha1(bytes: Uint8Array): Uint8Array;
  /** 32 bytes. */
  sha256(bytes: Uint8Array): Uint8Array;
  /** Ed25519 (RFC 8032): whether the 64-byte signature of the message fits the 32-byte public key; false for anything else. */
  verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** The 64-byte signature by the key whose 32-byte seed this is. */
  signEd25519(seed: Uint8Array, message: Uint8Array): Uint8Array;
  /** The 32-byte public key that belongs to a seed. */
  ed25519PublicKey(seed: Uint8Array): Uint8Array;
  readonly random: Random;
}
