import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BLOCK_BYTES, OUTGOING_REQUESTS_MAX, PEER_REQUEST_QUEUE_MAX } from '../protocol/limits.ts';
import { DEPTH_CLOSE_BY } from './request-depth.ts';
import { RequestPipeline } from './request-pipeline.ts';

interface Link {
  readonly bytesPerSecond: number;
  readonly roundTripMs: number;
  readonly peerRequestQueue?: number;
  /** More than this in the link's queue is lost; while that goes on, and a second longer, the link gives two thirds. */
  readonly queueMs?: number;
  /** What the peer takes for an answer, however little it has to do. */
  readonly thinkMs?: number;
  /** The peer sends only in the first part of each period. */
  readonly pauses?: { readonly periodMs: number; readonly openMs: number };
}

interface Sample {
  readonly nowMs: number;
  readonly outstanding: number;
}

// A peer that answers requests in order, one block after the other at a fixed rate, half a round trip away. Runs in
// virtual time from arrival to arrival and tops the pipeline up after each one, as the engine does.
function run(
  link: Link,
  untilMs: number,
  onBlock: (nowMs: number, pipeline: RequestPipeline) => void = () => undefined,
): { samples: Sample[]; pipeline: RequestPipeline; snubs: number } {
  const pipeline = new RequestPipeline({ nowMs: 0, peerRequestQueue: link.peerRequestQueue ?? 2_000 });
  const arrivals: number[] = [];
  const samples: Sample[] = [];
  let freeAtMs = 0;
  let snubs = 0;
  const opensAt = (timeMs: number): number => {
    if (link.pauses === undefined) return timeMs;
    const { periodMs, openMs } = link.pauses;
    return timeMs % periodMs < openMs ? timeMs : timeMs - (timeMs % periodMs) + periodMs;
  };
  let lossyUntilMs = 0;
  const send = (nowMs: number): void => {
    const blockMs = (BLOCK_BYTES * 1000) / link.bytesPerSecond;
    const arrivesMs = nowMs + link.roundTripMs / 2 + (link.thinkMs ?? 0);
    if (freeAtMs - arrivesMs > (link.queueMs ?? Number.POSITIVE_INFINITY)) lossyUntilMs = arrivesMs + 1_000;
    freeAtMs = opensAt(Math.max(freeAtMs, arrivesMs)) + (arrivesMs < lossyUntilMs ? 1.5 * blockMs : blockMs);
    arrivals.push(freeAtMs + link.roundTripMs / 2);
  };
  const topUp = (nowMs: number): void => {
    const count = pipeline.room(nowMs);
    pipeline.handleRequested(count, nowMs);
    for (let i = 0; i < count; i++) send(nowMs);
  };
  topUp(0);
  for (let next = 0; next < arrivals.length && arrivals[next]! < untilMs; next++) {
    const nowMs = arrivals[next]!;
    while (pipeline.requestDueMs < nowMs) {
      const dueMs = pipeline.requestDueMs;
      pipeline.handleRequestDue();
      topUp(dueMs);
    }
    if (pipeline.deadlineMs <= nowMs && pipeline.handleTimeout(pipeline.deadlineMs) === 'snubbed') snubs++;
    onBlock(nowMs, pipeline);
    pipeline.handleBlock(BLOCK_BYTES, nowMs);
    topUp(nowMs);
    samples.push({ nowMs, outstanding: pipeline.outstanding });
  }
  return { samples, pipeline, snubs };
}

const rateBetween = (samples: readonly Sample[], fromMs: number, toMs: number): number =>
  (samples.filter(({ nowMs }) => nowMs >= fromMs && nowMs < toMs).length * BLOCK_BYTES * 1000) / (toMs - fromMs);

const MBIT = 125_000;

test.each([20, 100, 300])('fills 200 Mbit/s at %d ms within 3 s of the first block', (roundTripMs) => {
  const { samples, snubs } = run({ bytesPerSecond: 200 * MBIT, roundTripMs }, 6_000);
  const firstMs = samples[0]!.nowMs;
  expect(rateBetween(samples, firstMs + 3_000, firstMs + 5_000)).toBeGreaterThan(200 * MBIT * 0.98);
  expect(snubs).toBe(0);
});

