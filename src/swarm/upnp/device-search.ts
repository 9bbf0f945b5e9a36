// One search for the UPnP devices around a router: when to ask, whom to believe, and which device to look at first. Sans-IO: the
// caller sends what `poll` gives to the group of SSDP from one address, and passes on what comes back to it. Only the router
// itself and neighbours of that address are believed; the router's own devices come first and never lack room.
import { SSDP_NEIGHBOUR_ANSWERS_MAX, UPNP_DEVICES_MAX } from '../../protocol/limits.ts';
import { type DeviceUrl, formatDeviceUrl, parseDeviceUrl } from '../../protocol/port-mapping/device-url.ts';
import {
  decodeSsdpAnswer,
  encodeSsdpSearch,
  SSDP_ANSWER_SECONDS,
  SSDP_TARGETS,
} from '../../protocol/port-mapping/ssdp.ts';
import { isNeighbour, type OwnNetwork } from '../subnet.ts';

/** The question is sent at these times after the beginning: datagrams get lost. */
const ROUNDS_MS = [0, 1_000, 3_000] as const;
/** Devices take up to SSDP_ANSWER_SECONDS for an answer, and a little more. */
const END_MS = ROUNDS_MS[2] + SSDP_ANSWER_SECONDS * 1_000 + 500;

export class DeviceSearch {
  readonly #gateway: string;
  readonly #network: OwnNetwork;
  readonly #startMs: number;
  /** By address of the description. BOUNDED: UPNP_DEVICES_MAX. */
  readonly #devices = new Map<string, { readonly url: DeviceUrl; isTaken: boolean }>();
  #sentCount = 0;
  #neighbourAnswerCount = 0;

  /** `network`: our address towards the router. */
  constructor(gateway: string, network: OwnNetwork, nowMs: number) {
    this.#gateway = gateway;
    this.#network = network;
    this.#startMs = nowMs;
  }

  get deadlineMs(): number {
    const round = ROUNDS_MS[Math.floor(this.#sentCount / SSDP_TARGETS.length)];
    return this.#startMs + (round ?? END_MS);
  }

  /** Nobody is waited for any more. */
  isOver(nowMs: number): boolean {
    return nowMs >= this.#startMs + END_MS;
  }

  /** The next datagram for the group. */
  poll(nowMs: number): Uint8Array | undefined {
    if (nowMs < this.deadlineMs || this.isOver(nowMs)) return undefined;
    const target = SSDP_TARGETS[this.#sentCount % SSDP_TARGETS.length]!;
    this.#sentCount++;
    return encodeSsdpSearch(target);
  }

  handleDatagram(datagram: Uint8Array, address: string): void {
    const isGateway = address === this.#gateway;
    if (!isGateway && !isNeighbour(address, [this.#network])) return;
    if (!isGateway && ++this.#neighbourAnswerCount > SSDP_NEIGHBOUR_ANSWERS_MAX) return;
    const url = parseDeviceUrl(decodeSsdpAnswer(datagram) ?? '');
    if (url?.host !== address) return;
    const key = formatDeviceUrl(url);
    if (this.#devices.has(key) || !this.#hasRoom(isGateway)) return;
    this.#devices.set(key, { url, isTaken: false });
  }

  /** The next device to look at, each once: the router's own as soon as they are known, others when the search is over. */
  takeDevice(nowMs: number): DeviceUrl | undefined {
    const waiting = [...this.#devices.values()].filter(({ isTaken }) => !isTaken);
    const own = waiting.find(({ url }) => url.host === this.#gateway);
    const device = own ?? (this.isOver(nowMs) ? waiting[0] : undefined);
    if (device === undefined) return undefined;
    device.isTaken = true;
    return device.url;
  }

  /** The router's own devices push out others. */
  #hasRoom(isGateway: boolean): boolean {
    if (this.#devices.size < UPNP_DEVICES_MAX) return true;
    if (!isGateway) return false;
    for (const [key, { url }] of this.#devices) {
      if (url.host !== this.#gateway) return this.#devices.delete(key);
    }
    return false;
  }
}
