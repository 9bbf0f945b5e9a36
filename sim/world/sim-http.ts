// HTTP in a simulated world, request by request: names, latency, time-outs and bounds are there, bytes on a connection
// are not. Servers are functions from a URL to an answer.
import type { Timer } from '../../src/platform/clock.ts';
import type { Http, HttpErrorCode, HttpHandler, HttpPost, HttpRequest } from '../../src/platform/http.ts';
import type { SimHost } from './sim-host.ts';
import type { SimNetwork } from './sim-network.ts';
import type { SimNames } from './sim-resolver.ts';
import type { SimClock } from './virtual-clock.ts';

export interface SimWebAnswer {
  readonly status: number;
  readonly body: Uint8Array;
  /** What the server takes to answer. */
  readonly delayMs?: number;
}

/** Undefined: the server takes the request and never answers. `sent` has a body when it is a POST. */
export type SimWebServer = (url: URL, clientAddress: string, sent: HttpRequest | HttpPost) => SimWebAnswer | undefined;

/** Servers of the world, by `host:port` of the addresses that they listen on. */
export class SimWeb {
  readonly #servers = new Map<string, SimWebServer>();

  listen(host: SimHost, port: number, server: SimWebServer): void {
    for (const address of host.addresses) this.#servers.set(`${address} ${port}`, server);
  }

  serverAt(address: string, port: number): SimWebServer | undefined {
    return this.#servers.get(`${address} ${port}`);
  }
}

export interface SimHttpOptions {
  readonly clock: SimClock;
  readonly network: SimNetwork;
  readonly names: SimNames;
  readonly web: SimWeb;
  readonly host: SimHost;
}

export class SimHttp implements Http {
  readonly #options: SimHttpOptions;
  /** Every request, as it was made. */
  readonly requests: { readonly atMs: number; readonly url: string }[] = [];
  #openCount = 0;
  #mostOpen = 0;

  constructor(options: SimHttpOptions) {
    this.#options = options;
  }

  /** Requests that have been neither answered nor cancelled. */
  get openCount(): number {
    return this.#openCount;
  }

  /** The highest `openCount` so far. */
  get mostOpen(): number {
    return this.#mostOpen;
  }

  post(request: HttpPost, handler: HttpHandler): { cancel(): void } {
    return this.get(request, handler);
  }

  get(request: HttpRequest, handler: HttpHandler): { cancel(): void } {
    const { clock } = this.#options;
    this.requests.push({ atMs: clock.nowMs(), url: request.url });
    this.#openCount++;
    this.#mostOpen = Math.max(this.#mostOpen, this.#openCount);
    let step: Timer | undefined;
    let isOver = false;
    const end = (tell?: () => void): void => {
      if (isOver) return;
      isOver = true;
      this.#openCount--;
      step?.cancel();
      limit.cancel();
      tell?.();
    };
    const fail = (code: HttpErrorCode, message: string): void => end(() => handler.handleFailed({ code, message }));
    const limit = clock.schedule(clock.nowMs() + request.totalTimeoutMs, () => fail('TIMED_OUT', 'no answer in time'));
    step = clock.schedule(clock.nowMs() + 1, () => {
      const exchange = this.#begin(request);
      if (exchange === undefined) return;
      if ('code' in exchange) {
        fail(exchange.code, exchange.message);
        return;
      }
      step = clock.schedule(clock.nowMs() + exchange.afterMs, () => end(() => exchange.tell(handler)));
    });
    return { cancel: () => end() };
  }

  /** Asks the server; undefined when nothing will come. */
  #begin(
    request: HttpRequest,
  ): { afterMs: number; tell(handler: HttpHandler): void } | { code: HttpErrorCode; message: string } | undefined {
    const { network, names, web, host } = this.#options;
    const url = parseUrl(request.url);
    if (url === undefined) return { code: 'URL_REFUSED', message: 'not an http address' };
    const family = request.family;
    const addresses = names.lookUp(url.hostname) ?? [];
    const address = addresses.find((one) => family === undefined || one.includes(':') === (family === 6));
    const source = address === undefined ? undefined : host.addressTowards(address);
    if (address === undefined || source === undefined) return { code: 'DNS_FAILED', message: 'no such name' };
    const target = network.hostAt(address);
    if (target === undefined || network.isCut(host, target)) return undefined;
    const path = network.path(host, target);
    const server = web.serverAt(address, url.port === '' ? 80 : Number(url.port));
    if (server === undefined) return { code: 'CONNECT_FAILED', message: 'connection refused' };
    const answer = server(url, source, request);
    if (answer === undefined) return undefined;
    const { status, body, delayMs = 0 } = answer;
    return {
      // One round trip to connect, one for the request.
      afterMs: path.latencyMs * 4 + delayMs,
      tell: (handler) => {
        if (body.length > request.maxBodyBytes) {
          handler.handleFailed({ code: 'TOO_LARGE', message: 'the body is too large' });
        } else {
          handler.handleResponse({ status, headers: {}, body, remoteAddress: address });
        }
      },
    };
  }
}

function parseUrl(text: string): URL | undefined {
  try {
    const url = new URL(text);
    return url.protocol === 'http:' || url.protocol === 'https:' ? url : undefined;
  } catch {
    // `URL` reports what it cannot read by throwing.
    return undefined;
  }
}
