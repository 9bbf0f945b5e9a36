// Everything about getting pieces: which blocks to ask each peer for, where their bytes go, when a piece is handed to
// the disk, what its verdict means. Knows peers by the few members of `DownloadPeer` and no socket. Longer than most files:
// requests, blocks and verdicts share the buffers of the pieces that are coming in.
import { assert } from '../../base/assert.ts';
import type { Crypto } from '../../platform/crypto.ts';
import type { DiskError, ExpectedHash, PieceOutcome, Storage } from '../../platform/disk.ts';
import { BLOCK_BYTES, PIECE_LENGTH_MAX_BYTES, SLAB_BYTES } from '../../protocol/limits.ts';
import type { BlockPool, Slab } from '../../storage/block-pool.ts';
import type { PieceJudge } from '../../swarm/piece-judge.ts';
import type { BlockRef, CancelledRequest, PickerPeer, PiecePicker } from '../../swarm/piece-picker.ts';
import { RequestHorizon } from '../../swarm/request-horizon.ts';
import type { RequestPipeline } from '../../swarm/request-pipeline.ts';
import type { GateWaiter, TransferGate } from '../transfer-gate.ts';
import { type FilledPart, PieceBuffer } from './piece-buffer.ts';
import type { WritePressure } from './write-pressure.ts';

const SHA1_BYTES = 20;
/** How long a torrent that found no memory for a block asks for none. */
const NO_MEMORY_PAUSE_MS = 500;
/** In end game, when a peer has nothing to do. */
const LOOK_AGAIN_MS = 1_000;
/** Two peers are company to each other while their rates differ by no more than this factor ... */
const COMPANY_RATE_RATIO = 4;
/** ... and for so long after the last block that followed one of the other's, in ms. */
const COMPANY_MS = 2_000;
/** What a peer may go on with when something is needed at once: about what it has handed to its socket already. */
const KEPT_RATIO = 1 / 2;
/** What is needed within this time is not taken back. */
const SOON_MS = 2_000;
const BLOCKS_PER_PIECE_MAX = PIECE_LENGTH_MAX_BYTES / BLOCK_BYTES;

function writerKey(pieceIndex: number, blockIndex: number): number {
  return pieceIndex * BLOCKS_PER_PIECE_MAX + blockIndex;
}

export interface DownloadPeer extends PickerPeer, GateWaiter {
  readonly pipeline: RequestPipeline;
  /** By which a sender of bad data is known: an address, not a connection. */
  readonly blameKey: string;
  readonly amInterested: boolean;
  /** Instead of the torrent's, for a peer with limits of its own or without any. */
  readonly downloadGate: TransferGate | undefined;
  sendRequest(pieceIndex: number, begin: number, length: number): void;
  sendCancel(pieceIndex: number, begin: number, length: number): void;
  /** The block it may be in the middle of sending has a new owner: its bytes go nowhere. */
  abandonBlock(pieceIndex: number, begin: number): void;
}

export interface DownloadHost {
  peer(id: number): DownloadPeer | undefined;
  /** By which the sender of a block is known, also when it has gone. */
  senderKey(id: number): string | undefined;
  pieceSizeBytes(pieceIndex: number): number;
  requestableBytes(pieceIndex: number): number;
  expectedHash(pieceIndex: number): ExpectedHash;
  handlePieceVerified(pieceIndex: number, nowMs: number): void;
  handlePieceFailed(pieceIndex: number): void;
  /** These senders are proven to have sent bad data. */
  handleGuilty(blameKeys: readonly string[]): void;
  handleDiskError(error: DiskError): void;
  /** `fillRequests` for every peer with nothing under way is due at that time. */
  expectFill(atMs: number): void;
  nowMs(): number;
}

export interface DownloadParts {
  readonly picker: PiecePicker;
  readonly storage: Storage;
  readonly pool: BlockPool;
  readonly judge: PieceJudge;
  readonly gate: TransferGate;
  readonly pressure: WritePressure;
  readonly crypto: Crypto;
}

