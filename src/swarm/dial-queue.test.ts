import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  BAN_MS,
  BANS_MAX,
  DIAL_FAILURES_MAX,
  DIAL_SAME_ADDRESS_MS,
  PEER_LIST_MAX,
  RECONNECT_MAX_MS,
  RECONNECT_MIN_MS,
} from '../protocol/limits.ts';
import { BanList } from './ban-list.ts';
import { DialHistory } from './dial-history.ts';
import { type DialEndpoint, DialQueue } from './dial-queue.ts';
import type { PeerSource } from './peer-source.ts';

const at = (address: string, port = 6881): DialEndpoint => ({ address, port });
/** Distinct public addresses. */
const numbered = (n: number): DialEndpoint => at(`50.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`);

function fail(queue: DialQueue, endpoint: DialEndpoint, nowMs: number): void {
  queue.handleDialing(endpoint, nowMs);
  queue.handleFailed(endpoint, nowMs);
}

test('refuses what cannot be a peer', () => {
  const queue = new DialQueue();
  queue.setOwnEndpoints([at('50.0.0.1', 7000)]);
  const bad = [
    at('50.0.0.1', 0),
    at('50.0.0.1', 65_536),
    at('50.0.0.1', 1.5),
    at('50.0.0.1', 7000),
    at('0.0.0.0'),
    at('0.1.2.3'),
    at('224.0.0.1'),
    at('255.255.255.255'),
    at('::'),
    at('ff02::1'),
    at('example.org'),
    at('1.2.3'),
    at('1.2.3.256'),
    at(''),
  ];
  for (const endpoint of bad) expect(queue.add(endpoint, 'tracker', 0), JSON.stringify(endpoint)).toBe(false);
  const good = [
    at('50.0.0.1', 1),
    at('50.0.0.1', 65_535),
    at('127.0.0.1'),
    at('10.0.0.1'),
    at('::1'),
    at('2001:db8::1'),
  ];
  for (const endpoint of good) expect(queue.add(endpoint, 'tracker', 0), JSON.stringify(endpoint)).toBe(true);
  for (const endpoint of good) expect(queue.add(endpoint, 'tracker', 0)).toBe(false);
  queue.setOwnEndpoints([at('::1')]);
  expect(queue.count).toBe(good.length - 1);
});

test('better sources are dialled first, then the oldest; what is under way is not offered again', () => {
  const queue = new DialQueue();
  const sources: PeerSource[] = ['pex', 'dht', 'tracker', 'tracker', 'user', 'magnet'];
  for (const [i, source] of sources.entries()) queue.add(numbered(i), source, 0);
  const order: DialEndpoint[] = [];
  for (let candidate = queue.next(0); candidate !== undefined; candidate = queue.next(0)) {
    order.push(candidate.endpoint);
    queue.handleDialing(candidate.endpoint, 0);
  }
  expect(order).toEqual([4, 5, 2, 3, 1, 0].map(numbered));
  expect(queue.deadlineMs).toBe(Number.POSITIVE_INFINITY);
  for (const endpoint of order) queue.handleConnected(endpoint);
  expect(queue.next(1e9)).toBeUndefined();
});

test('waits longer after each failure, then forgets the address, gossip or not, for an hour', () => {
  const queue = new DialQueue();
  const endpoint = numbered(1);
  queue.add(endpoint, 'tracker', 0);
  let nowMs = 0;
  for (let failures = 1; failures < DIAL_FAILURES_MAX; failures++) {
    fail(queue, endpoint, nowMs);
    const waitMs = RECONNECT_MIN_MS * 2 ** (failures - 1);
    expect(queue.deadlineMs).toBe(nowMs + waitMs);
    expect(queue.next(nowMs + waitMs - 1)).toBeUndefined();
    nowMs += waitMs;
    expect(queue.next(nowMs)?.failureCount).toBe(failures);
  }
  fail(queue, endpoint, nowMs);
  expect(queue.deadlineMs).toBe(Number.POSITIVE_INFINITY);
  expect(queue.add(endpoint, 'pex', nowMs + RECONNECT_MAX_MS - 1)).toBe(false);
  expect(queue.next(nowMs + RECONNECT_MAX_MS - 1)).toBeUndefined();
  expect(queue.add(endpoint, 'pex', nowMs + RECONNECT_MAX_MS)).toBe(true);
  expect(queue.next(nowMs + RECONNECT_MAX_MS)?.endpoint).toEqual(endpoint);
});

