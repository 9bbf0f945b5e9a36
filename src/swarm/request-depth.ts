// How many requests are worth having under way to one peer. Grows by one a block until the rate no longer rises. Then,
// close by or slow, it holds three seconds' worth of what was measured, as libtorrent does. On a long fast link it holds little
// more than the link itself does: what is beyond that only waits in the link's queue, and is lost where the queue is short.
// Where the rate falls, three seconds' worth are tried, and kept for a while if they help. Knows no pieces, only bytes and times.
import { BLOCK_BYTES } from '../protocol/limits.ts';
import { HORIZON_MAX_SECONDS } from './request-horizon.ts';

/** However near the horizon, so much is asked for beyond two round trips. */
const QUEUE_SLACK_SECONDS = 0.25;
const DEPTH_START = 8;
const DEPTH_MIN = 4;
/** Enough for any peer close by; more only where the link holds more. */
export const DEPTH_CLOSE_BY = 500;
/** So many times what the link holds are enough for any peer, where that is more than `DEPTH_CLOSE_BY`. */
const LINK_FILLS_MAX = 4;

/** The rate is taken over this time at least and over two round trips; over one on a long fast link. */
const WINDOW_MIN_MS = 250;
/** While the depth grows, over this time, one round trip and so many bytes. */
const GROWING_WINDOW_MIN_MS = 100;
const GROWING_WINDOW_MIN_BYTES = 16 * BLOCK_BYTES;
/** A rate that grows by less than this ratio from window to window rises no more, if it is so twice ... */
const GROWTH_RATIO_MIN = 1.2;
/** ... or answers come so late, or it has fallen so far: blocks wait in a queue, or behind one that the queue has lost. */
const LATE_RATIO = 1.15;
const LOSS_RATIO = 0.8;
/** How much of a fall is believed at once; a rise is believed wholly. */
const FALL_RATIO = 0.3;

/** A link is long and fast when a request takes so long and the link holds so much. */
const LONG_ROUND_TRIP_MS = 30;
const LONG_LINK_BYTES = 512 * 1024;
/** Asked for beyond what such a link holds, as time: it keeps the link busy, lets the rate rise, and fits a short queue. */
const SLACK_RATIO = 0.2;
const SLACK_MAX_MS = 20;
/** The same where the last answer came with less delay than half of that: the link may take more. */
const RISE_RATIO = 0.25;
const RISE_MAX_MS = 40;
/** How much of a fall lowers the depth at once on such a link. */
const SHALLOW_FALL_RATIO = 0.2;
/** With a rate so far below the best for so many windows, it is tried whether more requests help. */
const SLOW_RATIO = 0.85;
const SLOW_WINDOWS = 12;
/** The trial takes so long; its beginning, when the greater depth is being reached, does not count. */
const TRIAL_MS = 3_000;
const TRIAL_UNCOUNTED_MS = 1_000;
/** What the trial must bring for three seconds' worth to stay, for so long, twice as long each time. */
const TRIAL_GAIN_MIN = 1.1;
const DEEP_FIRST_MS = 10_000;
const DEEP_MAX_MS = 320_000;

export class RequestDepth {
  #isSlowStart = true;
  #slowStartDepth = DEPTH_START;
  /** The last window's rate rose no more. */
  #wasFlat = false;
  /** Bytes per second; 0 until a first window was measured. */
  #rate = 0;
  #windowStartMs = Number.NaN;
  #windowBytes = 0;
  #windowRate = 0;
  /** Shortest time from request to block; 0 until one was seen. */
  #roundTripMs = 0;
  /** The last such time. */
  #responseMs = 0;

