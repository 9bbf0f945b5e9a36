// A host's link to the simulated network: latency, loss, and how many bytes a second go up and down. The uplink shares
// itself fairly between connections, the downlink is one queue that drops what would wait too long in it.
import type { VirtualClock } from './virtual-clock.ts';

export interface LinkOptions {
  /** One way between two hosts with the same setting; between different ones half of each is added. */
  readonly latencyMs?: number;
  /** Added to each segment's or datagram's latency, uniform from 0 to this. */
  readonly jitterMs?: number;
  /** Of full-sized packets. A TCP segment that is lost comes later, a datagram never. */
  readonly lossRatio?: number;
  /** Both directions, where they are not given singly. @defaultValue `Infinity` */
  readonly bytesPerSecond?: number;
  readonly uploadBytesPerSecond?: number;
  readonly downloadBytesPerSecond?: number;
  /** What a packet may wait in the downlink's queue before it is dropped. */
  readonly queueMs?: number;
  /** Most bytes that a receiver gets in one piece; smaller pieces are mixed in. */
  readonly segmentMaxBytes?: number;
  /** What the systems on both ends keep of one direction of a connection. */
  readonly windowBytes?: number;
}

export interface Link {
  readonly latencyMs: number;
  readonly jitterMs: number;
  readonly lossRatio: number;
  readonly uploadBytesPerSecond: number;
  readonly downloadBytesPerSecond: number;
  readonly queueMs: number;
  readonly segmentMaxBytes: number;
  readonly windowBytes: number;
}

export function resolveLink(options: LinkOptions = {}, defaults: LinkOptions = {}): Link {
  const merged = { ...defaults, ...options };
  const both = options.bytesPerSecond ?? Infinity;
  const fallback = options.bytesPerSecond === undefined ? defaults : {};
  const inherited = fallback.bytesPerSecond ?? both;
  return {
    latencyMs: merged.latencyMs ?? 10,
    jitterMs: merged.jitterMs ?? 0,
    lossRatio: merged.lossRatio ?? 0,
    uploadBytesPerSecond: options.uploadBytesPerSecond ?? fallback.uploadBytesPerSecond ?? inherited,
    downloadBytesPerSecond: options.downloadBytesPerSecond ?? fallback.downloadBytesPerSecond ?? inherited,
    queueMs: merged.queueMs ?? 300,
    segmentMaxBytes: merged.segmentMaxBytes ?? 16_384,
    windowBytes: merged.windowBytes ?? 262_144,
  };
}

/** One direction between two hosts, as the parts of a connection see it. Its figures may change at any time. */
export interface Path {
  readonly uplink: Uplink;
  readonly downlink: Downlink;
  readonly lossRatio: number;
  readonly segmentMaxBytes: number;
  readonly windowBytes: number;
  /** Without jitter. */
  readonly latencyMs: number;
  /** With jitter, drawn anew. */
  drawLatencyMs(): number;
  /** Nothing gets through now: a partition, or a host that is down. */
  isCut(): boolean;
}

/** Something that waits for its turn on an uplink. */
export interface Departure {
  readonly lengthBytes: number;
  /** The last byte is on the wire. */
  handleDeparted(): void;
}

export interface Sender {
  /** Takes what is to be sent next; undefined when there is nothing now. */
  nextDeparture(): Departure | undefined;
}

export class Uplink {
  readonly #clock: VirtualClock;
  readonly #link: () => Link;
  readonly #waiting: Sender[] = [];
  readonly #waitingSet = new Set<Sender>();
  #isBusy = false;
  /** Bytes that have left this host. */
  sentBytes = 0;

  constructor(clock: VirtualClock, link: () => Link) {
    this.#clock = clock;
    this.#link = link;
  }

  /** Puts a sender into the round; it leaves the round when it has nothing to send. */
  offer(sender: Sender): void {
    if (this.#waitingSet.has(sender)) return;
    this.#waitingSet.add(sender);
    this.#waiting.push(sender);
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#clock.schedule(this.#clock.nowMs, () => this.#serve());
  }

  #serve(): void {
    for (let sender = this.#waiting.shift(); sender !== undefined; sender = this.#waiting.shift()) {
      this.#waitingSet.delete(sender);
      const departure = sender.nextDeparture();
      if (departure === undefined) continue;
      this.offer(sender);
      this.sentBytes += departure.lengthBytes;
      const durationMs = (departure.lengthBytes / this.#link().uploadBytesPerSecond) * 1_000;
      this.#clock.schedule(this.#clock.nowMs + durationMs, () => {
        departure.handleDeparted();
        this.#serve();
      });
      return;
    }
    this.#isBusy = false;
  }
}

export class Downlink {
  readonly #clock: VirtualClock;
  readonly #link: () => Link;
  #busyUntilMs = 0;
  /** Bytes that have arrived at this host. */
  receivedBytes = 0;

  constructor(clock: VirtualClock, link: () => Link) {
    this.#clock = clock;
    this.#link = link;
  }

  /** When the bytes will have come down whole, or undefined when the queue drops them. */
  accept(lengthBytes: number): number | undefined {
    const { downloadBytesPerSecond, queueMs } = this.#link();
    const startMs = Math.max(this.#clock.nowMs, this.#busyUntilMs);
    if (startMs - this.#clock.nowMs > queueMs) return undefined;
    this.#busyUntilMs = startMs + (lengthBytes / downloadBytesPerSecond) * 1_000;
    this.receivedBytes += lengthBytes;
    return this.#busyUntilMs;
  }
}
