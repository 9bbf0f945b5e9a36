// The exchange of one torrent's pieces once its info dictionary is known: joins the picker, the disk, the connected
// peers, downloading and uploading. Lives as long as the torrent; peers come and go, and with the first of them the machines
// of `Exchange`. Knows no tracker and no listener. Longer than most files because it answers what each of its parts asks;
// the state is the parts'.
import { assert } from '../../base/assert.ts';
import type { Bitfield } from '../../base/bitfield.ts';
import type { DiskError, ExpectedHash, Storage } from '../../platform/disk.ts';
import { BLOCK_MEMORY_MAX_BYTES, SLAB_BYTES } from '../../protocol/limits.ts';
import { type PieceDeadline, PiecePicker } from '../../swarm/piece-picker.ts';
import { RateLimiter } from '../../swarm/rate-limiter.ts';
import { TransferRate } from '../../swarm/transfer-rate.ts';
import type { DeadlineEntry } from '../deadline-queue.ts';
import type { EngineContext } from '../session/engine-context.ts';
import type { Rates } from '../session/settings.ts';
import type { Download, DownloadHost, DownloadPeer } from './download.ts';
import { Exchange } from './exchange.ts';
import type { HashExchange, HashExchangeHost } from './hash-exchange.ts';
import { PiecePriorities } from './piece-priorities.ts';
import type { ReadingExchange } from './reading.ts';
import type { Spreading, SpreadingPeer } from './spreading.ts';
import type { TorrentContent } from './torrent-content.ts';
import type { Upload, UploadHost, UploadPeer } from './upload.ts';
import type { PressureListener } from './write-pressure.ts';

/** Pieces that may be open at once: as many as fit their half of the memory for blocks, within these bounds. */
const OPEN_PIECES_MIN = 2;
const OPEN_PIECES_MAX = 4_096;
/** Senders that are remembered after they have gone, for the verdict on pieces they had a part in. */
const SENDER_KEYS_MAX = 10_000;
/** Two peers that can do nothing for each other part after this time: both learn first what else there is to be said ... */
const UNNEEDED_MS = 2_000;
/** ... and the user, who chose some files only, has a moment to choose others. */
const UNNEEDED_PARTIAL_MS = 60_000;
/** With fewer peers, nothing is held back from one that is new. */
const PEERS_FOR_CAUTION = 4;

/** So many pieces that cannot be read cost only themselves; more within the window, and the disk is at fault. */
const READ_ERRORS_MAX = 3;
const READ_ERRORS_WINDOW_MS = 60_000;

export interface TransferOptions {
  readonly content: TorrentContent;
  readonly storage: Storage;
  readonly wanted: readonly boolean[];
  readonly sequential: boolean;
  /** Request nothing. */
  readonly seedOnly: boolean;
  /** BEP 16, from completion on. */
  readonly superSeeding: boolean;
  readonly downloadBytesPerSecond: number;
  readonly uploadBytesPerSecond: number;
}

export interface TransferHost {
  handlePieceVerified(pieceIndex: number): void;
  /** The wanted pieces have become complete, or are so no longer. */
  handleCompletionChanged(): void;
  handleDiskError(error: DiskError): void;
  handleGuilty(blameKeys: readonly string[]): void;
  /** A mistake of ours showed itself. */
  handleBug(error: unknown): void;
}

/** A connected peer, as far as the exchange has to do with it. */
export interface TransferPeer extends DownloadPeer, UploadPeer, SpreadingPeer {
  readonly id: number;
  /** What it had before the bitfield that has just come, if it had said so; undefined: nothing. */
  readonly haveBefore: Bitfield | undefined;
  sendInterested(isInterested: boolean): void;
  announceHave(pieceIndex: number): void;
  announceDontHave(pieceIndex: number): void;
  announceUploadOnly(isUploadOnly: boolean): void;
  /** Nothing is read from it until `resume`. */
  pause(): void;
  resume(): void;
  /** Neither side has what the other wants: ends the connection so much later. Infinity: they are of use after all. */
  endUnneeded(afterMs: number): void;
}

