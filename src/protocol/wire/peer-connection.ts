// One peer connection once the transport stands (BEP 3, 5, 6, 10, 21, 52, 54): the handshakes, what the peer says, and
// the rules that need no knowledge of the swarm. Sans-IO: bytes go in through push(), validated events come out of
// next(). This is the receiving half with the clock; PeerSender, which it extends, is the half that sends. Knows no
// socket, picker, queue or disk. Longer than most files: every message has a case here and a line in the contract, and
// the state that could stand apart does (PeerPieces, RequestGuard, PeerExtensions).
import { assert } from '../../base/assert.ts';
import type { Bitfield } from '../../base/bitfield.ts';
import { bytesEqual, EMPTY_BYTES } from '../../base/bytes.ts';
import { decodeExtensionHandshake, EXTENSION_IDS, type ExtensionHandshake } from '../extensions/extension-handshake.ts';
import { decodeDontHave } from '../extensions/lt-donthave.ts';
import { decodeUploadOnly } from '../extensions/upload-only.ts';
import { HANDSHAKE_TIMEOUT_MS, PEER_TIMEOUT_MS, UNSOLICITED_BLOCKS_MAX, WIRE_MESSAGE_MAX_BYTES } from '../limits.ts';
import { type Handshake, HandshakeReader } from './handshake.ts';
import {
  decodeHashes,
  decodeHashHeader,
  type HashesMessage,
  type HashRequest,
  isPlausibleHashRequest,
} from './hash-messages.ts';
import { PeerPieces } from './peer-pieces.ts';
import { PeerSender } from './peer-sender.ts';
import type { PieceSizes } from './piece-sizes.ts';
import { isFatal, type Violation, type ViolationCode, violationOf } from './violation.ts';
import { WireDecoder, type WireFields } from './wire-decoder.ts';
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
  WIRE_HASH_REJECT,
  WIRE_HASH_REQUEST,
  WIRE_HASHES,
  WIRE_HAVE,
  WIRE_HAVE_ALL,
  WIRE_HAVE_NONE,
  WIRE_INTERESTED,
  WIRE_KEEP_ALIVE,
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
} from './wire-event.ts';

export interface PeerConnectionOptions {
  /** When the transport connected. */
  readonly nowMs: number;
  /** Ours, for a connection that we dialled: sent at once. Absent for an accepted one, which waits for `accept()`. */
  readonly handshake?: Handshake | undefined;
  /** Another info-hash that the peer may answer with: a hybrid's v2 one when we dialled with v1 (BEP 52). */
  readonly alternateInfoHash?: Uint8Array | undefined;
  /** Undefined until the metadata is known: then `setPieces()` follows. */
  readonly pieces?: PieceSizes | undefined;
}

/** Handled and nothing to report; a keep-alive is such a message, and is never reported. */
const NOTHING = WIRE_KEEP_ALIVE;

/**
 * One connection. The order of calls:
 *
 * 1. `push(chunk, nowMs)`, then `next()` until it returns `WIRE_NEED_MORE`; the chunk is borrowed until then.
 *    `message` holds the fields of the event that `next()` just returned.
 * 2. Commands (`send…`), at any time once `WIRE_HANDSHAKE` was reported and, on an accepted connection, answered with
 *    `accept()`. First of them: `sendBitfield`, then `sendExtensionHandshake`.
 * 3. `takeOutgoing(nowMs)` once a turn: everything that the commands wrote, for one socket write.
 * 4. `handleDeadline(nowMs)` at `deadlineMs`, then `next()` and `takeOutgoing()` as above.
 *
 * A `WIRE_VIOLATION` whose reaction is `disconnect` or `ban` ends the connection: `isClosed` is true, the rest of what
 * was pushed is dropped, and the socket is the engine's to destroy. With `reject` the refusal is already written (when
 * the peer can understand it) and counted; with `ignore` nothing needs to be done.
 */
