// Makes inputs out of inputs: a few random edits of a corpus entry, replayable from the random source. Knows no
// format; text fragments that the entries have in common with each other spread by splicing.
import { type Random, randomBelow } from '../src/base/random.ts';

const EDITS_MAX = 6;
const INPUT_MAX_BYTES = 65_536;
const INTERESTING_BYTES = Uint8Array.of(0, 1, 0x7f, 0x80, 0xff, 0x30, 0x39, 0x3a, 0x2d, 0x64, 0x65, 0x69, 0x6c);
const INTERESTING_NUMBERS = ['0', '1', '-1', '4294967295', '2147483648', '9007199254740993', '18446744073709551615'];

export class Mutator {
  readonly #random: Random;
  readonly #corpus: readonly Uint8Array[];

  constructor(random: Random, corpus: readonly Uint8Array[]) {
    this.#random = random;
    this.#corpus = corpus.length > 0 ? corpus : [new Uint8Array(0)];
  }

  /** The next input; its bytes are its own. */
  next(): Uint8Array {
    let bytes: Uint8Array = this.#entry().slice();
    const edits = 1 + this.#below(EDITS_MAX);
    for (let i = 0; i < edits; i++) bytes = this.#edit(bytes);
    return bytes.length > INPUT_MAX_BYTES ? bytes.slice(0, INPUT_MAX_BYTES) : bytes;
  }

  #below(limit: number): number {
    return randomBelow(this.#random, Math.max(limit, 1));
  }

  #entry(): Uint8Array {
    return this.#corpus[this.#below(this.#corpus.length)]!;
  }

  #edit(bytes: Uint8Array): Uint8Array {
    const at = this.#below(bytes.length + 1);
    const length = 1 + this.#below(Math.min(bytes.length - at, 1 << this.#below(8)));
    switch (this.#below(9)) {
      case 0:
        if (at < bytes.length) bytes[at]! ^= 1 << this.#below(8);
        return bytes;
      case 1:
        if (at < bytes.length) bytes[at] = this.#below(256);
        return bytes;
      case 2:
        if (at < bytes.length) bytes[at] = INTERESTING_BYTES[this.#below(INTERESTING_BYTES.length)]!;
        return bytes;
      case 3:
        return replaced(
          bytes,
          at,
          0,
          Uint8Array.from({ length }, () => this.#below(256)),
        );
      case 4:
        return replaced(bytes, at, length, new Uint8Array(0));
      case 5: // a span twice
        return replaced(bytes, at, 0, bytes.slice(at, at + length));
      case 6: {
        const other = this.#entry();
        const from = this.#below(other.length + 1);
        return replaced(bytes, at, length, other.slice(from, from + 1 + this.#below(64)));
      }
      case 7:
        return bytes.slice(0, at);
      default: {
        const text = INTERESTING_NUMBERS[this.#below(INTERESTING_NUMBERS.length)]!;
        const digits = Uint8Array.from(text, (character) => character.charCodeAt(0));
        return replaced(bytes, at, this.#below(4), digits);
      }
    }
  }
}

function replaced(bytes: Uint8Array, at: number, count: number, by: Uint8Array): Uint8Array {
  const tail = bytes.subarray(Math.min(bytes.length, at + count));
  const result = new Uint8Array(at + by.length + tail.length);
  result.set(bytes.subarray(0, at));
  result.set(by, at);
  result.set(tail, at + by.length);
  return result;
}
