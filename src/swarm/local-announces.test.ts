import { expect, test } from 'vitest';
import { bytesToHex } from '../base/bytes.ts';
import { randomBelow, seededRandom } from '../base/random.ts';
import { LSD_DATAGRAM_INTERVAL_MS, LSD_HASHES_MAX, LSD_INTERVAL_MS } from '../protocol/limits.ts';
import { LocalAnnounces } from './local-announces.ts';

const hash = (index: number): Uint8Array => Uint8Array.of(index >> 8, index, ...new Uint8Array(18));

test('five torrents have a datagram each, a second apart; six share one', () => {
  for (const [count, sizes] of [
    [5, [1, 1, 1, 1, 1]],
    [6, [6]],
    [LSD_HASHES_MAX + 6, [LSD_HASHES_MAX, 6]],
  ] as const) {
    const announces = new LocalAnnounces();
    for (let i = 0; i < count; i++) announces.add(hash(i), 500);
    const seen: number[] = [];
    for (let nowMs = 1_000; nowMs < 10_000; nowMs = announces.deadlineMs) {
      expect(announces.poll(nowMs - 1)).toBeUndefined();
      seen.push(announces.poll(nowMs)!.length);
    }
    expect(seen).toEqual(sizes);
    expect(announces.deadlineMs).toBe(1_000 + LSD_INTERVAL_MS);
  }
});

test('whatever starts and stops, nothing is announced more often than its interval, and only what runs', () => {
  const random = seededRandom(2);
  const announces = new LocalAnnounces();
  const active = new Set<string>();
  const lastMs = new Map<string, number>();
  let lastDatagramMs = Number.NEGATIVE_INFINITY;
  let datagrams = 0;
  let nowMs = 0;
  for (let step = 0; step < 4_000; step++) {
    nowMs += randomBelow(random, 5_000);
    const infoHash = hash(randomBelow(random, 40));
    if (randomBelow(random, 3) > 0) {
      announces.add(infoHash, nowMs);
      active.add(bytesToHex(infoHash));
    } else {
      announces.remove(infoHash);
      active.delete(bytesToHex(infoHash));
    }
    for (let sent = announces.poll(nowMs); sent !== undefined; sent = announces.poll(nowMs)) {
      expect(nowMs - lastDatagramMs).toBeGreaterThanOrEqual(LSD_DATAGRAM_INTERVAL_MS);
      lastDatagramMs = nowMs;
      datagrams++;
      expect(sent.length).toBeLessThanOrEqual(LSD_HASHES_MAX);
      for (const key of sent.map(bytesToHex)) {
        expect(active.has(key)).toBe(true);
        expect(nowMs - (lastMs.get(key) ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(LSD_INTERVAL_MS);
        lastMs.set(key, nowMs);
      }
    }
  }
  expect(datagrams).toBeGreaterThan(100);
  for (const key of active) expect(nowMs - lastMs.get(key)!).toBeLessThan(LSD_INTERVAL_MS + 60_000);
});

test('nothing to announce, nothing to wait for', () => {
  const announces = new LocalAnnounces();
  expect(announces.deadlineMs).toBe(Number.POSITIVE_INFINITY);
  announces.add(hash(1), 0);
  expect(announces.poll(announces.deadlineMs)).toEqual([hash(1)]);
  announces.remove(hash(1));
  expect(announces.deadlineMs).toBe(Number.POSITIVE_INFINITY);
});
