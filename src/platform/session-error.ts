// The one error class that a program which embeds Millrace sees. Callers branch on `code`, never on `message`.

/**
 * Stable reasons why an operation failed; docs/errors.md has a sentence for each.
 */
export type SessionErrorCode =
  | 'METAINFO_INVALID'
  | 'MAGNET_INVALID'
  | 'METADATA_NOT_FOUND'
  | 'SESSION_CLOSED'
  | 'TORRENT_REMOVED'
  | 'TORRENT_STOPPED'
  | 'LISTEN_FAILED'
  | 'DISK_FULL'
  | 'DISK_PERMISSION'
  | 'DISK_READ_ONLY'
  | 'DISK_PATH_CONFLICT'
  | 'DISK_PATH_UNSAFE'
  | 'DISK_NOT_FOUND'
  | 'DISK_TOO_MANY_FILES'
  | 'DISK_IO'
  | 'DISK_CLOSED'
  | 'INTERNAL_BUG';

export interface SessionErrorOptions {
  /** What was being done, for logs: `listen`, `add`, `write piece 17`. */
  readonly operation?: string | undefined;
  readonly cause?: unknown;
}

/**
 * A failure that the caller can do something about. `message` is one sentence for a person; `code` is for programs
 * and keeps its meaning between versions.
 */
export class SessionError extends Error {
  override readonly name = 'SessionError';
  readonly code: SessionErrorCode;
  readonly operation: string | undefined;

  constructor(code: SessionErrorCode, message: string, options: SessionErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.operation = options.operation;
  }
}