export class Transfer
  implements DownloadHost, UploadHost, HashExchangeHost, PressureListener, DeadlineEntry, ReadingExchange
{
  readonly content: TorrentContent;
  readonly storage: Storage;
  readonly priorities: PiecePriorities;
  readonly picker: PiecePicker;
  readonly downloadRate: TransferRate;
  readonly uploadRate: TransferRate;
  readonly downloadLimiter: RateLimiter;
  readonly uploadLimiter: RateLimiter;
  readonly #context: EngineContext;
  readonly #host: TransferHost;
  /** Undefined while there has been nothing to exchange. */
  #exchange: Exchange | undefined;
  // BOUNDED: CONNECTIONS_PER_TORRENT_MAX, kept by the connector.
  readonly #peers = new Map<number, TransferPeer>();
  // BOUNDED: SENDER_KEYS_MAX, the oldest is dropped.
  #senderKeys: Map<number, string> | undefined;
  readonly #seedOnly: boolean;
  #wantsSuperSeeding: boolean;
  #isComplete = false;
  #isRunning = false;
  #readErrorsSinceMs = Number.NEGATIVE_INFINITY;
  #readErrorCount = 0;
  /** Of exchanges that are over. */
  #wastedBefore = 0;
  #hashFailuresBefore = 0;
  #hashFailedBefore = 0;
  downloadedBytes = 0;
  uploadedBytes = 0;

  constructor(context: EngineContext, host: TransferHost, options: TransferOptions) {
    const nowMs = context.platform.clock.nowMs();
    const { content } = options;
    this.#context = context;
    this.#host = host;
    this.content = content;
    this.storage = options.storage;
    this.priorities = new PiecePriorities(content.files, content.layout, options.wanted);
    this.#seedOnly = options.seedOnly;
    this.#wantsSuperSeeding = options.superSeeding;
    this.downloadRate = new TransferRate(nowMs);
    this.uploadRate = new TransferRate(nowMs);
    this.downloadLimiter = new RateLimiter(options.downloadBytesPerSecond, nowMs);
    this.uploadLimiter = new RateLimiter(options.uploadBytesPerSecond, nowMs);
    this.picker = new PiecePicker({
      pieceCount: content.pieceCount,
      pieceLengthBytes: content.info.pieceLengthBytes,
      bytesOfPiece: (pieceIndex) => content.requestableBytes(pieceIndex),
      random: context.platform.crypto.random,
      maxOpenPieces: openPiecesMax(content.info.pieceLengthBytes),
      peers: () => this.#peers.values(),
      answerMs: (peerId, count) => this.#peers.get(peerId)?.pipeline.answerMs(count, this.nowMs()) ?? 0,
      isCovered: (pieceIndex, peerId) => this.#isCovered(pieceIndex, peerId),
      createChooser: context.replaced.createChooser,
    });
    this.picker.setSequential(options.sequential);
    this.applyPriorities();
  }

  get download(): Download {
    return this.#working.download;
  }

  get upload(): Upload {
    return this.#working.upload;
  }

  get spreading(): Spreading {
    return this.#working.spreading;
  }

  get hashes(): HashExchange {
    return this.#working.hashes;
  }

  // ── Life ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Begins to exchange; the disk has been checked. */
  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    if (this.#exchange !== undefined) this.#setRunning(this.#exchange);
    this.#context.pressure.add(this);
    this.#verifyEmptyPieces();
    this.#updateCompletion();
  }

  /** Drops what is half received. The peers are closed by the caller. */
  stop(): void {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.#context.pressure.remove(this);
    this.#exchange?.stop();
    this.#context.deadlines.remove(this);
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Pieces that are wanted are asked for. */
  get isFetching(): boolean {
    return !this.#seedOnly;
  }

  downloadBytesPerSecond(nowMs: number): number {
    return this.downloadRate.bytesPerSecond(nowMs);
  }

  /** Received and thrown away. */
  get wastedBytes(): number {
    return this.#wastedBefore + (this.#exchange?.download.wastedBytes ?? 0);
  }

  /** Of them, because of pieces whose hash was wrong. */
  get hashFailedBytes(): number {
    return this.#hashFailedBefore + (this.#exchange?.download.hashFailedBytes ?? 0);
  }

  get hashFailureCount(): number {
    return this.#hashFailuresBefore + (this.#exchange?.download.hashFailureCount ?? 0);
  }

  get wanted(): readonly boolean[] {
    return this.priorities.wantedFiles;
  }

  /** Verified bytes of wanted files. */
  haveWantedBytes(): number {
    const { layout, files } = this.content;
    let bytes = 0;
    for (let index = 0; index < files.length; index++) {
      if (this.wanted[index] !== true || files[index]!.pad) continue;
      bytes += verifiedBytesOfFile(this.picker.haveBitfield, layout, index, files[index]!.lengthBytes);
    }
    return bytes;
  }

  /** `priorities` has changed. Requests for pieces that are no longer wanted are cancelled. */
  applyPriorities(): void {
    if (this.#seedOnly) for (let piece = 0; piece < this.content.pieceCount; piece++) this.#setPriority(piece, 0);
    else this.priorities.ofPieces().forEach((priority, piece) => void this.#setPriority(piece, priority));
    this.#handleWantsChanged();
  }

  /** The same for one piece, without looking at the others. */
  applyPiecePriority(pieceIndex: number, priority: number): void {
    const wasWanted = this.picker.priorityOf(pieceIndex) > 0;
    if (this.#seedOnly) return;
    this.#setPriority(pieceIndex, priority);
    if (wasWanted !== priority > 0) this.#handleWantsChanged();
  }

  /** See `PiecePicker.setDeadlines`. `makesRoom`: what is needed later is taken back from the peers. */
  setDeadlines(deadlines: readonly PieceDeadline[], makesRoom: boolean, nowMs: number): void {
    this.picker.setDeadlines(deadlines);
    if (!this.#isRunning || this.picker.isComplete) return;
    if (makesRoom) for (const peer of this.#peers.values()) this.download.makeRoom(peer, nowMs);
    for (const peer of this.#peers.values()) this.download.fillRequests(peer, nowMs);
  }

  #setPriority(pieceIndex: number, priority: number): void {
    if (this.picker.priorityOf(pieceIndex) === priority) return;
    const cancelled = this.picker.setPriority(pieceIndex, priority);
    this.#exchange?.download.handleCancelled(cancelled);
    if (priority === 0) this.#exchange?.download.forgetPiece(pieceIndex);
  }

  #handleWantsChanged(): void {
    if (!this.#isRunning) return;
    this.#verifyEmptyPieces();
    this.#updateCompletion();
    for (const peer of [...this.#peers.values()]) this.updateInterest(peer);
    this.fillIdlePeers(this.nowMs());
  }

  setRates({ downloadBytesPerSecond, uploadBytesPerSecond }: Rates): void {
    const nowMs = this.nowMs();
    // Through the gates where there are any: those who wait in their lines are to know.
    const download = this.#exchange?.downloadGate ?? this.downloadLimiter;
    const upload = this.#exchange?.uploadGate ?? this.uploadLimiter;
    download.setRate(downloadBytesPerSecond, nowMs);
    upload.setRate(uploadBytesPerSecond, nowMs);
  }

  get isSuperSeeding(): boolean {
    return this.#isComplete && this.#wantsSuperSeeding;
  }

  /** BEP 16, from completion on. Peers that are connected already know what we have. */
  setSuperSeeding(isOn: boolean): void {
    this.#wantsSuperSeeding = isOn;
    if (this.#exchange === undefined || !this.picker.isComplete) return;
    this.#exchange.spreading.setSuperSeeding(isOn);
    this.#expectRound();
  }

  /** Throws when the parts disagree. For tests: O(pieces). */
  assertInvariants(): void {
    this.picker.assertInvariants();
    this.#exchange?.download.assertInvariants();
    for (const { id, pipeline, isClosed } of this.#peers.values()) {
      assert(!isClosed, `peer ${id} is closed and still takes part`);
      const counted = this.picker.outstandingCountOf(id);
      assert(pipeline.outstanding === counted, `pipeline ${id}: ${pipeline.outstanding} requests, picker: ${counted}`);
    }
  }

  // ── Peers ────────────────────────────────────────────────────────────────────────────────────────────────────────

  peers(): Iterable<TransferPeer> {
    return this.#peers.values();
  }

  get peerCount(): number {
    return this.#peers.size;
  }

  peer(id: number): TransferPeer | undefined {
    return this.#peers.get(id);
  }

  senderKey(id: number): string | undefined {
    return this.#senderKeys?.get(id);
  }

  isOnParole(blameKey: string): boolean {
    return this.#exchange?.blame.isOnParole(blameKey) === true;
  }

  /** Blocks of pieces not yet verified that may be asked of a peer on probation; undefined: it is trusted. */
  unverifiedMax(blameKey: string): number | undefined {
    const trust = this.#exchange?.trust;
    if (trust === undefined || !trust.isAlert || trust.isProven(blameKey)) return undefined;
    return trust.unverifiedMax(blameKey);
  }

  /** Nothing of it was verified yet, and others are there to ask. */
  isNew(blameKey: string): boolean {
    return this.#peers.size >= PEERS_FOR_CAUTION && this.#exchange?.trust.isNew(blameKey) === true;
  }

  #isCovered(pieceIndex: number, peerId: number): boolean {
    const trust = this.#exchange?.trust;
    if (trust === undefined) return false;
    for (const { id, blameKey, have, isSnubbed } of this.#peers.values()) {
      if (id !== peerId && !isSnubbed && have.has(pieceIndex) && trust.isKnown(blameKey)) return true;
    }
    return false;
  }

  /** The peer's handshake is done; its pieces are told through the calls below. */
  addPeer(peer: TransferPeer): void {
    this.#peers.set(peer.id, peer);
    this.#senderKeys ??= new Map();
    this.#senderKeys.set(peer.id, peer.blameKey);
    if (this.#senderKeys.size > SENDER_KEYS_MAX) {
      const [oldest] = this.#senderKeys.keys();
      this.#senderKeys.delete(oldest!);
    }
  }

  removePeer(peer: TransferPeer): void {
    if (!this.#peers.delete(peer.id)) return;
    this.download.handleRequestsLost(peer);
    this.picker.handlePeerGone(peer.id);
    this.download.handlePeerGone();
    this.#exchange?.upload.handlePeerGone(peer.id);
    this.picker.removeAvailability(peer.have);
    this.#exchange?.spreading.handlePeerGone(peer);
    this.#exchange?.downloadGate.forget(peer);
    this.#exchange?.uploadGate.forget(peer);
    // What it was asked for can be asked of others at once.
    const nowMs = this.nowMs();
    if (peer.isUnchoked && peer.isInterested) this.upload.fillSlots();
    this.fillIdlePeers(nowMs);
    if (this.#peers.size === 0) this.#handleNoPeers();
  }

  /**
   * Blocks may be asked for again that were not a moment ago. Peers that have requests under way see to it with the
   * next answer; those that have none would sit still.
   */
  fillIdlePeers(nowMs: number): void {
    for (const peer of this.#peers.values()) {
      if (peer.pipeline.outstanding === 0) this.download.fillRequests(peer, nowMs);
    }
  }

  handleHave(peer: TransferPeer, pieceIndex: number): void {
    this.picker.incrementAvailability(pieceIndex);
    this.#exchange?.upload.handleHave(peer.id, pieceIndex);
    this.spreading.handleHave(peer, pieceIndex);
    if (!peer.amInterested && this.#isMissing(pieceIndex)) {
      peer.sendInterested(true);
      this.#expectRound();
    }
    this.updateNeed(peer);
  }

  /** The peer wants something of us now, or no longer. */
  handleInterest(): void {
    this.upload.fillSlots();
    this.#expectRound();
  }

  /** Requests wait for memory: the next round looks after them. */
  handleNoRoom(): void {
    this.#expectRound();
  }

  /** The peer had nothing until now, and says what it has. */
  handleBitfield(peer: TransferPeer): void {
    const { haveBefore } = peer;
    if (haveBefore !== undefined) this.picker.removeAvailability(haveBefore);
    this.picker.addAvailability(peer.have);
    this.spreading.handleBitfield(peer);
    this.updateInterest(peer);
    this.updateNeed(peer);
  }

  /** Two peers of whom neither wants anything can do nothing for each other (BEP 21). */
  updateNeed(peer: TransferPeer): void {
    if (!this.#isComplete || !peer.isUploadOnly) peer.endUnneeded(Number.POSITIVE_INFINITY);
    else peer.endUnneeded(this.picker.haveBitfield.isFull ? UNNEEDED_MS : UNNEEDED_PARTIAL_MS);
  }

  handleDontHave(pieceIndex: number): void {
    this.picker.decrementAvailability(pieceIndex);
    this.spreading.handleDontHave(pieceIndex);
  }

  /** Looks through all pieces: for occasions, not for every message. */
  updateInterest(peer: TransferPeer): void {
    peer.sendInterested(this.#isRunning && !this.#seedOnly && this.picker.isInteresting(peer.have));
    if (peer.amInterested) this.#expectRound();
  }

  /** The peer had room for requests and nothing was found for it. */
  handleNothingToRequest(peer: TransferPeer): void {
    if (peer.amInterested && !this.picker.isInteresting(peer.have)) peer.sendInterested(false);
  }

  /** The peer answers no more: others may fetch what it was asked for. */
  handleSnubbed(peer: TransferPeer, nowMs: number): void {
    this.download.handleSnubbed(peer);
    for (const other of this.#peers.values()) if (other !== peer) this.download.fillRequests(other, nowMs);
  }

  addDownloaded(bytes: number, nowMs: number): void {
    this.downloadedBytes += bytes;
    this.downloadRate.add(bytes, nowMs);
  }

  addUploaded(bytes: number, nowMs: number): void {
    this.uploadedBytes += bytes;
    this.uploadRate.add(bytes, nowMs);
  }

  // ── What the parts ask of their host ─────────────────────────────────────────────────────────────────────────────

  nowMs(): number {
    return this.#context.platform.clock.nowMs();
  }

  pieceSizeBytes(pieceIndex: number): number {
    return this.content.pieceSizeBytes(pieceIndex);
  }

  readableBytes(pieceIndex: number): number {
    return this.content.pieceSizeBytes(pieceIndex);
  }

  requestableBytes(pieceIndex: number): number {
    return this.content.requestableBytes(pieceIndex);
  }

  expectedHash(pieceIndex: number): ExpectedHash {
    return this.content.expectedHash(pieceIndex);
  }

  copiesOf(pieceIndex: number): number {
    return this.picker.availabilityOf(pieceIndex);
  }

  /** We have it, and the peer was told so. */
  mayGive(peer: UploadPeer, pieceIndex: number): boolean {
    return this.hasPiece(pieceIndex) && this.spreading.isShown(peer.id, pieceIndex);
  }

  hasPiece(pieceIndex: number): boolean {
    return this.picker.haveBitfield.has(pieceIndex);
  }

  handlePieceVerified(pieceIndex: number): void {
    for (const peer of this.#peers.values()) peer.announceHave(pieceIndex);
    this.#host.handlePieceVerified(pieceIndex);
    if (this.#isRunning) this.#updateCompletion();
    // Peers that had not proven themselves may be asked for more.
    if (!this.picker.isComplete) this.fillIdlePeers(this.nowMs());
  }

  handlePieceFailed(): void {
    const nowMs = this.nowMs();
    for (const peer of this.#peers.values()) this.download.fillRequests(peer, nowMs);
  }

  handleGuilty(blameKeys: readonly string[]): void {
    this.#host.handleGuilty(blameKeys);
  }

  handleDiskError(error: DiskError): void {
    if (this.#isRunning) this.#host.handleDiskError(error);
  }

  /** A piece that we said we have cannot be read: it is fetched again. */
  handleReadError(pieceIndex: number, error: DiskError): void {
    if (error.code === 'DISK_CLOSED' || !this.hasPiece(pieceIndex)) return;
    if (error.code !== 'DISK_NOT_FOUND' && !(error.code === 'DISK_IO' && this.#countReadError() <= READ_ERRORS_MAX)) {
      this.handleDiskError(error);
      return;
    }
    this.picker.handlePieceLost(pieceIndex);
    this.#exchange?.spreading.handlePieceLost(pieceIndex);
    for (const peer of this.#peers.values()) peer.announceDontHave(pieceIndex);
    this.#updateCompletion();
    for (const peer of this.#peers.values()) this.updateInterest(peer);
    this.fillIdlePeers(this.nowMs());
  }

  /** Read errors in the present minute, this one included. */
  #countReadError(): number {
    const nowMs = this.nowMs();
    if (nowMs - this.#readErrorsSinceMs >= READ_ERRORS_WINDOW_MS) {
      this.#readErrorsSinceMs = nowMs;
      this.#readErrorCount = 0;
    }
    return ++this.#readErrorCount;
  }

  handleDiskBusy(): void {
    for (const peer of this.#peers.values()) peer.pause();
  }

  handleDiskReady(): void {
    const nowMs = this.nowMs();
    for (const peer of this.#peers.values()) {
      peer.resume();
      this.download.fillRequests(peer, nowMs);
    }
  }

  handleBug(error: unknown): void {
    this.#host.handleBug(error);
  }

  /** The choke round, and the end of a pause for want of memory. */
  handleDeadline(nowMs: number): number {
    if (this.#peers.size === 0) return Number.POSITIVE_INFINITY;
    if (nowMs >= this.upload.deadlineMs) {
      this.upload.round(nowMs);
      this.spreading.handleRound();
    }
    const { pausedUntilMs } = this.download;
    if (nowMs < pausedUntilMs) return Math.min(this.upload.deadlineMs, pausedUntilMs);
    this.fillIdlePeers(nowMs);
    return this.#needsRounds() ? this.upload.deadlineMs : Number.POSITIVE_INFINITY;
  }

  expectFill(atMs: number): void {
    this.#context.deadlines.expedite(this, atMs);
  }

  #isMissing(pieceIndex: number): boolean {
    const state = this.picker.stateOf(pieceIndex);
    return this.download.isRunning && state !== 'have' && state !== 'skipped';
  }

  #expectRound(): void {
    this.#context.deadlines.expedite(this, this.upload.deadlineMs);
  }

  /** Among peers that want nothing, and of whom we want nothing, there is nothing to decide. */
  #needsRounds(): boolean {
    if (this.spreading.isSuperSeeding) return true;
    for (const { isInterested, isUnchoked, amInterested, requests } of this.#peers.values()) {
      if (isInterested || isUnchoked || amInterested || requests.length > 0) return true;
    }
    return false;
  }

  get #working(): Exchange {
    this.#exchange ??= this.#createExchange();
    return this.#exchange;
  }

  #createExchange(): Exchange {
    const exchange = new Exchange(this.#context, this, {
      content: this.content,
      storage: this.storage,
      picker: this.picker,
      downloadLimiter: this.downloadLimiter,
      uploadLimiter: this.uploadLimiter,
      spreading: {
        nowMs: () => this.nowMs(),
        peers: () => this.#peers.values(),
        onSuperSeedingDone: () => {
          this.#wantsSuperSeeding = false;
        },
      },
    });
    this.#setRunning(exchange);
    this.#setMode(exchange);
    return exchange;
  }

  #setRunning({ download, upload }: Exchange): void {
    download.isRunning = this.#isRunning && !this.#seedOnly;
    upload.isRunning = this.#isRunning;
  }

  #setMode({ upload, spreading }: Exchange): void {
    const { isComplete, haveBitfield } = this.picker;
    upload.mode = isComplete ? 'seeding' : 'leeching';
    if (isComplete) spreading.start(haveBitfield, this.#wantsSuperSeeding);
    else spreading.stop();
  }

  /** The last peer has gone. What was kept for peers goes too, unless the download goes on with the next. */
  #handleNoPeers(): void {
    this.picker.handleNoPeers();
    const exchange = this.#exchange;
    if (exchange === undefined || !this.picker.isComplete || !exchange.download.isIdle) return;
    this.#wastedBefore = this.wastedBytes;
    this.#hashFailuresBefore = this.hashFailureCount;
    this.#hashFailedBefore = this.hashFailedBytes;
    exchange.stop();
    this.#exchange = undefined;
    this.#senderKeys = undefined;
    this.#context.deadlines.remove(this);
  }

  /** Pieces of padding alone need no peer. */
  #verifyEmptyPieces(): void {
    if (!this.picker.isComplete) this.download.verifyEmptyPieces(this.nowMs());
  }

  #updateCompletion(): void {
    const { isComplete } = this.picker;
    if (this.#exchange !== undefined) this.#setMode(this.#exchange);
    if (isComplete === this.#isComplete) return;
    this.#isComplete = isComplete;
    this.#host.handleCompletionChanged();
    for (const peer of [...this.#peers.values()]) {
      peer.announceUploadOnly(isComplete);
      if (isComplete) this.updateInterest(peer);
      this.updateNeed(peer);
    }
  }
}

/** Half of the memory for blocks: the rest is for pieces that wait for the disk. */
function openPiecesMax(pieceLengthBytes: number): number {
  const fitting = Math.floor(BLOCK_MEMORY_MAX_BYTES / 2 / Math.max(pieceLengthBytes, SLAB_BYTES / OPEN_PIECES_MAX));
  return Math.min(OPEN_PIECES_MAX, Math.max(OPEN_PIECES_MIN, fitting));
}

function verifiedBytesOfFile(
  have: Bitfield,
  layout: TorrentContent['layout'],
  fileIndex: number,
  lengthBytes: number,
): number {
  const { first, end } = layout.pieceRangeOfFile(fileIndex);
  const start = layout.offsetOfFile(fileIndex);
  const length = layout.pieceLengthBytes;
  let bytes = 0;
  for (let piece = first; piece < end; piece++) {
    if (!have.has(piece)) continue;
    bytes += Math.min((piece + 1) * length, start + lengthBytes) - Math.max(piece * length, start);
  }
  return bytes;
}
