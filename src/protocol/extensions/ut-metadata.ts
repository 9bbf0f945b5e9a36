// ut_metadata messages (BEP 9): the info dictionary in parts of 16 KiB. A codec only: who asks whom for what, and the
// hash that decides in the end, are the metadata exchange's.
import { concatBytes } from '../../base/bytes.ts';
import { BDict, bdecode, bencode } from '../bencode/index.ts';
import { BENCODE_WIRE_DEPTH_MAX, BENCODE_WIRE_TOKENS_MAX, BLOCK_BYTES, TORRENT_FILE_MAX_BYTES } from '../limits.ts';

/** Bytes of each part of the metadata but the last. */
export const METADATA_PIECE_BYTES: number = BLOCK_BYTES;

const REQUEST = 0;
const DATA = 1;
const REJECT = 2;

export type MetadataMessage =
  | { readonly type: 'request'; readonly piece: number }
  | { readonly type: 'reject'; readonly piece: number }
  | {
      readonly type: 'data';
      readonly piece: number;
      /** Bytes of the whole info dictionary, as the sender says. */
      readonly totalSizeBytes: number;
      /** As long as that part of a dictionary of `totalSizeBytes` must be. Borrowed from the payload. */
      readonly data: Uint8Array;
    };

export function encodeMetadataRequest(piece: number): Uint8Array {
  return bencode({ msg_type: REQUEST, piece });
}

export function encodeMetadataReject(piece: number): Uint8Array {
  return bencode({ msg_type: REJECT, piece });
}

/** `infoBytes` is the whole info dictionary, `piece` one of its parts. */
export function encodeMetadataData(piece: number, infoBytes: Uint8Array): Uint8Array {
  const start = piece * METADATA_PIECE_BYTES;
  const head = bencode({ msg_type: DATA, piece, total_size: infoBytes.length });
  return concatBytes([head, infoBytes.subarray(start, start + METADATA_PIECE_BYTES)]);
}

/**
 * Undefined for what is to be ignored: a type that BEP 9 does not know ("MUST be ignored"), a malformed message, and
 * one whose numbers contradict each other or the limits.
 */
export function decodeMetadataMessage(payload: Uint8Array): MetadataMessage | undefined {
  const decoded = bdecode(payload, {
    maxDepth: BENCODE_WIRE_DEPTH_MAX,
    maxTokens: BENCODE_WIRE_TOKENS_MAX,
    allowTrailingBytes: true,
  });
  if (!decoded.ok || !(decoded.value instanceof BDict)) return undefined;
  const piece = decoded.value.getNumber('piece');
  if (piece === undefined || piece < 0 || piece >= TORRENT_FILE_MAX_BYTES / METADATA_PIECE_BYTES) return undefined;
  switch (decoded.value.getNumber('msg_type')) {
    case REQUEST:
      return { type: 'request', piece };
    case REJECT:
      return { type: 'reject', piece };
    case DATA: {
      const totalSizeBytes = decoded.value.getNumber('total_size');
      if (totalSizeBytes === undefined || totalSizeBytes > TORRENT_FILE_MAX_BYTES) return undefined;
      const data = payload.subarray(decoded.endOffset);
      const lengthBytes = Math.min(METADATA_PIECE_BYTES, totalSizeBytes - piece * METADATA_PIECE_BYTES);
      if (lengthBytes <= 0 || data.length !== lengthBytes) return undefined;
      return { type: 'data', piece, totalSizeBytes, data };
    }
    default:
      return undefined;
  }
}
