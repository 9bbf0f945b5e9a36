// A simulated TCP socket: one end of two pipes, and the promises of platform/network.ts about when a handler is
// called. Received bytes are handed out in a scratch buffer that is spoiled afterwards, so that a caller that keeps
// borrowed bytes finds garbage in them.
import type { Endpoint, NetworkError, TcpSocket, TcpSocketHandler } from '../../src/platform/network.ts';
import type { PipeEnd, TcpPipe } from './tcp-pipe.ts';
import type { VirtualClock } from './virtual-clock.ts';

const SPOILED = 0xdb;

export interface SocketOwner {
  /** The socket holds nothing of its host any more. */
  handleSocketGone(socket: SimSocket): void;
  /** Tells the other end, out of order, that the connection is broken. */
  sendReset(socket: SimSocket): void;
}

export class SimSocket implements TcpSocket, PipeEnd {
  readonly remote: Endpoint;
  readonly #clock: VirtualClock;
  readonly #owner: SocketOwner;
  #local: Endpoint | undefined;
  #handler: TcpSocketHandler | undefined;
  #state: 'connecting' | 'open' | 'ended' = 'connecting';
  #isPaused = false;
  #isReadScheduled = false;
  #outgoing: TcpPipe | undefined;
  #incoming: TcpPipe | undefined;
  #writesBeforeConnected: { bytes: Uint8Array; onTaken: (() => void) | undefined }[] = [];
  #bufferedBeforeConnected = 0;
  #isMuted = false;

  constructor(clock: VirtualClock, owner: SocketOwner, remote: Endpoint, handler?: TcpSocketHandler) {
    this.#clock = clock;
    this.#owner = owner;
    this.remote = remote;
    this.#handler = handler;
  }

  get local(): Endpoint | undefined {
    return this.#local;
  }

  get bufferedBytes(): number {
    return this.#outgoing?.bufferedBytes ?? this.#bufferedBeforeConnected;
  }

  get isEnded(): boolean {
    return this.#state === 'ended';
  }

  setHandler(handler: TcpSocketHandler): void {
    this.#handler = handler;
    this.handleReadable();
  }

  write(bytes: Uint8Array, onTaken?: () => void): void {
    if (onTaken !== undefined) this.#write(bytes, () => this.#isMuted || onTaken());
    else this.#write(bytes, undefined);
  }

  #write(bytes: Uint8Array, onTaken: (() => void) | undefined): void {
    if (this.#state === 'ended') {
      if (onTaken !== undefined) this.#clock.schedule(this.#clock.nowMs, onTaken);
    } else if (this.#outgoing === undefined) {
      this.#writesBeforeConnected.push({ bytes, onTaken });
      this.#bufferedBeforeConnected += bytes.length;
    } else {
      this.#outgoing.write(bytes, onTaken);
    }
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.handleReadable();
  }

  destroy(): void {
    if (this.#state === 'ended') return;
    const hasUnread = this.#incoming?.hasReadable === true;
    this.#finish();
    if (hasUnread) {
      // As systems do: closing with bytes unread is a reset.
      this.#outgoing?.abort();
      this.#owner.sendReset(this);
    } else {
      this.#outgoing?.end();
    }
    this.#owner.handleSocketGone(this);
  }

  /** The network has joined both ends. `tell` is false for the accepting end. */
  handleJoined(local: Endpoint, outgoing: TcpPipe, incoming: TcpPipe, { tell }: { readonly tell: boolean }): void {
    this.#local = local;
    this.#outgoing = outgoing;
    this.#incoming = incoming;
    if (this.#state === 'ended') return;
    this.#state = 'open';
    for (const { bytes, onTaken } of this.#writesBeforeConnected) outgoing.write(bytes, onTaken);
    this.#writesBeforeConnected = [];
    if (tell) this.#handler?.handleConnected();
    this.handleReadable();
  }

  /** The connection broke, or was never made. */
  handleBroken(error: NetworkError): void {
    this.#end(error);
  }

  handleGaveUp(): void {
    this.#end({ code: 'CONNECT_TIMED_OUT', message: 'nothing got through for too long' });
  }

  handleReadable(): void {
    if (this.#isReadScheduled || this.#incoming === undefined) return;
    this.#isReadScheduled = true;
    this.#clock.schedule(this.#clock.nowMs, () => this.#read(this.#incoming!));
  }

  /** The process ended: no handler is called any more; its system closes the connection. */
  kill(): void {
    this.#isMuted = true;
    this.#handler = undefined;
    this.destroy();
  }

  /** The host lost power: as `kill`, but the other end hears nothing. */
  vanish(): void {
    this.#isMuted = true;
    this.#handler = undefined;
    if (this.#state === 'ended') return;
    this.#finish();
    this.#outgoing?.abort();
    this.#owner.handleSocketGone(this);
  }

  #read(incoming: TcpPipe): void {
    this.#isReadScheduled = false;
    while (this.#state === 'open' && !this.#isPaused && this.#handler !== undefined) {
      const bytes = incoming.read();
      if (bytes === undefined) {
        if (incoming.isAtEnd) this.#end(undefined);
        return;
      }
      this.#handler.handleData(bytes);
      bytes.fill(SPOILED);
    }
    if (this.#state !== 'ended' || !incoming.hasReadable) return;
    // Bytes for a socket that is gone are answered with a reset.
    while (incoming.read() !== undefined);
    this.#owner.sendReset(this);
  }

  #end(error: NetworkError | undefined): void {
    if (this.#state === 'ended') return;
    this.#finish();
    if (error === undefined) this.#outgoing?.end();
    else this.#outgoing?.abort();
    this.#owner.handleSocketGone(this);
    this.#handler?.handleClosed(error);
  }

  #finish(): void {
    this.#state = 'ended';
    this.#outgoing?.dropWrites();
    for (const { onTaken } of this.#writesBeforeConnected.splice(0)) {
      if (onTaken !== undefined) this.#clock.schedule(this.#clock.nowMs, onTaken);
    }
    this.#bufferedBeforeConnected = 0;
  }
}
