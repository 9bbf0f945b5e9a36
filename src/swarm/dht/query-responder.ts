// Answers the queries of other nodes: from the table, the storage and the tokens to one datagram, within the bounds on what
// an address may make us send. Decides nothing about the table; an answer that is too large for an address that may be
// forged is put off until the address has been proved.
import { readUint16, writeUint16 } from '../../base/bytes.ts';
import type { Random } from '../../base/random.ts';
import {
  type Contact,
  type DhtEndpoint,
  encodeContacts,
  encodeEndpoint,
  endpointBytes,
} from '../../protocol/dht/contact.ts';
import { immutableTarget, mutableTarget, signedBytes } from '../../protocol/dht/item.ts';
import type { KrpcEncoder } from '../../protocol/dht/krpc-encoder.ts';
import {
  type AnnouncePeerQuery,
  type GetPeersQuery,
  type GetQuery,
  KRPC_ERROR,
  type KrpcQuery,
  type KrpcResponse,
  type PutQuery,
} from '../../protocol/dht/krpc-message.ts';
import {
  DHT_AMPLIFICATION_MAX,
  DHT_ITEM_MAX_BYTES,
  DHT_REPLY_MAX_BYTES,
  DHT_SALT_MAX_BYTES,
  DHT_VALUES_MAX,
} from '../../protocol/limits.ts';
import { type DhtStorage, SAMPLE_INTERVAL_SECONDS } from './dht-storage.ts';
import type { QueryGate } from './query-gate.ts';
import { BUCKET_NODES } from './routing-table.ts';
import type { StoredItem } from './stored-items.ts';
import type { TokenKeeper } from './token-keeper.ts';

/** What the machine needs of cryptography. */
export interface DhtCrypto {
  sha1(bytes: Uint8Array): Uint8Array;
  sha256(bytes: Uint8Array): Uint8Array;
  /** Ed25519; false for anything that is not a right signature. */
  verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  readonly random: Random;
}

export interface QueryResponderOptions {
  readonly family: 4 | 6;
  readonly encoder: KrpcEncoder;
  readonly storage: DhtStorage;
  readonly tokens: TokenKeeper;
  readonly gate: QueryGate;
  readonly crypto: DhtCrypto;
  ownId(): Uint8Array;
  /** The nearest nodes of either family. */
  closest(family: 4 | 6, target: Uint8Array, count: number): readonly Contact[];
}

export interface ReceivedQuery {
  readonly transactionId: Uint8Array;
  readonly query: KrpcQuery;
  readonly remote: DhtEndpoint;
  readonly lengthBytes: number;
  /** What has been sent to the asker already because it asked: a ping. */
  readonly spentBytes: number;
  readonly isReadOnly: boolean;
}

export type Reply =
  | { readonly type: 'reply'; readonly datagram: Uint8Array }
  /** The whole answer may leave once the address is proved. */
  | { readonly type: 'prove' };

interface Refusal {
  readonly code: number;
  readonly message: string;
}

export class QueryResponder {
  readonly #options: QueryResponderOptions;

  constructor(options: QueryResponderOptions) {
    this.#options = options;
  }

  /** The answer to a query; errors are answers too. */
  answer(received: ReceivedQuery, nowMs: number): Reply {
    const { encoder } = this.#options;
    const { transactionId, remote } = received;
    const ownEndpoint = encodeEndpoint(remote)!;
    const response = this.#respond(received, ownEndpoint, nowMs);
    if (response === 'prove') return { type: 'prove' };
    const datagram =
      'code' in response
        ? encoder.error(transactionId, response.code, response.message, ownEndpoint)
        : encoder.response(transactionId, response, ownEndpoint);
    return { type: 'reply', datagram };
  }

