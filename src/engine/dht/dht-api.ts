// The types of the DHT as programs see them (BEP 5, 33, 44, 46, 51): look-ups, items, samples and pings as promises. Ids,
// hashes and keys are hexadecimal text; interfaces only, DhtClient implements them.
import type { WaitOptions } from '../api.ts';

/** How far a look-up came. */
export interface DhtReach {
  /** Nodes that answered; 0: nothing is known about what was looked up. */
  readonly answerCount: number;
  readonly queryCount: number;
}

/** Options of `DhtLike.lookup`. */
export interface DhtLookupOptions extends WaitOptions {
  /** Called with new peers while the look-up runs, as `host:port`. */
  readonly onPeers?: (peers: readonly string[]) => void;
}

/** Who is said to have a torrent. */
export interface DhtLookupResult extends DhtReach {
  /** `host:port`, each once; what strangers say. */
  readonly peers: readonly string[];
  /** As the nodes estimate them together (BEP 33); undefined where none did. */
  readonly seedEstimate: number | undefined;
  readonly leecherEstimate: number | undefined;
}

/** An item that fits its target and, where it has one, its signature (BEP 44). What it says is its author's word. */
export interface DhtItem {
  /** Bencoded, 1,000 bytes at most. */
  readonly value: Uint8Array;
  /** The bytes of a value that is a byte string. */
  readonly bytes: Uint8Array | undefined;
  /** The torrent that it names, where it is a publisher's pointer (BEP 46). */
  readonly infoHash: string | undefined;
  /** The author's Ed25519 key, which may replace the item; undefined: nobody can. */
  readonly publicKey: string | undefined;
  /** Counts the author's versions. */
  readonly seq: number | undefined;
  readonly signature: Uint8Array | undefined;
}

/** Options of `DhtLike.get`. */
export interface DhtGetOptions extends WaitOptions {
  /** Of a mutable item that has one, 64 bytes at most. */
  readonly salt?: Uint8Array;
}

/** What was found under a target. */
export interface DhtGetResult extends DhtReach {
  readonly target: string;
  /** The newest version that a node gave. */
  readonly item: DhtItem | undefined;
}

/** A byte string (text is UTF-8), a value that is bencoded already, or the torrent that a publisher shares (BEP 46). */
export type DhtValue = string | Uint8Array | { readonly bencoded: Uint8Array } | { readonly infoHash: string };

/** Options of `DhtLike.put`. */
export interface DhtPutOptions extends WaitOptions {
  /** The seed of an Ed25519 key, 32 bytes: the item is mutable. @defaultValue an immutable item */
  readonly privateKey?: Uint8Array;
  /** Tells the items of one key apart, 64 bytes at most. */
  readonly salt?: Uint8Array;
  /** @defaultValue one more than the version that the nodes have; theirs when its value is the same */
  readonly seq?: number;
}

/** What became of an item that was put. It is forgotten after two hours unless it is put again. */
export interface DhtPutResult extends DhtReach {
  /** Where it is found. */
  readonly target: string;
  readonly publicKey: string | undefined;
  readonly seq: number | undefined;
  /** Nodes that keep it. */
  readonly storedCount: number;
  /** Of the last node that refused it (BEP 44, "Errors"): 302 when it has a newer one. */
  readonly refusalCode: number | undefined;
  /** Of a pointer to a torrent: the link that follows it (BEP 46). */
  readonly magnet: string | undefined;
}

/** Torrents that the nodes around a target keep peers of (BEP 51). */
export interface DhtSampleResult extends DhtReach {
  /** 40 hexadecimal digits each, each once. */
  readonly infoHashes: readonly string[];
  /** Nodes that gave samples, and how many info-hashes they say they hold. */
  readonly nodeCount: number;
  readonly heldCount: number;
}

/** A node's answer to a ping. */
export interface DhtPingResult {
  /** 40 hexadecimal digits. */
  readonly id: string;
  /** `host:port`. */
  readonly address: string;
  readonly rttMs: number;
  /** Its id fits its address (BEP 42). */
  readonly isSecure: boolean;
}

/**
 * The DHT of a session. The first call begins it, if no torrent has; a look-up takes a few seconds, and half a minute where
 * nobody answers.
 */
export interface DhtLike {
  readonly isStarted: boolean;
  /** Nodes in the tables of both families. */
  readonly nodeCount: number;
  /**
   * Who has a torrent; says nothing of us.
   * @param infoHash 40 hexadecimal digits, or 64 of v2. Look up no private torrent.
   * @throws {RangeError} no info-hash; {SessionError} `SESSION_CLOSED`; `signal.reason`.
   */
  lookup(infoHash: string, options?: DhtLookupOptions): Promise<DhtLookupResult>;
  /**
   * The newest version of an item.
   * @param target 40 hexadecimal digits, or the 64 of a public key.
   * @throws {RangeError} no target, or a salt that is too long; {SessionError} `SESSION_CLOSED`; `signal.reason`.
   */
  get(target: string, options?: DhtGetOptions): Promise<DhtGetResult>;
  /**
   * Asks the nodes nearest to its target to keep an item.
   * @throws {RangeError} a value above 1,000 bytes, or a wrong key, salt or number; {SessionError} `SESSION_CLOSED`;
   * `signal.reason`.
   */
  put(value: DhtValue, options?: DhtPutOptions): Promise<DhtPutResult>;
  /**
   * Which torrents the nodes around a target keep peers of.
   * @throws {RangeError} no target; {SessionError} `SESSION_CLOSED`; `signal.reason`.
   */
  sample(target: string, options?: WaitOptions): Promise<DhtSampleResult>;
  /**
   * Whether a node is there; undefined: no answer in six seconds, or no such host.
   * @throws {RangeError} no `host:port`; {SessionError} `SESSION_CLOSED`; `signal.reason`.
   */
  ping(host: string, options?: WaitOptions): Promise<DhtPingResult | undefined>;
  /** Looks for the nodes nearest to us: how many of them answer is how well the DHT can be reached. */
  probe(options?: WaitOptions): Promise<DhtReach>;
}
