// The promises of the public edge: each waits for a condition of its torrent, and is settled by the torrent's own calls.

interface Waiter {
  readonly isMet: () => boolean;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

export class Waiters {
  /** Undefined while nobody waits. */
  #waiters: Set<Waiter> | undefined;

  /** @throws `signal.reason` when it aborts first. */
  wait(isMet: () => boolean, signal?: AbortSignal): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason);
        return;
      }
      if (isMet()) {
        resolve();
        return;
      }
      const onAbort = (): void => waiter.reject(signal?.reason);
      const settle = (): void => {
        this.#waiters?.delete(waiter);
        if (this.#waiters?.size === 0) this.#waiters = undefined;
        signal?.removeEventListener('abort', onAbort);
      };
      const waiter: Waiter = {
        isMet,
        resolve: () => {
          settle();
          resolve();
        },
        reject: (reason) => {
          settle();
          reject(reason);
        },
      };
      this.#waiters ??= new Set();
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Something changed: settles those whose condition holds now. */
  update(): void {
    for (const waiter of [...(this.#waiters ?? [])]) if (waiter.isMet()) waiter.resolve();
  }

  rejectAll(reason: unknown): void {
    for (const waiter of [...(this.#waiters ?? [])]) waiter.reject(reason);
  }
}
