// The session's side of all UDP trackers: one socket a family, bound when first needed; exchanges told apart by the
// tracker's address and port (the machines check transaction ids); connection ids shared between torrents that announce
// to the same endpoint. What an announce or a scrape says is the caller's.
import type { Random } from '../../base/random.ts';
import type { Clock, Timer } from '../../platform/clock.ts';
import type { Log } from '../../platform/log.ts';
import type { Endpoint, Network, UdpSocket } from '../../platform/network.ts';
import type { AnnounceRequest, AnnounceResponse, SwarmCounts } from '../../protocol/tracker/announce.ts';
import { familyOf, normalizeIpAddress } from '../../protocol/tracker/ip-address.ts';
import { UdpAnnounce } from '../../protocol/tracker/udp-announce.ts';
import type { UdpConnection, UdpExchange, UdpExchangeOptions } from '../../protocol/tracker/udp-exchange.ts';
import { UdpScrape } from '../../protocol/tracker/udp-scrape.ts';

/** BOUNDED: connection ids remembered, the oldest dropped. */
const CONNECTIONS_KEPT_MAX = 200;
/** Before a socket that broke is bound again. */
const REBIND_MS = 10_000;

export interface UdpTrackerClientOptions {
  readonly clock: Clock;
  readonly network: Pick<Network, 'bindUdp'>;
  readonly random: Random;
  readonly log: Log;
  /** Source address: announces go out over its family only. The system chooses when absent. */
  readonly localAddress?: string | undefined;
}

export interface UdpAnnounceJob {
  readonly remote: Endpoint;
  readonly request: AnnounceRequest;
  /** Path and query of the tracker's URL (BEP 41), '' for none. */
  readonly urlData: string;
  readonly timeoutMs: number;
}

export interface UdpScrapeJob {
  readonly remote: Endpoint;
  /** 20 bytes each, UDP_SCRAPE_MAX at most. */
  readonly infoHashes: readonly Uint8Array[];
  readonly timeoutMs: number;
}

export interface UdpTrackerHandler<Response> {
  handleResponse(response: Response): void;
  /** `isRefusal`: the tracker said so itself. */
  handleFailed(message: string, isRefusal: boolean): void;
}

/** One question and whom the answer goes to, its kind being known to its maker alone. */
interface Exchange {
  readonly remote: Endpoint;
  readonly key: string;
  readonly endsAtMs: number;
  readonly createMachine: (options: UdpExchangeOptions, nowMs: number) => UdpExchange<unknown>;
  readonly handler: UdpTrackerHandler<unknown>;
  /** Undefined until the socket is bound. */
  machine: UdpExchange<unknown> | undefined;
  timer: Timer | undefined;
}

interface Side {
  readonly socket: UdpSocket;
  isListening: boolean;
}

export class UdpTrackerClient {
  readonly #options: UdpTrackerClientOptions;
  readonly #sides = new Map<4 | 6, Side>(); // BOUNDED: 2
  readonly #brokenUntilMs = new Map<4 | 6, number>(); // BOUNDED: 2
  readonly #exchanges = new Set<Exchange>(); // BOUNDED: a few per place of the announce gate
  readonly #connections = new Map<string, UdpConnection>(); // BOUNDED: CONNECTIONS_KEPT_MAX
  #isClosed = false;

  constructor(options: UdpTrackerClientOptions) {
    this.#options = options;
  }

  /** Whether this family can be announced over. */
  canReach(address: string): boolean {
    const { localAddress } = this.#options;
    return localAddress === undefined || familyOf(localAddress) === familyOf(address);
  }

