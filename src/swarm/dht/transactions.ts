// Queries of ours that wait for their answers (BEP 5, "KRPC Protocol"). An answer counts only from the address that was asked
// and with the number that went there. Knows no sockets; what an answer means is its purpose's.
import { readUint32, writeUint32 } from '../../base/bytes.ts';
import type { Random } from '../../base/random.ts';
import type { Contact, DhtEndpoint } from '../../protocol/dht/contact.ts';
import type { KrpcResponse } from '../../protocol/dht/krpc-message.ts';
import { DHT_TRANSACTIONS_MAX } from '../../protocol/limits.ts';

/** A node that needs longer is of no use to anyone. */
export const QUERY_TIMEOUT_MS = 6_000;
const ID_BYTES = 4;

/** What a query is for. Exactly one of the two is called, once. */
export interface QueryPurpose {
  handleAnswer(contact: Contact, response: KrpcResponse, nowMs: number): void;
  /** `errorCode`: the node has said no; undefined: it said nothing, or what cannot be believed. */
  handleFailure(errorCode: number | undefined, nowMs: number): void;
}

export interface Transaction {
  readonly id: Uint8Array;
  readonly endpoint: DhtEndpoint;
  /** The id that the node is said to have. */
  readonly contact: Contact | undefined;
  readonly sentMs: number;
  readonly purpose: QueryPurpose;
}

export class Transactions {
  readonly #random: Random;
  /** Number → query, in the order of sending. BOUNDED: DHT_TRANSACTIONS_MAX */
  readonly #open = new Map<number, Transaction>();

  constructor(random: Random) {
    this.#random = random;
  }

  get isFull(): boolean {
    return this.#open.size >= DHT_TRANSACTIONS_MAX;
  }

  get size(): number {
    return this.#open.size;
  }

  get deadlineMs(): number {
    for (const { sentMs } of this.#open.values()) return sentMs + QUERY_TIMEOUT_MS;
    return Infinity;
  }

  /** Only while not full. */
  open(endpoint: DhtEndpoint, contact: Contact | undefined, purpose: QueryPurpose, nowMs: number): Transaction {
    let number = this.#random.uint32();
    while (this.#open.has(number)) number = this.#random.uint32();
    const id = new Uint8Array(ID_BYTES);
    writeUint32(id, 0, number);
    const transaction = { id, endpoint, contact, sentMs: nowMs, purpose };
    this.#open.set(number, transaction);
    return transaction;
  }

  /** The query that this answers, which is open no longer; undefined: nobody asked. */
  close(id: Uint8Array, remote: DhtEndpoint): Transaction | undefined {
    if (id.length !== ID_BYTES) return undefined;
    const number = readUint32(id, 0);
    const transaction = this.#open.get(number);
    if (transaction?.endpoint.port !== remote.port || transaction.endpoint.address !== remote.address) return undefined;
    this.#open.delete(number);
    return transaction;
  }

  /** The oldest whose time is up, which is open no longer. */
  closeOverdue(nowMs: number): Transaction | undefined {
    for (const [number, transaction] of this.#open) {
      if (nowMs - transaction.sentMs < QUERY_TIMEOUT_MS) return undefined;
      this.#open.delete(number);
      return transaction;
    }
    return undefined;
  }
}
