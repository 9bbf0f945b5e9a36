// Goal: each choke rule gives its slots to whom its program would. Method: one peer for each rate, round by round.
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import type { ChokeRule } from '../../src/swarm/choker.ts';
import type { ChokerMode, ChokerPeer } from '../../src/swarm/choking/choker-peer.ts';
import { Aria2Choker } from './aria2.ts';
import { BittorrentClassicChoker } from './bittorrent-classic.ts';
import { LibtorrentChoker, LibtorrentRateBasedChoker } from './libtorrent.ts';
import { NeverUnchoke } from './never-unchoke.ts';
import { TransmissionChoker } from './transmission.ts';
import { variantParts } from './variants.ts';

interface Peer extends ChokerPeer {
  isUnchoked: boolean;
}

/** Peer `id` gives and takes `id` KiB/s. */
function peersOf(count: number): Peer[] {
  return Array.from({ length: count }, (_, id) => ({
    id,
    isInterested: true,
    isUnchoked: false,
    amInterested: true,
    downloadBytesPerSecond: id * 1_024,
    uploadBytesPerSecond: id * 1_024,
    downloadedBytes: 0,
    uploadedBytes: 0,
    connectedAtMs: 0,
    isSnubbed: false,
    uploadedSinceUnchoke: 0,
    unchokedAtMs: 0,
    isUploadOnly: false,
    haveRatio: 0,
    hidesPieces: false,
    passedOnRatio: undefined,
  }));
}

/** Carries out a round and returns who is unchoked after it. */
function round(rule: ChokeRule, peers: readonly Peer[], mode: ChokerMode, nowMs: number): number[] {
  const { choke, unchoke } = rule.round(peers, mode, nowMs);
  for (const id of choke) peers[id]!.isUnchoked = false;
  for (const id of unchoke) peers[id]!.isUnchoked = true;
  return peers.filter((peer) => peer.isUnchoked).map(({ id }) => id);
}

const random = seededRandom(3);

describe.each([
  ['bittorrent-classic', () => new BittorrentClassicChoker({ slots: 8, random }), 3, 1, 30_000],
  ['libtorrent', () => new LibtorrentChoker({ slots: 8, random }), 7, 1, 30_000],
  ['transmission', () => new TransmissionChoker({ slots: 8, random }), 14, 1, 40_000],
  ['aria2', () => new Aria2Choker({ slots: 8, random }), 3, 1, 30_000],
] as const)('%s', (_name, create, bestCount, optimisticCount, optimisticMs) => {
  test('leeching: the best givers, and an optimistic slot that moves in time', () => {
    const rule = create();
    const peers = peersOf(40);
    const best = peers.slice(-bestCount).map(({ id }) => id);
    const seen = new Set<number>();
    let lastMoveMs = Number.NaN;
    let before = -1;
    for (let nowMs = 0; nowMs < 3_600_000; nowMs = rule.nextRoundMs) {
      const unchoked = round(rule, peers, 'leeching', nowMs);
      expect(unchoked).toHaveLength(bestCount + optimisticCount);
      expect(unchoked).toEqual(expect.arrayContaining(best));
      const [optimistic = -1] = unchoked.filter((id) => !best.includes(id));
      if (optimistic !== before && !Number.isNaN(lastMoveMs)) {
        expect(nowMs - lastMoveMs).toBeGreaterThanOrEqual(optimisticMs);
      }
      if (optimistic !== before) lastMoveMs = nowMs;
      before = optimistic;
      seen.add(optimistic);
    }
    expect(seen.size).toBeGreaterThan(15);
  });

  test('nobody who wants nothing is unchoked, and nobody when there is nobody', () => {
    const rule = create();
    const peers = peersOf(3).map((peer) => ({ ...peer, isInterested: false }));
    expect(round(rule, peers, 'leeching', 0)).toEqual([]);
    expect(round(rule, [], 'seeding', 20_000)).toEqual([]);
  });
});

test('libtorrent seeding: who has had its quota makes room for who has waited', () => {
  const rule = new LibtorrentChoker({ slots: 8, random });
  const peers = peersOf(20);
  const first = round(rule, peers, 'seeding', 0);
  expect(first).toHaveLength(8);
  for (const id of first) Object.assign(peers[id]!, { uploadedSinceUnchoke: 21 * 2 ** 20, unchokedAtMs: 0 });
  const second = round(rule, peers, 'seeding', 90_000);
  expect(second.filter((id) => first.includes(id)).length).toBeLessThanOrEqual(1);
});

test('libtorrent rate based: a slot for each peer whose rate exceeds a threshold that rises by 2 KiB/s, and one more', () => {
  const rule = new LibtorrentRateBasedChoker({ slots: 8, random });
  const peers = peersOf(40);
  // Rates 39, 38, ... KiB/s against thresholds 1, 3, 5, ...: the thirteenth has 27 and needs 25, the fourteenth 26 and 27.
  expect(round(rule, peers, 'leeching', 0)).toHaveLength(15);
});

test('aria2 seeding: whom it let in lately stays, the fourth is drawn in two rounds of three', () => {
  const rule = new Aria2Choker({ slots: 8, random });
  const peers = peersOf(30);
  expect(round(rule, peers, 'seeding', 0)).toHaveLength(4);
  expect(round(rule, peers, 'seeding', 10_000)).toEqual(expect.arrayContaining([27, 28, 29]));
});

test('between rounds only some let anybody in; who never gives, never', () => {
  const peers = peersOf(3);
  const letIn = (rule: ChokeRule): boolean => rule.fill(peers, 0).includes(0);
  expect(letIn(new BittorrentClassicChoker({ slots: 8, random }))).toBe(true);
  expect(letIn(new LibtorrentChoker({ slots: 8, random }))).toBe(true);
  expect(letIn(new TransmissionChoker({ slots: 8, random }))).toBe(false);
  expect(letIn(new Aria2Choker({ slots: 8, random }))).toBe(false);
  const never = new NeverUnchoke();
  expect(letIn(never)).toBe(false);
  expect(round(never, peers, 'leeching', 0)).toEqual([]);
});

test('variants by name', () => {
  expect(variantParts('millrace', 'millrace')).toEqual({});
  expect(Object.keys(variantParts('aria2', 'random') ?? {})).toEqual(['createChoker', 'createChooser']);
  expect(variantParts('toString', 'millrace')).toBeUndefined();
  expect(variantParts('millrace', 'nothing')).toBeUndefined();
});