  /** On a long fast link: ask for little more than it holds. */
  #isShallow = false;
  /**
   * Others give about as much as this peer. They may share its link: then its rate is what they leave it, no measure of
   * what the link holds, and asking for so little would leave it to them for good.
   */
  hasCompany = false;
  /** Seconds of the measured rate that are asked for in advance. */
  horizonSeconds: number = HORIZON_MAX_SECONDS;
  /** The rate that this depth is made from, and the best since it is in force. */
  #shallowRate = 0;
  #shallowBestRate = 0;
  /** Windows in a row in which the rate was far below the best, and the sum of their rates. */
  #slowWindowCount = 0;
  #slowRateSum = 0;
  /** While more requests are tried: the rate to beat (0 = no trial is under way), and what was measured. */
  #rateToBeat = 0;
  #trialEndMs = 0;
  #trialWindowCount = 0;
  #trialRateSum = 0;
  #deepUntilMs = Number.NEGATIVE_INFINITY;
  #deepMs = DEEP_FIRST_MS;

  /** Of the last windows, 0 before the first. */
  get bytesPerSecond(): number {
    return this.#rate;
  }

  /** Shortest time from a request to its block; 0 until one was seen. */
  get roundTripMs(): number {
    return this.#roundTripMs;
  }

  /** What the link to the peer and back holds at the present rate. */
  get requestsInFlight(): number {
    return this.#linkBytes / BLOCK_BYTES;
  }

