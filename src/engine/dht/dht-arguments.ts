// What programs hand to the DHT and get from it: texts and values are checked here, before anything is sent.
import { bytesToHex, EMPTY_BYTES, hexToBytes } from '../../base/bytes.ts';
import { bdecode, bencode } from '../../protocol/bencode/index.ts';
import { NODE_ID_BYTES } from '../../protocol/dht/node-id.ts';
import { decodeByteString, decodeTorrentPointer, encodeTorrentPointer } from '../../protocol/dht/torrent-pointer.ts';
import { DHT_ITEM_MAX_BYTES, DHT_SALT_MAX_BYTES } from '../../protocol/limits.ts';
import type { StoredItem } from '../../swarm/dht/stored-items.ts';
import { type HostPort, parseHostPort } from '../host-port.ts';
import type { DhtItem, DhtValue } from './dht-api.ts';

const SEED_BYTES = 32;
/** Of 1,000 bytes: `d…e` with nothing but empty strings. */
const VALUE_LIMITS = { maxDepth: 100, maxTokens: DHT_ITEM_MAX_BYTES } as const;

/** @throws {RangeError} */
export function hashOf(text: string, lengths: readonly number[], what: string): Uint8Array {
  const bytes = hexToBytes(text);
  if (bytes !== undefined && lengths.includes(bytes.length)) return bytes;
  throw new RangeError(`${what} has ${lengths.map((length) => length * 2).join(' or ')} hexadecimal digits`);
}

/** @throws {RangeError} */
export function bencodedOf(value: DhtValue): Uint8Array {
  const bencoded = encodedOf(value);
  if (bencoded.length <= DHT_ITEM_MAX_BYTES) return bencoded;
  throw new RangeError(`a value has ${DHT_ITEM_MAX_BYTES} bytes at most, bencoded, not ${bencoded.length}`);
}

function encodedOf(value: DhtValue): Uint8Array {
  if (typeof value === 'string' || value instanceof Uint8Array) return bencode(value);
  if ('infoHash' in value) return encodeTorrentPointer(hashOf(value.infoHash, [NODE_ID_BYTES], 'an info-hash'));
  const { bencoded } = value;
  if (bencoded.length > DHT_ITEM_MAX_BYTES || bdecode(bencoded, VALUE_LIMITS).ok) return bencoded.slice();
  throw new RangeError('the value is not bencoded');
}

/** @throws {RangeError} */
export function checkedSalt(salt: Uint8Array | undefined): Uint8Array {
  if (salt === undefined) return EMPTY_BYTES;
  if (salt.length <= DHT_SALT_MAX_BYTES) return salt.slice();
  throw new RangeError(`a salt has ${DHT_SALT_MAX_BYTES} bytes at most, not ${salt.length}`);
}

/** @throws {RangeError} */
export function checkedSeed(seed: Uint8Array): Uint8Array {
  if (seed.length === SEED_BYTES) return seed;
  throw new RangeError(`a private key has ${SEED_BYTES} bytes, not ${seed.length}`);
}

/** @throws {RangeError} */
export function checkedSeq(seq: number | undefined): number | undefined {
  if (seq === undefined || (Number.isSafeInteger(seq) && seq >= 0)) return seq;
  throw new RangeError(`a version is a whole number from 0 to 2^53 - 1, not ${seq}`);
}

/** @throws {RangeError} */
export function hostOf(text: string): HostPort {
  const hostPort = parseHostPort(text);
  if (hostPort !== undefined) return hostPort;
  throw new RangeError(`a node is named as host:port, not ${text}`);
}

export function itemOf({ value, mutable }: StoredItem): DhtItem {
  const infoHash = decodeTorrentPointer(value);
  return {
    value,
    bytes: decodeByteString(value),
    infoHash: infoHash === undefined ? undefined : bytesToHex(infoHash),
    publicKey: mutable === undefined ? undefined : bytesToHex(mutable.publicKey),
    seq: mutable?.seq,
    signature: mutable?.signature,
  };
}
