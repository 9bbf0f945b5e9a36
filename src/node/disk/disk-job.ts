// What a disk's thread is asked to do and what it answers: plain values, cheap to send to another thread.
import type { DiskError } from '../../platform/disk.ts';
import type { ExpectedDigest } from './piece-hasher.ts';
import type { JobOutcome } from './worker-pool.ts';

/** `storageId` names a `StoredTorrent` that the thread was given before. */
export type DiskJob =
  | {
      readonly type: 'writePiece';
      readonly storageId: number;
      readonly pieceIndex: number;
      readonly expected: ExpectedDigest;
    }
  | { readonly type: 'writePart'; readonly storageId: number; readonly pieceIndex: number; readonly begin: number }
  | {
      readonly type: 'hashPiece';
      readonly storageId: number;
      readonly pieceIndex: number;
      readonly expected: ExpectedDigest;
    }
  | { readonly type: 'openForReading'; readonly storageId: number; readonly fileIndex: number }
  | {
      readonly type: 'stat' | 'createEmptyFiles' | 'adoptPartFile' | 'flush';
      readonly storageId: number;
    };

export interface DiskAnswer {
  readonly error?: DiskError;
  /** Of `writePiece` and `hashPiece`. */
  readonly matched?: boolean;
  readonly blockSha1s?: Uint8Array;
  /** Of `stat`: see `StorageFiles.stat`. */
  readonly lengths?: Float64Array;
  /** Of `openForReading`: the receiver closes it; absent when there is no such file. */
  readonly fd?: number;
  readonly isPartFile?: boolean;
}

/** What a thread of a pool made of a job. */
export function diskAnswerOf(outcome: JobOutcome<DiskAnswer>): DiskAnswer {
  if (outcome.ok) return outcome.answer;
  return { error: { code: 'DISK_IO', message: `a disk thread failed: ${outcome.message}` } };
}
