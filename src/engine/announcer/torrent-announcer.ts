// Announces one torrent: its schedule, driven by the session's deadlines and carried out over HTTP and UDP. What the
// torrent is, and what becomes of the peers, is the host's.
import type { Random } from '../../base/random.ts';
import type { Clock, Timer } from '../../platform/clock.ts';
import type { Log } from '../../platform/log.ts';
import type { Endpoint } from '../../platform/network.ts';
import type { Resolver } from '../../platform/resolver.ts';
import { TRACKER_STOP_TIMEOUT_MS, TRACKER_TIMEOUT_MS } from '../../protocol/limits.ts';
import type { AnnounceRequest, AnnounceResponse } from '../../protocol/tracker/announce.ts';
import { parseTrackerUrl, redactTrackerUrl } from '../../protocol/tracker/tracker-url.ts';
import type { AnnounceFailure } from '../../swarm/announce-lane.ts';
import { type AnnounceOrder, AnnounceSchedule, type TrackerStatus } from '../../swarm/announce-schedule.ts';
import type { DeadlineEntry, DeadlineQueue } from '../deadline-queue.ts';
import type { AnnounceCarrier } from './announce-carrier.ts';
import type { AnnounceGate, GateTicket } from './announce-gate.ts';
import { type TrackerCounts, TrackerScrape } from './tracker-scrape.ts';
import { UdpCarrier } from './udp-carrier.ts';
import type { UdpTrackerClient } from './udp-tracker-client.ts';

/** What is true of the torrent at this moment. */
export interface AnnounceFacts {
  /** 20 bytes each: one, or v1's and v2's of a hybrid, in an order that stays. */
  readonly infoHashes: readonly Uint8Array[];
  /** 20 bytes. */
  readonly peerId: Uint8Array;
  readonly port: number;
  readonly uploadedBytes: number;
  readonly downloadedBytes: number;
  readonly leftBytes: number;
  /** 32 random bits, the same for the torrent's life in this session. */
  readonly key: number;
  /** Our addresses where we know them (BEP 7). */
  readonly ipv4?: string | undefined;
  readonly ipv6?: string | undefined;
}

export interface AnnouncerHost {
  announceFacts(): AnnounceFacts;
  handlePeers(peers: readonly Endpoint[], trackerUrl: string): void;
  /** How a tracker sees us (BEP 24). */
  handleExternalAddress(address: string, trackerUrl: string): void;
  /** A mistake of ours showed itself. */
  handleBug(error: unknown): void;
}

/** What all torrents of a session announce with. */
export interface AnnounceServices {
  readonly clock: Clock;
  readonly deadlines: DeadlineQueue;
  readonly http: AnnounceCarrier;
  readonly resolver: Resolver;
  readonly udp: UdpTrackerClient;
  readonly gate: AnnounceGate;
  readonly random: Random;
  readonly log: Log;
}

interface Attempt {
  readonly order: AnnounceOrder;
  ticket: GateTicket | undefined;
  carried: { cancel(): void } | undefined;
  /** The schedule has its result; only a second family's reply may follow. */
  isAnswered: boolean;
}

export class TorrentAnnouncer implements DeadlineEntry {
  readonly #services: AnnounceServices;
  readonly #host: AnnouncerHost;
  readonly #schedule: AnnounceSchedule;
  /** Undefined while no tracker over UDP was asked. */
  #udp: AnnounceCarrier | undefined;
  /** Undefined while nothing is under way. BOUNDED: what the schedule has under way, and second families' replies */
  #attempts: Map<number, Attempt> | undefined;
  #stopTimer: Timer | undefined;
  #whenStopped: (() => void)[] | undefined; // BOUNDED: one a call of stop
  #scrapes: Set<TrackerScrape> | undefined; // BOUNDED: one a call of scrape

  constructor(services: AnnounceServices, host: AnnouncerHost) {
    this.#services = services;
    this.#host = host;
    const infoHashCount = host.announceFacts().infoHashes.length === 2 ? 2 : 1;
    this.#schedule = new AnnounceSchedule({ random: services.random, infoHashCount });
  }

