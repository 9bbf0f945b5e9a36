// One computer of a crowd on its network: address, place, links, listeners. It is the `Network` that its engine gets.
import { type Random, randomFraction } from '../../src/base/random.ts';
import type {
  ConnectOptions,
  ListenOptions,
  LocalAddress,
  Network,
  TcpListener,
  TcpListenerHandler,
  TcpSocket,
  TcpSocketHandler,
  UdpSocket,
  UdpSocketHandler,
} from '../../src/platform/network.ts';
import { Downlink, Uplink } from './crowd-link.ts';
import { BlockScratch, type BlockSource, type BlocksMessage } from './crowd-message.ts';
import { CrowdSocket } from './crowd-socket.ts';
import { CallEvent, type EventWheel } from './event-wheel.ts';

/** Light in fibre, with the detours of real routes: one unit of the plane is one millisecond. */
const LATENCY_MIN_MS = 1;

export interface CrowdHostOptions {
  readonly address: string;
  readonly uploadBytesPerSecond: number;
  readonly downloadBytesPerSecond: number;
  /** Cannot be dialled. */
  readonly isBehindNat: boolean;
  /** Where it stands; distances are milliseconds, one way. */
  readonly place: { readonly x: number; readonly y: number };
  /** Added to each distance, one way: the line to the house. */
  readonly accessMs: number;
  /** Share of the blocks that it sends with other bytes than the torrent's. */
  readonly badBlockRatio: number;
  /** Lets nobody fetch anything while choked. */
  readonly withholdsAllowedFast: boolean;
  readonly random: Random;
}

export class CrowdNetwork {
  readonly wheel: EventWheel;
  readonly scratch: BlockScratch = new BlockScratch();
  /** Blocks of one connection that an uplink sends before it is the next one's turn. More is less work, and coarser. */
  readonly blocksPerTurn: number;
  readonly #hosts = new Map<string, CrowdHost>();

  constructor(wheel: EventWheel, blocksPerTurn: number) {
    this.wheel = wheel;
    this.blocksPerTurn = blocksPerTurn;
  }

  addHost(options: CrowdHostOptions): CrowdHost {
    const host = new CrowdHost(this, options);
    this.#hosts.set(options.address, host);
    return host;
  }

  hostAt(address: string): CrowdHost | undefined {
    return this.#hosts.get(address);
  }
}

export class CrowdHost implements Network, BlockSource {
  readonly wheel: EventWheel;
  readonly scratch: BlockScratch;
  readonly blocksPerTurn: number;
  readonly address: string;
  readonly uplink: Uplink;
  readonly downlink: Downlink;
  readonly options: CrowdHostOptions;
  /** The blocks that its engine is being handed just now. */
  arriving: BlocksMessage | undefined = undefined;
  readonly #network: CrowdNetwork;
  readonly #sockets = new Set<CrowdSocket>();
  #listener: TcpListenerHandler | undefined;
  #listenPort = 0;
  #nextPort = 32_768;
  badBlockCount = 0;

  constructor(network: CrowdNetwork, options: CrowdHostOptions) {
    this.#network = network;
    this.options = options;
    this.wheel = network.wheel;
    this.scratch = network.scratch;
    this.blocksPerTurn = network.blocksPerTurn;
    this.address = options.address;
    this.uplink = new Uplink(network.wheel, options.uploadBytesPerSecond);
    this.downlink = new Downlink(options.downloadBytesPerSecond);
  }

  get openSocketCount(): number {
    return this.#sockets.size;
  }

  /** One way, in ms. */
  latencyTo(other: CrowdHost): number {
    const { place, accessMs } = this.options;
    const distanceMs = Math.hypot(place.x - other.options.place.x, place.y - other.options.place.y);
    return Math.max(LATENCY_MIN_MS, distanceMs + accessMs + other.options.accessMs);
  }

  /** Which of the next blocks that it sends are bad ones: one bit a block. */
  drawBadBits(blockCount: number): number {
    const { badBlockRatio, random } = this.options;
    if (badBlockRatio === 0) return 0;
    let bits = 0;
    for (let i = 0; i < blockCount; i++) {
      if (randomFraction(random) < badBlockRatio) bits |= 1 << i;
    }
    return bits;
  }

  gateways(): readonly string[] {
    return [];
  }

  localAddresses(): readonly LocalAddress[] {
    return [{ name: 'eth0', address: this.address, prefixBits: 24 }];
  }

  listenTcp({ address, port }: ListenOptions, handler: TcpListenerHandler): TcpListener {
    const isV6 = address.includes(':');
    const event = new CallEvent(() => {
      if (isV6) {
        handler.handleFailed({ code: 'ADDRESS_NOT_AVAILABLE', message: 'this network has IPv4 only' });
        return;
      }
      this.#listener = handler;
      this.#listenPort = port;
      handler.handleListening({ address, port });
    });
    this.wheel.schedule(0, event);
    return {
      close: () => {
        event.cancel();
        if (this.#listener === handler) this.#listener = undefined;
      },
    };
  }

  connectTcp({ remote, timeoutMs }: ConnectOptions, handler: TcpSocketHandler): TcpSocket {
    const socket = new CrowdSocket(this, remote, handler);
    this.#sockets.add(socket);
    const { wheel } = this;
    const to = this.#network.hostAt(remote.address);
    if (to === undefined || to.options.isBehindNat) {
      this.#after(timeoutMs, () =>
        socket.handleBroken({ code: 'CONNECT_TIMED_OUT', message: `${remote.address} did not answer` }),
      );
      return socket;
    }
    const latencyMs = this.latencyTo(to);
    this.#after(2 * latencyMs, () => {
      if (socket.isEnded) return;
      const listener = to.#listener;
      if (listener === undefined || to.#listenPort !== remote.port) {
        socket.handleBroken({ code: 'CONNECTION_REFUSED', message: `nobody listens on port ${remote.port}` });
        return;
      }
      const local = { address: this.address, port: this.#nextPort++ };
      const accepted = new CrowdSocket(to, local);
      to.#sockets.add(accepted);
      accepted.join(socket, remote, latencyMs);
      socket.join(accepted, local, latencyMs);
      wheel.schedule(wheel.nowMs + latencyMs, new CallEvent(() => to.#accept(accepted)));
      socket.handleConnected();
    });
    return socket;
  }

  bindUdp(_options: ListenOptions, handler: UdpSocketHandler): UdpSocket {
    this.#after(0, () => handler.handleFailed({ code: 'ADDRESS_NOT_AVAILABLE', message: 'this network has no UDP' }));
    return { send: () => {}, close: () => {} };
  }

  handleSocketGone(socket: CrowdSocket): void {
    this.#sockets.delete(socket);
  }

  #accept(socket: CrowdSocket): void {
    if (socket.isEnded) return;
    if (this.#listener === undefined) socket.destroy();
    else this.#listener.handleConnection(socket);
  }

  #after(delayMs: number, callback: () => void): void {
    this.wheel.schedule(this.wheel.nowMs + delayMs, new CallEvent(callback));
  }
}
