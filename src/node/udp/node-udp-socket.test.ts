import { afterEach, expect, test, vi } from 'vitest';
import type { Log } from '../../platform/log.ts';
import type { Endpoint, MulticastOptions, NetworkError, UdpSocket } from '../../platform/network.ts';
import { NodeNetwork } from '../net/node-network.ts';
import { bindUdp } from './node-udp-socket.ts';

const quiet: Log = { write: () => {} };
const open: UdpSocket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.close();
});

interface Bound {
  readonly socket: UdpSocket;
  readonly received: { bytes: number[]; remote: Endpoint }[];
  readonly failures: NetworkError[];
  local: Endpoint | undefined;
}

function bind(address: string, port = 0, onDatagram?: () => void, multicast?: MulticastOptions): Bound {
  const received: Bound['received'] = [];
  const failures: NetworkError[] = [];
  const handler = {
    handleListening: (local: Endpoint) => {
      bound.local = local;
    },
    handleDatagram: (datagram: Uint8Array, remote: Endpoint) => {
      received.push({ bytes: [...datagram], remote });
      onDatagram?.();
    },
    handleFailed: (error: NetworkError) => failures.push(error),
  };
  const bound: Bound = {
    socket: bindUdp({ address, port, multicast }, handler, quiet),
    received,
    failures,
    local: undefined,
  };
  expect(bound.local).toBeUndefined();
  open.push(bound.socket);
  return bound;
}

const until = (predicate: () => boolean): Promise<unknown> => vi.waitUntil(predicate, { interval: 2, timeout: 5_000 });

test.each(['127.0.0.1', '::1'])('datagrams go both ways over %s', async (address) => {
  const left = bind(address);
  const right = bind(address);
  await until(() => left.local !== undefined && right.local !== undefined);
  expect(left.local!.address).toBe(address);
  const bytes = Uint8Array.of(1, 2, 3);
  left.socket.send(bytes, right.local!);
  bytes.fill(9);
  await until(() => right.received.length === 1);
  expect(right.received[0]).toEqual({ bytes: [1, 2, 3], remote: left.local });
  right.socket.send(Uint8Array.of(4), left.local!);
  await until(() => left.received.length === 1);
});

test('what is sent before the socket is bound arrives', async () => {
  const right = bind('127.0.0.1');
  await until(() => right.local !== undefined);
  bind('127.0.0.1').socket.send(Uint8Array.of(7), right.local!);
  await until(() => right.received.length === 1);
});

test('a taken port and a foreign address are reported, once', async () => {
  const first = bind('127.0.0.1');
  await until(() => first.local !== undefined);
  const second = bind('127.0.0.1', first.local!.port);
  const third = bind('192.0.2.1');
  await until(() => second.failures.length === 1 && third.failures.length === 1);
  expect(second.failures[0]!.code).toBe('ADDRESS_IN_USE');
  expect(third.failures[0]!.code).toBe('ADDRESS_NOT_AVAILABLE');
  second.socket.send(Uint8Array.of(1), first.local!);
  second.socket.close();
});

test('an IPv6 socket takes IPv6 only', async () => {
  const ipv4 = bind('127.0.0.1');
  await until(() => ipv4.local !== undefined);
  const ipv6 = bind('::', ipv4.local!.port);
  await until(() => ipv6.local !== undefined);
  expect(ipv6.failures).toEqual([]);
});

test('sending what cannot be sent is a lost datagram', async () => {
  const left = bind('127.0.0.1');
  const right = bind('127.0.0.1');
  await until(() => left.local !== undefined && right.local !== undefined);
  left.socket.send(Uint8Array.of(1), { address: '::1', port: right.local!.port });
  left.socket.send(Uint8Array.of(1), { address: '127.0.0.1', port: 0 });
  left.socket.send(Uint8Array.of(1), { address: '127.0.0.1', port: 70_000 });
  left.socket.send(Uint8Array.of(1), { address: 'name.invalid', port: 9 });
  left.socket.send(new Uint8Array(70_000), right.local!);
  left.socket.send(Uint8Array.of(2), right.local!);
  await until(() => right.received.length === 1);
  expect(right.received[0]!.bytes).toEqual([2]);
  expect(left.failures).toEqual([]);
});

test('nothing comes after close, and a handler that throws ends its socket only', async () => {
  const left = bind('127.0.0.1');
  const right = bind('127.0.0.1', 0, () => {
    throw new Error('mine');
  });
  await until(() => left.local !== undefined && right.local !== undefined);
  left.socket.send(Uint8Array.of(1), right.local!);
  await until(() => right.failures.length === 1);
  left.socket.close();
  left.socket.close();
  left.socket.send(Uint8Array.of(1), right.local!);
  expect(left.failures).toEqual([]);
});

test('sockets of one group on one interface share a port, hear each other and themselves, and stay on their family', async () => {
  const interfaceName = new NodeNetwork(quiet).localAddresses().find(({ address }) => address === '127.0.0.1')!.name;
  const multicast = { group: '239.192.152.143', interfaceName, hopsMax: 1 };
  const first = bind('0.0.0.0', 0, undefined, multicast);
  await until(() => first.local !== undefined);
  const { port } = first.local!;
  const second = bind('0.0.0.0', port, undefined, multicast);
  await until(() => second.local !== undefined);
  second.socket.send(Uint8Array.of(7), { address: multicast.group, port });
  second.socket.send(Uint8Array.of(8), { address: 'ff15::efc0:988f', port });
  await until(() => first.received.length === 1 && second.received.length === 1);
  expect(first.received).toEqual([{ bytes: [7], remote: { address: '127.0.0.1', port } }]);
});

test('a group on an interface that is not there is a failure, and no exception', async () => {
  const multicast = { group: '239.192.152.143', interfaceName: 'nosuch0', hopsMax: 1 };
  const bound = bind('0.0.0.0', 0, undefined, multicast);
  await until(() => bound.failures.length === 1);
  expect(bound.local).toBeUndefined();
});