export class PeerConnection extends PeerSender {
  /** We dialled. */
  readonly isInitiator: boolean;
  /** Fields of the last event, `message.violation` after `WIRE_VIOLATION`. */
  readonly message: WireFields;
  /** The peer chokes us. */
  peerChoking = true;
  /** The peer wants something of us. */
  peerInterested = false;
  /** The peer's handshake; undefined before `WIRE_HANDSHAKE`. */
  remoteHandshake: Handshake | undefined = undefined;
  /** After `WIRE_EXTENSION_HANDSHAKE`: that one handshake alone; `extensions` has the sum of all. */
  extensionHandshake: ExtensionHandshake | undefined = undefined;
  /** After `WIRE_HASH_REQUEST` and `WIRE_HASH_REJECT`. */
  hashRequest: HashRequest | undefined = undefined;
  /** After `WIRE_HASHES`. */
  hashes: HashesMessage | undefined = undefined;

  readonly #decoder = new WireDecoder({ maxMessageBytes: WIRE_MESSAGE_MAX_BYTES });
  readonly #handshakeReader = new HandshakeReader();
  readonly #peerPieces: PeerPieces;
  readonly #alternateInfoHash: Uint8Array | undefined;
  readonly #startedMs: number;
  #ourHandshake: Handshake | undefined;
  /** Pushed before the handshake was complete: `[position, end)` is still to be read. */
  #chunk: Uint8Array = EMPTY_BYTES;
  #chunkPosition = 0;
  #chunkEnd = 0;
  #pendingViolation: Violation | undefined;
  #unsolicitedCount = 0;
  #lastReceivedMs: number;

  constructor(options: PeerConnectionOptions) {
    super(options.nowMs);
    this.isInitiator = options.handshake !== undefined;
    this.message = this.#decoder;
    this.pieces = options.pieces;
    this.#peerPieces = new PeerPieces(options.pieces?.pieceCount);
    this.#decoder.pieceCount = options.pieces?.pieceCount;
    this.#alternateInfoHash = options.alternateInfoHash;
    this.#startedMs = options.nowMs;
    this.#lastReceivedMs = options.nowMs;
    this.#ourHandshake = options.handshake;
    if (options.handshake !== undefined) this.sendHandshake(options.handshake);
  }

  /** What the peer has; undefined until the piece count is known. Replaced by a bitfield, changed by the rest. */
  get have(): Bitfield | undefined {
    return this.#peerPieces.have;
  }

  /** After `WIRE_BITFIELD`: what `have` was before, when the peer had said something earlier; undefined = nothing. */
  get haveBefore(): Bitfield | undefined {
    return this.#peerPieces.haveBefore;
  }

  /** Pieces that the peer lets us fetch while it chokes us (BEP 6). */
  get allowedFast(): ReadonlySet<number> {
    return this.#peerPieces.allowedFast;
  }

  /** The peer has every piece. */
  get isSeed(): boolean {
    return this.#peerPieces.have?.isFull === true;
  }

  /** 20 bytes; undefined before `WIRE_HANDSHAKE`. The engine recognises its own here, and duplicates. */
  get remotePeerId(): Uint8Array | undefined {
    return this.remoteHandshake?.peerId;
  }

  /** The info-hash of this connection: the peer's, once its handshake is there, else ours. */
  get infoHash(): Uint8Array | undefined {
    return this.remoteHandshake?.infoHash ?? this.#ourHandshake?.infoHash;
  }

  get peerUploadOnly(): boolean {
    return this.extensions.uploadOnly;
  }

  /** `reqq` of the peer: how many requests it queues. */
  get peerRequestQueue(): number {
    return this.extensions.requestQueue;
  }

  /** Since when neither side has been interested in the other; Infinity while one is. */
  get uninterestedSinceMs(): number {
    return this.amInterested || this.peerInterested ? Number.POSITIVE_INFINITY : this.interestChangedMs;
  }

