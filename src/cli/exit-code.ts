// Exit codes, and how a failure becomes one of them and one sentence. The codes are a contract with scripts: they
// may be added to, never changed.
import { SessionError, type SessionErrorCode } from '../platform/session-error.ts';
import { cleanText } from './output/clean-text.ts';

export const EXIT = {
  done: 0,
  unexpected: 1,
  usage: 2,
  invalidTorrent: 3,
  metadataNotFound: 4,
  timedOut: 5,
  network: 6,
  interrupted: 7,
  verificationFailed: 8,
  diskFull: 9,
  path: 10,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A failure that the command line itself found. The message is a whole sentence: the cause, then what to try. */
export class CliFailure extends Error {
  override readonly name = 'CliFailure';
  /** Stable, for `--json`. */
  readonly code: string;
  readonly exitCode: ExitCode;

  constructor(code: string, exitCode: ExitCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.exitCode = exitCode;
  }
}

export function usageFailure(message: string): CliFailure {
  return new CliFailure('USAGE', EXIT.usage, message);
}

/** A failure as it is shown: `message` is one line without control characters. */
export interface Failure {
  readonly code: string;
  readonly exitCode: ExitCode;
  readonly message: string;
  readonly stack: string | undefined;
}

interface Reaction {
  readonly exitCode: ExitCode;
  /** What to try, appended to the engine's own message, which names the cause. */
  readonly advice: string;
}

const KEPT = 'what is verified is kept';

const REACTIONS: Readonly<Record<SessionErrorCode, Reaction>> = {
  METAINFO_INVALID: { exitCode: EXIT.invalidTorrent, advice: 'fetch the .torrent file again' },
  MAGNET_INVALID: { exitCode: EXIT.invalidTorrent, advice: 'check that the link was copied whole' },
  METADATA_NOT_FOUND: {
    exitCode: EXIT.metadataNotFound,
    advice: 'try again later, name a peer with --peer, or use the .torrent file',
  },
  SESSION_CLOSED: { exitCode: EXIT.unexpected, advice: 'run the command again' },
  TORRENT_REMOVED: { exitCode: EXIT.unexpected, advice: 'run the command again' },
  TORRENT_STOPPED: { exitCode: EXIT.unexpected, advice: 'run the command again' },
  LISTEN_FAILED: { exitCode: EXIT.network, advice: 'choose another port with --port (0 = any) or address with --bind' },
  DISK_FULL: { exitCode: EXIT.diskFull, advice: `free some space and run the command again: ${KEPT}` },
  DISK_PERMISSION: { exitCode: EXIT.path, advice: 'check who owns the folder, or choose another' },
  DISK_READ_ONLY: { exitCode: EXIT.path, advice: 'choose a folder that can be written' },
  DISK_PATH_CONFLICT: { exitCode: EXIT.path, advice: 'move what stands there, or choose another folder' },
  DISK_PATH_UNSAFE: { exitCode: EXIT.path, advice: 'remove the link, or choose another folder' },
  DISK_NOT_FOUND: { exitCode: EXIT.path, advice: 'check that it is there and whole' },
  DISK_TOO_MANY_FILES: { exitCode: EXIT.path, advice: 'raise the limit of open files (ulimit -n)' },
  DISK_IO: { exitCode: EXIT.unexpected, advice: `check the disk, then run the command again: ${KEPT}` },
  DISK_CLOSED: { exitCode: EXIT.unexpected, advice: 'run the command again' },
  INTERNAL_BUG: { exitCode: EXIT.unexpected, advice: 'please report it, with the output of -vv' },
};

/** What to show and how to exit for anything that was thrown. */
export function failureOf(error: unknown): Failure {
  const stack = error instanceof Error ? error.stack : undefined;
  if (error instanceof CliFailure) {
    return { code: error.code, exitCode: error.exitCode, message: oneLine(error.message), stack };
  }
  if (error instanceof SessionError) {
    const { exitCode, advice } = REACTIONS[error.code];
    return { code: error.code, exitCode, message: withAdvice(error.message, advice), stack };
  }
  const message = error instanceof Error ? error.message : String(error);
  const system = systemFailure(error, message);
  if (system !== undefined) return { ...system, stack };
  return {
    code: 'UNEXPECTED',
    exitCode: EXIT.unexpected,
    message: withAdvice(`Something unexpected happened: ${message}`, 'please report it, with the output of -vv'),
    stack,
  };
}

/** Errors of the file system that commands let through. */
function systemFailure(error: unknown, message: string): Omit<Failure, 'stack'> | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  if (error instanceof RangeError || error instanceof TypeError) return undefined;
  switch (error.code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return { code: 'DISK_FULL', exitCode: EXIT.diskFull, message: withAdvice(message, 'free some space') };
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOENT':
    case 'ENOTDIR':
    case 'EISDIR':
    case 'ELOOP':
    case 'ENAMETOOLONG':
    case 'EEXIST':
      return { code: 'PATH', exitCode: EXIT.path, message: withAdvice(message, 'check the path and its rights') };
    default:
      return undefined;
  }
}

/** Joins the cause and the next thing to try into one sentence, unless the cause says what to try already. */
function withAdvice(cause: string, advice: string): string {
  if (cause.includes('; ')) return oneLine(`${cause.replace(/[.\s]+$/, '')}.`);
  return oneLine(`${cause.replace(/[.\s]+$/, '')}; ${advice}.`);
}

const MESSAGE_MAX_CHARACTERS = 1_000;

function oneLine(text: string): string {
  return cleanText(text, MESSAGE_MAX_CHARACTERS);
}
