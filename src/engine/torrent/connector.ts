// The connections of one torrent: whom to dial and when, whom to accept, how many there may be, who is banned. Hands
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
  CONNECT_TIMEOUT_MS,
  CONNECTIONS_PER_ADDRESS_MAX,
  CONNECTIONS_PER_TORRENT_MAX,
  METADATA_SENDING_MAX_BYTES,
} from '../../protocol/limits.ts';
import { allowedFastSet } from '../../protocol/wire/allowed-fast.ts';
import type { Handshake } from '../../protocol/wire/handshake.ts';
import { PeerConnection } from '../../protocol/wire/peer-connection.ts';
import type { PieceSizes } from '../../protocol/wire/piece-sizes.ts';
import type { ViolationCode } from '../../protocol/wire/violation.ts';
import { isPublic } from '../../swarm/dial-address.ts';
import { DialQueue, type PeerSource } from '../../swarm/dial-queue.ts';
import type { DeadlineEntry } from '../deadline-queue.ts';
import type { KeptConnection } from '../metadata/metadata-peers.ts';
import type { EngineContext } from '../session/engine-context.ts';
import { type CloseReason, PeerSession, type PeerSessionHost } from './peer-session.ts';
import { swarmHashesOf } from './swarm-hash.ts';
import type { Transfer } from './transfer.ts';

export interface ConnectorHost {
  handlePeerConnected(peer: PeerSession): void;
  handlePeerDisconnected(peer: PeerSession): void;
  handlePeerBanned(address: string): void;
  /** A mistake of ours showed itself. */
  handleBug(error: unknown): void;
}

interface Dial {
  readonly endpoint: Endpoint;
  readonly socket: TcpSocket;
}

export class Connector implements PeerSessionHost, DeadlineEntry {
  readonly peerId: Uint8Array;
  readonly #context: EngineContext;
  readonly #host: ConnectorHost;
  readonly #transfer: Transfer;
  readonly #pieces: PieceSizes;
  readonly #queue: DialQueue;
  // BOUNDED: both together CONNECTIONS_PER_TORRENT_MAX.
  readonly #dials = new Set<Dial>();
  readonly #sessions = new Map<PeerSession, Endpoint | undefined>();
  /** Of each admitted peer, by its peer id in hexadecimal. */
  readonly #admitted = new Map<string, PeerSession>();
  #isRunning = false;
  /** How often each rule was broken, for the statistics. */
  readonly violationCounts: Map<ViolationCode, number> = new Map();

  constructor(context: EngineContext, host: ConnectorHost, transfer: Transfer, peerId: Uint8Array) {
    this.#context = context;
    this.#host = host;
    this.#transfer = transfer;
    this.peerId = peerId;
    const { content } = transfer;
    this.#pieces = { pieceCount: content.pieceCount, bytesOfPiece: (index) => content.servableBytes(index) };
    this.#queue = new DialQueue(context.bans);
  }

  get metadataSizeBytes(): number {
    return this.#transfer.content.info.infoBytes.length;
  }

  /** `kept`: connections that were made for the metadata and go on from there. */
  start(kept: readonly KeptConnection[] = []): void {
    this.#isRunning = true;
    for (const connection of kept) this.#adopt(connection);
    this.#dialMore(this.#nowMs());
  }

