// Bencoded bytes to values (BEP 3): the scanner checks everything first, then the value is made.

import { type BValue, valueAt } from './b-dict.ts';
import { type BencodeError, type BencodeLimits, BencodeScanner } from './tape.ts';

export type BencodeResult =
  | {
      readonly ok: true;
      readonly value: BValue;
      /** Where the value ends: what `allowTrailing…` let pass starts here. */
      readonly endOffset: number;
    }
  | { readonly ok: false; readonly error: BencodeError };

/**
 * Decodes one value. Never throws, whatever the bytes. The value borrows from `bytes`: strings are views of it and
 * dictionaries read it when asked, so it may not change while the value is in use.
 */
export function bdecode(bytes: Uint8Array, limits: BencodeLimits): BencodeResult {
  const scanner = new BencodeScanner(bytes, limits);
  const tape = scanner.scan();
  if (tape === undefined) return { ok: false, error: scanner.error! };
  return { ok: true, value: valueAt(tape, 0, Number.POSITIVE_INFINITY), endOffset: tape.starts[tape.nexts[0]!]! };
}
