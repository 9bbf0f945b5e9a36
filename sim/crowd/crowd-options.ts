// What a crowd consists of: how many, how much, how fast. Capacities are drawn from one of the distributions stated here.
import { type Random, randomFraction } from '../../src/base/random.ts';
import type { ReplacedParts } from '../../src/engine/session/engine-context.ts';
import type { Crypto } from '../../src/platform/crypto.ts';

const MEGABIT = 125_000;

export interface Capacity {
  readonly uploadBytesPerSecond: number;
  readonly downloadBytesPerSecond: number;
}

export interface CapacityClass {
  /** Of the peers; the shares of a distribution add up to 1. */
  readonly share: number;
  readonly uploadMbit: number;
  readonly downloadMbit: number;
}

/** `broadband`: lines as households have them: slow and fast copper, cable, fibre. Mean upload 15.7 Mbit/s. */
export const BROADBAND: readonly CapacityClass[] = [
  { share: 0.2, uploadMbit: 1, downloadMbit: 10 },
  { share: 0.3, uploadMbit: 5, downloadMbit: 50 },
  { share: 0.3, uploadMbit: 10, downloadMbit: 100 },
  { share: 0.15, uploadMbit: 40, downloadMbit: 100 },
  { share: 0.05, uploadMbit: 100, downloadMbit: 100 },
];

export type CapacityName = 'equal' | 'broadband';

export interface CrowdOptions {
  readonly seed: number;
  readonly crypto: Crypto;
  /** Leechers; the seed is one more. */
  readonly peerCount: number;
  readonly pieceCount: number;
  readonly pieceLengthBytes: number;
  /** Of the seed; of everybody where capacities are equal. */
  readonly uploadMbit: number;
  readonly downloadMbit: number;
  readonly capacities: CapacityName;
  /** Leechers that cannot be dialled. */
  readonly natRatio: number;
  readonly connectionsMax: number;
  /** See `CrowdNetwork`. */
  readonly blocksPerTurn: number;
  /** Rules of every honest peer; empty: Millrace's own. */
  readonly rules: ReplacedParts;
  /** Told how far a run is, every ten virtual seconds. */
  readonly onProgress?: (line: string) => void;
}

export function seedCapacity({ uploadMbit, downloadMbit }: CrowdOptions): Capacity {
  return { uploadBytesPerSecond: uploadMbit * MEGABIT, downloadBytesPerSecond: downloadMbit * MEGABIT };
}

export function drawCapacity(options: CrowdOptions, random: Random): Capacity {
  if (options.capacities === 'equal') return seedCapacity(options);
  let ticket = randomFraction(random);
  const drawn =
    BROADBAND.find(({ share }) => {
      ticket -= share;
      return ticket < 0;
    }) ?? BROADBAND[0]!;
  return {
    uploadBytesPerSecond: drawn.uploadMbit * MEGABIT,
    downloadBytesPerSecond: drawn.downloadMbit * MEGABIT,
  };
}

/**
 * The shortest time in which anybody could bring all bytes from the seed to all leechers, in ms: the seed sends
 * each byte once, all uploads together send each byte to each leecher, and the slowest leecher takes them
 * (Kumar and Ross, "Peer-Assisted File Distribution: The Minimum Distribution Time", 2006).
 */
export function boundMs(contentBytes: number, seed: Capacity, leechers: readonly Capacity[]): number {
  const all = leechers.reduce((sum, leecher) => sum + leecher.uploadBytesPerSecond, seed.uploadBytesPerSecond);
  const slowest = leechers.reduce(
    (least, leecher) => Math.min(least, leecher.downloadBytesPerSecond),
    Number.POSITIVE_INFINITY,
  );
  const seconds = Math.max(
    contentBytes / seed.uploadBytesPerSecond,
    (leechers.length * contentBytes) / all,
    contentBytes / slowest,
  );
  return seconds * 1_000;
}