export class Download {
  readonly #host: DownloadHost;
  readonly #parts: DownloadParts;
  /** Pieces that are coming in. */
  readonly #buffers = new Map<number, PieceBuffer>();
  /** Who is in the middle of sending which block. */
  readonly #writers = new Map<number, DownloadPeer>();
  readonly #horizon = new RequestHorizon();
  /** Reused by every pick. */
  readonly #picked: BlockRef[] = [];
  /** Where the block that `openBlock` accepted goes, in that slab's bytes. */
  targetOffset = 0;
  /** No block is asked for before: other torrents have all the memory for blocks. */
  pausedUntilMs: number = Number.NEGATIVE_INFINITY;
  isRunning = true;
  /** Who has sent the last block, and when the sender changed between two that are company to each other. */
  #lastGiver: DownloadPeer | undefined;
  #companyMs = Number.NEGATIVE_INFINITY;
  wastedBytes = 0;
  hashFailureCount = 0;
  /** Of the wasted bytes: thrown away because of a bad piece. */
  hashFailedBytes = 0;

  constructor(host: DownloadHost, parts: DownloadParts) {
    this.#host = host;
    this.#parts = parts;
  }

  /** No piece is coming in. */
  get isIdle(): boolean {
    return this.#buffers.size === 0;
  }

  /** Where bytes are asked for; for diagnostics. */
  get gate(): TransferGate {
    return this.#parts.gate;
  }

