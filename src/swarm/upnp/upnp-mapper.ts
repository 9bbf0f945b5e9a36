// The ports of a session mapped by one router over UPnP (IGD 1 and 2): finds the router's devices, reads what they offer, asks
// for each port that nobody else maps, renews it at half of its lifetime and takes it back at the end. Sans-IO: the caller
// does what `poll` gives, one request at a time, and tells what came of it. What a service says of the outer address is
// asked before the ports: one without a connection maps them to nowhere.
import type { Random } from '../../base/random.ts';
import { UPNP_EXCHANGES_MAX } from '../../protocol/limits.ts';
import { decodeDeviceDescription, type UpnpService } from '../../protocol/port-mapping/device-description.ts';
import { type DeviceUrl, formatDeviceUrl } from '../../protocol/port-mapping/device-url.ts';
import type { MappedProtocol } from '../../protocol/port-mapping/mapped-protocol.ts';
import { decodeSoapAnswer, encodeSoapRequest, soapHeaders } from '../../protocol/port-mapping/soap.ts';
import { isUnspecified } from '../../protocol/tracker/compact-peers.ts';
import { normalizeIpAddress } from '../../protocol/tracker/ip-address.ts';
import { type MappingStatus, SILENT_ROUTER } from '../mapping-status.ts';
import { DeviceSearch } from './device-search.ts';
import { UpnpPort, type UpnpQuestion } from './upnp-port.ts';

const STATUS_OK = 200;
/** The status of a refusal (UPnP Device Architecture 1.1, section 3.2.2). */
const STATUS_FAULT = 500;
const NOTHING_MAPPED = 'the router maps no ports';
const NOT_UNDERSTOOD = 'the router does not answer as it should';
const NOT_CONNECTED = 'the router refuses: it has no connection itself';

export interface UpnpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined: it is a GET. */
  readonly body: Uint8Array | undefined;
}

export type UpnpOutput =
  /** For the group of SSDP. */
  | { readonly type: 'search'; readonly datagram: Uint8Array }
  /** Its outcome goes to `handleResponse` or `handleNoResponse`. */
  | { readonly type: 'request'; readonly request: UpnpRequest };

export interface UpnpMapperOptions {
  readonly gateway: string;
  /** Our IPv4 address towards the router, and the leading bits of its network. */
  readonly clientAddress: string;
  readonly prefixBits: number;
  readonly internalPort: number;
  readonly protocols: readonly MappedProtocol[];
  readonly random: Random;
  readonly nowMs: number;
}

/** What is under way over HTTP. */
type Exchange =
  | { readonly type: 'description'; readonly location: DeviceUrl }
  | { readonly type: 'address' }
  | { readonly type: 'mapping'; readonly port: UpnpPort; readonly question: UpnpQuestion };

export class UpnpMapper {
  readonly #options: UpnpMapperOptions;
  readonly #ports: ReadonlyMap<MappedProtocol, UpnpPort>;
  #search: DeviceSearch | undefined;
  #exchange: Exchange | undefined;
  /** Not yet asked. BOUNDED: UPNP_SERVICES_MAX. */
  #services: UpnpService[] = [];
  /** Asked now. */
  #service: UpnpService | undefined;
  /** Undefined: not asked. */
  #address: { readonly external: string | undefined } | undefined;
  /** What the service is still to map. */
  #wanted: UpnpPort[] = [];
  /** What is told when nothing comes of it. */
  #problem = SILENT_ROUTER;
  #exchangeCount = 0;

  constructor(options: UpnpMapperOptions) {
    this.#options = options;
    this.#ports = new Map(options.protocols.map((protocol) => [protocol, new UpnpPort({ protocol, ...options })]));
  }

  status(protocol: MappedProtocol): MappingStatus {
    return this.#ports.get(protocol)!.status;
  }

  /** Answers to searches are of use. */
  get isSearching(): boolean {
    return this.#search !== undefined;
  }

