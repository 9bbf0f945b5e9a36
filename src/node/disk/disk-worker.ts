// The worker thread of `WorkerDisk`: finds the memory that a job names and hands the job to `DiskThread`.
import { workerData } from 'node:worker_threads';
import { DiskThread } from './disk-thread.ts';
import { serveJobs } from './serve-jobs.ts';
import type { StoredTorrent } from './stored-torrent.ts';
import type { WorkerDiskData, WorkerDiskJob } from './worker-disk.ts';

const { openFilesMax, writeLocks } = workerData as WorkerDiskData;
const thread = new DiskThread(openFilesMax, writeLocks);
// BOUNDED: arenas of the block pools; the disk forgets those that are gone.
const arenas = new Map<number, Uint8Array>();

serveJobs({
  addResource(id: number, value: unknown): void {
    if (value instanceof SharedArrayBuffer) arenas.set(id, new Uint8Array(value));
    else thread.openStorage(id, value as StoredTorrent);
  },
  removeResource(id: number): void {
    if (!arenas.delete(id)) thread.closeStorage(id);
  },
  run({ job, arenaId, offset, lengthBytes, copy }: WorkerDiskJob) {
    return thread.run(job, arenaId === 0 ? copy : arenas.get(arenaId)!.subarray(offset, offset + lengthBytes));
  },
});
