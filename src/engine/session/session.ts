// A session: the listening ports, the shared budgets, and the torrents. Routes accepted connections to the torrent that
// their handshake names; everything else is the torrents' own.
import { assert } from '../../base/assert.ts';
import { bytesToHex } from '../../base/bytes.ts';
import { Emitter, type ListenOptions, type Unsubscribe } from '../../base/emitter.ts';
import type { Network, TcpSocket } from '../../platform/network.ts';
import type { Platform } from '../../platform/platform.ts';
import { SessionError } from '../../platform/session-error.ts';
import { BLOCK_MEMORY_MAX_BYTES, TRACKER_STOP_TIMEOUT_MS } from '../../protocol/limits.ts';
import type { MappedProtocol } from '../../protocol/port-mapping/mapped-protocol.ts';
import { familyOf } from '../../protocol/tracker/ip-address.ts';
import type { PeerConnection } from '../../protocol/wire/peer-connection.ts';
import { BlockPool } from '../../storage/block-pool.ts';
import { BanList } from '../../swarm/ban-list.ts';
import type { DialEndpoint } from '../../swarm/dial-address.ts';
import { DialHistory } from '../../swarm/dial-history.ts';
import { ExternalAddress } from '../../swarm/external-address.ts';
import { networkOf, peerPriority } from '../../swarm/peer-priority.ts';
import { RateLimiter } from '../../swarm/rate-limiter.ts';
import { AnnounceGate } from '../announcer/announce-gate.ts';
import { HttpCarrier } from '../announcer/http-carrier.ts';
import { UdpTrackerClient } from '../announcer/udp-tracker-client.ts';
import type {
  AddTorrentOptions,
  ListenAddress,
  PortMappingStats,
  RateLimitOptions,
  SessionEvents,
  SessionLike,
  SessionOptions,
  SessionStats,
} from '../api.ts';
import { DeadlineQueue } from '../deadline-queue.ts';
import { Dht } from '../dht/dht.ts';
import type { DhtLike } from '../dht/dht-api.ts';
import { DhtClient } from '../dht/dht-client.ts';
import { PublishedTorrents } from '../dht/published-torrents.ts';
import { LocalDiscovery } from '../local-discovery/local-discovery.ts';
import { PortMapping } from '../port-mapping/port-mapping.ts';
import { SendBuffers } from '../torrent/send-buffers.ts';
import { type SwarmHashes, swarmHashesOf } from '../torrent/swarm-hash.ts';
import { Torrent, type TorrentHost } from '../torrent/torrent.ts';
import { WritePressure } from '../torrent/write-pressure.ts';
import { parseTorrentSource, publishedSource, type TorrentSource } from '../torrent-source.ts';
import { TransferGate } from '../transfer-gate.ts';
import { ConnectionBudget } from './connection-budget.ts';
import { DialLine } from './dial-line.ts';
import type { EngineContext, ReplacedParts } from './engine-context.ts';
import { FlushQueue } from './flush-queue.ts';
import { IncomingPeer } from './incoming-peer.ts';
import { bindAddresses, Listeners } from './listeners.ts';
import { resolveRates, resolveSettings, type Settings } from './settings.ts';
import { UdpMux } from './udp-mux.ts';
import { UploadBudget } from './upload-budget.ts';

/** Trackers that have answered are waited for a moment; the rest of closing is quick. */
const CLOSE_TIMEOUT_MS = TRACKER_STOP_TIMEOUT_MS;

/**
 * A BitTorrent session: one listening port, one disk, many torrents.
 *
 * @example
 * const session = await Session.open({ listenPort: 6881 });
 * const torrent = await session.add(magnet, { saveTo: '/data' });
 * torrent.on('pieceVerified', ({ pieceIndex }) => console.log(pieceIndex));
 */
