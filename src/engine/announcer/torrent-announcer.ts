// Announces one torrent: its schedule, driven by the platform's clock and carried out over HTTP and UDP. What the
// torrent is, and what becomes of the peers, is the host's.
import type { Random } from '../../base/random.ts';
import type { Clock, Timer } from '../../platform/clock.ts';
import type { Http } from '../../platform/http.ts';
import type { Log } from '../../platform/log.ts';
import type { Endpoint } from '../../platform/network.ts';
import type { Resolver } from '../../platform/resolver.ts';
import { TRACKER_STOP_TIMEOUT_MS, TRACKER_TIMEOUT_MS } from '../../protocol/limits.ts';
import type { AnnounceRequest, AnnounceResponse } from '../../protocol/tracker/announce.ts';
import { parseTrackerUrl, redactTrackerUrl } from '../../protocol/tracker/tracker-url.ts';
import type { AnnounceFailure } from '../../swarm/announce-lane.ts';
import { type AnnounceOrder, AnnounceSchedule, type TrackerStatus } from '../../swarm/announce-schedule.ts';
import type { AnnounceCarrier } from './announce-carrier.ts';
import type { AnnounceGate, GateTicket } from './announce-gate.ts';
import { HttpCarrier } from './http-carrier.ts';
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
  handleExternalAddress(address: string): void;
}

export interface TorrentAnnouncerOptions {
  readonly clock: Clock;
  readonly http: Http;
  readonly resolver: Resolver;
  readonly udp: UdpTrackerClient;
  readonly gate: AnnounceGate;
  readonly random: Random;
  readonly log: Log;
  readonly settings: { readonly userAgent: string; readonly localAddress?: string | undefined };
  readonly host: AnnouncerHost;
}

interface Attempt {
  readonly order: AnnounceOrder;
  ticket: GateTicket | undefined;
  carried: { cancel(): void } | undefined;
  /** The schedule has its result; only a second family's reply may follow. */
  isAnswered: boolean;
}

export class TorrentAnnouncer {
  readonly #options: TorrentAnnouncerOptions;
  readonly #schedule: AnnounceSchedule;
  readonly #http: AnnounceCarrier;
  readonly #udp: AnnounceCarrier;
  readonly #attempts = new Map<number, Attempt>(); // BOUNDED: what the schedule has under way, and second families' replies
  #timer: Timer | undefined;
  #stopTimer: Timer | undefined;
  #whenStopped: (() => void)[] = []; // BOUNDED: one a call of stop
  readonly #scrapes = new Set<TrackerScrape>(); // BOUNDED: one a call of scrape

  constructor(options: TorrentAnnouncerOptions) {
    const { clock, http, resolver, udp, random, settings, host } = options;
    this.#options = options;
    const infoHashCount = host.announceFacts().infoHashes.length === 2 ? 2 : 1;
    this.#schedule = new AnnounceSchedule({ random, infoHashCount });
    this.#http = new HttpCarrier({ clock, http, userAgent: settings.userAgent, localAddress: settings.localAddress });
    this.#udp = new UdpCarrier({ clock, resolver, client: udp });
  }

  /** Adds a tier (BEP 12). URLs that are no HTTP or UDP tracker's, and known ones, are left out. */
  addTier(urls: readonly string[]): void {
    const usable = urls.filter((url) => parseTrackerUrl(url) !== undefined);
    this.#schedule.addTier(usable, this.#options.clock.nowMs());
    this.#carryOn();
  }

  /** Adds one tracker: to a tier that exists, or as a tier of its own. False when nothing was added. */
  addTracker(url: string, tier?: number): boolean {
    if (parseTrackerUrl(url) === undefined) return false;
    const nowMs = this.#options.clock.nowMs();
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
    this.#schedule.handleStart(this.#options.clock.nowMs());
    this.#carryOn();
  }

  /** The download has ended just now. */
  handleComplete(): void {
    this.#schedule.handleComplete(this.#options.clock.nowMs());
    this.#carryOn();
  }

  /** `announceFacts` has a second info-hash from now on. */
  handleSecondInfoHash(): void {
    this.#schedule.handleSecondInfoHash(this.#options.clock.nowMs());
    this.#carryOn();
  }

