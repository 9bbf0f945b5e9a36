// Copying into memory that worker threads share. TypedArray.set goes byte by byte there, because another thread might
// look on; `fill` with a source as long as the range is one memcpy, five times as fast. Nobody reads a slab while it
// is written: who holds it is decided by messages.
import { Buffer } from 'node:buffer';

const { fill } = Buffer.prototype;

/** Copies `source[start..end)` to `target` from `offset` on. The ranges lie within their arrays. */
export function copyBytes(target: Uint8Array, offset: number, source: Uint8Array, start: number, end: number): void {
  if (end > start) fill.call(target, source.subarray(start, end), offset, offset + end - start);
}
