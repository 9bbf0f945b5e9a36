// How slots are divided: among the torrents of a session, and between those that are earned and those that go round.

/** One slot in so many is optimistic, at least one. */
const SLOTS_PER_OPTIMISTIC = 5;
/** With a single slot: of so many turns one is optimistic. */
const TURNS_PER_OPTIMISTIC = 4;

/** How many of the slots are drawn instead of earned. `turn`: which one it is, for those who have a single slot. */
export function optimisticSlots(slots: number, turn: number): number {
  if (slots <= 0) return 0;
  if (slots === 1) return turn % TURNS_PER_OPTIMISTIC === TURNS_PER_OPTIMISTIC - 1 ? 1 : 0;
  return Math.max(1, Math.floor(slots / SLOTS_PER_OPTIMISTIC));
}

/**
 * Divides `total` slots among torrents by how many of their peers want one: each as many as another, unless it can use
 * fewer. Whoever has somebody waiting gets at least one, even where that makes more of them.
 */
export function shareSlots(total: number, demands: readonly number[]): number[] {
  const shares = demands.map((demand) => Math.min(1, demand));
  let left = total - shares.reduce((sum, share) => sum + share, 0);
  const byDemand = demands.map((_, index) => index).sort((a, b) => demands[a]! - demands[b]! || a - b);
  for (const [place, index] of byDemand.entries()) {
    if (left <= 0) break;
    // Of what is left, the last in line get what does not divide.
    const more = Math.min(demands[index]! - shares[index]!, Math.floor(left / (byDemand.length - place)));
    if (more <= 0) continue;
    shares[index]! += more;
    left -= more;
  }
  return shares;
}
