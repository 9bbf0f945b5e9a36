// What went wrong with a file, in the words of the platform's contract. Thrown inside the disk's own thread, where file
// system calls are synchronous; it becomes a value before it leaves it.
import type { DiskError, DiskErrorCode } from '../../platform/disk.ts';

const CODES: Readonly<Record<string, DiskErrorCode>> = {
  ENOSPC: 'DISK_FULL',
  EDQUOT: 'DISK_FULL',
  EACCES: 'DISK_PERMISSION',
  EPERM: 'DISK_PERMISSION',
  EROFS: 'DISK_READ_ONLY',
  EMFILE: 'DISK_TOO_MANY_FILES',
  ENFILE: 'DISK_TOO_MANY_FILES',
  ENOENT: 'DISK_NOT_FOUND',
  ENOTDIR: 'DISK_PATH_CONFLICT',
  EISDIR: 'DISK_PATH_CONFLICT',
  ELOOP: 'DISK_PATH_UNSAFE',
};

/** A file system call, or a rule of ours about paths, failed. */
export class DiskFailure extends Error {
  override readonly name = 'DiskFailure';
  readonly code: DiskErrorCode;

  constructor(code: DiskErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The system's name of the error, such as `ENOENT`. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Says what could not be done to which path, and why. A failure that says so already stays as it is. */
export function failureOf(error: unknown, action: string, path: string): DiskFailure {
  if (error instanceof DiskFailure) return error;
  const errno = errnoOf(error);
  const text = error instanceof Error ? error.message : String(error);
  // Node writes "ENOSPC: no space left on device, write"; the middle is the system's own reason.
  const reason = errno !== undefined && text.startsWith(`${errno}: `) ? text.slice(errno.length + 2) : text;
  const own = reason.split(', ')[0]!;
  const name = errno === undefined ? '' : ` (${errno})`;
  return new DiskFailure(CODES[errno ?? ''] ?? 'DISK_IO', `cannot ${action} ${path}: ${own}${name}`);
}

/** The plain value that crosses to another thread. */
export function diskErrorOf(error: unknown, action: string, path: string): DiskError {
  const { code, message } = failureOf(error, action, path);
  return { code, message };
}