test('a forgotten address that the tracker still lists gets one more try after the wait that would have come next', () => {
  const queue = new DialQueue();
  const endpoint = numbered(1);
  queue.add(endpoint, 'tracker', 0);
  for (let i = 0; i < DIAL_FAILURES_MAX; i++) fail(queue, endpoint, 0);
  const waitMs = RECONNECT_MIN_MS * 2 ** (DIAL_FAILURES_MAX - 1);
  expect(queue.add(endpoint, 'tracker', waitMs - 1)).toBe(false);
  expect(queue.add(endpoint, 'dht', waitMs)).toBe(false);
  expect(queue.add(endpoint, 'tracker', waitMs)).toBe(true);
  expect(queue.next(waitMs)?.endpoint).toEqual(endpoint);
  fail(queue, endpoint, waitMs);
  expect(queue.deadlineMs).toBe(Number.POSITIVE_INFINITY);
  expect(queue.add(endpoint, 'tracker', 2 * waitMs - 1)).toBe(false);
  expect(queue.add(endpoint, 'tracker', 2 * waitMs)).toBe(true);
});

test('an address that the user gave is tried soon, ever more rarely, and never forgotten', () => {
  const queue = new DialQueue();
  const endpoint = at('127.0.0.1');
  queue.add(endpoint, 'user', 0);
  let nowMs = 0;
  const waits: number[] = [];
  for (let i = 0; i < 14; i++) {
    fail(queue, endpoint, nowMs);
    waits.push(queue.deadlineMs - nowMs);
    nowMs = queue.deadlineMs;
  }
  expect(waits.slice(0, 4)).toEqual([5_000, 10_000, 20_000, 40_000]);
  expect(waits.at(-1)).toBe(RECONNECT_MAX_MS);
});

test('named by the user, an address that waits is dialled at once, one in use is left alone', () => {
  const queue = new DialQueue();
  for (let failures = 1; failures <= DIAL_FAILURES_MAX; failures++) {
    queue.add(numbered(failures), 'tracker', 0);
    for (let i = 0; i < failures; i++) fail(queue, numbered(failures), 0);
    expect(queue.next(0)).toBeUndefined();
    expect(queue.add(numbered(failures), 'tracker', 0)).toBe(false);
    expect(queue.add(numbered(failures), 'user', 0)).toBe(true);
    expect(queue.next(0)).toEqual({ endpoint: numbered(failures), source: 'user', failureCount: 0 });
    queue.handleDialing(numbered(failures), 0);
    expect(queue.add(numbered(failures), 'user', 0)).toBe(false);
    expect(queue.next(0)).toBeUndefined();
  }
});

test('an address that is ourselves stays out, whoever names it', () => {
  const queue = new DialQueue();
  queue.add(numbered(1), 'pex', 0);
  queue.handleDialing(numbered(1), 0);
  queue.remove(numbered(1));
  queue.handleClosed(numbered(1), 0, false);
  queue.handleClosed(numbered(1), 0, true);
  for (const source of ['pex', 'tracker', 'user'] as const) expect(queue.add(numbered(1), source, 1e12)).toBe(false);
  expect(queue.next(1e12)).toBeUndefined();
  expect(queue.deadlineMs).toBe(Number.POSITIVE_INFINITY);
});

test('a useful connection clears the record, a useless one adds to it', () => {
  const queue = new DialQueue();
  const endpoint = numbered(1);
  queue.add(endpoint, 'tracker', 0);
  fail(queue, endpoint, 0);
  queue.handleDialing(endpoint, 100_000);
  queue.handleConnected(endpoint);
  queue.handleClosed(endpoint, 200_000, true);
  expect(queue.next(200_000 + RECONNECT_MIN_MS)?.failureCount).toBe(0);
  queue.handleClosed(endpoint, 300_000, false);
  expect(queue.next(300_000 + RECONNECT_MIN_MS)?.failureCount).toBe(1);
});

test('one public address is dialled once a minute, whatever its ports; private and user-given ones as often as asked', () => {
  const queue = new DialQueue();
  for (let port = 1; port <= 100; port++) queue.add(at('50.1.1.1', port), 'pex', 0);
  let dials = 0;
  for (let nowMs = 0; nowMs < 10 * DIAL_SAME_ADDRESS_MS; nowMs += 1_000) {
    const candidate = queue.next(nowMs);
    if (candidate === undefined) continue;
    expect(queue.deadlineMs).toBeLessThanOrEqual(nowMs);
    queue.handleDialing(candidate.endpoint, nowMs);
    dials++;
  }
  expect(dials).toBe(10);
  for (const [address, source] of [
    ['127.0.0.1', 'tracker'],
    ['192.168.1.5', 'pex'],
    ['50.2.2.2', 'user'],
  ] as const) {
    for (const port of [1, 2, 3]) {
      queue.add(at(address, port), source, 0);
      expect(queue.next(0)?.endpoint).toEqual(at(address, port));
      queue.handleDialing(at(address, port), 0);
    }
  }
});

