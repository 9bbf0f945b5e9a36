// Goal: an uplink sends exactly its rate, and shares it evenly. Method: senders that always have something to send.
import { expect, test } from 'vitest';
import { Downlink, Uplink, type UplinkSender } from './crowd-link.ts';
import { EventWheel } from './event-wheel.ts';

class Sender implements UplinkSender {
  nextInRound: UplinkSender | undefined = undefined;
  isInRound = false;
  sentBytes = 0;
  readonly nextBytes: number;
  readonly departures: number[] = [];
  readonly #uplink: Uplink;

  constructor(uplink: Uplink, nextBytes: number) {
    this.#uplink = uplink;
    this.nextBytes = nextBytes;
  }

  handleBegun(): void {
    // Counted when the bytes have left.
  }

  handleDeparted(atMs: number): void {
    this.sentBytes += this.nextBytes;
    this.departures.push(atMs);
    this.#uplink.offer(this);
  }
}

test('the rate is kept to the byte over any time, though events fall on whole milliseconds', () => {
  const wheel = new EventWheel();
  const uplink = new Uplink(wheel, 1_234_567);
  const senders = [1, 2, 3].map(() => new Sender(uplink, 16_397));
  for (const sender of senders) uplink.offer(sender);
  wheel.runUntil(() => false, 100_000);
  const sent = senders.reduce((sum, sender) => sum + sender.sentBytes, 0);
  expect(Math.abs(sent - 123_456_700)).toBeLessThanOrEqual(2 * 16_397);
  const [least = 0, , most = 0] = senders.map(({ sentBytes }) => sentBytes).sort((a, b) => a - b);
  expect(most - least).toBeLessThanOrEqual(16_397);
});

test('bytes that slip in between delay what follows by what they take', () => {
  const wheel = new EventWheel();
  const uplink = new Uplink(wheel, 1_000);
  const sender = new Sender(uplink, 100);
  uplink.offer(sender);
  uplink.charge(50);
  wheel.runUntil(() => sender.departures.length === 2, 10_000);
  expect(sender.departures).toEqual([100, 250]);
  expect(uplink.sentBytes).toBe(100 + 50 + 100 + 100);
});

test('a downlink delays what comes faster than it takes, and forgets the queue as time passes', () => {
  const downlink = new Downlink(1_000);
  expect(downlink.delayMs(100, 0)).toBe(100);
  expect(downlink.delayMs(100, 0)).toBe(200);
  expect(downlink.delayMs(100, 50)).toBe(250);
  expect(downlink.delayMs(100, 1_000)).toBe(100);
});
