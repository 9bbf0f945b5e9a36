import { expect, test } from 'vitest';
import { bytesEqual, concatBytes } from '../../src/base/bytes.ts';
import { seededRandom } from '../../src/base/random.ts';
import { nodeCrypto } from '../testing/node-crypto.ts';
import { type FakeConnection, FakePeer, type FakePeerScript } from './fake-peer.ts';
import * as wire from './raw-wire.ts';
import { SimContent } from './sim-content.ts';
import { SimNetwork } from './sim-network.ts';
import { VirtualClock } from './virtual-clock.ts';

const PORT = 6881;

/** A leecher that asks for everything, block by block, and keeps what comes. */
function greedyScript(content: SimContent, got: Map<string, Uint8Array>): FakePeerScript {
  const ask = (connection: FakeConnection): void => {
    for (let index = 0; index < content.pieceCount; index++) {
      for (let begin = 0; begin < content.piece(index).length; begin += 16_384) {
        const length = Math.min(16_384, content.piece(index).length - begin);
        connection.send(wire.rawMessage(wire.REQUEST, [index, begin, length]));
      }
    }
  };
  return {
    handleHandshake: () => {},
    handleMessage(connection, { id, numbers, payload }) {
      if (id === wire.UNCHOKE) ask(connection);
      if (id === wire.PIECE) got.set(`${numbers[0]} ${numbers[1]}`, payload.slice(8));
    },
  };
}

test('two scripted peers exchange a whole content', () => {
  const clock = new VirtualClock();
  const network = new SimNetwork(clock, seededRandom(1), { latencyMs: 30, lossRatio: 0.01 });
  const content = new SimContent({ pieceCount: 5 }, seededRandom(2), nodeCrypto());
  const seed = new FakePeer({ clock, content, host: network.addHost({ addresses: ['45.0.0.1'] }) });
  const got = new Map<string, Uint8Array>();
  const leecher = new FakePeer({
    clock,
    content,
    host: network.addHost({ addresses: ['45.0.1.1'] }),
    script: greedyScript(content, got),
  });
  seed.listen(PORT);
  const connection = leecher.connect({ address: '45.0.0.1', port: PORT });
  clock.runUntil(() => got.size === 10 || got.size * 16_384 >= content.bytes.length, { limitMs: 60_000 });
  const blocks = [...got.keys()].sort((left, right) => {
    const [a, b] = [left, right].map((key) => key.split(' ').map(Number));
    return a![0]! - b![0]! || a![1]! - b![1]!;
  });
  expect(bytesEqual(concatBytes(blocks.map((key) => got.get(key)!)), content.bytes)).toBe(true);
  expect(connection.theirHandshake?.infoHash).toEqual(content.infoHash);
  expect(connection.receivedIds.slice(0, 2)).toEqual([wire.BITFIELD, wire.UNCHOKE]);
  leecher.closeAll();
  clock.advanceBy(1_000);
  expect([seed.openCount, leecher.openCount]).toEqual([0, 0]);
  expect(seed.connections[0]!.closedMs).toBeDefined();
});

test.each(['v1', 'v2', 'hybrid'] as const)('a %s content knows its files and which bytes are whose', (format) => {
  const content = new SimContent(
    { format, files: [50_000, 0, 16_384, 70_001], pieceLengthBytes: 32_768 },
    seededRandom(1),
    nodeCrypto(),
  );
  expect(content.info.format).toBe(format);
  expect(content.infoHash).toHaveLength(20);
  for (const [index, file] of content.files.entries()) {
    expect(
      bytesEqual(
        content.fileWithPieces(index, () => true),
        file.bytes,
      ),
    ).toBe(true);
  }
  const first = content.files.findIndex(({ path }) => path.endsWith('file-0'));
  const partial = content.fileWithPieces(first, (piece) => piece === 0);
  expect(bytesEqual(partial.slice(0, 32_768), content.piece(0))).toBe(true);
  expect(partial.slice(32_768).every((byte) => byte === 0)).toBe(true);
});
