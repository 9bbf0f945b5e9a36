// Goal: few slots where few fill the uplink, more where they do not. Method: an uplink as a function of the slots.
import { expect, test } from 'vitest';
import { UPLOAD_SLOTS_MAX, UPLOAD_SLOTS_MIN, UploadSlots } from './upload-slots.ts';

const MIB = 1024 * 1024;

interface Uplink {
  readonly bytesPerSecond: number;
  /** What one peer can take. */
  readonly peerBytesPerSecond?: number;
  readonly peers?: number;
  /** Of those that have a slot. */
  readonly idle?: number;
  readonly limitBytesPerSecond?: number;
}

/** So many seconds with that uplink; goes on from where an earlier call ended. */
class Play {
  readonly slots = new UploadSlots();
  nowMs = 0;
  sentBytes = 0;

  run(uplink: Uplink, seconds: number): number {
    const { peers = 200, idle = 0, peerBytesPerSecond = Number.POSITIVE_INFINITY } = uplink;
    const { limitBytesPerSecond = Number.POSITIVE_INFINITY } = uplink;
    for (let second = 0; second < seconds; second++) {
      const unchokedCount = Math.min(peers, this.slots.slots);
      const busyCount = Math.max(0, unchokedCount - idle);
      this.nowMs += 1_000;
      this.sentBytes += Math.min(
        uplink.bytesPerSecond,
        limitBytesPerSecond,
        busyCount === 0 ? 0 : busyCount * peerBytesPerSecond,
      );
      const waitingCount = peers - unchokedCount;
      this.slots.handleSample(
        { sentBytes: this.sentBytes, unchokedCount, busyCount, waitingCount, limitBytesPerSecond },
        this.nowMs,
      );
    }
    return this.slots.slots;
  }
}

test('a slow uplink that few can fill keeps few slots, for hours', () => {
  const play = new Play();
  let most = 0;
  for (let minute = 0; minute < 300; minute++) most = Math.max(most, play.run({ bytesPerSecond: 1.25e6 }, 60));
  expect(most).toBeLessThanOrEqual(UPLOAD_SLOTS_MIN + 1);
  expect(play.slots.hasSpare).toBe(false);
});

test('plenty for each: as many slots as there are, within seconds; fewer again when it is over, and not at once', () => {
  const play = new Play();
  expect(play.run({ bytesPerSecond: 1e9 }, 3)).toBe(UPLOAD_SLOTS_MAX);
  expect(play.run({ bytesPerSecond: 2 * MIB }, 20)).toBe(UPLOAD_SLOTS_MAX);
  expect(play.run({ bytesPerSecond: 2 * MIB }, 20)).toBeLessThanOrEqual(UPLOAD_SLOTS_MIN + 1);
  expect(new Play().run({ bytesPerSecond: 12.5 * MIB }, 5)).toBe(12);
});

test('peers that are slow to take: slots grow one by one until the uplink is full, and stay about there', () => {
  const play = new Play();
  const uplink = { bytesPerSecond: 600_000, peerBytesPerSecond: 50_000 };
  const grown = play.run(uplink, 1_800);
  expect(grown).toBeGreaterThanOrEqual(11);
  for (let minute = 0; minute < 60; minute++) expect(play.run(uplink, 60)).toBeLessThanOrEqual(15);
  // The peers have become fast: what does not help is taken away, in time.
  expect(play.run({ bytesPerSecond: 600_000 }, 4 * 3_600)).toBeLessThan(grown);
});

test('who has a slot and asks for nothing takes none from the others', () => {
  const play = new Play();
  expect(play.run({ bytesPerSecond: 1e6, idle: 3 }, 30)).toBe(UPLOAD_SLOTS_MIN + 3);
  expect(play.run({ bytesPerSecond: 1e6 }, 30)).toBe(UPLOAD_SLOTS_MIN);
  expect(play.run({ bytesPerSecond: 1e6, idle: 1_000 }, 90)).toBe(UPLOAD_SLOTS_MAX);
  expect(play.slots.hasSpare).toBe(true);
  play.run({ bytesPerSecond: 1e6 }, 5);
  expect(play.slots.hasSpare).toBe(false);
});

test.each([
  [10_000, 2],
  [20_000, 4],
  [100_000, UPLOAD_SLOTS_MIN],
  [1_000, 2],
])('under a limit of %i bytes per second there are %i slots', (limitBytesPerSecond, slots) => {
  expect(new Play().run({ bytesPerSecond: 1e9, limitBytesPerSecond }, 600)).toBe(slots);
});
