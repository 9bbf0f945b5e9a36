// A simulated UDP socket: datagrams may be lost, overtake each other, be dropped by a full queue or by a NAT.
import { type Random, randomFraction } from '../../src/base/random.ts';
import type { Endpoint, UdpSocket, UdpSocketHandler } from '../../src/platform/network.ts';
import type { Path, Uplink } from './sim-link.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** What waits to be sent from one socket before more is dropped. */
const QUEUE_BYTES_MAX = 262_144;
const DATAGRAM_MAX_BYTES = 65_507;
const SPOILED = 0xdb;

export interface UdpHost {
  readonly uplink: Uplink;
  readonly inbound: 'open' | 'refused' | 'dropped';
  addressTowards(remote: string): string | undefined;
  /** The ways to those who joined a group. */
  handleMulticast(datagram: Uint8Array, to: Endpoint): readonly UdpRoute[];
  /** The way to the host with that address, when there is one. */
  routeTo(remote: string): UdpRoute | undefined;
}

export interface UdpRoute {
  readonly path: Path;
  socketFor(local: Endpoint): SimUdpSocket | undefined;
}

export interface SimUdpSocketOptions {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly host: UdpHost;
  readonly local: Endpoint;
  readonly handler: UdpSocketHandler;
  readonly onClosed: () => void;
}

export class SimUdpSocket implements UdpSocket {
  readonly #options: SimUdpSocketOptions;
  /** Remote endpoints written to: what a NAT lets in. */
  readonly #contacted = new Set<string>();
  #queuedBytes = 0;
  #isClosed = false;

  constructor(options: SimUdpSocketOptions) {
    this.#options = options;
    options.clock.schedule(options.clock.nowMs, () => {
      if (!this.#isClosed) options.handler.handleListening(options.local);
    });
  }

  send(datagram: Uint8Array, remote: Endpoint): void {
    const { host, local } = this.#options;
    const { address, port } = local;
    const source = address === '0.0.0.0' || address === '::' ? host.addressTowards(remote.address) : address;
    if (this.#isClosed || datagram.length > DATAGRAM_MAX_BYTES || source === undefined) return;
    this.#contacted.add(`${remote.address} ${remote.port}`);
    if (this.#queuedBytes + datagram.length > QUEUE_BYTES_MAX) return;
    this.#queuedBytes += datagram.length;
    let copy: Uint8Array | undefined = datagram.slice();
    host.uplink.offer({
      nextDeparture: () => {
        const bytes = copy;
        copy = undefined;
        if (bytes === undefined) return undefined;
        return { lengthBytes: bytes.length, handleDeparted: () => this.#fly(bytes, { address: source, port }, remote) };
      },
    });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#options.onClosed();
  }

  #fly(datagram: Uint8Array, from: Endpoint, to: Endpoint): void {
    this.#queuedBytes -= datagram.length;
    const { host } = this.#options;
    if (isMulticast(to.address)) {
      for (const route of host.handleMulticast(datagram, to)) this.#arrive(route, datagram.slice(), from, to);
      return;
    }
    const route = host.routeTo(to.address);
    if (route !== undefined) this.#arrive(route, datagram, from, to);
  }

  #arrive(route: UdpRoute, datagram: Uint8Array, from: Endpoint, to: Endpoint): void {
    const { clock, random } = this.#options;
    const { path } = route;
    if (randomFraction(random) < path.lossRatio) return;
    clock.schedule(clock.nowMs + path.drawLatencyMs(), () => {
      if (path.isCut()) return;
      const doneAtMs = path.downlink.accept(datagram.length);
      if (doneAtMs === undefined) return;
      clock.schedule(doneAtMs, () => route.socketFor(to)?.handleDatagram(datagram, from));
    });
  }

  handleDatagram(datagram: Uint8Array, from: Endpoint): void {
    if (this.#isClosed) return;
    if (this.#options.host.inbound !== 'open' && !this.#contacted.has(`${from.address} ${from.port}`)) return;
    this.#options.handler.handleDatagram(datagram, from);
    datagram.fill(SPOILED);
  }
}

function isMulticast(address: string): boolean {
  if (address.includes(':')) return address.startsWith('ff');
  const first = Number(address.split('.')[0]);
  return first >= 224 && first < 240;
}
