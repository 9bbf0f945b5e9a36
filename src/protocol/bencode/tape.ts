// The strict bencode scanner (BEP 3, "bencoding"): checks a whole input once, without recursion and without making a
// value, and leaves a tape of where each token stands. Eight bytes a token, so that a hostile file costs no more
// than its token limit; values are made later, and only those that are asked for.

import { BENCODE_INTEGER_DIGITS_MAX } from '../limits.ts';

export interface BencodeLimits {
  /** Lists and dictionaries inside each other. */
  readonly maxDepth: number;
  /** Strings (keys too), integers, lists, dictionaries and their ends. */
  readonly maxTokens: number;
  /** Spaces, tabs and line ends may follow the value. */
  readonly allowTrailingWhitespace?: boolean;
  /** Anything may follow the value, as in a ut_metadata message (BEP 9). */
  readonly allowTrailingBytes?: boolean;
}

export type BencodeErrorCode =
  | 'UNEXPECTED_END'
  | 'UNEXPECTED_BYTE'
  | 'INTEGER_INVALID'
  | 'INTEGER_TOO_LONG'
  | 'LENGTH_INVALID'
  | 'LENGTH_TOO_LARGE'
  | 'KEY_NOT_STRING'
  | 'DEPTH_EXCEEDED'
  | 'TOKENS_EXCEEDED'
  | 'TRAILING_BYTES';

export interface BencodeError {
  readonly code: BencodeErrorCode;
  /** Of the byte that broke the rule. */
  readonly offset: number;
  /** A clause without capital and full stop: "the integer at byte 7 has a leading zero". */
  readonly message: string;
}

/** Where each token of a checked input starts. Tokens touch each other, so a value ends where its successor starts. */
export interface Tape {
  readonly bytes: Uint8Array;
  /** Offset of each token, and behind the last the offset where the value ends. */
  readonly starts: Uint32Array;
  /** Index of the token that follows the whole value which starts at this one. */
  readonly nexts: Uint32Array;
}

const BYTE_0 = 0x30;
const BYTE_9 = 0x39;
const BYTE_COLON = 0x3a;
const BYTE_MINUS = 0x2d;
const BYTE_D = 0x64;
const BYTE_E = 0x65;
const BYTE_I = 0x69;
const BYTE_L = 0x6c;

/** What the open container expects next. */
const IN_LIST = 0;
const WANTS_KEY = 1;
const WANTS_VALUE = 2;

const LENGTH_DIGITS_MAX = 10;
const TOKENS_AT_FIRST = 32;

/** One pass over one input. */
export class BencodeScanner {
  readonly #bytes: Uint8Array;
  readonly #limits: BencodeLimits;
  #starts: Uint32Array;
  #nexts: Uint32Array;
  #tokenCount = 0;
  #position = 0;
  /** Set by the step that fails; the scan ends there. */
  error: BencodeError | undefined;

  constructor(bytes: Uint8Array, limits: BencodeLimits) {
    this.#bytes = bytes;
    this.#limits = limits;
    const capacity = Math.min(TOKENS_AT_FIRST, bytes.length) + 2;
    this.#starts = new Uint32Array(capacity);
    this.#nexts = new Uint32Array(capacity);
  }

