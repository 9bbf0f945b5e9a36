// Hashes a whole content: every thread takes its pieces one by one from a place that all see, so that all end together.
// The caller's thread takes part, some ms a turn, so that hashing starts at once and every core works; the others are
// worker threads, and none for what is done before a thread has started.
import { availableParallelism } from 'node:os';
import type { DiskError } from '../../platform/disk.ts';
import { MERKLE_HASH_BYTES } from '../../protocol/merkle/index.ts';
import type { Placed, TorrentFormat } from '../../protocol/metainfo/index.ts';
import { WorkerPool } from '../disk/worker-pool.ts';
import { workerUrl } from '../disk/worker-url.ts';
import { ContentHasher, type HashAnswer, type HashContent, SHA1_BYTES } from './content-hasher.ts';
import type { ContentFile } from './content-walk.ts';
import { HashState } from './hash-state.ts';

/** On the caller's thread, a turn: about a millisecond, short enough for its other work. */
const INLINE_BYTES = 2 * 1024 * 1024;
/** Up to here a thread takes longer to start than the hashing. */
const INLINE_BELOW_BYTES = 16 * 1024 * 1024;

/** What a thread is asked: to hash until nothing is left. */
export interface HashJob {
  readonly contentId: number;
}

export interface HashContentOptions {
  readonly format: TorrentFormat;
  readonly pieceLengthBytes: number;
  /** All files, those that are empty too. */
  readonly files: readonly ContentFile[];
  readonly placed: readonly Placed<ContentFile>[];
  readonly signal?: AbortSignal | undefined;
  /** Bytes of files that are hashed by now. */
  readonly onHashed?: ((hashedBytes: number) => void) | undefined;
}

export interface ContentHashes {
  /** 20 bytes for each piece (v1, hybrid). */
  readonly sha1s: Uint8Array;
  /** 32 bytes for each piece (v2, hybrid). */
  readonly roots: Uint8Array;
  readonly error: DiskError | undefined;
}

/** @throws `signal.reason` when aborted. */
export async function hashContent(options: HashContentOptions): Promise<ContentHashes> {
  const { signal, onHashed } = options;
  signal?.throwIfAborted();
  const content = describe(options);
  const state = new HashState(content.state);
  const onAbort = (): void => state.stop();
  signal?.addEventListener('abort', onAbort, { once: true });
  let error: DiskError | undefined;
  try {
    const threads = startThreads(content);
    // Both are waited for whatever happens: no thread may read on after the call.
    const outcomes = await Promise.allSettled([hashInline(content, state, onHashed), threads]);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') throw outcome.reason;
      error ??= outcome.value;
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
  signal?.throwIfAborted();
  if (error === undefined && state.donePieceCount < pieceCountOf(content)) error = threadFailure('a thread ended');
  if (error === undefined) onHashed?.(state.hashedBytes);
  return {
    sha1s: new Uint8Array(content.sha1s ?? new SharedArrayBuffer(0)),
    roots: new Uint8Array(content.roots ?? new SharedArrayBuffer(0)),
    error,
  };
}

function describe({ format, pieceLengthBytes, files, placed }: HashContentOptions): HashContent {
  const indexes = new Map(files.map((file, i) => [file, i]));
  const last = placed[placed.length - 1]!;
  const spaceBytes = last.offsetBytes + last.lengthBytes;
  const pieceCount = Math.ceil(spaceBytes / pieceLengthBytes);
  return {
    pieceLengthBytes,
    spaceBytes,
    files: files.map(({ absolutePath, lengthBytes, modifiedMs }) => ({ absolutePath, lengthBytes, modifiedMs })),
    offsets: Float64Array.from(placed, (part) => part.offsetBytes),
    lengths: Float64Array.from(placed, (part) => part.lengthBytes),
    fileIndexes: Int32Array.from(placed, ({ file }) => (file === undefined ? -1 : indexes.get(file)!)),
    sha1s: format === 'v2' ? undefined : new SharedArrayBuffer(pieceCount * SHA1_BYTES),
    roots: format === 'v1' ? undefined : new SharedArrayBuffer(pieceCount * MERKLE_HASH_BYTES),
    state: new HashState().memory,
  };
}

function pieceCountOf({ spaceBytes, pieceLengthBytes }: HashContent): number {
  return Math.ceil(spaceBytes / pieceLengthBytes);
}

async function hashInline(
  content: HashContent,
  state: HashState,
  onHashed: HashContentOptions['onHashed'],
): Promise<DiskError | undefined> {
  const hasher = new ContentHasher(content);
  try {
    for (;;) {
      const { isFinished, error } = hasher.hash(INLINE_BYTES);
      if (isFinished) return error;
      onHashed?.(state.hashedBytes);
      await new Promise((resolve) => setImmediate(resolve));
    }
  } catch (error) {
    // The caller's own progress callback threw: that ends the call.
    state.stop();
    throw error;
  } finally {
    hasher.close();
  }
}

/** Answers the first error once every thread has ended. */
async function startThreads(content: HashContent): Promise<DiskError | undefined> {
  const threadCount = Math.min(availableParallelism(), pieceCountOf(content)) - 1;
  const url = content.spaceBytes < INLINE_BELOW_BYTES ? undefined : workerUrl('create-worker', import.meta.url);
  if (url === undefined || threadCount < 1) return undefined;
  const pool = new WorkerPool<HashJob, HashAnswer>({ url, threadsMax: threadCount });
  const resource = { id: pool.nextResourceId(), value: content };
  let firstError: DiskError | undefined;
  await new Promise<void>((resolve) => {
    let runningCount = threadCount;
    for (let i = 0; i < threadCount; i++) {
      pool.run({ contentId: resource.id }, { cost: content.spaceBytes, resources: [resource] }, (outcome) => {
        if (!outcome.ok) new HashState(content.state).stop();
        firstError ??= outcome.ok ? outcome.answer.error : threadFailure(outcome.message);
        if (--runningCount === 0) resolve();
      });
    }
  });
  await new Promise<void>((resolve) => pool.close(resolve));
  return firstError;
}

function threadFailure(message: string): DiskError {
  return { code: 'DISK_IO', message: `hashing stopped: ${message}` };
}
