// One iterative look-up (BEP 5, "Overview"): asks the nodes nearest to a target for nearer ones, several at once, until the
// nearest of all have answered. Says whom to ask and is told what came of it; knows no messages, and not what is looked for.
//
// Against liars: one node for each public address and network; nodes whose ids do not fit their addresses (BEP 42) are asked,
// so many of them, and do not count, as long as a node is known whose id fits; a node that has named only nodes that do not
// exist is no longer believed. A node that is slow gives up its place to the next
// after a second, but is still heard.
import { assert } from '../../base/assert.ts';
import type { Contact, DhtEndpoint } from '../../protocol/dht/contact.ts';
import { compareDistance, isSameId } from '../../protocol/dht/node-id.ts';
import { DHT_LOOKUP_NODES_MAX, DHT_NODES_PER_RESPONSE_MAX } from '../../protocol/limits.ts';
import { BUCKET_NODES } from './routing-table.ts';

/** What a look-up goes by; simulations compare others. */
export interface LookupRules {
  /** Nodes asked at once. */
  readonly parallel: number;
  /** Without an answer for so long, another is asked besides. */
  readonly slowMs: number;
  /** Then the look-up may end without it. */
  readonly overdueMs: number;
  /** Whether ids that do not fit their addresses count like others. */
  readonly countsInsecure: boolean;
  /** How many nodes with such ids are asked; and how many where most nodes that we know have ids that fit. */
  readonly insecureAskedMax: number;
  readonly insecureAskedStrictMax: number;
  /** Failed nodes that one node may name before it is not believed, when none of its nodes has answered. */
  readonly falseNamesMax: number;
}

export const LOOKUP_RULES: LookupRules = {
  parallel: 5,
  slowMs: 1_000,
  overdueMs: 2_500,
  countsInsecure: false,
  insecureAskedMax: 40,
  insecureAskedStrictMax: 16,
  falseNamesMax: 3,
};

/** Addresses without a known id that are asked in one look-up. */
const ADDRESSES_MAX = 20;

type State = 'fresh' | 'asked' | 'answered' | 'failed';

/** A node of the look-up. Its fields are the look-up's. */
export interface LookupNode {
  /** Undefined until an address has told its id. */
  contact: Contact | undefined;
  readonly endpoint: DhtEndpoint;
  /** Who named it; none: we knew it. BOUNDED: NAMERS_MAX */
  readonly namers: LookupNode[];
  /** Steps from what we knew. */
  readonly hopCount: number;
  state: State;
  askedMs: number;
  isSlow: boolean;
  /** The token that lets us store there. */
  token: Uint8Array | undefined;
  /** Of the nodes it named: those that failed, and those that answered. */
  falseNameCount: number;
  trueNameCount: number;
}

const NAMERS_MAX = 3;

export interface LookupOptions {
  readonly target: Uint8Array;
  readonly ownId: Uint8Array;
  /** Most nodes we know have ids that fit their addresses (BEP 42, "Enforcement"). */
  readonly enforcesIds: boolean;
  readonly rules?: LookupRules | undefined;
}

export class Lookup {
  readonly target: Uint8Array;
  readonly #ownId: Uint8Array;
  readonly #rules: LookupRules;
  readonly #enforcesIds: boolean;
  /** Nearest first. BOUNDED: DHT_LOOKUP_NODES_MAX */
  readonly #nodes: LookupNode[] = [];
  /** Addresses whose ids are not known yet. BOUNDED: ADDRESSES_MAX */
  readonly #addresses: LookupNode[] = [];
  /** Addresses, and networks of public ones, that a node of the look-up has. BOUNDED: two for each node */
  readonly #taken = new Map<string, LookupNode>();
  /** Being asked. BOUNDED: a few more than are asked at once, since slow ones stay */
  readonly #asked = new Set<LookupNode>();
  #queryCount = 0;
  #answerCount = 0;
  /** Asked nodes whose ids do not fit their addresses. */
  #insecureCount = 0;
  /** Known nodes whose ids fit and that have not failed. */
  #secureCount = 0;
  #deadlineMs = Infinity;

  constructor(options: LookupOptions) {
    this.target = options.target;
    this.#ownId = options.ownId;
    this.#rules = options.rules ?? LOOKUP_RULES;
    this.#enforcesIds = options.enforcesIds;
  }

  /** When a slow node's turn is over. */
  get deadlineMs(): number {
    return this.#deadlineMs;
  }

  get queryCount(): number {
    return this.#queryCount;
  }

  get answerCount(): number {
    return this.#answerCount;
  }

  /** Nothing is known to begin with. */
  get isEmpty(): boolean {
    return this.#nodes.length === 0 && this.#addresses.length === 0;
  }

