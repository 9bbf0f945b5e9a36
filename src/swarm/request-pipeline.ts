// How many requests to keep under way to one peer, and when to stop trusting it. Grows by one a block until the rate
// no longer rises, then holds three seconds' worth of what was measured, as libtorrent does. Knows no pieces:
// it counts requests and bytes.
import {
  BLOCK_BYTES,
  OUTGOING_REQUESTS_MAX,
  PEER_REQUEST_QUEUE_DEFAULT,
  PEER_REQUEST_QUEUE_MAX,
} from '../protocol/limits.ts';

/** Seconds of the measured rate that are asked for in advance. */
const QUEUE_SECONDS = 3;
const DEPTH_START = 8;
const DEPTH_MIN = 4;
/** The rate is taken over this time at least, and over two round trips. */
const WINDOW_MIN_MS = 250;
/** A rate that grows by less than this ratio from window to window rises no more. */
const GROWTH_RATIO_MIN = 1.1;
/** How much of a fall is believed at once; a rise is believed wholly. */
const FALL_RATIO = 0.3;

/** Without a request under way for longer than this, the rate is measured anew. */
const IDLE_MS = 1_000;

/** Less makes peers with many others to serve look dead: in a simulated crowd, 2 s wasted four times as much as 5 s. */
const TIMEOUT_MIN_MS = 5_000;
const TIMEOUT_MAX_MS = 60_000;
/** Until two gaps between blocks were seen. */
const TIMEOUT_START_MS = 20_000;
/** Gaps are averaged over about this much time, each weighing as much as it lasted. */
const GAP_MEMORY_MS = 10_000;
const GAP_WEIGHT_MAX = 0.5;

export interface RequestPipelineOptions {
  readonly nowMs: number;
  /** The peer's `reqq` (BEP 10). @defaultValue `PEER_REQUEST_QUEUE_DEFAULT` */
  readonly peerRequestQueue?: number | undefined;
}

export class RequestPipeline {
  /** Requests sent and neither answered nor given up. */
  outstanding = 0;
  #isSnubbed = false;
  #depthMax = OUTGOING_REQUESTS_MAX;

  #isSlowStart = true;
  #slowStartDepth = DEPTH_START;
  /** Bytes per second; 0 until a first window was measured. */
  #rate = 0;
  #windowStartMs = Number.NaN;
  #windowBytes = 0;
  #windowRate = 0;

  /** One request at a time is timed: the blocks to come before its own, -1 = none is timed. */
  #blocksBeforeProbe = -1;
  #probeSentMs = 0;
  /** Shortest time from request to block, about the round trip. */
  #roundTripMs = 0;

  /** The last block, or the request that ended idleness: whichever came later. */
  #lastProgressMs: number;
  #snubbedMs = 0;
  #gapCount = 0;
  #gapMeanMs = 0;
  #gapDeviationMs = 0;

  constructor(options: RequestPipelineOptions) {
    this.#lastProgressMs = options.nowMs;
    this.setPeerRequestQueue(options.peerRequestQueue ?? PEER_REQUEST_QUEUE_DEFAULT);
  }

  /** The peer let a time-out pass; cleared by the next block. */
  get isSnubbed(): boolean {
    return this.#isSnubbed;
  }

  /** Of the last windows, 0 while snubbed. Holds its value while nothing is asked for. */
  get downloadBytesPerSecond(): number {
    return this.#rate;
  }

