// The façade's types: what a program that embeds the engine sees. Interfaces only, no behaviour; the classes of the
// engine implement them and src/index.ts exports them. Sizes are bytes, rates bytes per second, times milliseconds
// unless the name says otherwise.
import type { Log } from '../platform/log.ts';
import type { SessionError } from '../platform/session-error.ts';
import type { TorrentFormat } from '../protocol/metainfo/metainfo.ts';
import type * as sources from '../swarm/peer-source.ts';
import type { DhtLike } from './dht/dht-api.ts';
import type { PeerReason, TorrentDiagnosis } from './diagnosis/reasons.ts';

/** Who told us of a peer: peer exchange (BEP 11), the DHT (BEP 5), local discovery (BEP 14), … */
export type PeerSource = sources.PeerSource;

/** Peers by who told us of them. */
export type PeerSourceCounts = sources.PeerSourceCounts;

/** Options of a session; all optional. */
export interface SessionOptions {
  /** TCP port to listen on; 0 = the system chooses. @defaultValue 6881 */
  readonly listenPort?: number;
  /** Address literal or interface name to listen on and connect from. @defaultValue all addresses */
  readonly bind?: string;
  /** Over all torrents, bytes per second. @defaultValue `Infinity` */
  readonly maxDownloadBytesPerSecond?: number;
  /** Over all torrents, bytes per second. @defaultValue `Infinity` */
  readonly maxUploadBytesPerSecond?: number;
  /**
   * Whether the limits of the session and its torrents also hold for peers on this machine and its local network
   * (loopback, private and link-local addresses). @defaultValue true
   */
  readonly limitLocalPeers?: boolean;
  /** Announce to trackers. @defaultValue true */
  readonly trackers?: boolean;
  /**
   * Find peers through the DHT (BEP 5), and answer others there, from the first torrent that is not private on.
   * @defaultValue true
   */
  readonly dht?: boolean;
  /** Nodes to begin with, as `host:port`. @defaultValue well-known ones */
  readonly dhtBootstrap?: readonly string[];
  /** What `Session.dhtState()` gave in an earlier run: the DHT is there sooner. */
  readonly dhtState?: Uint8Array;
  /** Only ask in the DHT and answer nobody (BEP 43): for programs that are gone soon. @defaultValue false */
  readonly dhtReadOnly?: boolean;
  /** Listen and connect over TCP. @defaultValue true */
  readonly tcp?: boolean;
  /** Peers of a torrent are told of each other, and tell us (BEP 11); never those of a private torrent. @defaultValue true */
  readonly pex?: boolean;
  /** Torrents are announced on the local network (BEP 14), private ones excepted. @defaultValue true */
  readonly localDiscovery?: boolean;
  /** Routers are asked by PCP, NAT-PMP and UPnP to let peers in, and told when the session closes. @defaultValue true */
  readonly portMapping?: boolean;
  /** Sent to HTTP trackers. @defaultValue `Millrace/<version>` */
  readonly userAgent?: string;
  /** Connections over all torrents. @defaultValue 500 */
  readonly connectionsMax?: number;
  /**
   * Whom torrents that are complete serve: `fastest` those that take fastest, `round-robin` each for a quota, `anti-leech`
   * those that are just beginning or nearly complete, `auto` each for a quota, those first that pass on what they get.
   * @defaultValue `auto`
   */
  readonly seedingChoker?: 'auto' | 'fastest' | 'round-robin' | 'anti-leech';
  /** Receives diagnostics. @defaultValue nowhere */
  readonly log?: Log;
}

/** Options of one torrent. */
export interface AddTorrentOptions {
  /** Folder that receives the files; created when missing. A torrent of several files makes its own folder inside. */
  readonly saveTo: string;
  /** Peers to connect to, as `host:port` or `[IPv6]:port`. */
  readonly peers?: readonly string[];
  /** Trackers besides the torrent's own, each a tier of its own. */
  readonly trackers?: readonly string[];
  /** Pick pieces in index order instead of rarest first. @defaultValue false */
  readonly sequential?: boolean;
  /** Indexes into `Torrent.files`: only these are wanted. @defaultValue all files */
  readonly files?: readonly number[];
  /**
   * Hash what is on disk before starting: `auto` only where there is something to hash, `always` every piece,
   * `never` trusts that files of the right length are complete and that there is nothing else. @defaultValue `auto`
   */
  readonly verify?: 'auto' | 'always' | 'never';
  /** Of this torrent, bytes per second. @defaultValue `Infinity` */
  readonly maxDownloadBytesPerSecond?: number;
  /** Of this torrent, bytes per second. @defaultValue `Infinity` */
  readonly maxUploadBytesPerSecond?: number;
  /** Only share what is there and right: request nothing and create no file. @defaultValue false */
  readonly seedOnly?: boolean;
  /**
   * Once everything is here, show each peer only a few pieces at a time, those that nobody else has first (BEP 16): a new
   * torrent's only seed sends little more than one copy. Ends by itself when the swarm has enough copies.
   * @defaultValue false
   */
  readonly superSeeding?: boolean;
  /** Abandons the call, not a torrent that was already added. */
  readonly signal?: AbortSignal;
}

