// Answers the hash requests of peers (BEP 52, "hash request"): those for the piece layer and above from the layers of
// the metadata, those for leaves from the pieces on disk. Knows no socket; asks nothing of anybody itself.
//
// The rules: a request is answered exactly once, with hashes or a reject. Trees are hashed in small steps and leaves in
// small reads, between which everything else goes on. Leaves cost a read of a whole piece, so that only peers that we
// serve anyway (unchoked ones) get them, one piece at a time.
import { bytesEqual, bytesToHex } from '../../base/bytes.ts';
import type { Crypto } from '../../platform/crypto.ts';
import type { DiskError, Storage } from '../../platform/disk.ts';
import {
  BLOCK_BYTES,
  HASH_REQUEST_LENGTH_MAX,
  HASH_REQUESTS_QUEUED_MAX,
  SEND_BUFFER_PEER_MAX_BYTES,
} from '../../protocol/limits.ts';
import {
  collectHashes,
  isValidHashRange,
  leafCountOf,
  levelsAbove,
  MerkleTree,
  type Sha256,
} from '../../protocol/merkle/index.ts';
import type { HashRequest } from '../../protocol/wire/hash-messages.ts';
import type { DeadlineEntry, DeadlineQueue } from '../deadline-queue.ts';
import { LeafReader } from './leaf-reader.ts';
import type { TorrentContent } from './torrent-content.ts';

/** Requests looked at before everything else has its turn again: at most 17 KiB are copied for each. */
const ANSWERS_PER_TURN = 16;
/** Nodes hashed in one turn: some milliseconds. */
const HASHES_PER_TURN = 2_048;

export interface HashPeer {
  readonly isClosed: boolean;
  readonly isUnchoked: boolean;
  /** Bytes that are on their way to it. */
  readonly sendingBytes: number;
  sendHashes(request: HashRequest, hashes: Uint8Array): void;
  sendHashReject(request: HashRequest): void;
}

export interface HashExchangeHost {
  /** A mistake of ours showed itself. */
  handleBug(error: unknown): void;
  hasPiece(pieceIndex: number): boolean;
  handleReadError(pieceIndex: number, error: DiskError): void;
  nowMs(): number;
}

export interface HashExchangeParts {
  readonly content: TorrentContent;
  readonly storage: Pick<Storage, 'read'>;
  readonly crypto: Pick<Crypto, 'sha256'>;
  readonly deadlines: DeadlineQueue;
}

interface HashedFile {
  readonly piecesRoot: Uint8Array;
  readonly firstPiece: number;
  readonly lengthBytes: number;
  readonly leafCount: number;
  /** The piece layer; absent for files of one piece, and where it is not known. */
  readonly layer: Uint8Array | undefined;
  /** Over the layer, once something of the file was asked for. */
  tree: MerkleTree | undefined;
}

interface Job {
  readonly peer: HashPeer;
  readonly request: HashRequest;
  readonly file: HashedFile;
}

/** The tree over some whole pieces of one file, and where it stands in the file's. */
interface LeafTree {
  readonly file: HashedFile;
  readonly firstLeaf: number;
  readonly tree: MerkleTree;
}

export class HashExchange implements DeadlineEntry {
  readonly #host: HashExchangeHost;
  readonly #parts: HashExchangeParts;
  readonly #sha256: Sha256;
  readonly #leafReader: LeafReader;
  /** Levels from a leaf to the piece layer. */
  readonly #pieceLevel: number;
  /** By root, in hexadecimal. BOUNDED: files of the torrent. Their trees are as large as their layers at most. */
  #files: ReadonlyMap<string, HashedFile> | undefined;
  // BOUNDED: both together HASH_REQUESTS_QUEUED_MAX a peer.
  #jobs: Job[] = [];
  #leafJobs: Job[] = [];
  // BOUNDED: peers with something in the queues.
  readonly #queuedCounts = new Map<HashPeer, number>();
  /** The last leaves that were read: requests for one piece come together. BOUNDED: one piece, or a whole request. */
  #lastLeaves: LeafTree | undefined;

