// One simulated computer on the network: its addresses, its link, its sockets. It is the `Network` that an engine on
// this host gets. Counts what the checks at the end of a scenario ask for.
import type { Random } from '../../src/base/random.ts';
import type {
  ConnectOptions,
  Endpoint,
  ListenOptions,
  LocalAddress,
  MulticastOptions,
  Network,
  NetworkError,
  TcpListener,
  TcpListenerHandler,
  TcpSocket,
  TcpSocketHandler,
  UdpOptions,
  UdpSocket,
  UdpSocketHandler,
} from '../../src/platform/network.ts';
import { Downlink, type Link, type LinkOptions, type Path, resolveLink, Uplink } from './sim-link.ts';
import { SimSocket, type SocketOwner } from './sim-socket.ts';
import { SimUdpSocket, type UdpRoute } from './sim-udp.ts';
import type { VirtualClock } from './virtual-clock.ts';

const EPHEMERAL_FIRST = 32_768;

/** What a host needs from the network around it. */
export interface World {
  readonly clock: VirtualClock;
  readonly random: Random;
  hostAt(address: string): SimHost | undefined;
  /** The hosts of a local network. */
  hostsOn(lan: string): readonly SimHost[];
  path(from: SimHost, to: SimHost): Path;
  dial(from: SimHost, socket: SimSocket, local: Endpoint, options: ConnectOptions): void;
  sendReset(socket: SimSocket): void;
}

export interface SimHostOptions {
  /** At most one of each family. */
  readonly addresses: readonly string[];
  readonly link?: LinkOptions;
  readonly linkDefaults?: LinkOptions;
  /** Multicast reaches the hosts of the same local network. @defaultValue none */
  readonly lan?: string | undefined;
  /** What a connection from outside meets: nothing in its way, a closed door, or silence (NAT). @defaultValue `'open'` */
  readonly inbound?: 'open' | 'refused' | 'dropped';
}

export class SimHost implements Network, SocketOwner {
  readonly addresses: readonly string[];
  readonly lan: string | undefined;
  readonly uplink: Uplink;
  readonly downlink: Downlink;
  readonly inbound: 'open' | 'refused' | 'dropped';
  /** Its default routers. */
  gatewayAddresses: readonly string[] = [];
  link: Link;
  isUp = true;
  /** Every outgoing connection attempt. */
  readonly dials: { readonly atMs: number; readonly remote: Endpoint }[] = [];
  /** Every multicast sent from this host, for the checks. */
  readonly multicasts: { readonly atMs: number; readonly to: Endpoint; readonly datagram: Uint8Array }[] = [];
  readonly #world: World;
  readonly #linkDefaults: LinkOptions;
  readonly #listeners = new Map<string, TcpListenerHandler>();
  readonly #udpSockets = new Map<string, SimUdpSocket>();
  readonly #sockets = new Set<SimSocket>();
  /** By group and port. */
  readonly #groupSockets = new Map<string, Set<SimUdpSocket>>();
  #nextPort = EPHEMERAL_FIRST;
  #mostSockets = 0;