test('bans hold for every port and for their time, and the list of them is bounded', () => {
  const bans = new BanList();
  const queue = new DialQueue({ bans });
  for (const port of [1, 2]) queue.add(at('50.1.1.1', port), 'tracker', 0);
  queue.add(at('50.1.1.2'), 'tracker', 0);
  queue.ban('50.1.1.1', 5);
  expect(queue.count).toBe(1);
  expect(queue.add(at('50.1.1.1', 3), 'user', 5 + BAN_MS - 1)).toBe(false);
  expect(new DialQueue({ bans }).isBanned('50.1.1.1', 6)).toBe(true);
  expect(queue.add(at('50.1.1.1', 3), 'user', 5 + BAN_MS)).toBe(true);
  for (let i = 0; i < BANS_MAX - 1; i++) bans.ban(`a${i}`, 10);
  bans.ban('last', 10);
  expect(bans.count).toBe(BANS_MAX);
  expect(bans.isBanned('a0', 11)).toBe(true);
  bans.ban('one more', 10);
  expect(bans.count).toBe(BANS_MAX);
  expect(bans.isBanned('a0', 11)).toBe(false);
  expect(bans.isBanned('a1', 11)).toBe(true);
});

test('the list is bounded: failures and gossip make room, better sources are kept', () => {
  const queue = new DialQueue();
  for (let i = 0; i < PEER_LIST_MAX - 1; i++) queue.add(numbered(i), i === 7 ? 'pex' : 'tracker', 0);
  expect(queue.count).toBe(PEER_LIST_MAX - 1);
  expect(queue.add(numbered(90_000), 'tracker', 0)).toBe(true);
  expect(queue.count).toBe(PEER_LIST_MAX);
  // The pex address gives way, to pex as well; then no pex address gets in.
  expect(queue.add(numbered(90_001), 'pex', 0)).toBe(true);
  expect(queue.add(numbered(90_002), 'tracker', 0)).toBe(true);
  expect(queue.add(numbered(90_003), 'pex', 0)).toBe(false);
  // One that failed gives way to anything; one that is in use never does.
  queue.handleDialing(numbered(0), 0);
  fail(queue, numbered(1), 0);
  expect(queue.add(numbered(90_004), 'pex', 0)).toBe(true);
  expect(queue.add(numbered(90_005), 'user', 0)).toBe(true);
  expect(queue.add(numbered(90_006), 'user', 0)).toBe(true);
  expect(queue.count).toBe(PEER_LIST_MAX);
  expect(queue.add(numbered(0), 'tracker', 0)).toBe(false);
  expect(queue.add(numbered(1), 'tracker', 0)).toBe(true);
});

