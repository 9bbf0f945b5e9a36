// Outgoing requests over node:http and node:https, with a bound on everything: one deadline for the whole exchange, the
// headers, the body as received and unpacked, the redirects. Every failure is a value. A connection is used once.
//
// Node's modules are loaded by the first request: they cost a program that makes none several milliseconds of its start.
// Certificates are always verified: NODE_TLS_REJECT_UNAUTHORIZED changes nothing here.
import type http from 'node:http';
import type https from 'node:https';
import type { Http, HttpHandler, HttpPost, HttpRequest } from '../../platform/http.ts';
import type { Log } from '../../platform/log.ts';
import { normalizeAddress } from '../net/endpoint.ts';
import { guard } from '../net/guard.ts';
import { ACCEPT_ENCODING, decompress } from './decompress.ts';
import { type HttpError, httpErrorFrom } from './http-error.ts';
import { type HttpTarget, parseHttpTarget, resolveRedirect } from './http-target.ts';

const HEADERS_MAX_BYTES = 16 * 1024;
/** Interim (1xx) responses to one request. */
const INTERIM_RESPONSES_MAX = 10;
/** For one address of a host before the next is tried beside it. */
const FAMILY_ATTEMPT_MS = 1_000;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Not sent to another origin than the one they were meant for. */
const CREDENTIAL_HEADERS: ReadonlySet<string> = new Set(['authorization', 'cookie', 'proxy-authorization']);

export interface NodeHttpOptions {
  readonly log: Log;
  /** Trusted beside Node's own list (PEM). */
  readonly extraCertificates?: readonly string[];
}

export class NodeHttp implements Http {
  readonly #options: NodeHttpOptions;
  #trusted: string[] | undefined;

  constructor(options: NodeHttpOptions) {
    this.#options = options;
  }

  get(request: HttpRequest, handler: HttpHandler): { cancel(): void } {
    return this.#begin(request, undefined, handler);
  }

  post(request: HttpPost, handler: HttpHandler): { cancel(): void } {
    return this.#begin(request, request.body, handler);
  }

  #begin(request: HttpRequest, body: Uint8Array | undefined, handler: HttpHandler): { cancel(): void } {
    const extra = this.#options.extraCertificates ?? [];
    if (extra.length > 0) this.#trusted ??= [...process.getBuiltinModule('node:tls').rootCertificates, ...extra];
    const exchange = new HttpExchange({ request, body, handler, log: this.#options.log, trusted: this.#trusted });
    return { cancel: () => exchange.cancel() };
  }
}

interface ExchangeParts {
  readonly request: HttpRequest;
  /** Undefined: it is a GET. */
  readonly body: Uint8Array | undefined;
  readonly handler: HttpHandler;
  readonly log: Log;
  readonly trusted: string[] | undefined;
}

class HttpExchange {
  readonly #request: HttpRequest;
  readonly #body: Uint8Array | undefined;
  readonly #handler: HttpHandler;
  readonly #log: Log;
  readonly #trusted: string[] | undefined;
  readonly #deadline: NodeJS.Timeout;
  readonly #firstOrigin: string | undefined;
  #outgoing: http.ClientRequest | undefined;
  #redirectCount = 0;
  #isOver = false;

  constructor({ request, body, handler, log, trusted }: ExchangeParts) {
    this.#request = request;
    this.#body = body;
    this.#handler = handler;
    this.#log = log;
    this.#trusted = trusted;
    this.#deadline = setTimeout(
      () => this.#fail({ code: 'TIMED_OUT', message: 'The server took too long.' }),
      request.totalTimeoutMs,
    );
    const target = parseHttpTarget(request.url);
    this.#firstOrigin = target?.origin;
    if (target !== undefined) this.#send(target);
    else setImmediate(() => this.#fail({ code: 'URL_REFUSED', message: 'Not an HTTP URL that can be sent.' }));
  }

