// Who is answered, and with how much (limits against floods and against being used to flood others): queries of one public
// address are counted, addresses that ask too much are not answered for a while, and what we send in all stays within a
// budget. Also remembers which addresses have shown that they are not forged. Knows no messages.
import {
  DHT_ADDRESSES_COUNTED_MAX,
  DHT_BLOCK_MS,
  DHT_QUERIES_PER_ADDRESS_MAX,
  DHT_VERIFIES_PER_SECOND,
} from '../../protocol/limits.ts';

const WINDOW_MS = 10_000;
const VERIFY_WINDOW_MS = 1_000;
const BURST_SECONDS = 3;
const PROVEN_MAX = 2_048;
/** An address that answered us this long ago may belong to another by now. */
const PROVEN_MS = 600_000;

interface Counted {
  windowStartMs: number;
  count: number;
  blockedUntilMs: number;
}

export class QueryGate {
  readonly #bytesPerSecond: number;
  /** Address → its queries; the one heard of longest ago first. BOUNDED: DHT_ADDRESSES_COUNTED_MAX */
  readonly #counted = new Map<string, Counted>();
  /** Address → signatures checked for it. BOUNDED: DHT_ADDRESSES_COUNTED_MAX */
  readonly #verifications = new Map<string, Counted>();
  /** Address → when it was shown to be true. BOUNDED: PROVEN_MAX, oldest dropped */
  readonly #proven = new Map<string, number>();
  #allowanceBytes: number;
  #allowanceMs: number;

  constructor(bytesPerSecond: number, nowMs: number) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#allowanceBytes = bytesPerSecond * BURST_SECONDS;
    this.#allowanceMs = nowMs;
  }

  /** Counts a query; false when its sender asks too much. */
  admits(address: string, nowMs: number): boolean {
    const counted = countedOf(this.#counted, address, nowMs);
    if (nowMs < counted.blockedUntilMs) return false;
    if (nowMs - counted.windowStartMs >= WINDOW_MS) {
      counted.windowStartMs = nowMs;
      counted.count = 0;
    }
    if (++counted.count <= DHT_QUERIES_PER_ADDRESS_MAX) return true;
    counted.blockedUntilMs = nowMs + DHT_BLOCK_MS;
    return false;
  }

  /** Counts a signature that is to be checked; false when its sender has had many checked in this second. */
  admitsVerification(address: string, nowMs: number): boolean {
    const counted = countedOf(this.#verifications, address, nowMs);
    if (nowMs - counted.windowStartMs >= VERIFY_WINDOW_MS) {
      counted.windowStartMs = nowMs;
      counted.count = 0;
    }
    return ++counted.count <= DHT_VERIFIES_PER_SECOND;
  }

  /** Whether an answer of this size may leave. */
  maySend(lengthBytes: number, nowMs: number): boolean {
    this.#refill(nowMs);
    return this.#allowanceBytes >= lengthBytes;
  }

  /** What has been sent, answers and our own queries; these may overdraw, and the answers wait for it. */
  handleSent(lengthBytes: number, nowMs: number): void {
    this.#refill(nowMs);
    this.#allowanceBytes = Math.max(this.#allowanceBytes - lengthBytes, -this.#bytesPerSecond * BURST_SECONDS);
  }

  /** It has answered us or repeated a token: packets in its name come from it. */
  handleProven(address: string, nowMs: number): void {
    this.#proven.delete(address);
    this.#proven.set(address, nowMs);
    if (this.#proven.size <= PROVEN_MAX) return;
    for (const oldest of this.#proven.keys()) {
      this.#proven.delete(oldest);
      return;
    }
  }

  isProven(address: string, nowMs: number): boolean {
    return nowMs - (this.#proven.get(address) ?? -Infinity) < PROVEN_MS;
  }

  #refill(nowMs: number): void {
    // An unlimited budget times no time is no number.
    if (this.#bytesPerSecond === Infinity) return;
    const earned = ((nowMs - this.#allowanceMs) / 1000) * this.#bytesPerSecond;
    this.#allowanceBytes = Math.min(this.#bytesPerSecond * BURST_SECONDS, this.#allowanceBytes + earned);
    this.#allowanceMs = nowMs;
  }
}

/** The entry of an address, made when there is none, and the youngest from now on. */
function countedOf(entries: Map<string, Counted>, address: string, nowMs: number): Counted {
  let counted = entries.get(address);
  if (counted === undefined) {
    counted = { windowStartMs: nowMs, count: 0, blockedUntilMs: 0 };
    if (entries.size >= DHT_ADDRESSES_COUNTED_MAX) {
      const [oldest] = entries.keys();
      entries.delete(oldest!);
    }
  } else entries.delete(address);
  entries.set(address, counted);
  return counted;
}
