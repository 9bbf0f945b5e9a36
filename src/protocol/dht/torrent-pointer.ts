// The value of an item by which a publisher says what torrent it shares now (BEP 46): a dictionary with the info-hash. Knows
// nothing of who signed it.
import { BDict, bdecode, bencode } from '../bencode/index.ts';
import { NODE_ID_BYTES } from './node-id.ts';

/** An item has 1,000 bytes at most; a pointer is one key in it. */
const LIMITS = { maxDepth: 8, maxTokens: 256 } as const;

/** `d2:ih20:…e`. */
export function encodeTorrentPointer(infoHash: Uint8Array): Uint8Array {
  return bencode({ ih: infoHash });
}

/** The info-hash, 20 bytes of its own; undefined when the value is something else. */
export function decodeTorrentPointer(value: Uint8Array): Uint8Array | undefined {
  const decoded = bdecode(value, LIMITS);
  if (!decoded.ok || !(decoded.value instanceof BDict)) return undefined;
  const infoHash = decoded.value.getBytes('ih');
  return infoHash?.length === NODE_ID_BYTES ? infoHash.slice() : undefined;
}

/** The bytes of a value that is a byte string, its own copy; undefined for other values. */
export function decodeByteString(value: Uint8Array): Uint8Array | undefined {
  const decoded = bdecode(value, LIMITS);
  return decoded.ok && decoded.value instanceof Uint8Array ? decoded.value.slice() : undefined;
}
