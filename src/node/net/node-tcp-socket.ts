// One TCP connection over node:net. Reads go through `onread` into a buffer that all sockets of the process share:
// libuv fills it and calls back in one step, so its bytes live until the callback returns, which is just what
// `handleData` promises. Windows hands the buffer to the kernel before data is there, so there each socket has its own.
import type net from 'node:net';
import type { Log } from '../../platform/log.ts';
import type { ConnectOptions, Endpoint, NetworkError, TcpSocket, TcpSocketHandler } from '../../platform/network.ts';
import { endpointOf } from './endpoint.ts';
import { guard } from './guard.ts';
import { networkErrorFrom } from './network-error.ts';

const SHARED_READ_BYTES = 512 * 1024;
const OWN_READ_BYTES = 64 * 1024;

/** Gives each socket the buffer it reads into. */
export class ReadBuffers {
  readonly #shared = process.platform === 'win32' ? undefined : new Uint8Array(SHARED_READ_BYTES);

  take(): Uint8Array {
    return this.#shared ?? new Uint8Array(OWN_READ_BYTES);
  }
}

// The handle of an accepted socket, which Node keeps in an undocumented field.
interface SocketInside {
  _handle: unknown;
}
type AdoptOptions = net.SocketConstructorOpts & { handle: unknown };

export class NodeTcpSocket implements TcpSocket {
  readonly #log: Log;
  readonly #socket: net.Socket;
  #remote: Endpoint;
  #handler: TcpSocketHandler | undefined;
  #connectTimer: NodeJS.Timeout | undefined;
  #closed = false;
  #wantsPause = false;

  private constructor(log: Log, socket: net.Socket, remote: Endpoint, handler: TcpSocketHandler | undefined) {
    this.#log = log;
    this.#socket = socket;
    this.#remote = remote;
    this.#handler = handler;
    let failure: NetworkError | undefined;
    socket.on('error', (error) => {
      failure = networkErrorFrom(error);
    });
    // An end of the peer's side ends the connection: BitTorrent has no use for half-open ones.
    socket.on('end', () => this.#close(undefined));
    socket.on('close', () => this.#close(failure));
  }

  static connect(options: ConnectOptions, handler: TcpSocketHandler, buffers: ReadBuffers, log: Log): NodeTcpSocket {
    let self: NodeTcpSocket | undefined;
    // Loaded with the first connection: the start of a program does not wait for it.
    const socket = process.getBuiltinModule('node:net').connect({
      host: options.remote.address,
      port: options.remote.port,
      noDelay: true,
      ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
      onread: { buffer: buffers.take(), callback: (length, buffer) => self?.handleRead(buffer, length) ?? true },
    });
    self = new NodeTcpSocket(log, socket, options.remote, handler);
    const created = self;
    socket.once('connect', () => created.#connected());
    created.#connectTimer = setTimeout(() => {
      created.#close({ code: 'CONNECT_TIMED_OUT', message: 'the connection was not answered in time' });
    }, options.timeoutMs);
    return created;
  }

  /** Takes over a connection from a server that was created with `pauseOnConnect`. */
  static adopt(accepted: net.Socket, buffers: ReadBuffers, log: Log): NodeTcpSocket {
    const remote = endpointOf(accepted.remoteAddress, accepted.remotePort);
    const inside = accepted as unknown as SocketInside;
    const handle = inside._handle as { useUserBuffer?: unknown } | null | undefined;
    if (typeof handle?.useUserBuffer !== 'function') return NodeTcpSocket.#adoptPlainly(accepted, remote, log);
    inside._handle = null;
    let self: NodeTcpSocket | undefined;
    const options: AdoptOptions = {
      handle,
      onread: {
        buffer: buffers.take(),
        callback: (length: number, buffer: Uint8Array) => self?.handleRead(buffer, length) ?? true,
      },
    } as AdoptOptions;
    const { Socket } = process.getBuiltinModule('node:net');
    const socket = new Socket(options);
    socket.setNoDelay(true);
    self = new NodeTcpSocket(log, socket, remote, undefined);
    return self;
  }

  // Without the undocumented handle: ordinary events, a little more work for each read.
  static #adoptPlainly(accepted: net.Socket, remote: Endpoint, log: Log): NodeTcpSocket {
    accepted.setNoDelay(true);
    const self = new NodeTcpSocket(log, accepted, remote, undefined);
    accepted.on('data', (bytes: Uint8Array) => self.handleRead(bytes, bytes.length));
    accepted.resume();
    return self;
  }

  get remote(): Endpoint {
    return this.#remote;
  }

  get local(): Endpoint | undefined {
    const { localAddress, localPort } = this.#socket;
    return localAddress === undefined ? undefined : endpointOf(localAddress, localPort);
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  setHandler(handler: TcpSocketHandler): void {
    this.#handler = handler;
  }

  write(bytes: Uint8Array, onTaken?: () => void): void {
    if (this.#closed) {
      if (onTaken !== undefined) setImmediate(() => guard(this.#log, 'write callback', onTaken));
      return;
    }
    if (onTaken === undefined) this.#socket.write(bytes);
    else this.#socket.write(bytes, () => guard(this.#log, 'write callback', onTaken, () => this.destroy()));
  }

  pause(): void {
    this.#wantsPause = true;
    if (!this.#closed) this.#socket.pause();
  }

  resume(): void {
    this.#wantsPause = false;
    if (!this.#closed) this.#socket.resume();
  }

  destroy(): void {
    this.#handler = undefined;
    this.#closed = true;
    clearTimeout(this.#connectTimer);
    this.#socket.destroy();
  }

  /** Returns whether reading goes on. */
  handleRead(buffer: Uint8Array, length: number): boolean {
    const handler = this.#handler;
    if (handler === undefined) return !this.#closed;
    const bytes = length === buffer.length ? buffer : buffer.subarray(0, length);
    guard(
      this.#log,
      'socket data',
      () => handler.handleData(bytes),
      () => this.#close({ code: 'NETWORK_FAILED', message: 'the connection was dropped after an internal error' }),
    );
    return !this.#closed && !this.#wantsPause;
  }

  #connected(): void {
    clearTimeout(this.#connectTimer);
    this.#remote = endpointOf(this.#socket.remoteAddress, this.#socket.remotePort);
    guard(
      this.#log,
      'socket connect',
      () => this.#handler?.handleConnected(),
      () => this.destroy(),
    );
  }

  #close(error: NetworkError | undefined): void {
    if (this.#closed) return;
    const handler = this.#handler;
    this.destroy();
    guard(this.#log, 'socket close', () => handler?.handleClosed(error));
  }
}
