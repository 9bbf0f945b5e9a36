import { expect, test } from 'vitest';
import { Emitter } from './emitter.ts';

interface Events {
  tick: { count: number };
}

test('calls every listener, in order, until it unsubscribes', () => {
  const emitter = new Emitter<Events>(() => {});
  const seen: string[] = [];
  const stop = emitter.on('tick', ({ count }) => seen.push(`a${count}`));
  emitter.on('tick', ({ count }) => seen.push(`b${count}`));
  emitter.emit('tick', { count: 1 });
  stop();
  emitter.emit('tick', { count: 2 });
  expect(seen).toEqual(['a1', 'b1', 'b2']);
});

test('a listener that throws is reported and stops nobody', () => {
  const errors: unknown[] = [];
  const emitter = new Emitter<Events>((error) => errors.push(error));
  let reached = false;
  emitter.on('tick', () => {
    throw new Error('mine');
  });
  emitter.on('tick', () => {
    reached = true;
  });
  emitter.emit('tick', { count: 1 });
  expect(reached).toBe(true);
  expect(errors).toHaveLength(1);
});

test('a signal unsubscribes, also one that has aborted before', () => {
  const emitter = new Emitter<Events>(() => {});
  const controller = new AbortController();
  emitter.on('tick', () => {}, { signal: controller.signal });
  expect(emitter.hasListeners('tick')).toBe(true);
  controller.abort();
  expect(emitter.hasListeners('tick')).toBe(false);
  emitter.on('tick', () => {}, { signal: controller.signal });
  expect(emitter.hasListeners('tick')).toBe(false);
});
