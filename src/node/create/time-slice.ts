// For work that blocks in many small steps on a thread that has other work: says when it is time to let that go on.

/** How long the thread may be held, in ms. */
const SLICE_MS = 8;

export class TimeSlice {
  #startedMs = performance.now();

  get isOver(): boolean {
    return performance.now() - this.#startedMs > SLICE_MS;
  }

  /** Lets the thread's other work run; the next slice begins. */
  async rest(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#startedMs = performance.now();
  }
}
