// A pool of worker threads that run jobs of one kind: the disk's, or the hashing of a torrent being created.
// Knows nothing of what a job means.
//
//   const pool = new WorkerPool<Job, Answer>({ url: workerUrl('disk-worker', import.meta.url)!, threadsMax: 4 });
//   pool.run(job, { cost: 1_048_576, resources: [storage] }, (outcome) => …);   // never answered synchronously
//   pool.close(() => …);                                                      // finishes what was given, then ends
//
// and the worker's own file (see `serve-jobs.ts`): `serveJobs<Job, Answer>({ run: (job) => …, addResource, removeResource })`.
// Jobs and answers are cloned: a view of a large ArrayBuffer drags the whole buffer along, so send small copies, strings,
// or a `PoolResource` (sent to each thread once, then named by number), such as a SharedArrayBuffer.
// All jobs given in one turn of the event loop travel in one message to each thread. A thread that dies is replaced; its
// jobs are run once more and then fail: jobs must be repeatable. Idle threads do not keep the process alive.
import type { Worker } from 'node:worker_threads';
import { assert } from '../../base/assert.ts';
import { OP_END, OP_FORGET, OP_JOB, OP_RESOURCE } from './serve-jobs.ts';

/** Work (in units of `cost`, usually bytes) that one thread has to have before another thread is started. */
const START_ANOTHER_ABOVE = 2 * 1024 * 1024;
/** Added to each job's cost: what a job costs that moves no bytes. */
const COST_OF_A_JOB = 4096;
/** Resources that a thread keeps: more than are in use at a time. One that was forgotten is sent again when it is named. */
const RESOURCES_MAX = 256;
/** A job that was under way when its thread died runs again, this many times in all. */
const ATTEMPTS_MAX = 2;

export interface WorkerPoolOptions {
  /** The worker's file, from `workerUrl`. */
  readonly url: URL;
  /** Threads at most; they start when there is work for them. */
  readonly threadsMax: number;
  /** What each thread finds as its `workerData`. */
  readonly workerData?: unknown;
}

/** A value that jobs refer to by `id`; each thread gets it once, before its first job that lists it. */
export interface PoolResource {
  /** Above zero, from `WorkerPool.nextResourceId`. */
  readonly id: number;
  readonly value: unknown;
}

export interface JobOptions {
  /** How much work it is, in bytes; decides which thread gets it. */
  readonly cost: number;
  /**
   * The job stays with the first thread until that has so much to do; only then is it given to another, or another is
   * started. @defaultValue 2 MiB, and the thread with the least to do
   */
  readonly stayBelow?: number | undefined;
  /** All resources that the job names. */
  readonly resources: readonly PoolResource[];
}

export type JobOutcome<Answer> =
  | { readonly ok: true; readonly answer: Answer }
  | { readonly ok: false; readonly message: string };

interface PendingJob<Job, Answer> {
  readonly id: number;
  readonly job: Job;
  readonly options: JobOptions;
  readonly onDone: (outcome: JobOutcome<Answer>) => void;
  attemptCount: number;
}

interface Thread<Job, Answer> {
  readonly worker: Worker;
  /** Ids of the resources that the thread holds, in the order of last use. BOUNDED: RESOURCES_MAX and those of one job. */
  readonly held: Set<number>;
  /** Sent or about to be sent, not answered. BOUNDED: by what the caller has under way. */
  readonly pending: Map<number, PendingJob<Job, Answer>>;
  /** Started before there was work, and not able to take any yet: others get the jobs. */
  isWarming: boolean;
  cost: number;
  outgoing: unknown[];
}

