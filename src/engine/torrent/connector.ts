// The connections of one torrent: whom to accept, how many there may be, who is met again and who is banned. Hands
// connected peers to the transfer through their sessions; knows nothing of pieces.
import { bytesEqual, bytesToHex, compareBytes } from '../../base/bytes.ts';
import type { Endpoint, TcpSocket } from '../../platform/network.ts';
import { EXTENSION_IDS } from '../../protocol/extensions/extension-handshake.ts';
import {
  decodeMetadataMessage,
  encodeMetadataData,
  encodeMetadataReject,
  METADATA_PIECE_BYTES,
} from '../../protocol/extensions/ut-metadata.ts';
import {
  ALLOWED_FAST_SET_SIZE,
  CONNECTIONS_PER_ADDRESS_MAX,
  CONNECTIONS_PER_NETWORK_MAX,
  CONNECTIONS_PER_TORRENT_MAX,
  METADATA_SENDING_MAX_BYTES,
} from '../../protocol/limits.ts';
import { formatIpAddress } from '../../protocol/tracker/ip-address.ts';
import { allowedFastSet } from '../../protocol/wire/allowed-fast.ts';
import type { Handshake } from '../../protocol/wire/handshake.ts';
import { PeerConnection } from '../../protocol/wire/peer-connection.ts';
import type { Violation, ViolationCode } from '../../protocol/wire/violation.ts';
import { maySource, noPeersBySource, type PeerSource, type PeerSourceCounts } from '../../swarm/peer-source.ts';
import type { PeerLimitOptions } from '../api.ts';
import type { ConnectionFacts } from '../diagnosis/torrent-snapshot.ts';
import type { KeptConnection } from '../metadata/metadata-peers.ts';
import { Dialer, type DialerHost } from '../session/dialer.ts';
import type { EngineContext } from '../session/engine-context.ts';
import { PeerLimits } from './peer-limits.ts';
import { type CloseReason, PeerSession, type PeerSessionHost } from './peer-session.ts';
import { PeerTurnover, publicNetworkOf, type TurnoverHost } from './peer-turnover.ts';
import { PexExchange, type PexExchangeHost } from './pex-exchange.ts';
import { swarmHashesOf } from './swarm-hash.ts';
import type { Transfer } from './transfer.ts';

export interface ConnectorHost {
  handlePeerConnected(peer: PeerSession): void;
  handlePeerDisconnected(peer: PeerSession): void;
  handlePeerBanned(address: string): void;
  /** A mistake of ours showed itself. */
  handleBug(error: unknown): void;
}

export class Connector implements PeerSessionHost, DialerHost, TurnoverHost, PexExchangeHost {
  readonly peerId: Uint8Array;
  readonly #context: EngineContext;
  readonly #host: ConnectorHost;
  readonly #transfer: Transfer;
  /** Undefined until the user limits single peers, or somebody is exempt. */
  #limits: PeerLimits | undefined;
  readonly #dialer: Dialer;
  readonly #turnover: PeerTurnover;
  /** Undefined when there is no connection. BOUNDED: CONNECTIONS_PER_TORRENT_MAX, those being dialled among them. */
  #sessions: Map<PeerSession, Endpoint | undefined> | undefined;
  /** Of each admitted peer, by its peer id in hexadecimal. */
  #admitted: Map<string, PeerSession> | undefined;
  #violationCounts: Map<ViolationCode, number> | undefined;
  /** What ends now ends for somebody who is there already: its place is not dialled for. */
  #isMakingRoom = false;
  /** Made with the first peer that takes part, when the torrent may have it. */
  #pex: PexExchange | undefined;

  constructor(context: EngineContext, host: ConnectorHost, transfer: Transfer, peerId: Uint8Array) {
    this.#context = context;
    this.#host = host;
    this.#transfer = transfer;
    this.peerId = peerId;
    this.#dialer = new Dialer(context, this, CONNECTIONS_PER_TORRENT_MAX);
    this.#turnover = new PeerTurnover(context, this, this.#dialer);
  }

