// Peer exchange with the connected peers of one torrent (BEP 11): hands what they tell to PexIntake and sends what
// PeerExchange wants told. Only peers that others can connect to are told of: those that we dialled, and those that said
// where they listen. A private torrent has none of this.
import type { Endpoint } from '../../platform/network.ts';
import {
  decodePexMessage,
  encodePexMessage,
  PEX_HOLEPUNCH,
  PEX_REACHABLE,
  PEX_SEED,
} from '../../protocol/extensions/ut-pex.ts';
import { type Violation, violationOf } from '../../protocol/wire/violation.ts';
import { PeerExchange } from '../../swarm/peer-exchange.ts';
import type { PeerSource } from '../../swarm/peer-source.ts';
import { PexIntake } from '../../swarm/pex-intake.ts';
import type { DeadlineEntry } from '../deadline-queue.ts';
import type { EngineContext } from '../session/engine-context.ts';
import type { PeerSession } from './peer-session.ts';

export interface PexExchangeHost {
  /** We have all that we want. */
  readonly isComplete: boolean;
  addPeers(endpoints: readonly Endpoint[], source: PeerSource): void;
  /** Nobody tells of this address any more. */
  withdrawPeer(endpoint: Endpoint): void;
  /** A mistake of ours showed itself. */
  handleBug(error: unknown): void;
}

export class PexExchange implements DeadlineEntry {
  readonly #context: EngineContext;
  readonly #host: PexExchangeHost;
  readonly #exchange = new PeerExchange();
  readonly #intake = new PexIntake();
  /** By id. BOUNDED: connections of the torrent. */
  readonly #peers = new Map<number, PeerSession>();

  constructor(context: EngineContext, host: PexExchangeHost) {
    this.#context = context;
    this.#host = host;
  }

  /** A peer takes part, or has said more of itself. `endpoint`: where it can be connected to, when that is known. */
  handlePeer(peer: PeerSession, endpoint: Endpoint | undefined): void {
    const nowMs = this.#nowMs();
    this.#peers.set(peer.id, peer);
    const { extensions } = peer.connection;
    if (extensions.idOf('ut_pex') !== 0) this.#exchange.addReceiver(peer.id, peer.socket.remote.address, nowMs);
    if (endpoint !== undefined) {
      const flags =
        (peer.isUploadOnly ? PEX_SEED : 0) |
        (extensions.idOf('ut_holepunch') !== 0 ? PEX_HOLEPUNCH : 0) |
        (peer.isIncoming ? 0 : PEX_REACHABLE);
      this.#exchange.setMember(peer.id, { ...endpoint, flags }, nowMs);
    }
    this.#context.deadlines.expedite(this, this.#exchange.deadlineMs);
  }

  /** The violation, when the peer tells too often. */
  handleMessage(peer: PeerSession, payload: Uint8Array): Violation | undefined {
    if (!this.#intake.countMessage(peer.id, this.#nowMs())) return violationOf('WIRE_PEX_TOO_OFTEN');
    const message = decodePexMessage(payload);
    if (message === undefined) return undefined;
    const { found, withdrawn } = this.#intake.handleMessage(peer.id, message, {
      address: peer.socket.remote.address,
      isComplete: this.#host.isComplete,
    });
    for (const endpoint of withdrawn) this.#host.withdrawPeer(endpoint);
    if (found.length > 0) this.#host.addPeers(found, 'pex');
    return undefined;
  }

  handleClosed(peer: PeerSession): void {
    if (!this.#peers.delete(peer.id)) return;
    this.#intake.remove(peer.id);
    this.#exchange.remove(peer.id, this.#nowMs());
    if (this.#peers.size === 0) this.#context.deadlines.remove(this);
    else this.#context.deadlines.expedite(this, this.#exchange.deadlineMs);
  }

  handleDeadline(nowMs: number): number {
    for (let output = this.#exchange.poll(nowMs); output !== undefined; output = this.#exchange.poll(nowMs)) {
      const peer = this.#peers.get(output.peerId);
      if (peer?.connection.sendExtended('ut_pex', encodePexMessage(output.message)) === true) {
        this.#context.flushes.add(peer);
      }
    }
    return this.#exchange.deadlineMs;
  }

  handleBug(error: unknown): void {
    this.#host.handleBug(error);
  }

  #nowMs(): number {
    return this.#context.platform.clock.nowMs();
  }
}
