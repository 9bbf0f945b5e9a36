// One port mapped by one router: asks by PCP, by NAT-PMP where the router knows no PCP, repeats what is lost, renews at half of
// the lifetime that is given, asks again later after a refusal, and says farewell. Sans-IO: the caller sends what `poll` gives to
// the router, and passes on what comes from the router's address alone. RFC 6886, RFC 6887.
import { bytesEqual } from '../base/bytes.ts';
import {
  PORT_MAPPING_LIFETIME_MIN_SECONDS,
  PORT_MAPPING_LIFETIME_SECONDS,
  PORT_MAPPING_REPEAT_MS,
  PORT_MAPPING_RETRY_MS,
  PORT_MAPPING_SENDS_MAX,
} from '../protocol/limits.ts';
import type { MappedProtocol } from '../protocol/port-mapping/mapped-protocol.ts';
import {
  decodeNatPmpAnswer,
  encodeNatPmpAddressRequest,
  encodeNatPmpMapping,
} from '../protocol/port-mapping/nat-pmp.ts';
import { decodePcpAnswer, encodePcpMapping, isPcpVersionRefused } from '../protocol/port-mapping/pcp.ts';
import { isUnspecified } from '../protocol/tracker/compact-peers.ts';
import { type MappingMethod, type MappingStatus, SILENT_ROUTER } from './mapping-status.ts';

const SECOND_MS = 1_000;
const DAY_SECONDS = 86_400;
/** Between attempts to renew a mapping that still stands. */
const RENEWAL_PAUSE_MIN_MS = 30_000;
const PCP_UNSUPPORTED_OPCODE = 4;

export interface GatewayMapperOptions {
  readonly protocol: MappedProtocol;
  readonly internalPort: number;
  /** Our address, as the router sees it. */
  readonly clientAddress: string;
  /** PCP_NONCE_BYTES, random. */
  readonly nonce: Uint8Array;
  readonly nowMs: number;
}

export class GatewayMapper {
  readonly #options: GatewayMapperOptions;
  #method: Exclude<MappingMethod, 'upnp'> = 'pcp';
  #state: MappingStatus['state'] = 'asking';
  #message: string | undefined;
  #externalPort: number | undefined;
  #externalAddress: string | undefined;
  /** What the router was asked and has not answered. */
  #question: 'mapping' | 'address' | undefined;
  #sendCount = 0;
  /** The question is due again. */
  #sendMs = Number.POSITIVE_INFINITY;
  /** The next question is due: a renewal, or another attempt. */
  #nextMs: number;
  #expiresMs = Number.NEGATIVE_INFINITY;

  constructor(options: GatewayMapperOptions) {
    this.#options = options;
    this.#nextMs = options.nowMs;
  }

  get status(): MappingStatus {
    const isMapped = this.#state === 'mapped';
    return {
      state: this.#state,
      method: this.#method,
      externalPort: isMapped ? this.#externalPort : undefined,
      externalAddress: isMapped ? this.#externalAddress : undefined,
      message: this.#message,
    };
  }

  get deadlineMs(): number {
    return this.#question === undefined ? this.#nextMs : this.#sendMs;
  }

  /** The next datagram for the router; undefined: none is due. */
  poll(nowMs: number): Uint8Array | undefined {
    if (this.#question === undefined && nowMs >= this.#nextMs) this.#ask('mapping', nowMs);
    while (this.#question !== undefined && nowMs >= this.#sendMs) {
      if (this.#sendCount === PORT_MAPPING_SENDS_MAX) {
        this.#handleSilence(nowMs);
        continue;
      }
      this.#sendMs = nowMs + PORT_MAPPING_REPEAT_MS * 2 ** this.#sendCount;
      this.#sendCount++;
      return this.#encode(this.#question, PORT_MAPPING_LIFETIME_SECONDS);
    }
    return undefined;
  }

  /** From the router's address and port. What was not asked for is ignored. */
  handleDatagram(datagram: Uint8Array, nowMs: number): void {
    if (this.#question === undefined) return;
    if (this.#method === 'pcp') this.#handlePcp(datagram, nowMs);
    else this.#handleNatPmp(datagram, nowMs);
  }

  /** Nothing is asked any more. What tells the router to drop the mapping; undefined when there can be none. */
  release(): Uint8Array | undefined {
    const mayStand = this.#state === 'mapped' || this.#question === 'mapping';
    this.#question = undefined;
    this.#nextMs = Number.POSITIVE_INFINITY;
    return mayStand ? this.#encode('mapping', 0) : undefined;
  }

  #encode(question: 'mapping' | 'address', lifetimeSeconds: number): Uint8Array {
    if (question === 'address') return encodeNatPmpAddressRequest();
    const { protocol, internalPort, nonce, clientAddress } = this.#options;
    const suggestedPort = this.#externalPort ?? internalPort;
    if (this.#method === 'nat-pmp') {
      const externalPort = lifetimeSeconds === 0 ? 0 : suggestedPort;
      return encodeNatPmpMapping({ protocol, internalPort, externalPort, lifetimeSeconds });
    }
    const externalAddress = this.#externalAddress;
    const mapping = { nonce, protocol, internalPort, externalPort: suggestedPort, externalAddress, lifetimeSeconds };
    return encodePcpMapping(mapping, clientAddress);
  }

  #ask(question: 'mapping' | 'address', nowMs: number): void {
    this.#question = question;
    this.#sendCount = 0;
    this.#sendMs = nowMs;
  }

  #handlePcp(datagram: Uint8Array, nowMs: number): void {
    const answer = decodePcpAnswer(datagram);
    if (answer === undefined) {
      if (isPcpVersionRefused(datagram)) this.#useNatPmp(nowMs, 'the router speaks no PCP');
      return;
    }
    const { protocol, internalPort, nonce } = this.#options;
    if (answer.protocol !== protocol || answer.internalPort !== internalPort) return;
    if (!bytesEqual(answer.nonce, nonce)) return;
    const { resultCode, lifetimeSeconds, externalPort, externalAddress } = answer;
    if (resultCode === PCP_UNSUPPORTED_OPCODE) this.#useNatPmp(nowMs, 'the router maps no ports by PCP');
    else if (resultCode !== 0) {
      this.#fail(`the router refuses: ${PCP_RESULTS[resultCode] ?? `code ${resultCode}`}`, nowMs);
    } else {
      const isKnown = externalAddress !== undefined && !isUnspecified(externalAddress);
      this.#externalAddress = isKnown ? externalAddress : undefined;
      this.#handleMapped(externalPort, lifetimeSeconds, nowMs);
    }
  }

