// One info-hash in one tier of trackers: whose turn it is (BEP 12), when, and what each tracker has said so far. Makes
// no announce itself: that is announce-schedule's.
import { type Random, randomFraction, shuffle } from '../base/random.ts';
import { TRACKER_INTERVAL_MIN_MS } from '../protocol/limits.ts';
import type { AnnounceEvent } from '../protocol/tracker/announce.ts';

// 5 s · (1 + 2.5 n²) for the n-th failure in a row: 17 s, 55 s, 2 min, … one hour. libtorrent's curve.
const BACK_OFF_BASE_MS = 5_000;
const BACK_OFF_GROWTH = 2.5;
const BACK_OFF_MAX_MS = 3_600_000;
/** Up to this part more, so that clients do not come back to a tracker all at once. */
const BACK_OFF_JITTER_RATIO = 0.5;
const INTERVAL_JITTER_RATIO = 0.05;
/** Between asking a tracker for more peers, where it names no minimum itself. */
const MIN_INTERVAL_DEFAULT_MS = 300_000;

export interface AnnounceSuccess {
  readonly intervalMs: number;
  readonly minIntervalMs: number | undefined;
  readonly seedCount: number | undefined;
  readonly leecherCount: number | undefined;
  readonly peerCount: number;
  readonly warning: string | undefined;
  readonly trackerId: Uint8Array | undefined;
}

export interface AnnounceFailure {
  /** Fit to be shown. */
  readonly message: string;
  /** BEP 31; Infinity = never. */
  readonly retryInMs?: number | undefined;
}

/** `disabled`: it asked never to be asked again. */
export type TrackerState = 'idle' | 'announcing' | 'working' | 'failed' | 'disabled';

/** One tracker as one info-hash knows it. */
export class TrackerContact {
  readonly url: string;
  /** It has answered `started`, and not yet `stopped`. */
  isStarted = false;
  /** It is still to be told that the download has ended. */
  isCompletedDue = false;
  isAnnouncing = false;
  /** In a row. */
  failureCount = 0;
  /** Not before this; Infinity = never. */
  retryAtMs: number = -Infinity;
  /** What it calls us. */
  trackerId: Uint8Array | undefined;
  message: string | undefined;
  success: AnnounceSuccess | undefined;

  constructor(url: string) {
    this.url = url;
  }

  get nextEvent(): AnnounceEvent {
    if (!this.isStarted) return 'started';
    return this.isCompletedDue ? 'completed' : 'none';
  }

  get state(): TrackerState {
    if (this.isAnnouncing) return 'announcing';
    if (this.retryAtMs === Infinity) return 'disabled';
    if (this.failureCount > 0) return 'failed';
    return this.success === undefined ? 'idle' : 'working';
  }
}

export class AnnounceLane {
  readonly tier: number;
  readonly infoHashIndex: number;
  readonly #random: Random;
  /** Tried from the front; what answered last stands in front. BOUNDED: TRACKERS_PER_TIER_MAX, kept by the schedule */
  readonly #contacts: TrackerContact[];
  #nextAtMs: number;
  /** Asking for more peers makes no announce before this. */
  #earliestAtMs: number;
  #isAnnouncing = false;