export class WorkerPool<Job, Answer> {
  readonly #options: WorkerPoolOptions;
  // BOUNDED: `threadsMax`.
  readonly #threads = new Set<Thread<Job, Answer>>();
  #lastJobId = 0;
  #lastResourceId = 0;
  #pendingCount = 0;
  #isFlushScheduled = false;
  #onClosed: (() => void)[] | undefined;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  get threadCount(): number {
    return this.#threads.size;
  }

  /** Threads that take jobs at once; those that were started for a job count as such. */
  get readyThreadCount(): number {
    let count = 0;
    for (const thread of this.#threads) if (!thread.isWarming) count++;
    return count;
  }

  /** Starts a thread before there is work for it, if there may be one more; `onReady` when it takes jobs at once. */
  startThread(onReady: () => void): void {
    if (this.#onClosed === undefined && this.#threads.size < this.#options.threadsMax) this.#startThread(onReady);
  }

  /** Jobs given and not answered. */
  get pendingCount(): number {
    return this.#pendingCount;
  }

  nextResourceId(): number {
    return ++this.#lastResourceId;
  }

  /** Gives a job to the thread with the least to do. The answer comes in a later turn. */
  run(job: Job, options: JobOptions, onDone: (outcome: JobOutcome<Answer>) => void): void {
    assert(this.#onClosed === undefined, 'a job was given to a closed pool');
    this.#pendingCount++;
    this.#assign({ id: ++this.#lastJobId, job, options, onDone, attemptCount: 0 });
  }

  /** Takes a resource away from the threads; no later job may list it. */
  forget(id: number): void {
    for (const thread of this.#threads) {
      if (!thread.held.delete(id)) continue;
      thread.outgoing.push(OP_FORGET, id, undefined);
      this.#scheduleFlush();
    }
  }

  /** Lets every job given so far finish, ends the threads, then answers. Idempotent. */
  close(onDone: () => void): void {
    if (this.#onClosed !== undefined) {
      if (this.#threads.size === 0) setImmediate(onDone);
      else this.#onClosed.push(onDone);
      return;
    }
    this.#onClosed = [onDone];
    if (this.#threads.size === 0) setImmediate(() => this.#finishClosing());
    else if (this.#pendingCount === 0) this.#endThreads();
  }

  #assign(pending: PendingJob<Job, Answer>): void {
    const thread = this.#threadFor(pending.options.stayBelow);
    pending.attemptCount++;
    for (const resource of pending.options.resources) {
      const isHeld = thread.held.delete(resource.id);
      thread.held.add(resource.id);
      if (!isHeld) thread.outgoing.push(OP_RESOURCE, resource.id, resource.value);
    }
    thread.outgoing.push(OP_JOB, pending.id, pending.job);
    if (thread.held.size > RESOURCES_MAX) this.#forgetOldest(thread, pending.options.resources.length);
    if (thread.pending.size === 0) thread.worker.ref();
    thread.pending.set(pending.id, pending);
    thread.cost += pending.options.cost + COST_OF_A_JOB;
    this.#scheduleFlush();
  }

  /** A thread works its messages off in order: jobs given before still have what they name. */
  #forgetOldest(thread: Thread<Job, Answer>, inUseCount: number): void {
    for (const id of thread.held) {
      if (thread.held.size <= Math.max(inUseCount, RESOURCES_MAX / 2)) return;
      thread.held.delete(id);
      thread.outgoing.push(OP_FORGET, id, undefined);
    }
  }

  #threadFor(stayBelow: number | undefined): Thread<Job, Answer> {
    if (stayBelow !== undefined) {
      for (const thread of this.#threads) if (thread.cost <= stayBelow) return thread;
    }
    let best: Thread<Job, Answer> | undefined;
    for (const thread of this.#threads) {
      if (best === undefined || best.isWarming || (!thread.isWarming && thread.cost < best.cost)) best = thread;
    }
    const mayStart = this.#threads.size < this.#options.threadsMax;
    if (best !== undefined && (best.cost <= START_ANOTHER_ABOVE || !mayStart)) return best;
    return this.#startThread();
  }

  #startThread(onReady?: () => void): Thread<Job, Answer> {
    // File descriptors that a thread opened may be handed to the main thread, so the thread does not close them itself.
    // Loaded with the first thread: the start of a program does not wait for it.
    const { Worker } = process.getBuiltinModule('node:worker_threads');
    const worker = new Worker(this.#options.url, {
      workerData: this.#options.workerData,
      execArgv: [],
      trackUnmanagedFds: false,
    });
    const thread: Thread<Job, Answer> = {
      worker,
      held: new Set(),
      pending: new Map(),
      isWarming: onReady !== undefined,
      cost: 0,
      outgoing: [],
    };
    let reason = 'the worker thread ended';
    worker.on('message', (answers: readonly unknown[]) => {
      thread.isWarming = false;
      if (answers.length === 0) onReady?.();
      else this.#handleAnswers(thread, answers);
    });
    worker.on('error', (error: unknown) => {
      reason = error instanceof Error ? error.message : String(error);
    });
    worker.on('exit', () => this.#handleExit(thread, reason));
    worker.unref();
    this.#threads.add(thread);
    return thread;
  }

  // setImmediate runs once all sockets of this turn have been read: their jobs share one message.
  #scheduleFlush(): void {
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    setImmediate(() => {
      this.#isFlushScheduled = false;
      for (const thread of this.#threads) {
        if (thread.outgoing.length === 0) continue;
        const batch = thread.outgoing;
        thread.outgoing = [];
        thread.worker.postMessage(batch);
      }
    });
  }

  #handleAnswers(thread: Thread<Job, Answer>, answers: readonly unknown[]): void {
    for (let i = 0; i < answers.length; i += 2) {
      const signedId = answers[i] as number;
      const pending = thread.pending.get(Math.abs(signedId));
      if (pending === undefined) continue;
      thread.pending.delete(pending.id);
      thread.cost -= pending.options.cost + COST_OF_A_JOB;
      if (thread.pending.size === 0) thread.worker.unref();
      if (signedId > 0) this.#finish(pending, { ok: true, answer: answers[i + 1] as Answer });
      else this.#finish(pending, { ok: false, message: answers[i + 1] as string });
    }
  }

  #finish(pending: PendingJob<Job, Answer>, outcome: JobOutcome<Answer>): void {
    this.#pendingCount--;
    pending.onDone(outcome);
    if (this.#pendingCount === 0 && this.#onClosed !== undefined) this.#endThreads();
  }

  #handleExit(thread: Thread<Job, Answer>, reason: string): void {
    this.#threads.delete(thread);
    for (const pending of thread.pending.values()) {
      if (pending.attemptCount < ATTEMPTS_MAX) this.#assign(pending);
      else this.#finish(pending, { ok: false, message: reason });
    }
    if (this.#onClosed !== undefined && this.#threads.size === 0) this.#finishClosing();
  }

  #endThreads(): void {
    for (const thread of this.#threads) {
      thread.worker.ref();
      thread.outgoing.push(OP_END, 0, undefined);
    }
    this.#scheduleFlush();
  }

  #finishClosing(): void {
    for (const onDone of this.#onClosed?.splice(0) ?? []) onDone();
  }
}