  #handleNatPmp(datagram: Uint8Array, nowMs: number): void {
    const answer = decodeNatPmpAnswer(datagram);
    const { protocol, internalPort } = this.#options;
    if (answer === undefined) return;
    if (this.#question === 'address') {
      if (answer.type === 'address' && !isUnspecified(answer.externalAddress)) {
        this.#externalAddress = answer.externalAddress;
      }
      if (answer.type !== 'mapping') this.#question = undefined;
      return;
    }
    if (answer.type === 'refused') {
      if (answer.protocol !== undefined && answer.protocol !== protocol) return;
      this.#fail(`the router refuses: ${NAT_PMP_RESULTS[answer.resultCode] ?? `code ${answer.resultCode}`}`, nowMs);
    } else if (answer.type === 'mapping' && answer.protocol === protocol && answer.internalPort === internalPort) {
      if (this.#handleMapped(answer.externalPort, answer.lifetimeSeconds, nowMs)) this.#ask('address', nowMs);
    }
  }

  /** False: it is mapped in name only. */
  #handleMapped(externalPort: number, lifetimeSeconds: number, nowMs: number): boolean {
    if (externalPort === 0 || lifetimeSeconds === 0) {
      this.#fail('the router gives no port', nowMs);
      return false;
    }
    const seconds = Math.min(DAY_SECONDS, Math.max(PORT_MAPPING_LIFETIME_MIN_SECONDS, lifetimeSeconds));
    this.#state = 'mapped';
    this.#message = undefined;
    this.#question = undefined;
    this.#externalPort = externalPort;
    this.#expiresMs = nowMs + seconds * SECOND_MS;
    this.#nextMs = nowMs + (seconds * SECOND_MS) / 2;
    return true;
  }

  #handleSilence(nowMs: number): void {
    if (this.#question === 'address') {
      this.#question = undefined;
    } else if (this.#state === 'mapped' && nowMs < this.#expiresMs) {
      this.#question = undefined;
      this.#nextMs = nowMs + Math.max(RENEWAL_PAUSE_MIN_MS, (this.#expiresMs - nowMs) / 2);
    } else if (this.#method === 'pcp') this.#useNatPmp(nowMs, SILENT_ROUTER);
    else this.#fail(SILENT_ROUTER, nowMs);
  }

  /** NAT-PMP knows IPv4 alone. */
  #useNatPmp(nowMs: number, problem: string): void {
    if (this.#options.clientAddress.includes(':')) {
      this.#fail(problem, nowMs);
      return;
    }
    this.#method = 'nat-pmp';
    this.#ask('mapping', nowMs);
  }

  #fail(message: string, nowMs: number): void {
    this.#state = 'failed';
    this.#message = message;
    this.#question = undefined;
    this.#externalAddress = undefined;
    this.#externalPort = undefined;
    this.#method = 'pcp';
    this.#nextMs = nowMs + PORT_MAPPING_RETRY_MS;
  }
}

/** RFC 6887, section 7.4. */
const PCP_RESULTS: Readonly<Record<number, string>> = {
  2: 'mapping is switched off',
  3: 'it does not understand us',
  7: 'it has no connection itself',
  8: 'it has no room for more',
  9: 'it does not map this protocol',
  10: 'we have as many ports as we may',
  11: 'it cannot give a port',
  12: 'there is another router between us',
};

/** RFC 6886, section 3.5. */
const NAT_PMP_RESULTS: Readonly<Record<number, string>> = {
  1: 'it speaks another version',
  2: 'mapping is switched off',
  3: 'it has no connection itself',
  4: 'it has no room for more',
  5: 'it does not map ports',
};
