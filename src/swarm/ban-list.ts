// Addresses that have sent bad data, for a day each. One list serves a whole session. Knows no ports: a bad host
// comes back under any of them.
import { BAN_MS, BANS_MAX } from '../protocol/limits.ts';

export class BanList {
  /** Address → end of the ban, in the order of banning. BOUNDED: BANS_MAX, the oldest dropped. */
  readonly #untilMs = new Map<string, number>();

  get count(): number {
    return this.#untilMs.size;
  }

  ban(address: string, nowMs: number): void {
    this.#untilMs.delete(address);
    if (this.#untilMs.size >= BANS_MAX) {
      for (const oldest of this.#untilMs.keys()) {
        this.#untilMs.delete(oldest);
        break;
      }
    }
    this.#untilMs.set(address, nowMs + BAN_MS);
  }

  isBanned(address: string, nowMs: number): boolean {
    const untilMs = this.#untilMs.get(address);
    if (untilMs === undefined) return false;
    if (nowMs < untilMs) return true;
    this.#untilMs.delete(address);
    return false;
  }
}