/** Limits of a session or a torrent; what is absent is not limited. */
export interface RateLimitOptions {
  /** Bytes per second, above 0. @defaultValue `Infinity` */
  readonly maxDownloadBytesPerSecond?: number;
  /** Bytes per second, above 0. @defaultValue `Infinity` */
  readonly maxUploadBytesPerSecond?: number;
}

/** Limits of single peers; what is absent is not limited. */
export interface PeerLimitOptions {
  /** What it may send us, bytes per second. @defaultValue `Infinity` */
  readonly maxDownloadBytesPerSecond?: number;
  /** What it may get of us, bytes per second. @defaultValue `Infinity` */
  readonly maxUploadBytesPerSecond?: number;
}

/** Where a torrent stands in its life. */
export type TorrentState = 'fetching-metadata' | 'checking' | 'downloading' | 'seeding' | 'stopped' | 'failed';

/** One file of a torrent, in the order of the info dictionary. Pad files are listed. */
export interface TorrentFileInfo {
  readonly index: number;
  /** Safe path under the save folder, `/` between its parts, the torrent's own folder first where it has several files. */
  readonly path: string;
  readonly lengthBytes: number;
  /** Filler between files (BEP 47); never written. */
  readonly pad: boolean;
  readonly wanted: boolean;
}

/** Numbers of one torrent at one moment; frozen. */
export interface TorrentStats {
  readonly state: TorrentState;
  /** Of all files but pads; 0 until the metadata is known. */
  readonly totalBytes: number;
  /** Of the wanted files. */
  readonly wantedBytes: number;
  /** Wanted, verified bytes. */
  readonly haveBytes: number;
  readonly pieceCount: number;
  /** Verified pieces. */
  readonly havePieceCount: number;
  /** Pieces hashed so far by the check that runs, or by the last one. */
  readonly checkedPieceCount: number;
  /** Payload received from peers since the torrent was added, wasted bytes included. */
  readonly downloadedBytes: number;
  /** Payload sent to peers since the torrent was added. */
  readonly uploadedBytes: number;
  /** Received and thrown away: duplicates and pieces that failed their hash. */
  readonly wastedBytes: number;
  /** Of the wasted bytes: thrown away because a piece failed its hash. */
  readonly hashFailedBytes: number;
  readonly hashFailureCount: number;
  readonly downloadBytesPerSecond: number;
  readonly uploadBytesPerSecond: number;
  /** Connected peers, seeds included. */
  readonly peerCount: number;
  /** Of those, how many by who told us of them. */
  readonly peerSources: PeerSourceCounts;
  /** Connected peers that have everything. */
  readonly seedCount: number;
  /** It is complete and super-seeds (BEP 16). */
  readonly isSuperSeeding: boolean;
  /** Until all wanted pieces are had at the present rate; 0 when they are, null when nothing comes. */
  readonly etaSeconds: number | null;
  /** Uploaded over downloaded, or over the size when nothing was downloaded; 0 for nothing at all. */
  readonly ratio: number;
}

/** One connected peer. */
export interface PeerStats {
  /** `host:port`, IPv6 in brackets. */
  readonly address: string;
  /** The client's own words, at most 128 bytes; hostile text. Undefined when it sent none. */
  readonly client: string | undefined;
  readonly isIncoming: boolean;
  /** Who told us of it: the best of those that did; `incoming` for one that connected to us. */
  readonly source: PeerSource;
  /** 0 to 1. */
  readonly completedRatio: number;
  readonly downloadBytesPerSecond: number;
  readonly uploadBytesPerSecond: number;
  readonly downloadedBytes: number;
  readonly uploadedBytes: number;
  readonly amChoking: boolean;
  readonly amInterested: boolean;
  readonly peerChoking: boolean;
  readonly peerInterested: boolean;
  /** Why it gives what it gives; of a complete torrent, why it gets what it gets. */
  readonly reason: PeerReason;
}

