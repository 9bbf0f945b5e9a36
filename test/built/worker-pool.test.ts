import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type JobOutcome, type PoolResource, WorkerPool } from '../../src/node/disk/worker-pool.ts';
import { bundleWorker } from './built.ts';

type Job = Record<string, unknown>;
const folder = mkdtempSync(join(tmpdir(), 'millrace-worker-pool-'));
const echoWorker = pathToFileURL(join(folder, 'echo-worker.mjs'));

beforeAll(() => bundleWorker('echo-worker', join(folder, 'echo-worker.mjs')));
afterAll(() => rmSync(folder, { recursive: true }));

async function withPool(threadsMax: number, use: (pool: WorkerPool<Job, unknown>) => Promise<void>): Promise<void> {
  const pool = new WorkerPool<Job, unknown>({ url: echoWorker, threadsMax });
  await use(pool);
  await new Promise<void>((resolve) => pool.close(resolve));
  expect(pool.threadCount).toBe(0);
  expect(pool.pendingCount).toBe(0);
}

function run(
  pool: WorkerPool<Job, unknown>,
  job: Job,
  cost = 0,
  resources: PoolResource[] = [],
): Promise<JobOutcome<unknown>> {
  return new Promise((resolve) => pool.run(job, { cost, resources }, resolve));
}

test('every job is answered with its own answer, over several threads', async () => {
  await withPool(3, async (pool) => {
    const jobs = Array.from({ length: 500 }, (_, number) => ({ number }));
    const outcomes = await Promise.all(jobs.map((job) => run(pool, job, 1 << 20)));
    expect(outcomes).toEqual(jobs.map((answer) => ({ ok: true, answer })));
    expect(pool.threadCount).toBe(3);
  });
});

test('little work stays on one thread', async () => {
  await withPool(3, async (pool) => {
    await Promise.all(Array.from({ length: 100 }, (_, number) => run(pool, { number }, 1024)));
    expect(pool.threadCount).toBe(1);
  });
});

test('a thread started ahead says when it is ready, and then takes jobs', async () => {
  await withPool(2, async (pool) => {
    await new Promise<void>((onReady) => pool.startThread(onReady));
    expect([pool.threadCount, pool.readyThreadCount]).toEqual([1, 1]);
    let isReady = false;
    pool.startThread(() => {
      isReady = true;
    });
    expect([pool.threadCount, pool.readyThreadCount]).toEqual([2, 1]);
    pool.startThread(() => expect.unreachable('there are two already'));
    // While it starts, the other thread has all the jobs.
    expect(await run(pool, { number: 1 }, 1 << 30)).toMatchObject({ ok: true });
    await vi.waitFor(() => expect(isReady).toBe(true));
    expect(pool.readyThreadCount).toBe(2);
  });
});

test('an exception fails its job alone', async () => {
  await withPool(1, async (pool) => {
    const [failed, fine] = await Promise.all([run(pool, { type: 'throw', text: 'no' }), run(pool, { a: 1 })]);
    expect(failed).toEqual({ ok: false, message: 'no' });
    expect(fine).toEqual({ ok: true, answer: { a: 1 } });
  });
});

test('a resource is there before the job that lists it, and gone once forgotten', async () => {
  await withPool(1, async (pool) => {
    const first = { id: pool.nextResourceId(), value: 'first' };
    const second = { id: pool.nextResourceId(), value: 'second' };
    expect(await run(pool, { type: 'held' }, 0, [first, second])).toMatchObject({ answer: [first.id, second.id] });
    pool.forget(first.id);
    expect(await run(pool, { type: 'held' }, 0, [second])).toMatchObject({ answer: [second.id] });
  });
});

test('a thread keeps the resources that were used last, and is sent a forgotten one again', async () => {
  await withPool(1, async (pool) => {
    const resources = Array.from({ length: 600 }, (_, value) => ({ id: pool.nextResourceId(), value }));
    const [first, second] = resources;
    const outcomes = await Promise.all(
      resources.map((resource) => run(pool, { type: 'held' }, 0, [first!, resource].slice(resource === first ? 1 : 0))),
    );
    outcomes.forEach((outcome, i) => {
      const held = (outcome as { readonly answer: readonly number[] }).answer;
      expect(held).toContain(first!.id);
      expect(held).toContain(resources[i]!.id);
      expect(held.length).toBeLessThanOrEqual(257);
    });
    expect((outcomes.at(-1) as { readonly answer: readonly number[] }).answer).not.toContain(second!.id);
    expect(await run(pool, { type: 'held' }, 0, [second!])).toMatchObject({
      answer: expect.arrayContaining([second!.id]),
    });
  });
});

test('jobs of a thread that died once run again, with their resources', async () => {
  await withPool(1, async (pool) => {
    const counter = { id: pool.nextResourceId(), value: new Int32Array(new SharedArrayBuffer(4)) };
    const job = { type: 'die', counter: counter.id, times: 1 };
    const outcomes = await Promise.all([run(pool, { a: 1 }), run(pool, job, 0, [counter]), run(pool, { b: 2 })]);
    expect(outcomes.map((outcome) => outcome.ok)).toEqual([true, true, true]);
  });
});

test('a job that kills its thread twice fails, and the pool goes on', async () => {
  await withPool(1, async (pool) => {
    const counter = { id: pool.nextResourceId(), value: new Int32Array(new SharedArrayBuffer(4)) };
    const outcome = await run(pool, { type: 'die', counter: counter.id, times: 2 }, 0, [counter]);
    expect(outcome).toMatchObject({ ok: false });
    expect(await run(pool, { a: 1 })).toEqual({ ok: true, answer: { a: 1 } });
  });
});

test('closing waits for what was given, and may be repeated', async () => {
  const pool = new WorkerPool<Job, unknown>({ url: echoWorker, threadsMax: 2 });
  const order: string[] = [];
  pool.run({ a: 1 }, { cost: 0, resources: [] }, () => order.push('job'));
  await Promise.all([
    new Promise<void>((resolve) => pool.close(() => resolve(void order.push('closed')))),
    new Promise<void>((resolve) => pool.close(resolve)),
  ]);
  await new Promise<void>((resolve) => pool.close(resolve));
  expect(order).toEqual(['job', 'closed']);
});

test('a worker that cannot start fails its jobs', async () => {
  const pool = new WorkerPool<Job, unknown>({ url: new URL('nowhere.mjs', echoWorker), threadsMax: 1 });
  const outcome = await run(pool, { a: 1 });
  expect(outcome.ok).toBe(false);
  await new Promise<void>((resolve) => pool.close(resolve));
});
