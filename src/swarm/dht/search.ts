// A look-up and what it is for: finding nodes, peers, an item or samples, and storing something at the nearest nodes in the
// end. Owns what has been found; sending is the node's.
import { bytesEqual } from '../../base/bytes.ts';
import { bytesKey } from '../../protocol/bencode/index.ts';
import { BLOOM_FILTER_BYTES, joinBloomFilter } from '../../protocol/dht/bloom-filter.ts';
import { type Contact, type DhtEndpoint, decodeEndpoint, endpointBytes } from '../../protocol/dht/contact.ts';
import { immutableTarget, mutableTarget, signedBytes } from '../../protocol/dht/item.ts';
import type { KrpcQuery, KrpcResponse, PutQuery, WantedFamilies } from '../../protocol/dht/krpc-message.ts';
import { DHT_ITEM_MAX_BYTES, DHT_LOOKUP_PEERS_MAX } from '../../protocol/limits.ts';
import type { Lookup } from './lookup.ts';
import type { DhtCrypto } from './query-responder.ts';
import type { StoredItem } from './stored-items.ts';

const EMPTY = new Uint8Array(0);

export type SearchRequest =
  | { readonly kind: 'nodes'; readonly target: Uint8Array }
  | {
      readonly kind: 'peers';
      readonly target: Uint8Array;
      /** Tell the nearest nodes that we are a peer too. */
      readonly announce?: { readonly port: number; readonly impliedPort: boolean; readonly seed: boolean } | undefined;
      /** Ask for bloom filters (BEP 33). */
      readonly scrape?: boolean;
      readonly noSeed?: boolean;
    }
  | {
      readonly kind: 'item';
      readonly target: Uint8Array;
      /** Of a mutable item. */
      readonly salt?: Uint8Array | undefined;
      /** Store this at the nearest nodes. */
      readonly put?: Pick<PutQuery, 'value' | 'mutable'> | undefined;
    }
  | { readonly kind: 'samples'; readonly target: Uint8Array };

export interface SearchResult {
  /** Nodes that answered, and queries that were sent. */
  readonly answerCount: number;
  readonly queryCount: number;
  /** The nodes that have stored what was to be stored. */
  readonly storedCount: number;
  /** Nodes that refused to store it, with the code of the last refusal. */
  readonly refusalCode: number | undefined;
  /** The nearest that answered, nearest first. */
  readonly nearest: readonly Contact[];
  /** Steps from the nodes that we knew to the nearest. */
  readonly hopCount: number;
  /** BEP 33; undefined when nobody gave any. */
  readonly filters: { readonly seeds: Uint8Array; readonly peers: Uint8Array } | undefined;
}

/** What one answer brought. */
export interface Finding {
  readonly peers: readonly DhtEndpoint[];
  readonly item: StoredItem | undefined;
}

const NOTHING: Finding = { peers: [], item: undefined };

export class Search {
  readonly id: number;
  readonly request: SearchRequest;
  readonly lookup: Lookup;
  readonly startedMs: number;
  isEnded = false;
  /** Undefined while nodes are looked for; then the stores that wait for their answer. */
  pendingStoreCount: number | undefined;
  storedCount = 0;
  refusalCode: number | undefined;
  readonly #crypto: DhtCrypto;
  /** BOUNDED: DHT_LOOKUP_PEERS_MAX */
  readonly #peersSeen = new Set<string>();
  #item: StoredItem | undefined;
  #filters: { readonly seeds: Uint8Array; readonly peers: Uint8Array } | undefined;

  constructor(id: number, request: SearchRequest, lookup: Lookup, crypto: DhtCrypto, nowMs: number) {
    this.id = id;
    this.request = request;
    this.startedMs = nowMs;
    this.#crypto = crypto;
    this.lookup = lookup;
  }

  /** What every node of the look-up is asked. */
  query(ownId: Uint8Array, want: WantedFamilies | undefined): KrpcQuery {
    const { request } = this;
    const common = { id: ownId, target: request.target, want };
    switch (request.kind) {
      case 'nodes':
        return { method: 'find_node', ...common };
      case 'peers':
        return {
          method: 'get_peers',
          ...common,
          noSeed: request.noSeed === true,
          scrape: request.scrape === true,
        };
      case 'item':
        return { method: 'get', ...common };
      case 'samples':
        return { method: 'sample_infohashes', ...common };
    }
  }

