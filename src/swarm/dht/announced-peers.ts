// Peers that other nodes have announced here (BEP 5, "announce_peer"; BEP 33: one entry for each address). A full store is a
// million of them, so they lie packed in bytes. Iterates in the order of announcing. Knows no messages.
import { assert } from '../../base/assert.ts';
import { type Random, randomBelow } from '../../base/random.ts';
import { bytesKey } from '../../protocol/bencode/index.ts';
import { addToBloomFilter, BLOOM_FILTER_BYTES } from '../../protocol/dht/bloom-filter.ts';
import { DHT_PEER_LIFETIME_MS, DHT_PEERS_PER_TORRENT_MAX, DHT_TORRENTS_MAX } from '../../protocol/limits.ts';

/** Behind the compact peer: seconds when it was announced (4 bytes), then 1 for a seed. */
const EXTRA_BYTES = 5;
const PORT_BYTES = 2;
const ENTRIES_AT_FIRST = 4;

class PeerSet {
  readonly infoHash: Uint8Array;
  readonly #compactBytes: number;
  readonly #entryBytes: number;
  /** BOUNDED: DHT_PEERS_PER_TORRENT_MAX entries. */
  #bytes: Uint8Array;
  count = 0;
  changedMs = 0;

  constructor(infoHash: Uint8Array, compactBytes: number) {
    this.infoHash = infoHash;
    this.#compactBytes = compactBytes;
    this.#entryBytes = compactBytes + EXTRA_BYTES;
    this.#bytes = new Uint8Array(ENTRIES_AT_FIRST * this.#entryBytes);
  }

