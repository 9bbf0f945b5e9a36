import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatBytes } from '../../src/base/bytes.ts';
import { type Random, randomBelow, randomBytes, seededRandom } from '../../src/base/random.ts';
import { describeNetwork } from '../../src/platform/network.contract.ts';
import type { Endpoint, NetworkError, TcpSocket } from '../../src/platform/network.ts';
import type { SimHost } from './sim-host.ts';
import type { LinkOptions } from './sim-link.ts';
import { SimNetwork } from './sim-network.ts';
import { VirtualClock } from './virtual-clock.ts';

const ALICE = '45.0.0.1';
const BOB = '45.0.1.1';
const PORT = 6881;

interface Recorder {
  readonly events: string[];
  readonly chunks: Uint8Array[];
  error: NetworkError | undefined;
  /** Bytes received. */
  count: number;
  bytes(): Uint8Array;
}

function recorder(): Recorder & {
  handleConnected(): void;
  handleData(bytes: Uint8Array): void;
  handleClosed(error?: NetworkError): void;
} {
  const events: string[] = [];
  const chunks: Uint8Array[] = [];
  return {
    events,
    chunks,
    error: undefined,
    count: 0,
    bytes: () => concatBytes(chunks),
    handleConnected: () => events.push('connected'),
    handleData(bytes) {
      events.push('data');
      this.count += bytes.length;
      chunks.push(bytes.slice());
    },
    handleClosed(error) {
      events.push('closed');
      this.error = error;
    },
  };
}

function twoHosts(
  link: LinkOptions = {},
  seed = 1,
): { clock: VirtualClock; network: SimNetwork; alice: SimHost; bob: SimHost } {
  const clock = new VirtualClock();
  const network = new SimNetwork(clock, seededRandom(seed), link);
  return {
    clock,
    network,
    alice: network.addHost({ addresses: [ALICE, '2a00::1'] }),
    bob: network.addHost({ addresses: [BOB, '2a00::2'] }),
  };
}

function listen(host: SimHost, address = '0.0.0.0'): { sockets: TcpSocket[]; local: Endpoint[]; errors: string[] } {
  const seen: { sockets: TcpSocket[]; local: Endpoint[]; errors: string[] } = { sockets: [], local: [], errors: [] };
  host.listenTcp(
    { address, port: PORT },
    {
      handleListening: (local) => seen.local.push(local),
      handleConnection: (socket) => seen.sockets.push(socket),
      handleFailed: (error) => seen.errors.push(error.code),
    },
  );
  return seen;
}

function dialBob(host: SimHost, handler: ReturnType<typeof recorder>, address = BOB): TcpSocket {
  return host.connectTcp({ remote: { address, port: PORT }, timeoutMs: 10_000 }, handler);
}

describe('connecting', () => {
  test('takes one round trip, and the accepted side half of one more', () => {
    const { clock, alice, bob } = twoHosts({ latencyMs: 40 });
    const accepted = listen(bob);
    const client = recorder();
    const socket = dialBob(alice, client);
    expect(client.events).toEqual([]);
    clock.advanceTo(79);
    expect(client.events).toEqual([]);
    clock.advanceTo(80);
    expect(client.events).toEqual(['connected']);
    expect(accepted.sockets).toHaveLength(0);
    clock.advanceTo(120);
    expect(accepted.sockets[0]?.remote).toEqual(socket.local);
    expect(accepted.sockets[0]?.local).toEqual({ address: BOB, port: PORT });
  });

  test.each([
    ['refused', 'CONNECTION_REFUSED'],
    ['dropped', 'CONNECT_TIMED_OUT'],
  ] as const)('inbound %s is %s', (inbound, code) => {
    const { clock, network, alice } = twoHosts();
    const carol = network.addHost({ addresses: ['45.0.2.1'], inbound });
    listen(carol);
    const client = recorder();
    dialBob(alice, client, '45.0.2.1');
    clock.advanceTo(10_000);
    expect(client.events).toEqual(['closed']);
    expect(client.error?.code).toBe(code);
    expect(alice.openSocketCount).toBe(0);
  });

  test('nobody listening refuses; an unknown address is silent; an unreachable one says so', () => {
    const { clock, network, alice } = twoHosts();
    network.setUnreachable('45.9.9.9');
    const codes = [BOB, '45.8.8.8', '45.9.9.9', '2a00::9'].map((address) => {
      const client = recorder();
      dialBob(alice, client, address);
      clock.advanceBy(10_000);
      return client.error?.code;
    });
    expect(codes).toEqual(['CONNECTION_REFUSED', 'CONNECT_TIMED_OUT', 'UNREACHABLE', 'CONNECT_TIMED_OUT']);
  });

  test('families stay apart and a port is taken once', () => {
    const { clock, alice, bob } = twoHosts();
    const v4 = listen(bob);
    const again = listen(bob);
    const v6 = listen(bob, '::');
    const wrong = listen(bob, '45.7.7.7');
    dialBob(alice, recorder());
    dialBob(alice, recorder(), '2a00::2');
    clock.advanceTo(1_000);
    expect([v4.sockets.length, v6.sockets.length]).toEqual([1, 1]);
    expect(again.errors).toEqual(['ADDRESS_IN_USE']);
    expect(wrong.errors).toEqual(['ADDRESS_NOT_AVAILABLE']);
    expect(v6.sockets[0]?.remote.address).toBe('2a00::1');
  });

  test('a host reaches itself', () => {
    const { clock, alice } = twoHosts();
    const own = listen(alice);
    dialBob(alice, recorder(), '127.0.0.1');
    dialBob(alice, recorder(), ALICE);
    clock.advanceTo(1_000);
    expect(own.sockets.map((socket) => socket.remote.address)).toEqual(['127.0.0.1', ALICE]);
  });
});

