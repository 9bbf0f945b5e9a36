// One listening TCP port over node:net.
import type net from 'node:net';
import type { Log } from '../../platform/log.ts';
import type { ListenOptions, TcpListener, TcpListenerHandler } from '../../platform/network.ts';
import { endpointOf } from './endpoint.ts';
import { guard } from './guard.ts';
import { networkErrorFrom } from './network-error.ts';
import { NodeTcpSocket, type ReadBuffers } from './node-tcp-socket.ts';

// Connections that the kernel holds until they are accepted.
const BACKLOG = 128;

export class NodeTcpListener implements TcpListener {
  readonly #server: net.Server;

  constructor(options: ListenOptions, handler: TcpListenerHandler, buffers: ReadBuffers, log: Log) {
    // Loaded with the first listener: the start of a program does not wait for it.
    const server = process.getBuiltinModule('node:net').createServer({ pauseOnConnect: true });
    this.#server = server;
    server.on('connection', (accepted) => {
      // A connection that broke before it was accepted reports its error on the accepted object.
      accepted.on('error', () => {});
      guard(
        log,
        'incoming connection',
        () => handler.handleConnection(NodeTcpSocket.adopt(accepted, buffers, log)),
        () => accepted.destroy(),
      );
    });
    server.on('listening', () => {
      const address = server.address() as net.AddressInfo;
      guard(log, 'listening', () => handler.handleListening(endpointOf(address.address, address.port)));
    });
    server.on('error', (error) => {
      guard(log, 'listener error', () => handler.handleFailed(networkErrorFrom(error)));
    });
    server.listen({
      host: options.address,
      port: options.port,
      ipv6Only: options.address.includes(':'),
      backlog: BACKLOG,
      exclusive: true,
    });
  }

  close(): void {
    this.#server.close();
  }
}
