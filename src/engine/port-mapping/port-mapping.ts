// The port mappings of a session: finds the routers of this machine, has one GatewayMapper ask each for the listening port,
// carries their datagrams, and tells what came of it. Knows nothing of torrents.
import { randomBytes } from '../../base/random.ts';
import type { Endpoint, UdpSocket } from '../../platform/network.ts';
import type { Platform } from '../../platform/platform.ts';
import { GATEWAYS_MAX, PORT_MAPPING_RETRY_MS } from '../../protocol/limits.ts';
import { type MappedProtocol, PORT_CONTROL_PORT } from '../../protocol/port-mapping/mapped-protocol.ts';
import { PCP_NONCE_BYTES } from '../../protocol/port-mapping/pcp.ts';
import { scopeOf } from '../../swarm/dial-address.ts';
import { GatewayMapper, type MappingStatus } from '../../swarm/gateway-mapper.ts';
import { isNeighbour } from '../../swarm/subnet.ts';
import type { PortMappingStats } from '../api.ts';
import type { DeadlineEntry, DeadlineQueue } from '../deadline-queue.ts';

/** The farewell is under way for so long before its socket closes; nobody waits for an answer. */
const FAREWELL_MS = 100;

export interface PortMappingParts {
  readonly platform: Platform;
  readonly deadlines: DeadlineQueue;
  /** An interface's name or an address of it; undefined: every interface. */
  readonly bind: string | undefined;
  readonly protocols: readonly MappedProtocol[];
  /** A mapping stands, or does not any more, or could not be had. */
  handleChange(mapping: PortMappingStats): void;
}

/** One router, asked over one socket. */
interface Router {
  readonly gateway: string;
  readonly socket: UdpSocket;
  readonly mappers: ReadonlyMap<MappedProtocol, GatewayMapper>;
  /** What was told of each. */
  readonly told: Map<MappedProtocol, string>;
}

export class PortMapping implements DeadlineEntry {
  readonly #parts: PortMappingParts;
  /** By gateway and our address towards it. BOUNDED: GATEWAYS_MAX. */
  readonly #routers = new Map<string, Router>();
  #internalPort = 0;

  constructor(parts: PortMappingParts) {
    this.#parts = parts;
  }

  /** The session listens. */
  start(internalPort: number): void {
    this.#internalPort = internalPort;
    if (internalPort !== 0) this.#parts.deadlines.expedite(this, this.#nowMs());
  }

  mappings(): readonly PortMappingStats[] {
    return [...this.#routers.values()].flatMap((router) =>
      [...router.mappers].map(([protocol, mapper]) => this.#statsOf(router, protocol, mapper.status)),
    );
  }

  /** The port under which the Internet reaches the listening one; undefined: it is not known to differ. */
  externalPort(protocol: MappedProtocol): number | undefined {
    for (const { gateway, mappers } of this.#routers.values()) {
      const port = gateway.includes(':') ? undefined : mappers.get(protocol)?.status.externalPort;
      if (port !== undefined) return port;
    }
    return undefined;
  }

  /** Tells the routers that the mappings may go; calls back when that is on its way, never synchronously. */
  close(onClosed: () => void): void {
    const { clock } = this.#parts.platform;
    this.#parts.deadlines.remove(this);
    const routers = [...this.#routers.values()];
    this.#routers.clear();
    let isLeaving = false;
    for (const { gateway, socket, mappers } of routers) {
      for (const mapper of mappers.values()) {
        const farewell = mapper.release();
        if (farewell === undefined) continue;
        isLeaving = true;
        socket.send(farewell, { address: gateway, port: PORT_CONTROL_PORT });
      }
    }
    clock.schedule(clock.nowMs() + (isLeaving ? FAREWELL_MS : 0), () => {
      for (const { socket } of routers) socket.close();
      onClosed();
    });
  }

  handleDeadline(nowMs: number): number {
    this.#updateRouters(nowMs);
    let deadlineMs = nowMs + PORT_MAPPING_RETRY_MS;
    for (const router of this.#routers.values()) deadlineMs = Math.min(deadlineMs, this.#drive(router, nowMs));
    return deadlineMs;
  }

  /** It belongs to no torrent: nobody else suffers. */
  handleBug(error: unknown): void {
    this.#parts.platform.log.write('error', `internal bug in port mapping: ${String(error)}`);
    this.#parts.deadlines.remove(this);
  }

  /** Sends what is due and tells what has changed; when to come back. */
  #drive(router: Router, nowMs: number): number {
    let deadlineMs = Number.POSITIVE_INFINITY;
    for (const [protocol, mapper] of router.mappers) {
      for (let question = mapper.poll(nowMs); question !== undefined; question = mapper.poll(nowMs)) {
        router.socket.send(question, { address: router.gateway, port: PORT_CONTROL_PORT });
      }
      deadlineMs = Math.min(deadlineMs, mapper.deadlineMs);
      this.#tell(router, protocol, mapper.status);
    }
    return deadlineMs;
  }

  #handleDatagram(key: string, datagram: Uint8Array, remote: Endpoint): void {
    const router = this.#routers.get(key);
    if (router === undefined || remote.address !== router.gateway || remote.port !== PORT_CONTROL_PORT) return;
    const nowMs = this.#nowMs();
    for (const mapper of router.mappers.values()) mapper.handleDatagram(datagram, nowMs);
    this.#parts.deadlines.expedite(this, this.#drive(router, nowMs));
  }

  #tell(router: Router, protocol: MappedProtocol, status: MappingStatus): void {
    if (status.state === 'asking') return;
    const stats = this.#statsOf(router, protocol, status);
    const text = JSON.stringify(stats);
    if (router.told.get(protocol) === text) return;
    router.told.set(protocol, text);
    this.#parts.handleChange(stats);
  }

