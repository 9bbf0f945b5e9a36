// Back-pressure from the disk to the sockets: when more is received than the disk has written, the downloads stop
// reading from their peers, and TCP slows those down. One for a session.
import { UNWRITTEN_TOTAL_MAX_BYTES } from '../../protocol/limits.ts';

const RESUME_BELOW_BYTES = UNWRITTEN_TOTAL_MAX_BYTES / 2;

export interface PressureListener {
  handleDiskBusy(): void;
  handleDiskReady(): void;
  /** What either of them threw by a mistake of ours. */
  handleBug(error: unknown): void;
}

export class WritePressure {
  readonly #disk: { readonly pendingWriteBytes: number };
  readonly #listeners = new Set<PressureListener>();
  #isBusy = false;

  constructor(disk: { readonly pendingWriteBytes: number }) {
    this.#disk = disk;
  }

  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** Received and not written. */
  get unwrittenBytes(): number {
    return this.#disk.pendingWriteBytes;
  }

  /** Sockets are paused, or were a moment ago and will be again: the disk does not keep up. */
  get isBehind(): boolean {
    return this.#isBusy || this.#disk.pendingWriteBytes >= RESUME_BELOW_BYTES;
  }

  add(listener: PressureListener): void {
    this.#listeners.add(listener);
  }

  remove(listener: PressureListener): void {
    this.#listeners.delete(listener);
  }

  /** To be called after each write was handed over, and after each answer. */
  update(): void {
    const pending = this.#disk.pendingWriteBytes;
    if (!this.#isBusy && pending >= UNWRITTEN_TOTAL_MAX_BYTES) {
      this.#isBusy = true;
      this.#tell((listener) => listener.handleDiskBusy());
    } else if (this.#isBusy && pending < RESUME_BELOW_BYTES) {
      this.#isBusy = false;
      this.#tell((listener) => listener.handleDiskReady());
    }
  }

  /** One torrent's mistake is not to be another's. */
  #tell(what: (listener: PressureListener) => void): void {
    for (const listener of [...this.#listeners]) {
      try {
        what(listener);
      } catch (error) {
        listener.handleBug(error);
      }
    }
  }
}
