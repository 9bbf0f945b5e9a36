// The Network of this machine.
import { networkInterfaces } from 'node:os';
import type { Log } from '../../platform/log.ts';
import type {
  ConnectOptions,
  ListenOptions,
  LocalAddress,
  Network,
  TcpListener,
  TcpListenerHandler,
  TcpSocket,
  TcpSocketHandler,
  UdpOptions,
  UdpSocket,
  UdpSocketHandler,
} from '../../platform/network.ts';
import { bindUdp } from '../udp/node-udp-socket.ts';
import { normalizeAddress } from './endpoint.ts';
import { findGateways } from './gateways.ts';
import { NodeTcpListener } from './node-tcp-listener.ts';
import { NodeTcpSocket, ReadBuffers } from './node-tcp-socket.ts';

export class NodeNetwork implements Network {
  readonly #log: Log;
  readonly #buffers = new ReadBuffers();

  constructor(log: Log) {
    this.#log = log;
  }

  listenTcp(options: ListenOptions, handler: TcpListenerHandler): TcpListener {
    return new NodeTcpListener(options, handler, this.#buffers, this.#log);
  }

  connectTcp(options: ConnectOptions, handler: TcpSocketHandler): TcpSocket {
    return NodeTcpSocket.connect(options, handler, this.#buffers, this.#log);
  }

  bindUdp(options: UdpOptions, handler: UdpSocketHandler): UdpSocket {
    return bindUdp(options, handler, this.#log);
  }

  gateways(): readonly string[] {
    return findGateways(this.localAddresses());
  }

  localAddresses(): readonly LocalAddress[] {
    return Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
      (addresses ?? []).map(({ address, cidr }) => ({
        name,
        address: normalizeAddress(address),
        // Without a mask only the address itself is known to be near.
        prefixBits: Number(cidr?.split('/')[1] ?? (address.includes(':') ? 128 : 32)),
      })),
    );
  }
}