  /** Adds a tier (BEP 12). URLs that are no HTTP or UDP tracker's, and known ones, are left out. */
  addTier(urls: readonly string[]): void {
    const usable = urls.filter((url) => parseTrackerUrl(url) !== undefined);
    this.#schedule.addTier(usable, this.#services.clock.nowMs());
    this.#carryOn();
  }

  /** Adds one tracker: to a tier that exists, or as a tier of its own. False when nothing was added. */
  addTracker(url: string, tier?: number): boolean {
    if (parseTrackerUrl(url) === undefined) return false;
    const nowMs = this.#services.clock.nowMs();
    const tierCount = this.#schedule.tierCount;
    let isAdded: boolean;
    if (tier !== undefined && tier < tierCount) isAdded = this.#schedule.addTracker(url, tier, nowMs);
    else {
      this.#schedule.addTier([url], nowMs);
      isAdded = this.#schedule.tierCount > tierCount;
    }
    this.#carryOn();
    return isAdded;
  }

  start(): void {
    this.#schedule.handleStart(this.#services.clock.nowMs());
    this.#carryOn();
  }

  /** The download has ended just now. */
  handleComplete(): void {
    this.#schedule.handleComplete(this.#services.clock.nowMs());
    this.#carryOn();
  }

  /** `announceFacts` has a second info-hash from now on. */
  handleSecondInfoHash(): void {
    this.#schedule.handleSecondInfoHash(this.#services.clock.nowMs());
    this.#carryOn();
  }

  /** Announces again as soon as each tracker's minimum interval allows. */
  requestMorePeers(): void {
    this.#schedule.handlePeersWanted(this.#services.clock.nowMs());
    this.#carryOn();
  }

  /** Asks every tracker how large the swarm is (BEP 48); calls back, never synchronously, when all have answered. */
  scrape(onDone: (results: readonly TrackerCounts[]) => void): void {
    const { gate, clock, http } = this.#services;
    const urls = [...new Set(this.#schedule.status(clock.nowMs()).map(({ url }) => url))];
    const { infoHashes } = this.#host.announceFacts();
    const scrape = new TrackerScrape(
      { clock, gate, http, udp: this.#udpCarrier() },
      { urls, infoHashes },
      (results) => {
        this.#scrapes?.delete(scrape);
        onDone(results);
      },
    );
    this.#scrapes ??= new Set();
    this.#scrapes.add(scrape);
  }

  /** Announces `stopped`; calls back, never synchronously, when all trackers have answered or time is up. */
  stop(onDone: () => void, timeoutMs: number = TRACKER_STOP_TIMEOUT_MS): void {
    const { clock } = this.#services;
    this.#whenStopped ??= [];
    this.#whenStopped.push(onDone);
    this.#endScrapes();
    this.#cancelAnswered();
    this.#schedule.handleStop();
    const waitMs = this.#schedule.isIdle ? 0 : timeoutMs;
    this.#stopTimer ??= clock.schedule(clock.nowMs() + waitMs, () => this.#finishStop());
    this.#carryOn();
  }

  /** Ends everything at once, without telling anyone. Idempotent. */
  close(): void {
    this.#endScrapes();
    this.#schedule.handleClose();
    this.#finishStop();
  }

  status(): TrackerStatus[] {
    return this.#schedule.status(this.#services.clock.nowMs());
  }

  handleBug(error: unknown): void {
    this.#host.handleBug(error);
  }

  handleDeadline(nowMs: number): number {
    this.#schedule.handleDeadline(nowMs);
    this.#carryOn();
    return this.#schedule.deadlineMs;
  }

  /** Does what the schedule says and waits for its next word. */
  #carryOn(): void {
    for (let output = this.#schedule.poll(); output !== undefined; output = this.#schedule.poll()) {
      if (output.type === 'announce') this.#begin(output.order);
      else this.#end(output.announceId);
    }
    const { deadlineMs } = this.#schedule;
    if (deadlineMs === Infinity) this.#services.deadlines.remove(this);
    else this.#services.deadlines.expedite(this, deadlineMs);
    if (this.#stopTimer !== undefined && this.#whenStopped !== undefined && this.#schedule.isIdle) this.#hastenStop();
  }

  #begin(order: AnnounceOrder): void {
    const attempt: Attempt = { order, ticket: undefined, carried: undefined, isAnswered: false };
    this.#attempts ??= new Map();
    this.#attempts.set(order.announceId, attempt);
    const isStop = order.event === 'stopped';
    const send = (): void => {
      const carrier = parseTrackerUrl(order.url)?.carrier === 'udp' ? this.#udpCarrier() : this.#services.http;
      attempt.carried = carrier.announce(
        {
          url: order.url,
          request: this.#requestFor(order),
          failureCount: order.failureCount,
          timeoutMs: isStop ? TRACKER_STOP_TIMEOUT_MS : TRACKER_TIMEOUT_MS,
        },
        {
          handleResponse: (response) => this.#handleResponse(attempt, response),
          handleFailed: (failure) => this.#handleFailed(attempt, failure),
          handleEnded: () => this.#end(order.announceId),
        },
      );
    };
    attempt.ticket = this.#services.gate.enter(send, { urgent: isStop });
  }

  #requestFor(order: AnnounceOrder): AnnounceRequest {
    const { infoHashes, ...facts } = this.#host.announceFacts();
    return {
      ...facts,
      infoHash: infoHashes[order.infoHashIndex] ?? infoHashes[0]!,
      event: order.event,
      numWant: order.numWant,
      trackerId: order.trackerId,
    };
  }

  #handleResponse(attempt: Attempt, response: AnnounceResponse): void {
    const { order } = attempt;
    const { log, clock } = this.#services;
    const isFirst = !attempt.isAnswered;
    attempt.isAnswered = true;
    attempt.ticket?.leave();
    if (isFirst) {
      log.write('debug', 'announced', {
        tracker: redactTrackerUrl(order.url),
        event: order.event,
        peerCount: response.peers.length,
      });
      this.#schedule.handleSuccess(order.announceId, { ...response, peerCount: response.peers.length }, clock.nowMs());
    }
    if (order.event !== 'stopped') {
      if (response.externalAddress !== undefined) {
        this.#host.handleExternalAddress(response.externalAddress, order.url);
      }
      if (response.peers.length > 0) this.#host.handlePeers(response.peers, order.url);
    }
    this.#carryOn();
  }

