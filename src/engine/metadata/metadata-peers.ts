// The connections of a torrent whose metadata is not complete yet: whom to dial, whom to accept, how many at once.
// Hands each to a MetadataPeer; what is asked of them, and what is believed, is the fetch's.
import type { Endpoint, TcpSocket } from '../../platform/network.ts';
import { CONNECT_TIMEOUT_MS, PEER_LIST_MAX } from '../../protocol/limits.ts';
import type { Handshake } from '../../protocol/wire/handshake.ts';
import { PeerConnection } from '../../protocol/wire/peer-connection.ts';
import { DialQueue, type PeerSource } from '../../swarm/dial-queue.ts';
import type { DeadlineEntry } from '../deadline-queue.ts';
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
}

export class MetadataPeers implements DeadlineEntry {
  readonly #context: EngineContext;
  readonly #host: MetadataPeerHost;
  readonly #peerId: Uint8Array;
  #hashes: SwarmHashes;
  #queue: DialQueue;
  // BOUNDED: both together PEERS_MAX.
  readonly #dials = new Map<Endpoint, TcpSocket>();
  readonly #peers = new Map<MetadataPeer, Endpoint | undefined>();
  // BOUNDED: PEER_LIST_MAX, as the dial queue is; handed on when the metadata has come.
  readonly #known: Endpoint[] = [];
  #isRunning = false;

  constructor(context: EngineContext, host: MetadataPeerHost, hashes: SwarmHashes, peerId: Uint8Array) {
    this.#context = context;
    this.#host = host;
    this.#hashes = hashes;
    this.#peerId = peerId;
    this.#queue = new DialQueue(context.bans);
  }

  start(): void {
    this.#isRunning = true;
    this.#dialMore(this.#nowMs());
  }