/** Sends random writes both ways and returns what arrived, with what was taken. */
function exchange(link: LinkOptions, seed: number): { sent: Uint8Array[]; got: Uint8Array[]; events: number } {
  const { clock, alice, bob } = twoHosts(link, seed);
  const random = seededRandom(seed + 1);
  const accepted = listen(bob);
  const client = recorder();
  const server = recorder();
  const socket = dialBob(alice, client);
  const sent = [writeRandomly(socket, random)];
  clock.runUntil(() => accepted.sockets.length > 0, { limitMs: 60_000 });
  const other = accepted.sockets[0]!;
  other.setHandler(server);
  sent.push(writeRandomly(other, random));
  const total = (): boolean => client.count === sent[1]!.length && server.count === sent[0]!.length;
  clock.runUntil(total, { limitMs: 600_000 });
  expect(socket.bufferedBytes + other.bufferedBytes).toBe(0);
  return { sent, got: [server.bytes(), client.bytes()], events: clock.eventCount };
}

/** The buffers are spoiled as soon as they are taken, as an owner that reuses them would. */
function writeRandomly(socket: TcpSocket, random: Random): Uint8Array {
  const parts = Array.from({ length: 8 }, () => randomBytes(random, new Uint8Array(randomBelow(random, 4_000))));
  const joined = concatBytes(parts);
  for (const part of parts) socket.write(part, () => part.fill(0));
  return joined;
}

