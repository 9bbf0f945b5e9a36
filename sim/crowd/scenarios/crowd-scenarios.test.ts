// Goal: every scenario runs, breaks no rule, and its figures do not fall behind. Method: small crowds under fixed seeds.
// The marks here are what the engine holds in crowds this small, with some room; the project's goals are for large ones.
import { describe, expect, test } from 'vitest';
import { nodeCrypto } from '../../testing/node-crypto.ts';
import { CHOKER_VARIANTS, PICKER_VARIANTS, variantParts } from '../../variants/variants.ts';
import type { CrowdOptions } from '../crowd-options.ts';
import { plotsOf, reportLines, tableRows } from '../crowd-report.ts';
import { type CrowdResult, type CrowdScenario, runCrowdScenario } from '../crowd-scenario.ts';
import { churn } from './churn.ts';
import { flashCrowd } from './flash-crowd.ts';
import { freeRiders } from './free-riders.ts';
import { greedy } from './greedy.ts';
import { poisoned } from './poisoned.ts';
import { stream } from './stream.ts';
import { superSeed } from './super-seed.ts';

/** 8 MiB in 64 pieces over 2 Mbit/s: half a minute at best. */
function run(scenario: CrowdScenario, more: Partial<CrowdOptions> = {}): CrowdResult {
  return runCrowdScenario(scenario, {
    seed: 1,
    crypto: nodeCrypto(),
    peerCount: 30,
    pieceCount: 64,
    pieceLengthBytes: 131_072,
    uploadMbit: 2,
    downloadMbit: 20,
    capacities: 'equal',
    natRatio: 0,
    connectionsMax: 50,
    blocksPerTurn: 1,
    rules: {},
    ...more,
  });
}

function figure({ figures }: CrowdResult, name: string): number {
  const found = figures.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no figure "${name}"`);
  return found.value;
}

interface Mark {
  readonly scenario: CrowdScenario;
  readonly options?: Partial<CrowdOptions>;
  readonly atMost: Readonly<Record<string, number>>;
  readonly atLeast?: Readonly<Record<string, number>>;
}

const MARKS: readonly Mark[] = [
  { scenario: flashCrowd, atMost: { 'last leecher over bound': 1.6, 'duplicate bytes': 0.01 } },
  { scenario: superSeed, atMost: { 'copies before the first leecher completes': 1.4 } },
  {
    scenario: freeRiders,
    atMost: { 'median contributor over bound': 1.4 },
    atLeast: { 'free rider over contributor': 1.5 },
  },
  {
    scenario: poisoned,
    atMost: { 'lost bytes': 0.05, 'duplicate bytes': 0.01, 'of them banned by nobody': 0, 'bans of honest peers': 0 },
  },
  { scenario: churn, atMost: { 'cost in time, median': 0.2 } },
  {
    scenario: stream,
    options: { peerCount: 8 },
    atMost: {
      'whole, deadlines: waited in all': 8,
      'jump, deadlines: waited in all': 4,
      'silent source, deadlines: stalled': 1,
      'silent source, deadlines: duplicates': 0.07,
    },
  },
  { scenario: greedy, options: { peerCount: 10 }, atMost: { 'time lost by the honest, median': 0.25 } },
];

describe.each(MARKS)('$scenario.name: $scenario.about', ({ scenario, options, atMost, atLeast = {} }) => {
  test('its figures', () => {
    const result = run(scenario, options);
    expect(result.problems).toEqual([]);
    for (const [name, most] of Object.entries(atMost)) expect(figure(result, name), name).toBeLessThanOrEqual(most);
    for (const [name, least] of Object.entries(atLeast)) {
      expect(figure(result, name), name).toBeGreaterThanOrEqual(least);
    }
    for (const { value } of result.figures) expect(value).not.toBeNaN();
    for (const outcome of result.outcomes) expect(outcome.samples.length).toBeGreaterThan(10);
    expect(reportLines(result).join('\n')).toContain(result.figures[0]!.name);
    expect([...plotsOf(result).values()].join()).not.toContain('NaN');
  });
});

test.each([1, 2, 3])('with deadlines a viewer waits less than in any order that knows of none (seed %i)', (seed) => {
  const result = run(stream, { peerCount: 8, seed });
  for (const story of ['whole', 'jump', 'silent source']) {
    const waited = (order: string): number => figure(result, `${story}, ${order}: waited in all`);
    expect(waited('deadlines'), story).toBeLessThan(0.7 * Math.min(waited('sequential'), waited('rarest first')));
  }
});

test('a seed is a history: the same again, another one with another seed', () => {
  const [first, again, other] = [7, 7, 8].map((seed) => run(flashCrowd, { seed, peerCount: 12 }));
  expect(again).toEqual(first);
  expect(other!.figures).not.toEqual(first!.figures);
  const rows = tableRows([first!, other!]);
  expect(rows).toHaveLength(first!.figures.length);
  expect(rows[1]).toMatch(/^\| last leecher over bound \| \d\.\d{3} \(\d\.\d{3} to \d\.\d{3}\) \|$/);
});

test('nobody sends more than its uplink carries, and what is sent is received', () => {
  const { outcomes } = run(flashCrowd, { capacities: 'broadband', peerCount: 20 });
  const [{ peers, virtualMs } = { peers: [], virtualMs: 0 }] = outcomes;
  let sent = 0;
  let received = 0;
  for (const { uploadMbit, uploadedBytes, downloadedBytes } of peers) {
    // Bytes count when they are handed to the socket: half a second of them may still wait there.
    expect(uploadedBytes).toBeLessThanOrEqual(uploadMbit * 125_000 * (virtualMs / 1_000 + 1) + 8 * 131_072);
    sent += uploadedBytes;
    received += downloadedBytes;
  }
  expect(received).toBeLessThanOrEqual(sent);
  expect(received).toBeGreaterThan(sent * 0.97);
});

test('half of them behind NAT, and pieces larger than a slab: everybody gets everything', () => {
  const { problems } = run(flashCrowd, { natRatio: 0.5, pieceCount: 8, pieceLengthBytes: 2_097_152, peerCount: 20 });
  expect(problems).toEqual([]);
});

test.each(Object.keys(CHOKER_VARIANTS))('with the choke rule %s everybody gets everything', (choker) => {
  const { problems } = run(flashCrowd, { rules: variantParts(choker, 'millrace')!, peerCount: 15 });
  expect(problems).toEqual([]);
});

test.each(Object.keys(PICKER_VARIANTS))('with the pick rule %s everybody gets everything', (picker) => {
  const { problems } = run(flashCrowd, { rules: variantParts('millrace', picker)!, peerCount: 15 });
  expect(problems).toEqual([]);
});