  cancel(): void {
    this.#isOver = true;
    clearTimeout(this.#deadline);
    this.#outgoing?.destroy();
  }

  #fail(error: HttpError): void {
    if (this.#isOver) return;
    this.cancel();
    guard(this.#log, 'HTTP request', () => this.#handler.handleFailed(error));
  }

  #send(target: HttpTarget): void {
    let isConnected = false;
    let interimCount = 0;
    try {
      const { request } = process.getBuiltinModule(target.protocol === 'https:' ? 'node:https' : 'node:http');
      const outgoing = request(this.#requestOptions(target));
      this.#outgoing = outgoing;
      outgoing.on('socket', (socket) => {
        socket.once(target.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
          isConnected = true;
        });
      });
      outgoing.on('information', () => {
        if (++interimCount > INTERIM_RESPONSES_MAX) {
          this.#fail({ code: 'PROTOCOL_ERROR', message: 'Too many interim responses.' });
        }
      });
      outgoing.on('response', (incoming) => {
        guard(
          this.#log,
          'HTTP response',
          () => this.#receive(target, outgoing, incoming),
          () => this.cancel(),
        );
      });
      // A request that a redirect has replaced may still complain; only the current one counts.
      outgoing.on('error', (error) => {
        if (outgoing === this.#outgoing) this.#fail(httpErrorFrom(error, isConnected));
      });
      // In one piece: Node tells its length.
      outgoing.end(this.#body);
    } catch (error) {
      // Node throws at once for headers and options it cannot send.
      setImmediate(() => this.#fail({ ...httpErrorFrom(error, false), code: 'URL_REFUSED' }));
    }
  }

  #requestOptions(target: HttpTarget): https.RequestOptions {
    const { localAddress, family } = this.#request;
    const headers: Record<string, string> = { 'accept-encoding': ACCEPT_ENCODING };
    const isSameOrigin = target.origin === this.#firstOrigin;
    for (const [name, value] of Object.entries(this.#request.headers ?? {})) {
      if (isSameOrigin || !CREDENTIAL_HEADERS.has(name.toLowerCase())) headers[name.toLowerCase()] = value;
    }
    const localFamily = localAddress === undefined ? undefined : localAddress.includes(':') ? 6 : 4;
    const options = {
      protocol: target.protocol,
      hostname: target.hostname,
      port: target.port,
      method: this.#body === undefined ? 'GET' : 'POST',
      path: target.path,
      headers,
      agent: false,
      maxHeaderSize: HEADERS_MAX_BYTES,
      insecureHTTPParser: false,
      rejectUnauthorized: true,
      autoSelectFamilyAttemptTimeout: FAMILY_ATTEMPT_MS,
      family: family ?? localFamily,
      localAddress,
      auth: target.userInfo === '' ? undefined : target.userInfo,
      ca: this.#trusted,
    };
    return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  }

  #receive(target: HttpTarget, outgoing: http.ClientRequest, incoming: http.IncomingMessage): void {
    // Also for responses that nobody reads any more: an 'error' without a listener would end the process.
    incoming.on('error', (error) => {
      if (outgoing === this.#outgoing) this.#fail(httpErrorFrom(error, true));
    });
    if (this.#isOver) return;
    const status = incoming.statusCode ?? 0;
    const location = incoming.headers.location;
    const isFollowed = this.#body === undefined && REDIRECTS.has(status);
    if (isFollowed && location !== undefined) this.#redirect(target, outgoing, location);
    else this.#readBody(incoming, status);
  }

  #redirect(from: HttpTarget, outgoing: http.ClientRequest, location: string): void {
    const next = resolveRedirect(from, location);
    if (++this.#redirectCount > this.#request.maxRedirects) {
      this.#fail({ code: 'TOO_MANY_REDIRECTS', message: 'The server redirects without end.' });
    } else if (next === undefined) {
      this.#fail({ code: 'URL_REFUSED', message: 'The server redirects to what is not an HTTP URL.' });
    } else {
      this.#outgoing = undefined;
      outgoing.destroy();
      this.#send(next);
    }
  }

  #readBody(incoming: http.IncomingMessage, status: number): void {
    // Read now: the socket is gone once the body has ended.
    const remote = incoming.socket.remoteAddress;
    const body = new BoundedBody(this.#request.maxBodyBytes);
    incoming.on('data', (chunk: Buffer) => {
      if (!body.append(chunk)) this.#fail({ code: 'TOO_LARGE', message: 'The body is too large.' });
    });
    // 'end' comes for whole bodies only; one that is cut short is an error.
    incoming.on('end', () => {
      if (this.#isOver) return;
      const encoding = incoming.headers['content-encoding'] ?? '';
      decompress(body.bytes, encoding, this.#request.maxBodyBytes, (result) => {
        if (result instanceof Uint8Array) this.#succeed({ status, incoming, remote, body: result });
        else this.#fail(result);
      });
    });
  }

  #succeed(answer: {
    status: number;
    incoming: http.IncomingMessage;
    remote: string | undefined;
    body: Uint8Array;
  }): void {
    if (this.#isOver) return;
    this.cancel();
    const headers = plainHeaders(answer.incoming.headers);
    const remoteAddress = answer.remote === undefined ? undefined : normalizeAddress(answer.remote);
    // A plain Uint8Array: a Buffer's slice() would not copy.
    const body = new Uint8Array(answer.body.buffer, answer.body.byteOffset, answer.body.length);
    guard(this.#log, 'HTTP response', () =>
      this.#handler.handleResponse({ status: answer.status, headers, body, remoteAddress }),
    );
  }
}

/** Collects a body in one growing array, so that many tiny chunks cost no more than a few large ones. */
class BoundedBody {
  readonly #maxBytes: number;
  #storage = new Uint8Array(4_096); // BOUNDED: twice maxBytes
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): Uint8Array {
    return this.#storage.subarray(0, this.#length);
  }

  /** False, and nothing is kept, when it would grow beyond its bound. */
  append(chunk: Uint8Array): boolean {
    const length = this.#length + chunk.length;
    if (length > this.#maxBytes) return false;
    if (length > this.#storage.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#storage.length));
      larger.set(this.bytes);
      this.#storage = larger;
    }
    this.#storage.set(chunk, this.#length);
    this.#length = length;
    return true;
  }
}

function plainHeaders(headers: http.IncomingHttpHeaders): Record<string, string> {
  const plain: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) plain[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return plain;
}
