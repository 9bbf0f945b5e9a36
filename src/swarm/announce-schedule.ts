// Decides when one torrent announces what to which tracker: tiers (BEP 12), events, intervals, back-off, a tracker's
// own wish (BEP 31). Says it with ids; who carries an announce out, and how, it does not know.
//
// A lane is one info-hash in one tier: it announces to the first tracker of its order that is not backing off, and
// has one announce under way at a time. Every tier is announced to, as today's clients do and unlike BEP 12, which
// has a later tier wait for the failure of all before it. A hybrid torrent has two info-hashes, whose swarms a
// tracker may know or not know separately, so each has its own lanes.
import { assert } from '../base/assert.ts';
import type { Machine } from '../base/machine.ts';
import type { Random } from '../base/random.ts';
import { TRACKER_NUM_WANT, TRACKER_TIERS_MAX, TRACKERS_PER_TIER_MAX } from '../protocol/limits.ts';
import type { AnnounceEvent } from '../protocol/tracker/announce.ts';
import {
  type AnnounceFailure,
  AnnounceLane,
  type AnnounceSuccess,
  type TrackerContact,
  type TrackerState,
} from './announce-lane.ts';

/** One announce to make. */
export interface AnnounceOrder {
  /** For the answer. */
  readonly announceId: number;
  readonly url: string;
  /** 0, or 1 for the second info-hash of a hybrid. */
  readonly infoHashIndex: number;
  readonly event: AnnounceEvent;
  readonly numWant: number;
  /** The tracker's own id for us, from its last reply. */
  readonly trackerId: Uint8Array | undefined;
  /** Failures in a row before this announce. */
  readonly failureCount: number;
}

export type AnnounceScheduleOutput =
  | { readonly type: 'announce'; readonly order: AnnounceOrder }
  /** Its answer is no longer waited for. */
  | { readonly type: 'cancel'; readonly announceId: number };

export interface TrackerStatus {
  readonly url: string;
  readonly tier: number;
  readonly state: TrackerState;
  /** The last failure, or the last reply's warning; hostile text. */
  readonly message: string | undefined;
  /** Peers in the last reply. */
  readonly peerCount: number;
  readonly seedCount: number | undefined;
  readonly leecherCount: number | undefined;
  /** Undefined when no announce to it is planned. */
  readonly nextAnnounceMs: number | undefined;
  readonly failureCount: number;
}

export interface AnnounceScheduleOptions {
  readonly random: Random;
  readonly infoHashCount: 1 | 2;
  /** @defaultValue TRACKER_NUM_WANT */
  readonly numWant?: number;
}

interface UnderWay {
  readonly lane: AnnounceLane;
  readonly contact: TrackerContact;
  readonly event: AnnounceEvent;
}

export class AnnounceSchedule implements Machine<AnnounceScheduleOutput> {
  readonly #random: Random;
  #infoHashCount: number;
  readonly #numWant: number;
  /** One a tier and info-hash. BOUNDED: TRACKER_TIERS_MAX tiers */
  readonly #lanes: AnnounceLane[] = [];
  /** Undefined while there is none. BOUNDED: one a lane; when stopping, one a contact */
  #underWay: Map<number, UnderWay> | undefined;
  readonly #outputs: AnnounceScheduleOutput[] = []; // BOUNDED: as #underWay, drained by the caller
  #phase: 'idle' | 'running' | 'stopping' = 'idle';
  #lastAnnounceId = 0;

  constructor(options: AnnounceScheduleOptions) {
    this.#random = options.random;
    this.#infoHashCount = options.infoHashCount;
    this.#numWant = options.numWant ?? TRACKER_NUM_WANT;
  }

