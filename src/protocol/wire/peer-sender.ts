// The sending half of a peer connection (BEP 3, 5, 6, 10, 21, 52, 54): the commands, the two flags that are ours, and the
// bytes that wait to be sent. Knows what both sides support, not what has been received; PeerConnection, the receiving
// half, extends it.
import { assert } from '../../base/assert.ts';
import type { Bitfield } from '../../base/bitfield.ts';
import {
  type ExtensionHandshake,
  type ExtensionName,
  encodeExtensionHandshake,
} from '../extensions/extension-handshake.ts';
import { encodeDontHave } from '../extensions/lt-donthave.ts';
import { encodeUploadOnly } from '../extensions/upload-only.ts';
import { KEEP_ALIVE_MS } from '../limits.ts';
import { encodeHandshake, type Handshake } from './handshake.ts';
import type { HashRequest } from './hash-messages.ts';
import { PeerExtensions } from './peer-extensions.ts';
import type { PieceSizes } from './piece-sizes.ts';
import { RequestGuard } from './request-guard.ts';
import * as encode from './wire-encoder.ts';
import { WireWriter } from './wire-encoder.ts';

/** `handshake`: nothing may be sent but ours. `accept`: the peer's is there and waits for ours. */
export type ConnectionPhase = 'handshake' | 'accept' | 'open' | 'closed';

export class PeerSender {
  /** We choke the peer. */
  amChoking = true;
  /** We told the peer that we want something of it. */
  amInterested = false;
  /** Both sides set the bit (BEP 6): a choke rejects nothing by itself, each request gets one answer. */
  supportsFast = false;
  /** Both sides set the bit (BEP 10). */
  supportsExtensions = false;
  /** Both sides set the bit (BEP 5). */
  supportsDht = false;
  /** What the peer said in its extension handshakes. */
  readonly extensions: PeerExtensions = new PeerExtensions();

  protected phase: ConnectionPhase = 'handshake';
  protected readonly requestGuard: RequestGuard = new RequestGuard();
  protected pieces: PieceSizes | undefined = undefined;
  protected nowMs: number;
  /** When either side's interest changed last. */
  protected interestChangedMs: number;

  // BOUNDED: by the engine, which reads no further while `outgoingBytes` or the socket's queue is over its limit.
  readonly #writer = new WireWriter();
  #lastSentMs: number;
  #isAnnounced = false;

  protected constructor(nowMs: number) {
    this.nowMs = nowMs;
    this.interestChangedMs = nowMs;
    this.#lastSentMs = nowMs;
  }

  /** Handshakes are exchanged: commands may be given. */
  get isOpen(): boolean {
    return this.phase === 'open';
  }

  get isClosed(): boolean {
    return this.phase === 'closed';
  }

  /** Bytes that wait for `takeOutgoing()`. */
  get outgoingBytes(): number {
    return this.#writer.length;
  }

