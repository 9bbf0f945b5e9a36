// One torrent of a session: its life from adding to removal, and the face it shows to programs. The work is done by its
// parts, each of which owns its state: transfer (pieces), connector (connections), announcer (trackers), checker (disk).
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
import { Checker, type PieceVerdict } from './checker.ts';
import { Connector } from './connector.ts';
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
  #isRemoved = false;
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
      if (this.#isRemoved || this.#state === 'failed' || this.#isDone) return;
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
    if (this.#isRemoved) return Promise.reject(removedError());
    return this.#waiters.wait(isMet, options.signal);
  }

  // ── Life ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  start(): void {
    if (this.#isRemoved || (this.#state !== 'stopped' && this.#state !== 'failed')) return;
    this.#error = undefined;
    if (this.#parts === undefined) this.#fetchMetadata();
    else if (this.#isChecked) this.#run();
    else this.#check();
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.stopNow(resolve, TRACKER_STOP_TIMEOUT_MS));
  }

  /** `stop` without a promise: calls back once trackers were told, or after `timeoutMs`. */
  stopNow(onDone: () => void, timeoutMs: number): void {
    if (this.#state !== 'failed' && !this.#isRemoved) this.#setState('stopped');
    this.#halt();
    this.#announcer.stop(onDone, timeoutMs);
  }

  remove(): Promise<void> {
    return new Promise((resolve) => this.removeNow(resolve, TRACKER_STOP_TIMEOUT_MS));
  }

  /** `remove` without a promise. */
  removeNow(onDone: () => void, timeoutMs: number): void {
    if (this.#isRemoved) {
      onDone();
      return;
    }
    let openEnds = 2;
    const handleEnd = (): void => {
      openEnds--;
      if (openEnds > 0) return;
      this.#host.handleRemoved(this);
      onDone();
    };
    this.stopNow(handleEnd, timeoutMs);
    this.#isRemoved = true;
    this.#waiters.rejectAll(removedError());
    if (this.#parts === undefined) handleEnd();
    else this.#parts.storage.close(handleEnd);
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
    if (this.#parts === undefined) return;
    const { content, storage, transfer } = this.#parts;
    const wanted = wantedOf(content, indexes);
    storage.setWanted(wanted, ({ error }) => {
      if (error !== undefined) this.#handleDiskError(error);
      else if (!this.#isRemoved) {
        transfer.setWanted(wanted);
        // Before the check ends nothing is created; after it, what no piece creates.
        if (this.#isChecked && this.#options.seedOnly !== true) this.#createEmptyFiles(storage);
      }
    });
  }

  async verify(): Promise<VerifyResult> {
    const parts = this.#parts;
    if (parts === undefined)
      throw new SessionError('METADATA_NOT_FOUND', 'Nothing can be verified before the metadata is known.');
    const report = new VerifyReport(parts.content);
    this.#halt();
    this.#check(report);
    await this.#wait(() => report.isDone, {});
    return report.result();
  }

  /** A connection whose handshake names this torrent. */
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

  /** Our own mistake somewhere below: this torrent ends, the session lives. */
  failInternally(error: unknown): void {
    this.#fail(
      new SessionError('INTERNAL_BUG', 'Millrace broke a rule of its own; please report it.', { cause: error }),
    );
  }

  // ── Steps of its life ────────────────────────────────────────────────────────────────────────────────────────────

  #fetchMetadata(): void {
    this.#setState('fetching-metadata');
    this.#metadata = new MetadataFetch(
      this.#context,
      {
        handleMetadata: (info) => this.#handleMetadata(info),
        handleInvalid: (message) =>
          this.#fail(new SessionError('METAINFO_INVALID', message, { operation: 'metadata' })),
      },
      this.#source,
      this.#peerId,
    );
    this.#metadata.start();
    this.#findPeers();
  }

  #handleMetadata(info: InfoDictionary): void {
    const known = this.#metadata?.knownPeers ?? [];
    this.#metadata = undefined;
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
    this.#emitter.emit('metadata', { name: info.name, totalBytes: info.contentBytes });
    this.#check();
  }

  /** Asks every source that this torrent may use. */
  #findPeers(): void {
    if (this.#context.settings.trackers) this.#announcer.start();
    for (const address of [...(this.#options.peers ?? []), ...this.#source.peers]) {
      const hostPort = parseHostPort(address);
      if (hostPort !== undefined) this.#resolvePeer(hostPort.host, hostPort.port, 'user');
    }
  }

  #check(report?: VerifyReport): void {
    const parts = this.#parts!;
    const { content, storage, transfer } = parts;
    this.#checkedPieceCount = 0;
    this.#isChecked = false;
    this.#setState('checking');
    const checker = new Checker(
      { storage, content, concurrency: this.#context.platform.disk.hashConcurrency },
      {
        handlePieceChecked: (pieceIndex, verdict) => {
          this.#checkedPieceCount++;
          report?.add(pieceIndex, verdict);
          this.#applyVerdict(transfer, pieceIndex, verdict);
        },
        handleChecked: (error, files) => {
          this.#checker = undefined;
          if (error !== undefined) this.#handleDiskError(error);
          else {
            report?.finish(files);
            this.#prepare(parts);
          }
        },
      },
    );
    this.#checker = checker;
    checker.start(report === undefined ? (this.#options.verify ?? 'auto') : 'always');
  }

  #applyVerdict(transfer: Transfer, pieceIndex: number, verdict: PieceVerdict): void {
    const has = transfer.picker.haveBitfield.has(pieceIndex);
    if (verdict === 'good' && !has) transfer.picker.handlePieceVerified(pieceIndex);
    else if (verdict !== 'good' && has) transfer.picker.handlePieceLost(pieceIndex);
  }

  #createEmptyFiles(storage: Storage): void {
    storage.createEmptyFiles(({ error }) => {
      if (error !== undefined) this.#handleDiskError(error);
    });
  }

  /** What no piece creates, then the exchange begins. */
  #prepare({ storage }: Parts): void {
    if (this.#options.seedOnly === true) {
      this.#run();
      return;
    }
    storage.createEmptyFiles(({ error }) => {
      if (error !== undefined) this.#handleDiskError(error);
      else if (!this.#isRemoved && this.#state === 'checking') this.#run();
    });
  }

  #run(): void {
    const { transfer, connector } = this.#parts!;
    this.#isChecked = true;
    this.#setState(transfer.picker.isComplete ? 'seeding' : 'downloading');
    transfer.start();
    // A listener of the first events may have stopped the torrent again.
    if (!transfer.isRunning || this.#isRemoved) return;
    connector.start();
    this.#findPeers();
    this.#waiters.update();
  }

  #halt(): void {
    this.#checker?.cancel();
    this.#checker = undefined;
    this.#metadata?.stop();
    // Peers first: what they had under way is given back before the picker's half-done pieces are dropped.
    this.#parts?.connector.stop();
    this.#parts?.transfer.stop();
  }

  #fail(error: SessionError): void {
    if (this.#state === 'failed' || this.#isRemoved) return;
    this.#error = error;
    this.#setState('failed');
    this.#halt();
    this.#announcer.stop(() => {}, TRACKER_STOP_TIMEOUT_MS);
    this.#emitter.emit('error', { error });
    this.#waiters.rejectAll(error);
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
    const selected = options.files ?? selectedBy(this.#source, content);
    const wanted = selected === undefined ? content.files.map(() => true) : wantedOf(content, selected);
    const storage = platform.disk.openStorage(content.storageSpec(platform.resolvePath(options.saveTo), wanted));
    const transfer = new Transfer(this.#context, this.#transferHost(), {
      content,
      storage,
      wanted,
      sequential: options.sequential ?? false,
      seedOnly: options.seedOnly ?? false,
      downloadBytesPerSecond: resolveRate('maxDownloadBytesPerSecond', options.maxDownloadBytesPerSecond),
      uploadBytesPerSecond: resolveRate('maxUploadBytesPerSecond', options.maxUploadBytesPerSecond),
    });
    const connector = new Connector(
      this.#context,
      {
        handlePeerConnected: (peer) => this.#emitter.emit('peerConnected', { address: peer.address }),
        handlePeerDisconnected: (peer) => this.#handlePeerDisconnected(peer),
        handlePeerBanned: (address) => this.#emitter.emit('peerBanned', { address }),
      },
      transfer,
      this.#peerId,
    );
    return { content, storage, transfer, connector };
  }

  #transferHost(): TransferHost {
    return {
      handlePieceVerified: (pieceIndex) => this.#emitter.emit('pieceVerified', { pieceIndex }),
      handleCompletionChanged: () => this.#handleCompletionChanged(),
      handleDiskError: (error) => this.#handleDiskError(error),
      handleGuilty: (blameKeys) => {
        for (const blameKey of blameKeys) this.#parts?.connector.ban(blameKey);
      },
    };
  }

  #handleCompletionChanged(): void {
    const isComplete = this.#parts?.transfer.isComplete === true;
    this.#setState(isComplete ? 'seeding' : 'downloading');
    if (!isComplete) return;
    this.#announcer.handleComplete();
    this.#emitter.emit('complete', {});
    this.#waiters.update();
  }

  #handlePeerDisconnected(peer: PeerSession): void {
    this.#emitter.emit('peerDisconnected', { address: peer.address });
  }

  #resolvePeer(host: string, port: number, source: PeerSource): void {
    this.#context.platform.resolver.resolve(host, {
      handleResolved: (addresses) => {
        if (!this.#isRemoved) this.#addPeers([{ address: addresses[0]!, port }], source);
      },
      handleFailed: (message) => {
        this.#context.platform.log.write('warn', `the peer ${host} has no address: ${message}`);
      },
    });
  }

  #addPeers(endpoints: readonly Endpoint[], source: PeerSource): void {
    (this.#parts?.connector ?? this.#metadata)?.addPeers(endpoints, source);
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