/** One tracker of a torrent. */
export interface TrackerStats {
  readonly url: string;
  readonly tier: number;
  readonly state: 'idle' | 'announcing' | 'working' | 'failed' | 'disabled';
  /** What the tracker or the network said last; hostile text. */
  readonly message: string | undefined;
  /** Peers in the last reply. */
  readonly peerCount: number;
  /** As the tracker counts them; undefined when it does not say. */
  readonly seedCount: number | undefined;
  readonly leecherCount: number | undefined;
  /** Until the next announce; undefined when none is planned. */
  readonly nextAnnounceMs: number | undefined;
}

/** What one tracker says of a torrent's swarm when asked without announcing (BEP 48; BEP 15, "Scrape"). */
export interface ScrapeResult {
  /** The tracker's announce URL. */
  readonly url: string;
  /** As the tracker counts them; undefined when it does not say. */
  readonly seedCount: number | undefined;
  readonly leecherCount: number | undefined;
  /** Downloads ever completed. */
  readonly downloadedCount: number | undefined;
  /** Why there are no counts; hostile text. */
  readonly error: string | undefined;
}

/** Numbers of a whole session. */
export interface SessionStats {
  readonly torrentCount: number;
  readonly peerCount: number;
  readonly downloadedBytes: number;
  readonly uploadedBytes: number;
  readonly downloadBytesPerSecond: number;
  readonly uploadBytesPerSecond: number;
}

/** What hashing all pieces found. */
export interface VerifyResult {
  readonly pieceCount: number;
  /** Pieces there and right. */
  readonly goodPieces: number;
  /** Pieces there in full length whose hash differs. */
  readonly badPieces: number;
  /** Pieces with bytes that are not there. */
  readonly missingPieces: number;
  /** The files that bad or missing pieces touch, in the torrent's order; none when everything is right. */
  readonly damagedFiles: readonly DamagedFile[];
}

/** A file that is missing, too short, or touched by a piece whose hash differs. */
export interface DamagedFile {
  readonly index: number;
  /** Safe path under the folder, as `TorrentFileInfo.path`. */
  readonly path: string;
  readonly lengthBytes: number;
  readonly reason: 'missing' | 'wrong-length' | 'damaged';
  /** Pieces that touch the file and are bad or missing. */
  readonly badPieceCount: number;
}

/** Events of a torrent; each payload is one object. */
export interface TorrentEvents {
  /** The piece's hash matched and its bytes are written. */
  readonly pieceVerified: { readonly pieceIndex: number };
  readonly peerConnected: { readonly address: string };
  readonly peerDisconnected: { readonly address: string };
  readonly peerBanned: { readonly address: string };
  readonly stateChanged: { readonly state: TorrentState };
  /** The info dictionary of a magnet link has come and was verified. */
  readonly metadata: { readonly name: string; readonly totalBytes: number };
  /** All wanted pieces are verified and written. Also emitted when the check finds that nothing is missing. */
  readonly complete: Record<never, never>;
  /** The torrent has failed: its state is `failed` and `Torrent.error` is set. */
  readonly error: { readonly error: SessionError };
}

/** Events of a session. */
export interface SessionEvents {
  readonly listening: ListenAddress;
  /** A mapping stands, has changed, or could not be had. */
  readonly portMapping: PortMappingStats;
  readonly torrentAdded: { readonly torrent: TorrentLike };
  readonly torrentRemoved: { readonly torrent: TorrentLike };
  /**
   * The publisher of a torrent that was added by a public key (BEP 46) shares another one now. Nothing is done about it: add
   * the link again, after `remove` where both would write the same files.
   */
  readonly torrentUpdated: { readonly torrent: TorrentLike; readonly infoHash: string };
}

/** What a router was asked for, and what came of it. */
export interface PortMappingStats {
  /** The router's address. */
  readonly gateway: string;
  readonly protocol: 'tcp' | 'udp';
  readonly internalPort: number;
  readonly state: 'asking' | 'mapped' | 'failed';
  readonly method: 'pcp' | 'nat-pmp' | 'upnp';
  /** Undefined unless mapped. */
  readonly externalPort: number | undefined;
  /** Undefined when the router does not say. */
  readonly externalAddress: string | undefined;
  /** Why it failed. */
  readonly message: string | undefined;
}

