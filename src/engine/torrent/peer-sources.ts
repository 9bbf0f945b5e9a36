// Where a torrent learns of peers: its trackers, the DHT, and the addresses that the user or a magnet link names. Owns the
// announcer, which a torrent without trackers does not have, and the key it announces with; hands on addresses that are
// resolved.
import { randomBelow } from '../../base/random.ts';
import type { Endpoint } from '../../platform/network.ts';
import { parseTrackerUrl } from '../../protocol/tracker/tracker-url.ts';
import type { TrackerStatus } from '../../swarm/announce-schedule.ts';
import type { PeerSource } from '../../swarm/peer-source.ts';
import { type AnnounceFacts, type AnnouncerHost, TorrentAnnouncer } from '../announcer/torrent-announcer.ts';
import type { TrackerCounts } from '../announcer/tracker-scrape.ts';
import type { AddTorrentOptions } from '../api.ts';
import { TorrentDht, type TorrentDhtHost } from '../dht/torrent-dht.ts';
import type { DhtFacts } from '../diagnosis/torrent-snapshot.ts';
import { parseHostPort } from '../host-port.ts';
import type { LocalSwarm } from '../local-discovery/local-discovery.ts';
import type { EngineContext } from '../session/engine-context.ts';
import type { TorrentSource } from '../torrent-source.ts';
import { swarmHashesOf } from './swarm-hash.ts';
import type { Transfer } from './transfer.ts';

export interface PeerSourcesHost {
  readonly source: TorrentSource;
  readonly peerId: Uint8Array;
  /** Undefined before the metadata is known. */
  readonly transfer: Transfer | undefined;
  readonly isRemoved: boolean;
  /** BEP 27, as far as it is known whether the torrent is private. */
  maySource(source: PeerSource): boolean;
  addPeers(endpoints: readonly Endpoint[], source: PeerSource): void;
  /** A mistake of ours showed itself. */
  handleBug(error: unknown): void;
}

const NO_ADDRESSES: readonly string[] = [];

export class PeerSources implements AnnouncerHost, LocalSwarm {
  readonly #context: EngineContext;
  readonly #host: PeerSourcesHost;
  readonly #key: number;
  /** host:port texts. */
  readonly #userPeers: readonly string[];
  /** Undefined where the session uses no DHT. */
  readonly #dht: TorrentDht | undefined;
  /** Undefined while there is no tracker. */
  #announcer: TorrentAnnouncer | undefined;
  /** Trackers are told of us. */
  #isAnnouncing = false;
  /** Between `findPeers` and `stop`. */
  #isFinding = false;
  /** Named by the user or a magnet link, whole; and those of them whose name has no address. */
  namedPeerCount = 0;
  unresolvedPeerCount = 0;

  constructor(context: EngineContext, host: PeerSourcesHost, options: AddTorrentOptions) {
    this.#context = context;
    this.#host = host;
    this.#userPeers = options.peers ?? NO_ADDRESSES;
    this.#key = randomBelow(context.platform.crypto.random, 0x1_0000_0000);
    const { dht, platform } = context;
    if (dht !== undefined) {
      const { clock, crypto } = platform;
      this.#dht = new TorrentDht({ dht, clock, random: crypto.random }, this.#dhtHost);
    }
    for (const tier of host.source.trackers) this.#withAnnouncer().addTier(tier);
    for (const url of options.trackers ?? NO_ADDRESSES) this.#withAnnouncer().addTracker(url);
  }

  /** Asks every source that this torrent may use. A magnet link may turn out to be private: what was begun ends then. */
  findPeers(): void {
    if (this.#context.settings.trackers) {
      this.#isAnnouncing = true;
      this.#announcer?.start();
    }
    this.#isFinding = true;
    this.#joinLocalSwarm();
    this.namedPeerCount = 0;
    this.unresolvedPeerCount = 0;
    this.#resolvePeers(this.#userPeers, 'user');
    this.#resolvePeers(this.#host.source.peers, 'magnet');
    this.#joinDht();
  }

