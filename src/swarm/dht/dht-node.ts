// One node of the DHT at one address (BEP 5; BEP 32: one family; BEP 45: one address): answers queries, looks up and stores,
// keeps its table alive. A sans-IO machine: datagrams and commands in, datagrams and findings out. What it keeps for others
// may be shared with other nodes of the program. Longer than most files: it joins the parts and owns the one queue of
// outputs; each part's rules stand in a file of its own.
import { assert } from '../../base/assert.ts';
import type { Machine } from '../../base/machine.ts';
import { randomBelow } from '../../base/random.ts';
import {
  type Contact,
  createContact,
  type DhtEndpoint,
  decodeContacts,
  endpointBytes,
} from '../../protocol/dht/contact.ts';
import { decodeKrpc } from '../../protocol/dht/krpc-decode.ts';
import { KrpcEncoder } from '../../protocol/dht/krpc-encoder.ts';
import type { KrpcMessage, KrpcQuery, KrpcResponse } from '../../protocol/dht/krpc-message.ts';
import { isSameId, randomIdAtDistance, randomNodeId, sharedPrefixBits } from '../../protocol/dht/node-id.ts';
import { isSecureNodeId, secureNodeId } from '../../protocol/dht/secure-node-id.ts';
import {
  DHT_LOOKUPS_MAX,
  DHT_NODES_PER_RESPONSE_MAX,
  DHT_SAVED_NODES_MAX,
  DHT_UPLOAD_BYTES_PER_SECOND,
} from '../../protocol/limits.ts';
import { formatIpAddress, parseIpAddress } from '../../protocol/tracker/ip-address.ts';
import { ExternalAddress } from '../external-address.ts';
import type { DhtNodeOptions, DhtOutput } from './dht-output.ts';
import { DhtStorage } from './dht-storage.ts';
import { Lookup } from './lookup.ts';
import { QueryGate } from './query-gate.ts';
import { QueryResponder, type ReceivedQuery } from './query-responder.ts';
import { BUCKET_NODES, QUESTIONABLE_MS, RoutingTable } from './routing-table.ts';
import { Search, type SearchRequest } from './search.ts';
import { type SearchHost, SearchPurpose } from './search-purpose.ts';
import { TokenKeeper } from './token-keeper.ts';
import { type QueryPurpose, type Transaction, Transactions } from './transactions.ts';

/** Nodes that a search begins with. */
const SEARCH_STARTS = 16;
/** How long a search waits for a first node to ask. */
const SEARCH_WAIT_MS = 30_000;
/** How long a search may take at all. */
const SEARCH_MAX_MS = 60_000;
/** One node of the table is looked after in so many ms: 300 of them in a quarter of an hour. */
const MAINTENANCE_MS = 3_000;
const SELF_SEARCH_MS = 900_000;
const BOOTSTRAP_MIN_MS = 5_000;
const BOOTSTRAP_MAX_MS = 600_000;
/** Addresses that help a node to start. */
const ADDRESSES_MAX = 100;
/** Unknown nodes that are being pinged to see whether they are worth a place. */
const PROBES_MAX = 8;
/** Answers that wait for their receiver's proof. */
const PUT_OFF_MAX = 32;
/** Without a packet from anyone for so long, missing answers say nothing about the nodes that were asked. */
const OFFLINE_MS = 30_000;

export class DhtNode implements Machine<DhtOutput> {
  readonly storage: DhtStorage;
  readonly #options: DhtNodeOptions;
  readonly #encoder: KrpcEncoder;
  readonly #gate: QueryGate;
  readonly #responder: QueryResponder;
  readonly #transactions: Transactions;
  readonly #externalAddress: ExternalAddress;
  /** What our id was last held against. */
  #ownAddress: string | undefined;
  /** BOUNDED: DHT_LOOKUPS_MAX */
  readonly #searches = new Map<number, Search>();
  /** Where to begin when few nodes are known. BOUNDED: ADDRESSES_MAX, oldest dropped */
  readonly #addresses = new Map<string, DhtEndpoint>();
  readonly #outputs: DhtOutput[] = []; // BOUNDED: drained after each handle call
  #table: RoutingTable;
  #lastSearchId = 0;
  #selfSearchId = 0;
  #probeCount = 0;
  #putOffCount = 0;
  #maintenanceMs: number;
  #selfSearchMs: number;
  #bootstrapMs: number;
  #bootstrapWaitMs = BOOTSTRAP_MIN_MS;
  #receivedMs = -Infinity;
  #sentBytes = 0;

