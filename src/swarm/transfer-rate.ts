// Bytes per second over the last ten seconds, counted in slots of one second. Knows no direction and no peer.

const SLOT_MS = 1_000;
/** Nine whole seconds and the one under way. */
const SLOT_COUNT = 10;

export class TransferRate {
  /** Made with the first bytes: most torrents and peers at any time have none. */
  #slots: Float64Array | undefined;
  /** Number of the slot under way, counted in seconds of the caller's clock. */
  #slot: number;
  readonly #firstMs: number;
  #sum = 0;
  #total = 0;

  constructor(nowMs: number) {
    this.#firstMs = nowMs;
    this.#slot = Math.floor(nowMs / SLOT_MS);
  }

  /** All bytes ever added. */
  get totalBytes(): number {
    return this.#total;
  }

  add(bytes: number, nowMs: number): void {
    this.#advance(nowMs);
    this.#slots ??= new Float64Array(SLOT_COUNT);
    this.#slots[this.#slot % SLOT_COUNT]! += bytes;
    this.#sum += bytes;
    this.#total += bytes;
  }

  /** Mean over the last nine to ten seconds, over less right after the start. */
  bytesPerSecond(nowMs: number): number {
    this.#advance(nowMs);
    const windowStartMs = Math.max(this.#firstMs, (this.#slot - SLOT_COUNT + 1) * SLOT_MS);
    // Over the very first second the mean would be a matter of milliseconds.
    return (this.#sum * 1000) / Math.max(SLOT_MS, nowMs - windowStartMs);
  }

  #advance(nowMs: number): void {
    const slot = Math.floor(nowMs / SLOT_MS);
    const slots = this.#slots;
    const passed = slots === undefined ? 0 : Math.min(slot - this.#slot, SLOT_COUNT);
    for (let i = 1; i <= passed; i++) {
      const index = (this.#slot + i) % SLOT_COUNT;
      this.#sum -= slots![index]!;
      slots![index] = 0;
    }
    if (slot > this.#slot) this.#slot = slot;
  }
}
