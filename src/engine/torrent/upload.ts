// Everything about giving blocks: who is unchoked, which requests are taken, how they are read and sent. Reads go
// straight behind the message headers of the buffer that is then written to the socket in one call.
import type { DiskError, Storage } from '../../platform/disk.ts';
import { BLOCK_BYTES, SEND_BUFFER_PEER_MAX_BYTES } from '../../protocol/limits.ts';
import { PIECE_HEADER_BYTES, writePieceHeader } from '../../protocol/wire/wire-encoder.ts';
import type { ChokeRule } from '../../swarm/choker.ts';
import type { ChokerMode, ChokerPeer } from '../../swarm/choking/choker-peer.ts';
import type { PassingOn } from '../../swarm/passing-on.ts';
import type { UploadBudget, UploadDemand, UploadMember } from '../session/upload-budget.ts';
import type { GateWaiter, TransferGate } from '../transfer-gate.ts';
import type { RequestBatch, RequestQueue } from './request-queue.ts';
import { BATCH_BLOCKS_MAX, type SendBuffers } from './send-buffers.ts';

/** Sending so much of the peer's rate ahead keeps its link busy, keeps chokes and cancels quick, and a new piece on its way soon. */
const SEND_AHEAD_SECONDS = 0.15;
const SEND_AHEAD_MIN_BYTES = 2 * BLOCK_BYTES;

export interface UploadPeer extends ChokerPeer, GateWaiter {
  readonly supportsFast: boolean;
  readonly requests: RequestQueue;
  /** Bytes that are being read for it or wait in its socket. */
  readonly sendingBytes: number;
  readonly isClosed: boolean;
  /** Instead of the torrent's, for a peer with limits of its own or without any. */
  readonly uploadGate: TransferGate | undefined;
  sendChoke(isChoked: boolean): void;
  sendReject(pieceIndex: number, begin: number, length: number): void;
  /** Takes the buffer over and calls back when the system has it. */
  sendBlocks(bytes: Uint8Array, payloadBytes: number, onTaken: () => void): void;
  /** `bytes` more (or fewer) are being read for it. */
  addReading(bytes: number): void;
  /** It may fetch this piece while we choke it (BEP 6). */
  isAllowedFast(pieceIndex: number): boolean;
}

export interface UploadHost {
  peers(): Iterable<UploadPeer>;
  /** Whether the piece is ours to give, and the peer one that may know it. */
  mayGive(peer: UploadPeer, pieceIndex: number): boolean;
  /** Bytes of the piece that the disk has; what peers may ask for beyond them are zeros. */
  readableBytes(pieceIndex: number): number;
  /** Connected peers that say that they have it. */
  copiesOf(pieceIndex: number): number;
  handleReadError(pieceIndex: number, error: DiskError): void;
  /** A peer's requests wait for memory: `round` is to be called when it is due. */
  handleNoRoom(): void;
  nowMs(): number;
}

export interface UploadParts {
  readonly storage: Storage;
  readonly choker: ChokeRule;
  readonly gate: TransferGate;
  readonly buffers: SendBuffers;
  readonly budget: UploadBudget;
  readonly passingOn: PassingOn;
}

export class Upload implements UploadMember {
  readonly #host: UploadHost;
  readonly #parts: UploadParts;
  /** Reads under way, and since when there has been one without a break. */
  #readCount = 0;
  #readingSinceMs = 0;
  /** As they were last given. */
  #slots = 0;
  sentBytes = 0;
  mode: ChokerMode = 'leeching';
  isRunning = true;

  constructor(host: UploadHost, parts: UploadParts) {
    this.#host = host;
    this.#parts = parts;
  }

  /** Where bytes are asked for; for diagnostics. */
  get gate(): TransferGate {
    return this.#parts.gate;
  }

  /** There is memory for one more batch of blocks. */
  get hasMemory(): boolean {
    return this.#parts.buffers.hasRoom;
  }

  /** How long the disk has been reading without a break. */
  readingForMs(nowMs: number): number {
    return this.#readCount === 0 ? 0 : nowMs - this.#readingSinceMs;
  }

  /** When the next choke round is due. */
  get deadlineMs(): number {
    return this.#parts.choker.nextRoundMs;
  }