  #respond(received: ReceivedQuery, compact: Uint8Array, nowMs: number): KrpcResponse | Refusal | 'prove' {
    const { query } = received;
    const id = this.#options.ownId();
    switch (query.method) {
      case 'ping':
        return { id };
      case 'find_node':
        return { id, ...this.#nodes(query) };
      case 'get_peers':
        return this.#getPeers(received, query, compact, nowMs);
      case 'announce_peer':
        return this.#announcePeer(query, received.remote, compact, nowMs);
      case 'get':
        return this.#get(received, query, compact, nowMs);
      case 'put':
        return this.#put(query, received.remote, compact, nowMs);
      case 'sample_infohashes': {
        const { storage, crypto } = this.#options;
        return {
          id,
          ...this.#nodes(query),
          samples: storage.sample(crypto.random, nowMs),
          sampleTotal: storage.peers.torrentCount,
          sampleIntervalSeconds: SAMPLE_INTERVAL_SECONDS,
        };
      }
    }
  }

  /** BEP 32: the families that are wanted, or that of the query. */
  #nodes({ target, want }: Extract<KrpcQuery, { readonly target: Uint8Array }>): {
    nodes: Uint8Array | undefined;
    nodes6: Uint8Array | undefined;
  } {
    const { family, closest } = this.#options;
    const wants4 = want === undefined ? family === 4 : want.v4;
    const wants6 = want === undefined ? family === 6 : want.v6;
    return {
      nodes: wants4 ? encodeContacts(closest(4, target, BUCKET_NODES)) : undefined,
      nodes6: wants6 ? encodeContacts(closest(6, target, BUCKET_NODES)) : undefined,
    };
  }

  #getPeers(received: ReceivedQuery, query: GetPeersQuery, compact: Uint8Array, nowMs: number): KrpcResponse {
    const { storage, crypto, family } = this.#options;
    const { peers } = storage;
    const compactBytes = endpointBytes(family);
    const filters = query.scrape === true ? peers.filters(query.target, compactBytes, crypto.sha1) : undefined;
    const response: KrpcResponse = {
      id: this.#options.ownId(),
      ...this.#nodes(query),
      // BEP 33: no token says that no more announces are taken.
      token: peers.hasRoom(query.target, compactBytes) ? this.#tokenFor(compact, query.target, nowMs) : undefined,
      seedFilter: filters?.seeds,
      peerFilter: filters?.peers,
    };
    const room = this.#roomBytes(received, nowMs) - responseBytes(response, received.transactionId.length);
    // "6:" or "18:" before each, and the list around them.
    const each = compactBytes + (family === 4 ? 2 : 3);
    const max = Math.min(DHT_VALUES_MAX, Math.floor((room - 10) / each));
    if (max <= 0) return response;
    const values = peers.sample(query.target, compactBytes, max, query.noSeed === true, crypto.random);
    return values.length === 0 ? response : { ...response, values };
  }

  #announcePeer(
    query: AnnouncePeerQuery,
    remote: DhtEndpoint,
    compact: Uint8Array,
    nowMs: number,
  ): KrpcResponse | Refusal {
    const { tokens, storage, gate } = this.#options;
    const address = compact.subarray(0, compact.length - 2);
    if (!tokens.isValid(query.token, address, query.infoHash, nowMs)) return refusal(KRPC_ERROR.protocol, 'bad token');
    gate.handleProven(remote.address, nowMs);
    const peer = compact.slice();
    writeUint16(peer, peer.length - 2, query.impliedPort ? readUint16(compact, compact.length - 2) : query.port);
    if (!storage.peers.put(query.infoHash, peer, query.seed, nowMs)) return refusal(KRPC_ERROR.server, 'full');
    return { id: this.#options.ownId() };
  }

  #get(received: ReceivedQuery, query: GetQuery, compact: Uint8Array, nowMs: number): KrpcResponse | 'prove' {
    const { storage } = this.#options;
    const base = {
      id: this.#options.ownId(),
      token: this.#tokenFor(compact, query.target, nowMs),
      ...this.#nodes(query),
    };
    const item = storage.items.get(query.target);
    if (item === undefined) return base;
    const isNewer = item.mutable === undefined || query.seq === undefined || item.mutable.seq > query.seq;
    if (!isNewer) return { ...base, seq: item.mutable?.seq };
    const whole = { ...base, ...storedValue(item) };
    if (this.#fits(whole, received, compact, nowMs)) return whole;
    // The value matters more than the nodes, which other answers give too.
    const bare = { ...whole, nodes: undefined, nodes6: undefined };
    if (this.#fits(bare, received, compact, nowMs)) return bare;
    // Who takes no queries cannot be asked for a proof (BEP 43).
    const isProven = this.#options.gate.isProven(received.remote.address, nowMs);
    return received.isReadOnly || isProven ? { ...base, seq: item.mutable?.seq } : 'prove';
  }

  #fits(response: KrpcResponse, received: ReceivedQuery, compact: Uint8Array, nowMs: number): boolean {
    const { length } = this.#options.encoder.response(received.transactionId, response, compact);
    return length <= this.#roomBytes(received, nowMs);
  }

  #put(query: PutQuery, remote: DhtEndpoint, compact: Uint8Array, nowMs: number): KrpcResponse | Refusal {
    const { tokens, storage, gate, crypto } = this.#options;
    const { mutable, value } = query;
    if (value.length > DHT_ITEM_MAX_BYTES) return refusal(KRPC_ERROR.valueTooLarge, 'value too large');
    if (mutable !== undefined && mutable.salt.length > DHT_SALT_MAX_BYTES) {
      return refusal(KRPC_ERROR.saltTooLarge, 'salt too large');
    }
    const target =
      mutable === undefined
        ? immutableTarget(value, crypto.sha1)
        : mutableTarget(mutable.publicKey, mutable.salt, crypto.sha1);
    const address = compact.subarray(0, compact.length - 2);
    if (!tokens.isValid(query.token, address, target, nowMs)) return refusal(KRPC_ERROR.protocol, 'bad token');
    gate.handleProven(remote.address, nowMs);
    // Borrowed bytes until here: what is kept is copied.
    const item: StoredItem = {
      value: value.slice(),
      mutable:
        mutable === undefined
          ? undefined
          : { publicKey: mutable.publicKey.slice(), seq: mutable.seq, signature: mutable.signature.slice() },
    };
    const outcome = storage.items.check(target, item, mutable?.cas);
    if (outcome === 'cas-mismatch') return refusal(KRPC_ERROR.casMismatch, 'cas mismatch');
    if (outcome === 'seq-too-low') return refusal(KRPC_ERROR.seqTooLow, 'seq less than current');
    if (mutable !== undefined) {
      if (!gate.admitsVerification(remote.address, nowMs)) return refusal(KRPC_ERROR.server, 'too many signatures');
      const signed = signedBytes(value, mutable.seq, mutable.salt);
      if (!crypto.verifyEd25519(mutable.publicKey, signed, mutable.signature)) {
        return refusal(KRPC_ERROR.invalidSignature, 'invalid signature');
      }
    }
    storage.items.put(target, item, nowMs);
    return { id: this.#options.ownId() };
  }

  #tokenFor(compact: Uint8Array, target: Uint8Array, nowMs: number): Uint8Array {
    return this.#options.tokens.tokenFor(compact.subarray(0, compact.length - 2), target, nowMs);
  }

  /** How long the answer may be. */
  #roomBytes({ remote, lengthBytes, spentBytes }: ReceivedQuery, nowMs: number): number {
    if (this.#options.gate.isProven(remote.address, nowMs)) return DHT_REPLY_MAX_BYTES;
    return Math.min(DHT_REPLY_MAX_BYTES, lengthBytes * DHT_AMPLIFICATION_MAX - spentBytes);
  }
}

function refusal(code: number, message: string): Refusal {
  return { code, message };
}

function storedValue({ value, mutable }: StoredItem): Partial<KrpcResponse> {
  return { value, publicKey: mutable?.publicKey, seq: mutable?.seq, signature: mutable?.signature };
}

/** At least what the encoded response takes without its `values`: what surrounds the parts is counted generously. */
function responseBytes(response: KrpcResponse, transactionIdBytes: number): number {
  let length = 90 + transactionIdBytes;
  for (const part of [response.nodes, response.nodes6, response.token, response.seedFilter, response.peerFilter]) {
    if (part !== undefined) length += part.length + 13;
  }
  return length;
}
