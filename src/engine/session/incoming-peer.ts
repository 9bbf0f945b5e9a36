// An accepted connection until its handshake has said which torrent it is for. Then its socket and protocol state go
// to that torrent. It gets HANDSHAKE_TIMEOUT_MS in all, however its bytes drip in.
import type { TcpSocket, TcpSocketHandler } from '../../platform/network.ts';
import { PeerConnection } from '../../protocol/wire/peer-connection.ts';
import { WIRE_HANDSHAKE } from '../../protocol/wire/wire-event.ts';
import type { DeadlineEntry } from '../deadline-queue.ts';
import type { EngineContext } from './engine-context.ts';

/** How often a torrent that is being checked is asked whether it can take the connection now. */
const ROUTE_AGAIN_MS = 250;

export interface IncomingPeerHost {
  /** The torrent with this info-hash cannot say yet what it has. */
  mustWait(infoHash: Uint8Array): boolean;
  /** The torrent with this info-hash takes the connection over. False: there is none, or it has no room. */
  route(infoHash: Uint8Array, socket: TcpSocket, connection: PeerConnection): boolean;
  handleEnded(peer: IncomingPeer): void;
}

export class IncomingPeer implements TcpSocketHandler, DeadlineEntry {
  readonly #context: EngineContext;
  readonly #host: IncomingPeerHost;
  readonly #socket: TcpSocket;
  readonly #connection: PeerConnection;
  /** Its torrent is being checked: it is asked again, until the time for the handshake is over. */
  #isWaiting = false;
  #isEnded = false;

  constructor(context: EngineContext, host: IncomingPeerHost, socket: TcpSocket) {
    this.#context = context;
    this.#host = host;
    this.#socket = socket;
    this.#connection = new PeerConnection({ nowMs: context.platform.clock.nowMs() });
    context.deadlines.expedite(this, this.#connection.deadlineMs);
    socket.setHandler(this);
  }

  get remoteAddress(): string {
    return this.#socket.remote.address;
  }

  handleConnected(): void {
    // Accepted sockets are connected from the start.
  }

  handleData(bytes: Uint8Array): void {
    try {
      this.#read(bytes);
    } catch (error) {
      this.handleBug(error);
    }
  }

  #read(bytes: Uint8Array): void {
    // A copy: the rest of it may have to wait until the torrent can take the connection over.
    this.#connection.push(bytes.slice(), this.#context.platform.clock.nowMs());
    if (this.#connection.next() === WIRE_HANDSHAKE) this.#route();
    else if (this.#connection.isClosed) this.close();
  }

  #route(): void {
    const infoHash = this.#connection.infoHash!;
    if (this.#host.mustWait(infoHash)) {
      this.#isWaiting = true;
      this.#socket.pause();
      this.#context.deadlines.expedite(this, this.#context.platform.clock.nowMs() + ROUTE_AGAIN_MS);
      return;
    }
    this.#end();
    if (this.#isWaiting) this.#socket.resume();
    // From here on the socket has another handler, or is closed.
    if (!this.#host.route(infoHash, this.#socket, this.#connection)) {
      this.#socket.destroy();
      this.#context.connections.close();
    }
  }

  handleClosed(): void {
    this.close();
  }

  handleDeadline(nowMs: number): number {
    if (!this.#isWaiting || nowMs >= this.#connection.deadlineMs) {
      this.close();
      return Number.POSITIVE_INFINITY;
    }
    this.#route();
    return this.#isEnded ? Number.POSITIVE_INFINITY : nowMs + ROUTE_AGAIN_MS;
  }

  /** It belongs to no torrent yet: nobody else suffers. */
  handleBug(error: unknown): void {
    this.#context.platform.log.write('error', `internal bug before a handshake: ${String(error)}`);
    this.close();
  }

  close(): void {
    if (this.#isEnded) return;
    this.#end();
    this.#socket.destroy();
    this.#context.connections.close();
  }

  #end(): void {
    this.#isEnded = true;
    this.#context.connections.closeInbound();
    this.#context.deadlines.remove(this);
    this.#host.handleEnded(this);
  }
}
