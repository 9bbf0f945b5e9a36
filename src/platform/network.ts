// TCP and UDP as the engine sees them. Every call returns at once; what happens later arrives through a handler,
// never synchronously from the call that caused it. Errors are values: no implementation throws for them.

/** An address literal (no name) and a port. */
export interface Endpoint {
  /** IPv4 dotted quad or RFC 5952 IPv6, without brackets or zone. IPv4-mapped IPv6 never appears. */
  readonly address: string;
  readonly port: number;
}

export type NetworkErrorCode =
  | 'ADDRESS_IN_USE'
  | 'ADDRESS_NOT_AVAILABLE'
  | 'PERMISSION_DENIED'
  | 'CONNECTION_REFUSED'
  | 'CONNECTION_RESET'
  | 'CONNECT_TIMED_OUT'
  | 'UNREACHABLE'
  | 'TOO_MANY_OPEN_FILES'
  | 'NETWORK_FAILED';

export interface NetworkError {
  readonly code: NetworkErrorCode;
  readonly message: string;
}

export interface TcpSocketHandler {
  /** The connection stands. Not called for accepted sockets. */
  handleConnected(): void;
  /** Bytes in order. Borrowed: they are overwritten once the call returns. */
  handleData(bytes: Uint8Array): void;
  /** The peer closed its sending side, or the connection ended; `error` is absent for an orderly end. Called once, last. */
  handleClosed(error?: NetworkError): void;
}

export interface TcpSocket {
  readonly remote: Endpoint;
  /** Undefined until connected. */
  readonly local: Endpoint | undefined;
  /** Bytes written and not yet taken by the system. */
  readonly bufferedBytes: number;
  /** Replaces the handler; an accepted socket reads nothing until its first one is set. */
  setHandler(handler: TcpSocketHandler): void;
  /**
   * Queues bytes for sending, in order. They belong to the socket until `onTaken` is called, which happens once the
   * system has taken them, or when the socket ends (also after a failure). Ignored after `destroy`, except that
   * `onTaken` still comes.
   */
  write(bytes: Uint8Array, onTaken?: () => void): void;
  /** No `handleData` until `resume`; the peer is slowed by TCP itself. */
  pause(): void;
  resume(): void;
  /** Ends at once and drops what is queued; `handleClosed` is not called. Idempotent. */
  destroy(): void;
}

export interface TcpListenerHandler {
  handleListening(local: Endpoint): void;
  handleConnection(socket: TcpSocket): void;
  /** Listening failed or ended; no further call follows. */
  handleFailed(error: NetworkError): void;
}

export interface TcpListener {
  /** Stops accepting; accepted sockets live on. Idempotent. */
  close(): void;
}

export interface UdpSocketHandler {
  handleListening(local: Endpoint): void;
  /** Borrowed until the call returns. */
  handleDatagram(datagram: Uint8Array, remote: Endpoint): void;
  /** Binding failed, or the socket broke; no further call follows. */
  handleFailed(error: NetworkError): void;
}

export interface UdpSocket {
  /** Fire and forget: the datagram is copied; a failure to send is like a lost packet. */
  send(datagram: Uint8Array, remote: Endpoint): void;
  /** Idempotent. */
  close(): void;
}

export interface ListenOptions {
  /** An address literal; `0.0.0.0` or `::` for all of a family (`::` takes IPv6 only). */
  readonly address: string;
  /** 0 = the system chooses. */
  readonly port: number;
}

/** A socket of a multicast group: it shares its port with other programs, and hears them on this machine too. */
export interface MulticastOptions {
  /** The group's address, of the family of the socket's. What is sent to it leaves through the interface. */
  readonly group: string;
  /** As `localAddresses` names it. */
  readonly interfaceName: string;
  /** Routers that a datagram may pass, and one. */
  readonly hopsMax: number;
}

export interface UdpOptions extends ListenOptions {
  readonly multicast?: MulticastOptions | undefined;
}

/** One address of one interface. */
export interface LocalAddress {
  readonly name: string;
  readonly address: string;
  /** Leading bits that the addresses of its network share. */
  readonly prefixBits: number;
}

export interface ConnectOptions {
  readonly remote: Endpoint;
  /** Source address; the system chooses when absent. */
  readonly localAddress?: string | undefined;
  /** `handleClosed` with `CONNECT_TIMED_OUT` when not connected by then. */
  readonly timeoutMs: number;
}

export interface Network {
  listenTcp(options: ListenOptions, handler: TcpListenerHandler): TcpListener;
  connectTcp(options: ConnectOptions, handler: TcpSocketHandler): TcpSocket;
  /** A socket of one IPv4 address sends to multicast groups through the interface of that address. */
  bindUdp(options: UdpOptions, handler: UdpSocketHandler): UdpSocket;
  /** Addresses of this machine's interfaces, loopback included; `name` is the interface's. */
  localAddresses(): readonly LocalAddress[];
  /** Addresses of the default routers, as far as the system tells them. */
  gateways(): readonly string[];
}