describe('streams', () => {
  test('arrive whole and in order over any link, and one seed gives one history', () => {
    const links = fc.record({
      latencyMs: fc.integer({ min: 0, max: 300 }),
      jitterMs: fc.integer({ min: 0, max: 50 }),
      lossRatio: fc.double({ min: 0, max: 0.2, noNaN: true }),
      bytesPerSecond: fc.integer({ min: 20_000, max: 10_000_000 }),
      windowBytes: fc.integer({ min: 3_000, max: 300_000 }),
      segmentMaxBytes: fc.integer({ min: 200, max: 70_000 }),
    });
    fc.assert(
      fc.property(links, fc.nat(), (link, seed) => {
        const first = exchange(link, seed);
        expect(first.got).toEqual(first.sent);
        expect(exchange(link, seed).events).toBe(first.events);
      }),
      { numRuns: 25 },
    );
  });

  test('the slower of the two links sets the rate', () => {
    const { clock, alice, bob } = twoHosts({ latencyMs: 20, uploadBytesPerSecond: 100_000 });
    bob.setLink({ latencyMs: 20, downloadBytesPerSecond: 1_000_000 });
    const accepted = listen(bob);
    const socket = dialBob(alice, recorder());
    socket.write(new Uint8Array(1_000_000));
    clock.runUntil(() => accepted.sockets.length > 0, { limitMs: 1_000 });
    let received = 0;
    accepted.sockets[0]!.setHandler({
      handleConnected: () => {},
      handleData: (bytes) => (received += bytes.length),
      handleClosed: () => {},
    });
    clock.runUntil(() => received === 1_000_000, { limitMs: 60_000 });
    expect(clock.nowMs).toBeGreaterThan(10_000);
    expect(clock.nowMs).toBeLessThan(10_500);
    expect(bob.downlink.receivedBytes).toBe(1_000_000);
  });

  test('a slow downlink shared by two senders stays filled', () => {
    const { clock, network, alice, bob } = twoHosts({ latencyMs: 20 });
    bob.setLink({ latencyMs: 20, downloadBytesPerSecond: 200_000 });
    const carol = network.addHost({ addresses: ['45.0.2.1'] });
    const accepted = listen(bob);
    for (const host of [alice, carol]) dialBob(host, recorder()).write(new Uint8Array(1_000_000));
    clock.runUntil(() => accepted.sockets.length === 2, { limitMs: 1_000 });
    const received = [0, 0];
    accepted.sockets.forEach((socket, index) => {
      socket.setHandler({
        handleConnected: () => {},
        handleData: (bytes) => (received[index]! += bytes.length),
        handleClosed: () => {},
      });
    });
    clock.runUntil(() => received[0]! + received[1]! === 2_000_000, { limitMs: 60_000 });
    expect(clock.nowMs).toBeLessThan(11_500);
  });

  test('a paused reader stops the writer, and resuming lets it go on', () => {
    const { clock, alice, bob } = twoHosts({ windowBytes: 50_000 });
    const accepted = listen(bob);
    const socket = dialBob(alice, recorder());
    clock.runUntil(() => accepted.sockets.length > 0, { limitMs: 1_000 });
    const server = recorder();
    const other = accepted.sockets[0]!;
    other.pause();
    other.setHandler(server);
    let takenCount = 0;
    for (let i = 0; i < 20; i++) socket.write(new Uint8Array(10_000), () => takenCount++);
    clock.advanceBy(60_000);
    expect(server.events).toEqual([]);
    expect(socket.bufferedBytes).toBeGreaterThan(90_000);
    expect(takenCount).toBeLessThanOrEqual(10);
    other.resume();
    expect(server.events).toEqual([]);
    clock.advanceBy(60_000);
    expect(server.bytes().length).toBe(200_000);
    expect(takenCount).toBe(20);
  });
});

describe('endings', () => {
  function connected(link: LinkOptions = {}): ReturnType<typeof twoHosts> & {
    near: TcpSocket;
    far: TcpSocket;
    nearSeen: ReturnType<typeof recorder>;
    farSeen: ReturnType<typeof recorder>;
  } {
    const hosts = twoHosts(link);
    const accepted = listen(hosts.bob);
    const nearSeen = recorder();
    const farSeen = recorder();
    const near = dialBob(hosts.alice, nearSeen);
    hosts.clock.runUntil(() => accepted.sockets.length > 0, { limitMs: 1_000 });
    const far = accepted.sockets[0]!;
    far.setHandler(farSeen);
    return { ...hosts, near, far, nearSeen, farSeen };
  }

  test('destroy sends what was taken, ends orderly, calls only the other side, and gives every buffer back', () => {
    const { clock, alice, bob, near, nearSeen, farSeen } = connected({ windowBytes: 30_000 });
    let takenCount = 0;
    for (let i = 0; i < 5; i++) near.write(new Uint8Array(10_000), () => takenCount++);
    near.destroy();
    near.destroy();
    near.write(new Uint8Array(1), () => takenCount++);
    expect(takenCount).toBe(0);
    clock.advanceBy(10_000);
    expect(takenCount).toBe(6);
    expect(farSeen.bytes().length).toBe(28_960);
    expect(farSeen.events.at(-1)).toBe('closed');
    expect(farSeen.error).toBeUndefined();
    expect(nearSeen.events).toEqual(['connected']);
    expect([alice.openSocketCount, bob.openSocketCount]).toEqual([0, 0]);
  });

  test('closing with bytes unread, and writing to a closed end, are resets', () => {
    const first = connected();
    first.far.pause();
    first.near.write(new Uint8Array(10));
    first.clock.advanceBy(1_000);
    first.far.destroy();
    first.clock.advanceBy(1_000);
    expect(first.nearSeen.error?.code).toBe('CONNECTION_RESET');

    const second = connected({ latencyMs: 100 });
    second.far.destroy();
    second.near.write(new Uint8Array(10));
    second.clock.advanceBy(1_000);
    expect(second.nearSeen.events.at(-1)).toBe('closed');
    expect(second.farSeen.events).toEqual([]);
  });

  test('a process that is killed closes its connections, a host that loses power does not', () => {
    const killed = connected();
    killed.bob.killProcess();
    killed.clock.advanceBy(1_000);
    expect(killed.nearSeen.events).toEqual(['connected', 'closed']);

    const dark = connected();
    dark.bob.powerOff();
    dark.near.write(new Uint8Array(10));
    dark.clock.advanceBy(60_000);
    expect(dark.nearSeen.events).toEqual(['connected']);
    dark.bob.powerOn();
    dark.clock.advanceBy(60_000);
    expect(dark.nearSeen.error?.code).toBe('CONNECTION_RESET');
    expect(dark.farSeen.events).toEqual([]);
  });

  test('a partition delays, healing delivers, and one without end kills the connection', () => {
    const { clock, network, alice, bob, near, nearSeen, farSeen } = connected();
    network.partition([alice], [bob]);
    near.write(Uint8Array.of(1, 2, 3));
    clock.advanceBy(20_000);
    expect(farSeen.events).toEqual([]);
    network.heal();
    clock.advanceBy(31_000);
    expect(farSeen.bytes()).toEqual(Uint8Array.of(1, 2, 3));
    network.partition([alice], [bob]);
    near.write(Uint8Array.of(4));
    clock.advanceBy(1_000_000);
    expect(nearSeen.error?.code).toBe('CONNECT_TIMED_OUT');
    expect(farSeen.error).toBeUndefined();
  });
});

