// What came of a crowd, as plain data: curves, one record a peer, and the sums that every scenario reports.
import type { CrowdPeer, CrowdRole } from './crowd-peer.ts';
import { type CrowdSample, type CrowdWorld, isLeecher } from './crowd-world.ts';

export interface PeerOutcome {
  readonly role: CrowdRole;
  readonly isLeecher: boolean;
  readonly startedMs: number;
  /** From its start to its last piece; NaN: never. */
  readonly tookMs: number;
  readonly isGone: boolean;
  readonly uploadMbit: number;
  readonly uploadedBytes: number;
  readonly downloadedBytes: number;
  /** Came and was of no use: already there, or no longer wanted. */
  readonly duplicateBytes: number;
  /** Thrown away because of pieces whose hash was wrong. */
  readonly failedBytes: number;
}

export interface CrowdOutcome {
  /** Of the curves: which crowd of the scenario this is. */
  readonly label: string;
  readonly peers: readonly PeerOutcome[];
  readonly samples: readonly CrowdSample[];
  readonly virtualMs: number;
  readonly eventCount: number;
  readonly problems: readonly string[];
}

export function outcomeOf(world: CrowdWorld, label: string): CrowdOutcome {
  return {
    label,
    peers: world.peers.map(peerOutcome),
    samples: world.samples,
    virtualMs: world.wheel.nowMs,
    eventCount: world.wheel.eventCount,
    problems: world.problems,
  };
}

function peerOutcome(peer: CrowdPeer): PeerOutcome {
  const stats = peer.stats();
  const failedBytes = stats?.hashFailedBytes ?? 0;
  return {
    role: peer.role,
    isLeecher: isLeecher(peer),
    startedMs: peer.startedMs,
    tookMs: peer.tookMs,
    isGone: !Number.isNaN(peer.leftMs),
    uploadMbit: peer.host.options.uploadBytesPerSecond / 125_000,
    uploadedBytes: stats?.uploadedBytes ?? 0,
    downloadedBytes: stats?.downloadedBytes ?? 0,
    duplicateBytes: (stats?.wastedBytes ?? 0) - failedBytes,
    failedBytes,
  };
}

/** The middle one; NaN of nothing. Those that never ended (NaN) count as the longest. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = values.map((value) => (Number.isNaN(value) ? Number.POSITIVE_INFINITY : value)).sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export interface Times {
  readonly medianMs: number;
  readonly lastMs: number;
}

/** How long these peers took. */
export function timesOf(peers: readonly CrowdPeer[]): Times {
  const took = peers.map((peer) => peer.tookMs);
  return { medianMs: median(took), lastMs: Math.max(...took) };
}

export function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

/** Bytes of no use over bytes received, of those peers. */
export function wasteRatios(peers: readonly PeerOutcome[]): { duplicate: number; failed: number } {
  const received = Math.max(
    1,
    sum(peers, (peer) => peer.downloadedBytes),
  );
  return {
    duplicate: sum(peers, (peer) => peer.duplicateBytes) / received,
    failed: sum(peers, (peer) => peer.failedBytes) / received,
  };
}
