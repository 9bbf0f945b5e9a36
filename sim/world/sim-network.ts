// The simulated Internet: hosts with addresses, the paths between them, partitions, and the making of TCP
// connections. One seed draws every loss, jitter and segment size; everything happens in the virtual clock's order.
import type { Random } from '../../src/base/random.ts';
import { randomFraction } from '../../src/base/random.ts';
import type { ConnectOptions, Endpoint, TcpListenerHandler } from '../../src/platform/network.ts';
import { SimHost, type SimHostOptions, type World } from './sim-host.ts';
import type { LinkOptions, Path } from './sim-link.ts';
import { SimSocket } from './sim-socket.ts';
import { TcpPipe } from './tcp-pipe.ts';
import type { VirtualClock } from './virtual-clock.ts';

const SYN_REPEAT_MS = 1_000;

export class SimNetwork implements World {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly #linkDefaults: LinkOptions;
  readonly #hosts = new Map<string, SimHost>();
  readonly #groupOf = new Map<SimHost, number>();
  readonly #unreachable = new Set<string>();
  readonly #peers = new WeakMap<SimSocket, { readonly other: SimSocket; readonly path: Path }>();

  constructor(clock: VirtualClock, random: Random, linkDefaults: LinkOptions = {}) {
    this.clock = clock;
    this.random = random;
    this.#linkDefaults = linkDefaults;
  }

  addHost(options: Omit<SimHostOptions, 'linkDefaults'>): SimHost {
    const host = new SimHost(this, { ...options, linkDefaults: this.#linkDefaults });
    for (const address of options.addresses) {
      if (this.#hosts.has(address)) throw new RangeError(`two hosts with the address ${address}`);
      this.#hosts.set(address, host);
    }
    return host;
  }

  /** A second address under which the host is found, without the host knowing it. */
  addAlias(host: SimHost, address: string): void {
    this.#hosts.set(address, host);
  }

  hostAt(address: string): SimHost | undefined {
    return this.#hosts.get(address);
  }

  hostsOn(lan: string): readonly SimHost[] {
    return [...new Set(this.#hosts.values())].filter((host) => host.lan === lan);
  }

  /** Hosts of different groups no longer reach each other; hosts in no group reach everybody. */
  partition(...groups: readonly (readonly SimHost[])[]): void {
    this.#groupOf.clear();
    groups.forEach((hosts, index) => {
      for (const host of hosts) this.#groupOf.set(host, index);
    });
  }

  heal(): void {
    this.#groupOf.clear();
  }

  /** Dialling this address is answered with UNREACHABLE instead of silence. */
  setUnreachable(address: string): void {
    this.#unreachable.add(address);
  }

  isCut(from: SimHost, to: SimHost): boolean {
    if (from === to) return !from.isUp;
    if (!from.isUp || !to.isUp) return true;
    const left = this.#groupOf.get(from);
    const right = this.#groupOf.get(to);
    return left !== undefined && right !== undefined && left !== right;
  }

  path(from: SimHost, to: SimHost): Path {
    const network = this;
    return {
      uplink: from.uplink,
      downlink: to.downlink,
      get lossRatio(): number {
        return from === to ? 0 : 1 - Math.sqrt((1 - from.link.lossRatio) * (1 - to.link.lossRatio));
      },
      get segmentMaxBytes(): number {
        return Math.min(from.link.segmentMaxBytes, to.link.segmentMaxBytes);
      },
      get windowBytes(): number {
        return Math.min(from.link.windowBytes, to.link.windowBytes);
      },
      get latencyMs(): number {
        return from === to ? 0.05 : Math.max(0.05, (from.link.latencyMs + to.link.latencyMs) / 2);
      },
      drawLatencyMs(): number {
        const jitterMs = (from.link.jitterMs + to.link.jitterMs) / 2;
        return this.latencyMs + (jitterMs === 0 ? 0 : randomFraction(network.random) * jitterMs);
      },
      isCut: () => network.isCut(from, to),
    };
  }

  /** Sends the first packet of a connection, again and again until something answers or the socket gives up. */
  dial(from: SimHost, socket: SimSocket, local: Endpoint, options: ConnectOptions): void {
    const { remote } = options;
    const to = remote.address === '127.0.0.1' || remote.address === '::1' ? from : this.#hosts.get(remote.address);
    if (this.#unreachable.has(remote.address)) {
      this.clock.schedule(this.clock.nowMs + 1, () => {
        socket.handleBroken({ code: 'UNREACHABLE', message: `no route to ${remote.address}` });
      });
      return;
    }
    if (to === undefined || (to.inbound === 'dropped' && to !== from)) return;
    this.#sendSyn(from, to, socket, local, SYN_REPEAT_MS);
  }

  #sendSyn(from: SimHost, to: SimHost, socket: SimSocket, local: Endpoint, repeatMs: number): void {
    const there = this.path(from, to);
    const isLost = there.isCut() || randomFraction(this.random) < there.lossRatio;
    const nowMs = this.clock.nowMs;
    if (isLost) {
      this.clock.schedule(nowMs + repeatMs, () => {
        if (!socket.isEnded) this.#sendSyn(from, to, socket, local, repeatMs * 2);
      });
      return;
    }
    this.clock.schedule(nowMs + there.drawLatencyMs(), () => this.#handleSyn(from, to, socket, local));
  }

  #handleSyn(from: SimHost, to: SimHost, socket: SimSocket, local: Endpoint): void {
    const { clock } = this;
    const back = this.path(to, from);
    const listener = to.listenerFor(socket.remote);
    if (listener === undefined || to.inbound === 'refused') {
      clock.schedule(clock.nowMs + back.drawLatencyMs(), () => {
        if (back.isCut()) return;
        socket.handleBroken({ code: 'CONNECTION_REFUSED', message: `nobody listens on port ${socket.remote.port}` });
      });
      return;
    }
    clock.schedule(clock.nowMs + back.drawLatencyMs(), () => {
      if (!socket.isEnded && !back.isCut()) this.#join(from, to, socket, local, listener);
    });
  }

  #join(from: SimHost, to: SimHost, socket: SimSocket, local: Endpoint, listener: TcpListenerHandler): void {
    const accepted = new SimSocket(this.clock, to, local);
    const there = this.path(from, to);
    const back = this.path(to, from);
    const outgoing = new TcpPipe(this.clock, this.random, there, socket, accepted);
    const incoming = new TcpPipe(this.clock, this.random, back, accepted, socket);
    this.#peers.set(socket, { other: accepted, path: there });
    this.#peers.set(accepted, { other: socket, path: back });
    this.clock.schedule(this.clock.nowMs + there.latencyMs, () => {
      accepted.handleJoined(socket.remote, incoming, outgoing, { tell: false });
      if (accepted.isEnded) return;
      if (to.hasListener(listener)) {
        to.handleAccepted(accepted);
        listener.handleConnection(accepted);
      } else {
        accepted.destroy();
      }
    });
    socket.handleJoined(local, outgoing, incoming, { tell: true });
  }

  sendReset(socket: SimSocket): void {
    const peer = this.#peers.get(socket);
    if (peer === undefined || peer.path.isCut()) return;
    this.clock.schedule(this.clock.nowMs + peer.path.latencyMs, () => {
      peer.other.handleBroken({ code: 'CONNECTION_RESET', message: 'the peer reset the connection' });
    });
  }
}
