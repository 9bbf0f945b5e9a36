// Hashes a whole content: deals its pieces out in ranges of a few MiB. The caller's thread takes part, a range a turn,
// so that hashing starts at once and every core works; the others are worker threads with a bounded number of ranges
// under way at once, and none for what is done before a thread has started.
import { availableParallelism } from 'node:os';
import type { DiskError } from '../../platform/disk.ts';
import { MERKLE_HASH_BYTES } from '../../protocol/merkle/index.ts';
import type { Placed, TorrentFormat } from '../../protocol/metainfo/index.ts';
import { WorkerPool } from '../disk/worker-pool.ts';
import { workerUrl } from '../disk/worker-url.ts';
import type { ContentFile } from './content-walk.ts';
import { type HashAnswer, type HashContent, RangeHasher, SHA1_BYTES } from './range-hasher.ts';

const RANGE_BYTES = 4 * 1024 * 1024;
const RANGES_PER_THREAD = 3;
/** On the caller's thread: about a millisecond, short enough for its other work. */
const INLINE_RANGE_BYTES = 2 * 1024 * 1024;
/** Up to here a thread takes longer to start than the hashing. */
const INLINE_BELOW_BYTES = 16 * 1024 * 1024;

export interface PieceRange {
  readonly firstPiece: number;
  readonly pieceCount: number;
}

export interface HashJob extends PieceRange {
  readonly contentId: number;
}

export interface HashContentOptions {
  readonly format: TorrentFormat;
  readonly pieceLengthBytes: number;
  /** All files, those that are empty too. */
  readonly files: readonly ContentFile[];
  readonly placed: readonly Placed<ContentFile>[];
  readonly signal?: AbortSignal | undefined;
  readonly onHashed?: ((bytes: number) => void) | undefined;
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
  const { signal } = options;
  signal?.throwIfAborted();
  const content = describe(options);
  const work = new HashWork(content, options.onHashed);
  const onAbort = (): void => work.stop();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const threadCount = availableParallelism() - 1;
    const url = content.spaceBytes < INLINE_BELOW_BYTES ? undefined : workerUrl('create-worker', import.meta.url);
    const inThreads = url === undefined || threadCount === 0 ? undefined : hashInThreads(url, threadCount, work);
    // Both are waited for whatever happens: no thread may outlive the call.
    const outcomes = await Promise.allSettled([hashInline(work), inThreads]);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
  signal?.throwIfAborted();
  return {
    sha1s: new Uint8Array(content.sha1s ?? new SharedArrayBuffer(0)),
    roots: new Uint8Array(content.roots ?? new SharedArrayBuffer(0)),
    error: work.error,
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
    cancelled: new SharedArrayBuffer(4),
  };
}

/** What is still to be hashed: hands out each piece once, until there is none left or something went wrong. */
class HashWork {
  readonly content: HashContent;
  readonly #pieceCount: number;
  readonly #onHashed: ((bytes: number) => void) | undefined;
  #nextPiece = 0;
  /** The first problem. */
  error: DiskError | undefined;

  constructor(content: HashContent, onHashed: ((bytes: number) => void) | undefined) {
    this.content = content;
    this.#pieceCount = Math.ceil(content.spaceBytes / content.pieceLengthBytes);
    this.#onHashed = onHashed;
  }

  /** Pieces of about so many bytes, at least one; undefined at the end. */
  take(rangeBytes: number): PieceRange | undefined {
    if (this.#nextPiece >= this.#pieceCount) return undefined;
    const firstPiece = this.#nextPiece;
    const wanted = Math.max(1, Math.floor(rangeBytes / this.content.pieceLengthBytes));
    this.#nextPiece = Math.min(firstPiece + wanted, this.#pieceCount);
    return { firstPiece, pieceCount: this.#nextPiece - firstPiece };
  }

  handleAnswer({ hashedBytes, error }: HashAnswer): void {
    if (error !== undefined) {
      this.error ??= error;
      this.stop();
    } else if (!this.#isStopped) this.#onHashed?.(hashedBytes);
  }

  /** Hands out no more; ranges under way end at their next piece. */
  stop(): void {
    this.#nextPiece = this.#pieceCount;
    Atomics.store(new Int32Array(this.content.cancelled), 0, 1);
  }

  get #isStopped(): boolean {
    return Atomics.load(new Int32Array(this.content.cancelled), 0) !== 0;
  }
}

async function hashInline(work: HashWork): Promise<void> {
  const hasher = new RangeHasher(work.content);
  try {
    for (let range = work.take(INLINE_RANGE_BYTES); range !== undefined; range = work.take(INLINE_RANGE_BYTES)) {
      work.handleAnswer(hasher.hash(range.firstPiece, range.pieceCount));
      await new Promise((resolve) => setImmediate(resolve));
    }
  } catch (error) {
    work.stop();
    throw error;
  } finally {
    hasher.close();
  }
}

async function hashInThreads(url: URL, threadCount: number, work: HashWork): Promise<void> {
  const pool = new WorkerPool<HashJob, HashAnswer>({ url, threadsMax: threadCount });
  const content = { id: pool.nextResourceId(), value: work.content };
  await new Promise<void>((resolve, reject) => {
    let pendingCount = 0;
    const give = (): void => {
      const range = work.take(RANGE_BYTES);
      if (range === undefined) {
        if (pendingCount === 0) resolve();
        return;
      }
      pendingCount++;
      const cost = range.pieceCount * work.content.pieceLengthBytes;
      pool.run({ contentId: content.id, ...range }, { cost, resources: [content] }, (outcome) => {
        pendingCount--;
        try {
          work.handleAnswer(outcome.ok ? outcome.answer : threadFailure(outcome.message));
        } catch (error) {
          // The caller's own progress callback threw: that ends the call.
          work.stop();
          reject(error);
        }
        give();
      });
    };
    for (let i = 0; i < threadCount * RANGES_PER_THREAD; i++) give();
  }).finally(() => {
    pool.forget(content.id);
    return new Promise<void>((resolve) => pool.close(resolve));
  });
}

function threadFailure(message: string): HashAnswer {
  return { hashedBytes: 0, error: { code: 'DISK_IO', message: `hashing stopped: ${message}` } };
}
