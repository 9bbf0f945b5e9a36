export class TransferRate {
  #bytes = 0;
  #startMs: number;
  #rate = 0;
  constructor(nowMs: number) {
    this.#startMs = nowMs;
  }
  add(bytes: number, nowMs: number): void {
    this.#roll(nowMs);
    this.#bytes += bytes;
  }
  bytesPerSecond(nowMs: number): number {
    this.#roll(nowMs);
    return this.#rate;
  }
  #roll(nowMs: number): void {
    const elapsed = nowMs - this.#startMs;
    if (elapsed < 1000) return;
    this.#rate = (this.#bytes * 1000) / elapsed;
    this.#bytes = 0;
    this.#startMs = nowMs;
  }
}
