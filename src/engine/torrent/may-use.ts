// The one rule of private torrents (BEP 27): their peers come from their trackers, from the user, or connect by themselves.
// Every source of peers asks here before it sends anything, and every address it brings passes here again.
import type { PeerSource } from '../../swarm/dial-queue.ts';

const PRIVATE_SOURCES: readonly PeerSource[] = ['tracker', 'user', 'incoming'];

/** Whether peers may be asked for at, and taken from, this source. `info`: undefined while the metadata is not known. */
export function mayUse(source: PeerSource, info: { readonly private: boolean } | undefined): boolean {
  return info?.private !== true || PRIVATE_SOURCES.includes(source);
}
