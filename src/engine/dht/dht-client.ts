// The DHT of a session for programs (BEP 5, 33, 44, 46, 51): checks what they ask for, joins what both families answer, and
// hands it over as promises. Knows no messages; the look-ups themselves are the nodes'.
import { bytesToHex, EMPTY_BYTES } from '../../base/bytes.ts';
import type { Platform } from '../../platform/platform.ts';
import { SessionError } from '../../platform/session-error.ts';
import { bytesKey } from '../../protocol/bencode/index.ts';
import { estimateBloomFilter, joinBloomFilter } from '../../protocol/dht/bloom-filter.ts';
import { immutableTarget, mutableTarget, PUBLIC_KEY_BYTES, signedBytes } from '../../protocol/dht/item.ts';
import { NODE_ID_BYTES, randomNodeId } from '../../protocol/dht/node-id.ts';
import { formatMagnet } from '../../protocol/magnet/index.ts';
import type { SearchRequest, SearchResult } from '../../swarm/dht/search.ts';
import type { StoredItem } from '../../swarm/dht/stored-items.ts';
import type { WaitOptions } from '../api.ts';
import { formatEndpoint } from '../host-port.ts';
import { type BothFamiliesHandler, searchBothFamilies } from './both-families.ts';
import type { Dht } from './dht.ts';
import type {
  DhtGetOptions,
  DhtGetResult,
  DhtLike,
  DhtLookupOptions,
  DhtLookupResult,
  DhtPingResult,
  DhtPutOptions,
  DhtPutResult,
  DhtReach,
  DhtSampleResult,
  DhtValue,
} from './dht-api.ts';
import { bencodedOf, checkedSalt, checkedSeed, checkedSeq, hashOf, hostOf, itemOf } from './dht-arguments.ts';

/** Info-hashes of one `sample`: what some hundreds of nodes give. */
const SAMPLES_MAX = 20_000;
/** Peers of one `lookup`, over both families. */
const PEERS_MAX = 2_000;

type DhtPlatform = Pick<Platform, 'clock' | 'crypto' | 'resolver'>;

/** An item under a target, and how far its look-up came. */
export interface FoundItem extends DhtReach {
  readonly item: StoredItem | undefined;
}

type ItemPut = NonNullable<Extract<SearchRequest, { readonly kind: 'item' }>['put']>;

export class DhtClient implements DhtLike {
  readonly #dht: Dht;
  readonly #platform: DhtPlatform;
  /** Ends each call that is under way. BOUNDED: by the program's own calls */
  readonly #open = new Set<(reason: unknown) => void>();
  #isClosed = false;

  constructor(dht: Dht, platform: DhtPlatform) {
    this.#dht = dht;
    this.#platform = platform;
  }

  get isStarted(): boolean {
    return this.#dht.isStarted;
  }

  get nodeCount(): number {
    return this.#dht.nodeCount;
  }