  /** Chokes and unchokes as the choker decides. */
  round(nowMs: number): void {
    const peers = [...this.#host.peers()];
    // Those that found no memory for their blocks the last time have nothing else to wake them.
    for (const peer of peers) if (peer.requests.length > 0) this.serve(peer, nowMs);
    const { choke, unchoke } = this.#parts.choker.round(peers, this.mode, nowMs);
    this.#apply(peers, choke, unchoke);
    this.#parts.budget.add(this, nowMs);
  }

  /** A slot may have become free, or somebody who may have it: gives it at once instead of at the next round. */
  fillSlots(): void {
    if (!this.isRunning) return;
    this.#parts.budget.add(this, this.#host.nowMs());
    this.#fill();
  }

  #fill(): void {
    if (!this.isRunning) return;
    const peers = [...this.#host.peers()];
    const chosen = this.#parts.choker.fill(peers, this.#host.nowMs());
    if (chosen.length === 0) return;
    const ids = new Set(chosen);
    for (const peer of peers) if (ids.has(peer.id)) peer.sendChoke(false);
  }

  demand(): UploadDemand {
    let unchokedCount = 0;
    let busyCount = 0;
    let waitingCount = 0;
    for (const { isInterested, isUnchoked, isUploadOnly, requests, sendingBytes } of this.#host.peers()) {
      if (!isInterested || isUploadOnly) continue;
      if (!isUnchoked) waitingCount++;
      else {
        unchokedCount++;
        if (requests.length > 0 || sendingBytes > 0) busyCount++;
      }
    }
    return { unchokedCount, busyCount, waitingCount };
  }

  setSupply(slots: number, hasSpare: boolean): void {
    const { choker } = this.#parts;
    choker.setSupply?.(slots, hasSpare);
    const ended = hasSpare ? undefined : choker.endSpare?.(this.#host.nowMs());
    if (ended !== undefined && ended.length > 0) this.#apply([...this.#host.peers()], ended, []);
    if (slots > this.#slots || hasSpare) this.#fill();
    this.#slots = slots;
  }

  /** The peer says that it has the piece now. */
  handleHave(peerId: number, pieceIndex: number): void {
    this.#parts.passingOn.handleHave(peerId, pieceIndex, this.#host.nowMs());
  }

  handlePeerGone(peerId: number): void {
    this.#parts.passingOn.handlePeerGone(peerId);
  }

  /** Of the pieces that the peer had of us before anybody else, how many it has given to others; undefined: not known. */
  passedOnRatio(peerId: number, nowMs: number): number | undefined {
    return this.#parts.passingOn.ratioOf(peerId, nowMs);
  }

  /** Nothing is sent any more. */
  stop(): void {
    this.isRunning = false;
    this.#parts.budget.remove(this);
  }

  /** A request that the wire rules have let through. */
  handleRequest(peer: UploadPeer, pieceIndex: number, begin: number, length: number): void {
    const isServed =
      this.isRunning && (peer.isUnchoked || peer.isAllowedFast(pieceIndex)) && this.#host.mayGive(peer, pieceIndex);
    if (!isServed || !peer.requests.add(pieceIndex, begin, length)) {
      if (peer.supportsFast) peer.sendReject(pieceIndex, begin, length);
      return;
    }
    // Requests come in bursts; the peer's session serves them when the whole burst was read.
  }

  handleCancel(peer: UploadPeer, pieceIndex: number, begin: number, length: number): void {
    // BEP 6: a cancel is answered with the block or with a reject.
    if (peer.requests.cancel(pieceIndex, begin, length) && peer.supportsFast)
      peer.sendReject(pieceIndex, begin, length);
  }

  /** Reads and sends for the peer until enough is on its way. */
  serve(peer: UploadPeer, nowMs: number): void {
    const aheadBytes = Math.min(
      SEND_BUFFER_PEER_MAX_BYTES,
      Math.max(SEND_AHEAD_MIN_BYTES, peer.uploadBytesPerSecond * SEND_AHEAD_SECONDS),
    );
    while (peer.requests.length > 0 && !peer.isClosed && peer.sendingBytes < aheadBytes) {
      const { buffers } = this.#parts;
      const gate = peer.uploadGate ?? this.#parts.gate;
      // The requests wait until some of what is on its way has gone, or for the next round.
      if (!buffers.hasRoom) {
        this.#host.handleNoRoom();
        return;
      }
      // Its batch under way wakes it.
      if (buffers.isCrowded && peer.sendingBytes > 0) return;
      // A slow peer gets small batches: what is handed to its socket can neither be cancelled nor choked any more.
      const blocks = Math.min(BATCH_BLOCKS_MAX, Math.ceil(aheadBytes / BLOCK_BYTES));
      const granted = gate.take(blocks * BLOCK_BYTES, BLOCK_BYTES, nowMs);
      if (granted === 0) {
        gate.wait(peer, BLOCK_BYTES, nowMs);
        return;
      }
      const batch = peer.requests.takeBatch(granted)!;
      gate.refund(granted - batch.totalBytes);
      this.#send(peer, batch);
    }
  }

  #apply(peers: readonly UploadPeer[], choke: readonly number[], unchoke: readonly number[]): void {
    const choked = new Set(choke);
    const unchoked = new Set(unchoke);
    for (const peer of peers) {
      if (choked.has(peer.id)) this.#choke(peer);
      else if (unchoked.has(peer.id)) peer.sendChoke(false);
    }
  }

  #choke(peer: UploadPeer): void {
    peer.sendChoke(true);
    // BEP 6: with the Fast extension every request is answered, without it a choke drops them all.
    const dropped = peer.requests.drop(({ pieceIndex }) => peer.isAllowedFast(pieceIndex));
    if (!peer.supportsFast) return;
    for (const { pieceIndex, begin, length } of dropped) peer.sendReject(pieceIndex, begin, length);
  }

  #send(peer: UploadPeer, batch: RequestBatch): void {
    const { buffers, passingOn, storage } = this.#parts;
    const gate = peer.uploadGate ?? this.#parts.gate;
    if (this.mode === 'seeding') {
      passingOn.handleSent(peer.id, batch.pieceIndex, this.#host.copiesOf(batch.pieceIndex) > 0);
    }
    const wireBytes = batch.totalBytes + batch.lengths.length * PIECE_HEADER_BYTES;
    const buffer = buffers.take(wireBytes);
    const targets: Uint8Array[] = [];
    const readable = this.#host.readableBytes(batch.pieceIndex);
    let offset = 0;
    let begin = batch.begin;
    for (const length of batch.lengths) {
      writePieceHeader(buffer, offset, batch.pieceIndex, begin, length);
      const start = offset + PIECE_HEADER_BYTES;
      const readEnd = start + Math.max(0, Math.min(length, readable - begin));
      if (readEnd > start) targets.push(buffer.subarray(start, readEnd));
      buffer.fill(0, readEnd, start + length);
      offset += PIECE_HEADER_BYTES + length;
      begin += length;
    }
    if (targets.length === 0) {
      buffers.release(buffer);
      gate.refund(batch.totalBytes);
      this.#refuse(peer, batch);
      return;
    }
    peer.addReading(wireBytes);
    if (this.#readCount++ === 0) this.#readingSinceMs = this.#host.nowMs();
    storage.read(batch.pieceIndex, batch.begin, targets, ({ error }) => {
      this.#readCount--;
      peer.addReading(-wireBytes);
      if (error !== undefined || peer.isClosed) {
        buffers.release(buffer);
        gate.refund(batch.totalBytes);
        if (error === undefined) return;
        this.#refuse(peer, batch);
        this.#host.handleReadError(batch.pieceIndex, error);
        if (!peer.isClosed) this.serve(peer, this.#host.nowMs());
        return;
      }
      this.sentBytes += batch.totalBytes;
      peer.sendBlocks(buffer.subarray(0, wireBytes), batch.totalBytes, () => {
        buffers.release(buffer);
        if (!peer.isClosed) this.serve(peer, this.#host.nowMs());
      });
    });
  }

  #refuse(peer: UploadPeer, batch: RequestBatch): void {
    if (!peer.supportsFast || peer.isClosed) return;
    let begin = batch.begin;
    for (const length of batch.lengths) {
      peer.sendReject(batch.pieceIndex, begin, length);
      begin += length;
    }
  }
}
