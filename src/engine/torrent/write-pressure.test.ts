import { expect, test } from 'vitest';
import { UNWRITTEN_TOTAL_MAX_BYTES } from '../../protocol/limits.ts';
import { type PressureListener, WritePressure } from './write-pressure.ts';

class Listener implements PressureListener {
  readonly calls: string[] = [];
  fails = false;
  handleDiskBusy(): void {
    this.calls.push('busy');
    if (this.fails) throw new Error('mine');
  }
  handleDiskReady(): void {
    this.calls.push('ready');
  }
  handleBug(): void {
    this.calls.push('bug');
  }
}

test('reading stops at the bound and goes on below half of it; each is told once', () => {
  const disk = { pendingWriteBytes: 0 };
  const pressure = new WritePressure(disk);
  const listener = new Listener();
  pressure.add(listener);
  const update = (bytes: number): boolean => {
    disk.pendingWriteBytes = bytes;
    pressure.update();
    return pressure.isBusy;
  };
  expect(update(UNWRITTEN_TOTAL_MAX_BYTES - 1)).toBe(false);
  expect(update(UNWRITTEN_TOTAL_MAX_BYTES)).toBe(true);
  expect(update(UNWRITTEN_TOTAL_MAX_BYTES + 1)).toBe(true);
  expect(update(UNWRITTEN_TOTAL_MAX_BYTES / 2)).toBe(true);
  expect(update(UNWRITTEN_TOTAL_MAX_BYTES / 2 - 1)).toBe(false);
  expect(update(0)).toBe(false);
  expect(listener.calls).toEqual(['busy', 'ready']);
});

test('a listener that fails answers for itself, and the others are told; one that was removed is not', () => {
  const disk = { pendingWriteBytes: UNWRITTEN_TOTAL_MAX_BYTES };
  const pressure = new WritePressure(disk);
  const [failing, other, removed] = [new Listener(), new Listener(), new Listener()];
  failing.fails = true;
  for (const listener of [failing, other, removed]) pressure.add(listener);
  pressure.remove(removed);
  pressure.update();
  expect([failing.calls, other.calls, removed.calls]).toEqual([['busy', 'bug'], ['busy'], []]);
});
