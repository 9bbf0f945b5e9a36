// Write tokens (BEP 5): what a node must have been given by us at its own address before it may store something here. Eight
// bytes of an HMAC over address and target under a secret that changes; the secret before is still taken.
import { bytesEqual, concatBytes } from '../../base/bytes.ts';
import { type Random, randomBytes } from '../../base/random.ts';

const TOKEN_BYTES = 8;
const SECRET_BYTES = 32;
const HMAC_BLOCK_BYTES = 64;
/** BEP 5: the secret changes every five minutes, tokens of up to ten minutes are taken. */
const SECRET_LIFETIME_MS = 300_000;

export interface TokenKeeperOptions {
  readonly sha256: (bytes: Uint8Array) => Uint8Array;
  /** Secure: who guesses the secret can store in the name of others. */
  readonly random: Random;
}

interface Secret {
  readonly innerPad: Uint8Array;
  readonly outerPad: Uint8Array;
}

export class TokenKeeper {
  readonly #options: TokenKeeperOptions;
  #secret: Secret;
  #secretBefore: Secret | undefined;
  #changesAtMs: number;

  constructor(options: TokenKeeperOptions, nowMs: number) {
    this.#options = options;
    this.#secret = this.#draw();
    this.#changesAtMs = nowMs + SECRET_LIFETIME_MS;
  }

  /** For the node at this address (without its port: NATs change it) and this target. */
  tokenFor(address: Uint8Array, target: Uint8Array, nowMs: number): Uint8Array {
    this.#turn(nowMs);
    return this.#sign(this.#secret, address, target);
  }

  isValid(token: Uint8Array, address: Uint8Array, target: Uint8Array, nowMs: number): boolean {
    this.#turn(nowMs);
    if (token.length !== TOKEN_BYTES) return false;
    if (bytesEqual(token, this.#sign(this.#secret, address, target))) return true;
    return this.#secretBefore !== undefined && bytesEqual(token, this.#sign(this.#secretBefore, address, target));
  }

  #turn(nowMs: number): void {
    if (nowMs < this.#changesAtMs) return;
    this.#secretBefore = nowMs < this.#changesAtMs + SECRET_LIFETIME_MS ? this.#secret : undefined;
    this.#secret = this.#draw();
    this.#changesAtMs = nowMs + SECRET_LIFETIME_MS;
  }

  #draw(): Secret {
    const key = randomBytes(this.#options.random, new Uint8Array(SECRET_BYTES));
    const pad = (mask: number): Uint8Array => {
      const padded = new Uint8Array(HMAC_BLOCK_BYTES).fill(mask);
      for (let i = 0; i < SECRET_BYTES; i++) padded[i] = key[i]! ^ mask;
      return padded;
    };
    return { innerPad: pad(0x36), outerPad: pad(0x5c) };
  }

  /** RFC 2104. */
  #sign({ innerPad, outerPad }: Secret, address: Uint8Array, target: Uint8Array): Uint8Array {
    const { sha256 } = this.#options;
    const inner = sha256(concatBytes([innerPad, address, target]));
    return sha256(concatBytes([outerPad, inner])).slice(0, TOKEN_BYTES);
  }
}
