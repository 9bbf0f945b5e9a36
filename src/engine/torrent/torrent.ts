// One torrent of a session, as programs see it: what it is, its numbers, its events, waiting for it, and the check of
// what callers pass in. Its life is TorrentLife's.
import { bytesToHex } from '../../base/bytes.ts';
import { Emitter, type ListenOptions, type Unsubscribe } from '../../base/emitter.ts';
import type { TcpSocket } from '../../platform/network.ts';
import type { SessionError } from '../../platform/session-error.ts';
import { TRACKER_STOP_TIMEOUT_MS } from '../../protocol/limits.ts';
import { normalizeIpAddress } from '../../protocol/tracker/ip-address.ts';
import type { PeerConnection } from '../../protocol/wire/peer-connection.ts';
import { noPeersBySource } from '../../swarm/peer-source.ts';
import type {
  AddTorrentOptions,
  PeerLimitOptions,
  PeerStats,
  RateLimitOptions,
  ReadOptions,
  ScrapeResult,
  TorrentEvents,
  TorrentFileInfo,
  TorrentLike,
  TorrentState,
  TorrentStats,
  TrackerStats,
  VerifyResult,
  WaitOptions,
} from '../api.ts';
import type { TorrentDiagnosis } from '../diagnosis/reasons.ts';
import { reasonOfPeer, takeSnapshot } from '../diagnosis/take-snapshot.ts';
import { diagnoseTorrent } from '../diagnosis/torrent-diagnosis.ts';
import { parseHostPort } from '../host-port.ts';
import type { EngineContext } from '../session/engine-context.ts';
import { resolveRates } from '../session/settings.ts';
import { magnetOf, type TorrentSource } from '../torrent-source.ts';
import type { FileReader } from './file-reader.ts';
import { PRIORITY_MAX } from './piece-priorities.ts';
import { readBytes } from './read-bytes.ts';
import { swarmHashesOf } from './swarm-hash.ts';
import { noMetadataError, removedError } from './torrent-errors.ts';
import { TorrentLife, type TorrentLifeHost } from './torrent-life.ts';
import type { TorrentParts } from './torrent-parts.ts';
import { peerStatsOf, torrentStatsOf } from './torrent-stats.ts';
import { Waiters } from './waiters.ts';

const PROGRESS_INTERVAL_MS = 1_000;

export interface TorrentHost {
  /** The torrent leaves the session. */
  handleRemoved(torrent: Torrent): void;
  /** The metadata has come, and with it perhaps a second info-hash. */
  handleHashesKnown(torrent: Torrent): void;
}

/** Where what a torrent's life tells goes: to those who listen, those who wait, and the session. */
class TorrentNews implements TorrentLifeHost {
  readonly #torrent: Torrent;
  readonly #host: TorrentHost;
  readonly #emitter: Emitter<TorrentEvents>;
  readonly #waiters: Waiters;

  constructor(
    torrent: Torrent,
    to: { readonly host: TorrentHost; readonly emitter: Emitter<TorrentEvents>; readonly waiters: Waiters },
  ) {
    this.#torrent = torrent;
    this.#host = to.host;
    this.#emitter = to.emitter;
    this.#waiters = to.waiters;
  }

  emit<Name extends keyof TorrentEvents>(name: Name, payload: TorrentEvents[Name]): void {
    this.#emitter.emit(name, payload);
  }

  handleProgress(): void {
    this.#waiters.update();
  }

  handleHopeless(error: SessionError): void {
    this.#waiters.rejectAll(error);
  }

  handleHashesKnown(): void {
    this.#host.handleHashesKnown(this.#torrent);
  }

  handleRemoved(): void {
    this.#host.handleRemoved(this.#torrent);
  }
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
  readonly #life: TorrentLife;
  readonly #emitter: Emitter<TorrentEvents>;
  readonly #waiters = new Waiters();

