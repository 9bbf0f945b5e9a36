// One port that UPnP is to map: how to ask a service for it, and what to try when it says no. IGD version 2 may choose another
// port by itself; version 1 is asked for others at random where ours is taken. Some routers know no end of a mapping (error
// 725), or say so in other words: those are asked for one that stays, which is renewed and taken back like any other.
import { type Random, randomBelow } from '../../base/random.ts';
import { PORT_MAPPING_LIFETIME_SECONDS, PORT_MAPPING_RETRY_MS, UPNP_ATTEMPTS_MAX } from '../../protocol/limits.ts';
import type { UpnpService } from '../../protocol/port-mapping/device-description.ts';
import { formatDeviceUrl } from '../../protocol/port-mapping/device-url.ts';
import type { MappedProtocol } from '../../protocol/port-mapping/mapped-protocol.ts';
import type { SoapAnswer, SoapArguments, UpnpAction } from '../../protocol/port-mapping/soap.ts';
import type { MappingStatus } from '../mapping-status.ts';

const SECOND_MS = 1_000;
const DESCRIPTION = 'Millrace';
/** Ports that nobody has a claim to (RFC 6335). */
const FREE_PORT_FIRST = 49_152;
const FREE_PORT_COUNT = 16_384;

const INVALID_ACTION = 401;
const INVALID_ARGUMENTS = 402;
const ACTION_FAILED = 501;
const OPTIONAL_ACTION = 602;
const CONFLICT = 718;
const PERMANENT_ONLY = 725;
const CONFLICT_WITH_OTHERS = 729;

export interface UpnpPortOptions {
  readonly protocol: MappedProtocol;
  readonly internalPort: number;
  /** Ours: where the router sends what comes to the port. */
  readonly clientAddress: string;
  readonly random: Random;
  readonly nowMs: number;
}

export interface UpnpQuestion {
  readonly service: UpnpService;
  readonly action: UpnpAction;
  readonly values: SoapArguments;
}

interface Mapping {
  readonly service: UpnpService;
  readonly externalPort: number;
  readonly externalAddress: string | undefined;
}

export class UpnpPort {
  readonly #options: UpnpPortOptions;
  #state: MappingStatus['state'] = 'asking';
  #message: string | undefined;
  /** The last mapping that was given; it stands while the state is `mapped`, and may do so for longer. */
  #standing: Mapping | undefined;
  /** What the service that is asked has not answered: perhaps it has been done. */
  #unanswered: Mapping | undefined;
  #asked: UpnpService | undefined;
  #isRenewal = false;
  #externalPort: number;
  #lifetimeSeconds = PORT_MAPPING_LIFETIME_SECONDS;
  #isAnyPortWelcome = false;
  #attemptCount = 0;
  #expiresMs = Number.NEGATIVE_INFINITY;
  /** When it is to be asked for, again or at all. */
  dueMs: number;
  /** Nobody else maps it. */
  isNeeded = true;
  /** Why the service that was asked last refuses. */
  refusal = '';

  constructor(options: UpnpPortOptions) {
    this.#options = options;
    this.#externalPort = options.internalPort;
    this.dueMs = options.nowMs;
  }

  get status(): MappingStatus {
    const mapping = this.#state === 'mapped' ? this.#standing : undefined;
    return {
      state: this.#state,
      method: 'upnp',
      externalPort: mapping?.externalPort,
      externalAddress: mapping?.externalAddress,
      message: this.#message,
    };
  }

  /** The service that has mapped it. */
  get mappedBy(): UpnpService | undefined {
    return this.#state === 'mapped' ? this.#standing?.service : undefined;
  }

  /** This service is asked from now on. A mapping of its own that stands keeps its port. */
  begin(service: UpnpService, isRenewal: boolean): void {
    this.#asked = service;
    this.#isRenewal = isRenewal;
    this.#attemptCount = 0;
    if (isRenewal) {
      this.#externalPort = this.#standing?.externalPort ?? this.#options.internalPort;
      return;
    }
    this.#externalPort = this.#options.internalPort;
    this.#lifetimeSeconds = PORT_MAPPING_LIFETIME_SECONDS;
    this.#isAnyPortWelcome = service.type === 'urn:schemas-upnp-org:service:WANIPConnection:2';
  }