  constructor(world: World, options: SimHostOptions) {
    this.#world = world;
    this.addresses = options.addresses;
    this.lan = options.lan;
    this.inbound = options.inbound ?? 'open';
    this.#linkDefaults = options.linkDefaults ?? {};
    this.link = resolveLink(options.link, this.#linkDefaults);
    this.uplink = new Uplink(world.clock, () => this.link);
    this.downlink = new Downlink(world.clock, () => this.link);
  }

  get openSocketCount(): number {
    return this.#sockets.size;
  }

  /** The highest `openSocketCount` so far. */
  get mostSockets(): number {
    return this.#mostSockets;
  }

  /** TCP listeners and bound UDP sockets. */
  get openPortCount(): number {
    return this.#listeners.size + this.#udpSockets.size + this.#groupMembers().length;
  }

  setLink(options: LinkOptions): void {
    this.link = resolveLink(options, this.#linkDefaults);
  }

  /** The process on this host is gone; its system closes what it had open. */
  killProcess(): void {
    this.#listeners.clear();
    for (const socket of [...this.#udpSockets.values(), ...this.#groupMembers()]) socket.close();
    for (const socket of [...this.#sockets]) socket.kill();
  }

  /** Power off: nothing is told to anybody. `powerOn` brings the host back, without its sockets. */
  powerOff(): void {
    this.isUp = false;
    this.#listeners.clear();
    for (const socket of [...this.#udpSockets.values(), ...this.#groupMembers()]) socket.close();
    for (const socket of [...this.#sockets]) socket.vanish();
  }

  powerOn(): void {
    this.isUp = true;
  }

  gateways(): readonly string[] {
    return this.gatewayAddresses;
  }

  localAddresses(): readonly LocalAddress[] {
    return [
      { name: 'lo', address: '127.0.0.1', prefixBits: 8 },
      { name: 'lo', address: '::1', prefixBits: 128 },
      ...this.addresses.map((address) => ({ name: 'eth0', address, prefixBits: address.includes(':') ? 64 : 24 })),
    ];
  }

  listenTcp(options: ListenOptions, handler: TcpListenerHandler): TcpListener {
    const { clock } = this.#world;
    const bound = this.#bind(options, this.#listeners);
    if ('code' in bound) {
      const timer = clock.schedule(clock.nowMs, () => handler.handleFailed(bound));
      return { close: () => timer.cancel() };
    }
    const key = keyOf(bound.address, bound.port);
    this.#listeners.set(key, handler);
    const timer = clock.schedule(clock.nowMs, () => handler.handleListening(bound));
    return {
      close: () => {
        timer.cancel();
        if (this.#listeners.get(key) === handler) this.#listeners.delete(key);
      },
    };
  }

  connectTcp(options: ConnectOptions, handler: TcpSocketHandler): TcpSocket {
    const { clock } = this.#world;
    const { remote } = options;
    this.dials.push({ atMs: clock.nowMs, remote });
    const socket = new SimSocket(clock, this, remote, handler);
    this.#hold(socket);
    const address = options.localAddress ?? this.addressTowards(remote.address);
    const error = this.#dialError(options, address);
    if (error !== undefined || address === undefined) {
      clock.schedule(clock.nowMs, () => socket.handleBroken(error ?? unreachable(remote)));
      return socket;
    }
    clock.schedule(clock.nowMs + options.timeoutMs, () => {
      if (socket.local !== undefined) return;
      socket.handleBroken({ code: 'CONNECT_TIMED_OUT', message: `${remote.address} did not answer` });
    });
    this.#world.dial(this, socket, { address, port: this.#ephemeralPort() }, options);
    return socket;
  }

  /** Sockets of this host that joined a group, on the port of what is sent to it. */
  membersOf(group: Endpoint): readonly SimUdpSocket[] {
    return [...(this.#groupSockets.get(keyOf(group.address, group.port)) ?? [])];
  }

  handleMulticast(datagram: Uint8Array, to: Endpoint): readonly UdpRoute[] {
    this.multicasts.push({ atMs: this.#world.clock.nowMs, to, datagram: datagram.slice() });
    const neighbours = this.lan === undefined ? [this as SimHost] : this.#world.hostsOn(this.lan);
    return neighbours.flatMap((host) =>
      host.membersOf(to).map((socket) => ({ path: this.#world.path(this, host), socketFor: () => socket })),
    );
  }

  #joinGroup(options: UdpOptions & { readonly multicast: MulticastOptions }, handler: UdpSocketHandler): UdpSocket {
    const { clock } = this.#world;
    const key = keyOf(options.multicast.group, options.port);
    const members = this.#groupSockets.get(key) ?? new Set();
    this.#groupSockets.set(key, members);
    const { address, port } = options;
    const onClosed = (): boolean => members.delete(socket);
    const socket: SimUdpSocket = new SimUdpSocket({
      clock,
      random: this.#world.random,
      host: this,
      local: { address, port },
      handler,
      onClosed,
    });
    members.add(socket);
    return socket;
  }

  bindUdp(options: UdpOptions, handler: UdpSocketHandler): UdpSocket {
    const { multicast } = options;
    if (multicast !== undefined) return this.#joinGroup({ ...options, multicast }, handler);
    const { clock } = this.#world;
    const bound = this.#bind(options, this.#udpSockets);
    if ('code' in bound) {
      const timer = clock.schedule(clock.nowMs, () => handler.handleFailed(bound));
      return { send: () => {}, close: () => timer.cancel() };
    }
    const key = keyOf(bound.address, bound.port);
    const socket = new SimUdpSocket({
      clock,
      random: this.#world.random,
      host: this,
      local: bound,
      handler,
      onClosed: () => this.#udpSockets.delete(key),
    });
    this.#udpSockets.set(key, socket);
    return socket;
  }

  routeTo(remote: string): UdpRoute | undefined {
    const target = remote === '127.0.0.1' || remote === '::1' ? this : this.#world.hostAt(remote);
    if (target === undefined) return undefined;
    return { path: this.#world.path(this, target), socketFor: (local) => portOwner(target.#udpSockets, local) };
  }

  listenerFor(local: Endpoint): TcpListenerHandler | undefined {
    return portOwner(this.#listeners, local);
  }

  hasListener(handler: TcpListenerHandler): boolean {
    for (const listener of this.#listeners.values()) if (listener === handler) return true;
    return false;
  }

  handleAccepted(socket: SimSocket): void {
    this.#hold(socket);
  }

  handleSocketGone(socket: SimSocket): void {
    this.#sockets.delete(socket);
  }

  sendReset(socket: SimSocket): void {
    this.#world.sendReset(socket);
  }

  #groupMembers(): readonly SimUdpSocket[] {
    return [...this.#groupSockets.values()].flatMap((members) => [...members]);
  }

  #hold(socket: SimSocket): void {
    this.#sockets.add(socket);
    this.#mostSockets = Math.max(this.#mostSockets, this.#sockets.size);
  }

  #bind(options: ListenOptions, taken: ReadonlyMap<string, unknown>): Endpoint | NetworkError {
    const { address } = options;
    if (!isAny(address) && !this.localAddresses().some((entry) => entry.address === address)) {
      return { code: 'ADDRESS_NOT_AVAILABLE', message: `${address} is not an address of this host` };
    }
    const port = options.port === 0 ? this.#ephemeralPort() : options.port;
    if (taken.has(keyOf(address, port))) return { code: 'ADDRESS_IN_USE', message: `port ${port} is taken` };
    return { address, port };
  }

  #dialError(options: ConnectOptions, address: string | undefined): NetworkError | undefined {
    if (address === undefined) return unreachable(options.remote);
    if (options.localAddress === undefined || this.localAddresses().some((entry) => entry.address === address)) {
      return undefined;
    }
    return { code: 'ADDRESS_NOT_AVAILABLE', message: `${address} is not an address of this host` };
  }

  addressTowards(remote: string): string | undefined {
    if (remote === '127.0.0.1' || remote === '::1') return remote;
    return this.addresses.find((address) => address.includes(':') === remote.includes(':'));
  }

  #ephemeralPort(): number {
    return this.#nextPort++;
  }
}

function keyOf(address: string, port: number): string {
  return `${address} ${port}`;
}

function portOwner<Owner>(owners: ReadonlyMap<string, Owner>, local: Endpoint): Owner | undefined {
  const any = local.address.includes(':') ? '::' : '0.0.0.0';
  return owners.get(keyOf(local.address, local.port)) ?? owners.get(keyOf(any, local.port));
}

function isAny(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

function unreachable(remote: Endpoint): NetworkError {
  return { code: 'UNREACHABLE', message: `no address of the family of ${remote.address}` };
}
