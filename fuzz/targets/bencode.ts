// The bencode decoder: whatever decodes in canonical order must encode to the same bytes.
import { bytesEqual, encodeUtf8 } from '../../src/base/bytes.ts';
import { BDict, type BEncodable, type BValue, bdecode, bencode, keyBytes } from '../../src/protocol/bencode/index.ts';

export const name = 'bencode';

export const seeds: readonly Uint8Array[] = [
  'd8:announce16:udp://tracker:80/4:infod6:lengthi12e4:name1:a12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaaee',
  'd1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe',
  'li-1ei0ei9007199254740993e0:d9:__proto__i1eelleee',
].map(encodeUtf8);

export function run(bytes: Uint8Array): void {
  const result = bdecode(bytes, { maxDepth: 100, maxTokens: 10_000, allowTrailingBytes: true });
  if (!result.ok) {
    if (result.error.offset > bytes.length) throw new Error('the error lies outside the input');
    return;
  }
  const canonical = isCanonical(result.value);
  const encoded = bencode(rebuilt(result.value));
  if (canonical && !bytesEqual(encoded, bytes.subarray(0, result.endOffset))) throw new Error('no round trip');
}

function isCanonical(value: BValue): boolean {
  if (Array.isArray(value)) return value.every(isCanonical);
  return (
    !(value instanceof BDict) || (value.isSorted && [...value.keys()].every((key) => isCanonical(value.get(key)!)))
  );
}

function rebuilt(value: BValue): BEncodable {
  if (value instanceof BDict) {
    return new Map([...value.keys()].map((key) => [keyBytes(key), rebuilt(value.get(key)!)] as const));
  }
  return Array.isArray(value) ? value.map(rebuilt) : value;
}
