// The nodes that a DHT node knows (BEP 5, "Routing Table"): buckets by the bits shared with our own id, the one that holds
// our own id splitting when it is full. Only nodes that have answered us get in. Knows no messages and no sockets: it is told
// what nodes did and says whom to ask.
//
// Where it goes beyond BEP 5: the first buckets are wider, so that a look-up starts nearer (libtorrent does the same); one
// node for each public address, and one for each /24 or /64 in a bucket, so that a single party cannot fill it; nodes whose
// ids fit their addresses (BEP 42) take the places of others.
import { assert } from '../../base/assert.ts';
import type { Contact } from '../../protocol/dht/contact.ts';
import { compareDistance, isSameId, NODE_ID_BITS, sharedPrefixBits } from '../../protocol/dht/node-id.ts';

/** Nodes in a bucket, and in an answer (BEP 5's K). */
export const BUCKET_NODES = 8;
/** Places of the first buckets. */
const FIRST_BUCKETS: readonly number[] = [128, 64, 32, 16];
/** BEP 5: a node is questionable after 15 minutes without a sign of life. */
export const QUESTIONABLE_MS = 900_000;
/** Answers missed in a row after which another node may take the place. */
const FAILURES_BAD = 2;
/** Answers missed in a row after which the node is forgotten even when nobody waits for its place. */
const FAILURES_GONE = 5;
/** Nodes that wait for a place in one bucket. */
const REPLACEMENTS_MAX = 8;

export interface TableNode {
  readonly contact: Contact;
  /** When it last answered us. */
  answeredMs: number;
  /** When it last asked us something; -Infinity = never. */
  askedUsMs: number;
  /** When we last asked it; for the turns of being asked again. */
  askedMs: number;
  /** Answers missed in a row. */
  failureCount: number;
  rttMs: number;
}

interface Bucket {
  /** BOUNDED: its places, 128 at most. */
  readonly nodes: TableNode[];
  /** Have answered, found no place; the last is the youngest. BOUNDED: REPLACEMENTS_MAX */
  readonly waiting: TableNode[];
  changedMs: number;
}

export interface RoutingTableOptions {
  /** Places of the first buckets instead of the usual ones. */
  readonly firstBuckets?: readonly number[];
  /** Nodes of one public network in a bucket. */
  readonly nodesPerNetworkMax?: number;
}

export class RoutingTable {
  readonly #ownId: Uint8Array;
  readonly #firstBuckets: readonly number[];
  readonly #nodesPerNetworkMax: number;
  /** The node at index i shares i bits with us; those of the last bucket share i or more. BOUNDED: 160 */
  readonly #buckets: Bucket[];
  /** address → the node with it, for public addresses; `address:port` for local ones. BOUNDED: places of all buckets */
  readonly #byPlace = new Map<string, TableNode>();
  /** Nodes whose ids fit their addresses. */
  #secureCount = 0;
  #nobodyDueUntilMs = 0;

  constructor(ownId: Uint8Array, nowMs: number, options: RoutingTableOptions = {}) {
    this.#ownId = ownId;
    this.#firstBuckets = options.firstBuckets ?? FIRST_BUCKETS;
    this.#nodesPerNetworkMax = options.nodesPerNetworkMax ?? 1;
    this.#buckets = [{ nodes: [], waiting: [], changedMs: nowMs }];
  }

  get ownId(): Uint8Array {
    return this.#ownId;
  }

  get size(): number {
    return this.#byPlace.size;
  }

  get bucketCount(): number {
    return this.#buckets.length;
  }

  /** Enough nodes are known, and of most of them the ids fit the addresses (BEP 42). */
  get isMostlySecure(): boolean {
    return this.#secureCount >= BUCKET_NODES && this.#secureCount * 2 > this.#byPlace.size;
  }

