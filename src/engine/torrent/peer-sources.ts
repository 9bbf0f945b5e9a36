// Where a torrent learns of peers: its trackers, and the addresses that the user or a magnet link names. Owns the
// announcer and the key it announces with; hands on addresses that are resolved.
import { randomBelow } from '../../base/random.ts';
import type { Endpoint } from '../../platform/network.ts';
import type { PeerSource } from '../../swarm/dial-queue.ts';
import { TorrentAnnouncer } from '../announcer/torrent-announcer.ts';
import type { AddTorrentOptions } from '../api.ts';
import { parseHostPort } from '../host-port.ts';
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
  addPeers(endpoints: readonly Endpoint[], source: PeerSource): void;
}

export class PeerSources {
  readonly announcer: TorrentAnnouncer;
  readonly #context: EngineContext;
  readonly #host: PeerSourcesHost;
  readonly #key: number;
  /** host:port texts. */
  readonly #userPeers: readonly string[];

  constructor(context: EngineContext, host: PeerSourcesHost, options: AddTorrentOptions) {
    this.#context = context;
    this.#host = host;
    this.#userPeers = options.peers ?? [];
    this.#key = randomBelow(context.platform.crypto.random, 0x1_0000_0000);
    this.announcer = this.#createAnnouncer();
    for (const tier of host.source.trackers) this.announcer.addTier(tier);
    for (const url of options.trackers ?? []) this.announcer.addTracker(url);
  }

  /** Asks every source that this torrent may use. */
  findPeers(): void {
    if (this.#context.settings.trackers) this.announcer.start();
    this.#resolvePeers(this.#userPeers, 'user');
    this.#resolvePeers(this.#host.source.peers, 'magnet');
  }

  resolvePeer(host: string, port: number, source: PeerSource): void {
    this.#context.platform.resolver.resolve(host, {
      handleResolved: (addresses) => {
        if (!this.#host.isRemoved) this.#host.addPeers([{ address: addresses[0]!, port }], source);
      },
      handleFailed: (message) => {
        this.#context.platform.log.write('warn', `the peer ${host} has no address: ${message}`);
      },
    });
  }

  #resolvePeers(addresses: readonly string[], source: PeerSource): void {
    for (const address of addresses) {
      const hostPort = parseHostPort(address);
      if (hostPort !== undefined) this.resolvePeer(hostPort.host, hostPort.port, source);
    }
  }

  #createAnnouncer(): TorrentAnnouncer {
    const { platform, settings } = this.#context;
    return new TorrentAnnouncer({
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
          infoHashes: swarmHashesOf(this.#host.source),
          peerId: this.#host.peerId,
          key: this.#key,
          port: this.#context.listenPort(),
          uploadedBytes: this.#host.transfer?.uploadedBytes ?? 0,
          downloadedBytes: this.#host.transfer?.downloadedBytes ?? 0,
          leftBytes: leftBytesOf(this.#host.transfer),
        }),
        handlePeers: (endpoints) => this.#host.addPeers(endpoints, 'tracker'),
        handleExternalAddress: () => {},
      },
    });
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
