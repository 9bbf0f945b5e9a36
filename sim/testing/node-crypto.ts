// The hashes that simulations run with. Only tests and the runner import this: the world itself takes any `Crypto`.
import { createHash } from 'node:crypto';
import { type Random, seededRandom } from '../../src/base/random.ts';
import type { Crypto } from '../../src/platform/crypto.ts';

function digest(algorithm: string, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash(algorithm).update(bytes).digest());
}

/** Real hashes; randomness that one seed decides. */
export function nodeCrypto(random: Random = seededRandom(1)): Crypto {
  return { sha1: (bytes) => digest('sha1', bytes), sha256: (bytes) => digest('sha256', bytes), random };
}