  /** What the commands wrote since the last call, for one write; the caller's to keep. */
  takeOutgoing(nowMs: number): Uint8Array | undefined {
    this.nowMs = nowMs;
    if (this.#writer.length === 0) return undefined;
    this.#lastSentMs = nowMs;
    return this.#writer.take();
  }

  /** Bytes were sent past `takeOutgoing()`: piece messages that the upload builds itself. */
  handleSent(nowMs: number): void {
    this.#lastSentMs = nowMs;
  }

  /**
   * Says what we have: have all or have none where the peer understands them, nothing at all for no piece where it
   * does not. Once, before any other command; undefined while the metadata is unknown counts as no piece.
   */
  sendBitfield(bitfield: Bitfield | undefined): void {
    this.#assertOpen();
    assert(!this.#isAnnounced, 'the bitfield is sent once');
    this.#isAnnounced = true;
    if (bitfield === undefined || bitfield.isEmpty) {
      if (this.supportsFast) encode.writeHaveNone(this.#writer);
    } else if (bitfield.isFull && this.supportsFast) encode.writeHaveAll(this.#writer);
    else encode.writeBitfield(this.#writer, bitfield);
  }

  /** Does nothing before `sendBitfield`, which will say it. */
  sendHave(pieceIndex: number): void {
    if (this.#isAnnounced) encode.writeHave(this.#writer, pieceIndex);
  }

  /** Writes only what changes. */
  sendInterested(isInterested: boolean): void {
    this.#assertOpen();
    if (this.amInterested === isInterested) return;
    this.amInterested = isInterested;
    this.interestChangedMs = this.nowMs;
    if (isInterested) encode.writeInterested(this.#writer);
    else encode.writeNotInterested(this.#writer);
  }

  /**
   * Writes only what changes. Choking a peer that `supportsFast` must be followed by `sendReject` for each of its
   * requests that will not be served (BEP 6); without fast the peer takes them for lost.
   */
  sendChoke(isChoking: boolean): void {
    this.#assertOpen();
    if (this.amChoking === isChoking) return;
    this.amChoking = isChoking;
    if (isChoking) {
      this.requestGuard.handleChoking();
      encode.writeChoke(this.#writer);
    } else encode.writeUnchoke(this.#writer);
  }

  sendRequest(pieceIndex: number, begin: number, length: number): void {
    this.#assertOpen();
    encode.writeRequest(this.#writer, pieceIndex, begin, length);
  }

  sendCancel(pieceIndex: number, begin: number, length: number): void {
    this.#assertOpen();
    encode.writeCancel(this.#writer, pieceIndex, begin, length);
  }

  /** Does nothing unless the peer `supportsFast`: others are not told. */
  sendReject(pieceIndex: number, begin: number, length: number): void {
    this.#assertOpen();
    if (this.supportsFast) encode.writeReject(this.#writer, pieceIndex, begin, length);
  }

  /** Does nothing unless the peer `supportsFast`. */
  sendSuggest(pieceIndex: number): void {
    this.#assertOpen();
    if (this.supportsFast) encode.writeSuggest(this.#writer, pieceIndex);
  }

  /**
   * Lets the peer fetch the piece while choked, three times over at most; does nothing unless it `supportsFast`.
   * The metadata must be known.
   */
  sendAllowedFast(pieceIndex: number): void {
    this.#assertOpen();
    if (!this.supportsFast) return;
    assert(this.pieces !== undefined, 'allowed fast needs the metadata');
    this.requestGuard.handleGranted(pieceIndex, this.pieces.bytesOfPiece(pieceIndex));
    encode.writeAllowedFast(this.#writer, pieceIndex);
  }

  /** A whole piece message through the writer; bulk uploads use `writePieceHeader` and `handleSent` instead. */
  sendPiece(pieceIndex: number, begin: number, block: Uint8Array): void {
    this.#assertOpen();
    encode.writePiece(this.#writer, pieceIndex, begin, block);
  }

  /** The UDP port of our DHT node (BEP 5); does nothing unless the peer has one too. */
  sendPort(port: number): void {
    this.#assertOpen();
    if (this.supportsDht) encode.writePort(this.#writer, port);
  }

  /** Does nothing unless the peer `supportsExtensions`. */
  sendExtensionHandshake(handshake: ExtensionHandshake): void {
    this.#assertOpen();
    if (this.supportsExtensions) encode.writeExtended(this.#writer, 0, encodeExtensionHandshake(handshake));
  }

  /** Sends an extension message under the id that the peer chose; false when the peer does not take it. */
  sendExtended(name: ExtensionName, payload: Uint8Array): boolean {
    this.#assertOpen();
    const id = this.extensions.idOf(name);
    if (id === 0 || !this.supportsExtensions) return false;
    encode.writeExtended(this.#writer, id, payload);
    return true;
  }

  /** BEP 54: we lost a piece that we had announced. False when the peer cannot be told. */
  sendDontHave(pieceIndex: number): boolean {
    return this.sendExtended('lt_donthave', encodeDontHave(pieceIndex));
  }

  /** False when the peer takes no such message. */
  sendUploadOnly(uploadOnly: boolean): boolean {
    return this.sendExtended('upload_only', encodeUploadOnly(uploadOnly));
  }

  sendHashRequest(request: HashRequest): void {
    this.#assertOpen();
    encode.writeHashRequest(this.#writer, request);
  }

  sendHashes(request: HashRequest, hashes: Uint8Array): void {
    this.#assertOpen();
    encode.writeHashes(this.#writer, request, hashes);
  }

  sendHashReject(request: HashRequest): void {
    this.#assertOpen();
    encode.writeHashReject(this.#writer, request);
  }

  protected sendHandshake(handshake: Handshake): void {
    this.#writer.append(encodeHandshake(handshake));
  }

  protected get keepAliveAtMs(): number {
    return this.#lastSentMs + KEEP_ALIVE_MS;
  }

  protected sendKeepAlive(nowMs: number): void {
    encode.writeKeepAlive(this.#writer);
    this.#lastSentMs = nowMs;
  }

  #assertOpen(): void {
    assert(this.phase === 'open' || this.phase === 'closed', 'no command before the handshakes');
  }
}
