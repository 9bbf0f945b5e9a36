// One end of a connection in a crowd: the engine's TcpSocket over a fair uplink and a constant latency. Bytes count when
// they leave; what is written behind blocks waits for them, as in TCP. Knows the message, not what it means.
import type { Endpoint, NetworkError, TcpSocket, TcpSocketHandler } from '../../src/platform/network.ts';
import type { CrowdHost } from './crowd-host.ts';
import type { UplinkSender } from './crowd-link.ts';
import {
  BlocksMessage,
  type CrowdMessage,
  isBlockBatch,
  type MessageReceiver,
  PlainMessage,
  splitBatch,
  withoutAllowedFast,
} from './crowd-message.ts';
import { CallEvent } from './event-wheel.ts';

/** What may be on its way on one connection: a slow receiver stops its sender, and no other. */
const WINDOW_BYTES = 262_144;

export class CrowdSocket implements TcpSocket, UplinkSender, MessageReceiver {
  readonly remote: Endpoint;
  local: Endpoint | undefined = undefined;
  /** Written and not yet gone. */
  bufferedBytes = 0;
  nextInRound: UplinkSender | undefined = undefined;
  isInRound = false;
  readonly #host: CrowdHost;
  #handler: TcpSocketHandler | undefined;
  /** The other end; undefined until connected. */
  #other: CrowdSocket | undefined;
  #latencyMs = 0;
  #first: CrowdMessage | undefined;
  #last: CrowdMessage | undefined;
  /** The first message is being sent. */
  #isSending = false;
  /** Left here and not yet read there. */
  #underWayBytes = 0;
  /** Nothing overtakes on a connection. */
  #lastArrivalMs = 0;
  #isEnded = false;
  #isPaused = false;
  /** Arrived while nobody was to read. */
  readonly #unread: CrowdMessage[] = [];

