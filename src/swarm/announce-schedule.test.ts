import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../base/random.ts';
import { TRACKER_NUM_WANT, TRACKER_TIERS_MAX, TRACKERS_PER_TIER_MAX } from '../protocol/limits.ts';
import type { AnnounceSuccess } from './announce-lane.ts';
import { type AnnounceOrder, AnnounceSchedule } from './announce-schedule.ts';

const MINUTE = 60_000;
const SUCCESS: AnnounceSuccess = {
  intervalMs: 30 * MINUTE,
  minIntervalMs: undefined,
  seedCount: 2,
  leecherCount: 3,
  peerCount: 5,
  warning: undefined,
  trackerId: undefined,
};

/** A schedule in virtual time, its orders collected as they come. */
class Rig {
  readonly schedule: AnnounceSchedule;
  nowMs = 0;
  readonly cancelled: number[] = [];

  constructor(tiers: readonly (readonly string[])[], options: { infoHashCount?: 1 | 2; seed?: number } = {}) {
    const random = seededRandom(options.seed ?? 1);
    this.schedule = new AnnounceSchedule({ random, infoHashCount: options.infoHashCount ?? 1 });
    for (const tier of tiers) this.schedule.addTier(tier, 0);
  }

  /** Orders since the last call. */
  orders(): AnnounceOrder[] {
    this.schedule.assertInvariants();
    const orders: AnnounceOrder[] = [];
    for (let output = this.schedule.poll(); output !== undefined; output = this.schedule.poll()) {
      if (output.type === 'announce') orders.push(output.order);
      else this.cancelled.push(output.announceId);
    }
    return orders;
  }

  only(): AnnounceOrder {
    const orders = this.orders();
    expect(orders).toHaveLength(1);
    return orders[0]!;
  }

  start(): AnnounceOrder[] {
    this.schedule.handleStart(this.nowMs);
    return this.orders();
  }

  succeed(order: AnnounceOrder, success: Partial<AnnounceSuccess> = {}): void {
    this.schedule.handleSuccess(order.announceId, { ...SUCCESS, ...success }, this.nowMs);
  }

  fail(order: AnnounceOrder, retryInMs?: number): void {
    this.schedule.handleFailure(order.announceId, { message: 'broken', retryInMs }, this.nowMs);
  }

  /** Jumps to the next deadline; returns how long that was. */
  jump(): number {
    const waitedMs = this.schedule.deadlineMs - this.nowMs;
    this.nowMs += waitedMs;
    this.schedule.handleDeadline(this.nowMs);
    return waitedMs;
  }
}

test('nothing is announced before the start; then every tier, one tracker each', () => {
  const rig = new Rig([['a', 'b'], ['c']]);
  expect(rig.orders()).toEqual([]);
  expect(rig.schedule.deadlineMs).toBe(Infinity);
  const orders = rig.start();
  expect(orders.map((order) => order.event)).toEqual(['started', 'started']);
  expect(orders.map((order) => order.numWant)).toEqual([TRACKER_NUM_WANT, TRACKER_NUM_WANT]);
  expect(['a', 'b']).toContain(orders[0]!.url);
  expect(orders[1]!.url).toBe('c');
});

test('a tier is shuffled: over many seeds each tracker is first about equally often', () => {
  const firsts = new Map<string, number>();
  for (let seed = 0; seed < 600; seed++) {
    const { url } = new Rig([['a', 'b', 'c']], { seed }).start()[0]!;
    firsts.set(url, (firsts.get(url) ?? 0) + 1);
  }
  for (const url of ['a', 'b', 'c']) expect(Math.abs(firsts.get(url)! - 200)).toBeLessThan(60);
});

// The example of BEP 12: [t1, t2, t3]; t2 answers: [t2, t1, t3]; then only t3 answers: [t3, t2, t1].
test('on failure the next tracker is asked at once, and the one that answers moves to the front', () => {
  const rig = new Rig([['a', 'b', 'c']]);
  const t1 = rig.start()[0]!;
  rig.fail(t1);
  const t2 = rig.only();
  rig.succeed(t2);
  const order = (): string[] => rig.schedule.status(rig.nowMs).map((status) => status.url);
  const t3 = ['a', 'b', 'c'].find((url) => url !== t1.url && url !== t2.url)!;
  expect(order()).toEqual([t2.url, t1.url, t3]);
  rig.jump();
  const again = rig.only();
  expect(again.url).toBe(t2.url);
  rig.fail(again);
  const second = rig.only();
  expect(second.url).toBe(t1.url);
  rig.fail(second);
  const third = rig.only();
  rig.succeed(third);
  expect(order()).toEqual([t3, t2.url, t1.url]);
});

