// CRC-32C (Castagnoli), as BEP 40 and BEP 42 want it: reflected, polynomial 0x1EDC6F41. RFC 3720, appendix B.4.

const POLYNOMIAL_REFLECTED = 0x82f63b78;

/** One entry a byte. */
const TABLE: Uint32Array = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? (value >>> 1) ^ POLYNOMIAL_REFLECTED : value >>> 1;
  return value;
});

/** Unsigned, 32 bits. */
export function crc32c(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) value = TABLE[(value ^ bytes[i]!) & 0xff]! ^ (value >>> 8);
  return ~value >>> 0;
}
