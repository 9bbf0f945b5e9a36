// Goal: the disk with worker threads keeps the contract. Method: the built worker, since threads run nothing else.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { WorkerDisk } from '../../src/node/disk/worker-disk.ts';
import { workerUrl } from '../../src/node/disk/worker-url.ts';
import { type DiskUnderTest, describeDisk } from '../../src/platform/disk.contract.ts';
import { builtWorker } from './built.ts';

function createDisk(threadsMax: number): DiskUnderTest {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-worker-disk-'));
  return {
    disk: new WorkerDisk({ url: builtWorker('disk-worker'), threadsMax }),
    rootPath: join(folder, 'save', 'root'),
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}

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

test('a worker stands beside the file that starts it; from sources, the built one is found', () => {
  const dist = new URL('../../dist/', import.meta.url);
  const shipped = workerUrl('disk-worker', new URL('index.js', dist).href);
  expect(shipped?.href).toBe(new URL('disk-worker.js', dist).href);
  expect(workerUrl('disk-worker', import.meta.url)?.href).toBe(shipped?.href);
  expect(workerUrl('no-such-worker', import.meta.url)).toBeUndefined();
});
