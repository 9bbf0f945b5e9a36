// A scripted peer: an endpoint that sends any bytes. By default it is an honest seed without extensions; a script
// replaces what it does at each step. It keeps what it saw of each connection for the checks.
import type { Timer } from '../../src/platform/clock.ts';
import type { Endpoint, NetworkError, TcpSocket, TcpSocketHandler } from '../../src/platform/network.ts';
import * as wire from './raw-wire.ts';
import type { SimContent } from './sim-content.ts';
import type { SimHost } from './sim-host.ts';
import type { VirtualClock } from './virtual-clock.ts';

export interface FakePeerScript {
  /** The connection stands. @defaultValue sends a handshake */
  handleOpen?(connection: FakeConnection): void;
  /** The other side's handshake has come. @defaultValue sends a full bitfield and unchoke */
  handleHandshake?(connection: FakeConnection): void;
  /** A message has come. @defaultValue answers requests with the true bytes */
  handleMessage?(connection: FakeConnection, message: wire.RawMessage): void;
  handleClosed?(connection: FakeConnection, error: NetworkError | undefined): void;
}

export interface FakePeerOptions {
  readonly clock: VirtualClock;
  readonly host: SimHost;
  readonly content: SimContent;
  readonly script?: FakePeerScript;
  /** 20 characters. */
  readonly peerId?: string;
  readonly reserved?: Uint8Array;
}

export class FakePeer {
  readonly host: SimHost;
  readonly content: SimContent;
  readonly clock: VirtualClock;
  readonly peerId: Uint8Array;
  readonly reserved: Uint8Array;
  /** Every connection so far, in the order of their beginning. */
  readonly connections: FakeConnection[] = [];
  readonly #script: FakePeerScript;

  constructor(options: FakePeerOptions) {
    this.host = options.host;
    this.content = options.content;
    this.clock = options.clock;
    const peerId = options.peerId ?? `-XX0000-${options.host.addresses[0]!.replaceAll('.', '').padStart(12, '0')}`;
    this.peerId = Uint8Array.from(peerId.slice(0, 20), (character) => character.charCodeAt(0));
    this.reserved = options.reserved ?? wire.RESERVED_NOTHING;
    this.#script = options.script ?? {};
  }

  /** Connections that are open now. */
  get openCount(): number {
    return this.connections.filter(({ isOpen }) => isOpen).length;
  }

  listen(port: number): void {
    this.host.listenTcp(
      { address: '0.0.0.0', port },
      {
        handleListening: () => {},
        handleFailed: (error) => {
          throw new Error(error.message);
        },
        handleConnection: (socket) => {
          const connection = this.#open(socket);
          socket.setHandler(connection);
          connection.handleConnected();
        },
      },
    );
  }

  connect(remote: Endpoint): FakeConnection {
    let connection: FakeConnection | undefined;
    const handler: TcpSocketHandler = {
      handleConnected: () => connection?.handleConnected(),
      handleData: (bytes) => connection?.handleData(bytes),
      handleClosed: (error) => connection?.handleClosed(error),
    };
    connection = this.#open(this.host.connectTcp({ remote, timeoutMs: 30_000 }, handler));
    return connection;
  }

  closeAll(): void {
    for (const connection of this.connections) connection.close();
  }

  #open(socket: TcpSocket): FakeConnection {
    const connection = new FakeConnection(this, socket, this.#script);
    this.connections.push(connection);
    return connection;
  }
}

export class FakeConnection implements TcpSocketHandler {
  readonly peer: FakePeer;
  readonly socket: TcpSocket;
  readonly openedMs: number;
  readonly #script: FakePeerScript;
  readonly #splitter = new wire.RawSplitter();
  readonly #timers = new Set<Timer>();
  /** Ids of the messages that came. */
  readonly receivedIds: number[] = [];
  receivedBytes = 0;
  isOpen = false;
  /** When the other side, or the network, ended the connection. */
  closedMs: number | undefined;

  constructor(peer: FakePeer, socket: TcpSocket, script: FakePeerScript) {
    this.peer = peer;
    this.socket = socket;
    this.openedMs = peer.clock.nowMs;
    this.#script = script;
  }

  /** What the other side said of itself, once it has. */
  get theirHandshake(): wire.RawSplitter['handshake'] {
    return this.#splitter.handshake;
  }

  send(...parts: readonly Uint8Array[]): void {
    for (const part of parts) this.socket.write(part.slice());
  }

  sendHandshake(reserved: Uint8Array = this.peer.reserved): void {
    this.send(wire.rawHandshake({ infoHash: this.peer.content.infoHash, peerId: this.peer.peerId, reserved }));
  }

  sendFullBitfield(): void {
    const { pieceCount } = this.peer.content;
    const bits = new Uint8Array(Math.ceil(pieceCount / 8)).fill(0xff);
    if (pieceCount % 8 !== 0) bits[bits.length - 1] = (0xff << (8 - (pieceCount % 8))) & 0xff;
    this.send(wire.rawMessage(wire.BITFIELD, [], bits));
  }

  /** The true bytes of a request, or wrong ones. */
  sendBlock(pieceIndex: number, begin: number, length: number, change?: (block: Uint8Array) => void): void {
    const block = this.peer.content.piece(pieceIndex).slice(begin, begin + length);
    change?.(block);
    this.send(wire.rawMessage(wire.PIECE, [pieceIndex, begin], block));
  }

  /** Calls back later, unless the connection has ended by then. */
  after(delayMs: number, callback: () => void): void {
    const timer = this.peer.clock.schedule(this.peer.clock.nowMs + delayMs, () => {
      this.#timers.delete(timer);
      callback();
    });
    this.#timers.add(timer);
  }

  close(): void {
    this.#stop();
    this.socket.destroy();
  }

  handleConnected(): void {
    this.isOpen = true;
    if (this.#script.handleOpen !== undefined) this.#script.handleOpen(this);
    else this.sendHandshake();
  }

  handleData(bytes: Uint8Array): void {
    this.receivedBytes += bytes.length;
    const hadHandshake = this.#splitter.handshake !== undefined;
    const messages = this.#splitter.push(bytes);
    if (!hadHandshake && this.#splitter.handshake !== undefined) {
      if (this.#script.handleHandshake !== undefined) this.#script.handleHandshake(this);
      else this.#introduce();
    }
    for (const message of messages) {
      if (!this.isOpen) return;
      this.receivedIds.push(message.id);
      if (this.#script.handleMessage !== undefined) this.#script.handleMessage(this, message);
      else this.answerHonestly(message);
    }
  }

  handleClosed(error?: NetworkError): void {
    this.#stop();
    this.closedMs = this.peer.clock.nowMs;
    this.#script.handleClosed?.(this, error);
  }

  answerHonestly({ id, numbers }: wire.RawMessage): void {
    if (id === wire.REQUEST) this.sendBlock(numbers[0]!, numbers[1]!, numbers[2]!);
  }

  #introduce(): void {
    this.sendFullBitfield();
    this.send(wire.rawMessage(wire.UNCHOKE));
  }

  #stop(): void {
    this.isOpen = false;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }
}
