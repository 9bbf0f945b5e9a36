// Goal: the disk with worker threads keeps the contract. Method: the built package, since workers run nothing else.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import type { WorkerDisk as WorkerDiskClass } from '../../src/node/disk/worker-disk.ts';
import { workerUrl as sourceWorkerUrl, type workerUrl as workerUrlFunction } from '../../src/node/disk/worker-url.ts';
import { type DiskUnderTest, describeDisk } from '../../src/platform/disk.contract.ts';
import { importBuilt } from './built.ts';

let createDisk: (threadsMax: number) => DiskUnderTest;

beforeAll(async () => {
  const { WorkerDisk } = await importBuilt<{ WorkerDisk: typeof WorkerDiskClass }>('node/disk/worker-disk.js');
  const { workerUrl } = await importBuilt<{ workerUrl: typeof workerUrlFunction }>('node/disk/worker-url.js');
  createDisk = (threadsMax) => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-worker-disk-'));
    return {
      disk: new WorkerDisk({ url: workerUrl('disk/disk-worker')!, threadsMax }),
      rootPath: join(folder, 'save', 'root'),
      dispose: () => rmSync(folder, { recursive: true, force: true }),
    };
  };
});

for (const threadsMax of [1, 3]) {
  describeDisk(`WorkerDisk with at most ${threadsMax} threads`, () => createDisk(threadsMax));
}

test.runIf(process.platform === 'linux')(
  'descriptors that went from thread to thread are closed in the end',
  async () => {
    const before = readdirSync('/proc/self/fd').length;
    const { disk, rootPath, dispose } = createDisk(2);
    const files = Array.from({ length: 40 }, (_, i) => ({
      path: ['t', `${i}`],
      lengthBytes: 100,
      pad: false,
      wanted: true,
    }));
    const storage = disk.openStorage({
      rootPath,
      key: 'ab12cd34',
      files,
      pieceLengthBytes: 100,
      hashing: { v1: true, v2: false },
    });
    for (let i = 0; i < files.length; i++) {
      await new Promise((resolve) => storage.writePart(i, 0, new Uint8Array(100), resolve));
      await new Promise((resolve) => storage.read(i, 0, [new Uint8Array(100)], resolve));
    }
    expect(readdirSync('/proc/self/fd').length - before).toBeGreaterThan(16);
    await new Promise<void>((resolve) => disk.close(resolve));
    // Those of the main thread are closed without waiting for it.
    for (let i = 0; i < 100 && readdirSync('/proc/self/fd').length > before; i++) await wait(10);
    expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before);
    await dispose();
  },
);

test('from sources, the built worker is found', async () => {
  const { workerUrl } = await importBuilt<{ workerUrl: typeof workerUrlFunction }>('node/disk/worker-url.js');
  expect(sourceWorkerUrl('disk/disk-worker')?.href).toBe(workerUrl('disk/disk-worker')?.href);
  expect(sourceWorkerUrl('disk/no-such-worker')).toBeUndefined();
});