/** An address that the session accepts connections on. */
export interface ListenAddress {
  readonly address: string;
  readonly port: number;
}

/** Options of everything that waits: aborting rejects with `signal.reason` and changes nothing else. */
export interface WaitOptions {
  readonly signal?: AbortSignal;
}

/** Options of `Torrent.read`. */
export interface ReadOptions {
  /** First byte of the file that is read. @defaultValue 0 */
  readonly start?: number;
  /** The byte before which reading ends. @defaultValue the file's length */
  readonly end?: number;
  /** Ends the reading, which then throws `signal.reason`. */
  readonly signal?: AbortSignal;
}

/** What the class `Torrent` offers. */
export interface TorrentLike {
  /** The info-hash in hexadecimal, or the magnet link's name, until the metadata is known. Hostile text. */
  readonly name: string;
  /** 40 lower-case hexadecimal digits; undefined for v2-only torrents. */
  readonly infoHash: string | undefined;
  /** 64 lower-case hexadecimal digits; undefined for v1-only torrents. */
  readonly infoHashV2: string | undefined;
  /** Empty until the metadata is known. */
  readonly files: readonly TorrentFileInfo[];
  /** Of all files but pads; 0 until the metadata is known. */
  readonly totalBytes: number;
  /** 0 until the metadata is known. */
  readonly pieceCount: number;
  readonly state: TorrentState;
  /** Why the state is `failed`. */
  readonly error: SessionError | undefined;
  readonly magnet: string;
  stats(): TorrentStats;
  /** Why it is as fast as it is, made when it is asked for; looks at every peer and every known address. */
  diagnosis(): TorrentDiagnosis;
  peers(): readonly PeerStats[];
  trackers(): readonly TrackerStats[];
  /** Resolves once the metadata is known and the disk is checked. @throws {SessionError} when the torrent fails. */
  whenReady(options?: WaitOptions): Promise<void>;
  /** Resolves once all wanted pieces are verified and written. @throws {SessionError} when the torrent fails. */
  whenComplete(options?: WaitOptions): Promise<void>;
  /** The numbers every `intervalMs` (default 1,000), once more when complete, then the end. */
  progress(options?: { readonly intervalMs?: number; readonly signal?: AbortSignal }): AsyncIterable<TorrentStats>;
  /** Starts a stopped or failed torrent again. */
  start(): void;
  /** Announces `stopped`, leaves the peers, finishes what is being written. Idempotent. */
  stop(): Promise<void>;
  /** Stops and leaves the session; files stay. */
  remove(): Promise<void>;
  /** Connects to one peer. @throws {TypeError} not `host:port`. */
  connectPeer(address: string): void;
  /** Limits this torrent from now on; what is absent is not limited. @throws {RangeError} a rate that is not above 0. */
  setLimits(limits: RateLimitOptions): void;
  /**
   * Limits the connections with this address (an address literal without a port), those of now and those to come, each by
   * itself and besides the limits of the torrent and the session.
   * @throws {TypeError} not an address; {RangeError} a rate that is not above 0; {SessionError} `METADATA_NOT_FOUND`.
   */
  setPeerLimits(address: string, limits: PeerLimitOptions): void;
  /** Adds a tracker as a tier of its own. @throws {TypeError} not an http, https or udp URL. */
  addTracker(url: string): void;
  /**
   * Super-seeds from completion on (BEP 16), or no longer. Peers that are connected keep what they know.
   * @throws {SessionError} `METADATA_NOT_FOUND`
   */
  setSuperSeeding(isOn: boolean): void;
  /** Only these files (indexes into `files`) are wanted from now on. @throws {RangeError} no such file. */
  selectFiles(indexes: readonly number[]): void;
  /**
   * How much a file is wanted, from 0 (not at all) over 4 (as files are from the start) to 7 (before all others); may change
   * at any time. A piece with bytes of several files has the highest of their priorities. `selectFiles` sets files that it
   * leaves out to 0, those that were at 0 to 4, and keeps the others.
   * @throws {RangeError} no such file or priority; {SessionError} `METADATA_NOT_FOUND`.
   */
  setFilePriority(fileIndex: number, priority: number): void;
  /**
   * How much one piece is wanted, whatever its files' priorities are, 0 to 7; until `selectFiles` or `setFilePriority` of
   * a file that it belongs to.
   * @throws {RangeError} no such piece or priority; {SessionError} `METADATA_NOT_FOUND`.
   */
  setPiecePriority(pieceIndex: number, priority: number): void;
  /** From now on pieces are picked in index order, or rarest first again; within each priority. */
  setSequential(isSequential: boolean): void;
  /**
   * The piece is needed in so many milliseconds: its blocks are asked for before others once the time presses, of the
   * peers that answer soonest. Of several pieces the most urgent comes first. A piece that is not wanted is not fetched for
   * its deadline. A deadline ends with the piece's arrival, and is not kept when the torrent is added again.
   * @throws {RangeError} no such piece, or not a time; {SessionError} `METADATA_NOT_FOUND`.
   */
  setPieceDeadline(pieceIndex: number, deadlineMs: number): void;
  /** Forgets all that `setPieceDeadline` has set. Readers keep theirs. */
  clearPieceDeadlines(): void;
  /**
   * The bytes of a file in order, each as soon as its piece is verified and written, also while the torrent downloads or
   * seeds. Waits for the metadata, the check of the disk, and pieces that are missing, also while the torrent is stopped.
   * What comes next gets deadlines: about 20 s ahead at the pace of whoever reads, 32 MiB at most. Bytes are read from the
   * disk when they are asked for, at most 256 KiB at a time, and belong to the caller.
   *
   * Reading makes its pieces wanted while it lasts, also those of a file that is not; the file is then created. A torrent
   * that is complete without them is downloading meanwhile. Any number of readers may run at once. To seek, end one and
   * begin another. Nothing happens before the first bytes are asked for; `return` (a `break` out of `for await`) or
   * `signal` ends it.
   *
   * @example
   * for await (const bytes of torrent.read(0, { start: 1_000_000 })) player.write(bytes);
   *
   * @throws {RangeError} no such file or bytes, or a pad file.
   * @throws {SessionError} the error of a torrent that fails; `TORRENT_REMOVED`; `DISK_…`, `DISK_NOT_FOUND` also where
   * bytes are missing of a torrent added with `seedOnly`.
   */
  read(fileIndex: number, options?: ReadOptions): AsyncIterable<Uint8Array>;
  /** Hashes every piece on disk again. */
  verify(): Promise<VerifyResult>;
  /** Asks every tracker how large the swarm is, without announcing; within 15 s. Failures are results. */
  scrape(): Promise<readonly ScrapeResult[]>;
  on<Name extends keyof TorrentEvents>(
    name: Name,
    listener: (payload: TorrentEvents[Name]) => void,
    options?: { readonly signal?: AbortSignal },
  ): () => void;
}

