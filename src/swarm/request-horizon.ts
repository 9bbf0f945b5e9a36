// How far ahead peers are asked for blocks, in seconds of what each gives. Far where there is enough to ask for: links stay busy.
// Near where a peer finds nothing to be asked for, because others were asked for all of it: what waits at one peer, another
// could send at once. That is so while a crowd's pieces are few, and at the end of every download.

/** As far as libtorrent goes. */
export const HORIZON_MAX_SECONDS = 3;
/** In a simulated crowd a quarter of a second does as well, and leaves less for a link that wavers. */
const HORIZON_MIN_SECONDS = 0.5;
/** Each want makes it shorter by this factor, at most once in so many ms: one want shows itself at many peers. */
const SHRINK_RATIO = 0.7;
const SHRINK_PAUSE_MS = 250;
/** Without want it grows by so many seconds a second. */
const GROWTH = 0.05;

export class RequestHorizon {
  #seconds = HORIZON_MAX_SECONDS;
  #sinceMs = Number.NEGATIVE_INFINITY;

  seconds(nowMs: number): number {
    if (this.#seconds === HORIZON_MAX_SECONDS) return HORIZON_MAX_SECONDS;
    return Math.min(HORIZON_MAX_SECONDS, this.#seconds + (GROWTH * (nowMs - this.#sinceMs)) / 1000);
  }

  /** A peer could be asked for more than there was to ask for. */
  handleWant(nowMs: number): void {
    if (nowMs - this.#sinceMs < SHRINK_PAUSE_MS) return;
    this.#seconds = Math.max(HORIZON_MIN_SECONDS, this.seconds(nowMs) * SHRINK_RATIO);
    this.#sinceMs = nowMs;
  }
}
