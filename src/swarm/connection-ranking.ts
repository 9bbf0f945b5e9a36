// Which connections of a torrent can be spared: when all are taken and somebody else comes (BEP 40), and from time to time,
// so that peers who give and take nothing do not sit on the places of others for ever. Never one that gives or takes.

/** Who has given or taken a block within two choke rounds is busy. */
const BUSY_MS = 20_000;
/** Who has just come is given this time to say what it has and wants. */
const NEWCOMER_MS = 10_000;
/** Who has given or taken something once is met with more patience. */
const IDLE_MS = 300_000;

export interface RankedConnection {
  /** The public network it comes from; undefined on a private one, where one network is no sign of one owner. */
  readonly network: string | undefined;
  readonly connectedAtMs: number;
  /** When a block came or went last; -Infinity: never. */
  readonly exchangedAtMs: number;
  readonly amInterested: boolean;
  readonly isInterested: boolean;
  /** Canonical peer priority. */
  readonly priority: number;
}

export interface Newcomer {
  readonly network: string | undefined;
  readonly priority: number;
}

export interface TurnoverOptions {
  readonly count: number;
  /** Connected for at least so long. */
  readonly ageMinMs: number;
  /** We have all we want: who waits for a slot of ours is not the one to go. */
  readonly isSeeding: boolean;
}

/**
 * The connection that gives way to a newcomer. Of a network that has more connections than the newcomer's would then have, the
 * worst of those goes; else the newcomer must have the higher priority, so that both sides of each connection come to the
 * same end and whoever floods us gets no more places than its share of the networks.
 */
export function connectionForNewcomer<Connection extends RankedConnection>(
  connections: readonly Connection[],
  newcomer: Newcomer,
  nowMs: number,
): Connection | undefined {
  const counts = countNetworks(connections);
  const spared = connections.filter((connection) => !isBusy(connection, nowMs));
  const ownCount = countOf(counts, newcomer.network) + 1;
  let largest = ownCount;
  for (const { network } of spared) largest = Math.max(largest, countOf(counts, network));
  if (largest > ownCount) return worstOf(spared.filter(({ network }) => countOf(counts, network) === largest));
  return worstOf(spared.filter(({ priority }) => priority < newcomer.priority));
}

/** The worst of those that exchange nothing, at most `count`. */
export function connectionsToReplace<Connection extends RankedConnection>(
  connections: readonly Connection[],
  { count, ageMinMs, isSeeding }: TurnoverOptions,
  nowMs: number,
): Connection[] {
  const spared = connections.filter((connection) => {
    if (isBusy(connection, nowMs) || nowMs - connection.connectedAtMs < ageMinMs) return false;
    if (isSeeding && connection.isInterested) return false;
    return connection.exchangedAtMs === Number.NEGATIVE_INFINITY || nowMs - connection.exchangedAtMs >= IDLE_MS;
  });
  return spared.sort(compareWorth).slice(0, count);
}

function isBusy({ connectedAtMs, exchangedAtMs }: RankedConnection, nowMs: number): boolean {
  return nowMs - exchangedAtMs < BUSY_MS || nowMs - connectedAtMs < NEWCOMER_MS;
}

function worstOf<Connection extends RankedConnection>(connections: readonly Connection[]): Connection | undefined {
  let worst: Connection | undefined;
  for (const connection of connections) {
    if (worst === undefined || compareWorth(connection, worst) < 0) worst = connection;
  }
  return worst;
}

/** Negative when the first is worth less. */
function compareWorth(left: RankedConnection, right: RankedConnection): number {
  return worthOf(left) - worthOf(right) || left.priority - right.priority;
}

/** 0: no use to either side so far, and none in sight. */
function worthOf({ exchangedAtMs, amInterested, isInterested }: RankedConnection): number {
  return (exchangedAtMs === Number.NEGATIVE_INFINITY ? 0 : 2) + (amInterested || isInterested ? 1 : 0);
}

function countNetworks(connections: readonly RankedConnection[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { network } of connections) {
    if (network !== undefined) counts.set(network, (counts.get(network) ?? 0) + 1);
  }
  return counts;
}

function countOf(counts: ReadonlyMap<string, number>, network: string | undefined): number {
  return network === undefined ? 0 : (counts.get(network) ?? 0);
}