/** What the class `Session` offers. */
export interface SessionLike {
  readonly torrents: readonly TorrentLike[];
  readonly listening: readonly ListenAddress[];
  /** What routers were asked for; empty while there is none that would help. */
  readonly portMappings: readonly PortMappingStats[];
  /**
   * Adds a torrent and starts it. Resolves once it is registered; a known info-hash returns the torrent that is there. For a
   * link that names a publisher's key (BEP 46) that is when the DHT has told what the publisher shares.
   * @param source A magnet link or info-hash, or the bytes of a .torrent file.
   * @throws {SessionError} `METAINFO_INVALID`, `MAGNET_INVALID`, `SESSION_CLOSED`.
   */
  add(source: string | Uint8Array, options: AddTorrentOptions): Promise<TorrentLike>;
  stats(): SessionStats;
  /** Limits all torrents together from now on; what is absent is not limited. @throws {RangeError} a rate that is not above 0. */
  setLimits(limits: RateLimitOptions): void;
  /** Looks up and stores in the DHT; undefined when the session uses none. */
  readonly dht: DhtLike | undefined;
  /** What to give to the next session as `dhtState`; undefined without a DHT, or when no node was met. */
  dhtState(): Uint8Array | undefined;
  on<Name extends keyof SessionEvents>(
    name: Name,
    listener: (payload: SessionEvents[Name]) => void,
    options?: { readonly signal?: AbortSignal },
  ): () => void;
  /** Announces `stopped`, finishes writes, closes files and sockets; `timeoutMs` (default 3,000) bounds the announces. Idempotent. */
  close(options?: { readonly timeoutMs?: number }): Promise<void>;
}

