// Public addresses dialled lately that have not turned out to be peers. One for all torrents of a session, so that gossip in
// many swarms does not make us knock at one host again and again.
import { DIAL_SAME_ADDRESS_MS, PEER_LIST_MAX } from '../protocol/limits.ts';
import { isPublic } from './dial-address.ts';

export interface DialHistoryWaiter {
  /** An address that it waits for may be dialled at once. */
  handleAddressFree(): void;
}

interface Dialled {
  readonly atMs: number;
  /** BOUNDED: one a torrent. */
  readonly waiters: Set<DialHistoryWaiter>;
}

export class DialHistory {
  /** The oldest first. BOUNDED: PEER_LIST_MAX, more than are dialled in DIAL_SAME_ADDRESS_MS; the oldest dropped. */
  readonly #dialled = new Map<string, Dialled>();

  handleDialled(address: string, nowMs: number): void {
    if (!isPublic(address)) return;
    const waiters = this.#dialled.get(address)?.waiters ?? new Set();
    this.#dialled.delete(address);
    if (this.#dialled.size >= PEER_LIST_MAX) {
      const [oldest] = this.#dialled.keys();
      this.#dialled.delete(oldest!);
    }
    this.#dialled.set(address, { atMs: nowMs, waiters });
  }

  /** It has shaken hands: somebody there wants to be dialled, in as many torrents as we share. */
  handleGreeted(address: string): void {
    const waiters = this.#dialled.get(address)?.waiters;
    this.#dialled.delete(address);
    for (const waiter of waiters ?? []) waiter.handleAddressFree();
  }

  /** When it may be dialled again, -Infinity for at any time. The waiter is told when that has become earlier. */
  notBeforeMs(address: string, waiter: DialHistoryWaiter): number {
    const dialled = this.#dialled.get(address);
    if (dialled === undefined) return Number.NEGATIVE_INFINITY;
    dialled.waiters.add(waiter);
    return dialled.atMs + DIAL_SAME_ADDRESS_MS;
  }
}
