// What a DHT node keeps for others: announced peers and items, and the sample of its info-hashes that it gives away (BEP 51).
// Several nodes of one program share it (BEP 45, "Shared Storage").
import type { Random } from '../../base/random.ts';
import { DHT_SAMPLES_MAX } from '../../protocol/limits.ts';
import { AnnouncedPeers } from './announced-peers.ts';
import { StoredItems } from './stored-items.ts';

/** BEP 51: how long the same sample is given to everyone. */
export const SAMPLE_INTERVAL_SECONDS = 21_600;
const EXPIRE_EVERY_MS = 60_000;

export class DhtStorage {
  readonly peers: AnnouncedPeers = new AnnouncedPeers();
  readonly items: StoredItems = new StoredItems();
  #sample: Uint8Array = new Uint8Array(0);
  #sampleUntilMs = -Infinity;
  #expireAtMs = 0;

  /** The same for everyone for six hours, unless it held everything there was and there is more now. */
  sample(random: Random, nowMs: number): Uint8Array {
    const isShort = this.#sample.length / 20 < Math.min(DHT_SAMPLES_MAX, this.peers.torrentCount);
    if (nowMs >= this.#sampleUntilMs || isShort) {
      this.#sample = this.peers.sampleInfoHashes(DHT_SAMPLES_MAX, random);
      this.#sampleUntilMs = nowMs + SAMPLE_INTERVAL_SECONDS * 1000;
    }
    return this.#sample;
  }

  /** Forgets what nobody has renewed; does something once a minute, however often it is called. */
  expire(nowMs: number): void {
    if (nowMs < this.#expireAtMs) return;
    this.#expireAtMs = nowMs + EXPIRE_EVERY_MS;
    this.peers.expire(nowMs);
    this.items.expire(nowMs);
  }
}
