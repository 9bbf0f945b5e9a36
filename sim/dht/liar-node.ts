// A node that lies: it answers every query, names nodes that stand nearer to the target than anyone can and are either its
// friends or nobody, hands out peers that do not exist, and says of every announce that it was stored.
import { randomBelow } from '../../src/base/random.ts';
import { createContact, type DhtEndpoint, encodeContacts, encodeEndpoint } from '../../src/protocol/dht/contact.ts';
import { decodeKrpc } from '../../src/protocol/dht/krpc-decode.ts';
import { KrpcEncoder } from '../../src/protocol/dht/krpc-encoder.ts';
import type { KrpcQuery } from '../../src/protocol/dht/krpc-message.ts';
import { randomIdAtDistance } from '../../src/protocol/dht/node-id.ts';
import { secureNodeId } from '../../src/protocol/dht/secure-node-id.ts';
import { parseIpAddress } from '../../src/protocol/tracker/ip-address.ts';
import type { DhtHost, DhtWorld } from './dht-world.ts';

/** Bits that the ids of invented nodes share with a target. */
const NEAR_BITS = 60;
const NAMED = 8;

export interface LiarOptions {
  /** Part of the invented nodes that are friends, which answer under any id. */
  readonly friendRatio: number;
  /** The only target it lies about; undefined: all. */
  readonly victim?: Uint8Array | undefined;
  /** Its id; made to fit its address when absent. */
  readonly id?: Uint8Array | undefined;
}

export class LiarNode implements DhtHost {
  readonly endpoint: DhtEndpoint;
  readonly delayMs: number;
  readonly id: Uint8Array;
  isGone = false;
  readonly #world: DhtWorld;
  readonly #friends: readonly LiarNode[];
  readonly #options: LiarOptions;
  readonly #encoder = new KrpcEncoder();
  /** Ids under which its friends have named it; the answer to who knows one of them is given under it. */
  readonly #alias = new Map<string, Uint8Array>();

  constructor(world: DhtWorld, endpoint: DhtEndpoint, friends: readonly LiarNode[], options: LiarOptions) {
    this.#world = world;
    this.endpoint = endpoint;
    this.delayMs = world.drawDelayMs();
    this.#friends = friends;
    this.#options = options;
    this.id =
      options.id ?? secureNodeId(parseIpAddress(endpoint.address)!, randomBelow(world.random, 256), world.random);
  }

  handleDatagram(datagram: Uint8Array, from: DhtEndpoint): void {
    const message = decodeKrpc(datagram);
    if (message?.type !== 'query') return;
    const { query, transactionId } = message;
    const target = 'target' in query ? query.target : undefined;
    const id = target === undefined ? this.id : (this.#alias.get(String(target)) ?? this.id);
    const response = { id, ...this.#lie(query) };
    this.#world.send(this, from, this.#encoder.response(transactionId, response, encodeEndpoint(from)));
  }

  /** Makes other nodes know it. */
  greet(to: DhtEndpoint): void {
    const query = { method: 'find_node' as const, id: this.id, target: this.id };
    this.#world.send(this, to, this.#encoder.query(Uint8Array.of(1, 2, 3, 4), query));
  }

  #lie(query: KrpcQuery): { nodes?: Uint8Array; token?: Uint8Array; values?: Uint8Array[] } {
    if (!('target' in query)) return {};
    const { victim } = this.#options;
    if (victim?.some((byte, i) => byte !== query.target[i]) === true) return { nodes: new Uint8Array(0) };
    const nodes = encodeContacts(Array.from({ length: NAMED }, () => this.#invent(query.target)));
    if (query.method !== 'get_peers') return { nodes };
    const peer = encodeEndpoint({
      address: this.#world.freeAddress(),
      port: 1 + randomBelow(this.#world.random, 65_535),
    })!;
    return { nodes, token: new Uint8Array(4), values: [peer] };
  }

  #invent(target: Uint8Array): NonNullable<ReturnType<typeof createContact>> {
    const { random } = this.#world;
    const id = randomIdAtDistance(target, NEAR_BITS, random);
    const isFriend = randomBelow(random, 1_000) < this.#options.friendRatio * 1_000 && this.#friends.length > 0;
    if (!isFriend) return createContact(id, { address: this.#world.freeAddress(), port: 6881 })!;
    const friend = this.#friends[randomBelow(random, this.#friends.length)]!;
    return createContact(friend.claim(target, id), friend.endpoint)!;
  }

  /** The id that it will answer with when it is asked about this target. BOUNDED: by the targets of a simulation. */
  claim(target: Uint8Array, id: Uint8Array): Uint8Array {
    const key = String(target);
    const known = this.#alias.get(key);
    if (known !== undefined) return known;
    this.#alias.set(key, id);
    return id;
  }
}
