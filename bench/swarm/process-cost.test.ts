// Goal: a program that lets children or threads do its work is charged for it. Method: real processes that compute for a while,
// then wait; their own clock says how much they computed. Linux only, like the code.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { costOf, median } from './process-cost.ts';

/** Computes for 0.3 s of its own CPU time, says so, and stays. */
const WORK = `
  const end = 300000;
  while (process.cpuUsage().user + process.cpuUsage().system < end);
  console.log('done');
  process.stdin.resume();`;

const PROGRAMS: Readonly<Record<string, string>> = {
  itself: WORK,
  'a child that lives': `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(WORK)}], { stdio: 'inherit' });`,
  'a child that has ended': `
    require('node:child_process').execFileSync(process.execPath, ['-e', ${JSON.stringify(WORK.replace('process.stdin.resume();', ''))}]);
    console.log('done');
    process.stdin.resume();`,
  'a thread': `new (require('node:worker_threads').Worker)(${JSON.stringify(WORK.replace('process.stdin.resume();', 'setInterval(() => {}, 1000);'))}, { eval: true });`,
};

test.runIf(process.platform === 'linux').each(Object.keys(PROGRAMS))('the work of %s counts', async (kind) => {
  const child = spawn(process.execPath, ['-e', PROGRAMS[kind] ?? ''], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    await once(child.stdout, 'data');
    const cost = costOf(child.pid ?? 0);
    expect(cost.cpuSeconds).toBeGreaterThanOrEqual(0.28);
    expect(cost.peakResidentBytes).toBeGreaterThan(20 * 1024 * 1024);
  } finally {
    child.stdin.end();
    child.kill();
  }
});

test('the median of an even number is the middle of the two', () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([2, 2.5]);
});