  stop(): void {
    this.#isRunning = false;
    this.#context.deadlines.remove(this);
    for (const dial of this.#dials) this.#endDial(dial);
    let bug: unknown;
    for (const session of [...this.#sessions.keys()]) {
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
    for (const endpoint of endpoints) this.#queue.add(endpoint, source, nowMs);
    if (this.#isRunning) this.#dialMore(nowMs);
  }

  get connectionCount(): number {
    return this.#sessions.size + this.#dials.size;
  }

  isBanned(address: string): boolean {
    return this.#queue.isBanned(address, this.#nowMs());
  }

  /** A peer that sent bad data: its connections end and it is not met again for a day. */
  ban(blameKey: string): void {
    const nowMs = this.#nowMs();
    this.#queue.ban(blameKey, nowMs);
    this.#host.handlePeerBanned(blameKey);
    for (const session of [...this.#sessions.keys()]) if (session.blameKey === blameKey) session.close('banned');
  }

  /** A connection whose handshake names this torrent. False: there is no room for it. */
  accept(socket: TcpSocket, connection: PeerConnection): boolean {
    const { address } = socket.remote;
    if (!this.#isRunning || !this.#hasRoom || this.isBanned(address) || this.#isCrowded(address)) return false;
    connection.accept(this.#handshake(this.#answerHash(connection.remoteHandshake!)), this.#pieces);
    this.#begin(socket, connection, undefined);
    return true;
  }

  handleDeadline(nowMs: number): number {
    this.#dialMore(nowMs);
    return this.#nextDialMs(nowMs);
  }

  // ── What a session asks ──────────────────────────────────────────────────────────────────────────────────────────

  admit(peer: PeerSession): boolean {
    const remoteId = peer.connection.remotePeerId!;
    if (bytesEqual(remoteId, this.peerId)) {
      this.#queue.remove(peer.socket.remote);
      return false;
    }
    const key = bytesToHex(remoteId);
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
    const endpoint = this.#sessions.get(peer);
    this.#sessions.delete(peer);
    const remoteId = peer.connection.remotePeerId;
    const nowMs = this.#nowMs();
    if (remoteId !== undefined && this.#admitted.get(bytesToHex(remoteId)) === peer) {
      this.#admitted.delete(bytesToHex(remoteId));
      this.#host.handlePeerDisconnected(peer);
    }
    if (endpoint !== undefined) {
      const wasUseful = peer.downloadedBytes > 0 || peer.uploadedBytes > 0;
      if (reason === 'redundant' || reason === 'refused' || wasUseful || remoteId !== undefined) {
        this.#queue.handleClosed(endpoint, nowMs, wasUseful);
      } else this.#queue.handleFailed(endpoint, nowMs);
    }
    if (reason === 'banned') this.#queue.ban(peer.blameKey, nowMs);
    if (this.#isRunning) this.#dialMore(nowMs);
  }

  handleViolation(_peer: PeerSession, code: ViolationCode): void {
    this.violationCounts.set(code, (this.violationCounts.get(code) ?? 0) + 1);
  }

  handleListenPort(peer: PeerSession, port: number): void {
    const endpoint = { address: peer.socket.remote.address, port };
    this.#queue.add(endpoint, 'incoming', this.#nowMs());
    this.#queue.handleConnected(endpoint);
    this.#sessions.set(peer, endpoint);
  }

  allowedFastFor(peer: PeerSession): readonly number[] {
    const address = peer.socket.remote.address.split('.').map(Number);
    const have = this.#transfer.picker.haveBitfield;
    if (address.length !== 4 || have.isEmpty) return [];
    const set = allowedFastSet({
      address: Uint8Array.from(address),
      infoHash: peer.connection.infoHash!,
      pieceCount: this.#pieces.pieceCount,
      setSize: ALLOWED_FAST_SET_SIZE,
      sha1: (bytes) => this.#context.platform.crypto.sha1(bytes),
    });
    return set.filter((pieceIndex) => have.has(pieceIndex));
  }

  handleExtended(peer: PeerSession, extendedId: number, payload: Uint8Array): void {
    if (extendedId !== EXTENSION_IDS.ut_metadata) return;
    const message = decodeMetadataMessage(payload);
    if (message?.type !== 'request') return;
    const { infoBytes, private: isPrivate } = this.#transfer.content.info;
    // BEP 27: the info dictionary of a private torrent comes from its tracker's .torrent file alone.
    const isInTime = peer.sendingBytes + peer.connection.outgoingBytes <= METADATA_SENDING_MAX_BYTES;
    const isServed = isInTime && !isPrivate && message.piece * METADATA_PIECE_BYTES < infoBytes.length;
    const answer = isServed ? encodeMetadataData(message.piece, infoBytes) : encodeMetadataReject(message.piece);
    peer.connection.sendExtended('ut_metadata', answer);
  }

  // ── Dialling ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** One public address has all connections that it may have: its owner cannot take every place. */
  #isCrowded(address: string): boolean {
    if (!isPublic(address)) return false;
    let count = 0;
    for (const { socket } of this.#sessions.keys()) if (socket.remote.address === address) count++;
    return count >= CONNECTIONS_PER_ADDRESS_MAX;
  }

  get #hasRoom(): boolean {
    return this.#sessions.size + this.#dials.size < CONNECTIONS_PER_TORRENT_MAX;
  }

  #nextDialMs(nowMs: number): number {
    if (!this.#isRunning || !this.#hasRoom) return Number.POSITIVE_INFINITY;
    const queueMs = this.#queue.deadlineMs;
    // A candidate waits for the session's budget: ask again when that has room.
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
    const { network } = this.#context.platform;
    const localAddress = this.#context.localAddressFor(endpoint.address);
    const socket = network.connectTcp(
      { remote: endpoint, localAddress, timeoutMs: CONNECT_TIMEOUT_MS },
      {
        handleConnected: () => this.#guard(() => this.#handleDialled(dial)),
        handleData: () => {},
        handleClosed: () => {
          if (!this.#dials.delete(dial)) return;
          this.#context.connections.endDial();
          this.#context.connections.close();
          this.#guard(() => {
            this.#queue.handleFailed(endpoint, this.#nowMs());
            this.#dialMore(this.#nowMs());
          });
        },
      },
    );
    const dial: Dial = { endpoint, socket };
    this.#dials.add(dial);
    this.#queue.handleDialing(endpoint, this.#nowMs());
  }

  #handleDialled(dial: Dial): void {
    if (!this.#dials.delete(dial)) return;
    this.#context.connections.endDial();
    this.#queue.handleConnected(dial.endpoint);
    const hashes = swarmHashesOf(this.#transfer.content.info);
    const connection = new PeerConnection({
      nowMs: this.#nowMs(),
      handshake: this.#handshake(hashes[0]!),
      alternateInfoHash: hashes[1],
      pieces: this.#pieces,
    });
    this.#begin(dial.socket, connection, dial.endpoint);
  }

  #endDial(dial: Dial): void {
    if (!this.#dials.delete(dial)) return;
    dial.socket.destroy();
    this.#context.connections.endDial();
    this.#context.connections.close();
    this.#queue.handleFailed(dial.endpoint, this.#nowMs());
  }

  #adopt({ socket, connection, endpoint }: KeptConnection): void {
    if (!this.#isRunning || !this.#hasRoom) {
      socket.destroy();
      this.#context.connections.close();
      return;
    }
    if (endpoint !== undefined) {
      this.#queue.add(endpoint, 'magnet', this.#nowMs());
      this.#queue.handleConnected(endpoint);
    }
    connection.setPieces(this.#pieces);
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
    this.#sessions.set(session, endpoint);
    session.begin();
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
      dht: false,
      v2: this.#transfer.content.info.format !== 'v1',
    };
  }

  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.handleBug(error);
    }
  }

  #nowMs(): number {
    return this.#context.platform.clock.nowMs();
  }
}
