// What a choke rule is shown of a connected peer, and what it answers.

export interface ChokerPeer {
  /** Never used again for another connection. */
  readonly id: number;
  readonly isInterested: boolean;
  /** We do not choke it. */
  readonly isUnchoked: boolean;
  /** It has pieces that we want. */
  readonly amInterested: boolean;
  readonly downloadBytesPerSecond: number;
  readonly uploadBytesPerSecond: number;
  /** Blocks that it has sent to us, and we to it, since the connection stands. */
  readonly downloadedBytes: number;
  readonly uploadedBytes: number;
  readonly connectedAtMs: number;
  /** It has stopped answering our requests. */
  readonly isSnubbed: boolean;
  /** Bytes sent to it since it was last unchoked. */
  readonly uploadedSinceUnchoke: number;
  readonly unchokedAtMs: number;
  /** It wants nothing (BEP 21). */
  readonly isUploadOnly: boolean;
  /** Of the torrent, how much it says that it has; 0 to 1. */
  readonly haveRatio: number;
  /** It got whole pieces of us and says that it has none. */
  readonly hidesPieces: boolean;
  /** Of the pieces that it had of us before anybody else, how many it gave to others; undefined: not known. */
  readonly passedOnRatio: number | undefined;
}

export type ChokerMode = 'leeching' | 'seeding';

/** Whom a torrent that has everything serves. */
export type SeedingChoker = 'auto' | 'fastest' | 'round-robin' | 'anti-leech';

export const SEEDING_CHOKERS: readonly SeedingChoker[] = ['auto', 'fastest', 'round-robin', 'anti-leech'];

export interface ChokerRound {
  readonly choke: number[];
  readonly unchoke: number[];
}

/**
 * Why a peer has its slot: it gives; nobody else has earned the slot; the draw; it is served by a seed; nobody else makes
 * use of the uplink.
 */
export type SlotKind = 'earned' | 'unearned' | 'optimistic' | 'served' | 'spare';

/**
 * What a rule may give to those in doubt, who take and do not give: nothing but a turn now and then; what nobody else
 * uses; or, where nobody else is there, as much as to others.
 */
export type ForDoubtful = 'turns' | 'spare' | 'all';

/** A rule's choice: who has a slot, and why. */
export type Slots = Map<number, SlotKind>;