  *nodes(): Generator<TableNode> {
    for (const bucket of this.#buckets) yield* bucket.nodes;
  }

  /** The node at this address, when it is in the table. */
  nodeAt(address: string, port: number): TableNode | undefined {
    const node = this.#byPlace.get(address) ?? this.#byPlace.get(`${address}:${port}`);
    return node?.contact.port === port ? node : undefined;
  }

  /** It has answered a query of ours: it gets in, or waits for a place. */
  handleAnswer(contact: Contact, rttMs: number, nowMs: number): void {
    if (isSameId(contact.compact, this.#ownId)) return;
    const known = this.#byPlace.get(placeOf(contact));
    if (known !== undefined) {
      if (known.contact.port === contact.port && isSameId(known.contact.compact, contact.compact)) {
        this.#handleSeen(known, rttMs, nowMs);
        return;
      }
      // BEP 45: who shows several ids from one address is broken or lies, and loses its place; one that has begun anew
      // gets it back with its next answer. Behind a shared address the first stays while it is alive.
      if (known.contact.port === contact.port) this.#remove(known, nowMs, true);
      if (!isBad(known)) return;
      if (known.contact.port !== contact.port) this.#remove(known, nowMs, false);
    }
    const node = { contact, answeredMs: nowMs, askedUsMs: -Infinity, askedMs: nowMs, failureCount: 0, rttMs };
    this.#insert(node, nowMs);
  }

  /** It has asked us something. True: it is unknown, and there is a place for it, should it answer a ping. */
  handleQuery(contact: Contact, nowMs: number): boolean {
    const known = this.#byPlace.get(placeOf(contact));
    if (known !== undefined) {
      if (isSameId(known.contact.compact, contact.compact)) known.askedUsMs = nowMs;
      return false;
    }
    return this.wants(contact);
  }

  /** Whether a node like this would get a place, should it answer. */
  wants(contact: Contact): boolean {
    if (isSameId(contact.compact, this.#ownId) || this.#byPlace.has(placeOf(contact))) return false;
    const index = this.#indexOf(contact.compact);
    const bucket = this.#buckets[index]!;
    if (!this.#hasNetworkRoom(bucket, contact)) return false;
    if (bucket.nodes.length < this.#placesOf(index)) return true;
    return index === this.#buckets.length - 1 || bucket.nodes.some((node) => isBad(node));
  }

  /** A query of ours to it is under way. */
  handleAsked(address: string, port: number, nowMs: number): void {
    const node = this.nodeAt(address, port);
    if (node !== undefined) node.askedMs = nowMs;
  }

  /** It has not answered a query in time. */
  handleFailure(address: string, port: number, nowMs: number): void {
    const node = this.nodeAt(address, port);
    if (node === undefined) return;
    node.failureCount++;
    this.#nobodyDueUntilMs = 0;
    const bucket = this.#buckets[this.#indexOf(node.contact.compact)]!;
    if (node.failureCount >= FAILURES_GONE || (isBad(node) && bucket.waiting.length > 0))
      this.#remove(node, nowMs, true);
  }

  /**
   * The known nodes nearest to the target, nearest first. Those that missed their last answer are left out. With ids that
   * do not fit their addresses liars could stand next to any target (BEP 42): where most ids fit, others are named only when
   * there are not enough; elsewhere half of the places are kept for those that fit.
   */
  closest(target: Uint8Array, count: number): Contact[] {
    const secureCount = this.isMostlySecure ? count : Math.ceil(count / 2);
    const found = this.#closest(target, secureCount, true);
    if (found.length === count) return found;
    for (const contact of this.#closest(target, count, false)) {
      if (found.length === count) break;
      if (!found.includes(contact)) found.push(contact);
    }
    return found.sort((left, right) => compareDistance(target, left.compact, right.compact));
  }

  #closest(target: Uint8Array, count: number, isSecureOnly: boolean): Contact[] {
    const found: Contact[] = []; // BOUNDED: count
    const shared = Math.min(sharedPrefixBits(this.#ownId, target), this.#buckets.length - 1);
    this.#collect(target, this.#buckets[shared]!, found, count, isSecureOnly);
    if (found.length < count) {
      // All of these share as many bits with the target as each other, and fewer than those above.
      for (let i = shared + 1; i < this.#buckets.length; i++)
        this.#collect(target, this.#buckets[i]!, found, count, isSecureOnly);
    }
    for (let i = shared - 1; i >= 0 && found.length < count; i--)
      this.#collect(target, this.#buckets[i]!, found, count, isSecureOnly);
    return found;
  }

  /** The node that has gone longest without being asked by us, among those that are questionable or missed an answer. */
  nodeToAsk(nowMs: number, questionableMs: number = QUESTIONABLE_MS): TableNode | undefined {
    if (nowMs < this.#nobodyDueUntilMs) return undefined;
    let oldest: TableNode | undefined;
    let nextDueMs = nowMs + questionableMs;
    for (const { nodes } of this.#buckets) {
      for (const node of nodes) {
        const dueMs = node.failureCount > 0 ? nowMs : Math.max(node.answeredMs, node.askedUsMs) + questionableMs;
        if (dueMs > nowMs) nextDueMs = Math.min(nextDueMs, dueMs);
        else if (oldest === undefined || node.askedMs < oldest.askedMs) oldest = node;
      }
    }
    // Signs of life only move this further; a failure brings it back.
    if (oldest === undefined) this.#nobodyDueUntilMs = nextDueMs;
    return oldest;
  }

  /** The bits shared with us by the bucket that has gone longest unchanged, when that is longer than `staleMs`. */
  bucketToRefresh(nowMs: number, staleMs: number): number | undefined {
    let oldest: number | undefined;
    for (let i = 0; i < this.#buckets.length; i++) {
      const { changedMs } = this.#buckets[i]!;
      if (nowMs - changedMs < staleMs) continue;
      if (oldest === undefined || changedMs < this.#buckets[oldest]!.changedMs) oldest = i;
    }
    return oldest;
  }

  /** A look-up in this bucket's range has begun. */
  handleRefreshed(sharedBits: number, nowMs: number): void {
    const bucket = this.#buckets[Math.min(sharedBits, this.#buckets.length - 1)]!;
    bucket.changedMs = nowMs;
  }

  /** The same nodes seen from another id of ours. */
  withOwnId(ownId: Uint8Array, nowMs: number): RoutingTable {
    const table = new RoutingTable(ownId, nowMs, {
      firstBuckets: this.#firstBuckets,
      nodesPerNetworkMax: this.#nodesPerNetworkMax,
    });
    for (const node of this.nodes()) if (!isSameId(node.contact.compact, ownId)) table.#insert(node, nowMs);
    return table;
  }

  /** Throws when a rule of the table is broken. For tests. */
  assertInvariants(): void {
    let count = 0;
    for (const [index, { nodes, waiting }] of this.#buckets.entries()) {
      assert(nodes.length <= this.#placesOf(index), `bucket ${index} holds ${nodes.length} nodes`);
      assert(waiting.length <= REPLACEMENTS_MAX, `${waiting.length} nodes wait for bucket ${index}`);
      for (const { contact } of [...nodes, ...waiting]) {
        assert(this.#indexOf(contact.compact) === index, 'a node is in the bucket of its id');
        assert(!isSameId(contact.compact, this.#ownId), 'we are not in our own table');
      }
      const networks = new Map<string, number>();
      for (const { contact } of nodes) {
        assert(this.#byPlace.get(placeOf(contact))?.contact === contact, 'each node is found by its address');
        const sharing = (networks.get(contact.network) ?? 0) + 1;
        networks.set(contact.network, sharing);
        assert(contact.network === '' || sharing <= this.#nodesPerNetworkMax, 'a network has its share of a bucket');
      }
      count += nodes.length;
    }
    const secureCount = [...this.nodes()].filter(({ contact }) => contact.isSecure).length;
    assert(secureCount === this.#secureCount, 'nodes with fitting ids are counted');
    assert(count === this.#byPlace.size, 'no node is known by its address alone');
  }

  #insert(node: TableNode, nowMs: number): void {
    for (;;) {
      const index = this.#indexOf(node.contact.compact);
      const bucket = this.#buckets[index]!;
      const isLast = index === this.#buckets.length - 1;
      if (!this.#hasNetworkRoom(bucket, node.contact)) return;
      if (bucket.nodes.length < this.#placesOf(index)) {
        this.#place(bucket, node, nowMs);
        return;
      }
      if (isLast && index < NODE_ID_BITS - 1) {
        this.#split(nowMs);
        continue;
      }
      const yielding = bucket.nodes.find((other) => isBad(other)) ?? this.#lessSecure(bucket, node);
      if (yielding === undefined) this.#wait(bucket, node);
      else {
        this.#remove(yielding, nowMs, false);
        this.#place(bucket, node, nowMs);
      }
      return;
    }
  }

  /** A node whose id does not fit its address makes room for one whose id does (BEP 42). */
  #lessSecure(bucket: Bucket, node: TableNode): TableNode | undefined {
    if (!node.contact.isSecure) return undefined;
    let oldest: TableNode | undefined;
    for (const other of bucket.nodes) {
      if (!other.contact.isSecure && (oldest === undefined || other.answeredMs < oldest.answeredMs)) oldest = other;
    }
    return oldest;
  }

  #place(bucket: Bucket, node: TableNode, nowMs: number): void {
    bucket.nodes.push(node);
    bucket.changedMs = nowMs;
    this.#byPlace.set(placeOf(node.contact), node);
    if (node.contact.isSecure) this.#secureCount++;
  }

  #forget({ contact }: TableNode): void {
    this.#byPlace.delete(placeOf(contact));
    if (contact.isSecure) this.#secureCount--;
  }

  #wait(bucket: Bucket, node: TableNode): void {
    const place = placeOf(node.contact);
    const known = bucket.waiting.findIndex(({ contact }) => placeOf(contact) === place);
    if (known !== -1) bucket.waiting.splice(known, 1);
    bucket.waiting.push(node);
    if (bucket.waiting.length > REPLACEMENTS_MAX) bucket.waiting.shift();
  }

  #remove(node: TableNode, nowMs: number, mayReplace: boolean): void {
    const bucket = this.#buckets[this.#indexOf(node.contact.compact)]!;
    bucket.nodes.splice(bucket.nodes.indexOf(node), 1);
    this.#forget(node);
    while (mayReplace) {
      const next = bucket.waiting.pop();
      if (next === undefined) return;
      if (this.#byPlace.has(placeOf(next.contact)) || !this.#hasNetworkRoom(bucket, next.contact)) continue;
      this.#place(bucket, next, nowMs);
      return;
    }
  }

  /** The last bucket keeps those that share no more bits with us; the others move to one that holds our own id. */
  #split(nowMs: number): void {
    const index = this.#buckets.length - 1;
    const old = this.#buckets[index]!;
    const waiting = old.waiting.splice(0);
    const moved: TableNode[] = [];
    const kept = old.nodes.filter((node) => {
      const stays = sharedPrefixBits(this.#ownId, node.contact.compact) === index;
      if (!stays) moved.push(node);
      return stays;
    });
    // Deeper buckets have fewer places: what does not fit splits further or waits.
    for (const node of moved) this.#forget(node);
    this.#buckets[index] = { nodes: kept, waiting: [], changedMs: old.changedMs };
    this.#buckets.push({ nodes: [], waiting: [], changedMs: nowMs });
    for (const node of [...moved, ...waiting]) {
      if (!this.#byPlace.has(placeOf(node.contact))) this.#insert(node, nowMs);
    }
  }

  #handleSeen(node: TableNode, rttMs: number, nowMs: number): void {
    node.answeredMs = nowMs;
    node.failureCount = 0;
    node.rttMs = rttMs;
    this.#buckets[this.#indexOf(node.contact.compact)]!.changedMs = nowMs;
  }

  #hasNetworkRoom(bucket: Bucket, { network }: Contact): boolean {
    if (network === '') return true;
    let count = 0;
    for (const node of bucket.nodes) if (node.contact.network === network) count++;
    return count < this.#nodesPerNetworkMax;
  }

  /** Puts the bucket's nodes into the list of the nearest; a short list makes insertion the quickest sort. */
  #collect(target: Uint8Array, bucket: Bucket, found: Contact[], count: number, isSecureOnly: boolean): void {
    for (const { contact, failureCount } of bucket.nodes) {
      if (failureCount > 0 || (isSecureOnly && !contact.isSecure)) continue;
      let at = found.length;
      while (at > 0 && compareDistance(target, contact.compact, found[at - 1]!.compact) < 0) at--;
      if (at === count) continue;
      if (found.length === count) found.pop();
      found.splice(at, 0, contact);
    }
  }

  #indexOf(id: Uint8Array): number {
    return Math.min(sharedPrefixBits(this.#ownId, id), this.#buckets.length - 1);
  }

  #placesOf(index: number): number {
    return this.#firstBuckets[index] ?? BUCKET_NODES;
  }
}

function isBad(node: TableNode): boolean {
  return node.failureCount >= FAILURES_BAD;
}

/** A public address is one party's, whatever the port; a local one may be a whole test network's. */
function placeOf({ address, port, network }: Contact): string {
  return network === '' ? `${address}:${port}` : address;
}