  /** The tape, or undefined with `error` set. Call once. */
  scan(): Tape | undefined {
    const bytes = this.#bytes;
    const { maxDepth, maxTokens } = this.#limits;
    // BOUNDED: both stacks hold one entry for each open container, at most maxDepth.
    const openTokens: number[] = [];
    const openStates: number[] = [];
    let state: number = IN_LIST;
    do {
      const start = this.#position;
      if (start >= bytes.length) return this.#fail('UNEXPECTED_END', start, `the data ends at byte ${start}`);
      const token = this.#tokenCount;
      if (token >= maxTokens) return this.#fail('TOKENS_EXCEEDED', start, `there are more than ${maxTokens} values`);
      if (token + 2 > this.#starts.length) this.#grow();
      this.#starts[token] = start;
      this.#tokenCount = token + 1;
      const byte = bytes[start]!;
      if (byte >= BYTE_0 && byte <= BYTE_9) {
        if (!this.#scanString()) return undefined;
        this.#nexts[token] = token + 1;
        if (state !== IN_LIST) state = state === WANTS_KEY ? WANTS_VALUE : WANTS_KEY;
      } else if (byte === BYTE_E && openTokens.length > 0 && state !== WANTS_VALUE) {
        this.#position++;
        this.#nexts[openTokens.pop()!] = token + 1;
        state = openStates.pop()!;
      } else if (state === WANTS_KEY && (byte === BYTE_I || byte === BYTE_L || byte === BYTE_D)) {
        return this.#fail('KEY_NOT_STRING', start, `the dictionary key at byte ${start} is not a string`);
      } else if (byte === BYTE_I) {
        if (!this.#scanInteger()) return undefined;
        this.#nexts[token] = token + 1;
        if (state === WANTS_VALUE) state = WANTS_KEY;
      } else if (byte === BYTE_L || byte === BYTE_D) {
        if (openTokens.length >= maxDepth) {
          return this.#fail('DEPTH_EXCEEDED', start, `values are nested more than ${maxDepth} deep at byte ${start}`);
        }
        this.#position++;
        openTokens.push(token);
        openStates.push(state === WANTS_VALUE ? WANTS_KEY : state);
        state = byte === BYTE_D ? WANTS_KEY : IN_LIST;
      } else {
        return this.#fail('UNEXPECTED_BYTE', start, `byte ${start} starts no value`);
      }
    } while (openTokens.length > 0);
    this.#starts[this.#tokenCount] = this.#position;
    if (!this.#checkTrailingBytes()) return undefined;
    return { bytes, starts: this.#starts, nexts: this.#nexts };
  }

  #fail(code: BencodeErrorCode, offset: number, message: string): undefined {
    this.error = { code, offset, message };
    return undefined;
  }

  #grow(): void {
    // A token takes at least one byte, so the input's length bounds the tape as well.
    const capacity = Math.min(this.#starts.length * 2, Math.min(this.#limits.maxTokens, this.#bytes.length) + 2);
    const starts = new Uint32Array(capacity);
    starts.set(this.#starts);
    this.#starts = starts;
    const nexts = new Uint32Array(capacity);
    nexts.set(this.#nexts);
    this.#nexts = nexts;
  }

  /** From the first digit of the length to behind the last byte. */
  #scanString(): boolean {
    const bytes = this.#bytes;
    const start = this.#position;
    let position = start;
    let length = 0;
    let byte = bytes[position]!;
    while (byte >= BYTE_0 && byte <= BYTE_9) {
      if (position - start === LENGTH_DIGITS_MAX) {
        this.#fail('LENGTH_TOO_LARGE', start, `the string at byte ${start} is longer than the data`);
        return false;
      }
      length = length * 10 + (byte - BYTE_0);
      position++;
      if (position === bytes.length) {
        this.#fail('UNEXPECTED_END', position, `the data ends at byte ${position}, in the length of a string`);
        return false;
      }
      byte = bytes[position]!;
    }
    if (byte !== BYTE_COLON) {
      this.#fail('LENGTH_INVALID', position, `byte ${position} is neither a digit nor a colon in a string's length`);
      return false;
    }
    if (bytes[start] === BYTE_0 && position - start > 1) {
      this.#fail('LENGTH_INVALID', start, `the string length at byte ${start} has a leading zero`);
      return false;
    }
    if (length > bytes.length - position - 1) {
      this.#fail('LENGTH_TOO_LARGE', start, `the string at byte ${start} is longer than the data`);
      return false;
    }
    this.#position = position + 1 + length;
    return true;
  }

  /** From the `i` to behind the `e`: an optional minus, digits without leading zero, and no minus zero. */
  #scanInteger(): boolean {
    const bytes = this.#bytes;
    const start = this.#position;
    let position = start + 1;
    const isNegative = bytes[position] === BYTE_MINUS;
    if (isNegative) position++;
    const firstDigit = position;
    while (position < bytes.length && bytes[position]! >= BYTE_0 && bytes[position]! <= BYTE_9) {
      position++;
      if (position - firstDigit > BENCODE_INTEGER_DIGITS_MAX) {
        this.#fail(
          'INTEGER_TOO_LONG',
          start,
          `the integer at byte ${start} has more than ${BENCODE_INTEGER_DIGITS_MAX} digits`,
        );
        return false;
      }
    }
    if (position === bytes.length) {
      this.#fail('UNEXPECTED_END', position, `the data ends at byte ${position}, in an integer`);
      return false;
    }
    if (bytes[position] !== BYTE_E || position === firstDigit) {
      this.#fail('INTEGER_INVALID', position, `byte ${position} does not belong in an integer`);
      return false;
    }
    if (bytes[firstDigit] === BYTE_0 && (isNegative || position - firstDigit > 1)) {
      const fault = isNegative && position - firstDigit === 1 ? 'is minus zero' : 'has a leading zero';
      this.#fail('INTEGER_INVALID', start, `the integer at byte ${start} ${fault}`);
      return false;
    }
    this.#position = position + 1;
    return true;
  }

  #checkTrailingBytes(): boolean {
    if (this.#limits.allowTrailingBytes === true) return true;
    for (let position = this.#position; position < this.#bytes.length; position++) {
      const byte = this.#bytes[position]!;
      const isWhitespace = byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
      if (!isWhitespace || this.#limits.allowTrailingWhitespace !== true) {
        this.#fail('TRAILING_BYTES', position, `something follows the value at byte ${position}`);
        return false;
      }
    }
    return true;
  }
}
