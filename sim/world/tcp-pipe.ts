// One direction of a simulated TCP connection: the sender's queue, a congestion window, segments under way, and the
// receiver's buffer. Loss is a delay and a smaller window, never a hole; a receiver that does not read stops the
// sender. Knows neither handlers nor addresses.
import { type Random, randomBelow, randomFraction } from '../../src/base/random.ts';
import type { Timer } from '../../src/platform/clock.ts';
import type { Departure, Path, Sender } from './sim-link.ts';
import type { VirtualClock } from './virtual-clock.ts';

const PACKET_BYTES = 1_448;
const WINDOW_FIRST_BYTES = 10 * PACKET_BYTES;
const WINDOW_LEAST_BYTES = 2 * PACKET_BYTES;
const SEND_BUFFER_LEAST_BYTES = 16_384;
const RETRANSMIT_FIRST_MS = 1_000;
const RETRANSMIT_LONGEST_MS = 30_000;
/** A connection on which nothing got through for so long is dead. */
const GIVE_UP_MS = 900_000;
/** One segment in this many is cut at a random place, so that messages are split anywhere. */
const ODD_SEGMENT_ONE_IN = 6;

interface PendingWrite {
  readonly bytes: Uint8Array;
  takenBytes: number;
  readonly onTaken: (() => void) | undefined;
}

interface Segment {
  /** Undefined for the end of the stream. */
  readonly bytes: Uint8Array | undefined;
  arriveAtMs: number;
}

/** What a socket is for the pipe that it writes to, and for the one that it reads from. */
export interface PipeEnd {
  /** To the reader: bytes wait in the pipe, or its end has been reached. */
  handleReadable(): void;
  /** To the writer: nothing has got through for so long that its system gave up. */
  handleGaveUp(): void;
}

export class TcpPipe implements Sender {
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #path: Path;
  readonly #writer: PipeEnd;
  readonly #reader: PipeEnd;
  readonly #writes: PendingWrite[] = [];
  readonly #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #isEnding = false;
  #hasSentEnd = false;
  #isAborted = false;
  /** Sent and not yet both read by the receiver and acknowledged to us. */
  #outstandingBytes = 0;
  #windowBytes = WINDOW_FIRST_BYTES;
  #thresholdBytes = Infinity;
  #lastLossMs = -Infinity;
  readonly #underWay: Segment[] = [];
  #arrivalTimer: Timer | undefined;
  #lastArrivalMs = 0;
  #retransmitMs = RETRANSMIT_FIRST_MS;
  #cutSinceMs: number | undefined;
  readonly #received: Uint8Array[] = [];
  #hasReceivedEnd = false;
  /** Bytes written and not yet taken by the sender's system. */
  bufferedBytes = 0;

  constructor(clock: VirtualClock, random: Random, path: Path, writer: PipeEnd, reader: PipeEnd) {
    this.#clock = clock;
    this.#random = random;
    this.#path = path;
    this.#writer = writer;
    this.#reader = reader;
  }

  get hasReadable(): boolean {
    return this.#received.length > 0;
  }

  /** Everything has been read and nothing more will come. */
  get isAtEnd(): boolean {
    return this.#hasReceivedEnd && this.#received.length === 0;
  }

  /** The bytes are read only when the system takes them, so changing them before `onTaken` corrupts the stream. */
  write(bytes: Uint8Array, onTaken: (() => void) | undefined): void {
    this.bufferedBytes += bytes.length;
    this.#writes.push({ bytes, takenBytes: 0, onTaken });
    this.#take();
  }

