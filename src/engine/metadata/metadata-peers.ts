// The connections of a torrent whose metadata is not complete yet: whom to accept, how many at once, who is met again.
// Hands each to a MetadataPeer; what is asked of them, and what is believed, is the fetch's.
import type { Endpoint, TcpSocket } from '../../platform/network.ts';
import { decodePexMessage } from '../../protocol/extensions/ut-pex.ts';
import { PEER_LIST_MAX } from '../../protocol/limits.ts';
import type { Handshake } from '../../protocol/wire/handshake.ts';
import { PeerConnection } from '../../protocol/wire/peer-connection.ts';
import type { PeerSource } from '../../swarm/peer-source.ts';
import { PexIntake } from '../../swarm/pex-intake.ts';
import type { ConnectionFacts } from '../diagnosis/torrent-snapshot.ts';
import { Dialer, type DialerHost } from '../session/dialer.ts';
import type { EngineContext } from '../session/engine-context.ts';
import { isSwarmHashOf, type SwarmHashes, swarmHashesOf } from '../torrent/swarm-hash.ts';
import { MetadataPeer, type MetadataPeerHost } from './metadata-peer.ts';

/** Peers asked at once: enough that some liars and some who are silent do not delay an honest one. */
const PEERS_MAX = 12;

/** A connection that has served its purpose here and can be gone on with. */
export interface KeptConnection {
  readonly socket: TcpSocket;
  readonly connection: PeerConnection;
  /** Where the peer listens; undefined when it connected to us and did not say. */
  readonly endpoint: Endpoint | undefined;
  readonly source: PeerSource;
}

/** An address and who named it first. */
export interface KnownPeer {
  readonly endpoint: Endpoint;
  readonly source: PeerSource;
}

export class MetadataPeers implements DialerHost {
  readonly #context: EngineContext;
  readonly #host: MetadataPeerHost;
  readonly #peerId: Uint8Array;
  #hashes: SwarmHashes;
  readonly #dialer: Dialer;
  // BOUNDED: PEERS_MAX, those being dialled among them.
  readonly #peers = new Map<MetadataPeer, Endpoint | undefined>();
  readonly #intake = new PexIntake();
  // BOUNDED: PEER_LIST_MAX, the first that came; handed on when the metadata has come.
  readonly #known: KnownPeer[] = [];

  constructor(context: EngineContext, host: MetadataPeerHost, hashes: SwarmHashes, peerId: Uint8Array) {
    this.#context = context;
    this.#host = host;
    this.#hashes = hashes;
    this.#peerId = peerId;
    this.#dialer = new Dialer(context, this, PEERS_MAX);
  }

  start(): void {
    this.#dialer.start();
    this.#dialer.dialMore(this.#nowMs());
  }

