// What callers of a torrent are told when it cannot do, or go on doing, what they asked for.
import { SessionError } from '../../platform/session-error.ts';

export function removedError(): SessionError {
  return new SessionError('TORRENT_REMOVED', 'The torrent was removed from its session.');
}

export function stoppedError(): SessionError {
  return new SessionError('TORRENT_STOPPED', 'The torrent was stopped before all was checked.');
}

export function noMetadataError(): SessionError {
  return new SessionError('METADATA_NOT_FOUND', 'This needs the metadata, which is not known yet.');
}

export function internalBugError(cause: unknown): SessionError {
  return new SessionError('INTERNAL_BUG', 'Millrace broke a rule of its own; please report it.', { cause });
}

/** For the log. */
export function describeBug(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
