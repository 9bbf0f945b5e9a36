// Local service discovery of a session (BEP 14): announces its torrents to the multicast groups on every interface, and hands
// the neighbours that announce the same ones to them. It is never answered but by connecting. When to announce is the
// schedule's; a torrent joins and leaves by itself, a private one never joins.
import { bytesToHex } from '../../base/bytes.ts';
import { randomBytes } from '../../base/random.ts';
import type { Endpoint, LocalAddress, UdpSocket } from '../../platform/network.ts';
import type { Platform } from '../../platform/platform.ts';
import { LSD_INTERFACES_MAX, LSD_RECEIVED_PER_SECOND } from '../../protocol/limits.ts';
import {
  decodeLsdAnnounce,
  encodeLsdAnnounce,
  LSD_GROUP_V4,
  LSD_GROUP_V6,
  LSD_PORT,
} from '../../protocol/lsd/lsd-announce.ts';
import { isDialable, scopeOf } from '../../swarm/dial-address.ts';
import { LocalAnnounces } from '../../swarm/local-announces.ts';
import type { PeerSource } from '../../swarm/peer-source.ts';
import { isNeighbour } from '../../swarm/subnet.ts';
import type { DeadlineEntry, DeadlineQueue } from '../deadline-queue.ts';

const SECOND_MS = 1_000;
const COOKIE_BYTES = 8;
/** The local network alone: who is further away is not believed either. */
const HOPS_MAX = 1;

/** A torrent that is announced. */
export interface LocalSwarm {
  /** 20 bytes each. */
  swarmHashes(): readonly Uint8Array[];
  addPeers(endpoints: readonly Endpoint[], source: PeerSource): void;
}

export interface LocalDiscoveryParts {
  readonly platform: Platform;
  readonly deadlines: DeadlineQueue;
  /** An interface's name or an address of it; undefined: every interface. */
  readonly bind: string | undefined;
  /** The port that peers can reach us at; 0 when nothing listens. */
  listenPort(): number;
}

interface Group {
  readonly address: string;
  readonly socket: UdpSocket;
}

export class LocalDiscovery implements DeadlineEntry {
  readonly #parts: LocalDiscoveryParts;
  readonly #cookie: string;
  readonly #announces = new LocalAnnounces();
  /** By info-hash in hexadecimal. BOUNDED: torrents of the session. */
  readonly #swarms = new Map<string, LocalSwarm>();
  /** By family and interface. BOUNDED: LSD_INTERFACES_MAX of each family. */
  readonly #groups = new Map<string, Group>();
  #receivedInSecond = 0;
  #secondMs = Number.NEGATIVE_INFINITY;

  constructor(parts: LocalDiscoveryParts) {
    this.#parts = parts;
    this.#cookie = bytesToHex(randomBytes(parts.platform.crypto.random, new Uint8Array(COOKIE_BYTES)));
  }