  stop(): void {
    this.#dialer.stop();
    for (const peer of [...this.#peers.keys()]) peer.close();
  }

  /** The metadata is complete: dials no more, and keeps the connections that stand until `release`. */
  park(): void {
    this.#dialer.stop();
    for (const peer of [...this.#peers.keys()]) peer.park();
  }

  /** The connections that stand, which are the caller's from now on. Their places in the session's budget go along. */
  release(): KeptConnection[] {
    const kept: KeptConnection[] = [];
    for (const [peer, endpoint] of [...this.#peers]) {
      const connection = peer.release();
      if (connection === undefined) continue;
      const known =
        connection.isInitiator && endpoint !== undefined ? this.#dialer.queue.sourceOf(endpoint) : undefined;
      kept.push({ socket: peer.socket, connection, endpoint, source: known ?? 'incoming' });
    }
    this.#peers.clear();
    return kept;
  }

  get isRunning(): boolean {
    return this.#dialer.isRunning;
  }

  /** Connected ones and those being dialled. */
  get connectionCount(): number {
    return this.#dialer.connectionCount;
  }

  get standingCount(): number {
    return this.#peers.size;
  }

  /** Both handshakes are done with so many. */
  get readyCount(): number {
    return this.peers().filter(({ isReady }) => isReady).length;
  }

  /** For diagnostics. */
  connectionFacts(): ConnectionFacts {
    return { ...this.#dialer.summary(this.#nowMs()), handshakingCount: this.standingCount - this.readyCount };
  }

  peers(): readonly MetadataPeer[] {
    return [...this.#peers.keys()];
  }

  /** Nobody is connected or being dialled, and nobody is left who could be at once. */
  get isForsaken(): boolean {
    return this.connectionCount === 0 && this.#dialer.queue.deadlineMs > this.#nowMs();
  }

  /** The addresses given so far that were worth keeping. */
  get knownPeers(): readonly KnownPeer[] {
    return this.#known;
  }

  addPeers(endpoints: readonly Endpoint[], source: PeerSource): void {
    const nowMs = this.#nowMs();
    for (const endpoint of endpoints) {
      const isNew = this.#dialer.queue.add(endpoint, source, nowMs);
      if (isNew && this.#known.length < PEER_LIST_MAX) this.#known.push({ endpoint, source });
    }
    this.#dialer.dialMore(nowMs);
  }

  /** A connection whose handshake names this torrent. False: there is no room for it. */
  accept(socket: TcpSocket, connection: PeerConnection): boolean {
    const { infoHash } = connection.remoteHandshake!;
    if (!this.isRunning || !isSwarmHashOf(this.#hashes, infoHash)) return false;
    if (this.#dialer.queue.isBanned(socket.remote.address, this.#nowMs())) return false;
    if (!this.#dialer.hasRoom && !this.#dialer.yieldDial(this.#nowMs())) return false;
    if (this.#context.connections.isOver && !this.#context.makeRoom(this.connectionCount)) return false;
    connection.accept(this.#handshake(infoHash));
    this.#begin(socket, connection, undefined);
    return true;
  }

  /**
   * From now on only connections under these hashes are of use. Others are closed; all known addresses are dialled
   * again, those that failed under other hashes too.
   */
  changeHashes(hashes: SwarmHashes): void {
    this.#hashes = hashes;
    this.#dialer.clear();
    const { queue } = this.#dialer;
    const nowMs = this.#nowMs();
    for (const { endpoint, source } of this.#known) queue.add(endpoint, source, nowMs);
    for (const [peer, endpoint] of [...this.#peers]) {
      if (!isSwarmHashOf(hashes, peer.infoHash)) {
        this.#peers.set(peer, undefined);
        peer.close();
      } else if (endpoint !== undefined) queue.handleConnected(endpoint);
    }
    this.#dialer.dialMore(nowMs);
  }

  /** A peer that lied: it is left and not met again. */
  ban(peer: MetadataPeer): void {
    this.#dialer.queue.ban(peer.socket.remote.address, this.#nowMs());
    peer.close();
  }

  handleBug(error: unknown): void {
    this.#host.handleBug(error);
  }

  /** Only told on: a second connection to it is not worth having before the metadata is there. */
  handleListenPort(peer: MetadataPeer, port: number): void {
    const { address } = peer.socket.remote;
    this.#peers.set(peer, { address, port });
    const isKnown = this.#known.some(({ endpoint }) => endpoint.address === address && endpoint.port === port);
    if (isKnown || this.#known.length >= PEER_LIST_MAX) return;
    this.#known.push({ endpoint: { address, port }, source: 'incoming' });
  }

  /** Whoever has no metadata may still know who has. We tell nobody before we are sure that the torrent is public. */
  handlePex(peer: MetadataPeer, payload: Uint8Array): boolean {
    if (!this.#context.settings.pex) return true;
    if (!this.#intake.countMessage(peer.id, this.#nowMs())) return false;
    const message = decodePexMessage(payload);
    if (message === undefined || !this.isRunning) return true;
    const { address } = peer.socket.remote;
    this.addPeers(this.#intake.handleMessage(peer.id, message, { address, isComplete: false }).found, 'pex');
    return true;
  }

  handleEnded(peer: MetadataPeer): void {
    this.#intake.remove(peer.id);
    const endpoint = this.#peers.get(peer);
    this.#peers.delete(peer);
    if (endpoint !== undefined) this.#dialer.queue.handleFailed(endpoint, this.#nowMs());
    this.#dialer.dialMore(this.#nowMs());
  }

  handleDialled(socket: TcpSocket, endpoint: Endpoint): void {
    const [first, second] = swarmHashesOf(this.#hashes);
    const connection = new PeerConnection({
      nowMs: this.#nowMs(),
      handshake: this.#handshake(first!),
      alternateInfoHash: second,
    });
    this.#begin(socket, connection, endpoint);
  }

  #begin(socket: TcpSocket, connection: PeerConnection, endpoint: Endpoint | undefined): void {
    const peer = new MetadataPeer(this.#context, this.#host, socket, connection);
    this.#peers.set(peer, endpoint);
    peer.begin();
  }

  #handshake(infoHash: Uint8Array): Handshake {
    const v2 = this.#hashes.infoHashV2 !== undefined;
    const dht = this.#context.dht !== undefined;
    return { infoHash, peerId: this.#peerId, extensionProtocol: true, fast: true, dht, v2 };
  }

  #nowMs(): number {
    return this.#context.platform.clock.nowMs();
  }
}
