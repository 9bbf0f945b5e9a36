// One UDP port for everything that a session says over UDP: a socket for each family, bound when first needed, on the number
// that peers know us by. What arrives is told apart by its first byte: messages of the DHT are dictionaries and begin with
// "d", everything else is the trackers'. A socket that broke is bound again by who needs it.
import type { Clock } from '../../platform/clock.ts';
import type { Log } from '../../platform/log.ts';
import type { Endpoint, Network, NetworkError, UdpSocket, UdpSocketHandler } from '../../platform/network.ts';
import { isKrpcDatagram } from '../../protocol/dht/krpc-decode.ts';

export type UdpKind = 'dht' | 'tracker';

export interface UdpMuxOptions {
  readonly clock: Clock;
  readonly network: Pick<Network, 'bindUdp'>;
  readonly log: Log;
  /** The port to bind; another one when it is taken. */
  port(): number;
  /** The address to bind for a family; undefined: the session has none of it. */
  addressFor(family: 4 | 6): string | undefined;
}

interface User {
  readonly handler: UdpSocketHandler;
  isOpen: boolean;
}

interface Side {
  socket: UdpSocket;
  local: Endpoint | undefined;
  /** BOUNDED: one for each kind. */
  readonly users: Map<UdpKind, User>;
}

export class UdpMux {
  readonly #options: UdpMuxOptions;
  readonly #sides = new Map<4 | 6, Side>(); // BOUNDED: 2

  constructor(options: UdpMuxOptions) {
    this.#options = options;
  }

  /** The port of a family's socket; 0 while it has none. */
  portOf(family: 4 | 6): number {
    return this.#sides.get(family)?.local?.port ?? 0;
  }

  /** A socket for one kind of datagrams. Closing it leaves the port to the others. */
  open(family: 4 | 6, kind: UdpKind, handler: UdpSocketHandler): UdpSocket {
    const user: User = { handler, isOpen: true };
    const { clock } = this.#options;
    const address = this.#options.addressFor(family);
    if (address === undefined) {
      const error: NetworkError = { code: 'ADDRESS_NOT_AVAILABLE', message: `no IPv${family} address` };
      clock.schedule(clock.nowMs(), () => {
        if (user.isOpen) handler.handleFailed(error);
      });
      return { send: () => {}, close: () => (user.isOpen = false) };
    }
    const side = this.#sides.get(family) ?? this.#bind(family, address);
    side.users.set(kind, user);
    if (side.local !== undefined) {
      clock.schedule(clock.nowMs(), () => {
        if (user.isOpen && side.local !== undefined) handler.handleListening(side.local);
      });
    }
    return {
      send: (datagram, remote) => {
        if (user.isOpen) side.socket.send(datagram, remote);
      },
      close: () => {
        user.isOpen = false;
        if (side.users.get(kind) === user) side.users.delete(kind);
        if (side.users.size === 0) this.#close(family, side);
      },
    };
  }

  /** Ends everything without calling back. Idempotent. */
  close(): void {
    for (const [family, side] of [...this.#sides]) this.#close(family, side);
  }

  #bind(family: 4 | 6, address: string): Side {
    const side: Side = { socket: NO_SOCKET, local: undefined, users: new Map() };
    this.#sides.set(family, side);
    this.#bindAt(family, side, address, this.#options.port());
    return side;
  }

  #bindAt(family: 4 | 6, side: Side, address: string, port: number): void {
    side.socket = this.#options.network.bindUdp(
      { address, port },
      {
        handleListening: (local) => {
          side.local = local;
          for (const { handler } of [...side.users.values()]) handler.handleListening(local);
        },
        handleDatagram: (datagram, remote) => {
          const kind: UdpKind = isKrpcDatagram(datagram) ? 'dht' : 'tracker';
          side.users.get(kind)?.handler.handleDatagram(datagram, remote);
        },
        handleFailed: (error) => {
          if (error.code === 'ADDRESS_IN_USE' && side.local === undefined && port !== 0) {
            this.#options.log.write('info', `UDP port ${port} is taken: another one is used`);
            this.#bindAt(family, side, address, 0);
          } else this.#handleLost(family, side, error);
        },
      },
    );
  }

  #handleLost(family: 4 | 6, side: Side, error: NetworkError): void {
    if (this.#sides.get(family) === side) this.#sides.delete(family);
    const users = [...side.users.values()];
    side.users.clear();
    for (const user of users) {
      user.isOpen = false;
      user.handler.handleFailed(error);
    }
  }

  #close(family: 4 | 6, side: Side): void {
    if (this.#sides.get(family) === side) this.#sides.delete(family);
    for (const user of side.users.values()) user.isOpen = false;
    side.users.clear();
    side.socket.close();
  }
}

const NO_SOCKET: UdpSocket = { send: () => {}, close: () => {} };