  async lookup(infoHash: string, options: DhtLookupOptions = {}): Promise<DhtLookupResult> {
    // Of a v2 hash the DHT knows the first 20 bytes (BEP 52).
    const target = hashOf(infoHash, [NODE_ID_BYTES, 32], 'an info-hash').subarray(0, NODE_ID_BYTES);
    const peers = new Set<string>(); // BOUNDED: PEERS_MAX
    const results = await this.#search({ kind: 'peers', target, scrape: true }, options.signal, {
      handlePeers: (endpoints) => {
        const fresh = endpoints.map(formatEndpoint).filter((peer) => !peers.has(peer));
        for (const peer of fresh) if (peers.size < PEERS_MAX) peers.add(peer);
        if (fresh.length > 0) options.onPeers?.(fresh);
      },
    });
    return { ...reachOf(results), peers: [...peers], ...estimatesOf(results) };
  }

  async get(target: string, options: DhtGetOptions = {}): Promise<DhtGetResult> {
    const salt = checkedSalt(options.salt);
    const hash = hashOf(target, [NODE_ID_BYTES, PUBLIC_KEY_BYTES], 'a target or public key');
    const { sha1 } = this.#platform.crypto;
    const where = hash.length === PUBLIC_KEY_BYTES ? mutableTarget(hash, salt, sha1) : hash;
    const { item, ...reach } = await this.find(where, salt, options.signal);
    return { ...reach, target: bytesToHex(where), item: item === undefined ? undefined : itemOf(item) };
  }

  async put(value: DhtValue, options: DhtPutOptions = {}): Promise<DhtPutResult> {
    const bencoded = bencodedOf(value);
    const { crypto } = this.#platform;
    if (options.privateKey === undefined) {
      if (options.seq !== undefined || options.salt !== undefined) {
        throw new RangeError('only an item with a key has a salt and a version');
      }
      const target = immutableTarget(bencoded, crypto.sha1);
      const stored = await this.store(target, EMPTY_BYTES, { value: bencoded, mutable: undefined }, options.signal);
      return { ...stored, target: bytesToHex(target), publicKey: undefined, seq: undefined, magnet: undefined };
    }
    const seed = checkedSeed(options.privateKey);
    const salt = checkedSalt(options.salt);
    const publicKey = crypto.ed25519PublicKey(seed);
    const target = mutableTarget(publicKey, salt, crypto.sha1);
    const seq = checkedSeq(options.seq) ?? (await this.#nextSeq(target, salt, bencoded, options.signal));
    const signature = crypto.signEd25519(seed, signedBytes(bencoded, seq, salt));
    const mutable = { publicKey, seq, signature, salt, cas: undefined };
    const stored = await this.store(target, salt, { value: bencoded, mutable }, options.signal);
    const isPointer = typeof value === 'object' && 'infoHash' in value;
    const link = { publisher: { publicKey, salt }, trackers: [], webSeeds: [], peers: [] };
    return {
      ...stored,
      target: bytesToHex(target),
      publicKey: bytesToHex(publicKey),
      seq,
      magnet: isPointer ? formatMagnet(link) : undefined,
    };
  }

  async sample(target: string, options: WaitOptions = {}): Promise<DhtSampleResult> {
    const infoHashes = new Set<string>(); // BOUNDED: SAMPLES_MAX
    let nodeCount = 0;
    let heldCount = 0;
    const request: SearchRequest = { kind: 'samples', target: hashOf(target, [NODE_ID_BYTES], 'a target') };
    const results = await this.#search(request, options.signal, {
      handleSamples: ({ infoHashes: packed, total }) => {
        nodeCount++;
        heldCount += total;
        for (let at = 0; at < packed.length && infoHashes.size < SAMPLES_MAX; at += NODE_ID_BYTES) {
          infoHashes.add(bytesToHex(packed.subarray(at, at + NODE_ID_BYTES)));
        }
      },
    });
    return { ...reachOf(results), infoHashes: [...infoHashes], nodeCount, heldCount };
  }

  async ping(host: string, options: WaitOptions = {}): Promise<DhtPingResult | undefined> {
    const { host: name, port } = hostOf(host);
    return this.#call(options.signal, (resolve) =>
      this.#platform.resolver.resolve(name, {
        handleResolved: ([address]) => {
          this.#dht.ping({ address: address!, port }, ({ endpoint, contact, rttMs }) => {
            if (contact === undefined) resolve(undefined);
            else {
              const { id, isSecure } = contact;
              resolve({ id: bytesToHex(id), address: formatEndpoint(endpoint), rttMs, isSecure });
            }
          });
        },
        handleFailed: () => resolve(undefined),
      }),
    );
  }

  async probe(options: WaitOptions = {}): Promise<DhtReach> {
    const target = randomNodeId(this.#platform.crypto.random);
    return reachOf(await this.#search({ kind: 'nodes', target }, options.signal, {}));
  }

  /** The newest version that a node gives, verified. For the engine, which speaks of bytes. */
  async find(target: Uint8Array, salt: Uint8Array, signal: AbortSignal | undefined): Promise<FoundItem> {
    let newest: StoredItem | undefined;
    const results = await this.#search({ kind: 'item', target, salt }, signal, {
      handleItem: (item) => {
        if (newest === undefined || (item.mutable?.seq ?? 0) > (newest.mutable?.seq ?? 0)) newest = item;
      },
    });
    return { ...reachOf(results), item: newest };
  }

  /** Puts an item as it is: also one that somebody else has signed. */
  async store(
    target: Uint8Array,
    salt: Uint8Array,
    put: ItemPut,
    signal: AbortSignal | undefined,
  ): Promise<DhtReach & Pick<DhtPutResult, 'storedCount' | 'refusalCode'>> {
    const results = await this.#search({ kind: 'item', target, salt, put }, signal, {});
    return {
      ...reachOf(results),
      storedCount: sumOf(results, ({ storedCount }) => storedCount),
      refusalCode: results.findLast(({ refusalCode }) => refusalCode !== undefined)?.refusalCode,
    };
  }

  /** Resolves so many ms later. */
  wait(durationMs: number, signal: AbortSignal | undefined): Promise<void> {
    const { clock } = this.#platform;
    return this.#call(signal, (resolve) => clock.schedule(clock.nowMs() + durationMs, () => resolve(undefined)));
  }

  /** Ends every call. Idempotent. */
  close(): void {
    this.#isClosed = true;
    for (const fail of [...this.#open]) fail(closedError());
  }

  async #nextSeq(
    target: Uint8Array,
    salt: Uint8Array,
    value: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    const { item } = await this.find(target, salt, signal);
    if (item?.mutable === undefined) return 1;
    return bytesKey(item.value) === bytesKey(value) ? item.mutable.seq : item.mutable.seq + 1;
  }

  #search(
    request: SearchRequest,
    signal: AbortSignal | undefined,
    handler: Omit<BothFamiliesHandler, 'handleDone'>,
  ): Promise<readonly SearchResult[]> {
    return this.#call(signal, (handleDone) =>
      searchBothFamilies(this.#dht, this.#platform.clock, request, { ...handler, handleDone }),
    );
  }

  /** A promise for what `begin` calls back with, never synchronously; the signal and `close` end it. */
  #call<T>(signal: AbortSignal | undefined, begin: (resolve: (value: T) => void) => { cancel(): void }): Promise<T> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason);
        return;
      }
      if (this.#isClosed) {
        reject(closedError());
        return;
      }
      const settle = (): void => {
        this.#open.delete(fail);
        signal?.removeEventListener('abort', onAbort);
      };
      const job = begin((value) => {
        settle();
        resolve(value);
      });
      const fail = (reason: unknown): void => {
        settle();
        job.cancel();
        reject(reason);
      };
      const onAbort = (): void => fail(signal?.reason);
      this.#open.add(fail);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}

function closedError(): SessionError {
  return new SessionError('SESSION_CLOSED', 'The session is closed; open another.');
}

function sumOf(results: readonly SearchResult[], countOf: (result: SearchResult) => number): number {
  return results.reduce((sum, result) => sum + countOf(result), 0);
}

function reachOf(results: readonly SearchResult[]): DhtReach {
  return {
    answerCount: sumOf(results, ({ answerCount }) => answerCount),
    queryCount: sumOf(results, ({ queryCount }) => queryCount),
  };
}

/** Both families' filters hold addresses of either, so they are joined before they are counted. */
function estimatesOf(results: readonly SearchResult[]): Pick<DhtLookupResult, 'seedEstimate' | 'leecherEstimate'> {
  const [first, ...others] = results.flatMap(({ filters }) => (filters === undefined ? [] : [filters]));
  if (first === undefined) return { seedEstimate: undefined, leecherEstimate: undefined };
  for (const { seeds, peers } of others) {
    joinBloomFilter(first.seeds, seeds);
    joinBloomFilter(first.peers, peers);
  }
  return {
    seedEstimate: Math.round(estimateBloomFilter(first.seeds)),
    leecherEstimate: Math.round(estimateBloomFilter(first.peers)),
  };
}
