// The port mappings of a session: finds the routers of this machine, has each asked for the listening port, and tells what
// came of it. Knows nothing of torrents, nor of how a router is asked.
import type { LocalAddress } from '../../platform/network.ts';
import type { Platform } from '../../platform/platform.ts';
import { GATEWAYS_MAX, PORT_MAPPING_RETRY_MS } from '../../protocol/limits.ts';
import type { MappedProtocol } from '../../protocol/port-mapping/mapped-protocol.ts';
import { scopeOf } from '../../swarm/dial-address.ts';
import { isNeighbour } from '../../swarm/subnet.ts';
import type { PortMappingStats } from '../api.ts';
import type { DeadlineEntry, DeadlineQueue } from '../deadline-queue.ts';
import { Router } from './router.ts';

export interface PortMappingParts {
  readonly platform: Platform;
  readonly deadlines: DeadlineQueue;
  /** An interface's name or an address of it; undefined: every interface. */
  readonly bind: string | undefined;
  readonly protocols: readonly MappedProtocol[];
  /** A mapping stands, or does not any more, or could not be had. */
  handleChange(mapping: PortMappingStats): void;
}

interface AskedRouter {
  readonly router: Router;
  /** What was told of each protocol. */
  readonly told: Map<MappedProtocol, string>;
}

export class PortMapping implements DeadlineEntry {
  readonly #parts: PortMappingParts;
  /** By gateway and our address towards it. BOUNDED: GATEWAYS_MAX. */
  readonly #routers = new Map<string, AskedRouter>();
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
    return [...this.#routers.values()].flatMap(({ router }) =>
      this.#parts.protocols.map((protocol) => this.#statsOf(router, protocol)),
    );
  }

  /** The port under which the Internet reaches the listening one; undefined: it is not known to differ. */
  externalPort(protocol: MappedProtocol): number | undefined {
    for (const { router } of this.#routers.values()) {
      const port = router.gateway.includes(':') ? undefined : router.status(protocol).externalPort;
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
    let open = routers.length;
    if (open === 0) clock.schedule(clock.nowMs(), onClosed);
    for (const { router } of routers) {
      router.release(() => {
        open--;
        if (open === 0) onClosed();
      });
    }
  }

  handleDeadline(nowMs: number): number {
    this.#updateRouters();
    let deadlineMs = nowMs + PORT_MAPPING_RETRY_MS;
    for (const asked of this.#routers.values()) deadlineMs = Math.min(deadlineMs, this.#drive(asked, nowMs));
    return deadlineMs;
  }

  /** It belongs to no torrent: nobody else suffers. */
  handleBug(error: unknown): void {
    this.#parts.platform.log.write('error', `internal bug in port mapping: ${String(error)}`);
    this.#parts.deadlines.remove(this);
  }

  /** Has done what is due and tells what has changed; when to come back. */
  #drive({ router, told }: AskedRouter, nowMs: number): number {
    const deadlineMs = router.drive(nowMs);
    for (const protocol of this.#parts.protocols) {
      const stats = this.#statsOf(router, protocol);
      const text = JSON.stringify(stats);
      if (stats.state === 'asking' || told.get(protocol) === text) continue;
      told.set(protocol, text);
      this.#parts.handleChange(stats);
    }
    return deadlineMs;
  }

  #statsOf(router: Router, protocol: MappedProtocol): PortMappingStats {
    const { gateway } = router;
    return Object.freeze({ gateway, protocol, internalPort: this.#internalPort, ...router.status(protocol) });
  }

  /** Routers come and go with the networks that this machine is in: looked after at each deadline. */
  #updateRouters(): void {
    const { network } = this.#parts.platform;
    const wanted = new Map<string, { readonly gateway: string; readonly local: LocalAddress }>();
    for (const gateway of network.gateways()) {
      const local = this.#addressTowards(gateway);
      if (local !== undefined && wanted.size < GATEWAYS_MAX) {
        wanted.set(`${gateway} ${local.address}`, { gateway, local });
      }
    }
    for (const [key, { router }] of this.#routers) {
      if (wanted.has(key)) continue;
      router.close();
      this.#routers.delete(key);
    }
    for (const [key, { gateway, local }] of wanted) {
      if (!this.#routers.has(key)) this.#open(key, gateway, local);
    }
  }

  /** Ours in the router's network, when there is something to map for it: a public IPv4 address needs no mapping. */
  #addressTowards(gateway: string): LocalAddress | undefined {
    const { bind, platform } = this.#parts;
    const own = platform.network.localAddresses().find((local) => {
      const isUsed = bind === undefined || bind === local.name || bind === local.address || bind === '0.0.0.0';
      return isUsed && scopeOf(local.address) !== 'loopback' && isNeighbour(gateway, [local]);
    });
    const isDirect = own !== undefined && !own.address.includes(':') && scopeOf(own.address) === 'public';
    return isDirect ? undefined : own;
  }

  #open(key: string, gateway: string, local: LocalAddress): void {
    const { deadlines, platform, protocols } = this.#parts;
    const asked: AskedRouter = {
      told: new Map(),
      router: new Router({
        platform,
        gateway,
        local,
        internalPort: this.#internalPort,
        protocols,
        handleInput: () => {
          if (this.#routers.get(key) === asked) deadlines.expedite(this, this.#drive(asked, this.#nowMs()));
        },
        handleFailed: () => {
          if (this.#routers.get(key) === asked) this.#routers.delete(key);
        },
      }),
    };
    this.#routers.set(key, asked);
  }

  #nowMs(): number {
    return this.#parts.platform.clock.nowMs();
  }
}
