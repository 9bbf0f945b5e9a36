// Small hashes and secure random numbers from node:crypto, which is loaded with the first of them: the start of a program
// does not wait for it.
import type { Random } from '../../base/random.ts';
import type { Crypto } from '../../platform/crypto.ts';
import { ed25519PublicKey, signEd25519, verifyEd25519 } from './ed25519.ts';

const POOL_WORDS = 256;

/** Draws from the system's generator, a pool of words at a time. */
class SystemRandom implements Random {
  readonly #pool = new Uint32Array(POOL_WORDS);
  #next = POOL_WORDS;

  uint32(): number {
    if (this.#next === POOL_WORDS) {
      process.getBuiltinModule('node:crypto').randomFillSync(this.#pool);
      this.#next = 0;
    }
    const word = this.#pool[this.#next]!;
    // A drawn number is forgotten, so that nothing can read it later.
    this.#pool[this.#next++] = 0;
    return word;
  }
}

export class NodeCrypto implements Crypto {
  readonly random: Random = new SystemRandom();

  sha1(bytes: Uint8Array): Uint8Array {
    return digestOf('sha1', bytes);
  }

  sha256(bytes: Uint8Array): Uint8Array {
    return digestOf('sha256', bytes);
  }

  verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
    return verifyEd25519(publicKey, message, signature);
  }

  signEd25519(seed: Uint8Array, message: Uint8Array): Uint8Array {
    return signEd25519(seed, message);
  }

  ed25519PublicKey(seed: Uint8Array): Uint8Array {
    return ed25519PublicKey(seed);
  }
}

function digestOf(algorithm: 'sha1' | 'sha256', bytes: Uint8Array): Uint8Array {
  return new Uint8Array(process.getBuiltinModule('node:crypto').createHash(algorithm).update(bytes).digest());
}
