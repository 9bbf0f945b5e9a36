// Which of the two disks this process can have.
import type { Disk } from '../../platform/disk.ts';
import { InlineDisk } from './inline-disk.ts';
import { WorkerDisk } from './worker-disk.ts';
import { workerUrl } from './worker-url.ts';

/** Works in threads; on the caller's thread when running from sources that have not been built. */
export function nodeDisk(): Disk {
  const url = workerUrl('disk-worker', import.meta.url);
  return url === undefined ? new InlineDisk() : new WorkerDisk({ url });
}