  /** @throws {SessionError} `METAINFO_INVALID`; {RangeError} a file index or rate that does not exist. */
  constructor(context: EngineContext, host: TorrentHost, source: TorrentSource, options: AddTorrentOptions) {
    this.#context = context;
    this.#emitter = new Emitter((error) => {
      context.platform.log.write('error', `a listener of ${this.infoHash ?? this.infoHashV2} threw: ${String(error)}`);
    });
    const news = new TorrentNews(this, { host, emitter: this.#emitter, waiters: this.#waiters });
    this.#life = new TorrentLife(context, news, source, options);
  }

  // ── What it is ───────────────────────────────────────────────────────────────────────────────────────────────────

  get name(): string {
    return this.#life.source.name;
  }

  get infoHash(): string | undefined {
    const { infoHash } = this.#life.source;
    return infoHash === undefined ? undefined : bytesToHex(infoHash);
  }

  get infoHashV2(): string | undefined {
    const { infoHashV2 } = this.#life.source;
    return infoHashV2 === undefined ? undefined : bytesToHex(infoHashV2);
  }

  /** By which the session knows it: one of its hashes, each in hexadecimal and 20 bytes long. */
  get swarmKeys(): readonly string[] {
    return swarmHashesOf(this.#life.source).map(bytesToHex);
  }

  get files(): readonly TorrentFileInfo[] {
    const { parts } = this.#life;
    if (parts === undefined) return [];
    const { content, transfer } = parts;
    return content.files.map(({ path, lengthBytes, pad }, index) => ({
      index,
      path: path.join('/'),
      lengthBytes,
      pad,
      wanted: transfer.wanted[index] === true,
    }));
  }

  get totalBytes(): number {
    return this.#life.parts?.content.info.contentBytes ?? 0;
  }

  get pieceCount(): number {
    return this.#life.parts?.content.pieceCount ?? 0;
  }

  get state(): TorrentState {
    return this.#life.state;
  }

  get error(): SessionError | undefined {
    return this.#life.error;
  }

  get magnet(): string {
    return magnetOf(this.#life.source);
  }

  stats(): TorrentStats {
    return torrentStatsOf({
      state: this.#life.state,
      transfer: this.#life.parts?.transfer,
      checkedPieceCount: this.#life.parts?.check.checkedPieceCount ?? 0,
      peerSources: this.#life.parts?.connector.peerSources() ?? Object.freeze(noPeersBySource()),
      nowMs: this.#context.platform.clock.nowMs(),
    });
  }

  peers(): readonly PeerStats[] {
    const { parts } = this.#life;
    if (parts === undefined) return [];
    const nowMs = this.#context.platform.clock.nowMs();
    return [...parts.connector.peers()].map((peer) =>
      peerStatsOf(peer, parts.connector.sourceOf(peer), reasonOfPeer(this.#context, parts.transfer, peer, nowMs)),
    );
  }

  diagnosis(): TorrentDiagnosis {
    return diagnoseTorrent(takeSnapshot(this.#context, this.#life));
  }

  trackers(): readonly TrackerStats[] {
    return this.#life.sources.trackers().map((status) => Object.freeze({ ...status }));
  }

  /** How often peers broke each rule of the wire; for diagnostics. */
  get violationCounts(): ReadonlyMap<string, number> {
    return this.#life.parts?.connector.violationCounts ?? new Map();
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
    return this.#wait(() => this.#life.isChecked, options);
  }

  whenComplete(options: WaitOptions = {}): Promise<void> {
    return this.#wait(() => this.#life.isComplete, options);
  }

  async *progress(
    options: { readonly intervalMs?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<TorrentStats> {
    const intervalMs = options.intervalMs ?? PROGRESS_INTERVAL_MS;
    const { clock } = this.#context.platform;
    for (;;) {
      yield this.stats();
      if (this.isRemoved || this.state === 'failed' || this.#life.isComplete) return;
      const atMs = clock.nowMs() + intervalMs;
      const timer = clock.schedule(atMs, () => this.#waiters.update());
      try {
        await this.#wait(() => clock.nowMs() >= atMs || this.#life.isComplete, options);
      } finally {
        timer.cancel();
      }
    }
  }

  #wait(isMet: () => boolean, options: WaitOptions): Promise<void> {
    if (this.error !== undefined) return Promise.reject(this.error);
    if (this.isRemoved) return Promise.reject(removedError());
    return this.#waiters.wait(isMet, options.signal);
  }

  // ── Life ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  start(): void {
    this.#life.start();
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.stopNow(resolve, TRACKER_STOP_TIMEOUT_MS));
  }

  /** `stop` without a promise: calls back once trackers were told, or after `timeoutMs`. */
  stopNow(onDone: () => void, timeoutMs: number): void {
    this.#life.stop(onDone, timeoutMs);
  }

  /** Removal has begun, or is over. */
  get isRemoved(): boolean {
    return this.#life.isRemoved;
  }

  remove(): Promise<void> {
    return new Promise((resolve) => this.removeNow(resolve, TRACKER_STOP_TIMEOUT_MS));
  }

  /** `remove` without a promise. */
  removeNow(onDone: () => void, timeoutMs: number): void {
    this.#life.remove(onDone, timeoutMs);
  }

  connectPeer(address: string): void {
    const hostPort = parseHostPort(address);
    if (hostPort === undefined) throw new TypeError(`"${address}" is not a peer's address; write host:port.`);
    this.#life.sources.resolvePeer(hostPort.host, hostPort.port, 'user');
  }

  setLimits(limits: RateLimitOptions): void {
    this.#life.setRates(resolveRates(limits));
  }

  setPeerLimits(address: string, limits: PeerLimitOptions): void {
    const normal = normalizeIpAddress(address);
    if (normal === undefined) throw new TypeError(`"${address}" is not an IPv4 or IPv6 address.`);
    this.#partsOrThrow().connector.setPeerLimits(normal, limits);
  }

  setSuperSeeding(isOn: boolean): void {
    const { transfer } = this.#life;
    if (transfer === undefined) throw noMetadataError();
    transfer.setSuperSeeding(isOn);
  }

  addTracker(url: string): void {
    const isTaken = this.#life.sources.addTracker(url);
    if (!isTaken) throw new TypeError(`"${url}" is not an http, https or udp tracker URL.`);
  }

  selectFiles(indexes: readonly number[]): void {
    this.#life.selectFiles(indexes);
  }

  setFilePriority(fileIndex: number, priority: number): void {
    const { content } = this.#partsOrThrow();
    checkIndex('file', fileIndex, content.files.length);
    checkPriority(priority);
    this.#life.changePriorities((priorities) => priorities.setFile(fileIndex, priority));
  }

  setPiecePriority(pieceIndex: number, priority: number): void {
    const { content } = this.#partsOrThrow();
    checkIndex('piece', pieceIndex, content.pieceCount);
    checkPriority(priority);
    this.#life.setPiecePriority(pieceIndex, priority);
  }

  setSequential(isSequential: boolean): void {
    this.#life.setSequential(isSequential);
  }

  // ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

  setPieceDeadline(pieceIndex: number, deadlineMs: number): void {
    const { content, reading } = this.#partsOrThrow();
    checkIndex('piece', pieceIndex, content.pieceCount);
    if (!(deadlineMs >= 0 && deadlineMs < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`A piece cannot be needed in ${deadlineMs} ms.`);
    }
    reading.setPieceDeadline(pieceIndex, deadlineMs);
  }

  clearPieceDeadlines(): void {
    this.#life.parts?.reading.clearPieceDeadlines();
  }

  async *read(fileIndex: number, options: ReadOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    const { signal } = options;
    await this.whenReady(signal === undefined ? {} : { signal });
    yield* readBytes(this.openReader(fileIndex, options), signal);
  }

  /** `read` without promises, of a torrent that is ready. The reader is closed by the caller. */
  openReader(fileIndex: number, options: ReadOptions = {}): FileReader {
    const { content, reading } = this.#partsOrThrow();
    checkIndex('file', fileIndex, content.files.length);
    const { lengthBytes, pad } = content.files[fileIndex]!;
    const { start = 0, end = lengthBytes } = options;
    if (pad) throw new RangeError(`File ${fileIndex} is padding: there is nothing to read.`);
    if (!(Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end && end <= lengthBytes)) {
      throw new RangeError(`There are no bytes ${start} to ${end} in a file of ${lengthBytes} bytes.`);
    }
    return reading.open(fileIndex, start, end);
  }

  #partsOrThrow(): TorrentParts {
    const { parts } = this.#life;
    if (parts === undefined) throw noMetadataError();
    return parts;
  }

  verify(): Promise<VerifyResult> {
    return this.#life.verify();
  }

  scrape(): Promise<readonly ScrapeResult[]> {
    if (this.isRemoved) return Promise.reject(removedError());
    return new Promise((resolve) => this.#life.sources.scrape(resolve));
  }

  /** A connection whose handshake names this torrent. While the disk is checked nobody is let in: we know nothing yet. */
  accept(socket: TcpSocket, connection: PeerConnection): boolean {
    return this.#life.accept(socket, connection);
  }

  /** Another torrent of the session needs a connection more than this one. False: none can be spared. */
  giveWay(): boolean {
    return this.#life.giveWay();
  }

  /** Throws when the parts disagree. For tests. */
  assertInvariants(): void {
    this.#life.parts?.transfer.assertInvariants();
  }

  /** Connections that stand or are being made, from both sides. */
  get connectionCount(): number {
    return this.#life.connectionCount;
  }

  /** Our own mistake somewhere below: this torrent ends for good, the session lives. */
  failInternally(error: unknown): void {
    this.#life.handleBug(error);
  }
}

function checkIndex(what: 'file' | 'piece', index: number, count: number): void {
  if (Number.isInteger(index) && index >= 0 && index < count) return;
  throw new RangeError(`There is no ${what} ${index}; the torrent has ${count}, counted from 0.`);
}

function checkPriority(priority: number): void {
  if (Number.isInteger(priority) && priority >= 0 && priority <= PRIORITY_MAX) return;
  throw new RangeError(`${priority} is no priority; they run from 0 (not wanted) to ${PRIORITY_MAX}.`);
}
