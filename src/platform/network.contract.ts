// What every Network does, whoever implements it. The suite drives it through `settle`, which lets time pass until a
// predicate holds (real milliseconds, or virtual ones).
import { expect, test } from 'vitest';
import type { Endpoint, Network, NetworkError, TcpListener, TcpSocket } from './network.ts';

export interface NetworkContractWorld {
  readonly network: Network;
  /** An address this network can listen on and connect to. */
  readonly address: string;
  settle(predicate: () => boolean): Promise<void>;
}

interface Accepted {
  readonly socket: TcpSocket;
  readonly received: number[];
  readonly closed: { error: NetworkError | undefined }[];
}

function record(socket: TcpSocket, accepted: Accepted[]): void {
  const entry: Accepted = { socket, received: [], closed: [] };
  accepted.push(entry);
  socket.setHandler({
    handleConnected: () => {},
    handleData: (bytes) => {
      for (const byte of bytes) entry.received.push(byte);
    },
    handleClosed: (error) => entry.closed.push({ error }),
  });
}

async function listen(
  world: NetworkContractWorld,
  accepted: Accepted[],
): Promise<{ listener: TcpListener; local: Endpoint }> {
  let local: Endpoint | undefined;
  const listener = world.network.listenTcp(
    { address: world.address, port: 0 },
    {
      handleListening: (endpoint) => {
        local = endpoint;
      },
      handleConnection: (socket) => record(socket, accepted),
      handleFailed: (error) => {
        throw new Error(error.message);
      },
    },
  );
  await world.settle(() => local !== undefined);
  return { listener, local: local! };
}

export function describeNetwork(open: () => NetworkContractWorld): void {
  test('carries bytes both ways, in order, and reports an orderly end', async () => {
    const world = open();
    const accepted: Accepted[] = [];
    const { listener, local } = await listen(world, accepted);
    const received: number[] = [];
    let connected = false;
    let taken = 0;
    let ended = false;
    const client = world.network.connectTcp(
      { remote: local, timeoutMs: 5_000 },
      {
        handleConnected: () => {
          connected = true;
        },
        handleData: (bytes) => {
          for (const byte of bytes) received.push(byte);
        },
        handleClosed: () => {
          ended = true;
        },
      },
    );
    expect(connected).toBe(false);
    await world.settle(() => connected && accepted.length === 1);
    client.write(Uint8Array.of(1, 2), () => taken++);
    client.write(Uint8Array.of(3), () => taken++);
    const server = accepted[0]!;
    await world.settle(() => server.received.length === 3 && taken === 2);
    expect(server.received).toEqual([1, 2, 3]);
    server.socket.write(Uint8Array.of(9));
    await world.settle(() => received.length === 1);
    server.socket.destroy();
    await world.settle(() => ended);
    expect(server.closed).toEqual([]);
    listener.close();
  });

  test('a paused socket hands over nothing until it is resumed', async () => {
    const world = open();
    const accepted: Accepted[] = [];
    const { listener, local } = await listen(world, accepted);
    let connected = false;
    const client = world.network.connectTcp(
      { remote: local, timeoutMs: 5_000 },
      {
        handleConnected: () => {
          connected = true;
        },
        handleData: () => {},
        handleClosed: () => {},
      },
    );
    await world.settle(() => connected && accepted.length === 1);
    const server = accepted[0]!;
    server.socket.pause();
    let taken = false;
    client.write(Uint8Array.of(5), () => {
      taken = true;
    });
    await world.settle(() => taken);
    expect(server.received).toEqual([]);
    server.socket.resume();
    await world.settle(() => server.received.length === 1);
    client.destroy();
    await world.settle(() => server.closed.length === 1);
    listener.close();
  });

  test('a refused connection is a value, and what was queued is answered', async () => {
    const world = open();
    const { listener, local } = await listen(world, []);
    listener.close();
    let failure: NetworkError | undefined;
    let taken = false;
    const client = world.network.connectTcp(
      { remote: local, timeoutMs: 5_000 },
      {
        handleConnected: () => {},
        handleData: () => {},
        handleClosed: (error) => {
          failure = error;
        },
      },
    );
    client.write(Uint8Array.of(1), () => {
      taken = true;
    });
    await world.settle(() => failure !== undefined && taken);
    expect(failure?.code).toBe('CONNECTION_REFUSED');
  });

  test('a port in use is a value', async () => {
    const world = open();
    const { listener, local } = await listen(world, []);
    let failure: NetworkError | undefined;
    world.network.listenTcp(
      { address: world.address, port: local.port },
      {
        handleListening: () => {},
        handleConnection: () => {},
        handleFailed: (error) => {
          failure = error;
        },
      },
    );
    await world.settle(() => failure !== undefined);
    expect(failure?.code).toBe('ADDRESS_IN_USE');
    listener.close();
  });
}
