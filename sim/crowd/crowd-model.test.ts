// Goal: the cheap network tells about the same as the one with packets, windows and real bytes. Method: the same small swarm in
// both, the same capacities and latencies of the same size; the time until all have everything, over the bound.
import { expect, test } from 'vitest';
import { nodeCrypto } from '../testing/node-crypto.ts';
import { SimWorld } from '../world/sim-world.ts';
import { runCrowdScenario } from './crowd-scenario.ts';
import { flashCrowd } from './scenarios/flash-crowd.ts';

const PEERS = 8;
const PIECES = 64;
const PIECE_BYTES = 65_536;
const UPLOAD_MBIT = 2;

function withPackets(seed: number): number {
  const bytesPerSecond = UPLOAD_MBIT * 125_000;
  const link = { latencyMs: 50, uploadBytesPerSecond: bytesPerSecond, downloadBytesPerSecond: bytesPerSecond * 10 };
  const world = new SimWorld({ seed, crypto: nodeCrypto(), link });
  const content = world.makeContent({
    files: [PIECES * PIECE_BYTES],
    pieceLengthBytes: PIECE_BYTES,
    isRepetitive: true,
  });
  world.addPeer({ content, has: 'all' });
  const startMs = world.clock.nowMs;
  const leechers = Array.from({ length: PEERS }, () => world.addPeer({ content }));
  world.runUntil('complete', () => leechers.every((peer) => peer.isSeed), { limitMs: 600_000 });
  expect(world.problems).toEqual([]);
  return (world.clock.nowMs - startMs) / ((PIECES * PIECE_BYTES) / bytesPerSecond) / 1_000;
}

function withoutPackets(seed: number): number {
  const { figures, problems } = runCrowdScenario(flashCrowd, {
    seed,
    crypto: nodeCrypto(),
    peerCount: PEERS,
    pieceCount: PIECES,
    pieceLengthBytes: PIECE_BYTES,
    uploadMbit: UPLOAD_MBIT,
    downloadMbit: UPLOAD_MBIT * 10,
    capacities: 'equal',
    natRatio: 0,
    connectionsMax: 50,
    blocksPerTurn: 1,
    rules: {},
  });
  expect(problems).toEqual([]);
  return figures.find(({ name }) => name === 'last leecher over bound')!.value;
}

test('a swarm takes as long in a crowd as in the world with packets, within an eighth', () => {
  const seeds = [1, 2];
  const mean = (times: number[]): number => times.reduce((sum, time) => sum + time, 0) / times.length;
  const ratio = mean(seeds.map(withoutPackets)) / mean(seeds.map(withPackets));
  expect(ratio).toBeGreaterThan(0.875);
  expect(ratio).toBeLessThan(1.125);
});