test('a second failure in a tier waits for the back-off, which grows to an hour and is jittered', () => {
  const rig = new Rig([['a']]);
  let order = rig.start()[0]!;
  for (let n = 1; n <= 20; n++) {
    rig.fail(order);
    expect(rig.orders()).toEqual([]);
    const expectedMs = Math.min(5_000 * (1 + 2.5 * n * n), 3_600_000);
    const waitedMs = rig.jump();
    expect(waitedMs).toBeGreaterThanOrEqual(expectedMs);
    expect(waitedMs).toBeLessThanOrEqual(expectedMs * 1.5);
    order = rig.only();
    expect(order).toMatchObject({ event: 'started', failureCount: n });
  }
  const waits = Array.from({ length: 50 }, (_, seed) => {
    const other = new Rig([['a']], { seed });
    other.fail(other.start()[0]!);
    return other.schedule.deadlineMs;
  });
  expect(new Set(waits).size).toBe(50);
});

test('a tracker may ask for patience, or never to be asked again (BEP 31)', () => {
  const rig = new Rig([['a', 'b']]);
  rig.fail(rig.start()[0]!, 20 * MINUTE);
  const other = rig.only();
  rig.fail(other, Infinity);
  expect(rig.orders()).toEqual([]);
  const waitedMs = rig.jump();
  expect(waitedMs).toBeGreaterThanOrEqual(20 * MINUTE);
  expect(waitedMs).toBeLessThanOrEqual(30 * MINUTE);
  rig.fail(rig.only(), Infinity);
  expect(rig.schedule.deadlineMs).toBe(Infinity);
  expect(rig.schedule.status(0).map((status) => status.state)).toEqual(['disabled', 'disabled']);
  rig.schedule.handleStop();
  expect(rig.start()).toHaveLength(1);
});

test('a shorter "retry in" than the back-off changes nothing', () => {
  const rig = new Rig([['a']]);
  rig.fail(rig.start()[0]!, 1_000);
  expect(rig.schedule.deadlineMs).toBeGreaterThanOrEqual(17_500);
});

test('the interval is kept, and never undercut', () => {
  const rig = new Rig([['a']]);
  rig.succeed(rig.start()[0]!);
  const waitedMs = rig.jump();
  expect(waitedMs).toBeGreaterThanOrEqual(30 * MINUTE);
  expect(waitedMs).toBeLessThanOrEqual(31.5 * MINUTE);
  const order = rig.only();
  expect(order.event).toBe('none');
  rig.succeed(order, { intervalMs: 10 * MINUTE, minIntervalMs: 20 * MINUTE });
  expect(rig.jump()).toBeGreaterThanOrEqual(20 * MINUTE);
});

test.each([
  [undefined, 5],
  [10 * MINUTE, 10],
  [1_000, 1],
])('wanting peers announces early, after the minimum interval (%s)', (minIntervalMs, expectedMinutes) => {
  const rig = new Rig([['a']]);
  rig.schedule.handlePeersWanted(0);
  const order = rig.start()[0]!;
  rig.schedule.handlePeersWanted(rig.nowMs);
  expect(rig.orders()).toEqual([]);
  rig.succeed(order, { minIntervalMs });
  rig.schedule.handlePeersWanted(rig.nowMs);
  expect(rig.orders()).toEqual([]);
  expect(rig.jump()).toBe(expectedMinutes * MINUTE);
  expect(rig.only().event).toBe('none');
});

test('completed is told once, at once, to a tracker that knows us; one that does not hears started', () => {
  const rig = new Rig([['a'], ['b'], ['c']]);
  const [first, second, third] = rig.start();
  rig.succeed(first!);
  rig.fail(second!);
  rig.schedule.handleComplete(rig.nowMs);
  const completed = rig.only();
  expect(completed).toMatchObject({ url: 'a', event: 'completed' });
  rig.succeed(completed);
  rig.jump();
  expect(rig.only()).toMatchObject({ url: 'b', event: 'started' });
  rig.succeed(third!);
  rig.nowMs += 60 * MINUTE;
  rig.schedule.handleDeadline(rig.nowMs);
  expect(rig.orders().map(({ url, event }) => `${url} ${event}`)).toEqual(['a none', 'c none']);
});

