// Plain byte work that JavaScript lacks: comparing, joining, hexadecimal, UTF-8. Knows no protocol.

export const EMPTY_BYTES: Uint8Array = new Uint8Array(0);

const HEX_DIGITS: Uint8Array = new TextEncoder().encode('0123456789abcdef');
const HEX_CHUNK_BYTES = 1_024;
const utf8Encoder = new TextEncoder();
const utf8Strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const utf8Lenient = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });

/** True when both hold the same bytes. Not constant time: never for secrets. */
export function bytesEqual(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return false;
  return true;
}

/** Orders by the first differing byte, then by length: negative, zero or positive. */
export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const shared = Math.min(left.length, right.length);
  for (let i = 0; i < shared; i++) {
    const difference = left[i]! - right[i]!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** Joins into one new array. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** Lower-case hexadecimal. */
export function bytesToHex(bytes: Uint8Array): string {
  let hex = '';
  // By large parts: a string that grows digit by digit is a rope of 32 bytes for each.
  for (let start = 0; start < bytes.length; start += HEX_CHUNK_BYTES) {
    const end = Math.min(bytes.length, start + HEX_CHUNK_BYTES);
    const digits = new Uint8Array((end - start) * 2);
    for (let i = start, at = 0; i < end; i++) {
      digits[at++] = HEX_DIGITS[bytes[i]! >> 4]!;
      digits[at++] = HEX_DIGITS[bytes[i]! & 15]!;
    }
    hex += Reflect.apply(String.fromCharCode, undefined, digits);
  }
  return hex;
}

/** Reads hexadecimal of either case; undefined when a character is not a digit or one is missing. */
export function hexToBytes(hex: string): Uint8Array | undefined {
  if (hex.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(hex)) return undefined;
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(hex.slice(i * 2, i * 2 + 2), 16);
  return bytes;
}

/** UTF-8 bytes of a string; a lone surrogate becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  return utf8Encoder.encode(text);
}

/** The string, or undefined when the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8Strict.decode(bytes);
  } catch {
    // TextDecoder reports malformed input by throwing; nothing else can go wrong here.
    return undefined;
  }
}

/** The string, each malformed sequence replaced by U+FFFD. */
export function decodeUtf8Lenient(bytes: Uint8Array): string {
  return utf8Lenient.decode(bytes);
}

/** Reads a big-endian unsigned 32-bit number. The caller has checked that four bytes stand at `offset`. */
export function readUint32(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!) >>> 0;
}

/** Writes a big-endian unsigned 32-bit number. */
export function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}

/** Reads a big-endian unsigned 16-bit number. */
export function readUint16(bytes: Uint8Array, offset: number): number {
  return (bytes[offset]! << 8) | bytes[offset + 1]!;
}

/** Writes a big-endian unsigned 16-bit number. */
export function writeUint16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 8;
  bytes[offset + 1] = value;
}
