// Ed25519 over node:crypto, with keys as their 32 raw bytes (RFC 8032). Node wants keys wrapped in ASN.1 (RFC 8410), whose
// first bytes are the same for every key.
import type { KeyObject } from 'node:crypto';

const PUBLIC_KEY_BYTES = 32;
const SEED_BYTES = 32;
const SPKI_PREFIX = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00);
const PKCS8_PREFIX = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20);

export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== PUBLIC_KEY_BYTES) return false;
  const { createPublicKey, verify } = process.getBuiltinModule('node:crypto');
  try {
    const key = createPublicKey({ key: wrap(SPKI_PREFIX, publicKey), format: 'der', type: 'spki' });
    return verify(null, message, key, signature);
  } catch {
    // Bytes that are no point of the curve are no key: nothing is signed by it.
    return false;
  }
}

/** @throws {RangeError} the seed has not 32 bytes. */
export function signEd25519(seed: Uint8Array, message: Uint8Array): Uint8Array {
  const { sign } = process.getBuiltinModule('node:crypto');
  return new Uint8Array(sign(null, message, privateKeyOf(seed)));
}

/** @throws {RangeError} the seed has not 32 bytes. */
export function ed25519PublicKey(seed: Uint8Array): Uint8Array {
  const { createPublicKey } = process.getBuiltinModule('node:crypto');
  const spki = createPublicKey(privateKeyOf(seed)).export({ format: 'der', type: 'spki' });
  return new Uint8Array(spki.subarray(spki.length - PUBLIC_KEY_BYTES));
}

function privateKeyOf(seed: Uint8Array): KeyObject {
  if (seed.length !== SEED_BYTES) throw new RangeError(`an Ed25519 seed has ${SEED_BYTES} bytes, not ${seed.length}`);
  const { createPrivateKey } = process.getBuiltinModule('node:crypto');
  return createPrivateKey({ key: wrap(PKCS8_PREFIX, seed), format: 'der', type: 'pkcs8' });
}

function wrap(prefix: Uint8Array, key: Uint8Array): Buffer {
  return Buffer.concat([prefix, key]);
}