  /** Never calls back synchronously; not at all after `cancel`. */
  announce(job: UdpAnnounceJob, handler: UdpTrackerHandler<AnnounceResponse>): { cancel(): void } {
    const { request, remote, urlData, timeoutMs } = job;
    const family = familyOf(remote.address);
    return this.#ask(
      remote,
      timeoutMs,
      (options, nowMs) => new UdpAnnounce(request, { ...options, family, urlData }, nowMs),
      handler,
    );
  }

  /** Counts in the order of the info-hashes. Never calls back synchronously; not at all after `cancel`. */
  scrape(job: UdpScrapeJob, handler: UdpTrackerHandler<readonly SwarmCounts[]>): { cancel(): void } {
    const { infoHashes, remote, timeoutMs } = job;
    return this.#ask(remote, timeoutMs, (options, nowMs) => new UdpScrape(infoHashes, options, nowMs), handler);
  }

  #ask<Response>(
    remote: Endpoint,
    timeoutMs: number,
    createMachine: (options: UdpExchangeOptions, nowMs: number) => UdpExchange<Response>,
    handler: UdpTrackerHandler<Response>,
  ): { cancel(): void } {
    const nowMs = this.#options.clock.nowMs();
    const exchange: Exchange = {
      remote,
      key: keyOf(remote),
      endsAtMs: nowMs + timeoutMs,
      createMachine,
      // The machine's answers are the handler's kind: both come from the one caller.
      handler: handler as UdpTrackerHandler<unknown>,
      machine: undefined,
      timer: undefined,
    };
    this.#exchanges.add(exchange);
    const family = familyOf(remote.address);
    const failure = this.#isClosed ? 'The session is closed.' : this.#open(family, nowMs);
    if (failure !== undefined) {
      exchange.timer = this.#options.clock.schedule(nowMs, () => this.#fail(exchange, failure, false));
    } else if (this.#sides.get(family)?.isListening === true) this.#begin(exchange, nowMs);
    else this.#arm(exchange);
    return { cancel: () => this.#end(exchange) };
  }

  /** Ends everything without calling back. Idempotent. */
  close(): void {
    this.#isClosed = true;
    for (const exchange of [...this.#exchanges]) this.#end(exchange);
    for (const side of this.#sides.values()) side.socket.close();
    this.#sides.clear();
  }

  /** Binds the family's socket when there is none; returns why not. */
  #open(family: 4 | 6, nowMs: number): string | undefined {
    if (this.#sides.has(family)) return undefined;
    if (nowMs < (this.#brokenUntilMs.get(family) ?? -Infinity)) return `No UDP socket for IPv${family}.`;
    const address = this.#options.localAddress ?? (family === 4 ? '0.0.0.0' : '::');
    if (familyOf(address) !== family) return `The session is bound to IPv${familyOf(address)}.`;
    const socket = this.#options.network.bindUdp(
      { address, port: 0 },
      {
        handleListening: () => this.#handleListening(family),
        handleDatagram: (datagram, remote) => this.#handleDatagram(datagram, remote),
        handleFailed: (error) => this.#handleSocketFailed(family, error.message),
      },
    );
    this.#sides.set(family, { socket, isListening: false });
    return undefined;
  }

  #handleListening(family: 4 | 6): void {
    const side = this.#sides.get(family);
    if (side === undefined) return;
    side.isListening = true;
    const nowMs = this.#options.clock.nowMs();
    for (const exchange of [...this.#exchanges]) {
      if (exchange.machine === undefined && familyOf(exchange.remote.address) === family) {
        this.#begin(exchange, nowMs);
      }
    }
  }

  #handleSocketFailed(family: 4 | 6, message: string): void {
    this.#options.log.write('warn', `no UDP socket for trackers over IPv${family}: ${message}`);
    this.#sides.get(family)?.socket.close();
    this.#sides.delete(family);
    this.#brokenUntilMs.set(family, this.#options.clock.nowMs() + REBIND_MS);
    for (const exchange of [...this.#exchanges]) {
      if (familyOf(exchange.remote.address) === family) this.#fail(exchange, `No UDP socket: ${message}`, false);
    }
  }

  #handleDatagram(datagram: Uint8Array, remote: Endpoint): void {
    const key = keyOf(remote);
    const nowMs = this.#options.clock.nowMs();
    for (const exchange of [...this.#exchanges]) {
      if (exchange.key !== key || exchange.machine === undefined) continue;
      exchange.machine.handleDatagram(datagram, nowMs);
      this.#drain(exchange, exchange.machine);
    }
  }

  #begin(exchange: Exchange, nowMs: number): void {
    const connection = this.#connections.get(exchange.key);
    const machine = exchange.createMachine({ random: this.#options.random, connection }, nowMs);
    exchange.machine = machine;
    this.#drain(exchange, machine);
  }

  #drain(exchange: Exchange, machine: UdpExchange<unknown>): void {
    for (let output = machine.poll(); output !== undefined; output = machine.poll()) {
      if (output.type === 'send') {
        this.#sides.get(familyOf(exchange.remote.address))?.socket.send(output.datagram, exchange.remote);
        continue;
      }
      this.#remember(exchange.key, machine.connection);
      this.#end(exchange);
      if (output.type === 'response') exchange.handler.handleResponse(output.response);
      else exchange.handler.handleFailed(output.message, true);
      return;
    }
    this.#arm(exchange);
  }

  #arm(exchange: Exchange): void {
    exchange.timer?.cancel();
    const atMs = Math.min(exchange.endsAtMs, exchange.machine?.deadlineMs ?? Infinity);
    exchange.timer = this.#options.clock.schedule(atMs, () => {
      const nowMs = this.#options.clock.nowMs();
      if (nowMs >= exchange.endsAtMs || exchange.machine === undefined) {
        this.#fail(exchange, 'The tracker does not answer.', false);
      } else {
        exchange.machine.handleDeadline(nowMs);
        this.#drain(exchange, exchange.machine);
      }
    });
  }

  #fail(exchange: Exchange, message: string, isRefusal: boolean): void {
    if (!this.#exchanges.has(exchange)) return;
    this.#end(exchange);
    exchange.handler.handleFailed(message, isRefusal);
  }

  #end(exchange: Exchange): void {
    this.#exchanges.delete(exchange);
    exchange.timer?.cancel();
  }

  #remember(key: string, connection: UdpConnection | undefined): void {
    this.#connections.delete(key);
    if (connection === undefined) return;
    this.#connections.set(key, connection);
    if (this.#connections.size <= CONNECTIONS_KEPT_MAX) return;
    for (const oldest of this.#connections.keys()) {
      this.#connections.delete(oldest);
      return;
    }
  }
}

/** One spelling for what resolvers and sockets write differently. */
function keyOf(endpoint: Endpoint): string {
  return `${normalizeIpAddress(endpoint.address) ?? endpoint.address} ${endpoint.port}`;
}
