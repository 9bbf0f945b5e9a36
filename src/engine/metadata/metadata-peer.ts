// One connection that is only for the info dictionary of a magnet link (BEP 9): asks for its parts in order, a few at a
// time, and keeps them to itself, so that a peer that lies spoils nobody else's. Judges nothing: the host hashes.
import { concatBytes } from '../../base/bytes.ts';
import type { TcpSocket, TcpSocketHandler } from '../../platform/network.ts';
import { EXTENSION_IDS } from '../../protocol/extensions/extension-handshake.ts';
import {
  decodeMetadataMessage,
  encodeMetadataRequest,
  METADATA_PIECE_BYTES,
} from '../../protocol/extensions/ut-metadata.ts';
import { TORRENT_FILE_MAX_BYTES } from '../../protocol/limits.ts';
import type { PeerConnection } from '../../protocol/wire/peer-connection.ts';
import { isFatal } from '../../protocol/wire/violation.ts';
import {
  WIRE_EXTENDED,
  WIRE_EXTENSION_HANDSHAKE,
  WIRE_HANDSHAKE,
  WIRE_NEED_MORE,
  WIRE_VIOLATION,
} from '../../protocol/wire/wire-event.ts';
import type { DeadlineEntry } from '../deadline-queue.ts';
import type { EngineContext } from '../session/engine-context.ts';
import { VERSION } from '../session/settings.ts';

/** Requests under way at once: one more than one part, so that a slow link does not idle between answers. */
const REQUESTS_MAX = 4;
/** A peer that sends no part for so long is left. */
const PART_TIMEOUT_MS = 15_000;

export interface MetadataPeerHost {
  /** All parts have come. They may be lies. */
  handleInfoBytes(peer: MetadataPeer, infoBytes: Uint8Array): void;
  /** Where a peer that connected to us can be connected to. */
  handleListenPort(peer: MetadataPeer, port: number): void;
  handleEnded(peer: MetadataPeer): void;
  /** A mistake of ours showed itself. */
  handleBug(error: unknown): void;
}

export class MetadataPeer implements TcpSocketHandler, DeadlineEntry {
  readonly socket: TcpSocket;
  readonly #context: EngineContext;
  readonly #host: MetadataPeerHost;
  readonly #connection: PeerConnection;
  // BOUNDED: TORRENT_FILE_MAX_BYTES, and never more than has come.
  readonly #parts: Uint8Array[] = [];
  #sizeBytes = 0;
  #requestedCount = 0;
  #timeoutMs: number;
  #isEnded = false;

  constructor(context: EngineContext, host: MetadataPeerHost, socket: TcpSocket, connection: PeerConnection) {
    this.#context = context;
    this.#host = host;
    this.socket = socket;
    this.#connection = connection;
    this.#timeoutMs = this.#nowMs() + PART_TIMEOUT_MS;
  }

  /** Takes over the socket; an accepted connection has its handshake behind it. */
  begin(): void {
    this.socket.setHandler(this);
    if (!this.#connection.isInitiator) this.#greet();
    this.#turn(this.#nowMs());
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
    while (!this.#isEnded) {
      const event = connection.next();
      if (event === WIRE_NEED_MORE) break;
      if (event === WIRE_HANDSHAKE) this.#greet();
      else if (event === WIRE_EXTENSION_HANDSHAKE) this.#handleExtensions();
      else if (event === WIRE_EXTENDED) this.#handleExtended(nowMs);
      else if (event === WIRE_VIOLATION && isFatal(connection.message.violation)) this.close();
    }
    if (this.#isEnded) return;
    const outgoing = connection.takeOutgoing(nowMs);
    if (outgoing !== undefined) this.socket.write(outgoing);
    this.#context.deadlines.expedite(this, this.#nextDeadlineMs());
  }

  #greet(): void {
    this.#connection.sendBitfield(undefined);
    this.#connection.sendExtensionHandshake({
      messages: new Map([['ut_metadata', EXTENSION_IDS.ut_metadata]]),
      client: `Millrace ${VERSION}`,
    });
    if (!this.#connection.supportsExtensions) this.close();
  }

  #handleExtensions(): void {
    const { listenPort } = this.#connection.extensions;
    if (listenPort !== undefined && !this.#connection.isInitiator) this.#host.handleListenPort(this, listenPort);
    const sizeBytes = this.#connection.extensions.metadataSizeBytes ?? 0;
    // BEP 9: a peer that names no size does not have the metadata (yet).
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
    if (extendedId !== EXTENSION_IDS.ut_metadata) return;
    const message = decodeMetadataMessage(payload);
    // A peer that has the metadata answers in order; anything else is not worth waiting for.
    if (message === undefined || message.type === 'request') return;
    const isNext = message.type === 'data' && message.piece === this.#parts.length;
    if (!isNext || message.totalSizeBytes !== this.#sizeBytes) {
      this.close();
      return;
    }
    this.#parts.push(message.data.slice());
    this.#timeoutMs = nowMs + PART_TIMEOUT_MS;
    if (this.#parts.length * METADATA_PIECE_BYTES < this.#sizeBytes) {
      this.#request();
      return;
    }
    this.#host.handleInfoBytes(this, concatBytes(this.#parts));
    this.close();
  }

  #nextDeadlineMs(): number {
    return Math.min(this.#timeoutMs, this.#connection.deadlineMs);
  }

  #nowMs(): number {
    return this.#context.platform.clock.nowMs();
  }
}
