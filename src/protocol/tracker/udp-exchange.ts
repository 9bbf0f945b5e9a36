// One request to one UDP tracker: connect, ask, ask again when nothing comes (BEP 15, "Time outs"). Knows no socket
// and no clock, and never gives up by itself: the caller decides how long a tracker is worth waiting for.
//
// The transaction id stays the same for every copy of one datagram, so that an answer to an early copy counts. The
// caller hands in datagrams of the tracker's own address and port only.
import type { Machine } from '../../base/machine.ts';
import type { Random } from '../../base/random.ts';
import { UDP_CONNECTION_ID_MS } from '../limits.ts';
import {
  decodeUdpConnectReply,
  decodeUdpError,
  decodeUdpReplyHeader,
  encodeUdpConnect,
  UDP_ACTION_CONNECT,
  UDP_ACTION_ERROR,
} from './udp-messages.ts';

const RETRANSMIT_BASE_MS = 15_000; // BEP 15: wait 15 · 2^n seconds
const RETRANSMIT_EXPONENT_MAX = 8;

/** What a tracker hands out against forged source addresses; good for every exchange with its endpoint. */
export interface UdpConnection {
  /** 8 bytes. */
  readonly id: Uint8Array;
  readonly expiresMs: number;
}

export type UdpExchangeOutput<Response> =
  | { readonly type: 'send'; readonly datagram: Uint8Array }
  | { readonly type: 'response'; readonly response: Response }
  | { readonly type: 'refused'; readonly message: string };

/** The part of an exchange that differs between announce and scrape. */
export interface UdpRequestCodec<Response> {
  readonly action: number;
  encode(connectionId: Uint8Array, transactionId: number): Uint8Array;
  /** Undefined when the datagram is too short. */
  decode(datagram: Uint8Array): Response | undefined;
}

export interface UdpExchangeOptions {
  readonly random: Random;
  /** From an earlier exchange with the same endpoint: spares the connect while it lives. */
  readonly connection?: UdpConnection | undefined;
}

export class UdpExchange<Response> implements Machine<UdpExchangeOutput<Response>> {
  readonly #codec: UdpRequestCodec<Response>;
  readonly #random: Random;
  readonly #outputs: UdpExchangeOutput<Response>[] = []; // BOUNDED: one per handle call, drained by the caller
  #connection: UdpConnection | undefined;
  /** The connection id comes from another exchange: the tracker may have forgotten it, which is no refusal. */
  #isConnectionInherited: boolean;
  #awaitedAction = -1;
  #transactionId = 0;
  #retransmitCount = 0;
  #deadlineMs = 0;

  constructor(codec: UdpRequestCodec<Response>, options: UdpExchangeOptions, nowMs: number) {
    this.#codec = codec;
    this.#random = options.random;
    this.#connection = options.connection;
    this.#isConnectionInherited = options.connection !== undefined;
    this.#send(nowMs);
  }

  get deadlineMs(): number {
    return this.#deadlineMs;
  }

  /** For the next exchange with the same endpoint. */
  get connection(): UdpConnection | undefined {
    return this.#connection;
  }

  poll(): UdpExchangeOutput<Response> | undefined {
    return this.#outputs.shift();
  }

  handleDeadline(nowMs: number): void {
    if (nowMs < this.#deadlineMs) return;
    this.#retransmitCount = Math.min(this.#retransmitCount + 1, RETRANSMIT_EXPONENT_MAX);
    if (this.#isConnectionInherited) this.#connection = undefined;
    this.#send(nowMs);
  }

  handleDatagram(datagram: Uint8Array, nowMs: number): void {
    if (this.#deadlineMs === Infinity) return;
    const header = decodeUdpReplyHeader(datagram);
    // A stray or forged datagram must not end the exchange: ignore it and keep waiting.
    if (header === undefined || header.transactionId !== this.#transactionId) return;
    if (header.action === UDP_ACTION_ERROR) this.#handleError(datagram, nowMs);
    else if (header.action !== this.#awaitedAction) return;
    else if (header.action === UDP_ACTION_CONNECT) this.#handleConnected(datagram, nowMs);
    else {
      const response = this.#codec.decode(datagram);
      if (response !== undefined) this.#finish({ type: 'response', response });
    }
  }

  #handleConnected(datagram: Uint8Array, nowMs: number): void {
    const id = decodeUdpConnectReply(datagram);
    if (id === undefined) return;
    this.#connection = { id, expiresMs: nowMs + UDP_CONNECTION_ID_MS };
    this.#isConnectionInherited = false;
    this.#retransmitCount = 0;
    this.#send(nowMs);
  }

  #handleError(datagram: Uint8Array, nowMs: number): void {
    if (this.#isConnectionInherited && this.#awaitedAction !== UDP_ACTION_CONNECT) {
      this.#connection = undefined;
      this.#send(nowMs);
    } else this.#finish({ type: 'refused', message: decodeUdpError(datagram) });
  }

  #send(nowMs: number): void {
    if (this.#connection !== undefined && nowMs >= this.#connection.expiresMs) this.#connection = undefined;
    const action = this.#connection === undefined ? UDP_ACTION_CONNECT : this.#codec.action;
    if (action !== this.#awaitedAction) {
      this.#awaitedAction = action;
      this.#transactionId = this.#random.uint32();
    }
    if (this.#connection === undefined) this.#isConnectionInherited = false;
    const datagram =
      this.#connection === undefined
        ? encodeUdpConnect(this.#transactionId)
        : this.#codec.encode(this.#connection.id, this.#transactionId);
    this.#outputs.push({ type: 'send', datagram });
    this.#deadlineMs = nowMs + RETRANSMIT_BASE_MS * 2 ** this.#retransmitCount;
  }

  #finish(output: UdpExchangeOutput<Response>): void {
    this.#outputs.push(output);
    this.#deadlineMs = Infinity;
  }
}
