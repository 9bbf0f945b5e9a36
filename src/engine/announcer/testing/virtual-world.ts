// Just enough of a world for tests of announcers, in virtual time: a clock that jumps, names, HTTP answers, and UDP
// trackers that speak BEP 15. What goes wrong is the test's to decide.
import { bytesToHex, concatBytes, readUint32, writeUint32 } from '../../../base/bytes.ts';
import type { Clock, Timer } from '../../../platform/clock.ts';
import type { Http, HttpErrorCode, HttpHandler, HttpRequest } from '../../../platform/http.ts';
import type { Endpoint, ListenOptions, Network, UdpSocket, UdpSocketHandler } from '../../../platform/network.ts';
import type { Resolver, ResolverHandler } from '../../../platform/resolver.ts';

const LATENCY_MS = 20;

export class VirtualClock implements Clock {
  #nowMs = 1_000;
  readonly #timers = new Set<{ atMs: number; callback: () => void }>();

  nowMs(): number {
    return this.#nowMs;
  }

  wallTimeMs(): number {
    return this.#nowMs;
  }

  schedule(atMs: number, callback: () => void): Timer {
    const timer = { atMs: Math.max(atMs, this.#nowMs), callback };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  get timerCount(): number {
    return this.#timers.size;
  }

  /** Runs what is due within this time, in order. */
  pass(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const next = [...this.#timers].sort((left, right) => left.atMs - right.atMs)[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#timers.delete(next);
      this.#nowMs = next.atMs;
      next.callback();
    }
    this.#nowMs = untilMs;
  }
}

export interface HttpAnswer {
  readonly status?: number;
  readonly body?: Uint8Array;
  readonly failure?: HttpErrorCode;
}

/** One UDP tracker: counts what it is asked and answers, or does not. */
export class ScriptedUdpTracker {
  readonly log: string[] = [];
  readonly announces: Uint8Array[] = [];
  /** 'silent' answers nothing; a text is sent as an error. */
  mood: 'well' | 'silent' | { readonly error: string } = 'well';
  connectionId: Uint8Array = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  /** Where its replies seem to come from, if not from where it was asked. */
  repliesFrom: Endpoint | undefined;
  /** Seeds, completed downloads and leechers of each torrent that a scrape asks about. */
  swarm: readonly [number, number, number] = [3, 20, 4];
  /** Packed peers of an announce reply. */
  peers: Uint8Array = new Uint8Array(0);

  answer(datagram: Uint8Array): Uint8Array | undefined {
    const action = readUint32(datagram, 8);
    this.log.push(['connect', 'announce', 'scrape'][action] ?? `${action}`);
    if (action === 1) this.announces.push(datagram.slice());
    if (this.mood === 'silent') return undefined;
    const transaction = datagram.subarray(12, 16);
    if (typeof this.mood === 'object') return this.#error(transaction, this.mood.error);
    if (action === 0) return concatBytes([word(0), transaction, this.connectionId]);
    if (bytesToHex(datagram.subarray(0, 8)) !== bytesToHex(this.connectionId)) {
      return this.#error(transaction, 'Connection ID mismatch');
    }
    if (action === 2) {
      const torrentCount = (datagram.length - 16) / 20;
      const counts = Array.from({ length: torrentCount }, () => this.swarm.map(word)).flat();
      return concatBytes([word(2), transaction, ...counts]);
    }
    return concatBytes([word(1), transaction, word(1_800), word(3), word(4), this.peers]);
  }

  #error(transaction: Uint8Array, message: string): Uint8Array {
    return concatBytes([word(3), transaction, new TextEncoder().encode(message)]);
  }
}

export class VirtualWorld implements Http, Resolver, Pick<Network, 'bindUdp'> {
  readonly clock = new VirtualClock();
  readonly names = new Map<string, readonly string[]>();
  readonly trackers = new Map<string, ScriptedUdpTracker>();
  readonly httpRequests: HttpRequest[] = [];
  httpAnswer: (request: HttpRequest) => HttpAnswer | undefined = () => undefined;
  /** Families without a socket. */
  readonly missingFamilies = new Set<4 | 6>();
  readonly bound: ListenOptions[] = [];
  openSocketCount = 0;
  openRequestCount = 0;

  addTracker(address: string, port: number): ScriptedUdpTracker {
    const tracker = new ScriptedUdpTracker();
    this.trackers.set(`${address} ${port}`, tracker);
    return tracker;
  }

  get(request: HttpRequest, handler: HttpHandler): { cancel(): void } {
    this.httpRequests.push(request);
    this.openRequestCount++;
    const startedMs = this.clock.nowMs();
    const answer = this.httpAnswer(request);
    let isOpen = true;
    const end = (): void => {
      if (isOpen) this.openRequestCount--;
      isOpen = false;
    };
    const atMs = startedMs + (answer === undefined ? request.totalTimeoutMs : LATENCY_MS);
    const timer = this.clock.schedule(atMs, () => {
      end();
      const code = answer === undefined ? 'TIMED_OUT' : answer.failure;
      if (code !== undefined) handler.handleFailed({ code, message: `it failed: ${code}` });
      else {
        const body = answer?.body ?? new Uint8Array(0);
        handler.handleResponse({ status: answer?.status ?? 200, headers: {}, body, remoteAddress: undefined });
      }
    });
    return {
      cancel: () => {
        end();
        timer.cancel();
      },
    };
  }

  post(request: HttpRequest, handler: HttpHandler): { cancel(): void } {
    return this.get(request, handler);
  }

  resolve(hostname: string, handler: ResolverHandler): { cancel(): void } {
    const addresses = this.names.get(hostname);
    return this.clock.schedule(this.clock.nowMs() + LATENCY_MS, () => {
      if (addresses === undefined) handler.handleFailed('The host name is not known.');
      else if (addresses.length > 0) handler.handleResolved(addresses);
    });
  }

  bindUdp(options: ListenOptions, handler: UdpSocketHandler): UdpSocket {
    const family = options.address.includes(':') ? 6 : 4;
    const local: Endpoint = { address: options.address, port: 5_000 + this.bound.length };
    this.bound.push(options);
    let isOpen = true;
    this.openSocketCount++;
    const later = (run: () => void): void => {
      this.clock.schedule(this.clock.nowMs() + LATENCY_MS, () => {
        if (isOpen) run();
      });
    };
    later(() => {
      if (this.missingFamilies.has(family)) handler.handleFailed({ code: 'ADDRESS_NOT_AVAILABLE', message: 'none' });
      else handler.handleListening(local);
    });
    return {
      send: (datagram, remote) => {
        const copy = datagram.slice();
        const tracker = this.trackers.get(`${remote.address} ${remote.port}`);
        later(() => {
          const reply = tracker?.answer(copy);
          if (reply !== undefined) later(() => handler.handleDatagram(reply, tracker?.repliesFrom ?? remote));
        });
      },
      close: () => {
        if (isOpen) this.openSocketCount--;
        isOpen = false;
      },
    };
  }
}

function word(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  writeUint32(bytes, 0, value);
  return bytes;
}
