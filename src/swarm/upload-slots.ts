// How many peers a session uploads to at once, from what its uplink is seen to carry: few at first, so that each gets
// much; more when those who have a slot do not ask for what we could send, when each gets plenty, or when one more was
// seen to raise the sum. Shown a sample every second. Knows no torrent and no peer.

/** At first, and the fewest without a low limit: four for those who earn them and one that goes round. */
export const UPLOAD_SLOTS_MIN = 5;
export const UPLOAD_SLOTS_MAX = 100;
/** Under a limit, a slot is worth having only with so many bytes per second. */
const SLOT_MIN_BYTES_PER_SECOND = 4 * 1024;
const LIMITED_SLOTS_MIN = 2;
/** Where each slot carries so many bytes per second, there is enough for another. */
const SLOT_PLENTY_BYTES_PER_SECOND = 1024 * 1024;
/** Slots for plenty are taken back when the sum has been below half of what they need for so long. */
const PLENTY_HOLD_MS = 30_000;
/** One more, or one less, is tried so long before the sums are compared, and again after this time at the earliest … */
const TRIAL_MS = 20_000;
const TRIAL_PAUSE_MS = 60_000;
/** … which doubles up to this while trials fail. */
const TRIAL_PAUSE_MAX_MS = 960_000;
/** A slot more must bring at least this part of a slot's mean share. */
const TRIAL_GAIN = 0.5;
/** Weight of the newest sample in the means. */
const NEWEST = 0.25;
/** With fewer peers that have something under way, in the mean, a part of the uplink is not used. */
const BUSY_MIN = 0.5;

export interface UploadSample {
  /** Blocks sent since the session began, in bytes. */
  readonly sentBytes: number;
  /** Interested peers that have a slot; of those, who has asked for something that has not left yet. */
  readonly unchokedCount: number;
  readonly busyCount: number;
  /** Interested peers without a slot. */
  readonly waitingCount: number;
  /** The session's limit; Infinity without one. */
  readonly limitBytesPerSecond: number;
}

/** A slot more or less than before, to see what it brings. */
interface Trial {
  readonly change: 1 | -1;
  readonly sinceMs: number;
  readonly sentBytes: number;
  /** Mean of the time before. */
  readonly bytesPerSecondBefore: number;
}

export class UploadSlots {
  #slots: number = UPLOAD_SLOTS_MIN;
  /** What trials have led to. */
  #tried: number = UPLOAD_SLOTS_MIN;
  #plenty = 0;
  #plentyUntilMs = Number.NEGATIVE_INFINITY;
  #sampledMs = Number.NaN;
  #sentBytes = 0;
  #bytesPerSecond = 0;
  #idleMean = 0;
  #busyMean: number = UPLOAD_SLOTS_MIN;
  #trial: Trial | undefined;
  #nextTrialMs = Number.NaN;
  #pauseMs: number = TRIAL_PAUSE_MS;
  #lastChange: 1 | -1 = -1;

  get slots(): number {
    return this.#slots;
  }

  /** Those who have slots leave a part of the uplink unused. */
  get hasSpare(): boolean {
    return this.#busyMean < BUSY_MIN;
  }

  handleSample(sample: UploadSample, nowMs: number): void {
    const passedMs = nowMs - this.#sampledMs;
    this.#sampledMs = nowMs;
    if (!(passedMs > 0)) {
      this.#sentBytes = sample.sentBytes;
      this.#nextTrialMs = nowMs + TRIAL_PAUSE_MS;
      return;
    }
    const bytesPerSecond = ((sample.sentBytes - this.#sentBytes) * 1_000) / passedMs;
    this.#sentBytes = sample.sentBytes;
    this.#bytesPerSecond += (bytesPerSecond - this.#bytesPerSecond) * NEWEST;
    this.#idleMean += (sample.unchokedCount - sample.busyCount - this.#idleMean) * NEWEST;
    this.#busyMean += (sample.busyCount - this.#busyMean) * NEWEST;
    this.#updatePlenty(bytesPerSecond, nowMs);
    this.#try(sample, nowMs);
    const least = slotsOfLimit(sample.limitBytesPerSecond);
    const wanted = Math.max(this.#tried + (this.#trial?.change ?? 0), this.#plenty);
    // Whoever has a slot and does not use it takes none from the others.
    const withIdle = Math.min(wanted, least.most) + Math.round(this.#idleMean);
    this.#slots = Math.min(UPLOAD_SLOTS_MAX, Math.max(least.fewest, withIdle));
  }

  #updatePlenty(bytesPerSecond: number, nowMs: number): void {
    const plenty = Math.min(UPLOAD_SLOTS_MAX, Math.floor(bytesPerSecond / SLOT_PLENTY_BYTES_PER_SECOND));
    if (plenty * 2 >= this.#plenty) this.#plentyUntilMs = nowMs + PLENTY_HOLD_MS;
    if (plenty > this.#plenty || nowMs >= this.#plentyUntilMs) this.#plenty = plenty;
  }

  #try(sample: UploadSample, nowMs: number): void {
    const trial = this.#trial;
    if (trial !== undefined) {
      if (nowMs - trial.sinceMs >= TRIAL_MS) this.#endTrial(trial, sample.sentBytes, nowMs);
      return;
    }
    const isFull = sample.waitingCount > 0 && sample.busyCount >= this.#tried;
    if (!isFull || nowMs < this.#nextTrialMs || sample.limitBytesPerSecond !== Number.POSITIVE_INFINITY) return;
    // Up and down in turns, so that a swarm that changes does not lead astray.
    const change = this.#lastChange === -1 || this.#tried <= UPLOAD_SLOTS_MIN ? 1 : -1;
    if (change === 1 && this.#tried >= UPLOAD_SLOTS_MAX) return;
    this.#lastChange = change;
    const { sentBytes } = sample;
    this.#trial = { change, sinceMs: nowMs, sentBytes, bytesPerSecondBefore: this.#bytesPerSecond };
  }

  #endTrial({ change, sinceMs, sentBytes, bytesPerSecondBefore }: Trial, sentNow: number, nowMs: number): void {
    this.#trial = undefined;
    const bytesPerSecond = ((sentNow - sentBytes) * 1_000) / (nowMs - sinceMs);
    const share = bytesPerSecondBefore / this.#tried;
    const isBetter =
      change === 1
        ? bytesPerSecond >= bytesPerSecondBefore + share * TRIAL_GAIN
        : bytesPerSecond >= bytesPerSecondBefore - share * TRIAL_GAIN;
    if (isBetter) this.#tried += change;
    this.#pauseMs = isBetter ? TRIAL_PAUSE_MS : Math.min(TRIAL_PAUSE_MAX_MS, this.#pauseMs * 2);
    this.#nextTrialMs = nowMs + (isBetter && change === 1 ? 0 : this.#pauseMs);
  }
}

/** What a limit leaves of them: few where it is low. */
function slotsOfLimit(bytesPerSecond: number): { readonly fewest: number; readonly most: number } {
  const worth = Math.floor(bytesPerSecond / SLOT_MIN_BYTES_PER_SECOND);
  const most = Math.max(LIMITED_SLOTS_MIN, Math.min(UPLOAD_SLOTS_MAX, worth));
  return { fewest: Math.min(UPLOAD_SLOTS_MIN, most), most };
}
