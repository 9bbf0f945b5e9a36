// One connection that is only for the metadata of a magnet link: asks for the parts of the info dictionary (BEP 9) in
// order, a few at a time, and keeps them to itself, so that a peer that lies spoils nobody else's; carries hash requests
// (BEP 52) and their answers. Judges nothing: the host hashes.
import { concatBytes } from '../../base/bytes.ts';
import type { TcpSocket, TcpSocketHandler } from '../../platform/network.ts';
import { EXTENSION_IDS } from '../../protocol/extensions/extension-handshake.ts';
import {
  decodeMetadataMessage,
  encodeMetadataRequest,
  METADATA_PIECE_BYTES,
} from '../../protocol/extensions/ut-metadata.ts';
import { TORRENT_FILE_MAX_BYTES } from '../../protocol/limits.ts';
import type { HashesMessage, HashRequest } from '../../protocol/wire/hash-messages.ts';
import type { PeerConnection } from '../../protocol/wire/peer-connection.ts';
import { isFatal } from '../../protocol/wire/violation.ts';
import {
  WIRE_EXTENDED,
  WIRE_EXTENSION_HANDSHAKE,
  WIRE_HANDSHAKE,
  WIRE_HASH_REJECT,
  WIRE_HASH_REQUEST,
  WIRE_HASHES,
  WIRE_NEED_MORE,
  WIRE_VIOLATION,
  type WireEvent,
} from '../../protocol/wire/wire-event.ts';
import type { DeadlineEntry } from '../deadline-queue.ts';
import type { EngineContext } from '../session/engine-context.ts';
import { VERSION } from '../session/settings.ts';

/** Requests under way at once: one more than one part, so that a slow link does not idle between answers. */
const REQUESTS_MAX = 4;
/** A peer that sends nothing of what it was asked for so long is left. */
const ANSWER_TIMEOUT_MS = 15_000;

const OFFERED_MESSAGES: ReadonlyMap<string, number> = new Map([['ut_metadata', EXTENSION_IDS.ut_metadata]]);
const OFFERED_WITH_PEX: ReadonlyMap<string, number> = new Map([...OFFERED_MESSAGES, ['ut_pex', EXTENSION_IDS.ut_pex]]);

export interface MetadataPeerHost {
  /** Whether the info dictionary is still to be asked for. */
  readonly wantsInfo: boolean;
  /** Both handshakes are done: hashes can be asked for. */
  handleReady(peer: MetadataPeer): void;
  /** All parts have come. They may be lies. */
  handleInfoBytes(peer: MetadataPeer, infoBytes: Uint8Array): void;
  handleHashes(peer: MetadataPeer, message: HashesMessage): void;
  handleHashReject(peer: MetadataPeer, request: HashRequest): void;
  /** Where a peer that connected to us can be connected to. */
  handleListenPort(peer: MetadataPeer, port: number): void;
  /** A message of peer exchange (BEP 11). False: it is one too many. */
  handlePex(peer: MetadataPeer, payload: Uint8Array): boolean;
  handleEnded(peer: MetadataPeer): void;
  /** A mistake of ours showed itself. */
  handleBug(error: unknown): void;
}

export class MetadataPeer implements TcpSocketHandler, DeadlineEntry {
  readonly id: number;
  readonly socket: TcpSocket;
  readonly #context: EngineContext;
  readonly #host: MetadataPeerHost;
  readonly #connection: PeerConnection;
  // BOUNDED: TORRENT_FILE_MAX_BYTES, and never more than has come.
  readonly #parts: Uint8Array[] = [];
  #sizeBytes = 0;
  #requestedCount = 0;
  #timeoutMs: number;
  #isReady = false;
  #isInTurn = false;
  #isEnded = false;
  /** Nothing more is asked of it: it is kept for the download that follows. */
  #isParked = false;

  constructor(context: EngineContext, host: MetadataPeerHost, socket: TcpSocket, connection: PeerConnection) {
    this.id = context.nextPeerId();
    this.#context = context;
    this.#host = host;
    this.socket = socket;
    this.#connection = connection;
    this.#timeoutMs = this.#nowMs() + ANSWER_TIMEOUT_MS;
  }