export class Session implements SessionLike {
  readonly #context: EngineContext;
  readonly #settings: Settings;
  readonly #emitter: Emitter<SessionEvents>;
  readonly #torrents = new Set<Torrent>();
  readonly #torrentHost: TorrentHost = {
    handleRemoved: (removed) => this.#forget(removed),
    handleHashesKnown: (known) => this.#index(known),
  };
  /** Each torrent by each of its hashes, in hexadecimal and 20 bytes long. */
  readonly #bySwarmHash = new Map<string, Torrent>();
  // BOUNDED: HALF_OPEN_INBOUND_MAX, kept by the connection budget.
  readonly #incoming = new Set<IncomingPeer>();
  readonly #mux: UdpMux;
  /** Undefined: switched off. */
  readonly #dhtClient: DhtClient | undefined;
  /** Those that a publisher's key stands for (BEP 46). */
  readonly #published: PublishedTorrents<Torrent>;
  #listeners: Listeners | undefined;
  /** Undefined: switched off. */
  readonly #portMapping: PortMapping | undefined;
  #lastPeerId = 0;
  /** Kept when listening ends: the farewell to trackers names it. */
  #listenPort = 0;
  #isClosed = false;
  #closing: Promise<void> | undefined;

  /** @throws {RangeError} an option outside its range. */
  constructor(platform: Platform, options: SessionOptions = {}, replaced: ReplacedParts = {}) {
    const settings = resolveSettings(options);
    const { clock, crypto, disk, http, log, network, resolver } = platform;
    const { random } = crypto;
    const nowMs = clock.nowMs();
    const deadlines = new DeadlineQueue(clock, (_, error) =>
      log.write('error', `internal bug at a deadline: ${describe(error)}`),
    );
    const connections = new ConnectionBudget(settings.connectionsMax);
    const externalAddress = new ExternalAddress();
    const mux = new UdpMux({
      clock,
      network,
      log,
      port: () => this.#listenPort,
      addressFor: (family) => this.#udpAddressFor(family),
    });
    this.#mux = mux;
    this.#settings = settings;
    if (settings.portMapping && settings.tcp) {
      const { bind } = settings;
      // The DHT and trackers over UDP share a port of the same number.
      const protocols: readonly MappedProtocol[] = settings.dht ? ['tcp', 'udp'] : ['tcp'];
      const handleChange = (mapping: PortMappingStats): void => this.#emitter.emit('portMapping', mapping);
      this.#portMapping = new PortMapping({ platform, deadlines, bind, protocols, handleChange });
    }
    this.#emitter = new Emitter((error) => log.write('error', `a listener of the session threw: ${String(error)}`));
    this.#context = {
      platform,
      settings,
      replaced,
      deadlines,
      flushes: new FlushQueue(clock),
      connections,
      bans: new BanList(),
      dials: new DialLine({
        budget: connections,
        deadlines,
        makeRoom: (connectionCount) => this.#makeRoom(connectionCount),
        nowMs: () => clock.nowMs(),
      }),
      dialHistory: new DialHistory(),
      externalAddress,
      pool: replaced.pool ?? new BlockPool({ maxBytes: BLOCK_MEMORY_MAX_BYTES, shared: disk.wantsSharedMemory }),
      sendBuffers: replaced.sendBuffers ?? new SendBuffers(),
      pressure: new WritePressure(disk),
      downloadGate: new TransferGate(new RateLimiter(settings.maxDownloadBytesPerSecond, nowMs), deadlines),
      uploadGate: new TransferGate(new RateLimiter(settings.maxUploadBytesPerSecond, nowMs), deadlines),
      uploadBudget: new UploadBudget(deadlines, () => this.#context.uploadGate.bytesPerSecond),
      announces: {
        clock,
        deadlines,
        http: new HttpCarrier({
          clock,
          http,
          userAgent: settings.userAgent,
          localAddress: () => this.#localAddressFor('0.0.0.0'),
        }),
        resolver,
        udp: new UdpTrackerClient({ network: trackerSocketsOf(mux), clock, random, log }),
        gate: new AnnounceGate(),
        random,
        log,
      },
      dht: settings.dht
        ? new Dht({
            platform,
            deadlines,
            mux,
            externalAddress,
            externalPortOf: (port) => this.#externalUdpPortOf(port),
            bootstrap: settings.dhtBootstrap,
            state: options.dhtState,
            isReadOnly: settings.dhtReadOnly,
          })
        : undefined,
      localDiscovery:
        settings.localDiscovery && settings.tcp
          ? new LocalDiscovery({ platform, deadlines, bind: settings.bind, listenPort: () => this.#listenPort })
          : undefined,
      localAddressFor: (remoteAddress) => this.#localAddressFor(remoteAddress),
      listenPort: () => this.#portMapping?.externalPort('tcp') ?? this.#listenPort,
      priorityOf: (remote) => this.#priorityOf(remote),
      makeRoom: (connectionCount) => this.#makeRoom(connectionCount),
      nextPeerId: () => ++this.#lastPeerId,
    };
    const { dht } = this.#context;
    this.#dhtClient = dht === undefined ? undefined : new DhtClient(dht, platform);
    this.#published = new PublishedTorrents({
      dht: this.#dhtClient,
      random,
      sha1: (bytes) => crypto.sha1(bytes),
      add: (source, added) => this.#addWhenFree(source, added),
      handleUpdated: (torrent, infoHash) => this.#emitter.emit('torrentUpdated', { torrent, infoHash }),
    });
  }

  /** Opens a session on any platform; resolves once it listens. @throws {SessionError} `LISTEN_FAILED`. */
  static openOn(platform: Platform, options?: SessionOptions): Promise<Session> {
    return new Promise((resolve, reject) => {
      const session = new Session(platform, options);
      session.listen((error) => {
        if (error === undefined) resolve(session);
        else session.closeNow(() => reject(error), 0);
      });
    });
  }

  /** Begins to accept connections; calls back when it does, or cannot. Once. */
  listen(onListening: (error: SessionError | undefined) => void): void {
    const { network, clock, log } = this.#context.platform;
    if (!this.#settings.tcp) {
      clock.schedule(clock.nowMs(), () => onListening(undefined));
      return;
    }
    let addresses: readonly string[];
    try {
      addresses = bindAddresses(network, this.#settings.bind);
    } catch (error) {
      clock.schedule(clock.nowMs(), () => onListening(error as SessionError));
      return;
    }
    this.#listeners = new Listeners(
      network,
      { port: this.#settings.listenPort, addresses },
      {
        handleConnection: (socket) => this.#handleConnection(socket),
        handleReady: (error) => {
          this.#listenPort = this.listening[0]?.port ?? 0;
          if (error === undefined) for (const local of this.listening) this.#emitter.emit('listening', local);
          this.#portMapping?.start(this.#listenPort);
          onListening(error);
        },
        handleLost: (local, error) => log.write('error', `no longer listening on port ${local.port}: ${error.message}`),
      },
    );
  }

  get torrents(): readonly Torrent[] {
    return [...this.#torrents];
  }

  get portMappings(): readonly PortMappingStats[] {
    return this.#portMapping?.mappings() ?? [];
  }

  get listening(): readonly ListenAddress[] {
    return this.#listeners?.locals ?? [];
  }

  /**
   * Adds a torrent and starts it. Resolves once it is registered; a known info-hash returns the torrent that is there.
   *
   * Of a link that names a publisher's key (BEP 46): once the DHT has told what the publisher shares, which may take long.
   *
   * @param source A magnet link or info-hash (BEP 9), or the bytes of a `.torrent` file (BEP 3, BEP 52).
   * @throws {RangeError} a rate or file index outside its range.
   * @throws {SessionError} `METAINFO_INVALID`, `MAGNET_INVALID`; `SESSION_CLOSED` after `close`.
   * @throws `signal.reason` when `signal` aborts before the torrent was added.
   */
  async add(source: string | Uint8Array, options: AddTorrentOptions): Promise<Torrent> {
    const { signal } = options;
    signal?.throwIfAborted();
    const published = publishedSource(source);
    if (published !== undefined) {
      this.#mustBeOpen();
      return this.#published.add(published.magnet, published.publisher, options);
    }
    return this.#addWhenFree(this.#parse(source), options);
  }

  /** `add` without a promise. */
  addNow(source: string | Uint8Array, options: AddTorrentOptions): Torrent {
    return this.#addParsed(this.#parse(source), options);
  }

  setLimits(limits: RateLimitOptions): void {
    const { downloadBytesPerSecond, uploadBytesPerSecond } = resolveRates(limits);
    const nowMs = this.#context.platform.clock.nowMs();
    this.#context.downloadGate.setRate(downloadBytesPerSecond, nowMs);
    this.#context.uploadGate.setRate(uploadBytesPerSecond, nowMs);
  }

  stats(): SessionStats {
    let downloadedBytes = 0;
    let uploadedBytes = 0;
    let downloadBytesPerSecond = 0;
    let uploadBytesPerSecond = 0;
    let peerCount = 0;
    for (const torrent of this.#torrents) {
      const stats = torrent.stats();
      downloadedBytes += stats.downloadedBytes;
      uploadedBytes += stats.uploadedBytes;
      downloadBytesPerSecond += stats.downloadBytesPerSecond;
      uploadBytesPerSecond += stats.uploadBytesPerSecond;
      peerCount += stats.peerCount;
    }
    return Object.freeze({
      torrentCount: this.#torrents.size,
      peerCount,
      downloadedBytes,
      uploadedBytes,
      downloadBytesPerSecond,
      uploadBytesPerSecond,
    });
  }

  dhtState(): Uint8Array | undefined {
    return this.#context.dht?.state();
  }

  /** Looks things up and stores them for who wants no torrent; undefined when the session uses no DHT. */
  get dht(): DhtLike | undefined {
    return this.#dhtClient;
  }

  on<Name extends keyof SessionEvents>(
    name: Name,
    listener: (payload: SessionEvents[Name]) => void,
    options?: ListenOptions,
  ): Unsubscribe {
    return this.#emitter.on(name, listener, options);
  }

  /** Tells trackers, finishes writes, closes files and sockets. `timeoutMs` (default 3,000) bounds the first. Idempotent. */
  close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#closing ??= new Promise((resolve) => this.closeNow(resolve, options.timeoutMs ?? CLOSE_TIMEOUT_MS));
    return this.#closing;
  }

  /** `close` without a promise. */
  closeNow(onClosed: () => void, timeoutMs: number): void {
    this.#isClosed = true;
    this.#listeners?.close();
    this.#dhtClient?.close();
    this.#context.dht?.close();
    for (const peer of [...this.#incoming]) peer.close();
    let open = this.#torrents.size + 1;
    const handleEnd = (): void => {
      open--;
      if (open > 0) return;
      this.#context.announces.udp.close();
      this.#context.localDiscovery?.close();
      this.#mux.close();
      this.#context.flushes.close();
      this.#context.platform.disk.close(onClosed);
    };
    for (const torrent of [...this.#torrents]) torrent.removeNow(handleEnd, timeoutMs);
    if (this.#portMapping !== undefined) {
      open++;
      this.#portMapping.close(handleEnd);
    }
    handleEnd();
  }

  /** Bytes held for pieces that come in and for blocks that go out; for diagnostics. */
  memoryInUse(): { readonly pieceBytes: number; readonly sendBytes: number } {
    return { pieceBytes: this.#context.pool.usedBytes, sendBytes: this.#context.sendBuffers.usedBytes };
  }

  /** Throws when the parts disagree. For tests. */
  assertInvariants(): void {
    let connectionCount = this.#incoming.size;
    for (const torrent of this.#torrents) {
      torrent.assertInvariants();
      connectionCount += torrent.connectionCount;
    }
    const counted = this.#context.connections.connectionCount;
    assert(counted === connectionCount, `${counted} connections in the budget, ${connectionCount} in the torrents`);
  }

  #parse(source: string | Uint8Array): TorrentSource {
    this.#mustBeOpen();
    return parseTorrentSource(source, this.#context.platform.crypto);
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw new SessionError('SESSION_CLOSED', 'The session is closed; open another.');
  }

  async #addWhenFree(parsed: TorrentSource, options: AddTorrentOptions): Promise<Torrent> {
    // One that is on its way out still has the files open.
    const known = this.#find(parsed);
    if (known?.isRemoved === true) await known.remove();
    options.signal?.throwIfAborted();
    return this.#addParsed(parsed, options);
  }

  #addParsed(parsed: TorrentSource, options: AddTorrentOptions): Torrent {
    this.#mustBeOpen();
    const known = this.#find(parsed);
    if (known !== undefined && !known.isRemoved) return known;
    const torrent = new Torrent(this.#context, this.#torrentHost, parsed, options);
    this.#torrents.add(torrent);
    this.#index(torrent);
    this.#emitter.emit('torrentAdded', { torrent });
    torrent.start();
    return torrent;
  }

  #handleConnection(socket: TcpSocket): void {
    // A real peer sends its handshake at once: the one that has been silent longest makes room for the next.
    if (this.#context.connections.isInboundFull) longestSilent(this.#incoming)?.close();
    if (this.#isClosed || !this.#context.connections.openInbound()) {
      socket.destroy();
      return;
    }
    const peer = new IncomingPeer(
      this.#context,
      {
        mustWait: (infoHash) => this.#bySwarmHash.get(bytesToHex(infoHash))?.state === 'checking',
        route: (infoHash, routed, connection) => this.#route(infoHash, routed, connection),
        handleEnded: (ended) => this.#incoming.delete(ended),
      },
      socket,
    );
    this.#incoming.add(peer);
  }

  #route(infoHash: Uint8Array, socket: TcpSocket, connection: PeerConnection): boolean {
    return this.#bySwarmHash.get(bytesToHex(infoHash))?.accept(socket, connection) ?? false;
  }

  /** BEP 40. While nobody has told our address, an order of our own is as good as another. */
  #priorityOf(remote: DialEndpoint): number {
    const family = familyOf(remote.address);
    const address = this.#context.externalAddress.address(family) ?? (family === 4 ? '0.0.0.0' : '::');
    return peerPriority({ address, port: this.#listenPort }, remote);
  }

  /** Where the Internet reaches an IPv4 port of ours, as far as that is known. */
  #externalUdpPortOf(port: number): number {
    return (port === this.#listenPort ? this.#portMapping?.externalPort('udp') : undefined) ?? port;
  }

  #makeRoom(connectionCount: number): boolean {
    const richer = [...this.#torrents].filter((torrent) => torrent.connectionCount > connectionCount + 1);
    richer.sort((left, right) => right.connectionCount - left.connectionCount);
    return richer.some((torrent) => torrent.giveWay());
  }

  #find(hashes: SwarmHashes): Torrent | undefined {
    for (const hash of swarmHashesOf(hashes)) {
      const known = this.#bySwarmHash.get(bytesToHex(hash));
      if (known !== undefined) return known;
    }
    return undefined;
  }

  /** The torrent that was there first keeps a hash. */
  #index(torrent: Torrent): void {
    for (const key of torrent.swarmKeys) {
      const known = this.#bySwarmHash.get(key);
      if (known === undefined || known.isRemoved) this.#bySwarmHash.set(key, torrent);
    }
  }

  #forget(torrent: Torrent): void {
    this.#torrents.delete(torrent);
    for (const key of torrent.swarmKeys) {
      if (this.#bySwarmHash.get(key) === torrent) this.#bySwarmHash.delete(key);
    }
    this.#published.forget(torrent);
    this.#emitter.emit('torrentRemoved', { torrent });
  }

  /** With `bind`, UDP goes over the same addresses; undefined: none of this family. */
  #udpAddressFor(family: 4 | 6): string | undefined {
    if (this.#settings.bind === undefined) return family === 4 ? '0.0.0.0' : '::';
    const isOfFamily = (address: string): boolean => address.includes(':') === (family === 6);
    if (this.#listeners !== undefined) return this.listening.find(({ address }) => isOfFamily(address))?.address;
    return bindAddresses(this.#context.platform.network, this.#settings.bind).find(isOfFamily);
  }

  /** With `bind`, outgoing connections leave from the same address that is listened on. */
  #localAddressFor(remoteAddress: string): string | undefined {
    if (this.#settings.bind === undefined) return undefined;
    const isV6 = remoteAddress.includes(':');
    return this.listening.find(({ address }) => address.includes(':') === isV6 && !isUnspecified(address))?.address;
  }
}

/** Of the network that most of them are from, so that one owner's connections push out each other's. */
function longestSilent(incoming: Iterable<IncomingPeer>): IncomingPeer | undefined {
  const byNetwork = new Map<string, IncomingPeer[]>();
  let largest: readonly IncomingPeer[] = [];
  for (const peer of incoming) {
    const network = networkOf(peer.remoteAddress);
    const peers = byNetwork.get(network) ?? [];
    peers.push(peer);
    byNetwork.set(network, peers);
    if (peers.length > largest.length) largest = peers;
  }
  return largest[0];
}

/** The trackers' share of the port, whichever they ask for. */
function trackerSocketsOf(mux: UdpMux): Pick<Network, 'bindUdp'> {
  return { bindUdp: ({ address }, handler) => mux.open(familyOf(address), 'tracker', handler) };
}

function isUnspecified(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