// Goal: what a long link's queue cannot hold is not asked for. Method: a link that a full queue costs a third of its rate.
describe('a long link with a queue of 50 ms', () => {
  test.each([
    [100, 200],
    [100, 1_000],
    [300, 200],
  ])('is filled and not flooded at %d ms and %d Mbit/s', (roundTripMs, megabits) => {
    const bytesPerSecond = megabits * MBIT;
    const { samples, snubs } = run({ bytesPerSecond, roundTripMs, queueMs: 50 }, 12_000);
    // Here the flood at the end of slow start costs a third of the rate for a second and more.
    expect(rateBetween(samples, 6_000, 12_000)).toBeGreaterThan(bytesPerSecond * 0.97);
    const late = samples.filter(({ nowMs }) => nowMs > 6_000).map(({ outstanding }) => outstanding * BLOCK_BYTES);
    expect(Math.max(...late)).toBeLessThan((bytesPerSecond * (roundTripMs + 50)) / 1_000);
    expect(snubs).toBe(0);
  });

  test('is asked for more than it holds while other peers share it, and for no more when they are gone', () => {
    const link = { bytesPerSecond: 200 * MBIT, roundTripMs: 100, queueMs: 1_000 };
    const { samples } = run(link, 30_000, (nowMs, pipeline) => {
      pipeline.setCompany(nowMs >= 10_000 && nowMs < 20_000);
    });
    const bytesAt = (fromMs: number): number =>
      Math.max(
        ...samples
          .filter(({ nowMs }) => nowMs >= fromMs && nowMs < fromMs + 5_000)
          .map(({ outstanding }) => outstanding),
      ) * BLOCK_BYTES;
    const heldBytes = (200 * MBIT * 100) / 1_000;
    expect(bytesAt(5_000)).toBeLessThan(heldBytes * 1.5);
    expect(bytesAt(15_000)).toBeGreaterThan(heldBytes * 2);
    expect(bytesAt(25_000)).toBeLessThan(heldBytes * 1.5);
  });

  test('is not kept waiting for what was asked for while requests were not spread', () => {
    const link = { bytesPerSecond: 200 * MBIT, roundTripMs: 100 };
    const { samples } = run(link, 45_000, (nowMs, pipeline) => {
      pipeline.setCompany(nowMs >= 10_000 && nowMs < 30_000);
      if (nowMs >= 10_000) link.bytesPerSecond = (nowMs < 28_000 ? 800 : 50) * MBIT;
    });
    expect(rateBetween(samples, 32_000, 45_000)).toBeGreaterThan(50 * MBIT * 0.9);
  });

  test('is filled again when its rate has doubled or halved', () => {
    const link = { bytesPerSecond: 100 * MBIT, roundTripMs: 100, queueMs: 50 };
    const changes = [
      [20_000, 200 * MBIT],
      [40_000, 100 * MBIT],
    ] as const;
    const { samples } = run(link, 60_000, (nowMs) => {
      link.bytesPerSecond = changes.findLast(([fromMs]) => nowMs >= fromMs)?.[1] ?? 100 * MBIT;
    });
    expect(rateBetween(samples, 10_000, 20_000)).toBeGreaterThan(100 * MBIT * 0.97);
    expect(rateBetween(samples, 30_000, 40_000)).toBeGreaterThan(200 * MBIT * 0.97);
    expect(rateBetween(samples, 55_000, 60_000)).toBeGreaterThan(100 * MBIT * 0.97);
  });
});

test('a far peer that has become slow to answer gets as many requests as keep it busy', () => {
  const link = { bytesPerSecond: 200 * MBIT, roundTripMs: 100, thinkMs: 0 };
  const { samples } = run(link, 60_000, (nowMs) => {
    link.thinkMs = nowMs < 10_000 ? 0 : 80;
  });
  expect(rateBetween(samples, 5_000, 10_000)).toBeGreaterThan(200 * MBIT * 0.97);
  expect(rateBetween(samples, 15_000, 60_000)).toBeGreaterThan(200 * MBIT * 0.9);
});

test('a far peer that sends in turns with others has its three seconds of requests again', () => {
  // 20 ms of each 250 ms are ours: what a round trip and its queue hold lasts no turn.
  const link = { bytesPerSecond: 300e6, roundTripMs: 60, pauses: { periodMs: 250, openMs: 20 } };
  const { samples } = run(link, 60_000);
  expect(rateBetween(samples, 20_000, 60_000)).toBeGreaterThan(300e6 * (20 / 250) * 0.9);
});