  constructor(host: HashExchangeHost, parts: HashExchangeParts) {
    this.#host = host;
    this.#parts = parts;
    this.#sha256 = (bytes) => parts.crypto.sha256(bytes);
    this.#leafReader = new LeafReader(parts.storage, this.#sha256);
    this.#pieceLevel = levelsAbove(parts.content.info.pieceLengthBytes / BLOCK_BYTES);
  }

  /** Requests that wait for their answer. */
  get queuedCount(): number {
    return this.#jobs.length + this.#leafJobs.length;
  }

  handleRequest(peer: HashPeer, request: HashRequest): void {
    const file = this.#fileOf(request);
    const queuedCount = this.#queuedCounts.get(peer) ?? 0;
    const isServed =
      file !== undefined &&
      queuedCount < HASH_REQUESTS_QUEUED_MAX &&
      isValidHashRange(request, file.leafCount, HASH_REQUEST_LENGTH_MAX) &&
      (this.#isFromLayer(file, request) || this.#isFromDisk(peer, file, request));
    if (!isServed) {
      peer.sendHashReject(request);
      return;
    }
    this.#queuedCounts.set(peer, queuedCount + 1);
    this.#jobs.push({ peer, request, file });
    this.#parts.deadlines.expedite(this, this.#host.nowMs());
  }

  /** Forgets what is queued: no peer is there any more. */
  stop(): void {
    this.#jobs = [];
    this.#leafJobs = [];
    this.#queuedCounts.clear();
    this.#lastLeaves = undefined;
    this.#parts.deadlines.remove(this);
  }

  handleBug(error: unknown): void {
    this.#host.handleBug(error);
  }

  handleDeadline(nowMs: number): number {
    for (let left = ANSWERS_PER_TURN; left > 0 && this.#jobs.length > 0; left--) {
      const job = this.#jobs[0]!;
      const tree = this.#treeOf(job.file);
      if (!job.peer.isClosed && tree?.grow(HASHES_PER_TURN) === false) return nowMs;
      this.#jobs.shift();
      if (tree !== undefined && this.#isFromLayer(job.file, job.request)) {
        this.#answer(job, (level, index) => tree.node(level, index));
      } else this.#leafJobs.push(job);
    }
    this.#serveLeaves();
    return this.#jobs.length > 0 ? nowMs : Number.POSITIVE_INFINITY;
  }

  #isFromLayer(file: HashedFile, { baseLayer }: HashRequest): boolean {
    return file.layer !== undefined && baseLayer >= this.#pieceLevel;
  }

  /** BEP 52 wants only the leaf layer of the layers below the pieces'. */
  #isFromDisk(peer: HashPeer, file: HashedFile, request: HashRequest): boolean {
    const { pieceLengthBytes } = this.#parts.content.info;
    if (request.baseLayer !== 0 || !peer.isUnchoked) return false;
    if (file.layer === undefined && file.lengthBytes > pieceLengthBytes) return false;
    const { firstLeaf, leafCount } = this.#leavesFor(file, request);
    if (firstLeaf * BLOCK_BYTES >= file.lengthBytes) return false;
    const endBytes = Math.min(file.lengthBytes, (firstLeaf + leafCount) * BLOCK_BYTES);
    const endPiece = file.firstPiece + Math.ceil(endBytes / pieceLengthBytes);
    for (let piece = this.#pieceOfLeaf(file, firstLeaf); piece < endPiece; piece++) {
      if (!this.#host.hasPiece(piece)) return false;
    }
    return true;
  }

  /** The whole pieces that the range and its uncles below the piece layer stand in. */
  #leavesFor(file: HashedFile, { index, length }: HashRequest): { firstLeaf: number; leafCount: number } {
    const leafCount = Math.min(file.leafCount, Math.max(length, 2 ** this.#pieceLevel));
    return { firstLeaf: Math.floor(index / leafCount) * leafCount, leafCount };
  }

  #pieceOfLeaf(file: HashedFile, leaf: number): number {
    return file.firstPiece + leaf / 2 ** this.#pieceLevel;
  }