  constructor(host: CrowdHost, remote: Endpoint, handler?: TcpSocketHandler) {
    this.#host = host;
    this.remote = remote;
    this.#handler = handler;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** The network has joined both ends. */
  join(other: CrowdSocket, local: Endpoint, latencyMs: number): void {
    this.#other = other;
    this.local = local;
    this.#latencyMs = latencyMs;
  }

  handleConnected(): void {
    this.#handler?.handleConnected();
  }

  handleBroken(error: NetworkError): void {
    this.#end(error);
  }

  setHandler(handler: TcpSocketHandler): void {
    this.#handler = handler;
    if (this.#unread.length > 0) this.#host.wheel.schedule(0, new CallEvent(() => this.#readAll()));
  }

  write(bytes: Uint8Array, onTaken?: () => void): void {
    const other = this.#other;
    if (this.#isEnded || other === undefined) {
      if (onTaken !== undefined) this.#host.wheel.schedule(0, new CallEvent(onTaken));
      return;
    }
    if (onTaken === undefined || !isBlockBatch(bytes)) {
      const kept = this.#host.options.withholdsAllowedFast ? withoutAllowedFast(bytes) : bytes;
      this.#writePlain(new PlainMessage(kept, other), onTaken);
      return;
    }
    const host = this.#host;
    splitBatch(bytes, host.blocksPerTurn, (run) => {
      this.#enqueue(new BlocksMessage(other, host.scratch, run, host.drawBadBits(run.blockCount), host));
    });
    this.#last!.onTaken = onTaken;
    this.#offer();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#unread.length > 0) this.#host.wheel.schedule(0, new CallEvent(() => this.#readAll()));
  }

  destroy(): void {
    if (this.#isEnded) return;
    this.#finish();
    const other = this.#other;
    if (other === undefined) return;
    const { wheel } = this.#host;
    const arrivalMs = Math.max(wheel.nowMs + this.#latencyMs, this.#lastArrivalMs);
    wheel.schedule(arrivalMs, new CallEvent(() => other.handleRemoteEnded()));
  }

  /** The other end sends no more. */
  handleRemoteEnded(): void {
    this.#end(undefined);
  }

  // ── The uplink's side ────────────────────────────────────────────────────────────────────────────────────────────

  get nextBytes(): number {
    if (this.#isEnded || this.#first === undefined || this.#underWayBytes >= WINDOW_BYTES) return 0;
    return this.#first.lengthBytes;
  }

  handleBegun(): void {
    this.#isSending = true;
  }

  handleDeparted(atMs: number): void {
    this.#isSending = false;
    // The connection may have ended while its bytes were leaving: they arrive nowhere.
    if (this.#isEnded) return;
    const message = this.#first!;
    this.#first = message.nextMessage;
    if (this.#first === undefined) this.#last = undefined;
    message.nextMessage = undefined;
    this.bufferedBytes -= message.lengthBytes;
    this.#dispatch(message, atMs);
    this.#offer();
    message.onTaken?.();
  }

  // ── The receiver's side ──────────────────────────────────────────────────────────────────────────────────────────

  handleArrived(message: CrowdMessage): void {
    if (this.#isEnded) return;
    if (this.#isPaused || this.#handler === undefined || this.#unread.length > 0) this.#unread.push(message);
    else this.#read(message);
  }

  #readAll(): void {
    while (!this.#isPaused && !this.#isEnded && this.#unread.length > 0) this.#read(this.#unread.shift()!);
  }

  #read(message: CrowdMessage): void {
    this.#other!.handleRead(message.lengthBytes);
    this.#host.arriving = message.blocks;
    this.#handler!.handleData(message.bytes());
    this.#host.arriving = undefined;
  }

  /** To the sender: bytes have been read at the other end. */
  handleRead(bytes: number): void {
    const wasStopped = this.#underWayBytes >= WINDOW_BYTES;
    this.#underWayBytes -= bytes;
    if (wasStopped) this.#offer();
  }

  // ── Between them ─────────────────────────────────────────────────────────────────────────────────────────────────

  #writePlain(message: PlainMessage, onTaken: (() => void) | undefined): void {
    if (this.#first === undefined) {
      // Small, and nothing before it on this connection: it slips in between the blocks of others.
      this.#host.uplink.charge(message.lengthBytes);
      this.#dispatch(message, this.#host.wheel.nowMs);
      if (onTaken !== undefined) this.#host.wheel.schedule(0, new CallEvent(onTaken));
      return;
    }
    message.onTaken = onTaken;
    this.#enqueue(message);
    this.#offer();
  }

  #enqueue(message: CrowdMessage): void {
    this.bufferedBytes += message.lengthBytes;
    if (this.#last === undefined) this.#first = message;
    else this.#last.nextMessage = message;
    this.#last = message;
  }

  #offer(): void {
    if (!this.#isSending && this.nextBytes > 0) this.#host.uplink.offer(this);
  }

  #dispatch(message: CrowdMessage, departedAtMs: number): void {
    this.#underWayBytes += message.lengthBytes;
    const delayMs = this.#latencyMs + this.#other!.#host.downlink.delayMs(message.lengthBytes, departedAtMs);
    this.#lastArrivalMs = Math.max(departedAtMs + delayMs, this.#lastArrivalMs);
    this.#host.wheel.schedule(this.#lastArrivalMs, message);
  }

  #end(error: NetworkError | undefined): void {
    if (this.#isEnded) return;
    this.#finish();
    this.#handler?.handleClosed(error);
  }

  /** What was not sent is dropped; whoever waits for it is told. */
  #finish(): void {
    this.#isEnded = true;
    this.#host.handleSocketGone(this);
    for (let message = this.#first; message !== undefined; message = message.nextMessage) {
      if (message.onTaken !== undefined) this.#host.wheel.schedule(0, new CallEvent(message.onTaken));
    }
    this.#first = undefined;
    this.#last = undefined;
    this.#unread.length = 0;
    this.bufferedBytes = 0;
  }
}
