// Node ids that fit the address of their node (BEP 42): their first 21 bits are a CRC32C of the masked address, so that
// nobody can choose to stand next to a given info-hash.
import type { Random } from '../../base/random.ts';
import { NODE_ID_BYTES, randomNodeId } from './node-id.ts';

const MASK_V4 = [0x03, 0x0f, 0x3f, 0xff];
const MASK_V6 = [0x01, 0x03, 0x07, 0x0f, 0x1f, 0x3f, 0x7f, 0xff];
const CRC32C_POLYNOMIAL = 0x82f63b78;
const CRC32C_TABLE: Uint32Array = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ CRC32C_POLYNOMIAL : value >>> 1;
  return value;
});

/** CRC-32C (Castagnoli) as an unsigned number. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ CRC32C_TABLE[(crc ^ bytes[i]!) & 0xff]!;
  return ~crc >>> 0;
}

/** An id for the node with this address (4 or 16 bytes); `seed` is its last byte (0 to 255), of which three bits choose. */
export function secureNodeId(address: Uint8Array, seed: number, random: Random): Uint8Array {
  const id = randomNodeId(random);
  const crc = prefixOf(address, seed);
  id[0] = crc >>> 24;
  id[1] = crc >>> 16;
  id[2] = ((crc >>> 8) & 0xf8) | (id[2]! & 0x07);
  id[NODE_ID_BYTES - 1] = seed;
  return id;
}

/** Whether the id fits the address; true for local addresses, which are exempt (BEP 42, "Enforcement"). */
export function isSecureNodeId(id: Uint8Array, address: Uint8Array): boolean {
  if (isLocalAddress(address)) return true;
  const crc = prefixOf(address, id[NODE_ID_BYTES - 1]!);
  return id[0] === crc >>> 24 && id[1] === ((crc >>> 16) & 0xff) && ((id[2]! ^ (crc >>> 8)) & 0xf8) === 0;
}

/** Addresses that no one on the Internet has: private, link-local and loopback. */
export function isLocalAddress(address: Uint8Array): boolean {
  const first = address[0]!;
  const second = address[1]!;
  if (address.length === 4) {
    if (first === 10 || first === 127) return true;
    if (first === 172) return second >= 16 && second < 32;
    return (first === 192 && second === 168) || (first === 169 && second === 254);
  }
  if ((first & 0xfe) === 0xfc || (first === 0xfe && (second & 0xc0) === 0x80)) return true;
  for (let i = 0; i < 15; i++) if (address[i] !== 0) return false;
  return address[15] === 1;
}

function prefixOf(address: Uint8Array, seed: number): number {
  const mask = address.length === 4 ? MASK_V4 : MASK_V6;
  const masked = Uint8Array.from(mask, (bits, i) => address[i]! & bits);
  masked[0] = masked[0]! | ((seed & 0x07) << 5);
  return crc32c(masked);
}