test('a fast peer close by has its full depth within 100 ms', () => {
  const full = run({ bytesPerSecond: 1e9, roundTripMs: 0.2 }, 100);
  expect(Math.max(...full.samples.map(({ outstanding }) => outstanding))).toBe(DEPTH_CLOSE_BY);
  const limited = run({ bytesPerSecond: 1e9, roundTripMs: 0.2, peerRequestQueue: 120 }, 100);
  expect(Math.max(...limited.samples.map(({ outstanding }) => outstanding))).toBe(120);
});

describe('asks for no more than about three seconds in advance', () => {
  const rates = [50_000, 200_000, 1_000_000, 2_000_000];
  const links = rates.flatMap((rate) => [20, 300, 900].map((roundTripMs) => [rate, roundTripMs] as const));
  test.each(links)('%d B/s at %d ms', (bytesPerSecond, roundTripMs) => {
    const { samples, snubs, pipeline } = run({ bytesPerSecond, roundTripMs }, 60_000);
    const late = samples.filter(({ nowMs }) => nowMs > 10_000);
    const deepest = Math.max(...late.map(({ outstanding }) => outstanding));
    expect((deepest * BLOCK_BYTES) / bytesPerSecond).toBeLessThan(3.6);
    expect(rateBetween(samples, 10_000, 60_000)).toBeGreaterThan(bytesPerSecond * 0.97);
    expect(pipeline.downloadBytesPerSecond / bytesPerSecond).toBeCloseTo(1, 1);
    expect(snubs).toBe(0);
    // Before the rate is known it is a little more: eight blocks, and one more a block.
    const early = samples.filter(({ nowMs }) => nowMs > 2_000 + 2 * roundTripMs);
    expect((Math.max(...early.map(({ outstanding }) => outstanding)) * BLOCK_BYTES) / bytesPerSecond).toBeLessThan(6);
  });
});

test('a slow peer with a long queue is no reason for a time-out', () => {
  // Eight blocks asked for at once take 13 s at 10 kB/s; a block comes every 1.6 s.
  const { snubs, samples } = run({ bytesPerSecond: 10_000, roundTripMs: 200 }, 120_000);
  expect(snubs).toBe(0);
  expect(samples.at(-1)!.outstanding).toBe(4);
});

test('a peer that sends in bursts is snubbed at most while it is a stranger', () => {
  const { snubs, samples } = run(
    { bytesPerSecond: 1_000_000, roundTripMs: 100, pauses: { periodMs: 4_000, openMs: 1_000 } },
    60_000,
  );
  expect(snubs).toBeLessThanOrEqual(1);
  expect(rateBetween(samples, 20_000, 60_000)).toBeGreaterThan(230_000);
});

test('a silent peer is snubbed, keeps one request, and starts again with its next block', () => {
  const pipeline = new RequestPipeline({ nowMs: 1_000 });
  expect(pipeline.deadlineMs).toBe(Number.POSITIVE_INFINITY);
  pipeline.handleRequested(16, 1_000);
  expect(pipeline.deadlineMs).toBe(21_000);
  for (let i = 0; i < 3; i++) pipeline.handleBlock(BLOCK_BYTES, 2_000 + i * 100);
  // Too little was seen to expect more of it.
  expect(pipeline.deadlineMs).toBe(22_200);
  const { deadlineMs } = pipeline;
  expect(pipeline.handleTimeout(deadlineMs - 1)).toBe('ok');
  expect(pipeline.isSnubbed).toBe(false);
  expect(pipeline.handleTimeout(deadlineMs)).toBe('snubbed');
  expect(pipeline.desiredDepth()).toBe(1);
  expect(pipeline.outstanding).toBe(13);
  pipeline.handleLost(13);
  expect(pipeline.deadlineMs).toBe(Number.POSITIVE_INFINITY);
  pipeline.handleRequested(1, deadlineMs + 5);
  expect(pipeline.deadlineMs).toBe(deadlineMs + 5 + 60_000);
  pipeline.handleLateBlock(BLOCK_BYTES, deadlineMs + 10);
  expect(pipeline.outstanding).toBe(1);
  expect(pipeline.isSnubbed).toBe(false);
  expect(pipeline.desiredDepth()).toBe(5);
});

