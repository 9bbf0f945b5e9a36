// What became of the wish to have a port mapped by a router, and what of several ways to ask it is told.

export type MappingMethod = 'pcp' | 'nat-pmp' | 'upnp';

export interface MappingStatus {
  readonly state: 'asking' | 'mapped' | 'failed';
  /** How the router was, or is, asked. */
  readonly method: MappingMethod;
  /** Undefined unless mapped. */
  readonly externalPort: number | undefined;
  /** Undefined when the router does not say. */
  readonly externalAddress: string | undefined;
  /** Why it failed. */
  readonly message: string | undefined;
}

/** The failure of one who has said nothing. */
export const SILENT_ROUTER = 'the router does not answer';

/** A mapping counts more than the hope for one, and that more than a failure; of two alike, the first, or who has spoken. */
export function bestMapping(first: MappingStatus, second: MappingStatus): MappingStatus {
  const RANKS = { failed: 0, asking: 1, mapped: 2 } as const;
  if (RANKS[first.state] !== RANKS[second.state]) return RANKS[first.state] > RANKS[second.state] ? first : second;
  if (first.state !== 'failed' || second.message === SILENT_ROUTER) return first;
  if (first.message === SILENT_ROUTER) return second;
  return { ...first, message: `${first.message}; by UPnP: ${second.message}` };
}
