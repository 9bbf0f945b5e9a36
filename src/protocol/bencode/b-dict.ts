// Decoded bencode values (BEP 3). Dictionaries are views on the scanner's tape: they index their keys when first
// asked and make a value when it is fetched. Keys live in a Map, so no key (`__proto__`, `constructor`) is special.

import { decodeUtf8 } from '../../base/bytes.ts';
import type { Tape } from './tape.ts';

/**
 * A string is a view of the input (borrowed); an integer is a bigint only when it is no safe number.
 * Lists are made whole when fetched, dictionaries inside them lazily.
 */
export type BValue = Uint8Array | number | bigint | BValue[] | BDict;

const BYTE_D = 0x64;
const BYTE_I = 0x69;
const BYTE_L = 0x6c;
const BYTE_E = 0x65;
const BYTE_COLON = 0x3a;
const BYTE_MINUS = 0x2d;
const BYTE_0 = 0x30;
const KEY_CHUNK_CHARACTERS = 4_096;
/** Up to so many keys are compared one by one, which is quicker than making an index. */
const KEYS_SEARCHED_MAX = 16;

/**
 * Makes the value at a token, with at most `listMax` elements of each list. Recursion follows nested lists only, which
 * the depth limit bounds.
 */
export function valueAt(tape: Tape, token: number, listMax: number): BValue {
  switch (tape.bytes[tape.starts[token]!]) {
    case BYTE_D:
      return new BDict(tape, token);
    case BYTE_L:
      return [...elementsAt(tape, token, listMax)];
    case BYTE_I:
      return integerAt(tape, token);
    default:
      return stringAt(tape, token);
  }
}

function* elementsAt(tape: Tape, listToken: number, listMax: number, nestedListMax = listMax): Generator<BValue> {
  let count = 0;
  for (let token = listToken + 1; tape.bytes[tape.starts[token]!] !== BYTE_E; token = tape.nexts[token]!) {
    if (count++ === listMax) return;
    yield valueAt(tape, token, nestedListMax);
  }
}

function stringAt(tape: Tape, token: number): Uint8Array {
  return tape.bytes.subarray(contentStart(tape, token), tape.starts[token + 1]!);
}

function contentStart(tape: Tape, token: number): number {
  let position = tape.starts[token]! + 1;
  while (tape.bytes[position] !== BYTE_COLON) position++;
  return position + 1;
}

function integerAt(tape: Tape, token: number): number | bigint {
  // The scanner has let through canonical integers of a few digits only: [-]digits between the i and the e.
  const { bytes } = tape;
  const start = tape.starts[token]! + 1;
  const end = tape.starts[token + 1]! - 1;
  const isNegative = bytes[start] === BYTE_MINUS;
  let value = 0;
  for (let position = isNegative ? start + 1 : start; position < end; position++) {
    value = value * 10 + (bytes[position]! - BYTE_0);
  }
  // A sum of digits that was rounded on its way is above 2^53 and stays there.
  if (!Number.isSafeInteger(value)) return BigInt(binaryString(bytes, start, end));
  return isNegative ? -value : value;
}

/** One character a byte. Joined by large parts, because a rope of single characters takes 32 bytes for each. */
function binaryString(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let position = start; position < end; position += KEY_CHUNK_CHARACTERS) {
    const chunk = bytes.subarray(position, Math.min(end, position + KEY_CHUNK_CHARACTERS));
    // Several times quicker than spreading the chunk.
    text += Reflect.apply(String.fromCharCode, undefined, chunk);
  }
  return text;
}

