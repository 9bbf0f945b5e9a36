export class RateLimiter {
  bytesPerSecond: number;
  constructor(bytesPerSecond: number, _nowMs: number) {
    this.bytesPerSecond = bytesPerSecond;
  }
  take(wanted: number, _nowMs: number): number {
    return wanted;
  }
  refund(_bytes: number): void {}
  nextAtMs(nowMs: number, _wanted: number): number {
    return nowMs;
  }
}