  /** False when there is no room. */
  put(compact: Uint8Array, isSeed: boolean, nowMs: number): boolean {
    this.changedMs = nowMs;
    let index = this.#find(compact);
    if (index === -1) {
      if (this.count === DHT_PEERS_PER_TORRENT_MAX) return false;
      index = this.count++;
      if (this.count * this.#entryBytes > this.#bytes.length) this.#grow();
    }
    const at = index * this.#entryBytes;
    this.#bytes.set(compact, at);
    const seconds = Math.floor(nowMs / 1000);
    for (let i = 0; i < 4; i++) this.#bytes[at + this.#compactBytes + i] = seconds >>> (8 * i);
    this.#bytes[at + this.#entryBytes - 1] = isSeed ? 1 : 0;
    return true;
  }

  expire(nowMs: number): void {
    const oldest = Math.floor((nowMs - DHT_PEER_LIFETIME_MS) / 1000);
    let kept = 0;
    for (let index = 0; index < this.count; index++) {
      const at = index * this.#entryBytes;
      let seconds = 0;
      for (let i = 3; i >= 0; i--) seconds = seconds * 256 + this.#bytes[at + this.#compactBytes + i]!;
      if (seconds < oldest) continue;
      if (kept !== index) this.#bytes.copyWithin(kept * this.#entryBytes, at, at + this.#entryBytes);
      kept++;
    }
    this.count = kept;
  }

  /** At most `max` peers drawn evenly, those that are no seeds first when `noSeed`. */
  sample(max: number, noSeed: boolean, random: Random): Uint8Array[] {
    const chosen: number[] = []; // BOUNDED: max
    const draw = (indexes: readonly number[]): void => {
      // A run of neighbours from a random place: each peer has the same chance, and nothing is copied.
      const start = indexes.length === 0 ? 0 : randomBelow(random, indexes.length);
      for (let i = 0; i < indexes.length && chosen.length < max; i++)
        chosen.push(indexes[(start + i) % indexes.length]!);
    };
    const all = Array.from({ length: this.count }, (_, index) => index);
    if (noSeed) {
      draw(all.filter((index) => !this.#isSeed(index)));
      draw(all.filter((index) => this.#isSeed(index)));
    } else draw(all);
    return chosen.map((index) => {
      const at = index * this.#entryBytes;
      return this.#bytes.slice(at, at + this.#compactBytes);
    });
  }

  fillFilters(seeds: Uint8Array, peers: Uint8Array, sha1: (bytes: Uint8Array) => Uint8Array): void {
    for (let index = 0; index < this.count; index++) {
      const at = index * this.#entryBytes;
      const hash = sha1(this.#bytes.subarray(at, at + this.#compactBytes - PORT_BYTES));
      addToBloomFilter(this.#isSeed(index) ? seeds : peers, hash);
    }
  }

  #isSeed(index: number): boolean {
    return this.#bytes[(index + 1) * this.#entryBytes - 1] === 1;
  }

  #find(compact: Uint8Array): number {
    const addressBytes = this.#compactBytes - PORT_BYTES;
    for (let index = 0; index < this.count; index++) {
      const at = index * this.#entryBytes;
      let i = 0;
      while (i < addressBytes && this.#bytes[at + i] === compact[i]) i++;
      if (i === addressBytes) return index;
    }
    return -1;
  }

  #grow(): void {
    const entries = Math.min(DHT_PEERS_PER_TORRENT_MAX, this.count * 2);
    const grown = new Uint8Array(entries * this.#entryBytes);
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

/** Both families: the compact form of a peer tells them apart, and each has a set of its own. */
export class AnnouncedPeers {
  /** Info-hash and length of the compact form → peers. BOUNDED: DHT_TORRENTS_MAX */
  readonly #sets = new Map<string, PeerSet>();
  #peerCount = 0;

  get torrentCount(): number {
    return this.#sets.size;
  }

  get peerCount(): number {
    return this.#peerCount;
  }

  /** Keeps or renews a peer (6 or 18 bytes). False when its torrent has as many as we keep. */
  put(infoHash: Uint8Array, compact: Uint8Array, isSeed: boolean, nowMs: number): boolean {
    const key = keyOf(infoHash, compact.length);
    let set = this.#sets.get(key);
    if (set === undefined) {
      if (this.#sets.size >= DHT_TORRENTS_MAX) this.#dropSmallest();
      set = new PeerSet(infoHash.slice(), compact.length);
      this.#sets.set(key, set);
    }
    const before = set.count;
    let isKept = set.put(compact, isSeed, nowMs);
    if (!isKept) {
      set.expire(nowMs);
      isKept = set.put(compact, isSeed, nowMs);
    }
    this.#peerCount += set.count - before;
    return isKept;
  }

  /** Room for one more peer of this torrent (else no token is given: BEP 33, "Changed announce accounting"). */
  hasRoom(infoHash: Uint8Array, compactBytes: number): boolean {
    return (this.#sets.get(keyOf(infoHash, compactBytes))?.count ?? 0) < DHT_PEERS_PER_TORRENT_MAX;
  }

  sample(infoHash: Uint8Array, compactBytes: number, max: number, noSeed: boolean, random: Random): Uint8Array[] {
    return this.#sets.get(keyOf(infoHash, compactBytes))?.sample(max, noSeed, random) ?? [];
  }

  /** Undefined when nothing is known of the torrent (BEP 33). */
  filters(
    infoHash: Uint8Array,
    compactBytes: number,
    sha1: (bytes: Uint8Array) => Uint8Array,
  ): { readonly seeds: Uint8Array; readonly peers: Uint8Array } | undefined {
    const set = this.#sets.get(keyOf(infoHash, compactBytes));
    if (set === undefined || set.count === 0) return undefined;
    const seeds = new Uint8Array(BLOOM_FILTER_BYTES);
    const peers = new Uint8Array(BLOOM_FILTER_BYTES);
    set.fillFilters(seeds, peers, sha1);
    return { seeds, peers };
  }

  /** At most `max` info-hashes, drawn evenly, one behind the other (BEP 51). */
  sampleInfoHashes(max: number, random: Random): Uint8Array {
    const sets = [...this.#sets.values()];
    const count = Math.min(max, sets.length);
    const samples = new Uint8Array(count * 20);
    for (let i = 0; i < count; i++) {
      // The first steps of a shuffle.
      const j = i + randomBelow(random, sets.length - i);
      const drawn = sets[j]!;
      sets[j] = sets[i]!;
      samples.set(drawn.infoHash, i * 20);
    }
    return samples;
  }

  expire(nowMs: number): void {
    this.#peerCount = 0;
    for (const [key, set] of this.#sets) {
      set.expire(nowMs);
      if (set.count === 0) this.#sets.delete(key);
      this.#peerCount += set.count;
    }
  }

  /** Throws when the counts disagree. For tests. */
  assertInvariants(): void {
    let count = 0;
    for (const set of this.#sets.values()) count += set.count;
    assert(count === this.#peerCount, `${this.#peerCount} announced peers counted, ${count} kept`);
    assert(this.#sets.size <= DHT_TORRENTS_MAX, `${this.#sets.size} torrents`);
  }

  /** The torrent with the fewest peers goes, of those the one that was heard of longest ago. */
  #dropSmallest(): void {
    let dropped: string | undefined;
    let smallest: PeerSet | undefined;
    for (const [key, set] of this.#sets) {
      const isSmaller =
        smallest === undefined ||
        set.count < smallest.count ||
        (set.count === smallest.count && set.changedMs < smallest.changedMs);
      if (isSmaller) {
        dropped = key;
        smallest = set;
      }
    }
    if (dropped === undefined || smallest === undefined) return;
    this.#sets.delete(dropped);
    this.#peerCount -= smallest.count;
  }
}

function keyOf(infoHash: Uint8Array, compactBytes: number): string {
  return `${compactBytes === 6 ? '4' : '6'}${bytesKey(infoHash)}`;
}
