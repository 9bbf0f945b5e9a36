// Gets the metadata of a magnet link from peers: the info dictionary (BEP 9), believed when its bytes have the
// info-hash, and then the piece layers of a v2 or hybrid torrent (BEP 52), which the info-hash vouches for but which
// the dictionary does not hold. Ends when all of it is there.
import { bytesEqual } from '../../base/bytes.ts';
import type { Endpoint, TcpSocket } from '../../platform/network.ts';
import { decodeInfoDictionary, type InfoDictionary } from '../../protocol/metainfo/index.ts';
import type { HashesMessage, HashRequest } from '../../protocol/wire/hash-messages.ts';
import type { PeerConnection } from '../../protocol/wire/peer-connection.ts';
import type { PeerSource } from '../../swarm/peer-source.ts';
import type { ConnectionFacts } from '../diagnosis/torrent-snapshot.ts';
import type { EngineContext } from '../session/engine-context.ts';
import type { SwarmHashes } from '../torrent/swarm-hash.ts';
import type { MetadataPeer, MetadataPeerHost } from './metadata-peer.ts';
import { type KeptConnection, type KnownPeer, MetadataPeers } from './metadata-peers.ts';
import { lacksPieceLayers, PieceLayerFetch, type PieceLayerFetchHost } from './piece-layer-fetch.ts';

export interface MetadataFetchHost {
  /**
   * Its hash is right and every rule was checked. Once. A v2 torrent has its piece layers; a hybrid one has them
   * unless no peer gave them, and can do with its v1 hashes.
   */
  handleMetadata(info: InfoDictionary): void;
  /** What has the info-hash is no valid torrent: nobody can have a better one. */
  handleInvalid(message: string): void;
  /** A mistake of ours showed itself. */
  handleBug(error: unknown): void;
}

export class MetadataFetch implements MetadataPeerHost, PieceLayerFetchHost {
  readonly #context: EngineContext;
  readonly #host: MetadataFetchHost;
  readonly #hashes: SwarmHashes;
  readonly #peers: MetadataPeers;
  /** Once the info dictionary is there. */
  #layers: PieceLayerFetch | undefined;

  constructor(context: EngineContext, host: MetadataFetchHost, hashes: SwarmHashes, peerId: Uint8Array) {
    this.#context = context;
    this.#host = host;
    this.#hashes = hashes;
    this.#peers = new MetadataPeers(context, this, hashes, peerId);
  }

  start(): void {
    this.#peers.start();
  }

  stop(): void {
    this.#layers?.stop();
    this.#peers.stop();
  }

  /** After `handleMetadata`: the connections that stand, for the download to go on with. */
  release(): KeptConnection[] {
    return this.#peers.release();
  }

  /** Connected peers and those being dialled. */
  get connectionCount(): number {
    return this.#peers.connectionCount;
  }

  /** Peers that can be asked. */
  get readyPeerCount(): number {
    return this.#peers.readyCount;
  }

  /** For diagnostics. */
  connectionFacts(): ConnectionFacts {
    return this.#peers.connectionFacts();
  }

  /** The addresses given so far that were worth keeping. */
  get knownPeers(): readonly KnownPeer[] {
    return this.#peers.knownPeers;
  }

  addPeers(endpoints: readonly Endpoint[], source: PeerSource): void {
    this.#peers.addPeers(endpoints, source);
  }

  /** A connection whose handshake names this torrent. False: there is no room for it, or no use. */
  accept(socket: TcpSocket, connection: PeerConnection): boolean {
    return this.#peers.accept(socket, connection);
  }

  // ── What a peer tells ────────────────────────────────────────────────────────────────────────────────────────────

  get wantsInfo(): boolean {
    return this.#layers === undefined;
  }

  handleReady(peer: MetadataPeer): void {
    this.#layers?.ask(peer);
  }

  handleInfoBytes(peer: MetadataPeer, infoBytes: Uint8Array): void {
    const { crypto } = this.#context.platform;
    const { infoHash, infoHashV2 } = this.#hashes;
    const isRight =
      (infoHash === undefined || bytesEqual(crypto.sha1(infoBytes), infoHash)) &&
      (infoHashV2 === undefined || bytesEqual(crypto.sha256(infoBytes), infoHashV2));
    if (!isRight) {
      this.#peers.ban(peer);
      return;
    }
    const parsed = decodeInfoDictionary(infoBytes, crypto);
    if (!parsed.ok) this.handleInvalid(parsed.problem.message);
    else if (lacksPieceLayers(parsed.value)) this.#fetchLayers(parsed.value);
    else this.handleComplete(parsed.value);
  }

  handleHashes(peer: MetadataPeer, message: HashesMessage): void {
    // Another peer's answer may have been the last one missing.
    if (this.#peers.isRunning) this.#layers?.handleHashes(peer, message);
  }

  handleHashReject(peer: MetadataPeer, request: HashRequest): void {
    if (this.#peers.isRunning) this.#layers?.handleReject(peer, request);
  }

  handleListenPort(peer: MetadataPeer, port: number): void {
    this.#peers.handleListenPort(peer, port);
  }

  handlePex(peer: MetadataPeer, payload: Uint8Array): boolean {
    return this.#peers.handlePex(peer, payload);
  }

  handleEnded(peer: MetadataPeer): void {
    this.#peers.handleEnded(peer);
    if (this.#peers.isRunning) this.#layers?.handleEnded(peer);
  }

  handleBug(error: unknown): void {
    this.#host.handleBug(error);
  }

  // ── What the fetch of the layers asks and tells ──────────────────────────────────────────────────────────────────

  peers(): readonly MetadataPeer[] {
    return this.#peers.peers();
  }

  get isForsaken(): boolean {
    return this.#peers.isForsaken;
  }

  banPeer(peer: MetadataPeer): void {
    this.#peers.ban(peer);
  }

  handleComplete(info: InfoDictionary): void {
    this.#layers?.stop();
    this.#peers.park();
    this.#host.handleMetadata(info);
  }

  handleInvalid(message: string): void {
    this.stop();
    this.#host.handleInvalid(message);
  }

  #fetchLayers(info: InfoDictionary): void {
    this.#layers = new PieceLayerFetch(this.#context, this, info);
    // Only a connection under the v2 hash is sure to be with somebody who has layers (BEP 52, "Upgrade Path").
    this.#peers.changeHashes({ infoHash: undefined, infoHashV2: info.infoHashV2 });
    this.#layers.start();
  }
}