  /** Requests worth having under way now. */
  desired(): number {
    if (this.#isShallow && !this.hasCompany) {
      const slackMs = Math.min(SLACK_MAX_MS, SLACK_RATIO * this.#roundTripMs);
      const isEmpty = this.#responseMs < this.#roundTripMs + slackMs / 2;
      const aheadMs = isEmpty ? Math.min(RISE_MAX_MS, RISE_RATIO * this.#roundTripMs) : slackMs;
      return Math.ceil((this.#shallowRate * (this.#roundTripMs + aheadMs)) / 1000 / BLOCK_BYTES);
    }
    return this.#isSlowStart ? this.#slowStartDepth : Math.max(DEPTH_MIN, this.#queueDepth());
  }

  /** Each answer makes more requests worth having. */
  get isGrowing(): boolean {
    return this.#isSlowStart;
  }

  /** On a long fast link, the rate at which blocks come; 0 where requests need not be spread. */
  get paceBytesPerSecond(): number {
    return this.#isShallow && !this.hasCompany ? this.#shallowRate : 0;
  }

  handleResponse(responseMs: number): void {
    this.#responseMs = responseMs;
    this.#roundTripMs = this.#roundTripMs === 0 ? responseMs : Math.min(this.#roundTripMs, responseMs);
  }

  handleBlock(bytes: number, nowMs: number): void {
    if (this.#isSlowStart && !this.#wasFlat) {
      // Once there is a rate, slow start too holds no more than its seconds in advance.
      const most = this.#rate === 0 ? DEPTH_CLOSE_BY : this.#queueDepth();
      if (this.#slowStartDepth < most) this.#slowStartDepth++;
    }
    if (Number.isNaN(this.#windowStartMs)) {
      // The block that starts a window is not of it: its bytes took time before.
      this.#windowStartMs = nowMs;
      this.#windowBytes = 0;
      return;
    }
    this.#windowBytes += bytes;
    const elapsedMs = nowMs - this.#windowStartMs;
    if (!this.#isWindowOver(elapsedMs)) return;
    this.#handleWindow((this.#windowBytes * 1000) / elapsedMs, nowMs);
    this.#windowStartMs = nowMs;
    this.#windowBytes = 0;
  }

  /** The time until the next block is not the peer's. */
  handleIdle(): void {
    this.#windowStartMs = Number.NaN;
  }

  /** After silence the peer is as good as a stranger. */
  restart(): void {
    this.#isSlowStart = true;
    this.#isShallow = false;
    this.#rateToBeat = 0;
    this.#slowStartDepth = DEPTH_MIN;
    this.#wasFlat = false;
    this.#rate = 0;
    this.#windowRate = 0;
    this.#windowStartMs = Number.NaN;
  }

  #queueDepth(): number {
    const seconds = Math.max(this.horizonSeconds, QUEUE_SLACK_SECONDS + (2 * this.#roundTripMs) / 1000);
    const mostBytes = Math.max(DEPTH_CLOSE_BY * BLOCK_BYTES, LINK_FILLS_MAX * this.#linkBytes);
    return Math.ceil(Math.min(seconds * this.#rate, mostBytes) / BLOCK_BYTES);
  }

  /** What is under way on the link at the present rate. */
  get #linkBytes(): number {
    return (this.#rate * this.#roundTripMs) / 1000;
  }

  #isWindowOver(elapsedMs: number): boolean {
    const isGrowing =
      this.#isSlowStart && elapsedMs >= GROWING_WINDOW_MIN_MS && this.#windowBytes >= GROWING_WINDOW_MIN_BYTES;
    if (isGrowing) return elapsedMs >= this.#roundTripMs;
    return elapsedMs >= Math.max(WINDOW_MIN_MS, (this.#isShallow ? 1 : 2) * this.#roundTripMs);
  }

  #handleWindow(rate: number, nowMs: number): void {
    const before = this.#windowRate;
    this.#windowRate = rate;
    this.#rate = rate > this.#rate ? rate : this.#rate + FALL_RATIO * (rate - this.#rate);
    // A single window may hold what was held up in the one before.
    const meanRate = before === 0 ? rate : (rate + before) / 2;
    if (this.#isSlowStart) {
      const isFlat = before > 0 && rate < before * GROWTH_RATIO_MIN;
      const isLate = this.#responseMs >= LATE_RATIO * this.#roundTripMs || rate < before * LOSS_RATIO;
      const isOver = isFlat && (this.#wasFlat || isLate);
      this.#wasFlat = isFlat;
      if (!isOver) return;
      this.#isSlowStart = false;
    } else if (this.#isShallow) {
      this.#watchShallow(meanRate, nowMs);
      return;
    }
    if (this.#rateToBeat > 0) {
      this.#watchTrial(rate, nowMs);
      return;
    }
    const isLong = this.#roundTripMs >= LONG_ROUND_TRIP_MS && this.#linkBytes >= LONG_LINK_BYTES;
    if (isLong && nowMs >= this.#deepUntilMs) this.#startShallow(Math.max(rate, before));
  }

  #startShallow(rate: number): void {
    this.#isShallow = true;
    this.#shallowRate = rate;
    this.#shallowBestRate = rate;
    this.#slowWindowCount = 0;
    this.#slowRateSum = 0;
  }

  #watchShallow(rate: number, nowMs: number): void {
    const isRise = rate > this.#shallowRate;
    this.#shallowRate += (isRise ? 1 : SHALLOW_FALL_RATIO) * (rate - this.#shallowRate);
    this.#shallowBestRate = Math.max(this.#shallowBestRate, rate);
    const isSlow = rate < SLOW_RATIO * this.#shallowBestRate;
    this.#slowWindowCount = isSlow ? this.#slowWindowCount + 1 : 0;
    this.#slowRateSum = isSlow ? this.#slowRateSum + rate : 0;
    if (this.#slowWindowCount < SLOW_WINDOWS) return;
    this.#isShallow = false;
    this.#rateToBeat = this.#slowRateSum / this.#slowWindowCount;
    this.#trialEndMs = nowMs + TRIAL_MS;
    this.#trialWindowCount = 0;
    this.#trialRateSum = 0;
  }

  /** The link may give less than it did, or the peer may be slow to answer: only for the latter do more requests help. */
  #watchTrial(rate: number, nowMs: number): void {
    if (nowMs > this.#trialEndMs - TRIAL_MS + TRIAL_UNCOUNTED_MS) {
      this.#trialWindowCount++;
      this.#trialRateSum += rate;
    }
    if (nowMs < this.#trialEndMs) return;
    const rateToBeat = this.#rateToBeat;
    this.#rateToBeat = 0;
    if (this.#trialRateSum / this.#trialWindowCount < TRIAL_GAIN_MIN * rateToBeat) {
      this.#startShallow(rateToBeat);
      return;
    }
    this.#deepUntilMs = nowMs + this.#deepMs;
    this.#deepMs = Math.min(DEEP_MAX_MS, 2 * this.#deepMs);
  }
}
