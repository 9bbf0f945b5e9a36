// What a DHT node is made with, and what it says: the outer side of the machine, as values.
import type { Contact, DhtEndpoint } from '../../protocol/dht/contact.ts';
import type { ExternalAddress } from '../external-address.ts';
import type { DhtStorage } from './dht-storage.ts';
import type { LookupRules } from './lookup.ts';
import type { DhtCrypto } from './query-responder.ts';
import type { SearchResult } from './search.ts';
import type { StoredItem } from './stored-items.ts';

export interface DhtNodeOptions {
  readonly family: 4 | 6;
  readonly crypto: DhtCrypto;
  /** Of an earlier run; drawn when absent. */
  readonly ownId?: Uint8Array | undefined;
  /** Shared with other nodes of the program. */
  readonly storage?: DhtStorage;
  /** Where nodes say how they see us, among others; an own one when absent. */
  readonly externalAddress?: ExternalAddress;
  /** Sent with each message (BEP 5). */
  readonly version?: Uint8Array;
  /** Asks only, answers nothing and is in no table (BEP 43). */
  readonly isReadOnly?: boolean;
  readonly uploadBytesPerSecond?: number;
  /** Places of the table's first buckets. */
  readonly firstBuckets?: readonly number[];
  readonly lookupRules?: LookupRules | undefined;
  /** Nodes of the other family, for those who ask for them (BEP 32). */
  readonly closestOfOtherFamily?: (target: Uint8Array, count: number) => readonly Contact[];
}

export type DhtOutput =
  | { readonly type: 'send'; readonly datagram: Uint8Array; readonly remote: DhtEndpoint }
  | { readonly type: 'peers'; readonly searchId: number; readonly peers: readonly DhtEndpoint[] }
  /** Verified; of a mutable item each newer one that turns up. */
  | { readonly type: 'item'; readonly searchId: number; readonly item: StoredItem }
  | {
      readonly type: 'samples';
      readonly searchId: number;
      readonly from: Contact;
      readonly infoHashes: Uint8Array;
      readonly total: number;
      readonly intervalSeconds: number;
    }
  | { readonly type: 'done'; readonly searchId: number; readonly result: SearchResult }
  /** The answer to `ping`; undefined: none came. */
  | {
      readonly type: 'pinged';
      readonly endpoint: DhtEndpoint;
      readonly contact: Contact | undefined;
      readonly rttMs: number;
    }
  /** Nodes of the other family that an answer named (BEP 32). */
  | { readonly type: 'contacts'; readonly contacts: readonly Contact[] }
  /** Others agree on our address (4 or 16 bytes), and the node's id fits it now. */
  | { readonly type: 'address'; readonly address: Uint8Array };