  /** Lends `chunk[start..end)` until `next()` has returned `WIRE_NEED_MORE`. Ignored once closed. */
  push(chunk: Uint8Array, nowMs: number, start = 0, end: number = chunk.length): void {
    this.nowMs = nowMs;
    if (this.phase === 'closed' || start === end) return;
    this.#lastReceivedMs = nowMs;
    if (this.phase === 'open') {
      this.#decoder.push(chunk, start, end);
      return;
    }
    assert(this.phase === 'handshake', 'accept() or close() comes before the next chunk');
    this.#chunk = chunk;
    this.#chunkPosition = start;
    this.#chunkEnd = end;
  }

  /**
   * The next event, one of:
   * - `WIRE_HANDSHAKE`: see `remoteHandshake`. Accepted connections: `accept()` or `close()` before the next call.
   * - `WIRE_BLOCK_DATA`: bytes of a block that lies within a piece; that it was asked for is the engine's to check.
   * - `WIRE_CHOKE`, `WIRE_UNCHOKE`, `WIRE_INTERESTED`, `WIRE_NOT_INTERESTED`: the flag has changed.
   * - `WIRE_BITFIELD`, `WIRE_HAVE_ALL`: `have` was empty (or `haveBefore`) and is filled. `WIRE_HAVE_NONE`: nothing changed.
   * - `WIRE_HAVE`, `WIRE_DONT_HAVE`: `have` changed at `pieceIndex`.
   * - `WIRE_REQUEST`: a range within a piece that the peer may ask for now. `WIRE_CANCEL`: any numbers.
   * - `WIRE_REJECT`, `WIRE_SUGGEST`: the piece exists. `WIRE_ALLOWED_FAST`: and it is new in `allowedFast`.
   *   None of these, nor the five before, is reported until the pieces are known.
   * - `WIRE_PORT`: a UDP port that is not 0.
   * - `WIRE_EXTENSION_HANDSHAKE`: see `extensionHandshake` and `extensions`. `WIRE_UPLOAD_ONLY`: `peerUploadOnly`
   *   changed. `WIRE_EXTENDED`: ut_metadata, ut_pex or ut_holepunch, by `extendedId` in `EXTENSION_IDS`, undecoded.
   * - `WIRE_HASH_REQUEST`, `WIRE_HASH_REJECT`, `WIRE_HASHES`: see `hashRequest` and `hashes`.
   * - `WIRE_VIOLATION`: see `message.violation` and the class.
   * - `WIRE_NEED_MORE`: nothing is left. `WIRE_KEEP_ALIVE` is never reported.
   */
  next(): WireEvent {
    if (this.phase !== 'open' || this.#pendingViolation !== undefined) return this.#nextOutsideOpen();
    const decoder = this.#decoder;
    for (;;) {
      const event = decoder.next();
      if (event === WIRE_BLOCK_DATA) {
        if (!decoder.blockIsFirst || this.#isBlockInPiece()) return event;
        return this.#report(violationOf('WIRE_BLOCK_INVALID'));
      }
      if (event === WIRE_NEED_MORE) return event;
      const result = this.#handle(event);
      if (result !== NOTHING) return result;
    }
  }

  /**
   * Answers the handshake of an accepted connection. `handshake.infoHash` is the peer's, or the v2 one of the same
   * torrent when the peer offered to upgrade (BEP 52).
   */
  accept(handshake: Handshake, pieces?: PieceSizes): void {
    assert(this.phase === 'accept', 'accept() answers WIRE_HANDSHAKE of an accepted connection');
    this.#ourHandshake = handshake;
    this.sendHandshake(handshake);
    if (pieces !== undefined) this.setPieces(pieces);
    this.#open();
  }

  /**
   * The metadata became known. Applies what the peer said before: `have` is defined from now on and complete as far
   * as the peer has told, without an event for any piece. What was wrong about it comes out of `next()`.
   */
  setPieces(pieces: PieceSizes): void {
    assert(this.pieces === undefined, 'the pieces are set once');
    this.pieces = pieces;
    this.#decoder.pieceCount = pieces.pieceCount;
    this.#pendingViolation ??= this.#peerPieces.setPieceCount(pieces.pieceCount);
  }

  /** The engine gives the connection up: nothing is reported any more. */
  close(): void {
    this.phase = 'closed';
    this.#pendingViolation = undefined;
  }

  /**
   * Counts a block that nobody had asked for (the engine knows); the violation, when it was one too many. The
   * connection is closed then, as after any other fatal violation.
   */
  countUnsolicited(): Violation | undefined {
    this.#unsolicitedCount++;
    if (this.#unsolicitedCount <= UNSOLICITED_BLOCKS_MAX) return undefined;
    this.close();
    return violationOf('WIRE_BLOCKS_TOO_MANY_UNSOLICITED');
  }

  /**
   * Counts a request that the engine refuses for the peer's fault, such as one for a piece we do not have; it writes
   * no reject. The violation, when it was one too many; the connection is closed then.
   */
  countInvalidRequest(): Violation | undefined {
    const violation = this.requestGuard.countInvalid();
    if (violation !== undefined) this.close();
    return violation;
  }

  /** When `handleDeadline` must be called; it moves with every byte in either direction, always later. */
  get deadlineMs(): number {
    switch (this.phase) {
      case 'closed':
        return Number.POSITIVE_INFINITY;
      case 'open':
        return Math.min(this.#lastReceivedMs + PEER_TIMEOUT_MS, this.keepAliveAtMs);
      default:
        return this.#startedMs + HANDSHAKE_TIMEOUT_MS;
    }
  }

  /** Writes a keep-alive when nothing was sent for long; a peer that is silent for too long is reported by `next()`. */
  handleDeadline(nowMs: number): void {
    this.nowMs = nowMs;
    if (this.phase === 'closed') return;
    if (this.phase !== 'open') {
      const isLate = nowMs >= this.#startedMs + HANDSHAKE_TIMEOUT_MS;
      if (isLate) this.#pendingViolation = violationOf('WIRE_HANDSHAKE_TIMEOUT');
      return;
    }
    if (nowMs >= this.#lastReceivedMs + PEER_TIMEOUT_MS) this.#pendingViolation = violationOf('WIRE_PEER_TIMEOUT');
    if (nowMs >= this.keepAliveAtMs) this.sendKeepAlive(nowMs);
  }

  /** We have not been reading (the disk is behind): until now the silence was not the peer's. */
  excuseSilence(nowMs: number): void {
    this.#lastReceivedMs = nowMs;
  }

  #nextOutsideOpen(): WireEvent {
    const violation = this.#pendingViolation;
    this.#pendingViolation = undefined;
    if (violation !== undefined) return this.#report(violation);
    if (this.phase === 'closed') return WIRE_NEED_MORE;
    assert(this.phase === 'handshake', 'accept() or close() comes before the next event');
    this.#chunkPosition += this.#handshakeReader.take(this.#chunk, this.#chunkPosition, this.#chunkEnd);
    const handshake = this.#handshakeReader.result();
    if (handshake === undefined) return WIRE_NEED_MORE;
    return 'code' in handshake ? this.#report(handshake) : this.#handleHandshake(handshake);
  }

  #handleHandshake(handshake: Handshake): WireEvent {
    if (this.#ourHandshake !== undefined && !this.#isOurTorrent(handshake.infoHash)) {
      return this.#report(violationOf('WIRE_INFO_HASH_MISMATCH'));
    }
    this.remoteHandshake = handshake;
    this.#decoder.push(this.#chunk, this.#chunkPosition, this.#chunkEnd);
    this.#chunk = EMPTY_BYTES;
    if (this.isInitiator) this.#open();
    else this.phase = 'accept';
    return WIRE_HANDSHAKE;
  }

  #isOurTorrent(infoHash: Uint8Array): boolean {
    return (
      bytesEqual(infoHash, this.#ourHandshake!.infoHash) ||
      (this.#alternateInfoHash !== undefined && bytesEqual(infoHash, this.#alternateInfoHash))
    );
  }

  #open(): void {
    const ours = this.#ourHandshake!;
    const theirs = this.remoteHandshake!;
    this.supportsFast = ours.fast && theirs.fast;
    this.supportsExtensions = ours.extensionProtocol && theirs.extensionProtocol;
    this.supportsDht = ours.dht && theirs.dht;
    this.phase = 'open';
  }

  #handle(event: WireEvent): WireEvent {
    switch (event) {
      case WIRE_CHOKE:
      case WIRE_UNCHOKE:
        return this.#handleChoke(event);
      case WIRE_INTERESTED:
      case WIRE_NOT_INTERESTED:
        return this.#handleInterested(event);
      case WIRE_HAVE:
        return this.#reportNews(this.#peerPieces.handleHave(this.#decoder.pieceIndex), event);
      case WIRE_BITFIELD:
        return this.#reportState(this.#peerPieces.handleBitfield(this.#decoder.payload), event);
      case WIRE_REQUEST:
        return this.#handleRequest();
      case WIRE_CANCEL:
        this.#peerPieces.handlePieceMessage();
        return event;
      case WIRE_PORT:
        return this.#decoder.port === 0 ? NOTHING : event;
      case WIRE_SUGGEST:
      case WIRE_HAVE_ALL:
      case WIRE_HAVE_NONE:
      case WIRE_REJECT:
      case WIRE_ALLOWED_FAST:
        return this.supportsFast ? this.#handleFast(event) : this.#fail('WIRE_FAST_NOT_NEGOTIATED');
      case WIRE_EXTENDED:
        return this.supportsExtensions ? this.#handleExtended() : this.#fail('WIRE_EXTENSION_NOT_NEGOTIATED');
      case WIRE_HASH_REQUEST:
      case WIRE_HASHES:
      case WIRE_HASH_REJECT:
        return this.#handleHashMessage(event);
      case WIRE_VIOLATION:
        return this.#report(this.#decoder.violation);
      default:
        return NOTHING;
    }
  }

  #handleChoke(event: typeof WIRE_CHOKE | typeof WIRE_UNCHOKE): WireEvent {
    const isChoking = event === WIRE_CHOKE;
    if (this.peerChoking === isChoking) return NOTHING;
    this.peerChoking = isChoking;
    return event;
  }

  #handleInterested(event: typeof WIRE_INTERESTED | typeof WIRE_NOT_INTERESTED): WireEvent {
    const isInterested = event === WIRE_INTERESTED;
    if (this.peerInterested === isInterested) return NOTHING;
    this.peerInterested = isInterested;
    this.interestChangedMs = this.nowMs;
    return event;
  }

