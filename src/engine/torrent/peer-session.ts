// One connected peer: its socket, its protocol state, and the rates and queues that go with them. Carries bytes
// between the two and turns messages into calls of the transfer; decides nothing about which pieces or whom to unchoke.
// Longer than most files because every message has its line here.
import type { Bitfield } from '../../base/bitfield.ts';
import type { Endpoint, NetworkError, TcpSocket, TcpSocketHandler } from '../../platform/network.ts';
import {
  ALLOWED_FAST_SET_SIZE,
  BLOCK_BYTES,
  PEER_INACTIVITY_MS,
  PEER_REQUEST_QUEUE_DEFAULT,
  SEND_BUFFER_PEER_MAX_BYTES,
  SUGGESTIONS_RECEIVED_MAX,
} from '../../protocol/limits.ts';
import type { HashRequest } from '../../protocol/wire/hash-messages.ts';
import type { PeerConnection } from '../../protocol/wire/peer-connection.ts';
import { isFatal, type Violation, type ViolationCode } from '../../protocol/wire/violation.ts';
import {
  WIRE_ALLOWED_FAST,
  WIRE_BITFIELD,
  WIRE_BLOCK_DATA,
  WIRE_CANCEL,
  WIRE_CHOKE,
  WIRE_DONT_HAVE,
  WIRE_EXTENDED,
  WIRE_EXTENSION_HANDSHAKE,
  WIRE_HANDSHAKE,
  WIRE_HASH_REQUEST,
  WIRE_HAVE,
  WIRE_HAVE_ALL,
  WIRE_INTERESTED,
  WIRE_NEED_MORE,
  WIRE_NOT_INTERESTED,
  WIRE_PORT,
  WIRE_REJECT,
  WIRE_REQUEST,
  WIRE_SUGGEST,
  WIRE_UNCHOKE,
  WIRE_UPLOAD_ONLY,
  WIRE_VIOLATION,
  type WireEvent,
} from '../../protocol/wire/wire-event.ts';
import { RequestPipeline } from '../../swarm/request-pipeline.ts';
import { TransferRate } from '../../swarm/transfer-rate.ts';
import type { DeadlineEntry } from '../deadline-queue.ts';
import { formatEndpoint } from '../host-port.ts';
import type { EngineContext } from '../session/engine-context.ts';
import type { Flushable } from '../session/flush-queue.ts';
import type { TransferGate } from '../transfer-gate.ts';
import { BlockReceiver } from './block-receiver.ts';
import { sendGreeting } from './greeting.ts';
import type { HashPeer } from './hash-exchange.ts';
import type { PeerGates } from './peer-limits.ts';
import { RequestQueue } from './request-queue.ts';
import { SendStall } from './send-stall.ts';
import type { Transfer, TransferPeer } from './transfer.ts';

/** A peer that got so many pieces' bytes of us and says that it has none does not want to be asked for them. */
const HIDDEN_PIECES = 4;
/** Messages that nothing waits for leave with others, or together after this time. */
const UNHURRIED_MS = 1_000;
/** Queued beyond this, the peer does not read what it asked for. */
const UNREAD_MAX_BYTES = 2 * SEND_BUFFER_PEER_MAX_BYTES;
/** A peer that does not choke us and refuses so many requests in a row gives nothing: asking it again would not end. */
const REFUSALS_MAX = 300;
/**
 * Keep-alives and the ends of silent connections wait for a multiple of this, so that a thousand idle peers are looked
 * after in one turn. Later than they were due, never earlier.
 */
const IDLE_GRID_MS = 5_000;

export type CloseReason =
  | 'remote-closed'
  | 'network-error'
  | 'violation'
  | 'refused'
  | 'redundant'
  | 'unneeded'
  | 'replaced'
  | 'refusing'
  | 'inactive'
  | 'not-reading'
  | 'stopped'
  | 'banned';

