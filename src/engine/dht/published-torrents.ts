// Torrents that are named by a publisher's key (BEP 46): asks the DHT which torrent the publisher shares, adds it, asks again
// while it is there, tells when it is another one, and keeps the publisher's word alive. Knows nothing of what becomes of a
// newer version: that is the program's.
import { bytesEqual, bytesToHex } from '../../base/bytes.ts';
import { type Random, randomBelow } from '../../base/random.ts';
import { SessionError } from '../../platform/session-error.ts';
import { bytesKey } from '../../protocol/bencode/index.ts';
import { mutableTarget } from '../../protocol/dht/item.ts';
import { decodeTorrentPointer } from '../../protocol/dht/torrent-pointer.ts';
import type { Magnet, MagnetPublisher } from '../../protocol/magnet/index.ts';
import type { StoredItem } from '../../swarm/dht/stored-items.ts';
import type { AddTorrentOptions } from '../api.ts';
import { sourceOfMagnet, type TorrentSource } from '../torrent-source.ts';
import type { DhtClient } from './dht-client.ts';

/** Items are forgotten after two hours and should be put again once an hour (BEP 44); a newer one is noticed this soon. */
export const FOLLOW_MS = 1_800_000;
/** While nobody knows the publisher: doubles up to the maximum. */
const RETRY_MIN_MS = 10_000;
const RETRY_MAX_MS = 300_000;
/** Publishers whose newest word is remembered. */
const PUBLISHERS_MAX = 100;

/** A publisher's word that was found: an item that names a torrent. */
interface Pointer {
  readonly infoHash: Uint8Array;
  readonly seq: number;
  readonly item: StoredItem;
}

/** What is needed of the DHT. */
export type ItemStore = Pick<DhtClient, 'find' | 'store' | 'wait'>;

export interface PublishedTorrentsParts<T> {
  /** Undefined: the session uses no DHT. */
  readonly dht: ItemStore | undefined;
  readonly random: Random;
  sha1(bytes: Uint8Array): Uint8Array;
  add(source: TorrentSource, options: AddTorrentOptions): Promise<T>;
  /** The publisher of this torrent shares another one now. */
  handleUpdated(torrent: T, infoHash: string): void;
}

export class PublishedTorrents<T extends object> {
  readonly #parts: PublishedTorrentsParts<T>;
  /** Ends the following of each torrent. BOUNDED: the session's torrents */
  readonly #followed = new Map<T, AbortController>();
  /** By target. BOUNDED: PUBLISHERS_MAX, oldest dropped */
  readonly #newest = new Map<string, Pointer>();

  constructor(parts: PublishedTorrentsParts<T>) {
    this.#parts = parts;
  }

  /**
   * Adds the torrent that the publisher of a link shares; waits for as long as nobody knows it.
   * @throws {SessionError} `METADATA_NOT_FOUND` without a DHT; `SESSION_CLOSED`; `signal.reason`.
   */
  async add(magnet: Magnet, publisher: MagnetPublisher, options: AddTorrentOptions): Promise<T> {
    const { dht } = this.#parts;
    if (dht === undefined) {
      throw new SessionError(
        'METADATA_NOT_FOUND',
        'The link names a publisher, whose torrents only the DHT knows, and the DHT is switched off; switch it on.',
        { operation: 'add' },
      );
    }
    const pointer = await this.#resolve(dht, publisher, options.signal);
    const torrent = await this.#parts.add(sourceOfMagnet({ ...magnet, infoHash: pointer.infoHash }), options);
    if (!this.#followed.has(torrent)) {
      const end = new AbortController();
      this.#followed.set(torrent, end);
      // Ends with the signal or the session.
      this.#follow(dht, torrent, publisher, pointer, end.signal).catch(() => undefined);
    }
    return torrent;
  }

  /** The torrent has been removed. */
  forget(torrent: T): void {
    this.#followed.get(torrent)?.abort();
    this.#followed.delete(torrent);
  }

  async #resolve(dht: ItemStore, publisher: MagnetPublisher, signal: AbortSignal | undefined): Promise<Pointer> {
    for (let waitMs = RETRY_MIN_MS; ; waitMs = Math.min(2 * waitMs, RETRY_MAX_MS)) {
      const pointer = await this.#ask(dht, publisher, signal);
      if (pointer !== undefined) return pointer;
      await dht.wait(waitMs, signal);
    }
  }

  async #follow(
    dht: ItemStore,
    torrent: T,
    publisher: MagnetPublisher,
    first: Pointer,
    signal: AbortSignal,
  ): Promise<void> {
    for (let told = first; ; ) {
      await dht.wait(FOLLOW_MS - randomBelow(this.#parts.random, FOLLOW_MS / 10), signal);
      const newest = await this.#ask(dht, publisher, signal);
      if (newest === undefined) continue;
      const isAnother = !bytesEqual(newest.infoHash, told.infoHash);
      told = newest;
      if (isAnother) this.#parts.handleUpdated(torrent, bytesToHex(newest.infoHash));
      await this.#renew(dht, publisher, newest, signal);
    }
  }

  /** The newest that is known; undefined while nothing is. */
  async #ask(
    dht: ItemStore,
    { publicKey, salt }: MagnetPublisher,
    signal: AbortSignal | undefined,
  ): Promise<Pointer | undefined> {
    const target = mutableTarget(publicKey, salt, this.#parts.sha1);
    const key = bytesKey(target);
    const { item } = await dht.find(target, salt, signal);
    const infoHash = item === undefined ? undefined : decodeTorrentPointer(item.value);
    const known = this.#newest.get(key);
    if (item?.mutable === undefined || infoHash === undefined) return known;
    // A node that has missed an update does not take us back.
    if (known !== undefined && known.seq >= item.mutable.seq) return known;
    const pointer = { infoHash, seq: item.mutable.seq, item };
    this.#newest.delete(key);
    this.#newest.set(key, pointer);
    const [oldest] = this.#newest.keys();
    if (this.#newest.size > PUBLISHERS_MAX) this.#newest.delete(oldest!);
    return pointer;
  }

  /** BEP 46: consumers keep the item alive too. */
  async #renew(dht: ItemStore, publisher: MagnetPublisher, { item }: Pointer, signal: AbortSignal): Promise<void> {
    const { publicKey, salt } = publisher;
    const { seq, signature } = item.mutable!;
    const target = mutableTarget(publicKey, salt, this.#parts.sha1);
    const mutable = { publicKey, seq, signature, salt, cas: undefined };
    await dht.store(target, salt, { value: item.value, mutable }, signal);
  }
}