  get deadlineMs(): number {
    if (this.#exchange !== undefined) return Number.POSITIVE_INFINITY;
    if (this.#search !== undefined) return this.#search.deadlineMs;
    return Math.min(
      ...[...this.#ports.values()].map((port) => (port.isNeeded ? port.dueMs : Number.POSITIVE_INFINITY)),
    );
  }

  /** False: the port is mapped in another way. It is asked for as soon as it is not any more. */
  setNeeded(protocol: MappedProtocol, isNeeded: boolean, nowMs: number): void {
    const port = this.#ports.get(protocol);
    if (port === undefined || port.isNeeded === isNeeded) return;
    port.isNeeded = isNeeded;
    if (isNeeded) port.dueMs = nowMs;
    this.#wanted = this.#wanted.filter((wanted) => wanted.isNeeded);
    if (this.#wanted.length === 0) this.#rest();
  }

  /** What to do next; undefined: nothing before `deadlineMs`, or before the request is answered. */
  poll(nowMs: number): UpnpOutput | undefined {
    while (this.#exchange === undefined) {
      if (this.#wanted.length === 0 && !this.#begin(nowMs)) return undefined;
      if (this.#exchangeCount >= UPNP_EXCHANGES_MAX) {
        this.#fail(nowMs);
        continue;
      }
      const request = this.#nextRequest();
      if (request !== undefined) return { type: 'request', request };
      this.#search ??= this.#startSearch(nowMs);
      const location = this.#search.takeDevice(nowMs);
      if (location !== undefined) return { type: 'request', request: this.#askForDescription(location) };
      const datagram = this.#search.poll(nowMs);
      if (datagram !== undefined) return { type: 'search', datagram };
      if (!this.#search.isOver(nowMs)) return undefined;
      this.#fail(nowMs);
    }
    return undefined;
  }

  /** A datagram that came to where searches are sent from. */
  handleDatagram(datagram: Uint8Array, address: string): void {
    this.#search?.handleDatagram(datagram, address);
  }

  handleResponse(status: number, body: Uint8Array, nowMs: number): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    if (exchange === undefined || this.#wanted.length === 0) return;
    if (exchange.type === 'description') {
      const services = status === STATUS_OK ? decodeDeviceDescription(body, exchange.location) : undefined;
      this.#services = [...(services ?? [])];
      if (this.#services.length === 0) this.#problem = services === undefined ? NOT_UNDERSTOOD : NOTHING_MAPPED;
      return;
    }
    const action = exchange.type === 'address' ? 'GetExternalIPAddress' : exchange.question.action;
    const isAnswer = status === STATUS_OK || status === STATUS_FAULT;
    const answer = isAnswer ? decodeSoapAnswer(body, action) : undefined;
    if (exchange.type === 'address') {
      // Not every router tells its address, and a mapping is good without.
      const text = answer?.type === 'done' ? (answer.values.get('NewExternalIPAddress') ?? '') : undefined;
      this.#handleAddress(text);
    } else if (answer === undefined) this.#giveUpService(NOT_UNDERSTOOD);
    else {
      const result = exchange.port.handleAnswer(answer, this.#address?.external, nowMs);
      if (result === 'refused') this.#giveUpService(exchange.port.refusal);
      else if (result === 'mapped') this.#handleMapped(exchange.port);
    }
  }

  /** The request failed: nobody is there, or takes too long. */
  handleNoResponse(): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    if (exchange === undefined || this.#wanted.length === 0) return;
    if (exchange.type === 'description') this.#problem = SILENT_ROUTER;
    else this.#giveUpService(SILENT_ROUTER);
  }

  /** Nothing is asked any more; the caller makes these requests, whatever is under way. They take the mappings back. */
  release(): readonly UpnpRequest[] {
    const farewells = [...this.#ports.values()].flatMap((port) => {
      port.isNeeded = false;
      return port.farewells().map(requestOf);
    });
    this.#rest();
    this.#exchange = undefined;
    return farewells;
  }

  /** Ports that are due begin with the service that has mapped them; false: nothing is due. */
  #begin(nowMs: number): boolean {
    const due = [...this.#ports.values()].filter((port) => port.isNeeded && nowMs >= port.dueMs);
    if (due.length === 0) return false;
    this.#wanted = due;
    this.#problem = SILENT_ROUTER;
    this.#exchangeCount = 0;
    const service = due.map(({ mappedBy }) => mappedBy).find((mappedBy) => mappedBy !== undefined);
    this.#services = service === undefined ? [] : [service];
    return true;
  }

  #startSearch(nowMs: number): DeviceSearch {
    const { gateway, clientAddress, prefixBits } = this.#options;
    return new DeviceSearch(gateway, { address: clientAddress, prefixBits }, nowMs);
  }

  /** For the service at hand, or the next one; undefined: there is none. */
  #nextRequest(): UpnpRequest | undefined {
    if (this.#service === undefined) {
      this.#service = this.#services.shift();
      this.#address = undefined;
      if (this.#service === undefined) return undefined;
      // The search is begun once the service that has mapped a port does not renew it.
      for (const port of this.#wanted) {
        port.begin(this.#service, port.mappedBy === this.#service && this.#search === undefined);
      }
    }
    this.#exchangeCount++;
    if (this.#address === undefined) {
      this.#exchange = { type: 'address' };
      return requestOf({ service: this.#service, action: 'GetExternalIPAddress', values: [] });
    }
    const port = this.#wanted[0]!;
    const question = port.question();
    this.#exchange = { type: 'mapping', port, question };
    return requestOf(question);
  }

  #askForDescription(location: DeviceUrl): UpnpRequest {
    this.#exchangeCount++;
    this.#exchange = { type: 'description', location };
    return { url: formatDeviceUrl(location), headers: {}, body: undefined };
  }

  /** `text`: undefined when the service did not say; empty, or no address in use, when it has no connection. */
  #handleAddress(text: string | undefined): void {
    const external = normalizeIpAddress(text ?? '');
    if (text !== undefined && (external === undefined || isUnspecified(external))) this.#giveUpService(NOT_CONNECTED);
    else this.#address = { external };
  }

  #handleMapped(port: UpnpPort): void {
    this.#wanted = this.#wanted.filter((wanted) => wanted !== port);
    if (this.#wanted.length === 0) this.#rest();
  }

  #giveUpService(problem: string): void {
    this.#problem = problem;
    this.#service = undefined;
  }

  #fail(nowMs: number): void {
    for (const port of this.#wanted) port.handleFailure(this.#problem, nowMs);
    this.#wanted = [];
    this.#rest();
  }

  #rest(): void {
    this.#wanted = [];
    this.#services = [];
    this.#service = undefined;
    this.#search = undefined;
  }
}

function requestOf({ service, action, values }: UpnpQuestion): UpnpRequest {
  return {
    url: formatDeviceUrl(service.controlUrl),
    headers: soapHeaders(service.type, action),
    body: encodeSoapRequest(service.type, action, values),
  };
}