export interface PeerSessionHost {
  /** The peer's handshake has come. False: it is not wanted (ourselves, a second connection). */
  admit(peer: PeerSession): boolean;
  /** It takes part from now on. */
  handleAdmitted(peer: PeerSession): void;
  handleClosed(peer: PeerSession, reason: CloseReason): void;
  handleViolation(peer: PeerSession, code: ViolationCode): void;
  /** A mistake of ours showed itself while this peer was served. */
  handleBug(error: unknown): void;
  /** Pieces that this peer may fetch while choked (BEP 6). */
  allowedFastFor(peer: PeerSession): readonly number[];
  /** The peer said how it sees us (BEP 10): 4 or 16 bytes. */
  handleOwnAddress(peer: PeerSession, yourAddress: Uint8Array): void;
  /** The peer has said which extension messages it takes, where it listens, what it is: see `connection.extensions`. */
  handleExtensions(peer: PeerSession): void;
  /** The peer has a node of the DHT at this UDP port (BEP 5). */
  handleDhtPort(peer: PeerSession, port: number): void;
  /** Our own; 0: none that the peer should know. */
  dhtPortFor(peer: PeerSession): number;
  /** An extension message of ut_metadata, ut_pex or ut_holepunch. What is wrong with it, if anything. */
  handleExtended(peer: PeerSession, extendedId: number, payload: Uint8Array): Violation | undefined;
  readonly metadataSizeBytes: number;
  /** Peers are told of each other (BEP 11). */
  readonly usesPex: boolean;
}

export interface PeerSessionParts {
  readonly context: EngineContext;
  readonly host: PeerSessionHost;
  readonly transfer: Transfer;
  readonly socket: TcpSocket;
  readonly connection: PeerConnection;
  /** Handshakes and first messages were exchanged before, for the metadata; the peer was told that we have nothing. */
  readonly isGreeted: boolean;
}

export class PeerSession implements TransferPeer, HashPeer, DeadlineEntry, TcpSocketHandler, Flushable {
  readonly id: number;
  readonly isIncoming: boolean;
  readonly connectedAtMs: number;
  readonly pipeline: RequestPipeline;
  readonly requests: RequestQueue = new RequestQueue();
  readonly connection: PeerConnection;
  readonly socket: TcpSocket;
  readonly #context: EngineContext;
  readonly #host: PeerSessionHost;
  readonly #transfer: Transfer;
  readonly #downloadRate: TransferRate;
  readonly #uploadRate: TransferRate;
  // BOUNDED: SUGGESTIONS_RECEIVED_MAX, the oldest is dropped.
  readonly #suggested = new Set<number>();
  #allowedFastToPeer: ReadonlySet<number> = new Set();
  readonly #isGreeted: boolean;
  // BOUNDED: ALLOWED_FAST_RECEIVED_MAX, kept by the connection. What it named and has not refused.
  readonly #allowedFast = new Set<number>();
  /** Requests refused in a row, without a block between, while the peer did not choke us. */
  #refusalCount = 0;
  /** In this turn blocks became free that others may be asked for. */
  #hasGivenUp = false;
  /** The disk is behind: nothing is read from the peer. */
  #isPaused = false;
  #resumedAtMs = Number.NEGATIVE_INFINITY;
  /** Of blocks: other messages are too few to matter. */
  readonly #sendStall = new SendStall();
  readonly #receiver: BlockReceiver;
  #isClosed = false;
  #blameKey: string | undefined;
  /** Messages queued now go out at the end of this turn. */
  #isInTurn = false;
  #isAdmitted = false;
  /** When messages that wait for company must leave. */
  #flushDueMs: number = Number.POSITIVE_INFINITY;
  #readingBytes = 0;
  downloadedBytes = 0;
  uploadedBytes = 0;
  uploadedSinceUnchoke = 0;
  /** When bytes of a block came or went last. */
  exchangedAtMs: number = Number.NEGATIVE_INFINITY;
  /** When the connection ends as one that neither side needs. */
  #unneededMs: number = Number.POSITIVE_INFINITY;
  downloadGate: TransferGate | undefined;
  uploadGate: TransferGate | undefined;
  unchokedAtMs: number = Number.NEGATIVE_INFINITY;

  constructor(parts: PeerSessionParts) {
    const nowMs = parts.context.platform.clock.nowMs();
    this.#context = parts.context;
    this.#host = parts.host;
    this.#transfer = parts.transfer;
    this.#receiver = new BlockReceiver(parts.context.platform, parts.transfer);
    this.socket = parts.socket;
    this.connection = parts.connection;
    this.#isGreeted = parts.isGreeted;
    this.isIncoming = !parts.connection.isInitiator;
    this.id = parts.context.nextPeerId();
    this.connectedAtMs = nowMs;
    this.pipeline = new RequestPipeline({ nowMs, peerRequestQueue: PEER_REQUEST_QUEUE_DEFAULT });
    this.#downloadRate = new TransferRate(nowMs);
    this.#uploadRate = new TransferRate(nowMs);
  }

