// The failure of content that did not hold still.
import { DiskFailure } from '../disk/disk-failure.ts';

export function changedFailure(absolutePath: string): DiskFailure {
  return new DiskFailure('DISK_IO', `${absolutePath} was changed while it was being hashed`);
}
