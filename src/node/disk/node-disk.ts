// Which of the disks this process can have, and is best served by.
import { availableParallelism } from 'node:os';
import type { Disk } from '../../platform/disk.ts';
import { OPEN_FILES_MAX } from '../../protocol/limits.ts';
import { HashHelpers } from './hash-helpers.ts';
import { InlineDisk } from './inline-disk.ts';
import { WorkerDisk } from './worker-disk.ts';
import { workerUrl } from './worker-url.ts';

const HELPERS_MAX = 7;

/** Works in threads; on the caller's thread when running from sources that have not been built. */
export function nodeDisk(): Disk {
  const url = workerUrl('disk-worker', import.meta.url);
  return url === undefined ? new InlineDisk() : new WorkerDisk({ url });
}

/**
 * For checking files and nothing else: hashes on the caller's thread, which has no other work then, and on a thread for
 * each other core.
 */
export function checkingDisk(): Disk {
  const url = workerUrl('disk-worker', import.meta.url);
  const threadCount = Math.min(HELPERS_MAX, availableParallelism() - 1);
  if (url === undefined || threadCount < 1) return new InlineDisk();
  const openFilesMax = Math.floor(OPEN_FILES_MAX / (threadCount + 1));
  return new InlineDisk(new HashHelpers({ url, threadCount, openFilesMax }));
}