  /** Tells the trackers; calls back, never synchronously, when all have answered or time is up. */
  stop(onDone: () => void, timeoutMs: number): void {
    this.#isAnnouncing = false;
    this.#isFinding = false;
    this.#context.localDiscovery?.remove(this);
    this.#dht?.stop();
    const { clock } = this.#context.platform;
    if (this.#announcer === undefined) clock.schedule(clock.nowMs(), onDone);
    else this.#announcer.stop(onDone, timeoutMs);
  }

  /** The download has ended just now. */
  handleComplete(): void {
    this.#announcer?.handleComplete();
    this.#dht?.announceAgain();
  }

  /** The metadata has come, and with it whether the torrent is private, and perhaps a second info-hash. */
  handleMetadata(): void {
    if (!this.#isFinding) return;
    this.#joinLocalSwarm();
    this.#joinDht();
  }

  /** The metadata has shown that the torrent has two info-hashes. */
  handleSecondInfoHash(): void {
    this.#announcer?.handleSecondInfoHash();
  }

  /** False: it is no tracker's URL, or known. */
  addTracker(url: string): boolean {
    return this.#withAnnouncer().addTracker(url);
  }

  /** For diagnostics. */
  dhtFacts(): DhtFacts {
    if (this.#dht === undefined) return { state: 'off', answerCount: 0, peerCount: 0 };
    if (!this.#host.maySource('dht')) return { state: 'private', answerCount: 0, peerCount: 0 };
    return this.#dht.facts();
  }

  get usesLocalDiscovery(): boolean {
    return this.#context.localDiscovery !== undefined && this.#host.maySource('lsd');
  }

  trackers(): TrackerStatus[] {
    return this.#announcer?.status() ?? [];
  }

  scrape(onDone: (results: readonly TrackerCounts[]) => void): void {
    this.#withAnnouncer().scrape(onDone);
  }

  resolvePeer(host: string, port: number, source: PeerSource): void {
    this.namedPeerCount++;
    this.#context.platform.resolver.resolve(host, {
      handleResolved: (addresses) => {
        if (!this.#host.isRemoved) this.#host.addPeers([{ address: addresses[0]!, port }], source);
      },
      handleFailed: (message) => {
        this.unresolvedPeerCount++;
        this.#context.platform.log.write('warn', `the peer ${host} has no address: ${message}`);
      },
    });
  }

  readonly #dhtHost: TorrentDhtHost = {
    infoHashes: () => swarmHashesOf(this.#host.source),
    listenPort: () => this.#context.listenPort(),
    isSeed: () => this.#host.transfer?.isComplete === true,
    handlePeers: (endpoints) => this.#host.addPeers(endpoints, 'dht'),
  };

  // ── What the announcer asks ──────────────────────────────────────────────────────────────────────────────────────

  announceFacts(): AnnounceFacts {
    const { source, peerId, transfer } = this.#host;
    return {
      infoHashes: swarmHashesOf(source),
      peerId,
      key: this.#key,
      port: this.#context.listenPort(),
      uploadedBytes: transfer?.uploadedBytes ?? 0,
      downloadedBytes: transfer?.downloadedBytes ?? 0,
      leftBytes: leftBytesOf(transfer),
    };
  }

  handlePeers(endpoints: readonly Endpoint[]): void {
    this.#host.addPeers(endpoints, 'tracker');
  }

  handleExternalAddress(address: string, trackerUrl: string): void {
    const { externalAddress, platform } = this.#context;
    const host = parseTrackerUrl(trackerUrl)?.hostname;
    if (host !== undefined) externalAddress.vote(address, host, 'tracker', platform.clock.nowMs());
  }

  handleBug(error: unknown): void {
    this.#host.handleBug(error);
  }

  // ── What local discovery asks ────────────────────────────────────────────────────────────────────────────────────

  swarmHashes(): readonly Uint8Array[] {
    return swarmHashesOf(this.#host.source);
  }

  addPeers(endpoints: readonly Endpoint[], source: PeerSource): void {
    this.#host.addPeers(endpoints, source);
  }

  #joinLocalSwarm(): void {
    if (this.#host.maySource('lsd')) this.#context.localDiscovery?.add(this);
    else this.#context.localDiscovery?.remove(this);
  }

  #joinDht(): void {
    if (this.#dht === undefined) return;
    if (this.#host.maySource('dht')) {
      for (const node of this.#host.source.nodes) this.#context.dht?.addHost(node);
      this.#dht.start();
    } else this.#dht.stop();
  }

  #resolvePeers(addresses: readonly string[], source: PeerSource): void {
    for (const address of addresses) {
      const hostPort = parseHostPort(address);
      if (hostPort !== undefined) this.resolvePeer(hostPort.host, hostPort.port, source);
    }
  }

  #withAnnouncer(): TorrentAnnouncer {
    if (this.#announcer === undefined) {
      this.#announcer = new TorrentAnnouncer(this.#context.announces, this);
      if (this.#isAnnouncing) this.#announcer.start();
    }
    return this.#announcer;
  }
}

function leftBytesOf(transfer: Transfer | undefined): number {
  // BEP 9: before the metadata is known any number but 0 says that there is something to get.
  if (transfer === undefined) return 1;
  let wantedBytes = 0;
  transfer.content.files.forEach(({ lengthBytes, pad }, index) => {
    if (!pad && transfer.wanted[index] === true) wantedBytes += lengthBytes;
  });
  return wantedBytes - transfer.haveWantedBytes();
}
