// What a query of a look-up is for: its answer goes to the search that asked it.
import type { Contact } from '../../protocol/dht/contact.ts';
import type { KrpcResponse } from '../../protocol/dht/krpc-message.ts';
import type { LookupNode } from './lookup.ts';
import type { Search } from './search.ts';
import type { QueryPurpose } from './transactions.ts';

export interface SearchHost {
  handleResponse(search: Search, node: LookupNode, contact: Contact, response: KrpcResponse, nowMs: number): void;
  handleFailure(search: Search, node: LookupNode, nowMs: number): void;
}

/** A query of a look-up. */
export class SearchPurpose implements QueryPurpose {
  readonly #host: SearchHost;
  readonly #search: Search;
  readonly #node: LookupNode;

  constructor(host: SearchHost, search: Search, node: LookupNode) {
    this.#host = host;
    this.#search = search;
    this.#node = node;
  }

  handleAnswer(contact: Contact, response: KrpcResponse, nowMs: number): void {
    this.#host.handleResponse(this.#search, this.#node, contact, response, nowMs);
  }

  handleFailure(_: number | undefined, nowMs: number): void {
    this.#host.handleFailure(this.#search, this.#node, nowMs);
  }
}
