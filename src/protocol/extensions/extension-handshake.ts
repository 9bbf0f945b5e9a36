// The extension handshake (BEP 10), with the keys of BEP 9 and 21: which extension messages a side takes under which
// ids, and what it says about itself. Everything in it is the peer's claim; numbers out of range are as good as absent.
import { decodeUtf8Lenient } from '../../base/bytes.ts';
import { BDict, bdecode, bencode } from '../bencode/index.ts';
import {
  BENCODE_WIRE_DEPTH_MAX,
  BENCODE_WIRE_TOKENS_MAX,
  EXTENSIONS_PER_PEER_MAX,
  PEER_REQUEST_QUEUE_MAX,
  PEER_TEXT_MAX_BYTES,
  TORRENT_FILE_MAX_BYTES,
} from '../limits.ts';

/** BEP 9, 11, 54, 21 and 55. */
export type ExtensionName = 'ut_metadata' | 'ut_pex' | 'lt_donthave' | 'upload_only' | 'ut_holepunch';

/** The ids under which we take each message, the same on every connection. */
export const EXTENSION_IDS: Readonly<Record<ExtensionName, number>> = {
  ut_metadata: 1,
  ut_pex: 2,
  lt_donthave: 3,
  upload_only: 4,
  ut_holepunch: 5,
};

export interface ExtensionHandshake {
  /** `m`: name → id under which the sender takes that message; 0 turns it off. Absent names keep what they had. */
  readonly messages: ReadonlyMap<string, number>;
  /** `v`: client name and version; text of a stranger. */
  readonly client?: string | undefined;
  /** `p`: the TCP port on which the sender listens. */
  readonly listenPort?: number | undefined;
  /** `reqq`: requests that the sender queues without dropping any; 1 to 2,000 when decoded. */
  readonly requestQueue?: number | undefined;
  /** `yourip`: how the sender sees the receiver, 4 or 16 bytes. */
  readonly yourAddress?: Uint8Array | undefined;
  /** `ipv4`: another address of the sender, 4 bytes. */
  readonly ipv4?: Uint8Array | undefined;
  /** `ipv6`: another address of the sender, 16 bytes. */
  readonly ipv6?: Uint8Array | undefined;
  /** `metadata_size` (BEP 9): bytes of the info dictionary. */
  readonly metadataSizeBytes?: number | undefined;
  /** `upload_only` (BEP 21). */
  readonly uploadOnly?: boolean | undefined;
}

export function encodeExtensionHandshake(handshake: ExtensionHandshake): Uint8Array {
  return bencode({
    m: handshake.messages,
    v: handshake.client,
    p: handshake.listenPort,
    reqq: handshake.requestQueue,
    yourip: handshake.yourAddress,
    ipv4: handshake.ipv4,
    ipv6: handshake.ipv6,
    metadata_size: handshake.metadataSizeBytes,
    upload_only: handshake.uploadOnly === undefined ? undefined : Number(handshake.uploadOnly),
  });
}

/** Copies what it keeps; undefined when the payload is no dictionary within the limits. */
export function decodeExtensionHandshake(payload: Uint8Array): ExtensionHandshake | undefined {
  const decoded = bdecode(payload, {
    maxDepth: BENCODE_WIRE_DEPTH_MAX,
    maxTokens: BENCODE_WIRE_TOKENS_MAX,
    allowTrailingBytes: true,
  });
  if (!decoded.ok || !(decoded.value instanceof BDict)) return undefined;
  const dictionary = decoded.value;
  const requestQueue = dictionary.getNumber('reqq');
  const uploadOnly = dictionary.getNumber('upload_only');
  return {
    messages: decodeMessages(dictionary.getDict('m')),
    client: clientOf(dictionary.getBytes('v')),
    listenPort: numberWithin(dictionary, 'p', 1, 65_535),
    requestQueue: requestQueue === undefined ? undefined : clamp(requestQueue, 1, PEER_REQUEST_QUEUE_MAX),
    yourAddress: addressOf(dictionary, 'yourip', 4) ?? addressOf(dictionary, 'yourip', 16),
    ipv4: addressOf(dictionary, 'ipv4', 4),
    ipv6: addressOf(dictionary, 'ipv6', 16),
    metadataSizeBytes: numberWithin(dictionary, 'metadata_size', 1, TORRENT_FILE_MAX_BYTES),
    uploadOnly: uploadOnly === undefined ? undefined : uploadOnly !== 0,
  };
}

// BOUNDED: EXTENSIONS_PER_PEER_MAX names of PEER_TEXT_MAX_BYTES at most; what exceeds either is left out.
function decodeMessages(dictionary: BDict | undefined): ReadonlyMap<string, number> {
  const messages = new Map<string, number>();
  if (dictionary === undefined) return messages;
  let readCount = 0;
  for (const name of dictionary.keys()) {
    if (readCount++ === EXTENSIONS_PER_PEER_MAX) break;
    const id = numberWithin(dictionary, name, 0, 255);
    if (id !== undefined && name.length <= PEER_TEXT_MAX_BYTES) messages.set(name, id);
  }
  return messages;
}

function clientOf(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  let end = Math.min(bytes.length, PEER_TEXT_MAX_BYTES);
  // Never cut inside a character: step back over UTF-8 continuation bytes (10xxxxxx), three at most.
  if (end < bytes.length) for (let i = 0; i < 3 && (bytes[end]! & 0xc0) === 0x80; i++) end--;
  return decodeUtf8Lenient(bytes.subarray(0, end));
}

function addressOf(dictionary: BDict, key: string, lengthBytes: number): Uint8Array | undefined {
  const bytes = dictionary.getBytes(key);
  return bytes?.length === lengthBytes ? bytes.slice() : undefined;
}

function numberWithin(dictionary: BDict, key: string, min: number, max: number): number | undefined {
  const value = dictionary.getNumber(key);
  return value !== undefined && value >= min && value <= max ? value : undefined;
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max);
}
