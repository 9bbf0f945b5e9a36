import { expect, test } from 'vitest';
import { connectionForNewcomer, connectionsToReplace, type RankedConnection } from './connection-ranking.ts';

const NOW_MS = 1_000_000;
const NEVER = Number.NEGATIVE_INFINITY;
let count = 0;

function connection(changes: Partial<RankedConnection> = {}): RankedConnection {
  const base = { connectedAtMs: 0, exchangedAtMs: NEVER, amInterested: false, isInterested: false, priority: 100 };
  return { ...base, network: `network ${++count}`, ...changes };
}

const STRANGER = { network: 'elsewhere', priority: 50 };

test('a newcomer takes the place of one that is worth less, if its priority is higher', () => {
  const useless = connection({ priority: 10 });
  const waiting = connection({ priority: 5, amInterested: true });
  const former = connection({ priority: 1, exchangedAtMs: NOW_MS - 60_000 });
  const all = [former, waiting, useless];
  expect(connectionForNewcomer(all, STRANGER, NOW_MS)).toBe(useless);
  expect(connectionForNewcomer([former, waiting], STRANGER, NOW_MS)).toBe(waiting);
  expect(connectionForNewcomer(all, { ...STRANGER, priority: 6 }, NOW_MS)).toBe(waiting);
  expect(connectionForNewcomer(all, { ...STRANGER, priority: 1 }, NOW_MS)).toBeUndefined();
  const twin = connection({ priority: 9 });
  expect(connectionForNewcomer([useless, twin], STRANGER, NOW_MS)).toBe(twin);
});

test('who gives or takes, and who has just come, stays', () => {
  const giver = connection({ priority: 1, exchangedAtMs: NOW_MS - 19_999 });
  const fresh = connection({ priority: 1, connectedAtMs: NOW_MS - 9_999 });
  expect(connectionForNewcomer([giver, fresh], STRANGER, NOW_MS)).toBeUndefined();
  expect(connectionForNewcomer([giver, fresh], STRANGER, NOW_MS + 1)).toBeDefined();
});

test('of a network that has more than the newcomer`s one goes, whatever the priorities; no network pushes itself out', () => {
  const crowd = [3, 2, 1].map((priority) => connection({ network: 'crowd', priority: 1_000 + priority }));
  const lone = connection({ priority: 1 });
  expect(connectionForNewcomer([lone, ...crowd], STRANGER, NOW_MS)).toBe(crowd[2]);
  expect(connectionForNewcomer(crowd, { network: 'crowd', priority: 1_002 }, NOW_MS)).toBe(crowd[2]);
  expect(connectionForNewcomer(crowd, { network: 'crowd', priority: 1 }, NOW_MS)).toBeUndefined();
  // On a private network many peers are no sign of one owner.
  const local = [1, 2, 3].map(() => connection({ network: undefined, priority: 60 }));
  expect(connectionForNewcomer(local, STRANGER, NOW_MS)).toBeUndefined();
});

test('a turnover takes the worst, never one that may still become useful, and no more than it may', () => {
  const useless = [1, 2, 3].map((priority) => connection({ priority }));
  const waiting = connection({ isInterested: true });
  const resting = connection({ exchangedAtMs: NOW_MS - 299_999 });
  const former = connection({ exchangedAtMs: NOW_MS - 300_000, priority: 1 });
  const fresh = connection({ connectedAtMs: NOW_MS - 119_999, priority: 0 });
  const all = [resting, former, waiting, fresh, ...useless];
  const replaced = (count: number, isSeeding = false): RankedConnection[] =>
    connectionsToReplace(all, { count, ageMinMs: 120_000, isSeeding }, NOW_MS);
  expect(replaced(2)).toEqual(useless.slice(0, 2));
  expect(replaced(9)).toEqual([...useless, waiting, former]);
  // Who waits for a slot of a seed is what the seed is there for.
  expect(replaced(9, true)).toEqual([...useless, former]);
});