  /** What is stored in the end, with the token of one node; undefined: nothing. */
  storeQuery(ownId: Uint8Array, token: Uint8Array): KrpcQuery | undefined {
    const { request } = this;
    if (request.kind === 'peers' && request.announce !== undefined) {
      return { method: 'announce_peer', id: ownId, infoHash: request.target, token, ...request.announce };
    }
    if (request.kind === 'item' && request.put !== undefined) {
      return { method: 'put', id: ownId, token, ...request.put };
    }
    return undefined;
  }

  get stores(): boolean {
    const { request } = this;
    return (
      (request.kind === 'peers' && request.announce !== undefined) ||
      (request.kind === 'item' && request.put !== undefined)
    );
  }

  /** Nothing better can come: an immutable value is there. */
  get isSatisfied(): boolean {
    return this.#item !== undefined && this.#item.mutable === undefined && !this.stores;
  }

  handleResponse(response: KrpcResponse, family: 4 | 6): Finding {
    if (this.request.kind === 'peers') {
      this.#joinFilters(response);
      return { peers: this.#newPeers(response.values ?? [], family), item: undefined };
    }
    if (this.request.kind === 'item') {
      const item = this.#newerItem(response);
      return item === undefined ? NOTHING : { peers: [], item };
    }
    return NOTHING;
  }

  result(): SearchResult {
    const nearest = this.lookup.nearest();
    return {
      answerCount: this.lookup.answerCount,
      queryCount: this.lookup.queryCount,
      storedCount: this.storedCount,
      refusalCode: this.refusalCode,
      nearest: nearest.map(({ contact }) => contact!),
      hopCount: nearest.reduce((most, { hopCount }) => Math.max(most, hopCount), 0),
      filters: this.#filters,
    };
  }

  #newPeers(values: readonly Uint8Array[], family: 4 | 6): DhtEndpoint[] {
    const peers: DhtEndpoint[] = []; // BOUNDED: DHT_VALUES_MAX, by the decoder
    for (const value of values) {
      // BEP 32: a list may be mixed, but this look-up is of one family.
      if (value.length !== endpointBytes(family) || this.#peersSeen.size >= DHT_LOOKUP_PEERS_MAX) continue;
      const key = bytesKey(value);
      const endpoint = this.#peersSeen.has(key) ? undefined : decodeEndpoint(value);
      if (endpoint === undefined) continue;
      this.#peersSeen.add(key);
      peers.push(endpoint);
    }
    return peers;
  }

  #joinFilters({ seedFilter, peerFilter }: KrpcResponse): void {
    if (seedFilter === undefined || peerFilter === undefined) return;
    this.#filters ??= { seeds: new Uint8Array(BLOOM_FILTER_BYTES), peers: new Uint8Array(BLOOM_FILTER_BYTES) };
    joinBloomFilter(this.#filters.seeds, seedFilter);
    joinBloomFilter(this.#filters.peers, peerFilter);
  }

  /** The response's value when it is what the target stands for, and newer than what is known. */
  #newerItem({ value, publicKey, seq, signature }: KrpcResponse): StoredItem | undefined {
    if (this.request.kind !== 'item' || value === undefined || value.length > DHT_ITEM_MAX_BYTES) return undefined;
    const { sha1, verifyEd25519 } = this.#crypto;
    const { target, salt = EMPTY } = this.request;
    if (publicKey === undefined || seq === undefined || signature === undefined) {
      if (this.#item !== undefined || !bytesEqual(immutableTarget(value, sha1), target)) return undefined;
      this.#item = { value: value.slice(), mutable: undefined };
      return this.#item;
    }
    if (seq <= (this.#item?.mutable?.seq ?? -1)) return undefined;
    if (!bytesEqual(mutableTarget(publicKey, salt, sha1), target)) return undefined;
    if (!verifyEd25519(publicKey, signedBytes(value, seq, salt), signature)) return undefined;
    this.#item = {
      value: value.slice(),
      mutable: { publicKey: publicKey.slice(), seq, signature: signature.slice() },
    };
    return this.#item;
  }
}
