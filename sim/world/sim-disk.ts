// The simulated disk: jobs that take virtual time on a few threads, over files in memory, with real hashes. Data is
// looked at when the job ends, so a caller that touches a slab too early fails its hash. Faults are set from outside
// and may change at any time.
import type { Timer } from '../../src/platform/clock.ts';
import type { Disk, Storage, StorageSpec } from '../../src/platform/disk.ts';
import type { SimFileSystem } from './sim-file-system.ts';
import { type DiskFaults, type DiskJob, type PieceHashes, SimStorage } from './sim-storage.ts';
import type { VirtualClock } from './virtual-clock.ts';

export interface SimDiskOptions {
  /** Of each job, before any byte. @defaultValue 0.1 */
  readonly seekMs?: number;
  /** @defaultValue 500 MB/s */
  readonly readBytesPerSecond?: number;
  /** @defaultValue 500 MB/s */
  readonly writeBytesPerSecond?: number;
  /** @defaultValue 1 GB/s */
  readonly hashBytesPerSecond?: number;
  /** @defaultValue 5 */
  readonly flushMs?: number;
  /** Jobs under way at once. @defaultValue 2 */
  readonly threadCount?: number;
}

/** How often a job that waits for a disk that does nothing looks again. */
const STUCK_POLL_MS = 100;

export class SimDisk implements Disk {
  readonly hashConcurrency: number;
  readonly wantsSharedMemory = false;
  readonly faults: DiskFaults = { slowness: 1 };
  readonly #clock: VirtualClock;
  readonly #hashes: PieceHashes;
  readonly #system: SimFileSystem;
  readonly #options: Required<SimDiskOptions>;
  readonly #storages: SimStorage[] = [];
  readonly #jobs: DiskJob[] = [];
  readonly #running = new Map<Storage, { count: number; hasBarrier: boolean }>();
  readonly #timers = new Set<Timer>();
  #busyThreads = 0;
  #pendingWriteBytes = 0;
  #mostPendingWriteBytes = 0;
  #isHalted = false;
  #onIdle: (() => void)[] = [];

  constructor(clock: VirtualClock, hashes: PieceHashes, system: SimFileSystem, options: SimDiskOptions = {}) {
    this.#clock = clock;
    this.#hashes = hashes;
    this.#system = system;
    this.#options = {
      seekMs: 0.1,
      readBytesPerSecond: 500e6,
      writeBytesPerSecond: 500e6,
      hashBytesPerSecond: 1e9,
      flushMs: 5,
      threadCount: 2,
      ...options,
    };
    this.hashConcurrency = this.#options.threadCount;
  }

  get pendingWriteBytes(): number {
    return this.#pendingWriteBytes;
  }

  /** The highest `pendingWriteBytes` so far. */
  get mostPendingWriteBytes(): number {
    return this.#mostPendingWriteBytes;
  }

  /** Jobs that have not been answered. */
  get jobCount(): number {
    return this.#jobs.length + this.#busyThreads;
  }

  openStorage(spec: StorageSpec): Storage {
    const storage = new SimStorage(this, this.#hashes, spec, this.#system);
    this.#storages.push(storage);
    return storage;
  }

  close(onDone: () => void): void {
    for (const storage of this.#storages.splice(0)) storage.close(() => {});
    this.#onIdle.push(onDone);
    this.#clock.schedule(this.#clock.nowMs, () => this.#announceIdle());
  }

  /** The process is gone: nothing that is queued happens, nobody is called back. */
  halt(): void {
    this.#isHalted = true;
    this.#jobs.length = 0;
    for (const timer of this.#timers) timer.cancel();
  }

  costMs(bytes: { readonly read?: number; readonly written?: number; readonly hashed?: number }): number {
    const { seekMs, readBytesPerSecond, writeBytesPerSecond, hashBytesPerSecond } = this.#options;
    const seconds =
      (bytes.read ?? 0) / readBytesPerSecond +
      (bytes.written ?? 0) / writeBytesPerSecond +
      (bytes.hashed ?? 0) / hashBytesPerSecond;
    return seekMs + seconds * 1_000;
  }

  get flushMs(): number {
    return this.#options.flushMs;
  }

  countPendingWrite(bytes: number): void {
    this.#pendingWriteBytes += bytes;
    this.#mostPendingWriteBytes = Math.max(this.#mostPendingWriteBytes, this.#pendingWriteBytes);
  }

  enqueue(job: DiskJob): void {
    if (this.#isHalted) return;
    this.#jobs.push(job);
    this.#dispatch();
  }

  /** Answers without work, later. */
  answerSoon(answer: () => void): void {
    const timer = this.#clock.schedule(this.#clock.nowMs, () => {
      this.#timers.delete(timer);
      answer();
    });
    this.#timers.add(timer);
  }

  #dispatch(): void {
    while (this.#busyThreads < this.#options.threadCount) {
      const index = this.#nextRunnable();
      if (index < 0) return;
      const [job] = this.#jobs.splice(index, 1);
      this.#start(job!);
    }
  }

  #nextRunnable(): number {
    const held = new Set<Storage>();
    return this.#jobs.findIndex((job) => {
      const running = this.#running.get(job.storage);
      const isHeld = held.has(job.storage) || running?.hasBarrier === true;
      const canRun = !isHeld && !(job.isBarrier && (running?.count ?? 0) > 0);
      if (job.isBarrier) held.add(job.storage);
      return canRun;
    });
  }

  #start(job: DiskJob): void {
    const running = this.#running.get(job.storage) ?? { count: 0, hasBarrier: false };
    this.#running.set(job.storage, running);
    running.count++;
    running.hasBarrier = job.isBarrier;
    this.#busyThreads++;
    const finish = (): void => {
      running.count--;
      running.hasBarrier = false;
      this.#busyThreads--;
      job.run();
      this.#dispatch();
      this.#announceIdle();
    };
    this.#after(job.durationMs, finish);
  }

  #after(durationMs: number, finish: () => void): void {
    const isStuck = this.faults.slowness === Infinity;
    const waitMs = isStuck ? STUCK_POLL_MS : durationMs * this.faults.slowness;
    const timer = this.#clock.schedule(this.#clock.nowMs + waitMs, () => {
      this.#timers.delete(timer);
      if (isStuck) this.#after(durationMs, finish);
      else finish();
    });
    this.#timers.add(timer);
  }

  #announceIdle(): void {
    if (this.jobCount > 0 || this.#isHalted) return;
    for (const onDone of this.#onIdle.splice(0)) onDone();
  }
}