  #handleFailed(attempt: Attempt, failure: AnnounceFailure): void {
    const { order } = attempt;
    this.#services.log.write('debug', 'announce failed', {
      tracker: redactTrackerUrl(order.url),
      event: order.event,
      failureCount: order.failureCount + 1,
    });
    this.#end(order.announceId);
    this.#schedule.handleFailure(order.announceId, failure, this.#services.clock.nowMs());
    this.#carryOn();
  }

  #end(announceId: number): void {
    const attempt = this.#attempts?.get(announceId);
    if (attempt === undefined) return;
    this.#attempts?.delete(announceId);
    if (this.#attempts?.size === 0) this.#attempts = undefined;
    attempt.carried?.cancel();
    attempt.ticket?.leave();
  }

  #endScrapes(): void {
    for (const scrape of [...(this.#scrapes ?? [])]) scrape.end('The torrent was stopped.');
  }

  #cancelAnswered(): void {
    for (const [announceId, attempt] of [...(this.#attempts ?? [])]) if (attempt.isAnswered) this.#end(announceId);
  }

  /** All have answered: the callers of `stop` need not wait for the time-out. */
  #hastenStop(): void {
    const { clock } = this.#services;
    this.#stopTimer?.cancel();
    this.#stopTimer = clock.schedule(clock.nowMs(), () => this.#finishStop());
  }

  #finishStop(): void {
    this.#stopTimer?.cancel();
    this.#stopTimer = undefined;
    this.#schedule.handleStopTimeout();
    this.#cancelAnswered();
    const callbacks = this.#whenStopped ?? [];
    this.#whenStopped = undefined;
    this.#carryOn();
    for (const callback of callbacks) callback();
  }

  #udpCarrier(): AnnounceCarrier {
    const { clock, resolver, udp } = this.#services;
    this.#udp ??= new UdpCarrier({ clock, resolver, client: udp });
    return this.#udp;
  }
}
