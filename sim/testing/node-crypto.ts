// The hashes that simulations run with. Only tests and the runner import this: the world itself takes any `Crypto`.
import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { type Random, seededRandom } from '../../src/base/random.ts';
import type { Crypto } from '../../src/platform/crypto.ts';

function digest(algorithm: string, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash(algorithm).update(bytes).digest());
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const PKCS8_PREFIX = '302e020100300506032b657004220420';

function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: base64(publicKey) }, format: 'jwk' });
    return verify(null, message, key, signature);
  } catch {
    // No key of the curve.
    return false;
  }
}

function privateKeyOf(seed: Uint8Array): ReturnType<typeof createPrivateKey> {
  const der = Buffer.concat([Buffer.from(PKCS8_PREFIX, 'hex'), seed]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

function ed25519PublicKey(seed: Uint8Array): Uint8Array {
  const { x } = createPublicKey(privateKeyOf(seed)).export({ format: 'jwk' });
  return new Uint8Array(Buffer.from(x ?? '', 'base64url'));
}

/** Real hashes; randomness that one seed decides. */
export function nodeCrypto(random: Random = seededRandom(1)): Crypto {
  return {
    sha1: (bytes) => digest('sha1', bytes),
    sha256: (bytes) => digest('sha256', bytes),
    verifyEd25519,
    signEd25519: (seed, message) => new Uint8Array(sign(null, message, privateKeyOf(seed))),
    ed25519PublicKey,
    random,
  };
}