  constructor(
    options: { tier: number; infoHashIndex: number; urls: readonly string[]; random: Random },
    nowMs: number,
  ) {
    this.tier = options.tier;
    this.infoHashIndex = options.infoHashIndex;
    this.#random = options.random;
    this.#contacts = shuffle(
      options.random,
      options.urls.map((url) => new TrackerContact(url)),
    );
    this.#nextAtMs = nowMs;
    this.#earliestAtMs = nowMs;
  }

  get contacts(): readonly TrackerContact[] {
    return this.#contacts;
  }

  /** When the next announce is due; Infinity while one is under way. */
  get deadlineMs(): number {
    const contact = this.#isAnnouncing ? undefined : this.#firstReady();
    return contact === undefined ? Infinity : Math.max(contact.retryAtMs, this.#nextAtMs);
  }

  /** When this contact is announced to, as things stand; Infinity when another one's turn comes first. */
  nextAtMsOf(contact: TrackerContact): number {
    return this.#firstReady() === contact ? this.deadlineMs : Infinity;
  }

  addTracker(url: string): void {
    this.#contacts.push(new TrackerContact(url));
  }

  handleStart(nowMs: number): void {
    this.#nextAtMs = nowMs;
    this.#earliestAtMs = nowMs;
    for (const contact of this.#contacts) {
      contact.isStarted = false;
      contact.isCompletedDue = false;
      contact.retryAtMs = nowMs;
    }
  }

  handleComplete(nowMs: number): void {
    for (const contact of this.#contacts) {
      if (!contact.isStarted) continue;
      contact.isCompletedDue = true;
      this.#nextAtMs = nowMs;
    }
  }

  handlePeersWanted(nowMs: number): void {
    this.#nextAtMs = Math.min(this.#nextAtMs, Math.max(nowMs, this.#earliestAtMs));
  }

  /** The contact to announce to now, if the lane is due: it counts as announcing until `handleEnded`. */
  takeDue(nowMs: number): TrackerContact | undefined {
    if (this.deadlineMs > nowMs) return undefined;
    const contact = this.#contacts.find((candidate) => candidate.retryAtMs <= nowMs);
    if (contact === undefined) return undefined;
    this.#isAnnouncing = true;
    contact.isAnnouncing = true;
    return contact;
  }

  /** The announce to this contact is over, with or without an answer. */
  handleEnded(contact: TrackerContact): void {
    contact.isAnnouncing = false;
    this.#isAnnouncing = false;
  }

  handleSuccess(contact: TrackerContact, event: AnnounceEvent, success: AnnounceSuccess, nowMs: number): void {
    contact.failureCount = 0;
    contact.retryAtMs = nowMs;
    contact.message = success.warning;
    contact.trackerId = success.trackerId ?? contact.trackerId;
    contact.success = success;
    contact.isStarted = event !== 'stopped';
    if (event === 'stopped') return;
    if (event === 'completed') contact.isCompletedDue = false;
    this.#contacts.splice(this.#contacts.indexOf(contact), 1);
    this.#contacts.unshift(contact);
    const minIntervalMs = success.minIntervalMs ?? Math.min(success.intervalMs, MIN_INTERVAL_DEFAULT_MS);
    this.#earliestAtMs = nowMs + Math.max(minIntervalMs, TRACKER_INTERVAL_MIN_MS);
    const jitterMs = success.intervalMs * INTERVAL_JITTER_RATIO * randomFraction(this.#random);
    this.#nextAtMs = nowMs + Math.max(success.intervalMs, minIntervalMs) + jitterMs;
    // The download may have ended while this announce was under way.
    if (contact.isCompletedDue) this.#nextAtMs = nowMs;
  }

  handleFailure(contact: TrackerContact, failure: AnnounceFailure, nowMs: number): void {
    contact.failureCount++;
    contact.message = failure.message;
    const backOffMs = Math.min(BACK_OFF_BASE_MS * (1 + BACK_OFF_GROWTH * contact.failureCount ** 2), BACK_OFF_MAX_MS);
    const jitter = 1 + BACK_OFF_JITTER_RATIO * randomFraction(this.#random);
    contact.retryAtMs = nowMs + Math.max(backOffMs, failure.retryInMs ?? 0) * jitter;
  }

  /** The contact whose turn it is, or whose back-off ends first. */
  #firstReady(): TrackerContact | undefined {
    let best: TrackerContact | undefined;
    let bestAtMs = Infinity;
    for (const contact of this.#contacts) {
      const readyAtMs = Math.max(contact.retryAtMs, this.#nextAtMs);
      if (best !== undefined && readyAtMs >= bestAtMs) continue;
      best = contact;
      bestAtMs = readyAtMs;
    }
    return best;
  }
}
