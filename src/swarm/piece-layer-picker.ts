// Which hashes of which piece layer to ask of whom, while the layers of a magnet link's v2 files are being fetched
// (BEP 52, "hash request"). Every answer is proved against its file's root before it counts, so that a peer can refuse
// or lie but never mislead. Knows no connection and no clock.
import { bytesEqual, bytesToHex } from '../base/bytes.ts';
import { BLOCK_BYTES, HASH_REQUEST_LENGTH_MAX } from '../protocol/limits.ts';
import {
  fullProofLayers,
  leafCountOf,
  levelsAbove,
  MERKLE_HASH_BYTES,
  padHash,
  type Sha256,
  verifyProof,
} from '../protocol/merkle/index.ts';
import type { HashRequest } from '../protocol/wire/hash-messages.ts';

/** Peers that are asked for the same hashes when nothing else is left to ask: the slowest does not hold up the end. */
const ASKED_MAX = 3;

/** A file of more than one piece. */
export interface LayeredFile {
  /** 32 bytes. */
  readonly piecesRoot: Uint8Array;
  readonly lengthBytes: number;
}

/**
 * - `accepted`: proved, or it was known already.
 * - `lie`: not what was asked for, or its proof leads elsewhere.
 * - `impossible`: proved, and the tree is not one that BEP 52 allows: nobody can have a valid layer.
 */
export type LayerAnswer = 'accepted' | 'lie' | 'impossible';

interface Tree extends LayeredFile {
  readonly pieceCount: number;
  readonly leafCount: number;
  readonly layer: Uint8Array;
}

/** Part of one layer: what one request asks for. */
interface Chunk {
  readonly key: string;
  readonly tree: Tree;
  readonly request: HashRequest;
  /** Peers that are being asked. BOUNDED: ASKED_MAX. */
  readonly askedPeers: Set<number>;
}

interface Asked {
  // BOUNDED: both by the caller, who counts requests under way and drops peers that refuse much.
  readonly chunks: Map<string, Chunk>;
  readonly refusedKeys: Set<string>;
}

export class PieceLayerPicker {
  readonly #sha256: Sha256;
  readonly #pieceLevel: number;
  readonly #padHash: Uint8Array;
  readonly #pieceLengthBytes: number;
  readonly #files: readonly LayeredFile[];
  /** By root. BOUNDED: PIECES_MAX hashes together; a layer is allocated when it is first asked for. */
  readonly #trees = new Map<string, Tree>();
  /** The first piece of the first file that no chunk was made of. */
  #nextFile = 0;
  #nextPiece = 0;
  /** Chunks that were given back. BOUNDED: requests under way. */
  readonly #waiting: Chunk[] = [];
  /** Asked for and not answered yet. BOUNDED: requests under way. */
  readonly #open = new Map<string, Chunk>();
  // BOUNDED: peers of the caller.
  readonly #peers = new Map<number, Asked>();

  /** `files` are those of more than one piece; identical ones, which share a root, stand there once. */
  constructor(files: readonly LayeredFile[], pieceLengthBytes: number, sha256: Sha256) {
    this.#files = files;
    this.#pieceLengthBytes = pieceLengthBytes;
    this.#sha256 = sha256;
    this.#pieceLevel = levelsAbove(pieceLengthBytes / BLOCK_BYTES);
    this.#padHash = padHash(this.#pieceLevel, sha256);
  }

  /** Every hash of every layer is there and proved. */
  get isComplete(): boolean {
    return this.#nextFile === this.#files.length && this.#open.size === 0 && this.#waiting.length === 0;
  }

  /** The layer of the file with this root. Meaningful when complete. */
  layerOf(piecesRoot: Uint8Array): Uint8Array | undefined {
    return this.#trees.get(bytesToHex(piecesRoot))?.layer;
  }

  /** How many requests this peer has under way. */
  outstandingOf(peerId: number): number {
    return this.#peers.get(peerId)?.chunks.size ?? 0;
  }

  refusalsOf(peerId: number): number {
    return this.#peers.get(peerId)?.refusedKeys.size ?? 0;
  }

  /** What to ask this peer for; undefined when there is nothing for it now. */
  next(peerId: number): HashRequest | undefined {
    const asked = this.#peers.get(peerId) ?? { chunks: new Map(), refusedKeys: new Set() };
    this.#peers.set(peerId, asked);
    const chunk = this.#takeWaiting(asked) ?? this.#nextNew() ?? this.#leastAsked(peerId, asked);
    if (chunk === undefined) return undefined;
    chunk.askedPeers.add(peerId);
    asked.chunks.set(chunk.key, chunk);
    this.#open.set(chunk.key, chunk);
    return chunk.request;
  }