test('completed survives a failed announce, and an announce that was under way', () => {
  const rig = new Rig([['a']]);
  rig.succeed(rig.start()[0]!);
  rig.jump();
  const regular = rig.only();
  rig.schedule.handleComplete(rig.nowMs);
  expect(rig.orders()).toEqual([]);
  rig.succeed(regular);
  const completed = rig.only();
  expect(completed.event).toBe('completed');
  rig.fail(completed);
  rig.jump();
  expect(rig.only().event).toBe('completed');
});

test('stop cancels what is under way and tells stopped where started was heard', () => {
  const rig = new Rig([['a'], ['b'], ['c']]);
  const [first, second, third] = rig.start();
  rig.succeed(first!, { trackerId: Uint8Array.of(7) });
  rig.fail(second!);
  rig.schedule.handleStop();
  const stopped = rig.only();
  expect(rig.cancelled).toEqual([third!.announceId]);
  expect(stopped).toMatchObject({ url: 'a', event: 'stopped', numWant: 0, trackerId: Uint8Array.of(7) });
  expect(rig.schedule.isIdle).toBe(false);
  expect(rig.schedule.deadlineMs).toBe(Infinity);
  rig.succeed(third!);
  rig.succeed(stopped);
  expect(rig.schedule.isIdle).toBe(true);
  expect(rig.orders()).toEqual([]);
  rig.nowMs += MINUTE;
  expect(rig.start().map((order) => order.event)).toEqual(['started', 'started', 'started']);
});

test('a stop that is not answered is given up on command', () => {
  const rig = new Rig([['a']]);
  rig.succeed(rig.start()[0]!);
  rig.schedule.handleStop();
  const stopped = rig.only();
  rig.schedule.handleStopTimeout();
  expect(rig.orders()).toEqual([]);
  expect(rig.cancelled).toEqual([stopped.announceId]);
  expect(rig.schedule.isIdle).toBe(true);
});

test('close cancels and tells nobody', () => {
  const rig = new Rig([['a'], ['b']]);
  const [first, second] = rig.start();
  rig.succeed(first!);
  rig.schedule.handleClose();
  expect(rig.orders()).toEqual([]);
  expect(rig.cancelled).toEqual([second!.announceId]);
  expect(rig.schedule.isIdle).toBe(true);
  expect(rig.schedule.deadlineMs).toBe(Infinity);
});

test('the info-hashes of a hybrid are announced, and fail, separately', () => {
  const rig = new Rig([['a', 'b']], { infoHashCount: 2 });
  const [v1, v2] = rig.start();
  expect([v1!.infoHashIndex, v2!.infoHashIndex]).toEqual([0, 1]);
  rig.succeed(v1!);
  rig.fail(v2!);
  const other = rig.only();
  expect(other.infoHashIndex).toBe(1);
  expect(other.url).not.toBe(v2!.url);
  rig.succeed(other, { seedCount: 9 });
  for (const status of rig.schedule.status(rig.nowMs)) expect(status.state).toBe('working');
  rig.schedule.handleStop();
  expect(rig.orders().map((order) => order.infoHashIndex)).toEqual([0, 1]);
});

test('a second info-hash that becomes known later is announced from then on', () => {
  const rig = new Rig([['a'], ['b']]);
  for (const order of rig.start()) rig.succeed(order);
  rig.schedule.handleSecondInfoHash(rig.nowMs);
  rig.schedule.handleSecondInfoHash(rig.nowMs);
  const orders = rig.orders();
  expect(orders.map(({ url, event, infoHashIndex }) => `${url} ${event} ${infoHashIndex}`)).toEqual([
    'a started 1',
    'b started 1',
  ]);
  rig.schedule.addTier(['c'], rig.nowMs);
  expect(rig.orders().map((order) => order.infoHashIndex)).toEqual([0, 1]);
  expect(rig.schedule.status(rig.nowMs).map((status) => status.url)).toEqual(['a', 'b', 'c']);
});