  /** How long the peer may send no block while requests are under way. */
  get blockTimeoutMs(): number {
    if (this.#isSnubbed) return TIMEOUT_MAX_MS;
    if (this.#gapCount < 2) return TIMEOUT_START_MS;
    return Math.min(TIMEOUT_MAX_MS, Math.max(TIMEOUT_MIN_MS, this.#gapMeanMs + 4 * this.#gapDeviationMs));
  }

  /** When `handleTimeout` is due. Counts from the last block, however long the peer's queue is. */
  get deadlineMs(): number {
    if (this.outstanding === 0) return Number.POSITIVE_INFINITY;
    const since = this.#isSnubbed ? Math.max(this.#snubbedMs, this.#lastProgressMs) : this.#lastProgressMs;
    return since + this.blockTimeoutMs;
  }

  /** `reqq` of the peer's extension handshake; a remote value, clamped here. */
  setPeerRequestQueue(count: number): void {
    const believed = Number.isFinite(count) ? Math.min(PEER_REQUEST_QUEUE_MAX, Math.max(1, Math.floor(count))) : 1;
    this.#depthMax = Math.min(believed, OUTGOING_REQUESTS_MAX);
  }

  /** Requests worth having under way now. Above it nothing is to be cancelled, only nothing more asked for. */
  desiredDepth(): number {
    if (this.#isSnubbed) return 1;
    const measured = Math.ceil((QUEUE_SECONDS * this.#rate) / BLOCK_BYTES);
    const depth = this.#isSlowStart ? Math.max(this.#slowStartDepth, measured) : Math.max(DEPTH_MIN, measured);
    return Math.min(depth, this.#depthMax);
  }

  handleRequested(count: number, nowMs: number): void {
    if (count <= 0) return;
    if (this.outstanding === 0) {
      // Idle time is not the peer's: measure anew from the first block on. Short pauses, as a limit of ours makes, count.
      if (nowMs - this.#lastProgressMs > IDLE_MS) this.#windowStartMs = Number.NaN;
      this.#lastProgressMs = nowMs;
    }
    if (this.#blocksBeforeProbe < 0) {
      this.#blocksBeforeProbe = this.outstanding;
      this.#probeSentMs = nowMs;
    }
    this.outstanding += count;
  }

  /** A block that was asked for has arrived. */
  handleBlock(bytes: number, nowMs: number): void {
    if (this.outstanding > 0) this.outstanding--;
    if (this.#blocksBeforeProbe === 0) {
      const responseMs = Math.max(0, nowMs - this.#probeSentMs);
      this.#roundTripMs = this.#gapCount === 0 ? responseMs : Math.min(this.#roundTripMs, responseMs);
    }
    if (this.#blocksBeforeProbe >= 0) this.#blocksBeforeProbe--;
    this.handleLateBlock(bytes, nowMs);
  }

  /** A block whose request had been given up has arrived after all: a sign of life, but nothing less is under way. */
  handleLateBlock(bytes: number, nowMs: number): void {
    this.#measureGap(nowMs - this.#lastProgressMs);
    this.#lastProgressMs = nowMs;
    if (this.#isSnubbed) this.#restart();
    if (this.#isSlowStart) this.#growSlowStart();
    this.#measureRate(bytes, nowMs);
  }

  /** Requests that were rejected, cancelled or given up. */
  handleLost(count: number): void {
    this.outstanding = Math.max(0, this.outstanding - count);
    this.#blocksBeforeProbe = -1;
  }

  /** At `deadlineMs`: from 'snubbed' on the requests under way had better be asked of others. */
  handleTimeout(nowMs: number): 'snubbed' | 'ok' {
    if (nowMs < this.deadlineMs) return 'ok';
    this.#isSnubbed = true;
    this.#rate = 0;
    this.#snubbedMs = nowMs;
    return 'snubbed';
  }

  #restart(): void {
    this.#isSnubbed = false;
    this.#isSlowStart = true;
    this.#slowStartDepth = DEPTH_MIN;
    this.#rate = 0;
    this.#windowRate = 0;
    this.#windowStartMs = Number.NaN;
  }

  #growSlowStart(): void {
    // Once there is a rate, slow start too holds no more than its seconds in advance.
    const measured = (QUEUE_SECONDS * this.#rate) / BLOCK_BYTES;
    if (this.#rate === 0 || this.#slowStartDepth < measured) this.#slowStartDepth++;
  }

  #measureRate(bytes: number, nowMs: number): void {
    if (Number.isNaN(this.#windowStartMs)) {
      // The block that starts a window is not of it: its bytes took time before.
      this.#windowStartMs = nowMs;
      this.#windowBytes = 0;
      return;
    }
    this.#windowBytes += bytes;
    const elapsedMs = nowMs - this.#windowStartMs;
    if (elapsedMs < WINDOW_MIN_MS || elapsedMs < 2 * this.#roundTripMs) return;
    const rate = (this.#windowBytes * 1000) / elapsedMs;
    if (this.#windowRate > 0 && rate < this.#windowRate * GROWTH_RATIO_MIN) this.#isSlowStart = false;
    this.#windowRate = rate;
    this.#rate = rate > this.#rate ? rate : this.#rate + FALL_RATIO * (rate - this.#rate);
    this.#windowStartMs = nowMs;
    this.#windowBytes = 0;
  }

  #measureGap(gapMs: number): void {
    if (this.#gapCount++ === 0) {
      this.#gapMeanMs = gapMs;
      this.#gapDeviationMs = gapMs / 2;
      return;
    }
    // Weighed by duration: the many short gaps inside a burst must not hide the pause between bursts.
    const weight = Math.min(GAP_WEIGHT_MAX, gapMs / GAP_MEMORY_MS);
    this.#gapDeviationMs += weight * (Math.abs(gapMs - this.#gapMeanMs) - this.#gapDeviationMs);
    this.#gapMeanMs += weight * (gapMs - this.#gapMeanMs);
  }
}
