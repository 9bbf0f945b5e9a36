import { expect, test } from 'vitest';
import { SimClock, VirtualClock } from '../../../sim/world/virtual-clock.ts';
import { type Flushable, FlushQueue } from './flush-queue.ts';

class Peer implements Flushable {
  flushes = 0;
  readonly bugs: unknown[] = [];
  onFlush: () => void = () => {};
  flush(): void {
    this.flushes++;
    this.onFlush();
  }
  handleBug(error: unknown): void {
    this.bugs.push(error);
  }
}

test('what is queued together is flushed together, once each, and the queue rests with no timer', () => {
  const virtual = new VirtualClock();
  const clock = new SimClock(virtual);
  const queue = new FlushQueue(clock);
  const peers = [new Peer(), new Peer()];
  for (const peer of [...peers, ...peers]) queue.add(peer);
  expect(peers[0]!.flushes).toBe(0);
  expect(clock.liveTimerCount).toBe(1);
  virtual.advanceBy(1);
  expect(peers.map(({ flushes }) => flushes)).toEqual([1, 1]);
  expect(clock.liveTimerCount).toBe(0);
});

test('what is queued during a flush is flushed in the next; who is removed is not; who fails fails alone', () => {
  const virtual = new VirtualClock();
  const clock = new SimClock(virtual);
  const queue = new FlushQueue(clock);
  const [again, failing, last, removed] = [new Peer(), new Peer(), new Peer(), new Peer()];
  again.onFlush = () => {
    if (again.flushes === 1) queue.add(again);
  };
  failing.onFlush = () => {
    throw new Error('mine');
  };
  for (const peer of [again, failing, last, removed]) queue.add(peer);
  queue.remove(removed);
  virtual.advanceBy(10);
  expect([again, failing, last, removed].map(({ flushes }) => flushes)).toEqual([2, 1, 1, 0]);
  expect(failing.bugs).toEqual([new Error('mine')]);
  queue.add(last);
  queue.remove(last);
  expect(clock.liveTimerCount).toBe(0);
});
