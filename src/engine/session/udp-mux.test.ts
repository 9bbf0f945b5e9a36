import { expect, test } from 'vitest';
import { encodeUtf8 } from '../../base/bytes.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Endpoint, ListenOptions, UdpSocketHandler } from '../../platform/network.ts';
import { UdpMux } from './udp-mux.ts';

const REMOTE: Endpoint = { address: '192.0.2.1', port: 9 };

/** A network that binds when it is told to, and a clock whose calls run when they are asked to. */
function bench(takenPorts: readonly number[] = []) {
  const due: (() => void)[] = [];
  const bound: { options: ListenOptions; handler: UdpSocketHandler; isClosed: boolean; sent: Uint8Array[] }[] = [];
  const later = (call: () => void): void => void due.push(call);
  const clock: Clock = {
    nowMs: () => 0,
    wallTimeMs: () => 0,
    schedule: (_, call) => {
      later(call);
      return { cancel: () => {} };
    },
  };
  const network = {
    bindUdp: (options: ListenOptions, handler: UdpSocketHandler) => {
      const entry = { options, handler, isClosed: false, sent: [] as Uint8Array[] };
      bound.push(entry);
      later(() => {
        if (takenPorts.includes(options.port)) handler.handleFailed({ code: 'ADDRESS_IN_USE', message: 'taken' });
        else handler.handleListening({ address: options.address, port: options.port || 40_000 });
      });
      return {
        send: (datagram: Uint8Array) => void entry.sent.push(datagram),
        close: () => {
          entry.isClosed = true;
        },
      };
    },
  };
  const mux = new UdpMux({
    clock,
    network,
    log: { write: () => {} },
    port: () => 6881,
    addressFor: (family) => (family === 4 ? '0.0.0.0' : undefined),
  });
  const user = () => {
    const heard: string[] = [];
    const handler: UdpSocketHandler = {
      handleListening: ({ port }) => void heard.push(`listening ${port}`),
      handleDatagram: (datagram) => void heard.push(String.fromCharCode(...datagram)),
      handleFailed: ({ code }) => void heard.push(code),
    };
    return { heard, handler };
  };
  const run = (): void => {
    while (due.length > 0) due.shift()!();
  };
  return { mux, bound, user, run };
}

test('one socket a family, and each kind gets its own datagrams', () => {
  const { mux, bound, user, run } = bench();
  const [dht, tracker] = [user(), user()];
  mux.open(4, 'dht', dht.handler);
  run();
  const socket = mux.open(4, 'tracker', tracker.handler);
  run();
  expect(bound).toHaveLength(1);
  expect([dht.heard, tracker.heard, mux.portOf(4), mux.portOf(6)]).toEqual([
    ['listening 6881'],
    ['listening 6881'],
    6881,
    0,
  ]);
  bound[0]!.handler.handleDatagram(encodeUtf8('d1:q'), REMOTE);
  bound[0]!.handler.handleDatagram(encodeUtf8('\u0000\u0001'), REMOTE);
  expect([dht.heard[1], tracker.heard[1]]).toEqual(['d1:q', '\u0000\u0001']);
  socket.send(encodeUtf8('x'), REMOTE);
  expect(bound[0]!.sent).toHaveLength(1);
});

test('closing one leaves the port to the other, closing both gives it back', () => {
  const { mux, bound, user, run } = bench();
  const [dht, tracker] = [user(), user()];
  const first = mux.open(4, 'dht', dht.handler);
  const second = mux.open(4, 'tracker', tracker.handler);
  run();
  first.close();
  bound[0]!.handler.handleDatagram(encodeUtf8('d'), REMOTE);
  expect([dht.heard, bound[0]!.isClosed]).toEqual([['listening 6881'], false]);
  second.close();
  expect(bound[0]!.isClosed).toBe(true);
  mux.open(4, 'dht', user().handler);
  expect(bound).toHaveLength(2);
});

test('a taken port gives way to any other; what breaks is told to all, and a family that is not there to who asks', () => {
  const { mux, bound, user, run } = bench([6881]);
  const [dht, tracker, six] = [user(), user(), user()];
  mux.open(4, 'dht', dht.handler);
  mux.open(4, 'tracker', tracker.handler);
  mux.open(6, 'dht', six.handler);
  run();
  expect(bound.map(({ options }) => options.port)).toEqual([6881, 0]);
  expect([dht.heard, six.heard]).toEqual([['listening 40000'], ['ADDRESS_NOT_AVAILABLE']]);
  bound[1]!.handler.handleFailed({ code: 'NETWORK_FAILED', message: 'gone' });
  expect([dht.heard[1], tracker.heard[1]]).toEqual(['NETWORK_FAILED', 'NETWORK_FAILED']);
  mux.open(4, 'dht', dht.handler);
  run();
  expect(dht.heard[2]).toBe('listening 40000');
});
