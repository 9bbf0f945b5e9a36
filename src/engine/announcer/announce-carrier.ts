// What carries announces and scrapes to a tracker, as the announcer sees it: over HTTP or over UDP.
import type { AnnounceRequest, AnnounceResponse, SwarmCounts } from '../../protocol/tracker/announce.ts';
import type { AnnounceFailure } from '../../swarm/announce-lane.ts';

export interface AnnounceJob {
  readonly url: string;
  readonly request: AnnounceRequest;
  /** Failures in a row before this announce: another address of the tracker is worth a try. */
  readonly failureCount: number;
  readonly timeoutMs: number;
}

export interface AnnounceJobHandler {
  /** A reply. A UDP tracker that is reached over both families may give two. */
  handleResponse(response: AnnounceResponse): void;
  /** There was no reply, and there will be none. */
  handleFailed(failure: AnnounceFailure): void;
  /** After the last reply: nothing more follows. */
  handleEnded(): void;
}

export interface ScrapeJob {
  /** The announce URL. */
  readonly url: string;
  /** 20 bytes each. */
  readonly infoHashes: readonly Uint8Array[];
  readonly timeoutMs: number;
}

/** One of the two is called, once. */
export interface ScrapeJobHandler {
  /** One per info-hash, undefined where the tracker knows nothing. */
  handleCounts(counts: readonly (SwarmCounts | undefined)[]): void;
  handleFailed(message: string): void;
}

export interface AnnounceCarrier {
  /** Never calls back synchronously; not at all after `cancel`. */
  announce(job: AnnounceJob, handler: AnnounceJobHandler): { cancel(): void };
  /** Never calls back synchronously; not at all after `cancel`. */
  scrape(job: ScrapeJob, handler: ScrapeJobHandler): { cancel(): void };
}
