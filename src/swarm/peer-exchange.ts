// Peer exchange, the telling half (BEP 11): which peers of one torrent each of its peers is told of, and when. Who is told
// gets what changed since its last message, a minute apart at least, and nothing at all while nothing changes. Knows no
// connection and no bytes; what others tell us is the business of PexIntake.

import type { PexEndpoint, PexMessage, PexPeer } from '../protocol/extensions/ut-pex.ts';
import { PEX_INITIAL_PEERS_MAX, PEX_INTERVAL_MS, PEX_PEERS_MAX } from '../protocol/limits.ts';
import { endpointKey, isTellable } from './dial-address.ts';

/** Connections come and go in bursts: so long a change waits for others. */
const GATHER_MS = 2_000;

/** A message for one peer. */
export interface PexOutput {
  readonly peerId: number;
  readonly message: PexMessage;
}

/** A peer that takes ut_pex. */
interface Receiver {
  readonly address: string;
  /** What it believes to be connected to us. BOUNDED: connections of the torrent, and those gone that it is yet to be told. */
  readonly told: Map<string, PexEndpoint>;
  /** Not before, whatever changes. */
  nextMs: number;
  /** Something may have to be told at this time; Infinity: nothing has changed. */
  dueMs: number;
  hasBeenTold: boolean;
}

export class PeerExchange {
  // BOUNDED: connections of the torrent, both.
  readonly #members = new Map<number, PexPeer>();
  readonly #receivers = new Map<number, Receiver>();
  /** Kept until something changes. */
  #deadlineMs: number | undefined;

  /** A peer that we are connected to, where others can connect to it; and later, when its flags have changed. */
  setMember(peerId: number, peer: PexPeer, nowMs: number): void {
    const known = this.#members.get(peerId);
    this.#members.set(peerId, peer);
    // Flags alone are no news.
    if (known === undefined || endpointKey(known) !== endpointKey(peer)) this.#handleChange(nowMs);
  }

  /** A peer that wants to be told. */
  addReceiver(peerId: number, address: string, nowMs: number): void {
    if (this.#receivers.has(peerId)) return;
    const dueMs = nowMs + GATHER_MS;
    this.#receivers.set(peerId, { address, told: new Map(), nextMs: dueMs, dueMs, hasBeenTold: false });
    this.#deadlineMs = undefined;
  }

  /** The connection is over, or the peer wants to be told no longer. */
  remove(peerId: number, nowMs: number): void {
    if (this.#receivers.delete(peerId)) this.#deadlineMs = undefined;
    if (this.#members.delete(peerId)) this.#handleChange(nowMs);
  }

  /** When `poll` may have a message; Infinity when nothing waits to be told. */
  get deadlineMs(): number {
    if (this.#deadlineMs !== undefined) return this.#deadlineMs;
    let deadlineMs = Number.POSITIVE_INFINITY;
    for (const { dueMs } of this.#receivers.values()) deadlineMs = Math.min(deadlineMs, dueMs);
    this.#deadlineMs = deadlineMs;
    return deadlineMs;
  }

  /** A message that is due; call again until there is none. */
  poll(nowMs: number): PexOutput | undefined {
    if (this.deadlineMs > nowMs) return undefined;
    let memberKeys: ReadonlySet<string> | undefined;
    for (const [peerId, receiver] of this.#receivers) {
      if (receiver.dueMs > nowMs) continue;
      this.#deadlineMs = undefined;
      memberKeys ??= new Set([...this.#members.values()].map(endpointKey));
      const message = this.#compose(peerId, receiver, memberKeys);
      receiver.dueMs = Number.POSITIVE_INFINITY;
      if (message === undefined) continue;
      receiver.hasBeenTold = true;
      receiver.nextMs = nowMs + PEX_INTERVAL_MS;
      // The limit may have left something over.
      const isFull = message.added.length >= PEX_PEERS_MAX || message.dropped.length >= PEX_PEERS_MAX;
      if (isFull) receiver.dueMs = receiver.nextMs;
      return { peerId, message };
    }
    return undefined;
  }

  /** Undefined: there is nothing to tell. Who came and went since is told of as neither. */
  #compose(peerId: number, receiver: Receiver, memberKeys: ReadonlySet<string>): PexMessage | undefined {
    const { told, address, hasBeenTold } = receiver;
    const dropped: PexEndpoint[] = [];
    for (const [key, endpoint] of told) {
      if (dropped.length >= PEX_PEERS_MAX) break;
      if (memberKeys.has(key)) continue;
      dropped.push(endpoint);
      told.delete(key);
    }
    const addedMax = hasBeenTold ? PEX_PEERS_MAX : PEX_INITIAL_PEERS_MAX;
    const added: PexPeer[] = [];
    for (const [memberId, member] of this.#members) {
      if (added.length >= addedMax) break;
      const key = endpointKey(member);
      if (memberId === peerId || told.has(key) || !isTellable(member.address, address)) continue;
      added.push(member);
      told.set(key, { address: member.address, port: member.port });
    }
    return added.length + dropped.length === 0 ? undefined : { added, dropped };
  }

  #handleChange(nowMs: number): void {
    this.#deadlineMs = undefined;
    for (const receiver of this.#receivers.values()) {
      receiver.dueMs = Math.min(receiver.dueMs, Math.max(receiver.nextMs, nowMs + GATHER_MS));
    }
  }
}
