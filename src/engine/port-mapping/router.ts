// One router of this machine, asked for the ports of a session in every way at once: by PCP and NAT-PMP over one socket, by
// UPnP beside it where it is IPv4. What UPnP finds is not used where the others have mapped the port: two mappings of one port may
// be one to the router, and taking back one would end both. Mappings are given back together, at the end.
import { randomBytes } from '../../base/random.ts';
import type { Endpoint, LocalAddress, UdpSocket } from '../../platform/network.ts';
import type { Platform } from '../../platform/platform.ts';
import { type MappedProtocol, PORT_CONTROL_PORT } from '../../protocol/port-mapping/mapped-protocol.ts';
import { PCP_NONCE_BYTES } from '../../protocol/port-mapping/pcp.ts';
import { GatewayMapper } from '../../swarm/gateway-mapper.ts';
import { bestMapping, type MappingStatus } from '../../swarm/mapping-status.ts';
import { UpnpClient } from './upnp-client.ts';

/** The farewell is under way for so long before its socket closes; nobody waits for an answer. */
const FAREWELL_MS = 100;

export interface RouterParts {
  readonly platform: Platform;
  readonly gateway: string;
  /** Ours, in the network that the router is in. */
  readonly local: LocalAddress;
  readonly internalPort: number;
  readonly protocols: readonly MappedProtocol[];
  /** Something has arrived: `drive` is due. */
  handleInput(): void;
  /** It cannot be asked: of no use any more. */
  handleFailed(): void;
}

export class Router {
  readonly gateway: string;
  readonly #parts: RouterParts;
  readonly #socket: UdpSocket;
  readonly #mappers: ReadonlyMap<MappedProtocol, GatewayMapper>;
  readonly #upnp: UpnpClient | undefined;

  constructor(parts: RouterParts) {
    const { gateway, internalPort, local, platform, protocols } = parts;
    const clientAddress = local.address;
    const nowMs = platform.clock.nowMs();
    this.#parts = parts;
    this.gateway = gateway;
    this.#socket = platform.network.bindUdp(
      { address: clientAddress, port: 0 },
      {
        handleListening: () => {},
        handleDatagram: (datagram, remote) => this.#handleDatagram(datagram, remote),
        handleFailed: (error) => {
          platform.log.write('info', `the router ${gateway} cannot be asked for a port: ${error.message}`);
          this.#upnp?.close();
          parts.handleFailed();
        },
      },
    );
    this.#mappers = new Map(
      protocols.map((protocol) => {
        const nonce = randomBytes(platform.crypto.random, new Uint8Array(PCP_NONCE_BYTES));
        return [protocol, new GatewayMapper({ protocol, internalPort, clientAddress, nonce, nowMs })];
      }),
    );
    const { prefixBits } = local;
    if (!clientAddress.includes(':')) this.#upnp = new UpnpClient({ ...parts, clientAddress, prefixBits });
  }

  /** Sends what is due; when to come back. */
  drive(nowMs: number): number {
    let deadlineMs = Number.POSITIVE_INFINITY;
    for (const [protocol, mapper] of this.#mappers) {
      for (let question = mapper.poll(nowMs); question !== undefined; question = mapper.poll(nowMs)) {
        this.#socket.send(question, { address: this.gateway, port: PORT_CONTROL_PORT });
      }
      deadlineMs = Math.min(deadlineMs, mapper.deadlineMs);
      this.#upnp?.setNeeded(protocol, mapper.status.state !== 'mapped', nowMs);
    }
    return Math.min(deadlineMs, this.#upnp?.drive(nowMs) ?? deadlineMs);
  }

  status(protocol: MappedProtocol): MappingStatus {
    const status = this.#mappers.get(protocol)!.status;
    return this.#upnp === undefined ? status : bestMapping(status, this.#upnp.status(protocol));
  }

  /** Tells the router that the mappings may go; calls back when that is on its way, never synchronously. */
  release(onReleased: () => void): void {
    const { clock } = this.#parts.platform;
    let isLeaving = false;
    for (const mapper of this.#mappers.values()) {
      const farewell = mapper.release();
      if (farewell === undefined) continue;
      isLeaving = true;
      this.#socket.send(farewell, { address: this.gateway, port: PORT_CONTROL_PORT });
    }
    const handleTold = (): void => {
      clock.schedule(clock.nowMs() + (isLeaving ? FAREWELL_MS : 0), () => {
        this.#socket.close();
        onReleased();
      });
    };
    if (this.#upnp === undefined) handleTold();
    else this.#upnp.release(handleTold);
  }

  /** Nothing is sent or heard any more; mappings stay. */
  close(): void {
    this.#socket.close();
    this.#upnp?.close();
  }

  #handleDatagram(datagram: Uint8Array, remote: Endpoint): void {
    if (remote.address !== this.gateway || remote.port !== PORT_CONTROL_PORT) return;
    const nowMs = this.#parts.platform.clock.nowMs();
    for (const mapper of this.#mappers.values()) mapper.handleDatagram(datagram, nowMs);
    this.#parts.handleInput();
  }
}