  constructor(options: DhtNodeOptions, nowMs: number) {
    const { crypto, family, firstBuckets } = options;
    this.#options = options;
    this.storage = options.storage ?? new DhtStorage();
    this.#externalAddress = options.externalAddress ?? new ExternalAddress();
    this.#encoder = new KrpcEncoder(options.version);
    this.#gate = new QueryGate(options.uploadBytesPerSecond ?? DHT_UPLOAD_BYTES_PER_SECOND, nowMs);
    this.#transactions = new Transactions(crypto.random);
    this.#table = new RoutingTable(
      options.ownId ?? randomNodeId(crypto.random),
      nowMs,
      firstBuckets === undefined ? {} : { firstBuckets },
    );
    this.#responder = new QueryResponder({
      family,
      encoder: this.#encoder,
      storage: this.storage,
      tokens: new TokenKeeper(crypto, nowMs),
      gate: this.#gate,
      crypto,
      ownId: () => this.ownId,
      closest: (wanted, target, count) => this.#closest(wanted, target, count),
    });
    // Nodes that start together do not keep time together.
    this.#maintenanceMs = nowMs + randomBelow(crypto.random, MAINTENANCE_MS);
    this.#selfSearchMs = nowMs + SELF_SEARCH_MS - randomBelow(crypto.random, SELF_SEARCH_MS / 4);
    this.#bootstrapMs = nowMs;
  }

  get ownId(): Uint8Array {
    return this.#table.ownId;
  }

  get nodeCount(): number {
    return this.#table.size;
  }

  /** All that was sent, without the headers below. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  get searchCount(): number {
    return this.#searches.size;
  }

  get deadlineMs(): number {
    let deadlineMs = Math.min(this.#transactions.deadlineMs, this.#maintenanceMs);
    for (const { lookup, startedMs } of this.#searches.values()) {
      deadlineMs = Math.min(
        deadlineMs,
        lookup.deadlineMs,
        startedMs + (lookup.isEmpty ? SEARCH_WAIT_MS : SEARCH_MAX_MS),
      );
    }
    return deadlineMs;
  }

  poll(): DhtOutput | undefined {
    return this.#outputs.shift();
  }

  // ── Commands ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Begins a search and returns its number; undefined when too many are under way. */
  search(request: SearchRequest, nowMs: number): number | undefined {
    if (this.#searches.size >= DHT_LOOKUPS_MAX) return undefined;
    const lookup = new Lookup({
      target: request.target,
      ownId: this.ownId,
      enforcesIds: this.#table.isMostlySecure,
      rules: this.#options.lookupRules,
    });
    const search = new Search(++this.#lastSearchId, request, lookup, this.#options.crypto, nowMs);
    this.#searches.set(search.id, search);
    const starts = this.#table.closest(request.target, SEARCH_STARTS);
    search.lookup.addContacts(starts);
    if (starts.length < BUCKET_NODES) search.lookup.addAddresses([...this.#addresses.values()]);
    this.#advance(search, nowMs);
    return search.id;
  }

  /** Nothing more is heard of it. */
  cancel(searchId: number): void {
    const search = this.#searches.get(searchId);
    if (search === undefined) return;
    search.isEnded = true;
    this.#searches.delete(searchId);
  }

  /** Asks whether a node is there; what comes of it is an output. */
  ping(endpoint: DhtEndpoint, nowMs: number): void {
    const pinged = (contact: Contact | undefined, endMs: number): void => {
      this.#outputs.push({ type: 'pinged', endpoint, contact, rttMs: endMs - nowMs });
    };
    const purpose: QueryPurpose = {
      handleAnswer: (contact, _, endMs) => pinged(contact, endMs),
      handleFailure: (_, endMs) => pinged(undefined, endMs),
    };
    if (this.#transactions.isFull) pinged(undefined, nowMs);
    else this.#send(endpoint, undefined, { method: 'ping', id: this.ownId }, purpose, nowMs);
  }

  /** Addresses where nodes are likely to be: configured hosts, a torrent's nodes, peers that sent a port message. */
  addAddresses(endpoints: readonly DhtEndpoint[], nowMs: number): void {
    for (const endpoint of endpoints) {
      const key = `${endpoint.address}:${endpoint.port}`;
      this.#addresses.delete(key);
      this.#addresses.set(key, endpoint);
      if (this.#addresses.size <= ADDRESSES_MAX) continue;
      const [oldest] = this.#addresses.keys();
      this.#addresses.delete(oldest!);
    }
    if (this.#table.size >= BUCKET_NODES) {
      for (const endpoint of endpoints) this.#probe(endpoint, nowMs);
      return;
    }
    for (const search of [...this.#searches.values()]) {
      search.lookup.addAddresses(endpoints);
      this.#advance(search, nowMs);
    }
    this.#bootstrapWaitMs = BOOTSTRAP_MIN_MS;
    this.#bootstrapMs = nowMs;
    this.#maintain(nowMs);
  }

  /** Nodes of an earlier run, or that the node of the other family has heard of. They are asked before they are believed. */
  addContacts(contacts: readonly Contact[], nowMs: number): void {
    this.addAddresses(
      contacts.filter(({ family }) => family === this.#options.family),
      nowMs,
    );
  }

  /** For the next run: the nodes that have answered, those that fit their addresses first. */
  savedNodes(): Contact[] {
    const nodes = [...this.#table.nodes()].filter(({ failureCount }) => failureCount === 0);
    nodes.sort((left, right) => Number(right.contact.isSecure) - Number(left.contact.isSecure));
    return nodes.slice(0, DHT_SAVED_NODES_MAX).map(({ contact }) => contact);
  }

  /** The known nodes nearest to a target. */
  closest(target: Uint8Array, count: number): readonly Contact[] {
    return this.#table.closest(target, count);
  }

  // ── What arrives ─────────────────────────────────────────────────────────────────────────────────────────────────

  handleDatagram(datagram: Uint8Array, remote: DhtEndpoint, nowMs: number): void {
    const message = decodeKrpc(datagram);
    if (message === undefined) return;
    this.#receivedMs = nowMs;
    switch (message.type) {
      case 'query':
      case 'refused':
        this.#handleQuery(message, datagram.length, remote, nowMs);
        return;
      case 'response':
      case 'error':
        this.#handleReply(message, remote, nowMs);
    }
  }

  handleDeadline(nowMs: number): void {
    for (
      let overdue = this.#transactions.closeOverdue(nowMs);
      overdue !== undefined;
      overdue = this.#transactions.closeOverdue(nowMs)
    ) {
      const { endpoint, purpose, sentMs } = overdue;
      if (this.#receivedMs >= sentMs - OFFLINE_MS) this.#table.handleFailure(endpoint.address, endpoint.port, nowMs);
      purpose.handleFailure(undefined, nowMs);
    }
    for (const search of [...this.#searches.values()]) {
      if (search.lookup.deadlineMs <= nowMs) search.lookup.handleDeadline(nowMs);
      this.#advance(search, nowMs);
    }
    if (nowMs >= this.#maintenanceMs) this.#maintain(nowMs);
  }

  /** Throws when the parts disagree. For tests. */
  assertInvariants(): void {
    this.#table.assertInvariants();
    this.storage.peers.assertInvariants();
    for (const { lookup } of this.#searches.values()) lookup.assertInvariants();
    assert(this.#probeCount >= 0 && this.#probeCount <= PROBES_MAX, `${this.#probeCount} nodes are being probed`);
  }

  #handleQuery(
    message: Extract<KrpcMessage, { readonly type: 'query' | 'refused' }>,
    lengthBytes: number,
    remote: DhtEndpoint,
    nowMs: number,
  ): void {
    if (this.#options.isReadOnly === true) return;
    const id = message.type === 'query' ? message.query.id : this.ownId;
    const contact = createContact(id, remote);
    if (contact === undefined || contact.compact.length !== 20 + endpointBytes(this.#options.family)) return;
    // Behind one local address many nodes of a test or a home may stand.
    if (contact.network !== '' && !this.#gate.admits(remote.address, nowMs)) return;
    if (!this.#gate.maySend(lengthBytes, nowMs)) return;
    if (message.type === 'refused') {
      this.#emit(this.#encoder.error(message.transactionId, message.code, message.message), remote, nowMs);
      return;
    }
    const { transactionId, query, isReadOnly } = message;
    const sentBefore = this.#sentBytes;
    if (!isReadOnly && this.#table.handleQuery(contact, nowMs)) this.#probe(remote, nowMs);
    const spentBytes = this.#sentBytes - sentBefore;
    this.#answer({ transactionId, query, remote, lengthBytes, spentBytes, isReadOnly }, nowMs);
  }

  #answer(received: ReceivedQuery, nowMs: number): void {
    const reply = this.#responder.answer(received, nowMs);
    if (reply.type === 'reply') {
      if (this.#gate.maySend(reply.datagram.length, nowMs)) this.#emit(reply.datagram, received.remote, nowMs);
      return;
    }
    if (this.#putOffCount >= PUT_OFF_MAX || this.#transactions.isFull) return;
    this.#putOffCount++;
    // The query's bytes are borrowed: what is answered later is answered from a copy.
    const { query } = received;
    assert(query.method === 'get', 'only values are large enough to be put off');
    const kept: ReceivedQuery = {
      ...received,
      transactionId: received.transactionId.slice(),
      query: { ...query, id: query.id.slice(), target: query.target.slice() },
    };
    const purpose: QueryPurpose = {
      handleAnswer: (_, __, laterMs) => {
        this.#putOffCount--;
        this.#answer(kept, laterMs);
      },
      handleFailure: () => {
        this.#putOffCount--;
      },
    };
    this.#send(received.remote, undefined, { method: 'ping', id: this.ownId }, purpose, nowMs);
  }

  #handleReply(
    message: Extract<KrpcMessage, { readonly type: 'response' | 'error' }>,
    remote: DhtEndpoint,
    nowMs: number,
  ): void {
    const transaction = this.#transactions.close(message.transactionId, remote);
    if (transaction === undefined) return;
    this.#gate.handleProven(remote.address, nowMs);
    if (message.type === 'error') {
      transaction.purpose.handleFailure(message.code, nowMs);
      return;
    }
    const contact = createContact(message.response.id, remote);
    if (contact === undefined) return;
    this.#table.handleAnswer(contact, nowMs - transaction.sentMs, nowMs);
    this.#handleVote(contact, message.ownEndpoint, nowMs);
    this.#handleOtherFamily(message.response);
    transaction.purpose.handleAnswer(contact, message.response, nowMs);
    this.#feedWaiting(transaction, contact, nowMs);
  }

  /** A search that began with nothing begins with the first node that is there. */
  #feedWaiting({ purpose }: Transaction, contact: Contact, nowMs: number): void {
    for (const search of [...this.#searches.values()]) {
      if (!search.lookup.isEmpty || purpose instanceof SearchPurpose) continue;
      search.lookup.addContacts([contact]);
      this.#advance(search, nowMs);
    }
  }

  /** BEP 42. What is believed may have changed by other voices than those of nodes. */
  #handleVote(contact: Contact, ownEndpoint: Uint8Array | undefined, nowMs: number): void {
    const { family } = this.#options;
    if (ownEndpoint?.length !== endpointBytes(family)) return;
    const said = formatIpAddress(ownEndpoint.subarray(0, ownEndpoint.length - 2));
    if (said !== undefined) this.#externalAddress.vote(said, contact.address, 'node', nowMs);
    const believed = this.#externalAddress.address(family);
    if (believed === undefined || believed === this.#ownAddress) return;
    this.#ownAddress = believed;
    const address = parseIpAddress(believed)!;
    this.#outputs.push({ type: 'address', address });
    if (isSecureNodeId(this.ownId, address)) return;
    const { random } = this.#options.crypto;
    this.#table = this.#table.withOwnId(secureNodeId(address, randomBelow(random, 256), random), nowMs);
    // The new neighbours must hear of us.
    this.#selfSearchMs = nowMs;
    this.#maintenanceMs = nowMs;
  }

  #handleOtherFamily(response: KrpcResponse): void {
    const other = this.#options.family === 4 ? 6 : 4;
    const packed = other === 6 ? response.nodes6 : response.nodes;
    if (packed === undefined || packed.length === 0) return;
    const contacts = decodeContacts(packed, other, DHT_NODES_PER_RESPONSE_MAX);
    if (contacts.length > 0) this.#outputs.push({ type: 'contacts', contacts });
  }

  // ── Searches ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Does what the search wants next; ends it when nothing is left. */
  #advance(search: Search, nowMs: number): void {
    if (search.isEnded) return;
    const { lookup } = search;
    if (search.pendingStoreCount === undefined) {
      while (!this.#transactions.isFull) {
        const node = lookup.next(nowMs);
        if (node === undefined) break;
        const query = search.query(this.ownId, this.#wantFor(search));
        this.#send(node.endpoint, node.contact, query, new SearchPurpose(this.#searchHost, search, node), nowMs);
      }
      const limitMs = lookup.isEmpty ? SEARCH_WAIT_MS : SEARCH_MAX_MS;
      const isOver = nowMs - search.startedMs >= limitMs || search.isSatisfied;
      if (!isOver && (lookup.isEmpty || !lookup.isDone(nowMs))) return;
      this.#store(search, nowMs);
    }
    if (search.pendingStoreCount !== 0 && nowMs - search.startedMs < SEARCH_MAX_MS) return;
    search.isEnded = true;
    this.#searches.delete(search.id);
    this.#handleSearchEnd(search, nowMs);
  }

  #store(search: Search, nowMs: number): void {
    search.pendingStoreCount = 0;
    if (!search.stores) return;
    for (const { contact, endpoint, token } of search.lookup.nearest({ withToken: true })) {
      const query = search.storeQuery(this.ownId, token!);
      if (query === undefined || this.#transactions.isFull) continue;
      search.pendingStoreCount++;
      const purpose: QueryPurpose = {
        handleAnswer: (_, __, laterMs) => {
          search.storedCount++;
          search.pendingStoreCount!--;
          this.#advance(search, laterMs);
        },
        handleFailure: (code, laterMs) => {
          if (code !== undefined) search.refusalCode = code;
          search.pendingStoreCount!--;
          this.#advance(search, laterMs);
        },
      };
      this.#send(endpoint, contact, query, purpose, nowMs);
    }
  }

  #handleSearchEnd(search: Search, nowMs: number): void {
    if (search.id !== this.#selfSearchId) {
      this.#outputs.push({ type: 'done', searchId: search.id, result: search.result() });
      return;
    }
    this.#selfSearchId = 0;
    if (this.#table.size >= BUCKET_NODES) this.#bootstrapWaitMs = BOOTSTRAP_MIN_MS;
    this.#maintenanceMs = Math.min(this.#maintenanceMs, nowMs + MAINTENANCE_MS);
  }

  readonly #searchHost: SearchHost = {
    handleResponse: (search, node, contact, response, nowMs) => {
      if (search.isEnded) return;
      const { family } = this.#options;
      const packed = (family === 4 ? response.nodes : response.nodes6) ?? new Uint8Array(0);
      const named = decodeContacts(packed, family, DHT_NODES_PER_RESPONSE_MAX);
      const isTrue = node.contact === undefined || isSameId(node.contact.compact, contact.compact);
      search.lookup.handleAnswer(node, contact, named, response.token?.slice());
      if (isTrue) this.#report(search, contact, response);
      this.#advance(search, nowMs);
    },
    handleFailure: (search, node, nowMs) => {
      if (search.isEnded) return;
      search.lookup.handleFailure(node);
      this.#advance(search, nowMs);
    },
  };

  #report(search: Search, from: Contact, response: KrpcResponse): void {
    const { peers, item } = search.handleResponse(response, this.#options.family);
    if (peers.length > 0) this.#outputs.push({ type: 'peers', searchId: search.id, peers });
    if (item !== undefined) this.#outputs.push({ type: 'item', searchId: search.id, item });
    if (search.request.kind !== 'samples' || response.samples === undefined) return;
    this.#outputs.push({
      type: 'samples',
      searchId: search.id,
      from,
      infoHashes: response.samples.slice(0, response.samples.length - (response.samples.length % 20)),
      total: response.sampleTotal ?? response.samples.length / 20,
      intervalSeconds: response.sampleIntervalSeconds ?? 0,
    });
  }

  /** BEP 32, "Bootstrapping": nodes of both families are asked for while a node of ours looks for its place. */
  #wantFor(search: Search): { readonly v4: boolean; readonly v6: boolean } | undefined {
    const asksBoth = search.id === this.#selfSearchId && this.#options.closestOfOtherFamily !== undefined;
    return asksBoth ? { v4: true, v6: true } : undefined;
  }

  // ── The table ────────────────────────────────────────────────────────────────────────────────────────────────────

  #maintain(nowMs: number): void {
    this.#maintenanceMs = nowMs + MAINTENANCE_MS;
    this.storage.expire(nowMs);
    if (this.#selfSearchId === 0) {
      const isLonely = this.#table.size < BUCKET_NODES;
      if (isLonely && nowMs >= this.#bootstrapMs && this.#addresses.size + this.#table.size > 0) {
        this.#bootstrapMs = nowMs + this.#bootstrapWaitMs;
        this.#bootstrapWaitMs = Math.min(this.#bootstrapWaitMs * 2, BOOTSTRAP_MAX_MS);
        this.#searchSelf(this.ownId, nowMs);
        return;
      }
      if (nowMs >= this.#selfSearchMs) {
        this.#selfSearchMs = nowMs + SELF_SEARCH_MS;
        this.#searchSelf(this.ownId, nowMs);
        return;
      }
      const stale = this.#table.bucketToRefresh(nowMs, QUESTIONABLE_MS);
      if (stale !== undefined && !isLonely) {
        this.#table.handleRefreshed(stale, nowMs);
        this.#searchSelf(randomIdAtDistance(this.ownId, stale, this.#options.crypto.random), nowMs);
        return;
      }
    }
    this.#tend(nowMs);
  }

  #searchSelf(target: Uint8Array, nowMs: number): void {
    // The number is known before the search begins: it may end at once.
    this.#selfSearchId = this.#lastSearchId + 1;
    if (this.search({ kind: 'nodes', target }, nowMs) === undefined) this.#selfSearchId = 0;
  }

  /** Asks the node that needs it most for nodes of its bucket: one query keeps both alive. */
  #tend(nowMs: number): void {
    const node = this.#table.nodeToAsk(nowMs);
    if (node === undefined || this.#transactions.isFull) return;
    const shared = sharedPrefixBits(this.ownId, node.contact.compact);
    const target = randomIdAtDistance(this.ownId, shared, this.#options.crypto.random);
    const purpose: QueryPurpose = {
      handleAnswer: (_, response, laterMs) => {
        const packed = (this.#options.family === 4 ? response.nodes : response.nodes6) ?? new Uint8Array(0);
        for (const named of decodeContacts(packed, this.#options.family, BUCKET_NODES)) {
          if (this.#table.wants(named)) this.#probe(named, laterMs);
        }
      },
      handleFailure: () => {},
    };
    this.#send(node.contact, node.contact, { method: 'find_node', id: this.ownId, target }, purpose, nowMs);
  }

  /** Pings a node that is worth a place, should it be there. */
  #probe(endpoint: DhtEndpoint, nowMs: number): void {
    if (this.#probeCount >= PROBES_MAX || this.#transactions.isFull) return;
    this.#probeCount++;
    const handleEnd = (): void => {
      this.#probeCount--;
    };
    const purpose = { handleAnswer: handleEnd, handleFailure: handleEnd };
    this.#send(endpoint, undefined, { method: 'ping', id: this.ownId }, purpose, nowMs);
  }

  #closest(family: 4 | 6, target: Uint8Array, count: number): readonly Contact[] {
    if (family === this.#options.family) return this.#table.closest(target, count);
    return this.#options.closestOfOtherFamily?.(target, count) ?? [];
  }

  // ── Sending ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Only while the transactions have room. */
  #send(
    endpoint: DhtEndpoint,
    contact: Contact | undefined,
    query: KrpcQuery,
    purpose: QueryPurpose,
    nowMs: number,
  ): void {
    const { id } = this.#transactions.open(endpoint, contact, purpose, nowMs);
    this.#table.handleAsked(endpoint.address, endpoint.port, nowMs);
    this.#emit(this.#encoder.query(id, query, { isReadOnly: this.#options.isReadOnly === true }), endpoint, nowMs);
  }

  #emit(datagram: Uint8Array, remote: DhtEndpoint, nowMs: number): void {
    this.#gate.handleSent(datagram.length, nowMs);
    this.#sentBytes += datagram.length;
    this.#outputs.push({ type: 'send', datagram, remote });
  }
}