describe('datagrams', () => {
  test('arrive, or are lost, at the ratio of the link; and never at a closed socket', () => {
    const { clock, alice, bob } = twoHosts({ lossRatio: 0.3 });
    let count = 0;
    const handler = { handleListening: () => {}, handleFailed: () => {}, handleDatagram: () => count++ };
    const receiver = bob.bindUdp({ address: '0.0.0.0', port: 53 }, handler);
    const sender = alice.bindUdp({ address: '0.0.0.0', port: 0 }, handler);
    for (let i = 0; i < 1_000; i++) sender.send(new Uint8Array(100), { address: BOB, port: 53 });
    clock.advanceTo(10_000);
    expect(count).toBeGreaterThan(640);
    expect(count).toBeLessThan(760);
    sender.send(new Uint8Array(1), { address: BOB, port: 53 });
    receiver.close();
    const before = count;
    clock.advanceTo(20_000);
    expect(count).toBe(before);
  });

  test('a NAT lets in only what was written to first', () => {
    const { clock, network, alice } = twoHosts();
    const inside = network.addHost({ addresses: ['45.0.3.1'], inbound: 'dropped' });
    const got: string[] = [];
    const bind = (host: SimHost, name: string): ReturnType<SimHost['bindUdp']> =>
      host.bindUdp(
        { address: '0.0.0.0', port: 7 },
        {
          handleListening: () => {},
          handleFailed: () => {},
          handleDatagram: (datagram, remote) => got.push(`${name} ${datagram[0]} from ${remote.address}`),
        },
      );
    const outer = bind(alice, 'alice');
    const inner = bind(inside, 'inside');
    outer.send(Uint8Array.of(1), { address: '45.0.3.1', port: 7 });
    clock.advanceTo(100);
    inner.send(Uint8Array.of(2), { address: ALICE, port: 7 });
    clock.advanceTo(200);
    outer.send(Uint8Array.of(3), { address: '45.0.3.1', port: 7 });
    clock.advanceTo(300);
    expect(got).toEqual(['alice 2 from 45.0.3.1', `inside 3 from ${ALICE}`]);
  });
});

describe.each([ALICE, '127.0.0.1', '2a00::1'])('keeps the contract of every Network, on %s', (address) => {
  describeNetwork(() => {
    const { clock, alice } = twoHosts();
    const settle = (predicate: () => boolean): Promise<void> => {
      expect(clock.runUntil(predicate, { limitMs: 60_000 })).toBe(true);
      return Promise.resolve();
    };
    return { network: alice, address, settle };
  });
});