/** A file as `TorrentDescription` lists it. */
export interface DescribedFile {
  /** Safe path that would be written under the output folder, `/` between its parts. */
  readonly path: string;
  /** Bytes. */
  readonly length: number;
  readonly pad: boolean;
  readonly executable: boolean;
  readonly hidden: boolean;
  /** Target of a symbolic link (BEP 47) as written, `/` between its parts; links are never created. */
  readonly symlink: string | null;
  /** 64 hexadecimal digits (v2). */
  readonly piecesRoot: string | null;
}

/** What a .torrent file or magnet link says; the object of `millrace show --json`. Null where absent. */
export interface TorrentDescription {
  /** As the author wrote it: hostile text. */
  readonly name: string | null;
  readonly infoHash: string | null;
  readonly infoHashV2: string | null;
  readonly format: TorrentFormat;
  /** Bytes. */
  readonly pieceLength: number | null;
  readonly pieceCount: number | null;
  /** Bytes, without pad files. */
  readonly totalSize: number | null;
  readonly private: boolean | null;
  readonly comment: string | null;
  readonly createdBy: string | null;
  /** Seconds since 1970. */
  readonly creationDate: number | null;
  readonly source: string | null;
  /** Tiers in order (BEP 12). */
  readonly trackers: readonly (readonly string[])[];
  readonly webSeeds: readonly string[];
  readonly httpSeeds: readonly string[];
  readonly nodes: readonly string[];
  readonly magnet: string;
  /** Empty for a magnet link. */
  readonly files: readonly DescribedFile[];
}

/** Options of `createTorrent`. */
export interface CreateTorrentOptions {
  /** @defaultValue `v1`, which every client and tracker takes */
  readonly format?: TorrentFormat;
  /** A power of two from 16 KiB on for v2 and hybrid. @defaultValue chosen by size */
  readonly pieceLengthBytes?: number;
  /** One tier each. @defaultValue none */
  readonly trackers?: readonly string[];
  /** BEP 19. @defaultValue none */
  readonly webSeeds?: readonly string[];
  /** BEP 27. @defaultValue false */
  readonly private?: boolean;
  readonly comment?: string;
  /** Source tag inside the info dictionary: makes the info-hash differ per tracker. */
  readonly source?: string;
  /** Seconds since 1970; null leaves it out. @defaultValue now */
  readonly creationDate?: number | null;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: HashProgress) => void;
}

/** How far hashing has come. */
export interface HashProgress {
  readonly hashedBytes: number;
  readonly totalBytes: number;
}

/** What `createTorrent` made. */
export interface CreatedTorrent {
  /** The .torrent file. */
  readonly bytes: Uint8Array;
  readonly name: string;
  readonly infoHash: string | undefined;
  readonly infoHashV2: string | undefined;
  readonly magnet: string;
  /** A sentence for each entry of the folder that was left out. */
  readonly skipped: readonly string[];
}

/** Options of `verifyTorrent`. */
export interface VerifyTorrentOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: HashProgress) => void;
}

/** Options of `scrapeTorrent`. */
export interface ScrapeTorrentOptions {
  readonly signal?: AbortSignal;
  /** Sent to HTTP trackers. @defaultValue `Millrace/<version>` */
  readonly userAgent?: string;
}

/** The functions and the constructor that src/index.ts exports, as one value. */
export interface Facade {
  openSession(options?: SessionOptions): Promise<SessionLike>;
  /** @throws {SessionError} `METAINFO_INVALID`, `MAGNET_INVALID`. */
  readTorrent(source: string | Uint8Array): TorrentDescription;
  /** @throws {SessionError} `DISK_…`; {RangeError} a piece length that the format forbids. */
  createTorrent(path: string, options?: CreateTorrentOptions): Promise<CreatedTorrent>;
  /** Hashes a folder against a .torrent file's bytes: opens no socket, creates and changes nothing. */
  verifyTorrent(metainfo: Uint8Array, folder: string, options?: VerifyTorrentOptions): Promise<VerifyResult>;
  /** Asks the trackers of a torrent how large its swarm is: listens nowhere and announces nothing. */
  scrapeTorrent(source: string | Uint8Array, options?: ScrapeTorrentOptions): Promise<readonly ScrapeResult[]>;
  /** Where the DHT begins unless it is told otherwise, as `host:port`. */
  readonly dhtBootstrap: readonly string[];
}