  /** After `begin`. */
  question(): UpnpQuestion {
    const { protocol, internalPort, clientAddress } = this.#options;
    const service = this.#asked!;
    this.#attemptCount++;
    this.#unanswered = { service, externalPort: this.#externalPort, externalAddress: undefined };
    const values: SoapArguments = [
      ['NewRemoteHost', ''],
      ['NewExternalPort', `${this.#externalPort}`],
      ['NewProtocol', protocol.toUpperCase()],
      ['NewInternalPort', `${internalPort}`],
      ['NewInternalClient', clientAddress],
      ['NewEnabled', '1'],
      ['NewPortMappingDescription', DESCRIPTION],
      ['NewLeaseDuration', `${this.#lifetimeSeconds}`],
    ];
    return { service, action: this.#isAnyPortWelcome ? 'AddAnyPortMapping' : 'AddPortMapping', values };
  }

  /** What the service says: it is done, it is worth asking again in other words, or it will not. */
  handleAnswer(answer: SoapAnswer, externalAddress: string | undefined, nowMs: number): 'mapped' | 'again' | 'refused' {
    this.#unanswered = undefined;
    if (answer.type === 'fault') {
      this.refusal = refusalText(answer.code);
      return this.#attemptCount < UPNP_ATTEMPTS_MAX && this.#adapt(answer.code) ? 'again' : 'refused';
    }
    const externalPort = this.#isAnyPortWelcome ? portOf(answer.values.get('NewReservedPort')) : this.#externalPort;
    if (externalPort === undefined) {
      this.refusal = 'the router gives no port';
      return 'refused';
    }
    // A renewal names the port that was given.
    this.#isAnyPortWelcome = false;
    this.#standing = { service: this.#asked!, externalPort, externalAddress };
    this.#state = 'mapped';
    this.#message = undefined;
    // A mapping without an end is renewed as well: the router may have been switched off and on.
    const lifetimeMs = PORT_MAPPING_LIFETIME_SECONDS * SECOND_MS;
    this.#expiresMs = nowMs + lifetimeMs;
    this.dueMs = nowMs + lifetimeMs / 2;
    return 'mapped';
  }

  /** Nobody maps it for now. One that was mapped stands until it ends. */
  handleFailure(message: string, nowMs: number): void {
    this.dueMs = nowMs + PORT_MAPPING_RETRY_MS;
    if (this.#state === 'mapped' && nowMs < this.#expiresMs) return;
    this.#state = 'failed';
    this.#message = message;
  }

  /** What takes back the mappings that may stand. */
  farewells(): readonly UpnpQuestion[] {
    const { protocol } = this.#options;
    const mappings = new Map<string, Mapping>();
    for (const mapping of [this.#standing, this.#unanswered]) {
      if (mapping === undefined) continue;
      mappings.set(`${formatDeviceUrl(mapping.service.controlUrl)} ${mapping.externalPort}`, mapping);
    }
    return [...mappings.values()].map(({ service, externalPort }) => ({
      service,
      action: 'DeletePortMapping',
      values: [
        ['NewRemoteHost', ''],
        ['NewExternalPort', `${externalPort}`],
        ['NewProtocol', protocol.toUpperCase()],
      ],
    }));
  }

  /** Finds other words for the next question; false: there are none. */
  #adapt(code: number): boolean {
    const isTemporary = this.#lifetimeSeconds !== 0;
    if (code === CONFLICT || code === CONFLICT_WITH_OTHERS) {
      if (this.#isRenewal) return false;
      this.#isAnyPortWelcome = false;
      this.#externalPort = FREE_PORT_FIRST + randomBelow(this.#options.random, FREE_PORT_COUNT);
      return true;
    }
    const isVague = code === INVALID_ARGUMENTS || code === ACTION_FAILED;
    if (this.#isAnyPortWelcome && (isVague || code === INVALID_ACTION || code === OPTIONAL_ACTION)) {
      this.#isAnyPortWelcome = false;
      return true;
    }
    if (!isTemporary || (code !== PERMANENT_ONLY && !isVague)) return false;
    this.#lifetimeSeconds = 0;
    return true;
  }
}

function portOf(text = ''): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}

function refusalText(code: number): string {
  return `the router refuses: ${REFUSALS[code] ?? `error ${code}`}`;
}

/** UPnP Device Architecture 1.1, section 3.2.2; WANIPConnection 1 and 2. */
const REFUSALS: Readonly<Record<number, string>> = {
  [INVALID_ACTION]: 'it does not map ports',
  [INVALID_ARGUMENTS]: 'it does not understand us',
  [ACTION_FAILED]: 'it fails',
  [OPTIONAL_ACTION]: 'it does not map ports',
  606: 'mapping is switched off',
  [CONFLICT]: 'the port is taken',
  724: 'it maps a port to the same one alone',
  728: 'it has no room for more',
  [CONFLICT_WITH_OTHERS]: 'the port is taken',
};
