// Where addresses of peers come from, who is believed more, and which of these a private torrent may use (BEP 27). Every
// source asks `maySource` here before it tells or asks anybody anything, and every address passes it again on its way in.

export type PeerSource = 'tracker' | 'magnet' | 'user' | 'incoming' | 'pex' | 'dht' | 'lsd';

/** Who is believed more: a source never pushes out addresses of a better one. */
export const SOURCE_RANKS: Readonly<Record<PeerSource, number>> = {
  user: 6,
  magnet: 5,
  tracker: 4,
  incoming: 3,
  lsd: 3,
  dht: 2,
  pex: 1,
};

/** Those that a private torrent's tracker has not told: nobody may be told of the torrent by them. */
const PUBLIC_SOURCES: ReadonlySet<PeerSource> = new Set(['pex', 'dht', 'lsd']);

/**
 * Whether a torrent may use this source, both ways. BEP 27: peers of a private torrent come from its tracker alone; what the
 * user names and who connects to us are no source that anybody else is told of. While the metadata of a magnet link
 * has not come nobody knows that the torrent is private: pass `isPrivate` as false until then.
 */
export function maySource(source: PeerSource, isPrivate: boolean): boolean {
  return !isPrivate || !PUBLIC_SOURCES.has(source);
}

/** Peers by where they came from. */
export type PeerSourceCounts = Readonly<Record<PeerSource, number>>;

/** A tally, all of it zero. */
export function noPeersBySource(): Record<PeerSource, number> {
  return { tracker: 0, magnet: 0, user: 0, incoming: 0, pex: 0, dht: 0, lsd: 0 };
}
