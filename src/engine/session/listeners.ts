// The listening TCP ports of a session: one for each address family, all with the same number. Decides what to try
// when a port is taken; knows nothing of peers.
import type { Endpoint, Network, NetworkError, TcpListener, TcpSocket } from '../../platform/network.ts';
import { SessionError } from '../../platform/session-error.ts';

const DEFAULT_PORT = 6881;
/** Ports tried after the default one, before the system chooses. */
const DEFAULT_PORT_RETRIES = 10;

export interface ListenersHost {
  handleConnection(socket: TcpSocket): void;
  /** Called once: when every address that can listen does, or none can. */
  handleReady(error: SessionError | undefined): void;
  /** A listener that worked has failed. */
  handleLost(local: Endpoint, error: NetworkError): void;
}

export interface ListenersOptions {
  /** Undefined: the default port or the next free one. */
  readonly port: number | undefined;
  /** Address literals; the first must succeed, the others may be of a family the system lacks. */
  readonly addresses: readonly string[];
}

/** Addresses to listen on for a `bind` option: a literal, an interface's name, or all. */
export function bindAddresses(network: Network, bind: string | undefined): readonly string[] {
  if (bind === undefined) return ['0.0.0.0', '::'];
  if (isAddressLiteral(bind)) return [bind];
  const addresses = network
    .localAddresses()
    .filter(({ name, address }) => name === bind && !/^fe[89ab]/i.test(address))
    .map(({ address }) => address);
  if (addresses.length === 0) {
    throw new SessionError('LISTEN_FAILED', `No interface or address "${bind}" on this machine; see \`ip address\`.`, {
      operation: 'listen',
    });
  }
  return addresses;
}

export function isAddressLiteral(text: string): boolean {
  return /^\d{1,3}(?:\.\d{1,3}){3}$/.test(text) || /^[0-9a-f:.]*:[0-9a-f:.]*$/i.test(text);
}

export class Listeners {
  readonly #network: Network;
  readonly #options: ListenersOptions;
  readonly #host: ListenersHost;
  readonly #open: { readonly local: Endpoint; readonly listener: TcpListener }[] = [];
  #attempt = 0;
  #pending: TcpListener | undefined;
  #isClosed = false;

  constructor(network: Network, options: ListenersOptions, host: ListenersHost) {
    this.#network = network;
    this.#options = options;
    this.#host = host;
    this.#listen(0, this.#portOfAttempt());
  }

  /** Where connections are accepted. */
  get locals(): readonly Endpoint[] {
    return this.#open.map(({ local }) => local);
  }

  close(): void {
    this.#isClosed = true;
    this.#pending?.close();
    for (const { listener } of this.#open) listener.close();
    this.#open.length = 0;
  }

  #portOfAttempt(): number {
    if (this.#options.port !== undefined) return this.#options.port;
    return this.#attempt <= DEFAULT_PORT_RETRIES ? DEFAULT_PORT + this.#attempt : 0;
  }

  #listen(addressIndex: number, port: number): void {
    const address = this.#options.addresses[addressIndex];
    if (address === undefined) {
      this.#host.handleReady(undefined);
      return;
    }
    let local: Endpoint | undefined;
    const listener = this.#network.listenTcp(
      { address, port },
      {
        handleListening: (endpoint) => {
          if (this.#isClosed) return;
          local = endpoint;
          this.#pending = undefined;
          this.#open.push({ local, listener });
          this.#listen(addressIndex + 1, endpoint.port);
        },
        handleConnection: (socket) => this.#host.handleConnection(socket),
        handleFailed: (error) => {
          if (this.#isClosed) return;
          if (local !== undefined) this.#host.handleLost(local, error);
          else this.#handleRefused(addressIndex, port, error);
        },
      },
    );
    this.#pending = listener;
  }

  #handleRefused(addressIndex: number, port: number, error: NetworkError): void {
    this.#pending = undefined;
    const mayRetry = this.#options.port === undefined && port !== 0;
    if (error.code === 'ADDRESS_IN_USE' && mayRetry) {
      for (const { listener } of this.#open) listener.close();
      this.#open.length = 0;
      this.#attempt++;
      this.#listen(0, this.#portOfAttempt());
    } else if (addressIndex > 0) {
      // The machine lacks this family, or another program has the port there: what listens already is enough.
      this.#listen(addressIndex + 1, port);
    } else {
      this.#host.handleReady(listenError(this.#options.addresses[0]!, port, error));
    }
  }
}

function listenError(address: string, port: number, error: NetworkError): SessionError {
  const place = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  const sentences: Partial<Record<NetworkError['code'], string>> = {
    ADDRESS_IN_USE: `Port ${port} is in use by another program; choose another with --port (0 = any).`,
    PERMISSION_DENIED: `Listening on ${place} is not permitted; ports below 1024 need special rights.`,
    ADDRESS_NOT_AVAILABLE: `The address ${address} is not one of this machine; check --bind.`,
  };
  const message = sentences[error.code] ?? `Listening on ${place} failed: ${error.message}.`;
  return new SessionError('LISTEN_FAILED', message, { operation: 'listen', cause: error });
}
