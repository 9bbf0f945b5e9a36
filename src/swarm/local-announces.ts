// When the torrents of a session are announced on the local network (BEP 14): each once in LSD_INTERVAL_MS, one datagram
// a second at most. Many torrents share datagrams; few have one each, since older programs read only the first info-hash.
import { bytesToHex } from '../base/bytes.ts';
import { LSD_DATAGRAM_INTERVAL_MS, LSD_HASHES_MAX, LSD_INTERVAL_MS } from '../protocol/limits.ts';

/** BEP 14: from more torrents than these on, one datagram may name several. */
const SINGLE_MAX = 5;
/** Torrents are added together: so long the first waits for others. */
const GATHER_MS = 500;

interface Announced {
  readonly infoHash: Uint8Array;
  dueMs: number;
  /** False: kept so that a torrent that stops and starts is not announced more often. */
  isActive: boolean;
}

export class LocalAnnounces {
  /** By info-hash in hexadecimal. BOUNDED: torrents of the session, and those that stopped within LSD_INTERVAL_MS. */
  readonly #torrents = new Map<string, Announced>();
  #nextMs = Number.NEGATIVE_INFINITY;

  add(infoHash: Uint8Array, nowMs: number): void {
    const key = bytesToHex(infoHash);
    const known = this.#torrents.get(key);
    if (known === undefined) this.#torrents.set(key, { infoHash, dueMs: nowMs + GATHER_MS, isActive: true });
    else known.isActive = true;
  }

  remove(infoHash: Uint8Array): void {
    const known = this.#torrents.get(bytesToHex(infoHash));
    if (known !== undefined) known.isActive = false;
  }

  /** When `poll` has a datagram; Infinity when nothing is announced. */
  get deadlineMs(): number {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const torrent of this.#torrents.values()) if (torrent.isActive) dueMs = Math.min(dueMs, torrent.dueMs);
    return Math.max(dueMs, this.#nextMs);
  }

  /** The info-hashes of the next datagram; undefined: none is due. The caller sends it on every interface. */
  poll(nowMs: number): readonly Uint8Array[] | undefined {
    if (this.deadlineMs > nowMs) return undefined;
    const due: Announced[] = [];
    for (const [key, torrent] of this.#torrents) {
      if (torrent.dueMs > nowMs) continue;
      if (torrent.isActive) due.push(torrent);
      else this.#torrents.delete(key);
    }
    const taken = due.slice(0, due.length <= SINGLE_MAX ? 1 : LSD_HASHES_MAX);
    for (const torrent of taken) torrent.dueMs = nowMs + LSD_INTERVAL_MS;
    this.#nextMs = nowMs + LSD_DATAGRAM_INTERVAL_MS;
    return taken.map(({ infoHash }) => infoHash);
  }
}
