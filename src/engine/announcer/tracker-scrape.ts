// Asks some trackers at once how large one torrent's swarm is (BEP 48, BEP 15 "Scrape"), each through the gate that
// announces share. Nothing is announced; a tracker that does not answer in time has said nothing.
import type { Clock, Timer } from '../../platform/clock.ts';
import { TRACKER_SCRAPE_TIMEOUT_MS } from '../../protocol/limits.ts';
import type { SwarmCounts } from '../../protocol/tracker/announce.ts';
import { parseTrackerUrl } from '../../protocol/tracker/tracker-url.ts';
import type { AnnounceCarrier } from './announce-carrier.ts';
import type { AnnounceGate, GateTicket } from './announce-gate.ts';

export interface TrackerCounts extends SwarmCounts {
  /** The announce URL. */
  readonly url: string;
  /** Why there are no counts; safe to show. */
  readonly error: string | undefined;
}

export interface TrackerScrapeParts {
  readonly clock: Clock;
  readonly gate: AnnounceGate;
  readonly http: AnnounceCarrier;
  readonly udp: AnnounceCarrier;
}

export interface TrackerScrapeJob {
  /** Announce URLs. */
  readonly urls: readonly string[];
  /** 20 bytes each: one, or v1's and v2's of a hybrid. */
  readonly infoHashes: readonly Uint8Array[];
}

const NO_COUNTS: SwarmCounts = { seedCount: undefined, leecherCount: undefined, downloadedCount: undefined };

export class TrackerScrape {
  readonly #parts: TrackerScrapeParts;
  readonly #job: TrackerScrapeJob;
  readonly #onDone: (results: readonly TrackerCounts[]) => void;
  // BOUNDED: all three by the job's trackers.
  readonly #results: (TrackerCounts | undefined)[];
  readonly #tickets: GateTicket[] = [];
  readonly #carried = new Map<number, { cancel(): void }>();
  #openCount: number;
  #timer: Timer | undefined;
  #isEnded = false;

  /** Begins at once. `onDone` is called once and never synchronously: results in the order of the URLs. */
  constructor(parts: TrackerScrapeParts, job: TrackerScrapeJob, onDone: (results: readonly TrackerCounts[]) => void) {
    this.#parts = parts;
    this.#job = job;
    this.#onDone = onDone;
    this.#results = job.urls.map(() => undefined);
    this.#openCount = job.urls.length;
    if (job.urls.length === 0) this.#timer = parts.clock.schedule(parts.clock.nowMs(), () => this.#finish());
    job.urls.forEach((url, index) => {
      this.#tickets.push(parts.gate.enter(() => this.#ask(url, index), { urgent: false }));
    });
  }

  /** Gives up: trackers that have not answered have `error` as their result. Calls back if that was not done before. */
  end(error: string): void {
    if (this.#isEnded) return;
    this.#job.urls.forEach((url, index) => {
      this.#results[index] ??= { url, ...NO_COUNTS, error };
    });
    this.#finish();
  }

  #ask(url: string, index: number): void {
    // Places are given back one by one at the end, each to whoever waits: perhaps to ourselves.
    if (this.#isEnded) return;
    const { http, udp } = this.#parts;
    const { infoHashes } = this.#job;
    const carrier = parseTrackerUrl(url)?.carrier === 'udp' ? udp : http;
    const carried = carrier.scrape(
      { url, infoHashes, timeoutMs: TRACKER_SCRAPE_TIMEOUT_MS },
      {
        handleCounts: (counts) => this.#settle(index, resultOf(url, counts)),
        handleFailed: (message) => this.#settle(index, { url, ...NO_COUNTS, error: message }),
      },
    );
    this.#carried.set(index, carried);
  }

  #settle(index: number, result: TrackerCounts): void {
    if (this.#isEnded || this.#results[index] !== undefined) return;
    this.#results[index] = result;
    this.#carried.delete(index);
    this.#tickets[index]?.leave();
    if (--this.#openCount === 0) this.#finish();
  }

  #finish(): void {
    this.#isEnded = true;
    this.#timer?.cancel();
    for (const carried of this.#carried.values()) carried.cancel();
    this.#carried.clear();
    for (const ticket of this.#tickets) ticket.leave();
    this.#onDone(this.#results.map((result) => result!));
  }
}

/** A peer of a hybrid torrent is in both swarms: the larger of the two, not their sum. */
function resultOf(url: string, counts: readonly (SwarmCounts | undefined)[]): TrackerCounts {
  const known = counts.filter((count) => count !== undefined);
  if (known.length === 0) return { url, ...NO_COUNTS, error: 'The tracker does not know the torrent.' };
  return {
    url,
    seedCount: largest(known.map(({ seedCount }) => seedCount)),
    leecherCount: largest(known.map(({ leecherCount }) => leecherCount)),
    downloadedCount: largest(known.map(({ downloadedCount }) => downloadedCount)),
    error: undefined,
  };
}

function largest(counts: readonly (number | undefined)[]): number | undefined {
  const known = counts.filter((count) => count !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}