  #serveLeaves(): void {
    while (!this.#leafReader.isBusy && this.#leafJobs.length > 0) {
      const job = this.#leafJobs.shift()!;
      const { file, request, peer } = job;
      const { firstLeaf, leafCount } = this.#leavesFor(file, request);
      const last = this.#lastLeaves;
      if (last?.file === file && last.firstLeaf === firstLeaf && last.tree.leafCount === leafCount) {
        this.#answerFromLeaves(job, last);
        continue;
      }
      if (peer.isClosed || !peer.isUnchoked) {
        this.#reject(job);
        continue;
      }
      const startBytes = firstLeaf * BLOCK_BYTES;
      const lengthBytes = Math.min(file.lengthBytes - startBytes, leafCount * BLOCK_BYTES);
      const { pieceLengthBytes } = this.#parts.content.info;
      const firstPiece = this.#pieceOfLeaf(file, firstLeaf);
      this.#leafReader.read({ firstPiece, lengthBytes, pieceLengthBytes }, (outcome) => {
        if (outcome.ok) {
          const tree = MerkleTree.of({ layer: outcome.leaves, baseLayer: 0, leafCount, sha256: this.#sha256 });
          this.#handleLeaves(job, { file, firstLeaf, tree });
        } else {
          this.#reject(job);
          this.#host.handleReadError(outcome.pieceIndex, outcome.error);
        }
        this.#serveLeaves();
      });
    }
  }

  /** What the disk gives is believed when it leads to a hash that we know. */
  #handleLeaves(job: Job, leaves: LeafTree): void {
    const { file, firstLeaf, tree } = leaves;
    const known = file.tree?.node(levelsAbove(tree.leafCount), firstLeaf / tree.leafCount) ?? file.piecesRoot;
    if (!bytesEqual(tree.root, known)) {
      this.#reject(job);
      return;
    }
    this.#lastLeaves = leaves;
    this.#answerFromLeaves(job, leaves);
  }

  #answerFromLeaves(job: Job, { file, firstLeaf, tree }: LeafTree): void {
    const top = levelsAbove(tree.leafCount);
    this.#answer(job, (level, index) =>
      level < top ? tree.node(level, index - firstLeaf / 2 ** level) : file.tree!.node(level, index),
    );
  }

  #answer(job: Job, nodeAt: (level: number, index: number) => Uint8Array): void {
    const { peer, request } = job;
    if (peer.isClosed || peer.sendingBytes > SEND_BUFFER_PEER_MAX_BYTES) {
      this.#reject(job);
      return;
    }
    this.#release(peer);
    peer.sendHashes(request, collectHashes(request, nodeAt));
  }

  #reject({ peer, request }: Job): void {
    this.#release(peer);
    if (!peer.isClosed) peer.sendHashReject(request);
  }

  #release(peer: HashPeer): void {
    const queuedCount = (this.#queuedCounts.get(peer) ?? 0) - 1;
    if (queuedCount > 0) this.#queuedCounts.set(peer, queuedCount);
    else this.#queuedCounts.delete(peer);
  }

  #treeOf(file: HashedFile): MerkleTree | undefined {
    const { layer, leafCount } = file;
    if (layer === undefined) return undefined;
    file.tree ??= new MerkleTree({ layer, baseLayer: this.#pieceLevel, leafCount, sha256: this.#sha256 });
    return file.tree;
  }

  #fileOf({ piecesRoot }: HashRequest): HashedFile | undefined {
    this.#files ??= this.#hashedFiles();
    return this.#files.get(bytesToHex(piecesRoot));
  }

  #hashedFiles(): ReadonlyMap<string, HashedFile> {
    const files = new Map<string, HashedFile>();
    const { pieceLengthBytes, files: all } = this.#parts.content.info;
    for (const { piecesRoot, pieceLayer: layer, lengthBytes, offsetBytes } of all) {
      if (piecesRoot === undefined) continue;
      const key = bytesToHex(piecesRoot);
      // Identical files have one tree.
      if (files.has(key)) continue;
      const leafCount = leafCountOf(lengthBytes);
      const firstPiece = offsetBytes / pieceLengthBytes;
      files.set(key, { piecesRoot, firstPiece, lengthBytes, leafCount, layer, tree: undefined });
    }
    return files;
  }
}
