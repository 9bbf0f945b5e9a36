// The messages of the DHT as values (BEP 5, 32, 33, 43, 44, 51). Lists of nodes stay packed: who reads them knows how many
// are wanted. Bytes of a decoded message are borrowed from its datagram.

export type KrpcMethod = 'ping' | 'find_node' | 'get_peers' | 'announce_peer' | 'get' | 'put' | 'sample_infohashes';

/** Which families of nodes a query asks for (BEP 32, `want`). */
export interface WantedFamilies {
  readonly v4: boolean;
  readonly v6: boolean;
}

interface AnyQuery {
  /** The querying node's id. */
  readonly id: Uint8Array;
}

interface TargetQuery extends AnyQuery {
  readonly target: Uint8Array;
  readonly want?: WantedFamilies | undefined;
}

export interface GetPeersQuery extends TargetQuery {
  readonly method: 'get_peers';
  /** Rather peers that are no seeds (BEP 33). */
  readonly noSeed?: boolean;
  /** Bloom filters are asked for (BEP 33). */
  readonly scrape?: boolean;
}

export interface AnnouncePeerQuery extends AnyQuery {
  readonly method: 'announce_peer';
  readonly infoHash: Uint8Array;
  readonly port: number;
  readonly impliedPort: boolean;
  readonly token: Uint8Array;
  readonly seed: boolean;
}

export interface GetQuery extends TargetQuery {
  readonly method: 'get';
  /** The value is wanted only when it is newer. */
  readonly seq?: number | undefined;
}

export interface PutQuery extends AnyQuery {
  readonly method: 'put';
  readonly token: Uint8Array;
  /** Bencoded. */
  readonly value: Uint8Array;
  /** Undefined: an immutable item. */
  readonly mutable:
    | {
        readonly publicKey: Uint8Array;
        readonly seq: number;
        readonly signature: Uint8Array;
        readonly salt: Uint8Array;
        readonly cas: number | undefined;
      }
    | undefined;
}

export type KrpcQuery =
  | (AnyQuery & { readonly method: 'ping' })
  | (TargetQuery & { readonly method: 'find_node' })
  | GetPeersQuery
  | AnnouncePeerQuery
  | GetQuery
  | PutQuery
  | (TargetQuery & { readonly method: 'sample_infohashes' });

/** What a response may carry; everything but the id depends on the query. */
export interface KrpcResponse {
  readonly id: Uint8Array;
  /** Packed (BEP 5). */
  readonly nodes?: Uint8Array | undefined;
  /** Packed (BEP 32). */
  readonly nodes6?: Uint8Array | undefined;
  readonly token?: Uint8Array | undefined;
  /** Compact peers, 6 or 18 bytes each. */
  readonly values?: readonly Uint8Array[] | undefined;
  readonly seedFilter?: Uint8Array | undefined;
  readonly peerFilter?: Uint8Array | undefined;
  /** Bencoded value of an item (BEP 44). */
  readonly value?: Uint8Array | undefined;
  readonly publicKey?: Uint8Array | undefined;
  readonly seq?: number | undefined;
  readonly signature?: Uint8Array | undefined;
  /** Info-hashes one behind the other (BEP 51). */
  readonly samples?: Uint8Array | undefined;
  /** Info-hashes that the node holds (BEP 51). */
  readonly sampleTotal?: number | undefined;
  /** Before the node gives other samples, in seconds (BEP 51). */
  readonly sampleIntervalSeconds?: number | undefined;
}

export type KrpcMessage =
  | {
      readonly type: 'query';
      readonly transactionId: Uint8Array;
      readonly query: KrpcQuery;
      /** The sender answers nothing and wants to be in no table (BEP 43). */
      readonly isReadOnly: boolean;
    }
  | {
      readonly type: 'response';
      readonly transactionId: Uint8Array;
      readonly response: KrpcResponse;
      /** Compact address of ours as the other side sees it (BEP 42, `ip`). */
      readonly ownEndpoint: Uint8Array | undefined;
    }
  | {
      readonly type: 'error';
      readonly transactionId: Uint8Array;
      readonly code: number;
      readonly message: Uint8Array;
      readonly ownEndpoint: Uint8Array | undefined;
    }
  /** A query that cannot be answered; the code and text of the error that says so. */
  | { readonly type: 'refused'; readonly transactionId: Uint8Array; readonly code: number; readonly message: string };

/** Error codes of BEP 5 and BEP 44. */
export const KRPC_ERROR = {
  generic: 201,
  server: 202,
  protocol: 203,
  methodUnknown: 204,
  valueTooLarge: 205,
  invalidSignature: 206,
  saltTooLarge: 207,
  casMismatch: 301,
  seqTooLow: 302,
} as const;