  /** Drops the writes that the system has not taken; each one's `onTaken` still comes. */
  dropWrites(): void {
    for (const write of this.#writes.splice(0)) this.#announceTaken(write);
    this.bufferedBytes = 0;
  }

  /** Sends what was taken, then the end of the stream. */
  end(): void {
    this.dropWrites();
    this.#isEnding = true;
    this.#path.uplink.offer(this);
  }

  /** Forgets everything, on both ends. */
  abort(): void {
    this.dropWrites();
    this.#isAborted = true;
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    this.#underWay.length = 0;
    this.#received.length = 0;
    this.#arrivalTimer?.cancel();
  }

  /** The next bytes in order, for the receiver. */
  read(): Uint8Array | undefined {
    const bytes = this.#received.shift();
    if (bytes === undefined) return undefined;
    this.#clock.schedule(this.#clock.nowMs + this.#path.latencyMs, () => this.#handleAcknowledged(bytes.length));
    return bytes;
  }

  nextDeparture(): Departure | undefined {
    if (this.#isAborted || this.#hasSentEnd) return undefined;
    if (this.#queuedBytes === 0) {
      if (!this.#isEnding) return undefined;
      this.#hasSentEnd = true;
      return { lengthBytes: 0, handleDeparted: () => this.#sendSegment(undefined) };
    }
    const window = Math.floor(Math.min(this.#windowBytes, this.#path.windowBytes)) - this.#outstandingBytes;
    // Tiny segments at the edge of the window would only be many.
    if (window < Math.min(PACKET_BYTES, this.#queuedBytes)) return undefined;
    let lengthBytes = Math.min(window, this.#queuedBytes, this.#path.segmentMaxBytes);
    if (randomBelow(this.#random, ODD_SEGMENT_ONE_IN) === 0) lengthBytes = 1 + randomBelow(this.#random, lengthBytes);
    const bytes = this.#dequeue(lengthBytes);
    this.#outstandingBytes += lengthBytes;
    this.#take();
    return { lengthBytes, handleDeparted: () => this.#sendSegment(bytes) };
  }

  #take(): void {
    while (this.#writes.length > 0) {
      const room = this.#sendBufferBytes - this.#queuedBytes;
      if (room <= 0) break;
      const write = this.#writes[0]!;
      const count = Math.min(room, write.bytes.length - write.takenBytes);
      if (count > 0) {
        this.#queue.push(write.bytes.slice(write.takenBytes, write.takenBytes + count));
        this.#queuedBytes += count;
        this.bufferedBytes -= count;
        write.takenBytes += count;
      }
      if (write.takenBytes < write.bytes.length) continue;
      this.#writes.shift();
      this.#announceTaken(write);
    }
    if (this.#queuedBytes > 0) this.#path.uplink.offer(this);
  }

  /** Systems keep about two congestion windows for a connection, up to a bound. */
  get #sendBufferBytes(): number {
    return Math.min(this.#path.windowBytes, Math.max(SEND_BUFFER_LEAST_BYTES, 2 * Math.floor(this.#windowBytes)));
  }

  #announceTaken(write: PendingWrite): void {
    const { onTaken } = write;
    if (onTaken !== undefined) this.#clock.schedule(this.#clock.nowMs, onTaken);
  }

  #dequeue(lengthBytes: number): Uint8Array {
    const bytes = new Uint8Array(lengthBytes);
    for (let offset = 0; offset < lengthBytes; ) {
      const first = this.#queue[0]!;
      const count = Math.min(first.length, lengthBytes - offset);
      bytes.set(first.subarray(0, count), offset);
      offset += count;
      if (count === first.length) this.#queue.shift();
      else this.#queue[0] = first.subarray(count);
    }
    this.#queuedBytes -= lengthBytes;
    return bytes;
  }

  #sendSegment(bytes: Uint8Array | undefined): void {
    if (this.#isAborted) return;
    let delayMs = this.#path.drawLatencyMs();
    const packetCount = Math.ceil(Math.max(1, bytes?.length ?? 0) / PACKET_BYTES);
    let lossRatio = 1 - (1 - this.#path.lossRatio) ** packetCount;
    while (randomFraction(this.#random) < lossRatio && delayMs < 60_000) {
      // The first loss is noticed by duplicate acknowledgements; the repeat is one packet, whose loss only a time-out shows.
      const isRepeat = lossRatio === this.#path.lossRatio;
      delayMs += this.#path.latencyMs * 2 + (isRepeat ? RETRANSMIT_FIRST_MS : 0);
      lossRatio = this.#path.lossRatio;
      this.#handleLoss();
    }
    const arriveAtMs = Math.max(this.#clock.nowMs + delayMs, this.#lastArrivalMs);
    this.#lastArrivalMs = arriveAtMs;
    this.#underWay.push({ bytes, arriveAtMs });
    if (this.#underWay.length === 1) this.#armArrival();
  }

  #armArrival(): void {
    const first = this.#underWay[0];
    if (first === undefined) return;
    this.#arrivalTimer = this.#clock.schedule(first.arriveAtMs, () => this.#handleArrival(first));
  }

  #handleArrival(segment: Segment): void {
    const nowMs = this.#clock.nowMs;
    if (this.#path.isCut()) {
      this.#cutSinceMs ??= nowMs;
      segment.arriveAtMs = nowMs + this.#retransmitMs;
      this.#retransmitMs = Math.min(this.#retransmitMs * 2, RETRANSMIT_LONGEST_MS);
      if (nowMs - this.#cutSinceMs > GIVE_UP_MS) this.#writer.handleGaveUp();
      else this.#armArrival();
      return;
    }
    this.#cutSinceMs = undefined;
    this.#retransmitMs = RETRANSMIT_FIRST_MS;
    const doneAtMs = this.#path.downlink.accept(segment.bytes?.length ?? 0);
    if (doneAtMs === undefined) {
      // The queue at the other end is full: sent again a round trip later.
      this.#handleLoss();
      segment.arriveAtMs = nowMs + this.#path.latencyMs * 2;
    } else {
      this.#underWay.shift();
      this.#clock.schedule(doneAtMs, () => this.#deliver(segment.bytes));
    }
    this.#armArrival();
  }

  #deliver(bytes: Uint8Array | undefined): void {
    if (this.#isAborted) return;
    if (bytes === undefined) this.#hasReceivedEnd = true;
    else this.#received.push(bytes);
    this.#reader.handleReadable();
  }

  #handleAcknowledged(lengthBytes: number): void {
    // A window that is not used does not grow (RFC 7661): on a slow uplink little is on its way at a time.
    const isUsed = this.#outstandingBytes >= this.#windowBytes / 2;
    this.#outstandingBytes -= lengthBytes;
    if (isUsed) {
      const isSlowStart = this.#windowBytes < this.#thresholdBytes;
      this.#windowBytes += isSlowStart ? lengthBytes : (PACKET_BYTES * lengthBytes) / this.#windowBytes;
      this.#windowBytes = Math.min(this.#windowBytes, this.#path.windowBytes);
    }
    this.#take();
    this.#path.uplink.offer(this);
  }

  #handleLoss(): void {
    // Once a round trip, as TCP does.
    if (this.#clock.nowMs - this.#lastLossMs < this.#path.latencyMs * 2) return;
    this.#lastLossMs = this.#clock.nowMs;
    this.#windowBytes = Math.max(this.#windowBytes / 2, WINDOW_LEAST_BYTES);
    this.#thresholdBytes = this.#windowBytes;
  }
}
