// Goal: the disk with worker threads keeps the contract. Method: the built package, since workers run nothing else.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkerDisk as DiskClass } from '../../src/node/disk/worker-disk.ts';
import type { workerUrl as WorkerUrl } from '../../src/node/disk/worker-url.ts';
import { describeDisk } from '../../src/platform/disk.contract.ts';
import { importBuilt } from './built.ts';

for (const threadsMax of [1, 3]) {
  describeDisk(`WorkerDisk with at most ${threadsMax} threads`, async () => {
    const { WorkerDisk } = await importBuilt<{ WorkerDisk: typeof DiskClass }>('node/disk/worker-disk.js');
    const { workerUrl } = await importBuilt<{ workerUrl: typeof WorkerUrl }>('node/disk/worker-url.js');
    const folder = mkdtempSync(join(tmpdir(), 'millrace-worker-disk-'));
    return {
      disk: new WorkerDisk({ url: workerUrl('disk/disk-worker')!, threadsMax }),
      rootPath: join(folder, 'save', 'root'),
      dispose: () => rmSync(folder, { recursive: true }),
    };
  });
}
