// One search over IPv4 and IPv6 at once. Ends when both have ended; a family that knows no node holds nobody up once the
// other has answers.
import type { Clock, Timer } from '../../platform/clock.ts';
import type { SearchRequest, SearchResult } from '../../swarm/dht/search.ts';
import type { Dht, DhtSearchHandler } from './dht.ts';

/** How long a family without nodes is waited for, once the other has ended with answers. */
const GRACE_MS = 500;

export type BothFamiliesHandler = Omit<DhtSearchHandler, 'handleDone'> & {
  /** Of the families that have a socket; once. */
  handleDone(results: readonly SearchResult[]): void;
};

/** Never calls back synchronously; not at all after `cancel`. */
export function searchBothFamilies(
  dht: Dht,
  clock: Clock,
  request: SearchRequest,
  handler: BothFamiliesHandler,
): { cancel(): void } {
  const results: SearchResult[] = [];
  const open = new Map<4 | 6, { cancel(): void }>();
  let grace: Timer | undefined;
  const cancel = (): void => {
    grace?.cancel();
    for (const search of open.values()) search.cancel();
    open.clear();
  };
  const endIfDone = (): void => {
    if (open.size > 0) return;
    grace?.cancel();
    handler.handleDone(results);
  };
  const handleGraceOver = (): void => {
    for (const [family, search] of [...open]) {
      if (dht.nodeCountOf(family) > 0) continue;
      search.cancel();
      open.delete(family);
    }
    endIfDone();
  };
  for (const family of [4, 6] as const) {
    const search = dht.search(family, request, {
      ...handler,
      handleDone: (result) => {
        open.delete(family);
        if (result !== undefined) results.push(result);
        if (open.size > 0 && result !== undefined && result.answerCount > 0) {
          grace ??= clock.schedule(clock.nowMs() + GRACE_MS, handleGraceOver);
        }
        endIfDone();
      },
    });
    open.set(family, search);
  }
  return { cancel };
}