  /** When a lane is due. */
  get deadlineMs(): number {
    if (this.#phase !== 'running') return Infinity;
    return this.#lanes.reduce((earliestMs, lane) => Math.min(earliestMs, lane.deadlineMs), Infinity);
  }

  get tierCount(): number {
    return this.#lanes.length / this.#infoHashCount;
  }

  /** Not running, and no answer is waited for. */
  get isIdle(): boolean {
    return this.#phase !== 'running' && (this.#underWay?.size ?? 0) === 0;
  }

  poll(): AnnounceScheduleOutput | undefined {
    return this.#outputs.shift();
  }

  /** Adds a tier at the end, its order drawn by lot (BEP 12). Trackers that are known already are left out. */
  addTier(urls: readonly string[], nowMs: number): void {
    const known = this.#urls();
    const fresh = [...new Set(urls)].filter((url) => !known.has(url)).slice(0, TRACKERS_PER_TIER_MAX);
    if (fresh.length === 0 || this.tierCount >= TRACKER_TIERS_MAX) return;
    const tier = this.tierCount;
    for (let infoHashIndex = 0; infoHashIndex < this.#infoHashCount; infoHashIndex++) {
      this.#lanes.push(new AnnounceLane({ tier, infoHashIndex, urls: fresh, random: this.#random }, nowMs));
    }
    this.#announceDue(nowMs);
  }

  /** Adds one tracker at a tier's end; false when it is known already, or there is no such tier or no room. */
  addTracker(url: string, tier: number, nowMs: number): boolean {
    const lanes = this.#lanes.filter((lane) => lane.tier === tier);
    if (this.#urls().has(url) || (lanes[0]?.contacts.length ?? Infinity) >= TRACKERS_PER_TIER_MAX) return false;
    for (const lane of lanes) lane.addTracker(url);
    this.#announceDue(nowMs);
    return true;
  }

  /** The metadata has shown the torrent to be a hybrid: from here on its second info-hash is announced too. */
  handleSecondInfoHash(nowMs: number): void {
    if (this.#infoHashCount === 2) return;
    this.#infoHashCount = 2;
    for (const { tier, contacts } of [...this.#lanes]) {
      const urls = contacts.map((contact) => contact.url);
      this.#lanes.push(new AnnounceLane({ tier, infoHashIndex: 1, urls, random: this.#random }, nowMs));
    }
    this.#announceDue(nowMs);
  }

  /** Announces `started` in every tier. */
  handleStart(nowMs: number): void {
    if (this.#phase === 'running') return;
    this.#cancelAll();
    this.#phase = 'running';
    for (const lane of this.#lanes) lane.handleStart(nowMs);
    this.#announceDue(nowMs);
  }

  /** The download has ended: trackers that saw it start are told. Not to be called for what was complete before. */
  handleComplete(nowMs: number): void {
    if (this.#phase !== 'running') return;
    for (const lane of this.#lanes) lane.handleComplete(nowMs);
    this.#announceDue(nowMs);
  }

  /** More peers would be welcome: announces again as soon as each tracker's minimum interval allows. */
  handlePeersWanted(nowMs: number): void {
    for (const lane of this.#lanes) lane.handlePeersWanted(nowMs);
    this.#announceDue(nowMs);
  }

  /** Cancels what is under way and announces `stopped` to each tracker that saw the torrent start. */
  handleStop(): void {
    if (this.#phase !== 'running') return;
    this.#cancelAll();
    this.#phase = 'stopping';
    for (const lane of this.#lanes) {
      for (const contact of lane.contacts) {
        if (contact.isStarted && contact.retryAtMs !== Infinity) this.#order(lane, contact, 'stopped');
      }
    }
  }

  /** Forgets the `stopped` announces that are still under way. */
  handleStopTimeout(): void {
    if (this.#phase === 'stopping') this.#cancelAll();
  }

  /** Ends at once and tells no tracker. */
  handleClose(): void {
    this.#cancelAll();
    this.#phase = 'idle';
  }

  handleDeadline(nowMs: number): void {
    this.#announceDue(nowMs);
  }

  handleSuccess(announceId: number, success: AnnounceSuccess, nowMs: number): void {
    const underWay = this.#finish(announceId);
    if (underWay === undefined) return;
    underWay.lane.handleSuccess(underWay.contact, underWay.event, success, nowMs);
    this.#announceDue(nowMs);
  }

  handleFailure(announceId: number, failure: AnnounceFailure, nowMs: number): void {
    const underWay = this.#finish(announceId);
    if (underWay === undefined) return;
    underWay.lane.handleFailure(underWay.contact, failure, nowMs);
    this.#announceDue(nowMs);
  }

  /** One entry a tracker: by tier, in the order they are tried. */
  status(nowMs: number): TrackerStatus[] {
    return this.#lanes
      .filter((lane) => lane.infoHashIndex === 0)
      .flatMap((lane) => lane.contacts.map(({ url }) => this.#statusOf(url, lane.tier, nowMs)));
  }

  /** Throws when a rule of this machine is broken; for tests and the simulator. */
  assertInvariants(): void {
    const lanes = new Set<AnnounceLane>();
    for (const { lane, contact, event } of this.#underWay?.values() ?? []) {
      assert(contact.isAnnouncing, 'a contact that is announced to is marked');
      assert((event === 'stopped') === (this.#phase === 'stopping'), 'stopped, and nothing else, is said at the end');
      assert(event === 'stopped' || !lanes.has(lane), 'a lane has one announce under way');
      assert(this.#phase !== 'running' || lane.deadlineMs === Infinity, 'a lane that announces waits for the answer');
      lanes.add(lane);
    }
    const marked = this.#lanes.flatMap((lane) => lane.contacts).filter((contact) => contact.isAnnouncing);
    assert(marked.length === (this.#underWay?.size ?? 0), 'no contact is marked without an announce');
  }

  /** A tracker over both of a hybrid's info-hashes: the better state, the larger numbers, the earlier announce. */
  #statusOf(url: string, tier: number, nowMs: number): TrackerStatus {
    const lanes = this.#lanes.filter((lane) => lane.tier === tier);
    const contacts = lanes.map((lane) => lane.contacts.find((contact) => contact.url === url)!);
    const best = contacts.reduce((left, right) => (rankOf(right) < rankOf(left) ? right : left));
    const isRunning = this.#phase === 'running';
    const nextAtMs = Math.min(...lanes.map((lane, i) => (isRunning ? lane.nextAtMsOf(contacts[i]!) : Infinity)));
    const largest = (key: 'peerCount' | 'seedCount' | 'leecherCount'): number | undefined => {
      const known = contacts.map((contact) => contact.success?.[key]).filter((count) => count !== undefined);
      return known.length === 0 ? undefined : Math.max(...known);
    };
    return {
      url,
      tier,
      state: best.state,
      message: best.message,
      peerCount: largest('peerCount') ?? 0,
      seedCount: largest('seedCount'),
      leecherCount: largest('leecherCount'),
      nextAnnounceMs: nextAtMs === Infinity ? undefined : Math.max(0, nextAtMs - nowMs),
      failureCount: best.failureCount,
    };
  }

  #urls(): ReadonlySet<string> {
    return new Set(this.#lanes.flatMap(({ contacts }) => contacts.map(({ url }) => url)));
  }

  #announceDue(nowMs: number): void {
    if (this.#phase !== 'running') return;
    for (const lane of this.#lanes) {
      const contact = lane.takeDue(nowMs);
      if (contact !== undefined) this.#order(lane, contact, contact.nextEvent);
    }
  }

  #order(lane: AnnounceLane, contact: TrackerContact, event: AnnounceEvent): void {
    const announceId = ++this.#lastAnnounceId;
    contact.isAnnouncing = true;
    this.#underWay ??= new Map();
    this.#underWay.set(announceId, { lane, contact, event });
    const order: AnnounceOrder = {
      announceId,
      url: contact.url,
      infoHashIndex: lane.infoHashIndex,
      event,
      numWant: event === 'stopped' ? 0 : this.#numWant,
      trackerId: contact.trackerId,
      failureCount: contact.failureCount,
    };
    this.#outputs.push({ type: 'announce', order });
  }

  #finish(announceId: number): UnderWay | undefined {
    const underWay = this.#underWay?.get(announceId);
    if (underWay === undefined) return undefined;
    this.#underWay?.delete(announceId);
    if (this.#underWay?.size === 0) this.#underWay = undefined;
    underWay.lane.handleEnded(underWay.contact);
    return underWay;
  }

  #cancelAll(): void {
    for (const announceId of [...(this.#underWay?.keys() ?? [])]) {
      this.#finish(announceId);
      this.#outputs.push({ type: 'cancel', announceId });
    }
  }
}

const STATE_RANKS: Readonly<Record<TrackerState, number>> = {
  working: 0,
  announcing: 1,
  idle: 2,
  failed: 3,
  disabled: 4,
};

function rankOf(contact: TrackerContact): number {
  return STATE_RANKS[contact.state];
}