test('whatever happens, only idle addresses that are due are offered, and the deadline says when', () => {
  const kinds = ['add', 'next', 'connected', 'failed', 'closed', 'ban', 'wait', 'wait'] as const;
  const step = fc.record({ kind: fc.constantFrom(...kinds), n: fc.nat({ max: 6 }), waitMs: fc.nat({ max: 90_000 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const queue = new DialQueue();
      const busy = new Set<string>();
      let nowMs = 0;
      for (const { kind, n, waitMs } of steps) {
        const endpoint = at('50.1.1.1', n + 1);
        const key = `${n + 1}`;
        if (kind === 'add') queue.add(endpoint, n % 2 === 0 ? 'user' : 'pex', nowMs);
        else if (kind === 'connected' && busy.has(key)) queue.handleConnected(endpoint);
        else if (kind === 'failed' && busy.delete(key)) queue.handleFailed(endpoint, nowMs);
        else if (kind === 'closed' && busy.delete(key)) queue.handleClosed(endpoint, nowMs, n < 3);
        else if (kind === 'wait') nowMs += waitMs;
        else if (kind === 'ban' && n === 0) {
          queue.ban('50.1.1.1', nowMs);
          busy.clear();
        } else if (kind === 'next') {
          const candidate = queue.next(nowMs);
          expect(candidate !== undefined).toBe(queue.deadlineMs <= nowMs);
          if (candidate === undefined) continue;
          expect(busy.has(`${candidate.endpoint.port}`)).toBe(false);
          busy.add(`${candidate.endpoint.port}`);
          queue.handleDialing(candidate.endpoint, nowMs);
        }
      }
    }),
  );
});

test('of equals the one with the highest priority is dialled first, and a change of priorities is seen', () => {
  let sign = 1;
  const queue = new DialQueue({ priorityOf: ({ port }) => sign * port });
  for (const port of [5, 9, 7]) queue.add(at('10.0.0.7', port), 'tracker', 0);
  queue.add(at('10.0.0.8', 1), 'user', 0);
  expect(queue.next(0)?.endpoint.port).toBe(1);
  queue.handleDialing(at('10.0.0.8', 1), 0);
  expect(queue.next(0)?.endpoint.port).toBe(9);
  sign = -1;
  expect(queue.next(0)?.endpoint.port).toBe(9);
  queue.handlePrioritiesChanged();
  expect(queue.next(0)?.endpoint.port).toBe(5);
  expect(queue.hasFresh(0)).toBe(true);
  for (const port of [5, 9, 7]) fail(queue, at('10.0.0.7', port), 0);
  expect([queue.next(70_000)?.endpoint.port, queue.hasFresh(70_000)]).toEqual([5, false]);
});

test('one address is dialled once a minute by all torrents together, until it has turned out to be a peer', () => {
  const history = new DialHistory();
  const earlier: number[] = [];
  const queues = [1, 2, 3].map((id) => new DialQueue({ history, onEarlier: () => earlier.push(id) }));
  const peer = at('50.1.1.1');
  for (const queue of queues) queue.add(peer, 'tracker', 0);
  const [first, second, third] = queues as [DialQueue, DialQueue, DialQueue];
  first.handleDialing(peer, 100);
  expect([second.next(100), second.deadlineMs]).toEqual([undefined, 60_100]);
  // Where nobody answers, and on other ports as well.
  first.handleFailed(peer, 10_100, 'timed-out');
  third.add(at('50.1.1.1', 9), 'pex', 20_000);
  expect([second.next(20_000), third.next(20_000)]).toEqual([undefined, undefined]);
  second.handleDialing(peer, 60_100);
  expect(third.next(60_100)).toBeUndefined();
  second.handleConnected(peer);
  second.handleGreeted(peer);
  expect(earlier).toContain(3);
  expect([third.deadlineMs, third.next(60_200)?.endpoint]).toEqual([0, peer]);
});

test('who was not needed is not dialled until something is wanted again, and makes room before others', () => {
  const queue = new DialQueue();
  const [unneeded, other] = [at('10.0.0.7'), at('10.0.0.8')];
  queue.add(unneeded, 'tracker', 0);
  queue.handleDialing(unneeded, 0);
  queue.handleConnected(unneeded);
  queue.handleUnneeded(unneeded);
  expect([queue.deadlineMs, queue.add(unneeded, 'tracker', 9_000_000)]).toEqual([Number.POSITIVE_INFINITY, false]);
  queue.add(other, 'tracker', 10);
  expect(queue.next(10)?.endpoint).toEqual(other);
  queue.handleDialing(other, 10);
  queue.handleNeeded(20);
  expect(queue.next(20)?.endpoint).toEqual(unneeded);
  queue.handleDialing(unneeded, 20);
  queue.handleUnneeded(unneeded);
  for (let i = 0; queue.count < PEER_LIST_MAX; i++) queue.add(numbered(i), 'tracker', 30);
  expect(queue.add(numbered(90_000), 'pex', 30)).toBe(true);
  queue.handleNeeded(40);
  expect(queue.add(unneeded, 'tracker', 40)).toBe(true);
});

test('an address that we gave up ourselves is dialled again at once, and has not failed', () => {
  const queue = new DialQueue();
  const lan = at('10.0.0.7'); // For public ones, once a minute holds all the same.
  queue.add(lan, 'tracker', 0);
  for (let round = 0; round < 2 * DIAL_FAILURES_MAX; round++) {
    expect(queue.next(round)?.endpoint).toEqual(lan);
    queue.handleDialing(lan, round);
    expect(queue.next(round)).toBeUndefined();
    queue.handleGivenUp(lan, round);
  }
  expect(queue.next(100)?.failureCount).toBe(0);
});
