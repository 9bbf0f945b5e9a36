export { BDict, type BValue, bytesKey, keyBytes, keyText } from './b-dict.ts';
export { type BencodeResult, bdecode } from './decode.ts';
export { type BEncodable, Bencoded, bencode } from './encode.ts';
export type { BencodeError, BencodeErrorCode, BencodeLimits } from './tape.ts';
