import { expect, test } from 'vitest';
import { Waiters } from './waiters.ts';

test('a condition that holds already is met at once; another when it comes true at an update', async () => {
  const waiters = new Waiters();
  await waiters.wait(() => true);
  let isMet = false;
  const settled: string[] = [];
  const waiting = waiters.wait(() => isMet).then(() => settled.push('met'));
  waiters.update();
  await Promise.resolve();
  expect(settled).toEqual([]);
  isMet = true;
  waiters.update();
  await waiting;
  expect(settled).toEqual(['met']);
});

test('an abort rejects with its reason, before or while waiting, and what comes later changes nothing', async () => {
  const waiters = new Waiters();
  const reason = new Error('enough');
  await expect(waiters.wait(() => true, AbortSignal.abort(reason))).rejects.toBe(reason);
  const controller = new AbortController();
  const waiting = waiters.wait(() => false, controller.signal);
  controller.abort(reason);
  waiters.rejectAll(new Error('later'));
  waiters.update();
  await expect(waiting).rejects.toBe(reason);
});

test('all who wait can be refused, and nobody is left', async () => {
  const waiters = new Waiters();
  const reason = new Error('removed');
  let asked = 0;
  const all = [1, 2, 3].map(() =>
    waiters.wait(() => {
      asked++;
      return false;
    }),
  );
  waiters.rejectAll(reason);
  for (const waiting of all) await expect(waiting).rejects.toBe(reason);
  const before = asked;
  waiters.update();
  expect(asked).toBe(before);
});