test('a peer that gave steadily is waited for the less, and one under a limit that others share the longer', () => {
  const waitAfter = (gapMs: number): number => {
    const pipeline = new RequestPipeline({ nowMs: 0 });
    pipeline.handleRequested(400, 0);
    let nowMs = 0;
    for (; nowMs < 30_000; nowMs += gapMs) pipeline.handleBlock(BLOCK_BYTES, nowMs);
    return pipeline.deadlineMs - (nowMs - gapMs);
  };
  expect(waitAfter(100)).toBe(5_000);
  // At 20 kB/s a block takes 820 ms, and eight at once 6.5 s.
  expect(waitAfter(820)).toBeGreaterThan(6_560);
  expect(waitAfter(820)).toBeLessThan(15_000);
});

test('idle time between two downloads costs no depth', () => {
  const { pipeline, samples } = run({ bytesPerSecond: 2_000_000, roundTripMs: 50 }, 10_000);
  const before = pipeline.desiredDepth();
  const nowMs = samples.at(-1)!.nowMs + 300_000;
  pipeline.handleLost(pipeline.outstanding);
  pipeline.handleRequested(before, nowMs);
  for (let i = 0; i < 100; i++) pipeline.handleBlock(BLOCK_BYTES, nowMs + 50 + i * 8);
  expect(pipeline.desiredDepth()).toBeGreaterThan(before * 0.9);
});

test('a limit of our own, which asks for one block now and then, neither hides the rate nor lets the depth grow', () => {
  const pipeline = new RequestPipeline({ nowMs: 0 });
  for (let nowMs = 0; nowMs < 60_000; nowMs += 800) {
    pipeline.handleRequested(1, nowMs);
    pipeline.handleBlock(BLOCK_BYTES, nowMs + 50);
  }
  expect(pipeline.downloadBytesPerSecond / (BLOCK_BYTES / 0.8)).toBeCloseTo(1, 1);
  expect(pipeline.desiredDepth()).toBeLessThan(12);
});

test.each([
  [0, 1],
  [1, 1],
  [3, 3],
  [OUTGOING_REQUESTS_MAX - 1, OUTGOING_REQUESTS_MAX - 1],
  [OUTGOING_REQUESTS_MAX, OUTGOING_REQUESTS_MAX],
  [OUTGOING_REQUESTS_MAX + 1, OUTGOING_REQUESTS_MAX],
  [PEER_REQUEST_QUEUE_MAX + 1, OUTGOING_REQUESTS_MAX],
  [-5, 1],
  [Number.NaN, 1],
  [2.7, 2],
])('reqq %d bounds the depth at %d', (peerRequestQueue, expected) => {
  const { samples } = run({ bytesPerSecond: 1e9, roundTripMs: 100, peerRequestQueue }, 2_000);
  expect(Math.max(...samples.map(({ outstanding }) => outstanding))).toBe(expected);
});

test('whatever happens, depth and time-out stay in their bounds', () => {
  const step = fc.record({ kind: fc.nat({ max: 4 }), number: fc.nat({ max: 600 }), waitMs: fc.nat({ max: 20_000 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const pipeline = new RequestPipeline({ nowMs: 0, peerRequestQueue: 300 });
      let nowMs = 0;
      for (const { kind, number, waitMs } of steps) {
        if (kind === 0) pipeline.handleRequested(number, nowMs);
        else if (kind === 1) pipeline.handleBlock(number * 40, nowMs);
        else if (kind === 2) pipeline.handleLost(number);
        else if (kind === 3) pipeline.handleLateBlock(number * 40, nowMs);
        else nowMs += waitMs;
        const due = pipeline.deadlineMs <= nowMs;
        expect(pipeline.handleTimeout(nowMs)).toBe(due ? 'snubbed' : 'ok');
        expect(pipeline.outstanding).toBeGreaterThanOrEqual(0);
        expect(pipeline.desiredDepth()).toBeGreaterThanOrEqual(1);
        expect(pipeline.desiredDepth()).toBeLessThanOrEqual(300);
        expect(pipeline.blockTimeoutMs).toBeGreaterThanOrEqual(5_000);
        expect(pipeline.blockTimeoutMs).toBeLessThanOrEqual(60_000);
        expect(pipeline.deadlineMs).toBeGreaterThan(nowMs);
      }
    }),
  );
});