  /** Idempotent. */
  add(swarm: LocalSwarm): void {
    const nowMs = this.#nowMs();
    for (const infoHash of swarm.swarmHashes()) {
      this.#swarms.set(bytesToHex(infoHash), swarm);
      this.#announces.add(infoHash, nowMs);
    }
    if (this.#groups.size === 0) this.#updateGroups();
    this.#parts.deadlines.expedite(this, this.#announces.deadlineMs);
  }

  /** Idempotent. */
  remove(swarm: LocalSwarm): void {
    for (const infoHash of swarm.swarmHashes()) {
      const key = bytesToHex(infoHash);
      if (this.#swarms.get(key) !== swarm) continue;
      this.#swarms.delete(key);
      this.#announces.remove(infoHash);
    }
    if (this.#swarms.size === 0) this.close();
  }

  /** Nothing is sent or heard any more, until a torrent joins again. */
  close(): void {
    this.#swarms.clear();
    this.#parts.deadlines.remove(this);
    for (const { socket } of this.#groups.values()) socket.close();
    this.#groups.clear();
  }

  handleDeadline(nowMs: number): number {
    const port = this.#parts.listenPort();
    for (let hashes = this.#announces.poll(nowMs); hashes !== undefined; hashes = this.#announces.poll(nowMs)) {
      // Interfaces come and go: seen to with each announce.
      this.#updateGroups();
      if (port === 0) continue;
      for (const { address, socket } of this.#groups.values()) {
        const announce = encodeLsdAnnounce({ port, infoHashes: hashes, cookie: this.#cookie }, address);
        socket.send(announce, { address, port: LSD_PORT });
      }
    }
    return this.#announces.deadlineMs;
  }

  /** It belongs to no torrent: nobody else suffers. */
  handleBug(error: unknown): void {
    this.#parts.platform.log.write('error', `internal bug in local discovery: ${String(error)}`);
    this.close();
  }

  #handleDatagram(datagram: Uint8Array, remote: Endpoint): void {
    const nowMs = this.#nowMs();
    if (nowMs - this.#secondMs >= SECOND_MS) {
      this.#secondMs = nowMs;
      this.#receivedInSecond = 0;
    }
    if (++this.#receivedInSecond > LSD_RECEIVED_PER_SECOND) return;
    const announce = decodeLsdAnnounce(datagram);
    if (announce === undefined || announce.cookie === this.#cookie) return;
    // A link-local IPv6 address cannot be connected to without its interface; the sender has another one, or IPv4.
    if (remote.address.includes(':') && scopeOf(remote.address) === 'link-local') return;
    if (!isNeighbour(remote.address, this.#parts.platform.network.localAddresses())) return;
    const endpoint = { address: remote.address, port: announce.port };
    if (!isDialable(endpoint)) return;
    const found = new Set<LocalSwarm>();
    for (const infoHash of announce.infoHashes) {
      const swarm = this.#swarms.get(bytesToHex(infoHash));
      if (swarm !== undefined) found.add(swarm);
    }
    for (const swarm of found) swarm.addPeers([endpoint], 'lsd');
  }

  /** Joins the groups on interfaces that are new, and leaves those that are gone. */
  #updateGroups(): void {
    const wanted = new Map<string, { readonly name: string; readonly isV6: boolean }>();
    for (const local of this.#parts.platform.network.localAddresses()) {
      const isV6 = local.address.includes(':');
      if (this.#isUsed(local)) wanted.set(`${isV6 ? 6 : 4} ${local.name}`, { name: local.name, isV6 });
    }
    for (const [key, { socket }] of this.#groups) {
      if (wanted.has(key)) continue;
      socket.close();
      this.#groups.delete(key);
    }
    for (const [key, { name, isV6 }] of wanted) {
      if (!this.#groups.has(key) && this.#groups.size < 2 * LSD_INTERFACES_MAX) this.#join(key, name, isV6);
    }
  }

  #isUsed({ name, address }: LocalAddress): boolean {
    const { bind } = this.#parts;
    if (scopeOf(address) === 'loopback') return false;
    return bind === undefined || bind === name || bind === address || bind === '0.0.0.0' || bind === '::';
  }

  #join(key: string, interfaceName: string, isV6: boolean): void {
    const { network, log } = this.#parts.platform;
    const address = isV6 ? LSD_GROUP_V6 : LSD_GROUP_V4;
    const multicast = { group: address, interfaceName, hopsMax: HOPS_MAX };
    const socket = network.bindUdp(
      { address: isV6 ? '::' : '0.0.0.0', port: LSD_PORT, multicast },
      {
        handleListening: () => {},
        handleDatagram: (datagram, remote) => this.#handleDatagram(datagram, remote),
        handleFailed: (error) => {
          // Tried again with a later announce.
          if (this.#groups.get(key)?.socket === socket) this.#groups.delete(key);
          log.write('info', `no local discovery over IPv${isV6 ? 6 : 4} on ${interfaceName}: ${error.message}`);
        },
      },
    );
    this.#groups.set(key, { address, socket });
  }

  #nowMs(): number {
    return this.#parts.platform.clock.nowMs();
  }
}