  /** Announces again as soon as each tracker's minimum interval allows. */
  requestMorePeers(): void {
    this.#schedule.handlePeersWanted(this.#options.clock.nowMs());
    this.#carryOn();
  }

  /** Asks every tracker how large the swarm is (BEP 48); calls back, never synchronously, when all have answered. */
  scrape(onDone: (results: readonly TrackerCounts[]) => void): void {
    const { gate, clock, host } = this.#options;
    const urls = [...new Set(this.#schedule.status(clock.nowMs()).map(({ url }) => url))];
    const { infoHashes } = host.announceFacts();
    const scrape = new TrackerScrape(
      { clock, gate, http: this.#http, udp: this.#udp },
      { urls, infoHashes },
      (results) => {
        this.#scrapes.delete(scrape);
        onDone(results);
      },
    );
    this.#scrapes.add(scrape);
  }

  /** Announces `stopped`; calls back, never synchronously, when all trackers have answered or time is up. */
  stop(onDone: () => void, timeoutMs: number = TRACKER_STOP_TIMEOUT_MS): void {
    const { clock } = this.#options;
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
    return this.#schedule.status(this.#options.clock.nowMs());
  }

  /** Does what the schedule says and sets the timer for its next word. */
  #carryOn(): void {
    for (let output = this.#schedule.poll(); output !== undefined; output = this.#schedule.poll()) {
      if (output.type === 'announce') this.#begin(output.order);
      else this.#end(output.announceId);
    }
    this.#timer?.cancel();
    this.#timer = undefined;
    const { deadlineMs } = this.#schedule;
    if (deadlineMs !== Infinity) {
      this.#timer = this.#options.clock.schedule(deadlineMs, () => {
        this.#schedule.handleDeadline(this.#options.clock.nowMs());
        this.#carryOn();
      });
    }
    if (this.#stopTimer !== undefined && this.#whenStopped.length > 0 && this.#schedule.isIdle) this.#hastenStop();
  }

  #begin(order: AnnounceOrder): void {
    const attempt: Attempt = { order, ticket: undefined, carried: undefined, isAnswered: false };
    this.#attempts.set(order.announceId, attempt);
    const isStop = order.event === 'stopped';
    const send = (): void => {
      const carrier = parseTrackerUrl(order.url)?.carrier === 'udp' ? this.#udp : this.#http;
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
    attempt.ticket = this.#options.gate.enter(send, { urgent: isStop });
  }

  #requestFor(order: AnnounceOrder): AnnounceRequest {
    const { infoHashes, ...facts } = this.#options.host.announceFacts();
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
    const { host, log, clock } = this.#options;
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
      if (response.externalAddress !== undefined) host.handleExternalAddress(response.externalAddress);
      if (response.peers.length > 0) host.handlePeers(response.peers, order.url);
    }
    this.#carryOn();
  }

  #handleFailed(attempt: Attempt, failure: AnnounceFailure): void {
    const { order } = attempt;
    this.#options.log.write('debug', 'announce failed', {
      tracker: redactTrackerUrl(order.url),
      event: order.event,
      failureCount: order.failureCount + 1,
    });
    this.#end(order.announceId);
    this.#schedule.handleFailure(order.announceId, failure, this.#options.clock.nowMs());
    this.#carryOn();
  }

  #end(announceId: number): void {
    const attempt = this.#attempts.get(announceId);
    if (attempt === undefined) return;
    this.#attempts.delete(announceId);
    attempt.carried?.cancel();
    attempt.ticket?.leave();
  }

  #endScrapes(): void {
    for (const scrape of [...this.#scrapes]) scrape.end('The torrent was stopped.');
  }

  #cancelAnswered(): void {
    for (const [announceId, attempt] of [...this.#attempts]) if (attempt.isAnswered) this.#end(announceId);
  }

  /** All have answered: the callers of `stop` need not wait for the time-out. */
  #hastenStop(): void {
    const { clock } = this.#options;
    this.#stopTimer?.cancel();
    this.#stopTimer = clock.schedule(clock.nowMs(), () => this.#finishStop());
  }

  #finishStop(): void {
    this.#stopTimer?.cancel();
    this.#stopTimer = undefined;
    this.#schedule.handleStopTimeout();
    this.#cancelAnswered();
    const callbacks = this.#whenStopped;
    this.#whenStopped = [];
    this.#carryOn();
    for (const callback of callbacks) callback();
  }
}
