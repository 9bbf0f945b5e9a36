// One torrent of a session: its life from adding to removal, and the face it shows to programs. The work is done by its
// parts, each of which owns its state: transfer (pieces), connector (connections), announcer (trackers), checker (disk).
import { Bitfield } from '../../base/bitfield.ts';
import { bytesToHex, encodeUtf8 } from '../../base/bytes.ts';
import { Emitter, type ListenOptions, type Unsubscribe } from '../../base/emitter.ts';
import { randomBelow, randomBytes } from '../../base/random.ts';
import type { DiskError, Storage } from '../../platform/disk.ts';
import type { Endpoint, TcpSocket } from '../../platform/network.ts';
import { SessionError } from '../../platform/session-error.ts';
import { TRACKER_STOP_TIMEOUT_MS } from '../../protocol/limits.ts';
import type { InfoDictionary } from '../../protocol/metainfo/metainfo.ts';
import type { PeerConnection } from '../../protocol/wire/peer-connection.ts';
import type { PeerSource } from '../../swarm/dial-queue.ts';
import { TorrentAnnouncer } from '../announcer/torrent-announcer.ts';
import type {
  AddTorrentOptions,
  PeerStats,
  TorrentEvents,
  TorrentFileInfo,
  TorrentLike,
  TorrentState,
  TorrentStats,
  TrackerStats,
  VerifyResult,
  WaitOptions,
} from '../api.ts';
import { parseHostPort } from '../host-port.ts';
import { MetadataFetch } from '../metadata/metadata-fetch.ts';
import type { EngineContext } from '../session/engine-context.ts';
import { resolveRate } from '../session/settings.ts';
import { magnetOf, type TorrentSource } from '../torrent-source.ts';
import { Checker, type CheckMode } from './checker.ts';
import { Connector } from './connector.ts';
import { guardedStorage } from './guarded-storage.ts';
import type { PeerSession } from './peer-session.ts';
import { swarmHashesOf } from './swarm-hash.ts';
import { TorrentContent } from './torrent-content.ts';
import { peerStatsOf, torrentStatsOf } from './torrent-stats.ts';
import { Transfer, type TransferHost } from './transfer.ts';
import { VerifyReport } from './verify-report.ts';
import { Waiters } from './waiters.ts';

/** BEP 20: `MW`, version 0.1.0.0. */
const PEER_ID_PREFIX = '-MW0100-';
const PEER_ID_BYTES = 20;
const PROGRESS_INTERVAL_MS = 1_000;

export interface TorrentHost {
  /** The torrent leaves the session. */
  handleRemoved(torrent: Torrent): void;
  /** The metadata has come, and with it perhaps a second info-hash. */
  handleHashesKnown(torrent: Torrent): void;
}

/** A call of `verify` that is not answered yet. */
interface Verification {
  readonly report: VerifyReport;
  readonly promise: Promise<VerifyResult>;
  readonly resolve: (result: VerifyResult) => void;
  readonly reject: (reason: SessionError) => void;
}

/** What exists once the info dictionary is known. */
interface Parts {
  readonly content: TorrentContent;
  readonly storage: Storage;
  readonly transfer: Transfer;
  readonly connector: Connector;
}

/**
 * One torrent of a session.
 *
 * @example
 * const torrent = await session.add(bytes, { saveTo: '/data' });
 * await torrent.whenComplete();
 */
export class Torrent implements TorrentLike {
  readonly #context: EngineContext;
  readonly #host: TorrentHost;
  #source: TorrentSource;
  readonly #options: AddTorrentOptions;
  readonly #emitter: Emitter<TorrentEvents>;
  readonly #waiters = new Waiters();
  readonly #announcer: TorrentAnnouncer;
  readonly #peerId: Uint8Array;
  readonly #key: number;
  #parts: Parts | undefined;
  /** While the metadata of a magnet link is being fetched. */
  #metadata: MetadataFetch | undefined;
  #checker: Checker | undefined;
  #checkedPieceCount = 0;
  #isChecked = false;
  #runsAfterCheck = false;
  /** While the disk is checked: the pieces found so far, and those written meanwhile. */
  #found: Bitfield | undefined;
  #verification: Verification | undefined;
  /** Indexes of the files that are wanted; undefined: all, or what the magnet link selects. */
  #selected: readonly number[] | undefined;
  /** Who waits for the removal; undefined while there is none. */
  #removal: (() => void)[] | undefined;
  #isGone = false;
  #isHalting = false;
  /** Grows with every halt: what was begun before it may not go on after it. */
  #haltCount = 0;
  #state: TorrentState = 'stopped';
  #error: SessionError | undefined;