  /** Takes over the socket; an accepted connection has its handshake behind it. */
  begin(): void {
    this.socket.setHandler(this);
    if (!this.#connection.isInitiator) this.#greet();
    this.#turn(this.#nowMs());
  }

  /** Of this connection: the other side's, once its handshake is there, else ours. */
  get infoHash(): Uint8Array {
    return this.#connection.infoHash!;
  }

  /** Both handshakes are done. */
  get isReady(): boolean {
    return this.#isReady && !this.#isEnded;
  }

  sendHashRequest(request: HashRequest): void {
    this.#connection.sendHashRequest(request);
    if (!this.#isInTurn) this.#flush(this.#nowMs());
  }

  handleConnected(): void {
    // The session begins when the connection stands.
  }

  handleData(bytes: Uint8Array): void {
    const nowMs = this.#nowMs();
    try {
      this.#connection.push(bytes, nowMs);
      this.#turn(nowMs);
    } catch (error) {
      this.handleBug(error);
    }
  }

  handleClosed(): void {
    try {
      this.close();
    } catch (error) {
      this.handleBug(error);
    }
  }

  handleBug(error: unknown): void {
    this.#host.handleBug(error);
    this.close();
  }

  handleDeadline(nowMs: number): number {
    this.#connection.handleDeadline(nowMs);
    if (nowMs >= this.#timeoutMs) this.close();
    else this.#turn(nowMs);
    return this.#isEnded ? Number.POSITIVE_INFINITY : this.#nextDeadlineMs();
  }

  /** The metadata is complete: keeps the connection alive until `release`. */
  park(): void {
    if (!this.isReady) {
      this.close();
      return;
    }
    this.#isParked = true;
    this.#timeoutMs = Number.POSITIVE_INFINITY;
  }

  /** Gives socket and protocol state away, to be gone on with; undefined when the connection has ended. */
  release(): PeerConnection | undefined {
    if (this.#isEnded || !this.#connection.isOpen) {
      this.close();
      return undefined;
    }
    this.#isEnded = true;
    this.#context.deadlines.remove(this);
    return this.#connection;
  }

  close(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#connection.close();
    this.socket.destroy();
    this.#context.deadlines.remove(this);
    this.#context.connections.close();
    this.#host.handleEnded(this);
  }

  #turn(nowMs: number): void {
    const connection = this.#connection;
    this.#isInTurn = true;
    while (!this.#isEnded) {
      const event = connection.next();
      if (event === WIRE_NEED_MORE) break;
      this.#handle(event, nowMs);
    }
    this.#isInTurn = false;
    this.#flush(nowMs);
  }

  #flush(nowMs: number): void {
    if (this.#isEnded) return;
    const outgoing = this.#connection.takeOutgoing(nowMs);
    if (outgoing !== undefined) this.socket.write(outgoing);
    this.#context.deadlines.expedite(this, this.#nextDeadlineMs());
  }

  #handle(event: WireEvent, nowMs: number): void {
    const connection = this.#connection;
    switch (event) {
      case WIRE_HANDSHAKE:
        this.#greet();
        return;
      case WIRE_EXTENSION_HANDSHAKE:
        this.#handleExtensions();
        return;
      case WIRE_EXTENDED:
        this.#handleExtended(nowMs);
        return;
      case WIRE_HASHES:
        this.#timeoutMs = nowMs + ANSWER_TIMEOUT_MS;
        this.#host.handleHashes(this, connection.hashes!);
        return;
      case WIRE_HASH_REJECT:
        this.#host.handleHashReject(this, connection.hashRequest!);
        return;
      case WIRE_HASH_REQUEST:
        connection.sendHashReject(connection.hashRequest!);
        return;
      case WIRE_VIOLATION:
        if (isFatal(connection.message.violation)) this.close();
        return;
      default:
        return; // What the peer has and wants does not matter yet.
    }
  }

  #greet(): void {
    this.#connection.sendBitfield(undefined);
    this.#connection.sendExtensionHandshake({
      messages: this.#context.settings.pex ? OFFERED_WITH_PEX : OFFERED_MESSAGES,
      client: `Millrace ${VERSION}`,
    });
    if (this.#host.wantsInfo && !this.#connection.supportsExtensions) {
      this.close();
      return;
    }
    this.#isReady = true;
    this.#host.handleReady(this);
  }

  #handleExtensions(): void {
    const { listenPort } = this.#connection.extensions;
    if (listenPort !== undefined && !this.#connection.isInitiator) this.#host.handleListenPort(this, listenPort);
    const sizeBytes = this.#connection.extensions.metadataSizeBytes ?? 0;
    // BEP 9: a peer that names no size does not have the metadata (yet).
    if (!this.#host.wantsInfo || this.#isParked) return;
    if (this.#sizeBytes > 0 || sizeBytes <= 0 || sizeBytes > TORRENT_FILE_MAX_BYTES) return;
    this.#sizeBytes = sizeBytes;
    this.#request();
  }

  #request(): void {
    const partCount = Math.ceil(this.#sizeBytes / METADATA_PIECE_BYTES);
    while (this.#requestedCount < partCount && this.#requestedCount - this.#parts.length < REQUESTS_MAX) {
      if (!this.#connection.sendExtended('ut_metadata', encodeMetadataRequest(this.#requestedCount))) {
        this.close();
        return;
      }
      this.#requestedCount++;
    }
  }

  #handleExtended(nowMs: number): void {
    const { extendedId, payload } = this.#connection.message;
    if (extendedId === EXTENSION_IDS.ut_pex && !this.#host.handlePex(this, payload)) this.close();
    if (extendedId !== EXTENSION_IDS.ut_metadata || !this.#host.wantsInfo || this.#isParked) return;
    const message = decodeMetadataMessage(payload);
    // A peer that has the metadata answers in order; anything else is not worth waiting for.
    if (message === undefined || message.type === 'request') return;
    const isNext = message.type === 'data' && message.piece === this.#parts.length;
    if (!isNext || message.totalSizeBytes !== this.#sizeBytes) {
      this.close();
      return;
    }
    this.#parts.push(message.data.slice());
    this.#timeoutMs = nowMs + ANSWER_TIMEOUT_MS;
    if (this.#parts.length * METADATA_PIECE_BYTES < this.#sizeBytes) {
      this.#request();
      return;
    }
    this.#host.handleInfoBytes(this, concatBytes(this.#parts));
  }

  #nextDeadlineMs(): number {
    return Math.min(this.#timeoutMs, this.#connection.deadlineMs);
  }

  #nowMs(): number {
    return this.#context.platform.clock.nowMs();
  }
}
