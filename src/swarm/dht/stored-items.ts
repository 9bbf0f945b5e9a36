// Items that other nodes have put here (BEP 44), under their targets. Decides what may replace what; whether a signature is
// right has been found out before. Knows no messages.
import { bytesEqual } from '../../base/bytes.ts';
import { bytesKey } from '../../protocol/bencode/index.ts';
import type { MutableItem } from '../../protocol/dht/item.ts';
import { DHT_ITEM_LIFETIME_MS, DHT_ITEMS_MAX } from '../../protocol/limits.ts';

export interface StoredItem {
  /** Bencoded. */
  readonly value: Uint8Array;
  /** Undefined: immutable. */
  readonly mutable: Omit<MutableItem, 'value'> | undefined;
}

interface Entry {
  readonly item: StoredItem;
  putMs: number;

  /** How often it was put: what is put again is wanted. */
  putCount: number;
}

export type PutOutcome = 'stored' | 'cas-mismatch' | 'seq-too-low';

export class StoredItems {
  /** Target → item; the oldest put first. BOUNDED: DHT_ITEMS_MAX */
  readonly #entries = new Map<string, Entry>();

  get size(): number {
    return this.#entries.size;
  }

  get(target: Uint8Array): StoredItem | undefined {
    return this.#entries.get(bytesKey(target))?.item;
  }

  /** What a put of this would do; `cas` is what the putter believes to be stored. */
  check(target: Uint8Array, item: StoredItem, cas: number | undefined): PutOutcome {
    const known = this.get(target)?.mutable;
    if (known === undefined || item.mutable === undefined) return 'stored';
    if (cas !== undefined && cas !== known.seq) return 'cas-mismatch';
    if (item.mutable.seq < known.seq) return 'seq-too-low';
    const isSame = bytesEqual(this.get(target)!.value, item.value);
    return item.mutable.seq === known.seq && !isSame ? 'seq-too-low' : 'stored';
  }

  /** Keeps or renews an item that `check` lets pass. The bytes are the store's from now on. */
  put(target: Uint8Array, item: StoredItem, nowMs: number): void {
    const key = bytesKey(target);
    const putCount = (this.#entries.get(key)?.putCount ?? 0) + 1;
    // At the end again: the order is that of the last put.
    this.#entries.delete(key);
    if (this.#entries.size >= DHT_ITEMS_MAX) this.#dropOne(nowMs);
    this.#entries.set(key, { item, putMs: nowMs, putCount });
  }

  expire(nowMs: number): void {
    for (const [key, { putMs }] of this.#entries) {
      if (nowMs - putMs < DHT_ITEM_LIFETIME_MS) return;
      this.#entries.delete(key);
    }
  }

  /** The one that was put least often, of those the one put longest ago. */
  #dropOne(nowMs: number): void {
    this.expire(nowMs);
    if (this.#entries.size < DHT_ITEMS_MAX) return;
    let dropped: string | undefined;
    let fewest = Infinity;
    for (const [key, { putCount }] of this.#entries) {
      if (putCount >= fewest) continue;
      dropped = key;
      fewest = putCount;
    }
    if (dropped !== undefined) this.#entries.delete(dropped);
  }
}
