// Which address the Internet sees us at, one for each family: others say it (`external ip` of BEP 24, `yourip` of BEP 10,
// `ip` of BEP 42), and any of them may lie. Each network has one vote, the last one it gave; an address is believed once
// its votes outweigh all others together. Knows no interface of this computer.
import { EXTERNAL_ADDRESS_VOTES_MAX } from '../protocol/limits.ts';
import { familyOf } from '../protocol/tracker/ip-address.ts';
import { isPublic } from './dial-address.ts';
import { networkOf } from './peer-priority.ts';

/** The user chose the trackers; we chose whom to dial; who connects to us has chosen itself. */
const WEIGHTS: Readonly<Record<ExternalAddressSource, number>> = { tracker: 4, dialled: 2, node: 1, accepted: 1 };
/** One tracker is enough, or two that we dialled, or four of whom we know nothing. */
const BELIEVED_MIN_WEIGHT = 4;
/** A vote counts for so long: after a change of address the old one is outvoted within this time at the latest. */
const VOTE_MS = 3_600_000;

/** `node`: of the DHT. */
export type ExternalAddressSource = 'tracker' | 'dialled' | 'node' | 'accepted';

interface Vote {
  readonly address: string;
  readonly weight: number;
  readonly untilMs: number;
}

export class ExternalAddress {
  /** By the network of the voter, the oldest first, of both families. BOUNDED: EXTERNAL_ADDRESS_VOTES_MAX each. */
  readonly #votes: Readonly<Record<4 | 6, Map<string, Vote>>> = { 4: new Map(), 6: new Map() };
  readonly #believed: Record<4 | 6, string | undefined> = { 4: undefined, 6: undefined };
  #changeCount = 0;

  /** Grows whenever one of the two addresses changes. */
  get changeCount(): number {
    return this.#changeCount;
  }

  /** The one that is believed; undefined while nobody, or nobody we trust enough, has said. */
  address(family: 4 | 6): string | undefined {
    return this.#believed[family];
  }

  /** `address`: how the voter at `voterAddress` sees us; both in their normal spelling. True when what is believed changed. */
  vote(address: string, voterAddress: string, source: ExternalAddressSource, nowMs: number): boolean {
    // On a private network everybody sees our private address, and may be right.
    if (!isPublic(address) || !isPublic(voterAddress)) return false;
    const family = familyOf(address);
    const votes = this.#votes[family];
    const network = networkOf(voterAddress);
    const known = votes.get(network);
    // A network that a tracker stands in is not outvoted by a peer beside it.
    if (known !== undefined && known.untilMs > nowMs && known.weight > WEIGHTS[source]) return false;
    votes.delete(network);
    if (votes.size >= EXTERNAL_ADDRESS_VOTES_MAX) dropWeakest(votes);
    votes.set(network, { address, weight: WEIGHTS[source], untilMs: nowMs + VOTE_MS });
    return this.#count(family, nowMs);
  }

  #count(family: 4 | 6, nowMs: number): boolean {
    const votes = this.#votes[family];
    const weights = new Map<string, number>();
    let total = 0;
    for (const [network, { address, weight, untilMs }] of votes) {
      if (untilMs <= nowMs) {
        votes.delete(network);
        continue;
      }
      total += weight;
      weights.set(address, (weights.get(address) ?? 0) + weight);
    }
    for (const [address, weight] of weights) {
      if (weight < BELIEVED_MIN_WEIGHT || 2 * weight <= total || address === this.#believed[family]) continue;
      this.#believed[family] = address;
      this.#changeCount++;
      return true;
    }
    return false;
  }
}

/** The oldest of those that weigh least: a crowd of strangers does not push out what trackers say. */
function dropWeakest(votes: Map<string, Vote>): void {
  let weakest: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const [network, { weight }] of votes) {
    if (weight >= least) continue;
    least = weight;
    weakest = network;
  }
  if (weakest !== undefined) votes.delete(weakest);
}
