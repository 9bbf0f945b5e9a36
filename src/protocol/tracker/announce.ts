// What is said to a tracker and what it answers, whatever carries it (BEP 3, 7, 15, 23, 24, 31, 48). Values only, and
// the bounds that hold for every carrier. Knows no URL and no bytes on the wire.
import {
  TRACKER_INTERVAL_DEFAULT_MS,
  TRACKER_INTERVAL_MAX_MS,
  TRACKER_INTERVAL_MIN_MS,
  TRACKER_TEXT_MAX_CHARACTERS,
} from '../limits.ts';

export type AnnounceEvent = 'none' | 'started' | 'completed' | 'stopped';

export interface AnnounceRequest {
  /** 20 bytes. */
  readonly infoHash: Uint8Array;
  /** 20 bytes. */
  readonly peerId: Uint8Array;
  /** Where we accept peers. */
  readonly port: number;
  readonly uploadedBytes: number;
  readonly downloadedBytes: number;
  readonly leftBytes: number;
  readonly event: AnnounceEvent;
  /** 32 random bits that stay the same for a torrent's session and over address families (BEP 7). */
  readonly key: number;
  /** Peers asked for; 0 = none. */
  readonly numWant: number;
  /** Our address as told to the tracker, where the one it sees would be wrong. */
  readonly ip?: string | undefined;
  /** Our addresses of the other families (BEP 7). */
  readonly ipv4?: string | undefined;
  readonly ipv6?: string | undefined;
  /** What the tracker called us last time. */
  readonly trackerId?: Uint8Array | undefined;
}

/** A peer that a tracker named; the address is a literal in its normal spelling. */
export interface TrackerPeer {
  readonly address: string;
  readonly port: number;
}

export interface SwarmCounts {
  readonly seedCount: number | undefined;
  readonly leecherCount: number | undefined;
  /** Downloads ever completed. */
  readonly downloadedCount: number | undefined;
}

export interface AnnounceResponse extends SwarmCounts {
  /** At most TRACKER_PEERS_MAX. */
  readonly peers: readonly TrackerPeer[];
  /** Within TRACKER_INTERVAL_MIN_MS and TRACKER_INTERVAL_MAX_MS. */
  readonly intervalMs: number;
  /** The same bounds; undefined when the tracker named none. */
  readonly minIntervalMs: number | undefined;
  readonly warning: string | undefined;
  /** How the tracker sees us (BEP 24). */
  readonly externalAddress: string | undefined;
  /** To be sent back with the next announce. */
  readonly trackerId: Uint8Array | undefined;
}

/** Why an announce or scrape brought nothing. */
export interface TrackerFailure {
  /** `refused`: the tracker said no. `malformed`: it answered what is no answer. */
  readonly kind: 'refused' | 'malformed';
  /** Safe to show: at most TRACKER_TEXT_MAX_CHARACTERS, no control characters. */
  readonly message: string;
  /** BEP 31: not again before this many milliseconds; Infinity = never; undefined = not said. */
  readonly retryInMs: number | undefined;
}

export type AnnounceResult =
  | { readonly ok: true; readonly response: AnnounceResponse }
  | { readonly ok: false; readonly failure: TrackerFailure };

/** A tracker's interval in seconds, made sane: missing, negative and absurd values included. */
export function clampIntervalMs(seconds: number | undefined): number {
  if (seconds === undefined || !(seconds > 0)) return TRACKER_INTERVAL_DEFAULT_MS;
  return Math.min(Math.max(seconds * 1_000, TRACKER_INTERVAL_MIN_MS), TRACKER_INTERVAL_MAX_MS);
}

/** A tracker's text made fit to be shown: control and direction characters become spaces, then it is cut. */
export function cleanTrackerText(text: string): string {
  const cut = text.slice(0, TRACKER_TEXT_MAX_CHARACTERS);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it removes
  return cut.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, ' ').trim();
}
