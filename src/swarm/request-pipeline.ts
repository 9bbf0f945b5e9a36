// The requests under way to one peer: how many to have, and when to stop trusting it. `RequestDepth` says how many are worth
// having; the peer's `reqq` and our own limit bound it. Knows no pieces: it counts requests and bytes.
import {
  BLOCK_BYTES,
  OUTGOING_REQUESTS_MAX,
  PEER_REQUEST_QUEUE_DEFAULT,
  PEER_REQUEST_QUEUE_MAX,
} from '../protocol/limits.ts';
import { RequestDepth } from './request-depth.ts';
import { RequestPace } from './request-pace.ts';

/**
 * Requests go out when they are so large a part of those under way: fewer and larger messages, which the peer answers in
 * fewer and larger ones. Not where they are spread over time, nor while their number grows: waiting would slow that down.
 */
const BATCH_RATIO = 1 / 8;
/** What is asked for in advance while something is needed soon: it could not be had before all that. In ms. */
const HURRY_MS = 750;
const HURRY_DEPTH_MIN = 4;
/** Without a request under way for longer than this, the rate is measured anew. */
const IDLE_MS = 1_000;

/** Less makes peers with many others to serve look dead: in a simulated crowd, 2 s wasted four times as much as 5 s. */
const TIMEOUT_MIN_MS = 5_000;
const TIMEOUT_MAX_MS = 60_000;
/** A peer that serves us alone may serve as many from the next moment on, under a limit of its own. */
const SLOWER = 8;
/** Until two gaps between blocks were seen, and so much of the peer's time as gaps are averaged over. */
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
  /** Something is needed soon: keep the queue short, so that it can be asked for and had. */
  hurries = false;
  #isSnubbed = false;
  #depthMax = OUTGOING_REQUESTS_MAX;

  readonly #depth = new RequestDepth();
  readonly #pace = new RequestPace();

  /** One request at a time is timed: the blocks to come before its own, -1 = none is timed. */
  #blocksBeforeProbe = -1;
  #probeSentMs = 0;

  /** The last block, or the request that ended idleness: whichever came later. */
  #lastProgressMs: number;
  #snubbedMs = 0;
  #gapCount = 0;
  #gapSumMs = 0;
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
    return this.#isSnubbed ? 0 : this.#depth.bytesPerSecond;
  }

  /** Shortest time from a request to its block; 0 until one was seen. */
  get roundTripMs(): number {
    return this.#depth.roundTripMs;
  }

  /** Its queue is full and empties within two round trips: the peer would give more if it took more requests. */
  get isBoundByQueue(): boolean {
    return this.outstanding >= this.#depthMax && 2 * this.#depth.requestsInFlight >= this.#depthMax;
  }

  /** How long the peer may send no block while requests are under way. */
  get blockTimeoutMs(): number {
    if (this.#isSnubbed) return TIMEOUT_MAX_MS;
    if (this.#gapCount < 2 || this.#gapSumMs < GAP_MEMORY_MS) return TIMEOUT_START_MS;
    return Math.min(TIMEOUT_MAX_MS, Math.max(TIMEOUT_MIN_MS, SLOWER * this.#gapMeanMs + 4 * this.#gapDeviationMs));
  }

  /** When `handleTimeout` is due. Counts from the last block, however long the peer's queue is. */
  get deadlineMs(): number {
    if (this.outstanding === 0) return Number.POSITIVE_INFINITY;
    const since = this.#isSnubbed ? Math.max(this.#snubbedMs, this.#lastProgressMs) : this.#lastProgressMs;
    return since + this.blockTimeoutMs;
  }

  /** Since the last block, while nothing is asked for. */
  idleMs(nowMs: number): number {
    return this.outstanding > 0 ? 0 : nowMs - this.#lastProgressMs;
  }

  /** In how many ms the next `count` requests will be answered, as far as can be told; 0 when it is unknown. */
  answerMs(count: number, nowMs: number): number {
    const silentMs = this.outstanding === 0 ? 0 : Math.max(0, nowMs - this.#lastProgressMs);
    const rate = this.downloadBytesPerSecond;
    // Nothing was measured: each takes as long as the first one takes already.
    if (rate === 0) return silentMs * count;
    // What is late by more than usual is likely to be late by as much again.
    const lateMs = Math.max(0, silentMs - this.#gapMeanMs - this.#gapDeviationMs);
    return lateMs + (count * BLOCK_BYTES * 1_000) / rate;
  }

  /** `reqq` of the peer's extension handshake; a remote value, clamped here. */
  setPeerRequestQueue(count: number): void {
    const believed = Number.isFinite(count) ? Math.min(PEER_REQUEST_QUEUE_MAX, Math.max(1, Math.floor(count))) : 1;
    this.#depthMax = Math.min(believed, OUTGOING_REQUESTS_MAX);
  }

  /** Requests worth having under way now. Above it nothing is to be cancelled, only nothing more asked for. */
  desiredDepth(): number {
    if (this.#isSnubbed) return 1;
    const depth = Math.min(this.#depth.desired(), this.#depthMax);
    return this.hurries ? Math.min(depth, this.#hurriedDepth) : depth;
  }

  /** Whether other peers give about as much at the same time. */
  setCompany(hasCompany: boolean): void {
    this.#depth.hasCompany = hasCompany;
  }

  /** How far ahead to ask. */
  setHorizon(seconds: number): void {
    this.#depth.horizonSeconds = seconds;
  }

  /** How many requests may be sent now. Those beyond it that are worth having wait until `requestDueMs`. */
  room(nowMs: number): number {
    const depth = this.desiredDepth();
    const count = Math.max(0, depth - this.outstanding);
    const rate = this.#isSnubbed ? 0 : this.#depth.paceBytesPerSecond;
    if (rate > 0) return this.#pace.allow(count, rate, nowMs);
    this.#pace.release();
    const waits = this.outstanding > 0 && !this.#depth.isGrowing && count < depth * BATCH_RATIO;
    return waits ? 0 : count;
  }

  /** When there will be room that there was not a moment ago: `room` is to be asked again, and says when next. */
  get requestDueMs(): number {
    return this.#pace.dueMs;
  }

  /** That time has come, or something else that makes the caller ask for room. */
  handleRequestDue(): void {
    this.#pace.release();
  }

  handleRequested(count: number, nowMs: number): void {
    if (count <= 0) return;
    if (this.outstanding === 0) {
      // Idle time is not the peer's: measure anew from the first block on. Short pauses, as a limit of ours makes, count.
      if (nowMs - this.#lastProgressMs > IDLE_MS) this.#depth.handleIdle();
      this.#lastProgressMs = nowMs;
    }
    if (this.#blocksBeforeProbe < 0) {
      this.#blocksBeforeProbe = this.outstanding;
      this.#probeSentMs = nowMs;
    }
    this.outstanding += count;
    // Only what is spread counts: the rest would have to be made up for once requests are spread again.
    if (this.#depth.paceBytesPerSecond > 0) this.#pace.handleRequested(count);
  }

  /** A block that was asked for has arrived. */
  handleBlock(bytes: number, nowMs: number): void {
    if (this.outstanding > 0) this.outstanding--;
    if (this.#blocksBeforeProbe === 0) this.#depth.handleResponse(nowMs - this.#probeSentMs);
    if (this.#blocksBeforeProbe >= 0) this.#blocksBeforeProbe--;
    this.handleLateBlock(bytes, nowMs);
  }

  /** A block whose request had been given up has arrived after all: a sign of life, but nothing less is under way. */
  handleLateBlock(bytes: number, nowMs: number): void {
    this.#measureGap(nowMs - this.#lastProgressMs);
    this.#lastProgressMs = nowMs;
    if (this.#isSnubbed) {
      this.#isSnubbed = false;
      this.#depth.restart();
    }
    this.#depth.handleBlock(bytes, nowMs);
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
    this.#snubbedMs = nowMs;
    return 'snubbed';
  }

  get #hurriedDepth(): number {
    const { bytesPerSecond, roundTripMs } = this.#depth;
    const aheadBytes = (bytesPerSecond * (HURRY_MS + roundTripMs)) / 1_000;
    // Nothing is known of a peer that was not measured.
    return bytesPerSecond === 0 ? this.#depthMax : Math.max(HURRY_DEPTH_MIN, Math.ceil(aheadBytes / BLOCK_BYTES));
  }

  #measureGap(gapMs: number): void {
    this.#gapSumMs += gapMs;
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
