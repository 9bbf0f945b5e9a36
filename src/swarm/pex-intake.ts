// Peer exchange, the listening half (BEP 11): which of the addresses that a peer tells are worth dialling, and which peers
// tell too much. Every message is a stranger's claim: it must not aim us at a victim, nor push out what others said.
import type { PexEndpoint, PexMessage, PexPeer } from '../protocol/extensions/ut-pex.ts';
import { PEX_SEED } from '../protocol/extensions/ut-pex.ts';
import {
  PEX_INITIAL_PEERS_MAX,
  PEX_PEERS_MAX,
  PEX_RECEIVED_BURST,
  PEX_RECEIVED_INTERVAL_MS,
  PEX_REMEMBERED_MAX,
} from '../protocol/limits.ts';
import { endpointKey, isDialable, isPublic, isTellable } from './dial-address.ts';

/** What a message comes to. */
export interface PexNews {
  /** Addresses to know from now on. */
  readonly found: readonly PexPeer[];
  /** Nobody who is connected to us tells of these any more. */
  readonly withdrawn: readonly PexEndpoint[];
}

export interface PexContext {
  /** Of the peer that tells. */
  readonly address: string;
  /** We have everything ourselves: seeds are of no use. */
  readonly isComplete: boolean;
}

interface Teller {
  // BOUNDED: PEX_REMEMBERED_MAX.
  readonly listed: Set<string>;
  /** How far it is ahead of PEX_RECEIVED_INTERVAL_MS for each message, in ms, at `atMs`. */
  aheadMs: number;
  atMs: number;
  hasTold: boolean;
}

export class PexIntake {
  /** By peer id. BOUNDED: connections of the torrent. */
  readonly #tellers = new Map<number, Teller>();

  /** False: it is one message too many in too short a time. Asked for each, readable or not. */
  countMessage(peerId: number, nowMs: number): boolean {
    let teller = this.#tellers.get(peerId);
    if (teller === undefined) {
      teller = { listed: new Set(), aheadMs: 0, atMs: nowMs, hasTold: false };
      this.#tellers.set(peerId, teller);
    }
    teller.aheadMs = Math.max(0, teller.aheadMs - (nowMs - teller.atMs)) + PEX_RECEIVED_INTERVAL_MS;
    teller.atMs = nowMs;
    return teller.aheadMs <= PEX_RECEIVED_BURST * PEX_RECEIVED_INTERVAL_MS;
  }

  /** After `countMessage` has let it pass. */
  handleMessage(peerId: number, message: PexMessage, context: PexContext): PexNews {
    const teller = this.#tellers.get(peerId)!;
    const perFamilyMax = teller.hasTold ? PEX_PEERS_MAX : PEX_INITIAL_PEERS_MAX;
    teller.hasTold = true;
    const withdrawn = firstOfEachFamily(message.dropped, PEX_PEERS_MAX).filter((endpoint) => {
      const key = endpointKey(endpoint);
      // Only who has told of it can take it back, and only when nobody else tells of it.
      return teller.listed.delete(key) && !this.#isListed(key);
    });
    const found: PexPeer[] = [];
    const addresses = new Set<string>();
    for (const peer of firstOfEachFamily(message.added, perFamilyMax)) {
      if (teller.listed.size >= PEX_REMEMBERED_MAX) break;
      const key = endpointKey(peer);
      if (!isDialable(peer) || !isTellable(peer.address, context.address) || teller.listed.has(key)) continue;
      if (context.isComplete && (peer.flags & PEX_SEED) !== 0) continue;
      // BEP 11, "Security Considerations": one address on many ports is rather a victim than many peers.
      if (isPublic(peer.address) && addresses.has(peer.address)) continue;
      addresses.add(peer.address);
      teller.listed.add(key);
      found.push(peer);
    }
    return { found, withdrawn };
  }

  /** The connection is over. */
  remove(peerId: number): void {
    this.#tellers.delete(peerId);
  }

  #isListed(key: string): boolean {
    for (const { listed } of this.#tellers.values()) if (listed.has(key)) return true;
    return false;
  }
}

function firstOfEachFamily<Contact extends PexEndpoint>(contacts: readonly Contact[], max: number): Contact[] {
  const counts = { v4: 0, v6: 0 };
  return contacts.filter(({ address }) => counts[address.includes(':') ? 'v6' : 'v4']++ < max);
}
