// One UDP socket over node:dgram. An IPv6 socket takes IPv6 only, so that every remote has one spelling.
import type dgram from 'node:dgram';
import { networkInterfaces } from 'node:os';
import type { Log } from '../../platform/log.ts';
import type { Endpoint, MulticastOptions, UdpOptions, UdpSocket, UdpSocketHandler } from '../../platform/network.ts';
import { endpointOf } from '../net/endpoint.ts';
import { guard } from '../net/guard.ts';
import { networkErrorFrom } from '../net/network-error.ts';

/** The `bindUdp` of a Network. */
export function bindUdp(options: UdpOptions, handler: UdpSocketHandler, log: Log): UdpSocket {
  return new NodeUdpSocket(options, handler, log);
}

class NodeUdpSocket implements UdpSocket {
  readonly #log: Log;
  readonly #family: 4 | 6;
  readonly #handler: UdpSocketHandler;
  readonly #socket: dgram.Socket;
  #isListening = false;
  #isClosed = false;

  constructor(options: UdpOptions, handler: UdpSocketHandler, log: Log) {
    this.#log = log;
    this.#handler = handler;
    this.#family = options.address.includes(':') ? 6 : 4;
    // Loaded with the first socket: the start of a program does not wait for it.
    this.#socket = process.getBuiltinModule('node:dgram').createSocket({
      type: this.#family === 6 ? 'udp6' : 'udp4',
      ipv6Only: this.#family === 6,
      reuseAddr: options.multicast !== undefined,
      // Addresses are literals already: spares the thread pool a look-up for each datagram. Only binding waits a
      // moment, since Node would report success from within the call.
      lookup: (hostname, _options, callback) => {
        if (this.#isListening) callback(null, hostname, this.#family);
        else queueMicrotask(() => callback(null, hostname, this.#family));
      },
    });
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('listening', () => {
      this.#isListening = true;
      if (options.multicast === undefined) this.#pinMulticast(options.address);
      else if (!this.#join(options.multicast)) return;
      const { address, port } = this.#socket.address();
      this.#call(() => this.#handler.handleListening(endpointOf(address, port)));
    });
    this.#socket.on('message', (datagram, remote) => {
      this.#call(() => this.#handler.handleDatagram(datagram, endpointOf(remote.address, remote.port)));
    });
    this.#socket.bind({ address: options.address, port: options.port, exclusive: true });
  }

  send(datagram: Uint8Array, remote: Endpoint): void {
    const family = remote.address.includes(':') ? 6 : 4;
    if (this.#isClosed || family !== this.#family || remote.port === 0) return;
    try {
      // Copied: Node reads the bytes after this call. A failure to send is like a lost datagram, so it is dropped.
      this.#socket.send(datagram.slice(), remote.port, remote.address, () => {});
    } catch (error) {
      this.#log.write('debug', `a datagram could not be sent: ${networkErrorFrom(error).message}`);
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      this.#socket.close();
    } catch {
      // Not running any more: it failed while it was being bound. Nothing is left to close.
    }
  }

  /** False: the group or the interface is none of this machine's. */
  #join({ group, interfaceName, hopsMax }: MulticastOptions): boolean {
    try {
      const local = multicastInterface(interfaceName, this.#family);
      this.#socket.addMembership(group, local);
      this.#socket.setMulticastInterface(local);
      this.#socket.setMulticastTTL(hopsMax);
      this.#socket.setMulticastLoopback(true);
      return true;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  /** A socket of one IPv4 address sends to groups through that address's interface; not every system does so by itself. */
  #pinMulticast(address: string): void {
    if (this.#family === 6 || address === '0.0.0.0') return;
    try {
      this.#socket.setMulticastInterface(address);
    } catch (error) {
      this.#log.write('debug', `the interface for groups could not be set: ${networkErrorFrom(error).message}`);
    }
  }

  #call(run: () => void): void {
    if (!this.#isClosed) guard(this.#log, 'UDP socket', run, () => this.#fail(new Error('handler failed')));
  }

  #fail(error: unknown): void {
    if (this.#isClosed) return;
    this.close();
    guard(this.#log, 'UDP socket', () => this.#handler.handleFailed(networkErrorFrom(error)));
  }
}

/** How Node wants an interface named: IPv4 by an address of its own, IPv6 by its zone. @throws {Error} it has none. */
function multicastInterface(name: string, family: 4 | 6): string {
  const own = networkInterfaces()[name]?.find((entry) => entry.family === `IPv${family}`);
  if (own === undefined) throw new Error(`the interface ${name} has no IPv${family} address`);
  if (own.family === 'IPv4') return own.address;
  return `::%${process.platform === 'win32' ? own.scopeid : name}`;
}
