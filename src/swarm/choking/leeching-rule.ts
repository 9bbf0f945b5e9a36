// Who may download from us while we download ourselves: those who give most, and for as long as they do. A slot that
// nobody has earned goes to whoever owes us least, in turns; one goes round among all. Who is known to take and not to
// give has no part but in the draw, unless nobody else makes use of the uplink.
import { type Random, randomFraction } from '../../base/random.ts';
import type { ChokerPeer, ForDoubtful, Slots } from './choker-peer.ts';
import { PeerLedger } from './peer-ledger.ts';
import { optimisticSlots } from './slot-shares.ts';
import { SlotTurns, type TurnDraw } from './slot-turns.ts';

/** How long who owes least keeps a slot that nobody has earned; then the debts are compared again. */
const UNEARNED_MS = 20_000;
/** A connection this young counts as several in the draw: it has had no chance to give anything. */
const NEWCOMER_MS = 60_000;
const NEWCOMER_WEIGHT = 3;
/** A rival must give this much more to take a slot from its holder: rates waver. */
const HOLDER_BONUS = 1.1;

/** One that waits, with what its rank depends on. */
interface Ranked {
  readonly peer: ChokerPeer;
  readonly rank: number;
  readonly debtBytes: number;
  readonly lot: number;
}

export class LeechingRule {
  readonly #random: Random;
  readonly #ledger = new PeerLedger();
  readonly #optimistic: SlotTurns;
  /** Who holds a slot that nobody has earned → until when. BOUNDED: by the peers of the last choice. */
  #unearned = new Map<number, number>();
  /** Who held a slot for what it gave, after the last choice. */
  #earned: ReadonlySet<number> = new Set();

  constructor(random: Random) {
    this.#random = random;
    this.#optimistic = new SlotTurns(random);
  }

  /** Books what was sent and received; to be called in every round, whatever the mode. */
  update(peers: readonly ChokerPeer[], nowMs: number): void {
    this.#ledger.update(peers, nowMs);
  }

  /** It takes, and does not give. */
  isDoubtful(peer: ChokerPeer): boolean {
    return this.#ledger.isTaker(peer);
  }

  choose(
    candidates: readonly ChokerPeer[],
    slots: number,
    forDoubtful: ForDoubtful,
    turn: number,
    nowMs: number,
  ): Slots {
    const chosen: Slots = new Map();
    const optimistic = optimisticSlots(slots, turn);
    const able = candidates.filter((peer) => !peer.isSnubbed);
    const earned = able
      .filter((peer) => peer.downloadBytesPerSecond > 0 && !this.isDoubtful(peer))
      .sort((a, b) => this.#score(b) - this.#score(a) || Number(b.isUnchoked) - Number(a.isUnchoked) || a.id - b.id);
    for (const { id } of earned.slice(0, slots - optimistic)) chosen.set(id, 'earned');
    this.#earned = new Set(chosen.keys());
    this.#drawOptimistic(candidates, chosen, optimistic, nowMs);
    for (const { id } of earned) if (chosen.size < slots && !chosen.has(id)) chosen.set(id, 'earned');
    this.#giveUnearned(able, chosen, slots, forDoubtful, nowMs);
    return chosen;
  }

  /** Who of those that wait may have `free` slots until the next round. */
  fill(waiting: readonly ChokerPeer[], free: number, forDoubtful: ForDoubtful, nowMs: number): Slots {
    const chosen: Slots = new Map();
    const able = waiting.filter((peer) => !peer.isSnubbed);
    for (const { peer } of this.#ranked(able, nowMs)) {
      if (chosen.size >= free) break;
      const isDoubtful = this.isDoubtful(peer) && forDoubtful !== 'all';
      if (isDoubtful && forDoubtful === 'turns') break;
      chosen.set(peer.id, isDoubtful ? 'spare' : 'unearned');
      this.#unearned.set(peer.id, nowMs + UNEARNED_MS);
    }
    return chosen;
  }

  #score(peer: ChokerPeer): number {
    return this.#earned.has(peer.id) ? peer.downloadBytesPerSecond * HOLDER_BONUS : peer.downloadBytesPerSecond;
  }

  #drawOptimistic(candidates: readonly ChokerPeer[], chosen: Slots, slots: number, nowMs: number): void {
    const eligible = candidates.filter(({ id }) => !chosen.has(id));
    const draw: TurnDraw = {
      eligible,
      holderCount: chosen.size,
      weightOf: ({ connectedAtMs }) => (nowMs - connectedAtMs < NEWCOMER_MS ? NEWCOMER_WEIGHT : 1),
      isOnProbation: (peer) => this.isDoubtful(peer),
    };
    this.#optimistic.update(draw, slots, nowMs);
    for (const id of this.#optimistic.holders()) chosen.set(id, 'optimistic');
  }

  #giveUnearned(
    able: readonly ChokerPeer[],
    chosen: Slots,
    slots: number,
    forDoubtful: ForDoubtful,
    nowMs: number,
  ): void {
    const turns = new Map<number, number>();
    const waiting = able.filter(({ id }) => !chosen.has(id));
    for (const { peer } of this.#ranked(waiting, nowMs)) {
      if (chosen.size >= slots) break;
      const isDoubtful = this.isDoubtful(peer) && forDoubtful !== 'all';
      if (isDoubtful && forDoubtful === 'turns') break;
      chosen.set(peer.id, isDoubtful ? 'spare' : 'unearned');
      const endsMs = this.#unearned.get(peer.id) ?? 0;
      turns.set(peer.id, endsMs > nowMs ? endsMs : nowMs + UNEARNED_MS);
    }
    this.#unearned = turns;
  }

  /** Takers last, then whose turn is not over first, then by debt; equals by lot. */
  #ranked(waiting: readonly ChokerPeer[], nowMs: number): Ranked[] {
    const ranked = waiting.map((peer): Ranked => {
      const isInTurn = peer.isUnchoked && (this.#unearned.get(peer.id) ?? 0) > nowMs;
      return {
        peer,
        rank: this.isDoubtful(peer) ? 2 : isInTurn ? 0 : 1,
        debtBytes: this.#ledger.debtOf(peer),
        lot: randomFraction(this.#random),
      };
    });
    return ranked.sort((a, b) => a.rank - b.rank || a.debtBytes - b.debtBytes || a.lot - b.lot);
  }
}
