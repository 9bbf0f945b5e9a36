// What the readers of a torrent share: the hashes, and the first rule that was broken.

import type { Parsed } from './metainfo.ts';

export interface MetainfoCrypto {
  /** 20 bytes. */
  sha1(bytes: Uint8Array): Uint8Array;
  /** 32 bytes. */
  sha256(bytes: Uint8Array): Uint8Array;
}

/** Every reader gives undefined once a rule is broken; the sentence stands here. */
export class MetainfoReading {
  readonly crypto: MetainfoCrypto;
  #message: string | undefined;

  constructor(crypto: MetainfoCrypto) {
    this.crypto = crypto;
  }

  /** Notes the sentence, unless one is noted already. Returns undefined so that a reader can return it. */
  fail(message: string): undefined {
    this.#message ??= message;
    return undefined;
  }

  /** The reader's outcome: its value, or the problem that it has noted. */
  outcome<Value>(value: Value | undefined): Parsed<Value> {
    if (value !== undefined) return { ok: true, value };
    return {
      ok: false,
      problem: { code: 'METAINFO_INVALID', message: this.#message ?? 'The torrent cannot be read.' },
    };
  }
}
