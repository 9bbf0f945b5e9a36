// Scrapes over HTTP (BEP 48): where to ask, and the reply.
import { BDict } from '../bencode/index.ts';
import type { SwarmCounts, TrackerFailure } from './announce.ts';
import { appendQuery, countOf, decodeTrackerDictionary, percentEncodeBytes } from './http-announce.ts';

export type ScrapeResult =
  | {
      readonly ok: true;
      /** One per info-hash asked about, undefined where the tracker knows nothing. */
      readonly counts: readonly (SwarmCounts | undefined)[];
    }
  | { readonly ok: false; readonly failure: TrackerFailure };

/**
 * The scrape URL that belongs to an announce URL: the last part of the path begins with "announce", which becomes
 * "scrape". Undefined when it does not: that tracker offers no scrape.
 */
export function scrapeUrlOf(announceUrl: string): string | undefined {
  const [, beforePath, path, query] = /^([a-z]+:\/\/[^/?#]*)([^?#]*)(\?[^#]*)?/i.exec(announceUrl) ?? [];
  if (beforePath === undefined || path === undefined) return undefined;
  const lastPart = path.lastIndexOf('/') + 1;
  if (!path.startsWith('announce', lastPart)) return undefined;
  return `${beforePath}${path.slice(0, lastPart)}scrape${path.slice(lastPart + 'announce'.length)}${query ?? ''}`;
}

/** Asks about some info-hashes (20 bytes each); undefined where the tracker offers no scrape. */
export function buildScrapeUrl(announceUrl: string, infoHashes: readonly Uint8Array[]): string | undefined {
  const url = scrapeUrlOf(announceUrl);
  if (url === undefined) return undefined;
  return appendQuery(url, infoHashes.map((infoHash) => `info_hash=${percentEncodeBytes(infoHash)}`).join('&'));
}

/** Reads what was asked about and nothing else. Never throws. */
export function decodeScrapeReply(body: Uint8Array, infoHashes: readonly Uint8Array[]): ScrapeResult {
  const reply = decodeTrackerDictionary(body);
  if ('failure' in reply) return { ok: false, failure: reply.failure };
  const files = reply.dict.getDict('files');
  const counts = infoHashes.map((infoHash) => {
    const entry = files?.get(String.fromCharCode(...infoHash));
    if (!(entry instanceof BDict)) return undefined;
    return {
      seedCount: countOf(entry, 'complete'),
      leecherCount: countOf(entry, 'incomplete'),
      downloadedCount: countOf(entry, 'downloaded'),
    };
  });
  return { ok: true, counts };
}