/** A key of a `BDict` as the bytes it stands for. */
export function keyBytes(key: string): Uint8Array {
  const bytes = new Uint8Array(key.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = key.charCodeAt(i);
  return bytes;
}

/** Bytes as a key of a `BDict`: the reverse of `keyBytes`. */
export function bytesKey(bytes: Uint8Array): string {
  return binaryString(bytes, 0, bytes.length);
}

/** A key of a `BDict` as text; undefined when it is not UTF-8. */
export function keyText(key: string): string | undefined {
  return decodeUtf8(keyBytes(key));
}

/**
 * A dictionary of the input. Keys are binary strings, one character a byte; for ASCII keys that is the usual literal.
 * Each `get…` makes its value anew: keep what is needed twice.
 */
export class BDict {
  readonly #tape: Tape;
  readonly #token: number;
  /** Keys, duplicates included; -1 until first asked. */
  #keyCount = -1;
  #isSorted = true;
  #duplicateKey: string | undefined;
  // BOUNDED: one entry a key; keys are tokens, which the scanner has counted. Only made for large dictionaries.
  #index: Map<string, number> | undefined;

  /** Called by the decoder; a `BDict` is always part of a decoded input. */
  constructor(tape: Tape, token: number) {
    this.#tape = tape;
    this.#token = token;
  }

  /** Different keys. */
  get size(): number {
    this.#inspect();
    return this.#isSorted ? this.#keyCount : this.#keyIndex().size;
  }

  /** Each key is greater than the one before it, compared as raw bytes (BEP 3). */
  get isSorted(): boolean {
    this.#inspect();
    return this.#isSorted;
  }

  /** A key that stands here twice; its first value counts. */
  get duplicateKey(): string | undefined {
    this.#inspect();
    return this.#duplicateKey;
  }

  /** In the order of the input. */
  keys(): IterableIterator<string> {
    return this.#keyIndex().keys();
  }

  has(key: string): boolean {
    return this.#valueToken(key) >= 0;
  }

  get(key: string): BValue | undefined {
    const token = this.#valueToken(key);
    return token < 0 ? undefined : valueAt(this.#tape, token, Number.POSITIVE_INFINITY);
  }

  /** The string's bytes, borrowed from the input; undefined when absent or no string. */
  getBytes(key: string): Uint8Array | undefined {
    const token = this.#valueToken(key);
    if (token < 0) return undefined;
    const first = this.#tape.bytes[this.#tape.starts[token]!]!;
    return first === BYTE_D || first === BYTE_L || first === BYTE_I ? undefined : stringAt(this.#tape, token);
  }

  /** The string as text; undefined when absent, no string or not UTF-8. */
  getString(key: string): string | undefined {
    const bytes = this.getBytes(key);
    return bytes === undefined ? undefined : decodeUtf8(bytes);
  }

  /** The integer; undefined when absent, no integer or beyond 2^53 - 1 either way. */
  getNumber(key: string): number | undefined {
    const token = this.#tokenOf(key, BYTE_I);
    if (token < 0) return undefined;
    const value = integerAt(this.#tape, token);
    return typeof value === 'number' ? value : undefined;
  }

  getList(key: string): BValue[] | undefined {
    const token = this.#tokenOf(key, BYTE_L);
    return token < 0 ? undefined : [...elementsAt(this.#tape, token, Number.POSITIVE_INFINITY)];
  }

  /**
   * The list's elements made one at a time, for lists that may be long and wrong. Lists inside it come with their
   * first `nestedListMax` elements only.
   */
  iterateList(key: string, nestedListMax: number): Iterable<BValue> | undefined {
    const token = this.#tokenOf(key, BYTE_L);
    return token < 0 ? undefined : elementsAt(this.#tape, token, Number.POSITIVE_INFINITY, nestedListMax);
  }

  /** At most the first `max` strings of the list, borrowed; undefined when absent, no list or other things are in it. */
  getStrings(key: string, max: number): Uint8Array[] | undefined {
    const listToken = this.#tokenOf(key, BYTE_L);
    if (listToken < 0) return undefined;
    const { bytes, starts, nexts } = this.#tape;
    const strings: Uint8Array[] = [];
    for (let token = listToken + 1; strings.length < max; token = nexts[token]!) {
      const first = bytes[starts[token]!]!;
      if (first === BYTE_E) break;
      if (first === BYTE_D || first === BYTE_L || first === BYTE_I) return undefined;
      strings.push(stringAt(this.#tape, token));
    }
    return strings;
  }

  getDict(key: string): BDict | undefined {
    const token = this.#tokenOf(key, BYTE_D);
    return token < 0 ? undefined : new BDict(this.#tape, token);
  }

  /** The value's bytes exactly as they stand in the input, borrowed. */
  rawSpan(key: string): Uint8Array | undefined {
    const token = this.#valueToken(key);
    return token < 0 ? undefined : this.#spanOf(token);
  }

  /** This dictionary's own bytes exactly as they stand in the input, borrowed. */
  rawBytes(): Uint8Array {
    return this.#spanOf(this.#token);
  }

  #spanOf(token: number): Uint8Array {
    const { bytes, starts, nexts } = this.#tape;
    return bytes.subarray(starts[token]!, starts[nexts[token]!]!);
  }

  /** The value's token when it starts with this byte, or -1. */
  #tokenOf(key: string, firstByte: number): number {
    const token = this.#valueToken(key);
    return token >= 0 && this.#tape.bytes[this.#tape.starts[token]!] === firstByte ? token : -1;
  }

  /** The token of a key's (first) value, or -1. */
  #valueToken(key: string): number {
    this.#inspect();
    if (this.#index !== undefined || this.#keyCount > KEYS_SEARCHED_MAX) return this.#keyIndex().get(key) ?? -1;
    let token = this.#token + 1;
    for (let i = 0; i < this.#keyCount; i++) {
      if (isKeyAt(this.#tape, token, key)) return token + 1;
      token = this.#tape.nexts[token + 1]!;
    }
    return -1;
  }

  /** Counts the keys and compares each with the one before it; done once. */
  #inspect(): void {
    if (this.#keyCount >= 0) return;
    const { bytes, starts, nexts } = this.#tape;
    let count = 0;
    let previous = -1;
    for (let token = this.#token + 1; bytes[starts[token]!] !== BYTE_E; token = nexts[token + 1]!) {
      if (previous >= 0 && compareKeys(this.#tape, previous, token) >= 0) this.#isSorted = false;
      previous = token;
      count++;
    }
    this.#keyCount = count;
    // In ascending order no key can stand twice.
    if (!this.#isSorted) this.#keyIndex();
  }

  #keyIndex(): Map<string, number> {
    if (this.#index !== undefined) return this.#index;
    const tape = this.#tape;
    const index = new Map<string, number>();
    for (let token = this.#token + 1; tape.bytes[tape.starts[token]!] !== BYTE_E; token = tape.nexts[token + 1]!) {
      const key = binaryString(tape.bytes, contentStart(tape, token), tape.starts[token + 1]!);
      if (index.has(key)) this.#duplicateKey ??= key;
      else index.set(key, token + 1);
    }
    this.#index = index;
    return index;
  }
}

function isKeyAt(tape: Tape, token: number, key: string): boolean {
  const start = contentStart(tape, token);
  if (tape.starts[token + 1]! - start !== key.length) return false;
  for (let i = 0; i < key.length; i++) if (tape.bytes[start + i] !== key.charCodeAt(i)) return false;
  return true;
}

function compareKeys(tape: Tape, leftToken: number, rightToken: number): number {
  const { bytes, starts } = tape;
  const left = contentStart(tape, leftToken);
  const right = contentStart(tape, rightToken);
  const leftLength = starts[leftToken + 1]! - left;
  const rightLength = starts[rightToken + 1]! - right;
  const shared = Math.min(leftLength, rightLength);
  for (let i = 0; i < shared; i++) {
    const difference = bytes[left + i]! - bytes[right + i]!;
    if (difference !== 0) return difference;
  }
  return leftLength - rightLength;
}