  /** Takes over the socket; an accepted connection has its handshake behind it, and bytes that may follow it. */
  begin(): void {
    const nowMs = this.#nowMs();
    this.socket.setHandler(this);
    try {
      if (this.isIncoming || this.#isGreeted) this.#handleHandshake();
      this.#turn(nowMs);
    } catch (error) {
      this.handleBug(error);
    }
  }

  // ── What the parts see ───────────────────────────────────────────────────────────────────────────────────────────

  get address(): string {
    return formatEndpoint(this.socket.remote);
  }

  /** Bans strike an address; on loopback, where all peers share one, the port too. */
  get blameKey(): string {
    this.#blameKey ??= blameKeyOf(this.socket.remote);
    return this.#blameKey;
  }

  get have(): Bitfield {
    return this.connection.have!;
  }

  get haveBefore(): Bitfield | undefined {
    return this.connection.haveBefore;
  }

  get isChoking(): boolean {
    return this.connection.peerChoking;
  }

  get allowedFast(): ReadonlySet<number> {
    return this.#allowedFast;
  }

  get suggested(): Set<number> {
    return this.#suggested;
  }

  get isSnubbed(): boolean {
    return this.pipeline.isSnubbed;
  }

  get onParole(): boolean {
    return this.#transfer.isOnParole(this.blameKey);
  }

  get unverifiedMax(): number | undefined {
    return this.#transfer.unverifiedMax(this.blameKey);
  }

  get isNew(): boolean {
    return this.#transfer.isNew(this.blameKey);
  }

  get idleMs(): number {
    return this.pipeline.idleMs(this.#nowMs());
  }

  get blocksPerSecond(): number {
    return this.downloadBytesPerSecond / BLOCK_BYTES;
  }

  get roundTripMs(): number {
    return this.pipeline.roundTripMs;
  }

  get amInterested(): boolean {
    return this.connection.amInterested;
  }

  get isInterested(): boolean {
    return this.connection.peerInterested;
  }

  get isUnchoked(): boolean {
    return !this.connection.amChoking;
  }

  get isUploadOnly(): boolean {
    return this.connection.peerUploadOnly || this.connection.isSeed;
  }

  get haveRatio(): number {
    return this.have.count / Math.max(1, this.#transfer.content.pieceCount);
  }

  get hidesPieces(): boolean {
    const { content, picker } = this.#transfer;
    // Some say nothing of pieces that we have, too: that tells something only while there are many others.
    if (!this.have.isEmpty || picker.haveBitfield.count * 2 > content.pieceCount) return false;
    return this.uploadedBytes >= HIDDEN_PIECES * content.info.pieceLengthBytes;
  }

  get passedOnRatio(): number | undefined {
    return this.#transfer.upload.passedOnRatio(this.id, this.#nowMs());
  }

  get supportsFast(): boolean {
    return this.connection.supportsFast;
  }

  get downloadBytesPerSecond(): number {
    return this.#downloadRate.bytesPerSecond(this.#nowMs());
  }

  get uploadBytesPerSecond(): number {
    return this.#uploadRate.bytesPerSecond(this.#nowMs());
  }

  get sendingBytes(): number {
    return this.#readingBytes + this.socket.bufferedBytes;
  }

  /** Blocks are being read for it, and none waits in its socket. */
  get isAwaitingReads(): boolean {
    return this.#readingBytes > 0 && this.socket.bufferedBytes === 0;
  }

  /** Neither side had what the other wants. */
  get isUnneeded(): boolean {
    return this.#unneededMs !== Number.POSITIVE_INFINITY;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  isAllowedFast(pieceIndex: number): boolean {
    return this.#allowedFastToPeer.has(pieceIndex) && this.have.count < ALLOWED_FAST_SET_SIZE;
  }

  addReading(bytes: number): void {
    this.#readingBytes += bytes;
  }

  // ── Commands ─────────────────────────────────────────────────────────────────────────────────────────────────────

  sendRequest(pieceIndex: number, begin: number, length: number): void {
    this.connection.sendRequest(pieceIndex, begin, length);
    this.#flushSoon();
  }

  sendCancel(pieceIndex: number, begin: number, length: number): void {
    this.connection.sendCancel(pieceIndex, begin, length);
    this.#flushSoon();
  }

  sendReject(pieceIndex: number, begin: number, length: number): void {
    this.connection.sendReject(pieceIndex, begin, length);
    this.#flushSoon();
  }

  sendHashes(request: HashRequest, hashes: Uint8Array): void {
    this.connection.sendHashes(request, hashes);
    this.#flushSoon();
  }

  sendHashReject(request: HashRequest): void {
    this.connection.sendHashReject(request);
    this.#flushSoon();
  }

  sendInterested(isInterested: boolean): void {
    if (this.connection.amInterested === isInterested) return;
    this.connection.sendInterested(isInterested);
    this.#flushSoon();
  }

  sendChoke(isChoked: boolean): void {
    if (this.connection.amChoking === isChoked) return;
    if (isChoked) this.#transfer.spreading.handleChoke(this);
    else {
      this.#transfer.spreading.handleUnchoke(this);
      this.unchokedAtMs = this.#nowMs();
      this.uploadedSinceUnchoke = 0;
    }
    this.connection.sendChoke(isChoked);
    if (!isChoked) this.#transfer.spreading.handleUnchoked(this);
    this.#flushSoon();
  }

  sendSuggest(pieceIndex: number): void {
    this.connection.sendSuggest(pieceIndex);
    this.#flushSoon();
  }

  /**
   * Tells the peer of a piece. One that has it itself is told for its choker's sake, and a seed to plan what to give next;
   * neither need hear it at once.
   */
  announceHave(pieceIndex: number): void {
    this.connection.sendHave(pieceIndex);
    if (!this.have.has(pieceIndex)) this.#flushSoon();
    else if (this.#flushDueMs === Number.POSITIVE_INFINITY) {
      this.#flushDueMs = this.#nowMs() + UNHURRIED_MS;
      this.#context.deadlines.expedite(this, this.#flushDueMs);
    }
  }

  announceDontHave(pieceIndex: number): void {
    this.connection.sendDontHave(pieceIndex);
    this.#flushSoon();
  }

  /** BEP 21: we have all that we want; or something is missing again. */
  announceUploadOnly(isUploadOnly: boolean): void {
    this.connection.sendUploadOnly(isUploadOnly);
    this.#flushSoon();
  }

  sendBlocks(bytes: Uint8Array, payloadBytes: number, onTaken: () => void): void {
    const nowMs = this.#nowMs();
    this.flush(nowMs);
    this.connection.handleSent(nowMs);
    this.uploadedBytes += payloadBytes;
    this.uploadedSinceUnchoke += payloadBytes;
    this.exchangedAtMs = nowMs;
    this.#uploadRate.add(payloadBytes, nowMs);
    this.#transfer.addUploaded(payloadBytes, nowMs);
    this.#sendStall.handleWrite(nowMs);
    this.socket.write(bytes, () => {
      this.#sendStall.handleTaken(this.#nowMs());
      try {
        onTaken();
      } catch (error) {
        this.handleBug(error);
      }
    });
  }

  /** Ends the connection so much later; with Infinity no more. The first time that is named counts, or an earlier one. */
  endUnneeded(afterMs: number): void {
    const endMs = this.#nowMs() + afterMs;
    if (this.#isClosed || endMs === this.#unneededMs) return;
    this.#unneededMs = endMs === Number.POSITIVE_INFINITY ? endMs : Math.min(this.#unneededMs, endMs);
    this.#context.deadlines.expedite(this, this.#unneededMs);
  }

  pause(): void {
    this.#isPaused = true;
    this.socket.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    const nowMs = this.#nowMs();
    this.#isPaused = false;
    this.#resumedAtMs = nowMs;
    this.connection.excuseSilence(nowMs);
    this.socket.resume();
    this.#context.deadlines.expedite(this, this.#nextDeadlineMs());
  }

  /** Limits of its own instead of the torrent's, from now on. */
  setGates({ download, upload }: PeerGates): void {
    const isWaiting = this.downloadGate?.isWaiting(this) === true || this.uploadGate?.isWaiting(this) === true;
    this.#leaveGates();
    this.downloadGate = download;
    this.uploadGate = upload;
    if (isWaiting) this.handleGateOpen(this.#nowMs());
  }

  abandonBlock(pieceIndex: number, begin: number): void {
    this.#receiver.abandon(pieceIndex, begin);
  }

  /** Ends the connection. Idempotent. */
  close(reason: CloseReason): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // What was queued may still matter to the peer: a last reject, or the handshake that a duplicate must see.
    const outgoing = this.connection.takeOutgoing(this.#nowMs());
    if (outgoing !== undefined) this.socket.write(outgoing);
    this.connection.close();
    this.socket.destroy();
    this.#context.deadlines.remove(this);
    this.#context.flushes.remove(this);
    this.#context.connections.close();
    this.#leaveGates();
    // From here on our own rules are at work, which may turn out to be broken: the connection is over in any case.
    try {
      this.#receiver.close(this);
      if (this.#isAdmitted) this.#transfer.removePeer(this);
    } finally {
      this.#host.handleClosed(this, reason);
    }
  }

  // ── What happens ─────────────────────────────────────────────────────────────────────────────────────────────────

  handleConnected(): void {
    // The session begins when the connection stands.
  }

  handleData(bytes: Uint8Array): void {
    const nowMs = this.#nowMs();
    try {
      this.connection.push(bytes, nowMs);
      this.#turn(nowMs);
    } catch (error) {
      this.handleBug(error);
    }
  }

  handleClosed(error?: NetworkError): void {
    try {
      this.close(error === undefined ? 'remote-closed' : 'network-error');
    } catch (bug) {
      this.handleBug(bug);
    }
  }

  /** A mistake of ours is the torrent's end, and with it this connection's. */
  handleBug(error: unknown): void {
    this.#host.handleBug(error);
    this.#isInTurn = false;
    this.close('stopped');
  }

  handleGateOpen(nowMs: number): void {
    if (this.#isClosed) return;
    this.#act(nowMs);
  }

  handleDeadline(nowMs: number): number {
    // While we do not read, the silence is ours.
    if (this.#isPaused) this.connection.excuseSilence(nowMs);
    this.connection.handleDeadline(nowMs);
    this.pipeline.handleRequestDue(); // The turn below asks for room.
    if (nowMs >= this.#sendStall.deadlineMs) {
      this.close('not-reading');
      return Number.POSITIVE_INFINITY;
    }
    if (nowMs >= this.#unneededMs) {
      this.close('unneeded');
      return Number.POSITIVE_INFINITY;
    }
    if (nowMs - this.connection.uninterestedSinceMs >= PEER_INACTIVITY_MS) {
      this.close('inactive');
      return Number.POSITIVE_INFINITY;
    }
    if (nowMs >= this.#blockDeadlineMs() && this.pipeline.handleTimeout(nowMs) === 'snubbed') {
      // Others may fetch what this peer sits on; what it sends late is still taken.
      this.#transfer.handleSnubbed(this, nowMs);
    }
    this.#turn(nowMs);
    return this.#isClosed ? Number.POSITIVE_INFINITY : this.#nextDeadlineMs();
  }

  flush(nowMs: number): void {
    if (this.#isClosed) return;
    this.#flushDueMs = Number.POSITIVE_INFINITY;
    const outgoing = this.connection.takeOutgoing(nowMs);
    if (outgoing === undefined) return;
    this.socket.write(outgoing);
    if (this.socket.bufferedBytes > UNREAD_MAX_BYTES) this.close('not-reading');
  }

  /** Reads all events, then asks, serves and sends in one go. */
  #turn(nowMs: number): void {
    const { connection } = this;
    const downloadedBefore = this.downloadedBytes;
    this.#isInTurn = true;
    while (!this.#isClosed) {
      const event = connection.next();
      if (event === WIRE_BLOCK_DATA) this.#handleBlockData(nowMs);
      else if (event === WIRE_NEED_MORE) break;
      else this.#handle(event);
    }
    const received = this.downloadedBytes - downloadedBefore;
    if (received > 0) {
      this.exchangedAtMs = nowMs;
      this.#downloadRate.add(received, nowMs);
      this.#transfer.addDownloaded(received, nowMs);
    }
    if (!this.#isClosed) this.#act(nowMs);
  }

  #act(nowMs: number): void {
    this.#isInTurn = true;
    if (this.#isAdmitted) {
      const { download, upload } = this.#transfer;
      if (!download.fillRequests(this, nowMs) && this.pipeline.outstanding === 0) {
        this.#transfer.handleNothingToRequest(this);
      }
      if (this.#hasGivenUp) {
        this.#hasGivenUp = false;
        this.#transfer.fillIdlePeers(nowMs);
      }
      if (this.requests.length > 0) upload.serve(this, nowMs);
    }
    this.#isInTurn = false;
    this.flush(nowMs);
    if (!this.#isClosed) this.#context.deadlines.expedite(this, this.#nextDeadlineMs());
  }

  #nextDeadlineMs(): number {
    const inactiveMs = this.connection.uninterestedSinceMs + PEER_INACTIVITY_MS;
    const idleMs = Math.min(this.connection.deadlineMs, inactiveMs);
    const together = this.#isAdmitted ? Math.ceil(idleMs / IDLE_GRID_MS) * IDLE_GRID_MS : idleMs;
    const blockMs = Math.min(this.#blockDeadlineMs(), this.pipeline.requestDueMs);
    return Math.min(together, blockMs, this.#sendStall.deadlineMs, this.#unneededMs, this.#flushDueMs);
  }

  /** When the next block must be here: no time runs while we do not read. */
  #blockDeadlineMs(): number {
    if (this.#isPaused) return Number.POSITIVE_INFINITY;
    const { deadlineMs, blockTimeoutMs } = this.pipeline;
    return Math.max(deadlineMs, this.#resumedAtMs + blockTimeoutMs);
  }

  #handle(event: WireEvent): void {
    const { connection } = this;
    const { message } = connection;
    const transfer = this.#transfer;
    switch (event) {
      case WIRE_HANDSHAKE:
        this.#handleHandshake();
        return;
      case WIRE_HAVE:
        transfer.handleHave(this, message.pieceIndex);
        return;
      case WIRE_BITFIELD:
      case WIRE_HAVE_ALL:
        transfer.handleBitfield(this);
        return;
      case WIRE_DONT_HAVE:
        transfer.handleDontHave(message.pieceIndex);
        return;
      case WIRE_SUGGEST:
        this.#handleSuggest(message.pieceIndex);
        return;
      case WIRE_CHOKE:
        this.#suggested.clear();
        // BEP 6: with the Fast extension each request is still answered; without it they are forgotten.
        if (!connection.supportsFast) {
          transfer.download.handleRequestsLost(this);
          this.#hasGivenUp = true;
        }
        return;
      case WIRE_ALLOWED_FAST:
        this.#allowedFast.add(message.pieceIndex);
        return;
      case WIRE_UNCHOKE:
        return; // The turn ends with new requests.
      case WIRE_INTERESTED:
      case WIRE_NOT_INTERESTED:
        transfer.handleInterest();
        return;
      case WIRE_REQUEST:
        transfer.upload.handleRequest(this, message.pieceIndex, message.begin, message.length);
        if (transfer.mayGive(this, message.pieceIndex)) transfer.spreading.handleRequest(this, message.pieceIndex);
        // We never said that we have it.
        else this.#handleIfViolation(connection.countInvalidRequest());
        return;
      case WIRE_CANCEL:
        transfer.upload.handleCancel(this, message.pieceIndex, message.begin, message.length);
        return;
      case WIRE_REJECT:
        this.#handleReject(message.pieceIndex, message.begin);
        return;
      case WIRE_EXTENSION_HANDSHAKE:
        this.#handleExtensionHandshake();
        return;
      case WIRE_UPLOAD_ONLY:
        transfer.updateNeed(this);
        return;
      case WIRE_EXTENDED:
        this.#handleIfViolation(this.#host.handleExtended(this, message.extendedId, message.payload));
        return;
      case WIRE_PORT:
        this.#host.handleDhtPort(this, message.port);
        return;
      case WIRE_HASH_REQUEST:
        transfer.hashes.handleRequest(this, connection.hashRequest!);
        return;
      case WIRE_VIOLATION:
        this.#handleViolation(message.violation);
        return;
      default:
        return; // Have none, hashes: nothing follows from them.
    }
  }

  /** BEP 6: what the peer would rather give than anything else. For as long as it does not choke us. */
  #handleSuggest(pieceIndex: number): void {
    if (this.#transfer.hasPiece(pieceIndex)) return;
    this.#suggested.add(pieceIndex);
    if (this.#suggested.size <= SUGGESTIONS_RECEIVED_MAX) return;
    const [oldest] = this.#suggested;
    this.#suggested.delete(oldest!);
  }

  #handleHandshake(): void {
    if (!this.#host.admit(this)) {
      this.close('refused');
      return;
    }
    const { connection } = this;
    const transfer = this.#transfer;
    this.#isAdmitted = true;
    transfer.addPeer(this);
    const shown = transfer.spreading.admit(this);
    sendGreeting(connection, {
      have: shown ?? transfer.picker.haveBitfield,
      isGreeted: this.#isGreeted,
      isUploadOnly: transfer.isComplete && shown === undefined,
      metadataSizeBytes: this.#host.metadataSizeBytes,
      usesPex: this.#host.usesPex,
      listenPort: this.#context.listenPort(),
      remoteAddress: this.socket.remote.address,
    });
    if (connection.supportsFast) {
      const pieces = this.#host.allowedFastFor(this);
      this.#allowedFastToPeer = new Set(pieces);
      for (const pieceIndex of pieces) connection.sendAllowedFast(pieceIndex);
    }
    transfer.spreading.handleGreeted(this);
    const dhtPort = this.#host.dhtPortFor(this);
    if (dhtPort !== 0) connection.sendPort(dhtPort);
    // Last, since a listener may end it all.
    this.#host.handleAdmitted(this);
    if (this.#isGreeted && !this.#isClosed) this.#catchUp();
  }

  /** What the peer has said so far, when nobody was there to act on it. */
  #catchUp(): void {
    this.pipeline.setPeerRequestQueue(this.connection.peerRequestQueue);
    for (const pieceIndex of this.connection.allowedFast) this.#allowedFast.add(pieceIndex);
    if (!this.have.isEmpty) this.#transfer.handleBitfield(this);
    if (this.isInterested) this.#transfer.handleInterest();
    this.#host.handleExtensions(this);
  }

  #handleExtensionHandshake(): void {
    const { extensions, extensionHandshake } = this.connection;
    this.pipeline.setPeerRequestQueue(extensions.requestQueue);
    this.#transfer.updateNeed(this);
    if (extensionHandshake?.yourAddress !== undefined)
      this.#host.handleOwnAddress(this, extensionHandshake.yourAddress);
    this.#host.handleExtensions(this);
  }

  /** BEP 6: the answer to one request is no. What a choked peer was allowed and is then refused is not asked again. */
  #handleReject(pieceIndex: number, begin: number): void {
    if (!this.#transfer.download.handleRequestLost(this, pieceIndex, begin)) return;
    this.#hasGivenUp = true;
    if (this.connection.peerChoking) this.#allowedFast.delete(pieceIndex);
    else if (++this.#refusalCount > REFUSALS_MAX) this.close('refusing');
  }

  #handleBlockData(nowMs: number): void {
    const { message } = this.connection;
    const { download } = this.#transfer;
    const { pieceIndex, begin, length } = message;
    this.downloadedBytes += message.dataEnd - message.dataStart;
    const fate = this.#receiver.receive(this, message);
    if (fate === 'partial') return;
    if (fate === 'kept') {
      this.#refusalCount = 0;
      download.handleBlock(this, pieceIndex, begin, length, nowMs);
      return;
    }
    this.#hasGivenUp = true;
    if (download.handleDroppedBlock(this, pieceIndex, begin, length, nowMs)) return;
    this.#handleIfViolation(this.connection.countUnsolicited());
  }

  #handleIfViolation(violation: Violation | undefined): void {
    if (violation !== undefined) this.#handleViolation(violation);
  }

  #handleViolation(violation: Violation): void {
    this.#host.handleViolation(this, violation.code);
    if (violation.reaction === 'ban') this.close('banned');
    else if (isFatal(violation)) this.close('violation');
  }

  #leaveGates(): void {
    this.downloadGate?.close();
    this.uploadGate?.close();
  }

  #flushSoon(): void {
    if (!this.#isClosed && !this.#isInTurn) this.#context.flushes.add(this);
  }

  #nowMs(): number {
    return this.#context.platform.clock.nowMs();
  }
}

function blameKeyOf(remote: Endpoint): string {
  const { address } = remote;
  return address.startsWith('127.') || address === '::1' ? formatEndpoint(remote) : address;
}