test('the status says what is known', () => {
  const rig = new Rig([['a'], ['b']]);
  expect(rig.schedule.status(0)).toMatchObject([
    { state: 'idle', nextAnnounceMs: undefined },
    { state: 'idle', nextAnnounceMs: undefined },
  ]);
  const [first, second] = rig.start();
  expect(rig.schedule.status(0)[0]!.state).toBe('announcing');
  rig.succeed(first!, { intervalMs: 20 * MINUTE, warning: 'careful' });
  rig.fail(second!);
  rig.nowMs = MINUTE / 6;
  const [working, failed] = rig.schedule.status(rig.nowMs);
  expect(working).toMatchObject({
    url: 'a',
    tier: 0,
    state: 'working',
    message: 'careful',
    seedCount: 2,
    peerCount: 5,
  });
  expect(working!.nextAnnounceMs).toBeGreaterThanOrEqual(20 * MINUTE - rig.nowMs);
  expect(failed).toMatchObject({ url: 'b', tier: 1, state: 'failed', message: 'broken', failureCount: 1 });
});

test('trackers are added while it runs; known ones and too many are left out', () => {
  const rig = new Rig([['a']]);
  rig.succeed(rig.start()[0]!);
  rig.schedule.addTier(['a', 'b', 'b'], rig.nowMs);
  expect(rig.only()).toMatchObject({ url: 'b', event: 'started' });
  expect(rig.schedule.addTracker('b', 0, 0)).toBe(false);
  expect(rig.schedule.addTracker('c', 7, 0)).toBe(false);
  expect(rig.schedule.addTracker('c', 1, 0)).toBe(true);
  for (let tier = 2; tier < TRACKER_TIERS_MAX + 3; tier++) {
    rig.schedule.addTier([`t${tier}`], 0);
    expect(rig.schedule.tierCount).toBe(Math.min(tier + 1, TRACKER_TIERS_MAX));
  }
  const large = (count: number): number => {
    const urls = Array.from({ length: count }, (_, index) => `u${index}`);
    return new Rig([urls]).schedule.status(0).length;
  };
  expect(large(TRACKERS_PER_TIER_MAX - 1)).toBe(TRACKERS_PER_TIER_MAX - 1);
  expect(large(TRACKERS_PER_TIER_MAX)).toBe(TRACKERS_PER_TIER_MAX);
  expect(large(TRACKERS_PER_TIER_MAX + 1)).toBe(TRACKERS_PER_TIER_MAX);
});

// Goal: whatever happens in whatever order, the rules hold and no tracker is hammered. Method: random commands and
// answers in virtual time; announces without an event to one tracker lie at least a minute apart, failures 17 s.
test('random lives keep the invariants and the distances', () => {
  const command = fc.record({
    kind: fc.constantFrom('start', 'stop', 'complete', 'more', 'answer', 'answer', 'answer', 'jump', 'jump', 'late'),
    succeeds: fc.boolean(),
    pick: fc.nat(9),
  });
  fc.assert(
    fc.property(
      fc.nat(),
      fc.constantFrom<1 | 2>(1, 2),
      fc.array(command, { maxLength: 60 }),
      (seed, count, commands) => {
        const rig = new Rig([['a', 'b'], ['c']], { seed, infoHashCount: count });
        const open: AnnounceOrder[] = [];
        const lastAtMs = new Map<string, number>();
        for (const { kind, succeeds, pick } of commands) {
          if (kind === 'start') rig.schedule.handleStart(rig.nowMs);
          else if (kind === 'stop') rig.schedule.handleStop();
          else if (kind === 'complete') rig.schedule.handleComplete(rig.nowMs);
          else if (kind === 'more') rig.schedule.handlePeersWanted(rig.nowMs);
          else if (kind === 'late') rig.fail({ ...(open[0] as AnnounceOrder), announceId: 10_000 });
          else if (kind === 'jump' && rig.schedule.deadlineMs !== Infinity) rig.jump();
          else if (open.length > 0) {
            const [order] = open.splice(pick % open.length, 1);
            if (succeeds) rig.succeed(order!);
            else rig.fail(order!);
          }
          if (kind === 'stop') lastAtMs.clear();
          for (const order of rig.orders()) {
            const key = `${order.url} ${order.infoHashIndex}`;
            if (order.event === 'none') expect(rig.nowMs - lastAtMs.get(key)!).toBeGreaterThanOrEqual(17_500);
            lastAtMs.set(key, rig.nowMs);
            open.push(order);
          }
        }
        rig.schedule.handleStop();
        for (const order of [...open, ...rig.orders()]) rig.fail(order);
        expect(rig.schedule.isIdle).toBe(true);
      },
    ),
  );
});