  #statsOf(router: Router, protocol: MappedProtocol, status: MappingStatus): PortMappingStats {
    return Object.freeze({ gateway: router.gateway, protocol, internalPort: this.#internalPort, ...status });
  }

  /** Routers come and go with the networks that this machine is in: looked after at each deadline. */
  #updateRouters(nowMs: number): void {
    const { network } = this.#parts.platform;
    const wanted = new Map<string, { readonly gateway: string; readonly clientAddress: string }>();
    for (const gateway of network.gateways()) {
      const clientAddress = this.#addressTowards(gateway);
      if (clientAddress !== undefined && wanted.size < GATEWAYS_MAX) {
        wanted.set(`${gateway} ${clientAddress}`, { gateway, clientAddress });
      }
    }
    for (const [key, { socket }] of this.#routers) {
      if (wanted.has(key)) continue;
      socket.close();
      this.#routers.delete(key);
    }
    for (const [key, { gateway, clientAddress }] of wanted) {
      if (!this.#routers.has(key)) this.#open(key, gateway, clientAddress, nowMs);
    }
  }

  /** Ours in the router's network, when there is something to map for it: a public IPv4 address needs no mapping. */
  #addressTowards(gateway: string): string | undefined {
    const { bind, platform } = this.#parts;
    const own = platform.network.localAddresses().find((local) => {
      const isUsed = bind === undefined || bind === local.name || bind === local.address || bind === '0.0.0.0';
      return isUsed && scopeOf(local.address) !== 'loopback' && isNeighbour(gateway, [local]);
    });
    const isDirect = own !== undefined && !own.address.includes(':') && scopeOf(own.address) === 'public';
    return isDirect ? undefined : own?.address;
  }

  #open(key: string, gateway: string, clientAddress: string, nowMs: number): void {
    const { network, crypto, log } = this.#parts.platform;
    const socket = network.bindUdp(
      { address: clientAddress, port: 0 },
      {
        handleListening: () => {},
        handleDatagram: (datagram, remote) => this.#handleDatagram(key, datagram, remote),
        handleFailed: (error) => {
          log.write('info', `the router ${gateway} cannot be asked for a port: ${error.message}`);
          this.#routers.delete(key);
        },
      },
    );
    const mappers = new Map<MappedProtocol, GatewayMapper>();
    for (const protocol of this.#parts.protocols) {
      const nonce = randomBytes(crypto.random, new Uint8Array(PCP_NONCE_BYTES));
      const mapper = new GatewayMapper({ protocol, internalPort: this.#internalPort, clientAddress, nonce, nowMs });
      mappers.set(protocol, mapper);
    }
    this.#routers.set(key, { gateway, socket, mappers, told: new Map() });
  }

  #nowMs(): number {
    return this.#parts.platform.clock.nowMs();
  }
}
