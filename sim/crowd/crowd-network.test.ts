// Goal: what the engine relies on in a socket. Method: two or three computers, scripted handlers, no engine.
import { expect, test } from 'vitest';
import { concatBytes } from '../../src/base/bytes.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { TcpSocket, TcpSocketHandler } from '../../src/platform/network.ts';
import { BLOCK_BYTES } from '../../src/protocol/limits.ts';
import { PIECE_HEADER_BYTES, writePieceHeader } from '../../src/protocol/wire/wire-encoder.ts';
import { type CrowdHost, CrowdNetwork } from './crowd-host.ts';
import { EventWheel } from './event-wheel.ts';

const PORT = 6881;

interface Reader extends TcpSocketHandler {
  readonly log: string[];
}

function reader(onData: (bytes: Uint8Array) => string): Reader {
  const log: string[] = [];
  return {
    log,
    handleConnected: () => log.push('connected'),
    handleData: (bytes) => log.push(onData(bytes)),
    handleClosed: (error) => log.push(error === undefined ? 'closed' : error.code),
  };
}

class Pair {
  readonly wheel = new EventWheel();
  readonly network = new CrowdNetwork(this.wheel, 2);
  readonly left = this.host('45.0.0.1', {});
  readonly right = this.host('45.0.1.1', {});
  accepted: TcpSocket | undefined;

  host(address: string, { isBehindNat = false, upload = 1_000_000, place = 0 }): CrowdHost {
    return this.network.addHost({
      address,
      uploadBytesPerSecond: upload,
      downloadBytesPerSecond: Number.POSITIVE_INFINITY,
      isBehindNat,
      place: { x: place, y: 0 },
      accessMs: 10,
      badBlockRatio: 0,
      withholdsAllowedFast: false,
      random: seededRandom(1),
    });
  }

  listen(handler: TcpSocketHandler, host: CrowdHost = this.right): void {
    host.listenTcp(
      { address: '0.0.0.0', port: PORT },
      {
        handleListening: () => {},
        handleConnection: (socket) => {
          this.accepted = socket;
          socket.setHandler(handler);
        },
        handleFailed: () => {},
      },
    );
  }

  dial(handler: TcpSocketHandler, to: CrowdHost = this.right): TcpSocket {
    return this.left.connectTcp({ remote: { address: to.address, port: PORT }, timeoutMs: 5_000 }, handler);
  }

  run(ms: number): void {
    this.wheel.runUntil(() => false, this.wheel.nowMs + ms);
  }
}

const asText = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
const bytesOf = (content: string): Uint8Array => Uint8Array.from(content, (letter) => letter.charCodeAt(0));

function blockBatch(pieceIndex: number, begin: number, count: number): Uint8Array {
  const messages = Array.from({ length: count }, (_, i) => {
    const message = new Uint8Array(PIECE_HEADER_BYTES + BLOCK_BYTES);
    writePieceHeader(message, 0, pieceIndex, begin + i * BLOCK_BYTES, BLOCK_BYTES);
    return message;
  });
  return concatBytes(messages);
}

test('connecting takes a round trip, data arrives in order, and the end after it', () => {
  const pair = new Pair();
  const server = reader(asText);
  const client = reader(asText);
  pair.listen(server);
  pair.run(1);
  const socket = pair.dial(client);
  pair.run(39);
  expect(client.log).toEqual([]);
  pair.run(1);
  expect(client.log).toEqual(['connected']);
  socket.write(bytesOf('one'));
  socket.write(bytesOf('two'));
  pair.run(19);
  expect(server.log).toEqual([]);
  pair.run(2);
  expect(server.log).toEqual(['one', 'two']);
  pair.accepted!.write(bytesOf('three'));
  pair.accepted!.destroy();
  pair.run(21);
  expect(client.log).toEqual(['connected', 'three', 'closed']);
  expect([pair.left.openSocketCount, pair.right.openSocketCount]).toEqual([0, 0]);
});

test('a closed door refuses after a round trip; behind NAT nothing answers', () => {
  const pair = new Pair();
  const refused = reader(asText);
  const silent = reader(asText);
  pair.dial(refused);
  pair.dial(silent, pair.host('45.0.2.1', { isBehindNat: true }));
  pair.run(100);
  expect(refused.log).toEqual(['CONNECTION_REFUSED']);
  expect(silent.log).toEqual([]);
  pair.run(5_000);
  expect(silent.log).toEqual(['CONNECT_TIMED_OUT']);
});

test('blocks leave at the rate of the uplink, what follows them waits, and the writer is told when they have left', () => {
  const pair = new Pair();
  const told: number[] = [];
  const server = reader((bytes) => `${pair.wheel.nowMs}: ${bytes.length} bytes, id ${bytes[4]}`);
  const client = reader(asText);
  pair.listen(server);
  pair.run(1);
  const socket = pair.dial(client);
  pair.run(40);
  const startMs = pair.wheel.nowMs;
  socket.write(blockBatch(3, BLOCK_BYTES, 3), () => told.push(pair.wheel.nowMs - startMs));
  socket.write(bytesOf('later'));
  expect(socket.bufferedBytes).toBe(3 * (PIECE_HEADER_BYTES + BLOCK_BYTES) + 5);
  pair.run(200);
  expect(told).toEqual([50]);
  expect(socket.bufferedBytes).toBe(0);
  expect(server.log).toEqual([
    `${startMs + 53}: ${2 * (PIECE_HEADER_BYTES + BLOCK_BYTES)} bytes, id 7`,
    `${startMs + 70}: ${PIECE_HEADER_BYTES + BLOCK_BYTES} bytes, id 7`,
    `${startMs + 70}: 5 bytes, id ${'later'.charCodeAt(4)}`,
  ]);
});

test('while the reader pauses no more than a window is under way, and its sender serves others', () => {
  const pair = new Pair();
  const slow = reader(() => 'data');
  const quick = reader(() => 'data');
  const third = pair.host('45.0.3.1', {});
  pair.listen(slow);
  pair.listen(quick, third);
  pair.run(1);
  const toSlow = pair.dial(reader(asText));
  pair.run(100);
  pair.accepted!.pause();
  const toQuick = pair.dial(reader(asText), third);
  pair.run(100);
  toSlow.write(blockBatch(0, 0, 40), () => {});
  toQuick.write(blockBatch(0, 0, 40), () => {});
  pair.run(5_000);
  expect(slow.log).toEqual([]);
  expect(quick.log).toHaveLength(20);
  expect(toSlow.bufferedBytes).toBeGreaterThan(20 * BLOCK_BYTES);
  const slowSocket = pair.left.openSocketCount;
  expect(slowSocket).toBe(2);
});

test('a write that is dropped with its connection is told as well', () => {
  const pair = new Pair();
  let toldCount = 0;
  pair.listen(reader(asText));
  pair.run(1);
  const socket = pair.dial(reader(asText));
  pair.run(100);
  socket.write(blockBatch(0, 0, 4), () => toldCount++);
  socket.destroy();
  socket.write(blockBatch(0, 0, 4), () => toldCount++);
  expect(toldCount).toBe(0);
  pair.run(1_000);
  expect(toldCount).toBe(2);
});
