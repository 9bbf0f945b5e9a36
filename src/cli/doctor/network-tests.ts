// The tests of `millrace doctor` that leave this computer: names, trackers, and the clock against a tracker's. What cannot be
// reached is a finding, never an error.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Facade, ScrapeResult, TorrentDescription } from '../../engine/api.ts';
import { NodeHttp } from '../../node/http/node-http.ts';
import { cleanText } from '../output/clean-text.ts';
import { formatCount } from '../output/format.ts';
import type { LoadedSource } from '../source.ts';
import { type Finding, skipped } from './finding.ts';

const NAMES_MAX = 8;
const DNS_MS = 5_000;
const HTTP_MS = 8_000;
const BODY_MAX_BYTES = 65_536;
/** Certificates and private trackers mind more than this. */
const CLOCK_MAX_MS = 120_000;

/** `hosts`: of the DHT's first nodes and the trackers. */
export async function testNames(hosts: readonly string[]): Promise<Finding> {
  const names = [...new Set(hosts)].filter((host) => host !== '' && isIP(host) === 0).slice(0, NAMES_MAX);
  if (names.length === 0) return skipped('dns', 'no name to look up: every host is an address');
  const found = await Promise.all(names.map(resolves));
  const lacking = names.filter((_, index) => !found[index]);
  if (lacking.length === 0)
    return { test: 'dns', state: 'ok', message: `${formatCount(names.length, 'name')} resolved` };
  const list = lacking.join(', ');
  if (lacking.length < names.length) {
    const message = `${names.length - lacking.length} of ${formatCount(names.length, 'name')} resolved, not ${list}`;
    return { test: 'dns', state: 'warn', message, advice: 'these hosts may be gone' };
  }
  const advice = 'check the connection and the name server';
  return { test: 'dns', state: 'warn', message: `no name could be resolved (${list})`, advice };
}

/** Asks each tracker how large the swarm is: announces nothing. */
export async function testTrackers(facade: Facade, source: LoadedSource): Promise<Finding> {
  const results = await facade.scrapeTorrent(source);
  if (results.length === 0) return skipped('trackers', 'the torrent has none: peers come from the DHT and others');
  const silent = results.filter(({ error }) => error !== undefined);
  const heard = results.filter(({ error }) => error === undefined);
  const message = [...heard.map(heardText), ...silent.map(silentText)].join('; ');
  if (silent.length === 0) return { test: 'trackers', state: 'ok', message };
  const advice =
    heard.length > 0
      ? 'one that answers is enough'
      : 'the trackers may be gone, or UDP or HTTP is blocked: other sources of peers are used too';
  return { test: 'trackers', state: heard.length > 0 ? 'ok' : 'warn', message, advice };
}

function heardText({ url, seedCount, leecherCount }: ScrapeResult): string {
  const seeds = seedCount === undefined ? 'seeds unknown' : formatCount(seedCount, 'seed');
  const leechers = leecherCount === undefined ? 'leechers unknown' : formatCount(leecherCount, 'leecher');
  return `${placeOf(url)}: ${seeds}, ${leechers}`;
}

function silentText({ url, error }: ScrapeResult): string {
  return `${placeOf(url)}: ${cleanText(error ?? '', 120).replace(/[.\s]+$/, '')}`;
}

/** Compares the clock with that of the first HTTP tracker that answers. */
export async function testClock({ trackers }: TorrentDescription): Promise<Finding> {
  const origins = new Set(
    trackers
      .flat()
      .filter((url) => /^https?:/i.test(url))
      .map(placeOf),
  );
  for (const origin of origins) {
    const offsetMs = await clockOffset(`${origin}/`);
    if (offsetMs === undefined) continue;
    const seconds = Math.round(offsetMs / 1_000);
    const message = `the clock of ${origin} is ${Math.abs(seconds)} s ${seconds < 0 ? 'behind' : 'ahead of'} ours`;
    if (Math.abs(offsetMs) <= CLOCK_MAX_MS) return { test: 'clock', state: 'ok', message };
    return { test: 'clock', state: 'warn', message, advice: 'set the clock, by NTP for example: certificates need it' };
  }
  return skipped('clock', 'no HTTP tracker has told the time');
}

/** Their time minus ours; undefined when nobody told it. */
function clockOffset(url: string): Promise<number | undefined> {
  const http = new NodeHttp({ log: { write: () => {} } });
  const startedMs = Date.now();
  const request = { url, headers: {}, totalTimeoutMs: HTTP_MS, maxBodyBytes: BODY_MAX_BYTES, maxRedirects: 0 };
  return new Promise((resolve) => {
    http.get(request, {
      handleResponse: ({ headers }) => {
        const theirs = Date.parse(headers['date'] ?? '');
        resolve(Number.isNaN(theirs) ? undefined : theirs - (startedMs + Date.now()) / 2);
      },
      handleFailed: () => resolve(undefined),
    });
  });
}

async function resolves(name: string): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), DNS_MS);
  });
  const asked = lookup(name).then(
    () => true,
    () => false,
  );
  const isFound = await Promise.race([asked, tooLong]);
  clearTimeout(timer);
  return isFound;
}

/** Scheme, host and port: paths may hold a passkey. */
function placeOf(url: string): string {
  try {
    const { protocol, host } = new URL(url);
    return `${protocol}//${host}`;
  } catch {
    return cleanText(url, 60);
  }
}