  /** @throws {SessionError} `METAINFO_INVALID`; {RangeError} a file index or rate that does not exist. */
  constructor(context: EngineContext, host: TorrentHost, source: TorrentSource, options: AddTorrentOptions) {
    const { random } = context.platform.crypto;
    this.#context = context;
    this.#host = host;
    this.#source = source;
    this.#options = options;
    this.#emitter = new Emitter((error) => {
      context.platform.log.write('error', `a listener of ${this.infoHash ?? this.infoHashV2} threw: ${String(error)}`);
    });
    this.#selected = options.files;
    this.#peerId = randomPeerId((bytes) => randomBytes(random, bytes));
    this.#key = randomBelow(random, 0x1_0000_0000);
    this.#announcer = this.#createAnnouncer();
    if (source.info !== undefined) this.#parts = this.#createParts(new TorrentContent(source.info));
  }

  // ── What it is ───────────────────────────────────────────────────────────────────────────────────────────────────

  get name(): string {
    return this.#source.name;
  }

  get infoHash(): string | undefined {
    return this.#source.infoHash === undefined ? undefined : bytesToHex(this.#source.infoHash);
  }

  get infoHashV2(): string | undefined {
    return this.#source.infoHashV2 === undefined ? undefined : bytesToHex(this.#source.infoHashV2);
  }

  /** By which the session knows it: one of its hashes, each in hexadecimal and 20 bytes long. */
  get swarmKeys(): readonly string[] {
    return swarmHashesOf(this.#source).map(bytesToHex);
  }

  get files(): readonly TorrentFileInfo[] {
    if (this.#parts === undefined) return [];
    const { content, transfer } = this.#parts;
    return content.files.map(({ path, lengthBytes, pad }, index) => ({
      index,
      path: path.join('/'),
      lengthBytes,
      pad,
      wanted: transfer.wanted[index] === true,
    }));
  }

  get totalBytes(): number {
    return this.#parts?.content.info.contentBytes ?? 0;
  }

  get pieceCount(): number {
    return this.#parts?.content.pieceCount ?? 0;
  }

  get state(): TorrentState {
    return this.#state;
  }

  get error(): SessionError | undefined {
    return this.#error;
  }

  get magnet(): string {
    return magnetOf(this.#source);
  }

  stats(): TorrentStats {
    return torrentStatsOf({
      state: this.#state,
      transfer: this.#parts?.transfer,
      checkedPieceCount: this.#checkedPieceCount,
      nowMs: this.#nowMs(),
    });
  }

  peers(): readonly PeerStats[] {
    return [...(this.#parts?.transfer.peers() ?? [])].map((peer) => peerStatsOf(peer));
  }

  trackers(): readonly TrackerStats[] {
    return this.#announcer.status().map((status) => Object.freeze({ ...status }));
  }

  /** How often peers broke each rule of the wire; for diagnostics. */
  get violationCounts(): ReadonlyMap<string, number> {
    return this.#parts?.connector.violationCounts ?? new Map();
  }

  on<Name extends keyof TorrentEvents>(
    name: Name,
    listener: (payload: TorrentEvents[Name]) => void,
    options?: ListenOptions,
  ): Unsubscribe {
    return this.#emitter.on(name, listener, options);
  }

  // ── Waiting ──────────────────────────────────────────────────────────────────────────────────────────────────────

  whenReady(options: WaitOptions = {}): Promise<void> {
    return this.#wait(() => this.#isChecked, options);
  }

  whenComplete(options: WaitOptions = {}): Promise<void> {
    return this.#wait(() => this.#isChecked && this.#parts?.transfer.isComplete === true, options);
  }

  async *progress(
    options: { readonly intervalMs?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<TorrentStats> {
    const intervalMs = options.intervalMs ?? PROGRESS_INTERVAL_MS;
    const { clock } = this.#context.platform;
    for (;;) {
      yield this.stats();
      if (this.isRemoved || this.#state === 'failed' || this.#isDone) return;
      const atMs = clock.nowMs() + intervalMs;
      const timer = clock.schedule(atMs, () => this.#waiters.update());
      try {
        await this.#wait(() => clock.nowMs() >= atMs || this.#isDone, options);
      } finally {
        timer.cancel();
      }
    }
  }

  get #isDone(): boolean {
    return this.#isChecked && this.#parts?.transfer.isComplete === true;
  }

  #wait(isMet: () => boolean, options: WaitOptions): Promise<void> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.isRemoved) return Promise.reject(removedError());
    return this.#waiters.wait(isMet, options.signal);
  }

  // ── Life ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  start(): void {
    const isAtRest = this.#state === 'stopped' || this.#state === 'failed';
    if (this.#state === 'checking') this.#runsAfterCheck = true;
    // What broke a rule of ours once cannot be relied on any more.
    if (this.isRemoved || this.#isHalting || !isAtRest || this.#error?.code === 'INTERNAL_BUG') return;
    this.#error = undefined;
    if (this.#parts === undefined) this.#fetchMetadata();
    else if (this.#isChecked) this.#run();
    else this.#check(this.#options.verify ?? 'auto', true);
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.stopNow(resolve, TRACKER_STOP_TIMEOUT_MS));
  }

  /** `stop` without a promise: calls back once trackers were told, or after `timeoutMs`. */
  stopNow(onDone: () => void, timeoutMs: number): void {
    const bug = this.#halt();
    this.#announcer.stop(onDone, timeoutMs);
    this.#endVerification(stoppedError());
    // Last, since a listener may start the torrent again.
    if (bug !== undefined) this.failInternally(bug);
    else if (this.#state !== 'failed' && !this.isRemoved) this.#setState('stopped');
  }

  /** Removal has begun, or is over. */
  get isRemoved(): boolean {
    return this.#removal !== undefined;
  }

  remove(): Promise<void> {
    return new Promise((resolve) => this.removeNow(resolve, TRACKER_STOP_TIMEOUT_MS));
  }

  /** `remove` without a promise. */
  removeNow(onDone: () => void, timeoutMs: number): void {
    if (this.#isGone) {
      const { clock } = this.#context.platform;
      clock.schedule(clock.nowMs(), onDone);
    } else if (this.#removal === undefined) {
      this.#removal = [onDone];
      this.#beginRemoval(timeoutMs);
    } else this.#removal.push(onDone);
  }

  connectPeer(address: string): void {
    const hostPort = parseHostPort(address);
    if (hostPort === undefined) throw new TypeError(`"${address}" is not a peer's address; write host:port.`);
    this.#resolvePeer(hostPort.host, hostPort.port, 'user');
  }

  addTracker(url: string): void {
    if (!this.#announcer.addTracker(url)) throw new TypeError(`"${url}" is not an http, https or udp tracker URL.`);
  }

  selectFiles(indexes: readonly number[]): void {
    if (this.#parts === undefined) {
      this.#selected = [...indexes];
      return;
    }
    const { content, storage, transfer } = this.#parts;
    const wanted = wantedOf(content, indexes);
    storage.setWanted(wanted, ({ error }) => {
      if (error !== undefined) this.#handleDiskError(error);
      else if (!this.isRemoved) {
        transfer.setWanted(wanted);
        // Before the check ends nothing is created; after it, what no piece creates.
        if (this.#isChecked && this.#options.seedOnly !== true) this.#createEmptyFiles(storage);
      }
    });
  }

  verify(): Promise<VerifyResult> {
    const parts = this.#parts;
    if (this.isRemoved) return Promise.reject(removedError());
    if (this.#isHalting) return Promise.reject(stoppedError());
    if (this.#error?.code === 'INTERNAL_BUG') return Promise.reject(this.#error);
    if (parts === undefined) {
      return Promise.reject(
        new SessionError('METADATA_NOT_FOUND', 'Nothing can be verified before the metadata is known.'),
      );
    }
    if (this.#verification !== undefined) return this.#verification.promise;
    this.#verification = verificationOf(parts.content);
    const { promise } = this.#verification;
    const wasAtRest = this.#state === 'stopped' || this.#state === 'failed';
    const bug = this.#halt();
    if (bug !== undefined) this.failInternally(bug);
    else {
      this.#error = undefined;
      this.#check('always', !wasAtRest);
    }
    return promise;
  }

  /** A connection whose handshake names this torrent. While the disk is checked nobody is let in: we know nothing yet. */
  accept(socket: TcpSocket, connection: PeerConnection): boolean {
    return (this.#parts?.connector ?? this.#metadata)?.accept(socket, connection) ?? false;
  }

  /** Throws when the parts disagree. For tests. */
  assertInvariants(): void {
    this.#parts?.transfer.assertInvariants();
  }

  /** Connections that stand or are being made, from both sides. */
  get connectionCount(): number {
    return this.#parts?.connector.connectionCount ?? this.#metadata?.connectionCount ?? 0;
  }

  /** Our own mistake somewhere below: this torrent ends for good, the session lives. */
  failInternally(error: unknown): void {
    this.#context.platform.log.write('error', `internal bug in the torrent ${this.name}: ${describe(error)}`);
    this.#fail(
      new SessionError('INTERNAL_BUG', 'Millrace broke a rule of its own; please report it.', { cause: error }),
    );
  }

  // ── Steps of its life ────────────────────────────────────────────────────────────────────────────────────────────

  #fetchMetadata(): void {
    const halts = this.#haltCount;
    this.#setState('fetching-metadata');
    if (halts !== this.#haltCount) return;
    this.#metadata = new MetadataFetch(
      this.#context,
      {
        handleMetadata: (info) => this.#handleMetadata(info),
        handleInvalid: (message) =>
          this.#fail(new SessionError('METAINFO_INVALID', message, { operation: 'metadata' })),
        handleBug: (error) => this.failInternally(error),
      },
      this.#source,
      this.#peerId,
    );
    this.#metadata.start();
    this.#findPeers();
  }

  #handleMetadata(info: InfoDictionary): void {
    const known = this.#metadata?.knownPeers ?? [];
    try {
      this.#source = { ...this.#source, name: info.name, info, infoHash: info.infoHash, infoHashV2: info.infoHashV2 };
      this.#parts = this.#createParts(new TorrentContent(info));
    } catch (error) {
      if (error instanceof SessionError) this.#fail(error);
      else if (error instanceof RangeError) this.#fail(new SessionError('METAINFO_INVALID', error.message));
      else this.failInternally(error);
      return;
    }
    this.#host.handleHashesKnown(this);
    if (this.swarmKeys.length === 2) this.#announcer.handleSecondInfoHash();
    this.#parts.connector.addPeers(known, 'magnet');
    const halts = this.#haltCount;
    this.#emitter.emit('metadata', { name: info.name, totalBytes: info.contentBytes });
    if (halts === this.#haltCount) this.#check(this.#options.verify ?? 'auto', true);
  }

  /** Asks every source that this torrent may use. */
  #findPeers(): void {
    if (this.#context.settings.trackers) this.#announcer.start();
    this.#resolvePeers(this.#options.peers ?? [], 'user');
    this.#resolvePeers(this.#source.peers, 'magnet');
  }

  #check(mode: CheckMode, runsAfterwards: boolean): void {
    const parts = this.#parts!;
    const { content, storage } = parts;
    const report = this.#verification?.report;
    const halts = this.#haltCount;
    this.#checkedPieceCount = 0;
    this.#isChecked = false;
    this.#runsAfterCheck = runsAfterwards;
    this.#found = new Bitfield(content.pieceCount);
    this.#setState('checking');
    if (halts !== this.#haltCount) return;
    this.#checker = new Checker(
      { storage, content, concurrency: this.#context.platform.disk.hashConcurrency },
      {
        handlePieceChecked: (pieceIndex, verdict) => {
          this.#checkedPieceCount++;
          report?.add(pieceIndex, verdict);
          if (verdict === 'good') this.#found?.add(pieceIndex);
        },
        handleChecked: (error, files) => {
          this.#checker = undefined;
          if (error !== undefined) this.#handleDiskError(error);
          else {
            this.#applyFound(parts.transfer);
            report?.finish(files);
            this.#endVerification();
            this.#prepare(storage);
          }
        },
      },
    );
    this.#checker.start(mode);
  }

  /** The picker has what the check has found, and what was written while it ran. */
  #applyFound({ picker }: Transfer): void {
    const found = this.#found!;
    this.#found = undefined;
    for (let pieceIndex = 0; pieceIndex < picker.pieceCount; pieceIndex++) {
      const state = picker.stateOf(pieceIndex);
      // The disk still writes it: the answer decides.
      if (state === 'hashing') continue;
      if (found.has(pieceIndex) && state !== 'have') picker.handlePieceVerified(pieceIndex);
      else if (!found.has(pieceIndex) && state === 'have') picker.handlePieceLost(pieceIndex);
    }
  }

  #createEmptyFiles(storage: Storage): void {
    storage.createEmptyFiles(({ error }) => {
      if (error !== undefined) this.#handleDiskError(error);
    });
  }

  /** What no piece creates, then the exchange begins. */
  #prepare(storage: Storage): void {
    if (!this.#runsAfterCheck) {
      this.#isChecked = true;
      this.#setState('stopped');
      return;
    }
    if (this.#options.seedOnly === true) {
      this.#run();
      return;
    }
    const halts = this.#haltCount;
    storage.createEmptyFiles(({ error }) => {
      if (halts !== this.#haltCount) return;
      if (error !== undefined) this.#handleDiskError(error);
      else this.#run();
    });
  }

  #run(): void {
    const { transfer, connector } = this.#parts!;
    const halts = this.#haltCount;
    this.#isChecked = true;
    this.#setState(transfer.picker.isComplete ? 'seeding' : 'downloading');
    // A listener of any event may have stopped the torrent again.
    if (halts !== this.#haltCount) return;
    transfer.start();
    if (halts !== this.#haltCount) return;
    connector.start(this.#metadata?.release());
    this.#metadata = undefined;
    this.#findPeers();
    this.#waiters.update();
  }

  /** Ends what is under way, whatever it is. Returns what went wrong with it by our own mistake. */
  #halt(): unknown {
    this.#haltCount++;
    const wasHalting = this.#isHalting;
    this.#isHalting = true;
    this.#checker?.cancel();
    this.#checker = undefined;
    this.#found = undefined;
    let bug: unknown;
    try {
      this.#metadata?.stop();
      // Peers first: what they had under way is given back before the picker's half-done pieces are dropped.
      this.#parts?.connector.stop();
      this.#parts?.transfer.stop();
    } catch (error) {
      bug = error;
    }
    this.#isHalting = wasHalting;
    return bug;
  }

  #fail(error: SessionError): void {
    if (this.#state === 'failed' || this.isRemoved) return;
    this.#error = error;
    this.#halt();
    this.#announcer.stop(() => {}, TRACKER_STOP_TIMEOUT_MS);
    this.#endVerification(error);
    this.#waiters.rejectAll(error);
    this.#setState('failed');
    this.#emitter.emit('error', { error });
  }

  #beginRemoval(timeoutMs: number): void {
    let openEnds = 2;
    const handleEnd = (): void => {
      openEnds--;
      if (openEnds > 0) return;
      const callbacks = this.#removal!;
      this.#isGone = true;
      this.#host.handleRemoved(this);
      for (const callback of callbacks) callback();
    };
    const storage = this.#parts?.storage;
    this.#halt();
    this.#announcer.stop(handleEnd, timeoutMs);
    if (storage === undefined) handleEnd();
    else storage.close(handleEnd);
    this.#endVerification(removedError());
    this.#waiters.rejectAll(removedError());
    if (this.#state !== 'failed') this.#setState('stopped');
  }

  /** Answers the call of `verify`, if there is one. */
  #endVerification(error?: SessionError): void {
    const verification = this.#verification;
    if (verification === undefined) return;
    this.#verification = undefined;
    if (error === undefined) verification.resolve(verification.report.result());
    else verification.reject(error);
  }

  #handleDiskError({ code, message }: DiskError): void {
    if (code === 'DISK_CLOSED') return;
    this.#fail(new SessionError(code, message, { operation: 'disk' }));
  }

  #setState(state: TorrentState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#emitter.emit('stateChanged', { state });
    this.#waiters.update();
  }

  #createParts(content: TorrentContent): Parts {
    const { platform } = this.#context;
    const options = this.#options;
    const selected = this.#selected ?? selectedBy(this.#source, content);
    const wanted = selected === undefined ? content.files.map(() => true) : wantedOf(content, selected);
    // Before anything is opened: what is wrong with the options leaves nothing behind.
    const downloadBytesPerSecond = resolveRate('maxDownloadBytesPerSecond', options.maxDownloadBytesPerSecond);
    const uploadBytesPerSecond = resolveRate('maxUploadBytesPerSecond', options.maxUploadBytesPerSecond);
    const spec = content.storageSpec(platform.resolvePath(options.saveTo), wanted);
    const storage = guardedStorage(platform.disk.openStorage(spec), (error) => this.failInternally(error));
    const transfer = new Transfer(this.#context, this.#transferHost(), {
      content,
      storage,
      wanted,
      sequential: options.sequential ?? false,
      seedOnly: options.seedOnly ?? false,
      downloadBytesPerSecond,
      uploadBytesPerSecond,
    });
    const connector = new Connector(
      this.#context,
      {
        handlePeerConnected: (peer) => this.#emitter.emit('peerConnected', { address: peer.address }),
        handlePeerDisconnected: (peer) => this.#handlePeerDisconnected(peer),
        handlePeerBanned: (address) => this.#emitter.emit('peerBanned', { address }),
        handleBug: (error) => this.failInternally(error),
      },
      transfer,
      this.#peerId,
    );
    return { content, storage, transfer, connector };
  }

  #transferHost(): TransferHost {
    return {
      handlePieceVerified: (pieceIndex) => {
        this.#found?.add(pieceIndex);
        this.#emitter.emit('pieceVerified', { pieceIndex });
      },
      handleCompletionChanged: () => this.#handleCompletionChanged(),
      handleDiskError: (error) => this.#handleDiskError(error),
      handleGuilty: (blameKeys) => {
        for (const blameKey of blameKeys) this.#parts?.connector.ban(blameKey);
      },
      handleBug: (error) => this.failInternally(error),
    };
  }

  #handleCompletionChanged(): void {
    const isComplete = this.#parts?.transfer.isComplete === true;
    this.#setState(isComplete ? 'seeding' : 'downloading');
    if (!isComplete) return;
    // Trackers are told of a download's end, not of what was on disk already.
    if (this.#parts!.transfer.downloadedBytes > 0) this.#announcer.handleComplete();
    this.#emitter.emit('complete', {});
    this.#waiters.update();
  }

  #handlePeerDisconnected(peer: PeerSession): void {
    this.#emitter.emit('peerDisconnected', { address: peer.address });
  }

  #resolvePeers(addresses: readonly string[], source: PeerSource): void {
    for (const address of addresses) {
      const hostPort = parseHostPort(address);
      if (hostPort !== undefined) this.#resolvePeer(hostPort.host, hostPort.port, source);
    }
  }

  #resolvePeer(host: string, port: number, source: PeerSource): void {
    this.#context.platform.resolver.resolve(host, {
      handleResolved: (addresses) => {
        if (!this.isRemoved) this.#addPeers([{ address: addresses[0]!, port }], source);
      },
      handleFailed: (message) => {
        this.#context.platform.log.write('warn', `the peer ${host} has no address: ${message}`);
      },
    });
  }

  #addPeers(endpoints: readonly Endpoint[], source: PeerSource): void {
    try {
      (this.#parts?.connector ?? this.#metadata)?.addPeers(endpoints, source);
    } catch (error) {
      this.failInternally(error);
    }
  }

  #createAnnouncer(): TorrentAnnouncer {
    const { platform, settings } = this.#context;
    const announcer = new TorrentAnnouncer({
      clock: platform.clock,
      http: platform.http,
      resolver: platform.resolver,
      random: platform.crypto.random,
      log: platform.log,
      gate: this.#context.announceGate,
      udp: this.#context.udpTrackers,
      settings: { userAgent: settings.userAgent, localAddress: this.#context.localAddressFor('0.0.0.0') },
      host: {
        announceFacts: () => ({
          infoHashes: swarmHashesOf(this.#source),
          peerId: this.#peerId,
          key: this.#key,
          port: this.#context.listenPort(),
          uploadedBytes: this.#parts?.transfer.uploadedBytes ?? 0,
          downloadedBytes: this.#parts?.transfer.downloadedBytes ?? 0,
          leftBytes: this.#leftBytes(),
        }),
        handlePeers: (endpoints) => this.#addPeers(endpoints, 'tracker'),
        handleExternalAddress: () => {},
      },
    });
    for (const tier of this.#source.trackers) announcer.addTier(tier);
    for (const url of this.#options.trackers ?? []) announcer.addTracker(url);
    return announcer;
  }

  #leftBytes(): number {
    // BEP 9: before the metadata is known any number but 0 says that there is something to get.
    if (this.#parts === undefined) return 1;
    const { content, transfer } = this.#parts;
    let wantedBytes = 0;
    content.files.forEach(({ lengthBytes, pad }, index) => {
      if (!pad && transfer.wanted[index] === true) wantedBytes += lengthBytes;
    });
    return wantedBytes - transfer.haveWantedBytes();
  }

  #nowMs(): number {
    return this.#context.platform.clock.nowMs();
  }
}

function randomPeerId(fill: (bytes: Uint8Array) => Uint8Array): Uint8Array {
  const peerId = new Uint8Array(PEER_ID_BYTES);
  fill(peerId);
  peerId.set(encodeUtf8(PEER_ID_PREFIX));
  return peerId;
}

function verificationOf(content: TorrentContent): Verification {
  let resolve: Verification['resolve'] = () => {};
  let reject: Verification['reject'] = () => {};
  const promise = new Promise<VerifyResult>((onResult, onError) => {
    resolve = onResult;
    reject = onError;
  });
  return { report: new VerifyReport(content), promise, resolve, reject };
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function stoppedError(): SessionError {
  return new SessionError('TORRENT_STOPPED', 'The torrent was stopped before all was checked.');
}

function removedError(): SessionError {
  return new SessionError('TORRENT_REMOVED', 'The torrent was removed from its session.');
}

/** @throws {RangeError} no such file. */
function wantedOf(content: TorrentContent, indexes: readonly number[]): boolean[] {
  const wanted = content.files.map(() => false);
  for (const index of indexes) {
    if (wanted[index] === undefined) {
      throw new RangeError(`There is no file ${index}; the torrent has files 0 to ${wanted.length - 1}.`);
    }
    wanted[index] = true;
  }
  return wanted;
}

/** BEP 53: the files that a magnet link selects; undefined = all. */
function selectedBy(source: TorrentSource, content: TorrentContent): number[] | undefined {
  if (source.selectOnly === undefined) return undefined;
  const indexes: number[] = [];
  for (const [from, to] of source.selectOnly) {
    for (let index = from; index <= Math.min(to, content.files.length - 1); index++) indexes.push(index);
  }
  return indexes;
}