  get metadataSizeBytes(): number {
    return this.#transfer.content.info.infoBytes.length;
  }

  /** BEP 11, and BEP 27, which forbids it. */
  get usesPex(): boolean {
    return this.#context.settings.pex && maySource('pex', this.#transfer.content.info.private);
  }

  get isComplete(): boolean {
    return this.#transfer.isComplete;
  }

  /** `kept`: connections that were made for the metadata and go on from there. */
  start(kept: readonly KeptConnection[] = []): void {
    this.#dialer.start();
    for (const connection of kept) this.#adopt(connection);
    this.#dialer.dialMore(this.#nowMs());
  }

  stop(): void {
    this.#dialer.stop();
    this.#turnover.stop();
    let bug: unknown;
    for (const session of this.#standing()) {
      try {
        session.close('stopped');
      } catch (error) {
        bug ??= error;
      }
    }
    if (bug !== undefined) throw bug;
  }

  addPeers(endpoints: readonly Endpoint[], source: PeerSource): void {
    const nowMs = this.#nowMs();
    for (const endpoint of endpoints) this.#dialer.queue.add(endpoint, source, nowMs);
    this.#dialer.dialMore(nowMs);
  }

  /** The peers that told of this address tell of it no longer. */
  withdrawPeer(endpoint: Endpoint): void {
    this.#dialer.queue.withdraw(endpoint);
  }

  get connectionCount(): number {
    return this.#dialer.connectionCount;
  }