  stop(): void {
    this.#isRunning = false;
    this.#context.deadlines.remove(this);
    this.#endDials();
    for (const peer of [...this.#peers.keys()]) peer.close();
  }

  /** The metadata is complete: dials no more, and keeps the connections that stand until `release`. */
  park(): void {
    this.#isRunning = false;
    this.#context.deadlines.remove(this);
    this.#endDials();
    for (const peer of [...this.#peers.keys()]) peer.park();
  }

  /** The connections that stand, which are the caller's from now on. Their places in the session's budget go along. */
  release(): KeptConnection[] {
    const kept: KeptConnection[] = [];
    for (const [peer, endpoint] of [...this.#peers]) {
      const connection = peer.release();
      if (connection !== undefined) kept.push({ socket: peer.socket, connection, endpoint });
    }
    this.#peers.clear();
    return kept;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Connected ones and those being dialled. */
  get connectionCount(): number {
    return this.#peers.size + this.#dials.size;
  }

  peers(): readonly MetadataPeer[] {
    return [...this.#peers.keys()];
  }

  /** Nobody is connected or being dialled, and nobody is left who could be at once. */
  get isForsaken(): boolean {
    return this.connectionCount === 0 && this.#queue.deadlineMs > this.#nowMs();
  }

  /** The addresses given so far that were worth keeping. */
  get knownPeers(): readonly Endpoint[] {
    return this.#known;
  }

  addPeers(endpoints: readonly Endpoint[], source: PeerSource): void {
    const nowMs = this.#nowMs();
    for (const endpoint of endpoints) if (this.#queue.add(endpoint, source, nowMs)) this.#known.push(endpoint);
    if (this.#isRunning) this.#dialMore(nowMs);
  }

  /** A connection whose handshake names this torrent. False: there is no room for it. */
  accept(socket: TcpSocket, connection: PeerConnection): boolean {
    const { infoHash } = connection.remoteHandshake!;
    if (!this.#isRunning || !this.#hasRoom || !isSwarmHashOf(this.#hashes, infoHash)) return false;
    if (this.#queue.isBanned(socket.remote.address, this.#nowMs())) return false;
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
    this.#endDials();
    this.#queue = new DialQueue(this.#context.bans);
    const nowMs = this.#nowMs();
    for (const endpoint of this.#known) this.#queue.add(endpoint, 'magnet', nowMs);
    for (const [peer, endpoint] of [...this.#peers]) {
      if (!isSwarmHashOf(hashes, peer.infoHash)) {
        this.#peers.set(peer, undefined);
        peer.close();
      } else if (endpoint !== undefined) this.#queue.handleConnected(endpoint);
    }
    if (this.#isRunning) this.#dialMore(nowMs);
  }

  /** A peer that lied: it is left and not met again. */
  ban(peer: MetadataPeer): void {
    this.#queue.ban(peer.socket.remote.address, this.#nowMs());
    peer.close();
  }

  handleBug(error: unknown): void {
    this.#host.handleBug(error);
  }

  handleDeadline(nowMs: number): number {
    this.#dialMore(nowMs);
    return this.#nextDialMs(nowMs);
  }

  /** Only told on: a second connection to it is not worth having before the metadata is there. */
  handleListenPort(peer: MetadataPeer, port: number): void {
    const { address } = peer.socket.remote;
    this.#peers.set(peer, { address, port });
    const isKnown = this.#known.some((known) => known.address === address && known.port === port);
    if (!isKnown && this.#known.length < PEER_LIST_MAX) this.#known.push({ address, port });
  }

  handleEnded(peer: MetadataPeer): void {
    const endpoint = this.#peers.get(peer);
    this.#peers.delete(peer);
    if (endpoint !== undefined) this.#queue.handleFailed(endpoint, this.#nowMs());
    if (this.#isRunning) this.#dialMore(this.#nowMs());
  }

  get #hasRoom(): boolean {
    return this.connectionCount < PEERS_MAX;
  }

  #nextDialMs(nowMs: number): number {
    if (!this.#isRunning || !this.#hasRoom) return Number.POSITIVE_INFINITY;
    const queueMs = this.#queue.deadlineMs;
    return queueMs <= nowMs ? this.#context.connections.nextDialMs(nowMs) : queueMs;
  }

  #dialMore(nowMs: number): void {
    const { connections, settings } = this.#context;
    if (settings.tcp) {
      while (this.#hasRoom && this.#queue.deadlineMs <= nowMs && connections.startDial(nowMs)) {
        const candidate = this.#queue.next(nowMs);
        if (candidate === undefined) {
          connections.endDial();
          connections.close();
          break;
        }
        this.#dial(candidate.endpoint);
      }
    }
    this.#context.deadlines.expedite(this, this.#nextDialMs(nowMs));
  }

  #dial(endpoint: Endpoint): void {
    const { connections, platform } = this.#context;
    const socket = platform.network.connectTcp(
      {
        remote: endpoint,
        localAddress: this.#context.localAddressFor(endpoint.address),
        timeoutMs: CONNECT_TIMEOUT_MS,
      },
      {
        handleConnected: () => this.#guard(() => this.#handleDialled(endpoint, socket)),
        handleData: () => {},
        handleClosed: () => {
          if (!this.#endDial(endpoint)) return;
          connections.close();
          this.#guard(() => {
            this.#queue.handleFailed(endpoint, this.#nowMs());
            this.#dialMore(this.#nowMs());
          });
        },
      },
    );
    this.#dials.set(endpoint, socket);
    this.#queue.handleDialing(endpoint, this.#nowMs());
  }

  #endDial(endpoint: Endpoint): boolean {
    if (!this.#dials.delete(endpoint)) return false;
    this.#context.connections.endDial();
    return true;
  }

  #handleDialled(endpoint: Endpoint, socket: TcpSocket): void {
    if (!this.#endDial(endpoint)) return;
    this.#queue.handleConnected(endpoint);
    const [first, second] = swarmHashesOf(this.#hashes);
    const connection = new PeerConnection({
      nowMs: this.#nowMs(),
      handshake: this.#handshake(first!),
      alternateInfoHash: second,
    });
    this.#begin(socket, connection, endpoint);
  }

  #endDials(): void {
    for (const [endpoint, socket] of [...this.#dials]) {
      socket.destroy();
      this.#endDial(endpoint);
      this.#context.connections.close();
    }
  }

  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.handleBug(error);
    }
  }

  #begin(socket: TcpSocket, connection: PeerConnection, endpoint: Endpoint | undefined): void {
    const peer = new MetadataPeer(this.#context, this.#host, socket, connection);
    this.#peers.set(peer, endpoint);
    peer.begin();
  }

  #handshake(infoHash: Uint8Array): Handshake {
    const v2 = this.#hashes.infoHashV2 !== undefined;
    return { infoHash, peerId: this.#peerId, extensionProtocol: true, fast: true, dht: false, v2 };
  }

  #nowMs(): number {
    return this.#context.platform.clock.nowMs();
  }
}