  #handleRequest(): WireEvent {
    const { pieceIndex, begin, length } = this.#decoder;
    this.#peerPieces.handlePieceMessage();
    const violation = this.requestGuard.judge(pieceIndex, begin, length, this.pieces, this.amChoking);
    if (violation === undefined) return WIRE_REQUEST;
    if (!isFatal(violation)) this.sendReject(pieceIndex, begin, length);
    return this.#report(violation);
  }

  #handleFast(event: WireEvent): WireEvent {
    const pieces = this.#peerPieces;
    switch (event) {
      case WIRE_HAVE_ALL:
        return this.#reportState(pieces.handleHaveAll(), event);
      case WIRE_HAVE_NONE:
        return this.#reportState(pieces.handleHaveNone(), event);
      case WIRE_ALLOWED_FAST:
        pieces.handlePieceMessage();
        return this.#reportNews(pieces.handleAllowedFast(this.#decoder.pieceIndex), event);
      default:
        pieces.handlePieceMessage();
        return this.#reportNews(
          pieces.isIndex(this.#decoder.pieceIndex) || violationOf('WIRE_PIECE_INDEX_INVALID'),
          event,
        );
    }
  }

  #handleExtended(): WireEvent {
    const { extendedId, payload } = this.#decoder;
    switch (extendedId) {
      case 0:
        return this.#handleExtensionHandshake(payload);
      case EXTENSION_IDS.lt_donthave: {
        const pieceIndex = decodeDontHave(payload);
        if (pieceIndex === undefined) return this.#fail('WIRE_EXTENSION_MESSAGE_INVALID');
        this.#decoder.pieceIndex = pieceIndex;
        return this.#reportNews(this.#peerPieces.handleDontHave(pieceIndex), WIRE_DONT_HAVE);
      }
      case EXTENSION_IDS.upload_only: {
        const uploadOnly = decodeUploadOnly(payload);
        if (uploadOnly === undefined || uploadOnly === this.extensions.uploadOnly) return NOTHING;
        this.extensions.uploadOnly = uploadOnly;
        return WIRE_UPLOAD_ONLY;
      }
      case EXTENSION_IDS.ut_metadata:
      case EXTENSION_IDS.ut_pex:
      case EXTENSION_IDS.ut_holepunch:
        return WIRE_EXTENDED;
      default:
        // An id that we never gave out: BEP 10 does not call it a fault.
        return NOTHING;
    }
  }

  #handleExtensionHandshake(payload: Uint8Array): WireEvent {
    if (!this.extensions.countHandshake()) return this.#fail('WIRE_EXTENSION_HANDSHAKES_TOO_MANY');
    const handshake = decodeExtensionHandshake(payload);
    if (handshake === undefined) return this.#fail('WIRE_EXTENSION_HANDSHAKE_INVALID');
    this.extensions.handleHandshake(handshake);
    this.extensionHandshake = handshake;
    return WIRE_EXTENSION_HANDSHAKE;
  }

  #handleHashMessage(event: typeof WIRE_HASH_REQUEST | typeof WIRE_HASHES | typeof WIRE_HASH_REJECT): WireEvent {
    const payload = this.#decoder.payload;
    if (event === WIRE_HASHES) {
      this.hashes = decodeHashes(payload);
      return this.hashes === undefined ? this.#fail('WIRE_HASHES_INVALID') : event;
    }
    const request = decodeHashHeader(payload);
    this.hashRequest = request;
    if (event === WIRE_HASH_REJECT || isPlausibleHashRequest(request)) return event;
    this.sendHashReject(request);
    return this.#report(this.requestGuard.countInvalid() ?? violationOf('WIRE_HASH_REQUEST_INVALID'));
  }

  #isBlockInPiece(): boolean {
    const { pieceIndex, begin, length } = this.#decoder;
    const pieces = this.pieces;
    this.#peerPieces.handlePieceMessage();
    return pieces !== undefined && pieceIndex < pieces.pieceCount && begin + length <= pieces.bytesOfPiece(pieceIndex);
  }

  #fail(code: ViolationCode): WireEvent {
    return this.#report(violationOf(code));
  }

  #report(violation: Violation): WireEvent {
    this.#decoder.violation = violation;
    if (isFatal(violation)) this.close();
    return WIRE_VIOLATION;
  }

  /** The event, when it changed something and the engine can already make sense of it. */
  #reportNews(news: Violation | boolean, event: WireEvent): WireEvent {
    if (typeof news === 'object') return this.#report(news);
    return news && this.pieces !== undefined ? event : NOTHING;
  }

  #reportState(violation: Violation | undefined, event: WireEvent): WireEvent {
    if (violation !== undefined) return this.#report(violation);
    return this.pieces === undefined ? NOTHING : event;
  }
}