  /** For diagnostics. */
  connectionFacts(): ConnectionFacts {
    let admittedCount = 0;
    for (const _peer of this.peers()) admittedCount++;
    return { ...this.#dialer.summary(this.#nowMs()), handshakingCount: this.standingCount - admittedCount };
  }

  /** Those that take part, in the order in which they came. */
  peers(): Iterable<PeerSession> {
    return this.#admitted?.values() ?? [];
  }

  /** Who told us of it: the best of those that did. */
  sourceOf(peer: PeerSession): PeerSource {
    const endpoint = this.#sessions?.get(peer);
    const known = peer.isIncoming || endpoint === undefined ? undefined : this.#dialer.queue.sourceOf(endpoint);
    return known ?? 'incoming';
  }

  /** Those that take part, by who told us of them. */
  peerSources(): PeerSourceCounts {
    const counts = noPeersBySource();
    for (const peer of this.peers()) counts[this.sourceOf(peer)]++;
    return Object.freeze(counts);
  }

  get standingCount(): number {
    return this.#sessions?.size ?? 0;
  }

  /** How often each rule was broken, for the statistics. */
  get violationCounts(): ReadonlyMap<ViolationCode, number> {
    return this.#violationCounts ?? new Map();
  }

  isBanned(address: string): boolean {
    return this.#dialer.queue.isBanned(address, this.#nowMs());
  }

  /** For the connections with this address, those to come as well. @throws {RangeError} a rate that is not above 0. */
  setPeerLimits(address: string, limits: PeerLimitOptions): void {
    this.#limits ??= new PeerLimits(this.#context);
    this.#limits.set(address, limits);
    for (const session of this.#standing()) {
      if (session.socket.remote.address === address) this.#setGates(session);
    }
  }

  /** A peer that sent bad data: its connections end and it is not met again for a day. */
  ban(blameKey: string): void {
    const nowMs = this.#nowMs();
    this.#dialer.queue.ban(blameKey, nowMs);
    this.#host.handlePeerBanned(blameKey);
    for (const session of this.#standing()) if (session.blameKey === blameKey) session.close('banned');
  }

  /** A connection whose handshake names this torrent. False: there is no room for it. */
  accept(socket: TcpSocket, connection: PeerConnection): boolean {
    const { address } = socket.remote;
    if (!this.#dialer.isRunning || this.isBanned(address) || this.#isCrowded(address)) return false;
    this.#isMakingRoom = true;
    const hasRoom = this.#turnover.makeRoomFor(address, this.#nowMs());
    this.#isMakingRoom = false;
    if (!hasRoom) return false;
    connection.accept(this.#handshake(this.#answerHash(connection.remoteHandshake!)), this.#transfer.content);
    this.#begin(socket, connection, undefined);
    return true;
  }

  // ── What a session asks ──────────────────────────────────────────────────────────────────────────────────────────

  admit(peer: PeerSession): boolean {
    const remoteId = peer.connection.remotePeerId!;
    if (bytesEqual(remoteId, this.peerId)) {
      this.#dialer.queue.remove(peer.socket.remote);
      return false;
    }
    const key = bytesToHex(remoteId);
    this.#admitted ??= new Map();
    const other = this.#admitted.get(key);
    if (other !== undefined) {
      // Both may have dialled at once. Each side keeps the connection that the lower peer id began.
      const weBeganThis = !peer.isIncoming;
      const weAreLower = compareBytes(this.peerId, remoteId) < 0;
      if (other.isIncoming === peer.isIncoming || weBeganThis !== weAreLower) return false;
      other.close('redundant');
      // A listener that was told of the other's end may have ended this one too.
      if (peer.isClosed) return false;
    }
    this.#admitted.set(key, peer);
    return true;
  }

  handleAdmitted(peer: PeerSession): void {
    if (!peer.isIncoming) this.#dialer.queue.handleGreeted(peer.socket.remote);
    this.#pexOf()?.handlePeer(peer, this.#sessions?.get(peer));
    this.#host.handlePeerConnected(peer);
  }

  handleBug(error: unknown): void {
    this.#host.handleBug(error);
  }

  handleClosed(peer: PeerSession, reason: CloseReason): void {
    this.#context.platform.log.write('debug', 'peer closed', {
      peer: peer.address,
      reason,
      client: peer.connection.extensions.client ?? '',
      violation: reason === 'violation' ? peer.connection.message.violation.code : '',
      downloadedBytes: peer.downloadedBytes,
      uploadedBytes: peer.uploadedBytes,
    });
    const endpoint = this.#sessions?.get(peer);
    this.#sessions?.delete(peer);
    this.#pex?.handleClosed(peer);
    const remoteId = peer.connection.remotePeerId;
    const nowMs = this.#nowMs();
    if (remoteId !== undefined && this.#admitted?.get(bytesToHex(remoteId)) === peer) {
      this.#admitted.delete(bytesToHex(remoteId));
      this.#host.handlePeerDisconnected(peer);
    }
    if (this.#sessions?.size === 0) {
      this.#sessions = undefined;
      this.#admitted = undefined;
      this.#pex = undefined;
    }
    if (endpoint !== undefined) {
      const wasUseful = peer.downloadedBytes > 0 || peer.uploadedBytes > 0;
      if (reason === 'stopped') this.#dialer.queue.handleGivenUp(endpoint, nowMs);
      else if (peer.isUnneeded) this.#dialer.queue.handleUnneeded(endpoint);
      else if (reason === 'redundant' || reason === 'refused' || wasUseful || remoteId !== undefined) {
        this.#dialer.queue.handleClosed(endpoint, nowMs, wasUseful);
      } else this.#dialer.queue.handleFailed(endpoint, nowMs);
    }
    if (reason === 'banned') this.#dialer.queue.ban(peer.blameKey, nowMs);
    if (!this.#isMakingRoom) this.#dialer.dialMore(nowMs);
  }

  handleViolation(_peer: PeerSession, code: ViolationCode): void {
    this.#violationCounts ??= new Map();
    this.#violationCounts.set(code, (this.#violationCounts.get(code) ?? 0) + 1);
  }

  handleExtensions(peer: PeerSession): void {
    const { listenPort } = peer.connection.extensions;
    if (peer.isIncoming && listenPort !== undefined) this.#handleListenPort(peer, listenPort);
    this.#pexOf()?.handlePeer(peer, this.#sessions?.get(peer));
  }

  handleDhtPort(peer: PeerSession, port: number): void {
    if (this.#usesDht) this.#context.dht?.addEndpoint({ address: peer.socket.remote.address, port });
  }

  dhtPortFor(peer: PeerSession): number {
    return this.#usesDht ? (this.#context.dht?.portFor(peer.socket.remote.address) ?? 0) : 0;
  }

  allowedFastFor(peer: PeerSession): readonly number[] {
    const address = peer.socket.remote.address.split('.').map(Number);
    const have = this.#transfer.picker.haveBitfield;
    if (address.length !== 4 || have.isEmpty || this.#transfer.spreading.isSparing) return [];
    const set = allowedFastSet({
      address: Uint8Array.from(address),
      infoHash: peer.connection.infoHash!,
      pieceCount: this.#transfer.content.pieceCount,
      setSize: ALLOWED_FAST_SET_SIZE,
      sha1: (bytes) => this.#context.platform.crypto.sha1(bytes),
    });
    return set.filter((pieceIndex) => have.has(pieceIndex));
  }

  handleExtended(peer: PeerSession, extendedId: number, payload: Uint8Array): Violation | undefined {
    if (extendedId === EXTENSION_IDS.ut_pex) return this.#pexOf()?.handleMessage(peer, payload);
    if (extendedId === EXTENSION_IDS.ut_metadata) this.#handleMetadataMessage(peer, payload);
    return undefined;
  }

  #handleMetadataMessage(peer: PeerSession, payload: Uint8Array): void {
    const message = decodeMetadataMessage(payload);
    if (message?.type !== 'request') return;
    const { infoBytes, private: isPrivate } = this.#transfer.content.info;
    // BEP 27: the info dictionary of a private torrent comes from its tracker's .torrent file alone.
    const isInTime = peer.sendingBytes + peer.connection.outgoingBytes <= METADATA_SENDING_MAX_BYTES;
    const isServed = isInTime && !isPrivate && message.piece * METADATA_PIECE_BYTES < infoBytes.length;
    const answer = isServed ? encodeMetadataData(message.piece, infoBytes) : encodeMetadataReject(message.piece);
    peer.connection.sendExtended('ut_metadata', answer);
  }

  /** BEP 10: how the peer sees us. */
  handleOwnAddress(peer: PeerSession, yourAddress: Uint8Array): void {
    const address = formatIpAddress(yourAddress);
    const source = peer.isIncoming ? 'accepted' : 'dialled';
    if (address === undefined) return;
    this.#context.externalAddress.vote(address, peer.socket.remote.address, source, this.#nowMs());
  }

  /** All that we want is there, or something is missing again. */
  handleCompletionChanged(): void {
    const nowMs = this.#nowMs();
    if (this.#transfer.isComplete) return;
    // Also while it does not run: when it begins, something may be wanted that was not when it ended.
    this.#dialer.queue.handleNeeded(nowMs);
    if (this.#dialer.isRunning) this.#dialer.dialMore(nowMs);
  }

  // ── What the turnover asks ───────────────────────────────────────────────────────────────────────────────────────

  sessions(): Iterable<PeerSession> {
    return this.#sessions?.keys() ?? [];
  }

  get connectionsMax(): number {
    return CONNECTIONS_PER_TORRENT_MAX;
  }

  get isSeeding(): boolean {
    return this.#transfer.isComplete;
  }

  isStarved(nowMs: number): boolean {
    return !this.isSeeding && this.#transfer.downloadRate.bytesPerSecond(nowMs) === 0;
  }

  /** Another torrent of the session needs a connection more than this one. */
  giveWay(): boolean {
    if (!this.#dialer.isRunning) return false;
    this.#isMakingRoom = true;
    const hasGivenWay = this.#turnover.giveWay(this.#nowMs());
    this.#isMakingRoom = false;
    return hasGivenWay;
  }

  // ── What the dialler asks ────────────────────────────────────────────────────────────────────────────────────────

  handleDialled(socket: TcpSocket, endpoint: Endpoint): void {
    const hashes = swarmHashesOf(this.#transfer.content.info);
    const connection = new PeerConnection({
      nowMs: this.#nowMs(),
      handshake: this.#handshake(hashes[0]!),
      alternateInfoHash: hashes[1],
      pieces: this.#transfer.content,
    });
    this.#begin(socket, connection, endpoint);
  }

  #pexOf(): PexExchange | undefined {
    if (this.#pex === undefined && this.usesPex) this.#pex = new PexExchange(this.#context, this);
    return this.#pex;
  }

  #handleListenPort(peer: PeerSession, port: number): void {
    const endpoint = { address: peer.socket.remote.address, port };
    this.#dialer.queue.add(endpoint, 'incoming', this.#nowMs());
    this.#dialer.queue.handleConnected(endpoint);
    this.#sessions?.set(peer, endpoint);
  }

  #adopt({ socket, connection, endpoint, source }: KeptConnection): void {
    const isAllowed = maySource(source, this.#transfer.content.info.private);
    if (!isAllowed || !this.#dialer.isRunning || !this.#dialer.hasRoom) {
      socket.destroy();
      this.#context.connections.close();
      return;
    }
    if (endpoint !== undefined) {
      this.#dialer.queue.add(endpoint, source, this.#nowMs());
      this.#dialer.queue.handleConnected(endpoint);
    }
    connection.setPieces(this.#transfer.content);
    this.#begin(socket, connection, endpoint, true);
  }

  #begin(socket: TcpSocket, connection: PeerConnection, endpoint: Endpoint | undefined, isGreeted = false): void {
    const session = new PeerSession({
      context: this.#context,
      host: this,
      transfer: this.#transfer,
      socket,
      connection,
      isGreeted,
    });
    this.#sessions ??= new Map();
    this.#sessions.set(session, endpoint);
    this.#setGates(session);
    session.begin();
    this.#turnover.expect(this.#nowMs());
  }

  /** A copy: closing one takes it out. */
  #standing(): readonly PeerSession[] {
    return this.#sessions === undefined ? [] : [...this.#sessions.keys()];
  }

  #setGates(session: PeerSession): void {
    if (this.#limits === undefined && this.#context.settings.limitLocalPeers) return;
    this.#limits ??= new PeerLimits(this.#context);
    const { download, upload } = this.#transfer;
    const gates = { download: download.gate, upload: upload.gate };
    session.setGates(this.#limits.gatesFor(session.socket.remote.address, gates));
  }

  /** A public address or its network has all connections that it may have: its owner cannot take every place. */
  #isCrowded(address: string): boolean {
    const network = publicNetworkOf(address);
    if (network === undefined) return false;
    let ofAddress = 0;
    let ofNetwork = 0;
    for (const { socket, exchangedAtMs } of this.#sessions?.keys() ?? []) {
      if (socket.remote.address === address) ofAddress++;
      const isUnproven = exchangedAtMs === Number.NEGATIVE_INFINITY;
      if (isUnproven && publicNetworkOf(socket.remote.address) === network) ofNetwork++;
    }
    return ofAddress >= CONNECTIONS_PER_ADDRESS_MAX || ofNetwork >= CONNECTIONS_PER_NETWORK_MAX;
  }

  /** BEP 52: who offers the upgrade and names a hybrid by its v1 hash is answered with the v2 hash. */
  #answerHash(remote: Handshake): Uint8Array {
    const { infoHash, infoHashV2 } = this.#transfer.content.info;
    const upgrades = remote.v2 && infoHash !== undefined && infoHashV2 !== undefined;
    return upgrades ? infoHashV2.subarray(0, remote.infoHash.length) : remote.infoHash;
  }

  #handshake(infoHash: Uint8Array): Handshake {
    return {
      infoHash,
      peerId: this.peerId,
      extensionProtocol: true,
      fast: true,
      // BEP 27: nobody is told of a node by a private torrent.
      dht: this.#usesDht,
      v2: this.#transfer.content.info.format !== 'v1',
    };
  }

  get #usesDht(): boolean {
    return this.#context.dht !== undefined && maySource('dht', this.#transfer.content.info.private);
  }

  #nowMs(): number {
    return this.#context.platform.clock.nowMs();
  }
}