  handleHashes(peerId: number, answered: HashRequest, hashes: Uint8Array): LayerAnswer {
    const chunk = this.#takeBack(peerId, answered);
    if (chunk === undefined) return 'lie';
    // Another peer was faster.
    if (this.#open.get(chunk.key) !== chunk) return 'accepted';
    const { tree, request } = chunk;
    if (!verifyProof(tree.piecesRoot, request, hashes, tree.leafCount, this.#sha256)) {
      this.#giveBack(chunk);
      return 'lie';
    }
    this.#open.delete(chunk.key);
    const hashCount = Math.min(request.length, tree.pieceCount - request.index);
    tree.layer.set(hashes.subarray(0, hashCount * MERKLE_HASH_BYTES), request.index * MERKLE_HASH_BYTES);
    for (let i = hashCount; i < request.length; i++) {
      const hash = hashes.subarray(i * MERKLE_HASH_BYTES, (i + 1) * MERKLE_HASH_BYTES);
      if (!bytesEqual(hash, this.#padHash)) return 'impossible';
    }
    return 'accepted';
  }

  /** The peer will not answer this request; it is not asked for the same again. */
  handleReject(peerId: number, rejected: HashRequest): void {
    const chunk = this.#takeBack(peerId, rejected);
    if (chunk === undefined) return;
    this.#peers.get(peerId)!.refusedKeys.add(chunk.key);
    this.#giveBack(chunk);
  }

  handlePeerGone(peerId: number): void {
    const asked = this.#peers.get(peerId);
    if (asked === undefined) return;
    this.#peers.delete(peerId);
    for (const chunk of asked.chunks.values()) {
      chunk.askedPeers.delete(peerId);
      this.#giveBack(chunk);
    }
  }

  /** The chunk of a request that this peer was asked and has now answered. */
  #takeBack(peerId: number, request: HashRequest): Chunk | undefined {
    const asked = this.#peers.get(peerId);
    const chunk = asked?.chunks.get(keyOf(request));
    if (asked === undefined || chunk === undefined || !isSameRange(chunk.request, request)) return undefined;
    asked.chunks.delete(chunk.key);
    chunk.askedPeers.delete(peerId);
    return chunk;
  }

  /** Nobody may be under way with it any more: then it waits for another peer. */
  #giveBack(chunk: Chunk): void {
    if (chunk.askedPeers.size > 0 || this.#open.get(chunk.key) !== chunk) return;
    this.#open.delete(chunk.key);
    this.#waiting.push(chunk);
  }

  #takeWaiting(asked: Asked): Chunk | undefined {
    const place = this.#waiting.findIndex(({ key }) => !asked.refusedKeys.has(key));
    return place === -1 ? undefined : this.#waiting.splice(place, 1)[0];
  }

  #nextNew(): Chunk | undefined {
    const file = this.#files[this.#nextFile];
    if (file === undefined) return undefined;
    const tree = this.#treeOf(file);
    const index = this.#nextPiece;
    this.#nextPiece += HASH_REQUEST_LENGTH_MAX;
    if (this.#nextPiece >= tree.pieceCount) {
      this.#nextPiece = 0;
      this.#nextFile++;
    }
    // A power of two; what lies beyond the layer's end are pads. The last hash alone would be odd to ask for.
    const length = Math.min(HASH_REQUEST_LENGTH_MAX, Math.max(2, 2 ** levelsAbove(tree.pieceCount - index)));
    const baseLayer = this.#pieceLevel;
    const proofLayers = fullProofLayers(baseLayer, tree.leafCount);
    const request = { piecesRoot: tree.piecesRoot, baseLayer, index, length, proofLayers };
    return { key: keyOf(request), tree, request, askedPeers: new Set() };
  }

  #treeOf(file: LayeredFile): Tree {
    const key = bytesToHex(file.piecesRoot);
    const known = this.#trees.get(key);
    if (known !== undefined) return known;
    const pieceCount = Math.ceil(file.lengthBytes / this.#pieceLengthBytes);
    const layer = new Uint8Array(pieceCount * MERKLE_HASH_BYTES);
    const tree: Tree = { ...file, pieceCount, leafCount: leafCountOf(file.lengthBytes), layer };
    this.#trees.set(key, tree);
    return tree;
  }

  /** Everything is being asked for: one more peer for what the fewest are asked. */
  #leastAsked(peerId: number, asked: Asked): Chunk | undefined {
    let least: Chunk | undefined;
    for (const chunk of this.#open.values()) {
      if (chunk.askedPeers.size >= ASKED_MAX || chunk.askedPeers.has(peerId) || asked.refusedKeys.has(chunk.key)) {
        continue;
      }
      if (least === undefined || chunk.askedPeers.size < least.askedPeers.size) least = chunk;
    }
    return least;
  }
}

function keyOf({ piecesRoot, index }: HashRequest): string {
  return `${bytesToHex(piecesRoot)} ${index}`;
}

function isSameRange(asked: HashRequest, answered: HashRequest): boolean {
  return (
    asked.baseLayer === answered.baseLayer &&
    asked.length === answered.length &&
    asked.proofLayers === answered.proofLayers
  );
}
