// Who may download from us: `LeechingRule` while we download ourselves, `SeedingRule` once we have everything. Decides in
// rounds, and gives what becomes free between them. BEP 3, "Choking and optimistic unchoking". Knows no connection and no
// piece: it ranks what it is shown.
import type { Random } from '../base/random.ts';
import type {
  ChokerMode,
  ChokerPeer,
  ChokerRound,
  ForDoubtful,
  SeedingChoker,
  SlotKind,
  Slots,
} from './choking/choker-peer.ts';
import { LeechingRule } from './choking/leeching-rule.ts';
import { SeedingRule } from './choking/seeding-rule.ts';

export interface ChokerOptions {
  readonly slots: number;
  readonly random: Random;
  /** @defaultValue `auto` */
  readonly seedingChoker?: SeedingChoker;
  /** Bytes after which a seeding slot goes to the next: twenty pieces. @defaultValue 20 MiB */
  readonly seedingQuotaBytes?: number;
}

const ROUND_MS = 10_000;
/** While it is not known yet whether those who have slots of a seed pass on what they get. */
const JUDGING_ROUND_MS = 2_500;
/** So long the one slot of a torrent that has no more stays with one kind: earned or optimistic. */
const TURN_MS = 30_000;
const SEEDING_QUOTA_BYTES = 20 * 1024 * 1024;

/** What decides over the slots of a torrent: `Choker`, or another rule in its place. */
export type ChokeRule = Pick<Choker, 'nextRoundMs' | 'round' | 'fill'> &
  Partial<Pick<Choker, 'setSupply' | 'endSpare'>>;

export class Choker {
  readonly #leeching: LeechingRule;
  readonly #seeding: SeedingRule;
  #mode: ChokerMode = 'leeching';
  #slots: number;
  #hasSpare = false;
  #nextRoundMs = 0;
  /** Who has a slot, and why. BOUNDED: by the slots. */
  #kinds: Slots = new Map();

  constructor(options: ChokerOptions) {
    const { random, seedingChoker = 'auto', seedingQuotaBytes = SEEDING_QUOTA_BYTES } = options;
    this.#slots = options.slots;
    this.#leeching = new LeechingRule(random);
    this.#seeding = new SeedingRule(seedingChoker, seedingQuotaBytes, random);
  }

  /** When `round` is due. */
  get nextRoundMs(): number {
    return this.#nextRoundMs;
  }

  /** How many slots there are, and whether those who have one leave a part of the uplink unused. */
  setSupply(slots: number, hasSpare: boolean): void {
    this.#slots = slots;
    this.#hasSpare = hasSpare;
  }

  /** Why the peer was given its slot; undefined: it was given none. */
  slotKindOf(id: number): SlotKind | undefined {
    return this.#kinds.get(id);
  }

  isOptimistic(id: number): boolean {
    return this.#kinds.get(id) === 'optimistic';
  }

  /** Decides over all slots. Returns only what changes. */
  round(peers: readonly ChokerPeer[], mode: ChokerMode, nowMs: number): ChokerRound {
    this.#nextRoundMs = nowMs + ROUND_MS;
    this.#mode = mode;
    this.#leeching.update(peers, nowMs);
    this.#seeding.update(peers);
    const candidates = peers.filter((peer) => peer.isInterested && !peer.isUploadOnly);
    const rule = mode === 'leeching' ? this.#leeching : this.#seeding;
    const forDoubtful = this.#forDoubtful(rule, candidates);
    this.#kinds = rule.choose(candidates, this.#slots, forDoubtful, Math.floor(nowMs / TURN_MS), nowMs);
    if (mode === 'seeding' && this.#seeding.isJudging(candidates, this.#kinds, nowMs)) {
      this.#nextRoundMs = nowMs + JUDGING_ROUND_MS;
    }
    const choke: number[] = [];
    const unchoke: number[] = [];
    for (const { id, isUnchoked } of peers) {
      const isChosen = this.#kinds.has(id);
      if (isChosen === isUnchoked) continue;
      (isChosen ? unchoke : choke).push(id);
      if (!isChosen) this.#seeding.handleSlotEnded(id, nowMs);
    }
    return { choke, unchoke };
  }

  /** Ends the slots of those that had them because nobody else made use of the uplink; to be choked now. */
  endSpare(nowMs: number): readonly number[] {
    const ended: number[] = [];
    for (const [id, kind] of this.#kinds) {
      if (kind !== 'spare') continue;
      this.#kinds.delete(id);
      this.#seeding.handleSlotEnded(id, nowMs);
      ended.push(id);
    }
    return ended;
  }

  /** Between rounds somebody has become interested, or a slot free: who is to be unchoked now. */
  fill(peers: readonly ChokerPeer[], nowMs: number): readonly number[] {
    let free = this.#slots;
    for (const { isInterested, isUnchoked } of peers) if (isInterested && isUnchoked) free--;
    if (free <= 0 && this.#mode === 'leeching') return [];
    const candidates = peers.filter((peer) => peer.isInterested && !peer.isUploadOnly);
    const waiting = candidates.filter((peer) => !peer.isUnchoked);
    if (waiting.length === 0) return [];
    let chosen: Slots = new Map();
    if (free > 0) {
      const rule = this.#mode === 'leeching' ? this.#leeching : this.#seeding;
      chosen = rule.fill(waiting, free, this.#forDoubtful(rule, candidates), nowMs);
      for (const [id, kind] of chosen) this.#kinds.set(id, kind);
    }
    const isJudging = this.#mode === 'seeding' && this.#seeding.isJudging(candidates, this.#kinds, nowMs);
    if (isJudging) this.#nextRoundMs = Math.min(this.#nextRoundMs, nowMs + JUDGING_ROUND_MS);
    return [...chosen.keys()];
  }

  #forDoubtful(rule: LeechingRule | SeedingRule, candidates: readonly ChokerPeer[]): ForDoubtful {
    if (candidates.every((peer) => rule.isDoubtful(peer))) return 'all';
    return this.#hasSpare ? 'spare' : 'turns';
  }
}