  addContacts(contacts: readonly Contact[]): void {
    for (const contact of contacts) this.#add(contact, undefined);
  }

  /** Asked whatever their ids are: where to begin when few nodes are known. */
  addAddresses(endpoints: readonly DhtEndpoint[]): void {
    for (const endpoint of endpoints) {
      if (this.#addresses.length >= ADDRESSES_MAX) return;
      const place = `${endpoint.address}:${endpoint.port}`;
      if (this.#taken.has(place)) continue;
      const node = freshNode(undefined, endpoint, undefined);
      this.#taken.set(place, node);
      this.#addresses.push(node);
    }
  }

  /** The next node to ask, which counts as asked; undefined: wait, or see `isDone`. */
  next(nowMs: number): LookupNode | undefined {
    let busyCount = 0;
    for (const node of this.#asked) if (!node.isSlow) busyCount++;
    if (busyCount >= this.#rules.parallel) return undefined;
    const node = this.#nextFresh() ?? this.#addresses.find(({ state }) => state === 'fresh');
    if (node === undefined) return undefined;
    node.state = 'asked';
    node.askedMs = nowMs;
    this.#asked.add(node);
    this.#queryCount++;
    if (node.contact?.isSecure === false) this.#insecureCount++;
    this.#arm();
    return node;
  }

  /** The node has answered under this id and named others. */
  handleAnswer(node: LookupNode, contact: Contact, named: readonly Contact[], token: Uint8Array | undefined): void {
    if (node.state === 'answered' || node.state === 'failed') return;
    if (node.contact !== undefined && !isSameId(node.contact.compact, contact.compact)) {
      // Another id than it was said to have: what was said of it is not true.
      this.handleFailure(node);
      return;
    }
    this.#asked.delete(node);
    node.state = 'answered';
    node.token = token;
    this.#answerCount++;
    for (const namer of node.namers) namer.trueNameCount++;
    if (node.contact === undefined) this.#adopt(node, contact);
    let count = 0;
    for (const other of named) {
      if (++count > DHT_NODES_PER_RESPONSE_MAX) break;
      this.#add(other, node);
    }
    this.#arm();
  }

  /** No answer, or an error instead of one. */
  handleFailure(node: LookupNode): void {
    if (node.state === 'answered' || node.state === 'failed') return;
    this.#asked.delete(node);
    node.state = 'failed';
    if (node.contact?.isSecure === true) this.#secureCount--;
    for (const namer of node.namers) namer.falseNameCount++;
    // The network is free again: a false name must not keep a true node out.
    for (const place of placesOf(node))
      if (this.#taken.get(place) === node && place.startsWith('/')) this.#taken.delete(place);
    this.#arm();
  }

  handleDeadline(nowMs: number): void {
    for (const node of this.#asked) if (nowMs - node.askedMs >= this.#rules.slowMs) node.isSlow = true;
    this.#arm(nowMs);
  }

  /** The nearest nodes have answered, or nobody is left to ask. */
  isDone(nowMs: number): boolean {
    let count = 0;
    for (const node of this.#nodes) {
      if (node.state === 'answered') {
        if (this.#counts(node) && ++count >= BUCKET_NODES) return true;
      } else if (node.state === 'asked' && nowMs - node.askedMs < this.#rules.overdueMs) return false;
      else if (node.state === 'fresh' && this.#isWorthAsking(node)) return false;
    }
    // Fewer nodes than wanted: the last answers are worth waiting for, as is everyone's chance to be asked.
    return this.#asked.size === 0 && !this.#addresses.some(({ state }) => state === 'fresh');
  }

  /**
   * Of the nodes that have answered the nearest: eight that count, and at most eight nearer ones that do not. For storing, of
   * those that gave a token.
   */
  nearest(options: { readonly withToken?: boolean } = {}): LookupNode[] {
    const found: LookupNode[] = []; // BOUNDED: 16
    let count = 0;
    let otherCount = 0;
    for (const node of this.#nodes) {
      if (node.state !== 'answered' || (options.withToken === true && node.token === undefined)) continue;
      if (!this.#counts(node)) {
        if (++otherCount <= BUCKET_NODES) found.push(node);
        continue;
      }
      found.push(node);
      if (++count >= BUCKET_NODES) break;
    }
    return found;
  }

  /** Throws when a rule is broken. For tests. */
  assertInvariants(): void {
    assert(this.#nodes.length <= DHT_LOOKUP_NODES_MAX, `${this.#nodes.length} nodes in a look-up`);
    for (let i = 1; i < this.#nodes.length; i++) {
      const [near, far] = [this.#nodes[i - 1]!.contact!, this.#nodes[i]!.contact!];
      assert(compareDistance(this.target, near.compact, far.compact) <= 0, 'the nearest stand first');
    }
    const secure = this.#nodes.filter(({ contact, state }) => contact?.isSecure === true && state !== 'failed');
    assert(secure.length === this.#secureCount, 'nodes with fitting ids are counted');
    for (const node of this.#asked) assert(node.state === 'asked', 'who is asked is waited for');
  }

  /** The nearest that was never asked, while it may still be one of those that count. */
  #nextFresh(): LookupNode | undefined {
    let count = 0;
    for (const node of this.#nodes) {
      // Who is being asked and is not slow is likely to answer: nobody is asked for nothing.
      const isHeard = node.state === 'answered' || (node.state === 'asked' && !node.isSlow);
      if (isHeard && this.#counts(node) && ++count >= BUCKET_NODES) return undefined;
      if (node.state === 'fresh' && this.#isWorthAsking(node)) return node;
    }
    return undefined;
  }

  #add(contact: Contact, namer: LookupNode | undefined): void {
    if (isSameId(contact.compact, this.#ownId)) return;
    const node = freshNode(contact, contact, namer);
    for (const place of placesOf(node)) {
      const known = this.#taken.get(place);
      if (known === undefined) continue;
      const isSame = known.contact !== undefined && isSameId(known.contact.compact, contact.compact);
      if (isSame && namer !== undefined && known.namers.length > 0 && known.namers.length < NAMERS_MAX) {
        if (!known.namers.includes(namer)) known.namers.push(namer);
      }
      return;
    }
    if (!this.#place(node, contact)) return;
    for (const place of placesOf(node)) this.#taken.set(place, node);
  }

  /** An address has told its id: from now on it is a node like others. */
  #adopt(node: LookupNode, contact: Contact): void {
    node.contact = contact;
    this.#addresses.splice(this.#addresses.indexOf(node), 1);
    this.#place(node, contact);
  }

  /** Sorts it in; false when the look-up knows enough that are nearer. */
  #place(node: LookupNode, contact: Contact): boolean {
    let low = 0;
    let high = this.#nodes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const isNearer = compareDistance(this.target, contact.compact, this.#nodes[middle]!.contact!.compact) < 0;
      if (isNearer) high = middle;
      else low = middle + 1;
    }
    if (low >= DHT_LOOKUP_NODES_MAX) return false;
    this.#nodes.splice(low, 0, node);
    if (contact.isSecure) this.#secureCount++;
    if (this.#nodes.length > DHT_LOOKUP_NODES_MAX) {
      const dropped = this.#nodes.pop()!;
      if (dropped.contact?.isSecure === true && dropped.state !== 'failed') this.#secureCount--;
      for (const place of placesOf(dropped)) if (this.#taken.get(place) === dropped) this.#taken.delete(place);
    }
    return true;
  }

  #counts({ contact }: LookupNode): boolean {
    return contact?.isSecure === true || this.#secureCount === 0 || this.#rules.countsInsecure;
  }

  /** Someone has named it whose names are not all false, or we knew it ourselves; and its id fits, or few that do not were asked. */
  #isWorthAsking({ namers, contact }: LookupNode): boolean {
    const { falseNamesMax, insecureAskedMax, insecureAskedStrictMax } = this.#rules;
    const insecureMax = this.#enforcesIds ? insecureAskedStrictMax : insecureAskedMax;
    if (contact?.isSecure === false && this.#insecureCount >= insecureMax) return false;
    if (namers.length === 0) return true;
    return namers.some(({ falseNameCount, trueNameCount }) => trueNameCount > 0 || falseNameCount < falseNamesMax);
  }

  #arm(nowMs = -Infinity): void {
    let deadlineMs = Infinity;
    for (const { askedMs, isSlow } of this.#asked) {
      const atMs = askedMs + (isSlow ? this.#rules.overdueMs : this.#rules.slowMs);
      if (atMs > nowMs) deadlineMs = Math.min(deadlineMs, atMs);
    }
    this.#deadlineMs = deadlineMs;
  }
}

function freshNode(contact: Contact | undefined, endpoint: DhtEndpoint, namer: LookupNode | undefined): LookupNode {
  return {
    contact,
    endpoint,
    namers: namer === undefined ? [] : [namer],
    hopCount: namer === undefined ? 0 : namer.hopCount + 1,
    state: 'fresh',
    askedMs: 0,
    isSlow: false,
    token: undefined,
    falseNameCount: 0,
    trueNameCount: 0,
  };
}

/** What no second node of a look-up may have. A leading slash marks a network. */
function placesOf({ contact, endpoint: { address, port } }: LookupNode): string[] {
  const network = contact?.network ?? '';
  return network === '' ? [`${address}:${port}`] : [`${address}:${port}`, `/${network}`];
}
