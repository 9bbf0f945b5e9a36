// The payloads of hash request, hashes and hash reject (BEP 52, "peer messages"). Checks what needs no torrent: that
// the numbers are within the limits and the hashes as many as the request can mean. Proofs are protocol/merkle's.
import { readUint32 } from '../../base/bytes.ts';
import { HASH_PROOF_LAYERS_MAX, HASH_REQUEST_LENGTH_MAX } from '../limits.ts';

const HEADER_BYTES = 48;
const HASH_BYTES = 32;

export interface HashRequest {
  /** Root of the file's tree, 32 bytes. */
  readonly piecesRoot: Uint8Array;
  /** Layers above the leaves where the wanted hashes stand: 0 = leaves. */
  readonly baseLayer: number;
  /** First wanted hash of that layer. */
  readonly index: number;
  /** How many hashes of that layer. */
  readonly length: number;
  /** How many layers above the base layer the uncle hashes shall reach. */
  readonly proofLayers: number;
}

export interface HashesMessage {
  readonly request: HashRequest;
  /** `request.length` hashes of the base layer, then the uncles from the lowest up, 32 bytes each, joined. */
  readonly hashes: Uint8Array;
}

/** The five fields as they stand, of a payload of 48 bytes or more; copies the root. */
export function decodeHashHeader(payload: Uint8Array): HashRequest {
  return {
    piecesRoot: payload.slice(0, 32),
    baseLayer: readUint32(payload, 32),
    index: readUint32(payload, 36),
    length: readUint32(payload, 40),
    proofLayers: readUint32(payload, 44),
  };
}

/**
 * True when the numbers can describe hashes of one tree. BEP 52 wants lengths that are powers of two "unless truncated
 * by the end of the layer", so other lengths pass; an index beyond the layer is for the torrent's owner to see.
 */
export function isPlausibleHashRequest(request: HashRequest): boolean {
  return (
    request.baseLayer <= HASH_PROOF_LAYERS_MAX &&
    request.length >= 1 &&
    request.length <= HASH_REQUEST_LENGTH_MAX &&
    request.proofLayers <= HASH_PROOF_LAYERS_MAX
  );
}

/**
 * Decodes a `hashes` payload; copies out of it. Undefined when it is too short, its numbers are not plausible, or the
 * hashes are fewer than asked for or more than one uncle for each proof layer.
 */
export function decodeHashes(payload: Uint8Array): HashesMessage | undefined {
  const hashBytes = payload.length - HEADER_BYTES;
  if (hashBytes < HASH_BYTES || hashBytes % HASH_BYTES !== 0) return undefined;
  const request = decodeHashHeader(payload);
  if (!isPlausibleHashRequest(request)) return undefined;
  const hashCount = hashBytes / HASH_BYTES;
  if (hashCount < request.length || hashCount > request.length + request.proofLayers) return undefined;
  return { request, hashes: payload.slice(HEADER_BYTES) };
}
