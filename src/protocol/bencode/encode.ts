// Values to bencoded bytes (BEP 3), keys sorted as raw bytes. For our own values: what cannot be encoded is a bug.

import { assert } from '../../base/assert.ts';
import { compareBytes, encodeUtf8 } from '../../base/bytes.ts';
import { BDict } from './b-dict.ts';

/**
 * Text becomes UTF-8, in keys too; a key that is no text is given as bytes in a Map. Properties that are undefined
 * are left out. A `BDict` is copied as it stood in its input.
 */
export type BEncodable =
  | string
  | Uint8Array
  | number
  | bigint
  | BDict
  | Bencoded
  | readonly BEncodable[]
  | ReadonlyMap<string | Uint8Array, BEncodable>
  | { readonly [key: string]: BEncodable | undefined };

/** Bytes that are bencoded already and go in as they are. */
export class Bencoded {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

const BYTE_COLON = 0x3a;
const BYTE_D = 0x64;
const BYTE_E = 0x65;
const BYTE_L = 0x6c;
const BYTES_AT_FIRST = 256;

/** Encodes the value into bytes of its own. */
export function bencode(value: BEncodable): Uint8Array {
  const writer = new BencodeWriter();
  writer.write(value);
  return writer.take();
}

class BencodeWriter {
  #bytes = new Uint8Array(BYTES_AT_FIRST);
  #length = 0;
  /** Keys as bytes, since the same few stand in every entry of a file list. BOUNDED: by the value that is written. */
  readonly #keys = new Map<string, Uint8Array>();

  take(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  write(value: BEncodable): void {
    if (typeof value === 'string') this.#writeText(value);
    else if (value instanceof Uint8Array) this.#writeString(value);
    else if (typeof value === 'number') {
      assert(Number.isSafeInteger(value), 'only safe integers can be bencoded');
      this.#writeAscii(`i${value}e`);
    } else if (typeof value === 'bigint') this.#writeAscii(`i${value}e`);
    else if (value instanceof BDict) this.#writeBytes(value.rawBytes());
    else if (value instanceof Bencoded) this.#writeBytes(value.bytes);
    else if (isList(value)) {
      this.#writeByte(BYTE_L);
      for (const element of value) this.write(element);
      this.#writeByte(BYTE_E);
    } else this.#writeDictionary(value instanceof Map ? value : Object.entries(value));
  }

  #writeDictionary(entries: Iterable<readonly [string | Uint8Array, BEncodable | undefined]>): void {
    const sorted: { key: Uint8Array; value: BEncodable }[] = [];
    for (const [key, value] of entries) {
      if (value !== undefined) sorted.push({ key: typeof key === 'string' ? this.#keyBytes(key) : key, value });
    }
    sorted.sort((left, right) => compareBytes(left.key, right.key));
    this.#writeByte(BYTE_D);
    for (let i = 0; i < sorted.length; i++) {
      const { key, value } = sorted[i]!;
      assert(i === 0 || compareBytes(sorted[i - 1]!.key, key) !== 0, 'a dictionary has each key once');
      this.#writeString(key);
      this.write(value);
    }
    this.#writeByte(BYTE_E);
  }

  #keyBytes(key: string): Uint8Array {
    let bytes = this.#keys.get(key);
    if (bytes === undefined) {
      bytes = encodeUtf8(key);
      this.#keys.set(key, bytes);
    }
    return bytes;
  }

  #writeText(text: string): void {
    for (let i = 0; i < text.length; i++) {
      if (text.charCodeAt(i) >= 0x80) {
        this.#writeString(encodeUtf8(text));
        return;
      }
    }
    this.#writeAscii(String(text.length));
    this.#writeByte(BYTE_COLON);
    this.#writeAscii(text);
  }

  #writeString(bytes: Uint8Array): void {
    this.#writeAscii(String(bytes.length));
    this.#writeByte(BYTE_COLON);
    this.#writeBytes(bytes);
  }

  #writeAscii(text: string): void {
    this.#reserve(text.length);
    for (let i = 0; i < text.length; i++) this.#bytes[this.#length++] = text.charCodeAt(i);
  }

  #writeByte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = byte;
  }

  #writeBytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

function isList(value: BEncodable): value is readonly BEncodable[] {
  return Array.isArray(value);
}
