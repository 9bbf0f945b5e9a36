// Asks the trackers of a torrent how large its swarm is: no session, no listening port, no announce.
import type { Platform } from '../platform/platform.ts';
import { AnnounceGate } from './announcer/announce-gate.ts';
import { HttpCarrier } from './announcer/http-carrier.ts';
import { TrackerScrape } from './announcer/tracker-scrape.ts';
import { UdpCarrier } from './announcer/udp-carrier.ts';
import { UdpTrackerClient } from './announcer/udp-tracker-client.ts';
import type { ScrapeResult, ScrapeTorrentOptions } from './api.ts';
import { VERSION } from './session/settings.ts';
import { swarmHashesOf } from './torrent/swarm-hash.ts';
import { parseTorrentSource } from './torrent-source.ts';

/** @throws {SessionError} `METAINFO_INVALID`, `MAGNET_INVALID`; `signal.reason` when it aborts. */
export async function scrapeTorrentOn(
  platform: Platform,
  source: string | Uint8Array,
  options: ScrapeTorrentOptions = {},
): Promise<readonly ScrapeResult[]> {
  const { signal, userAgent = `Millrace/${VERSION}` } = options;
  const { clock, crypto, http, log, network, resolver } = platform;
  signal?.throwIfAborted();
  const parsed = parseTorrentSource(source, crypto);
  const job = { urls: [...new Set(parsed.trackers.flat())], infoHashes: swarmHashesOf(parsed) };
  const client = new UdpTrackerClient({ network, clock, random: crypto.random, log });
  const parts = {
    clock,
    gate: new AnnounceGate(),
    http: new HttpCarrier({ clock, http, userAgent }),
    udp: new UdpCarrier({ clock, resolver, client }),
  };
  try {
    return await new Promise<readonly ScrapeResult[]>((resolve, reject) => {
      const scrape = new TrackerScrape(parts, job, resolve);
      const handleAbort = (): void => {
        reject(signal?.reason);
        scrape.end('The call was aborted.');
      };
      signal?.addEventListener('abort', handleAbort, { once: true });
    });
  } finally {
    client.close();
  }
}
