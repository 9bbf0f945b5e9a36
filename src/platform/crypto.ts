// Hashes of small inputs on the caller's thread, and the secure random source. Large hashing is the disk's work.
import type { Random } from '../base/random.ts';

export interface Crypto {
  /** 20 bytes. */
  sha1(bytes: Uint8Array): Uint8Array;
  /** 32 bytes. */
  sha256(bytes: Uint8Array): Uint8Array;
  readonly random: Random;
}