  /**
   * Asks the peer for as many blocks as its pipeline, the limits and the picker allow. Returns false when the picker
   * has nothing for a peer that could be asked.
   */
  fillRequests(peer: DownloadPeer, nowMs: number): boolean {
    if (!this.isRunning || this.#parts.pressure.isBusy || !peer.amInterested) return true;
    if (nowMs < this.pausedUntilMs) return true;
    if (peer.isChoking && peer.allowedFast.size === 0) return true;
    const { pipeline } = peer;
    const { picker } = this.#parts;
    pipeline.setCompany(nowMs - this.#companyMs < COMPANY_MS);
    pipeline.hurries = picker.isPressing(nowMs);
    pipeline.setHorizon(this.#horizon.seconds(nowMs));
    const room = pipeline.room(nowMs);
    if (room <= 0) return true;
    const gate = this.#gateOf(peer);
    const grantedBytes = gate.take(room * BLOCK_BYTES, BLOCK_BYTES, nowMs);
    if (grantedBytes === 0) {
      gate.wait(peer, BLOCK_BYTES, nowMs);
      return true;
    }
    const count = picker.pick(peer, grantedBytes / BLOCK_BYTES, this.#picked, nowMs);
    if (count * BLOCK_BYTES < grantedBytes && !peer.isChoking) this.#horizon.handleWant(nowMs);
    let askedBytes = 0;
    for (let i = 0; i < count; i++) {
      const { pieceIndex, begin, length } = this.#picked[i]!;
      askedBytes += length;
      peer.sendRequest(pieceIndex, begin, length);
    }
    if (count > 0) pipeline.handleRequested(count, nowMs);
    if (grantedBytes > askedBytes) gate.refund(grantedBytes - askedBytes);
    // It could be asked for more than the limit allows: the next turn of the others comes first.
    else if (grantedBytes < room * BLOCK_BYTES) gate.wait(peer, BLOCK_BYTES, nowMs);
    // How soon others answer is guessed: a peer with nothing to do may be of help a little later.
    if (count === 0 && pipeline.outstanding === 0 && picker.isEndgame) this.#host.expectFill(nowMs + LOOK_AGAIN_MS);
    return count > 0 || peer.isChoking;
  }

  /** Something is needed sooner than all that the peer was asked for: takes back what nobody waits for. */
  makeRoom(peer: DownloadPeer, nowMs: number): void {
    const { picker } = this.#parts;
    const { pipeline } = peer;
    pipeline.hurries = picker.isPressing(nowMs);
    const excess = pipeline.hurries ? pipeline.outstanding - Math.ceil(pipeline.desiredDepth() * KEPT_RATIO) : 0;
    if (excess > 0) this.handleCancelled(picker.takeBack(peer.id, excess, nowMs + SOON_MS));
  }

  /**
   * A block begins to arrive. Returns the slab's bytes that it goes to, at `targetOffset`; undefined when it was not
   * asked for, or is there already, so that its bytes are to be dropped. `isWhole`: all its bytes are at hand.
   */
  openBlock(
    peer: DownloadPeer,
    pieceIndex: number,
    begin: number,
    length: number,
    isWhole: boolean,
  ): Uint8Array | undefined {
    const blockIndex = begin / BLOCK_BYTES;
    if (!Number.isInteger(blockIndex) || !this.isRunning) return undefined;
    if (!this.#parts.picker.wouldAccept(pieceIndex, blockIndex, peer.id)) return undefined;
    if (length !== Math.min(BLOCK_BYTES, this.#host.requestableBytes(pieceIndex) - begin)) return undefined;
    const buffer = this.#buffers.get(pieceIndex) ?? this.#createBuffer(pieceIndex);
    const slab = buffer.slabAt(begin);
    if (slab === undefined) {
      this.#handleNoMemory();
      return undefined;
    }
    // BOUNDED: the picker opens at most maxOpenPieces, and only blocks it asked for get here.
    this.#buffers.set(pieceIndex, buffer);
    if (this.#writers.size > 0 || !isWhole) this.#takeOver(peer, pieceIndex, blockIndex, isWhole);
    this.targetOffset = begin % SLAB_BYTES;
    return slab.bytes;
  }

  /** The peer ends, or its block has a new owner, before all bytes of the block came. */
  closeBlock(peer: DownloadPeer, pieceIndex: number, begin: number): void {
    const key = writerKey(pieceIndex, begin / BLOCK_BYTES);
    if (this.#writers.get(key) === peer) this.#writers.delete(key);
  }

  /** All bytes of a block that `openBlock` accepted are in place. */
  handleBlock(peer: DownloadPeer, pieceIndex: number, begin: number, length: number, nowMs: number): void {
    const { picker } = this.#parts;
    const blockIndex = begin / BLOCK_BYTES;
    if (peer !== this.#lastGiver) this.#handleGiver(peer, nowMs);
    if (this.#writers.size > 0) this.#writers.delete(writerKey(pieceIndex, blockIndex));
    const wasOutstanding = picker.isOutstanding(pieceIndex, blockIndex, peer.id);
    const verdict = picker.handleBlock(pieceIndex, blockIndex, peer.id);
    if (wasOutstanding) peer.pipeline.handleBlock(length, nowMs);
    else {
      // What was given back when the request was given up has come after all.
      peer.pipeline.handleLateBlock(length, nowMs);
      this.#gateOf(peer).charge(length, nowMs);
    }
    if (verdict === 'unsolicited' || verdict === 'duplicate') {
      this.wastedBytes += length;
      return;
    }
    const others = picker.otherRequesters();
    if (others.length > 0) this.#cancelAt([...others], pieceIndex, begin, length, nowMs);
    const buffer = this.#buffers.get(pieceIndex)!;
    this.#rememberSha1(buffer, begin);
    const filled = buffer.handleBlock(begin);
    if (verdict === 'pieceComplete') {
      buffer.isComplete = true;
      this.#buffers.delete(pieceIndex);
    }
    if (filled === undefined) return;
    if (buffer.isInParts) this.#writePart(buffer, filled);
    else this.#writePiece(buffer, filled);
  }

  /**
   * All bytes of a block that went nowhere have passed. Returns false when the peer was never asked for it, or not for
   * so many bytes, or has sent it already.
   */
  handleDroppedBlock(peer: DownloadPeer, pieceIndex: number, begin: number, length: number, nowMs: number): boolean {
    const { picker } = this.#parts;
    this.wastedBytes += length;
    const blockIndex = begin / BLOCK_BYTES;
    const isWhole = Number.isInteger(blockIndex) && length === picker.blockLength(pieceIndex, blockIndex);
    // The bytes have passed: nothing is given back for the request that they answer.
    this.#gateOf(peer).charge(length, nowMs);
    if (this.handleRequestLost(peer, pieceIndex, begin) || !isWhole) return isWhole;
    if (picker.wouldAccept(pieceIndex, blockIndex, peer.id)) return true;
    return picker.handleBlock(pieceIndex, blockIndex, peer.id) === 'duplicate';
  }

  /** Pieces that hold nothing but padding: right without a byte from anyone. */
  verifyEmptyPieces(nowMs: number): void {
    for (const pieceIndex of this.#parts.picker.zeroByteMissingPieces()) {
      this.#parts.picker.handlePieceVerified(pieceIndex);
      this.#host.handlePieceVerified(pieceIndex, nowMs);
    }
  }

  /** The peer has forgotten, or will not answer, what it was asked. */
  handleRequestsLost(peer: DownloadPeer): void {
    const { picker } = this.#parts;
    const lost = peer.pipeline.outstanding;
    if (lost > 0) {
      this.#gateOf(peer).refund(lost * BLOCK_BYTES);
      peer.pipeline.handleLost(lost);
    }
    picker.handleAllRequestsLost(peer.id);
  }

  /** The peer is silent: others are asked, and it is spared what it has not begun to send. */
  handleSnubbed(peer: DownloadPeer): void {
    const asked = this.#parts.picker.outstandingOf(peer.id);
    this.handleRequestsLost(peer);
    for (const { pieceIndex, begin, length } of asked) peer.sendCancel(pieceIndex, begin, length);
  }

  /** One request was refused or will not be answered. Returns false when it was not outstanding. */
  handleRequestLost(peer: DownloadPeer, pieceIndex: number, begin: number): boolean {
    const { picker } = this.#parts;
    const blockIndex = begin / BLOCK_BYTES;
    if (!Number.isInteger(blockIndex) || !picker.isOutstanding(pieceIndex, blockIndex, peer.id)) return false;
    picker.handleRequestLost(pieceIndex, blockIndex, peer.id);
    peer.pipeline.handleLost(1);
    this.#gateOf(peer).refund(picker.blockLength(pieceIndex, blockIndex));
    return true;
  }

  /** The picker has given these requests up: the peers are told, and what was counted for them is given back. */
  handleCancelled(requests: readonly CancelledRequest[]): void {
    for (const { peerId, pieceIndex, begin, length } of requests) {
      const peer = this.#host.peer(peerId);
      if (peer === undefined) continue;
      peer.pipeline.handleLost(1);
      this.#gateOf(peer).refund(length);
      peer.sendCancel(pieceIndex, begin, length);
    }
  }

  /** The piece is no longer wanted: drops what has come of it. */
  forgetPiece(pieceIndex: number): void {
    const buffer = this.#buffers.get(pieceIndex);
    if (buffer !== undefined) this.#drop(buffer);
  }

  /** A peer has ended. A piece of which it alone was sending, and no block has come, keeps no memory. */
  handlePeerGone(): void {
    this.#lastGiver = undefined;
    this.#dropUnneeded();
  }

  #dropUnneeded(): void {
    for (const buffer of this.#buffers.values()) {
      if (this.#parts.picker.stateOf(buffer.pieceIndex) !== 'requested') this.#drop(buffer);
    }
  }

  /** Drops what is half received; pieces that the disk has whole are still judged. */
  stop(): void {
    this.isRunning = false;
    const { picker } = this.#parts;
    for (const buffer of this.#buffers.values()) {
      this.#drop(buffer);
      // Where no whole block had come, the piece was given up with its last request.
      if (picker.stateOf(buffer.pieceIndex) === 'requested') picker.handleWriteFailed(buffer.pieceIndex);
    }
  }

  /** Gives a piece's memory back; who is in the middle of one of its blocks writes there no more. */
  #drop(buffer: PieceBuffer): void {
    const { pieceIndex } = buffer;
    for (const [key, writer] of this.#writers) {
      const blockIndex = key - writerKey(pieceIndex, 0);
      if (blockIndex < 0 || blockIndex >= BLOCKS_PER_PIECE_MAX) continue;
      writer.abandonBlock(pieceIndex, blockIndex * BLOCK_BYTES);
      this.#writers.delete(key);
    }
    buffer.release();
    this.#buffers.delete(pieceIndex);
  }

  /** Throws when memory is held for a piece that nobody is sending. For tests. */
  assertInvariants(): void {
    const { picker } = this.#parts;
    const writtenTo = new Set([...this.#writers.keys()].map((key) => Math.floor(key / BLOCKS_PER_PIECE_MAX)));
    for (const pieceIndex of this.#buffers.keys()) {
      const isOpen = picker.stateOf(pieceIndex) === 'requested' || writtenTo.has(pieceIndex);
      assert(isOpen, `piece ${pieceIndex} is ${picker.stateOf(pieceIndex)} and keeps a buffer`);
    }
    for (const pieceIndex of writtenTo) assert(this.#buffers.has(pieceIndex), `piece ${pieceIndex} has no buffer`);
  }

  #handleGiver(peer: DownloadPeer, nowMs: number): void {
    const rate = peer.pipeline.downloadBytesPerSecond;
    const otherRate = this.#lastGiver?.pipeline.downloadBytesPerSecond ?? 0;
    if (COMPANY_RATE_RATIO * Math.min(rate, otherRate) > Math.max(rate, otherRate)) this.#companyMs = nowMs;
    this.#lastGiver = peer;
  }

  #gateOf(peer: DownloadPeer): TransferGate {
    return peer.downloadGate ?? this.#parts.gate;
  }

  #createBuffer(pieceIndex: number): PieceBuffer {
    const size = this.#host.pieceSizeBytes(pieceIndex);
    return new PieceBuffer(this.#parts.pool, pieceIndex, size, this.#host.requestableBytes(pieceIndex));
  }

  /**
   * Other torrents hold the session's memory for blocks. What is under way is lost, and asking for it again at once would
   * lose it again: they need a moment to finish their pieces.
   */
  #handleNoMemory(): void {
    const nowMs = this.#host.nowMs();
    if (nowMs < this.pausedUntilMs) return;
    this.pausedUntilMs = nowMs + NO_MEMORY_PAUSE_MS;
    this.#host.expectFill(this.pausedUntilMs);
  }

  /** One writer a block: a peer that begins to send it takes it from one that is in the middle of it. */
  #takeOver(peer: DownloadPeer, pieceIndex: number, blockIndex: number, isWhole: boolean): void {
    const key = writerKey(pieceIndex, blockIndex);
    const writer = this.#writers.get(key);
    if (writer !== undefined && writer !== peer) writer.abandonBlock(pieceIndex, blockIndex * BLOCK_BYTES);
    if (isWhole) this.#writers.delete(key);
    // BOUNDED: a peer is in the middle of one block at most.
    else this.#writers.set(key, peer);
  }

  #cancelAt(peerIds: readonly number[], pieceIndex: number, begin: number, length: number, nowMs: number): void {
    for (const peerId of peerIds) {
      const other = this.#host.peer(peerId);
      if (other === undefined) continue;
      other.pipeline.handleLost(1);
      this.#gateOf(other).refund(length);
      other.sendCancel(pieceIndex, begin, length);
      this.fillRequests(other, nowMs);
    }
  }

  /** For a piece that failed before: what each block was, so that the good copy convicts the senders of the bad one. */
  #rememberSha1(buffer: PieceBuffer, begin: number): void {
    const { judge, crypto } = this.#parts;
    if (!judge.needsBlockHashes(buffer.pieceIndex)) return;
    const blockCount = Math.ceil(this.#host.requestableBytes(buffer.pieceIndex) / BLOCK_BYTES);
    buffer.blockSha1s ??= new Uint8Array(blockCount * SHA1_BYTES);
    buffer.blockSha1s.set(crypto.sha1(buffer.blockBytes(begin)), (begin / BLOCK_BYTES) * SHA1_BYTES);
  }

  #writePiece(buffer: PieceBuffer, { slab, length }: FilledPart): void {
    const { storage, pool, pressure } = this.#parts;
    const { pieceIndex } = buffer;
    storage.writePiece(pieceIndex, slab.bytes.subarray(0, length), this.#host.expectedHash(pieceIndex), (outcome) => {
      try {
        if (!this.#handleOutcome(buffer, outcome, slab)) pool.release(slab);
      } finally {
        pressure.update();
      }
    });
    pressure.update();
  }

  #writePart(buffer: PieceBuffer, { slab, offset, length }: FilledPart): void {
    const { storage, pool, pressure } = this.#parts;
    buffer.partsInFlight++;
    storage.writePart(buffer.pieceIndex, offset, slab.bytes.subarray(0, length), ({ error }) => {
      pool.release(slab);
      buffer.partsInFlight--;
      try {
        if (error !== undefined) this.#handlePartError(buffer, error);
        else if (buffer.isComplete && !buffer.hasFailed && buffer.partsInFlight === 0) this.#hashParts(buffer);
      } finally {
        pressure.update();
      }
    });
    pressure.update();
  }

  #hashParts(buffer: PieceBuffer): void {
    const { pieceIndex } = buffer;
    this.#parts.storage.hashPiece(pieceIndex, this.#host.expectedHash(pieceIndex), (outcome) => {
      this.#handleOutcome(buffer, outcome);
    });
  }

  #handlePartError(buffer: PieceBuffer, error: DiskError): void {
    // Once for a piece, whichever of its parts fails first, and not for one that was dropped meanwhile.
    if (!buffer.isComplete && this.#buffers.get(buffer.pieceIndex) !== buffer) return;
    if (buffer.hasFailed) return;
    buffer.hasFailed = true;
    if (this.#buffers.get(buffer.pieceIndex) === buffer) this.#drop(buffer);
    else buffer.release();
    this.#handleOutcome(buffer, { error, matched: false });
  }

  /** Whether the slab with the piece's bytes is still of use. */
  #handleOutcome(buffer: PieceBuffer, outcome: PieceOutcome, slab?: Slab): boolean {
    const { picker, judge } = this.#parts;
    const { pieceIndex } = buffer;
    if (outcome.error !== undefined) {
      this.handleCancelled(picker.handleWriteFailed(pieceIndex));
      // A piece that stopped being wanted while it was written may have no file to stand in: nobody misses it.
      const isUnwanted = picker.priorityOf(pieceIndex) === 0;
      if (!isUnwanted || outcome.error.code !== 'DISK_NOT_FOUND') this.#host.handleDiskError(outcome.error);
      return false;
    }
    if (outcome.matched) {
      const ban = judge.handleVerified(pieceIndex, buffer.blockSha1s, this.#sendersOf(pieceIndex));
      picker.handlePieceVerified(pieceIndex);
      this.#host.handlePieceVerified(pieceIndex, this.#host.nowMs());
      this.#handleGuilty(ban);
      return false;
    }
    return this.#handleFailedPiece(buffer, outcome, slab);
  }

  #handleFailedPiece(buffer: PieceBuffer, { blockSha1s: allSha1s }: PieceOutcome, slab: Slab | undefined): boolean {
    const { picker, judge } = this.#parts;
    const { pieceIndex } = buffer;
    this.hashFailureCount++;
    const senders = this.#sendersOf(pieceIndex);
    // Blocks of padding at the end were sent by nobody.
    const blockSha1s = allSha1s?.subarray(0, senders.length * SHA1_BYTES);
    const { ban, isKept } = judge.handleFailed(pieceIndex, blockSha1s, senders);
    const mayKeep = slab !== undefined && this.isRunning && isKept.length > 0;
    const isRepaired = picker.handlePieceFailed(pieceIndex, mayKeep ? (block) => isKept[block] === true : undefined);
    const lost = senders.flatMap((_, block) => (isRepaired && isKept[block] === true ? [] : [block]));
    for (const block of lost) this.#countFailed(picker.blockLength(pieceIndex, block));
    if (isRepaired) {
      buffer.reopen(slab!, lost.length, blockSha1s?.slice());
      this.#buffers.set(pieceIndex, buffer);
    }
    this.#handleGuilty(ban);
    this.#host.handlePieceFailed(pieceIndex);
    return isRepaired;
  }

  /** What they have sent of pieces that are still coming in is thrown away: it would spoil those too. */
  #handleGuilty(blameKeys: readonly string[]): void {
    if (blameKeys.length === 0) return;
    const dropped = this.#parts.picker.dropBlocks((pieceIndex, senderId) => {
      const key = this.#host.senderKey(senderId);
      // What is on its way to the disk cannot be taken back.
      return key !== undefined && blameKeys.includes(key) && this.#buffers.get(pieceIndex)?.isInParts === false;
    });
    for (const { pieceIndex, length } of dropped) {
      this.#countFailed(length);
      this.#buffers.get(pieceIndex)!.dropBlock();
    }
    this.#dropUnneeded();
    this.#host.handleGuilty(blameKeys);
  }

  #countFailed(bytes: number): void {
    this.wastedBytes += bytes;
    this.hashFailedBytes += bytes;
  }

  #sendersOf(pieceIndex: number): (string | undefined)[] {
    return this.#parts.picker.blockSendersOf(pieceIndex).map((id) => this.#host.senderKey(id));
  }
}
