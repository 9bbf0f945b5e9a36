// A .torrent file to its meaning (BEP 3, 5, 12, 17, 19): the fields around the info dictionary. A broken info
// dictionary or piece layer is an error; an odd tracker, web seed, node or comment is left out.

import { decodeUtf8 } from '../../base/bytes.ts';
import { BDict, type BValue, bdecode } from '../bencode/index.ts';
import {
  BENCODE_TORRENT_DEPTH_MAX,
  BENCODE_TORRENT_TOKENS_MAX,
  TORRENT_FILE_MAX_BYTES,
  TORRENT_NODES_MAX,
  TRACKER_TIERS_MAX,
  TRACKERS_PER_TIER_MAX,
  URL_MAX_BYTES,
  WEB_SEEDS_MAX,
} from '../limits.ts';
import { readInfoDictionary } from './decode-info.ts';
import { readText } from './file-entry.ts';
import type { Metainfo, Parsed } from './metainfo.ts';
import { type MetainfoCrypto, MetainfoReading } from './problem.ts';
import { acceptUrl, TRACKER_SCHEMES, WEB_SEED_SCHEMES } from './url.ts';

const HOST_MAX_CHARACTERS = 255;
const BYTE_D = 0x64;

/** Decodes a .torrent file. What it returns borrows nothing from `bytes`. Never throws. */
export function decodeMetainfo(bytes: Uint8Array, crypto: MetainfoCrypto): Parsed<Metainfo> {
  const reading = new MetainfoReading(crypto);
  // A subclass may mean something else by `slice`: that of Node's Buffer copies nothing.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  return reading.outcome(readMetainfo(plain, reading));
}

function readMetainfo(bytes: Uint8Array, reading: MetainfoReading): Metainfo | undefined {
  if (bytes.length > TORRENT_FILE_MAX_BYTES) {
    return reading.fail(`The torrent file is larger than ${TORRENT_FILE_MAX_BYTES} bytes.`);
  }
  if (bytes.length === 0) return reading.fail('The torrent file is empty.');
  if (bytes[0] !== BYTE_D) return reading.fail('The file is not a torrent: it does not start with a dictionary.');
  // A copy of its own, since the values that are kept are views of it. (`slice` of Node's Buffer would not copy.)
  const decoded = bdecode(new Uint8Array(bytes), {
    maxDepth: BENCODE_TORRENT_DEPTH_MAX,
    maxTokens: BENCODE_TORRENT_TOKENS_MAX,
    allowTrailingWhitespace: true,
  });
  if (!decoded.ok) return reading.fail(`The torrent file is not well-formed: ${decoded.error.message}.`);
  const root = decoded.value;
  if (!(root instanceof BDict)) return reading.fail('The file is not a torrent: it does not start with a dictionary.');
  if (root.duplicateKey !== undefined) return reading.fail('The torrent file has a key twice.');
  const infoBytes = root.rawSpan('info');
  if (infoBytes === undefined) return reading.fail('The torrent file has no info dictionary.');
  const info = readInfoDictionary(infoBytes, root.getDict('info'), root, reading);
  if (info === undefined) return undefined;
  const creationDate = root.getNumber('creation date');
  return {
    info,
    trackers: readTrackers(root),
    webSeeds: readUrls(root, 'url-list', WEB_SEED_SCHEMES, WEB_SEEDS_MAX),
    httpSeeds: readUrls(root, 'httpseeds', WEB_SEED_SCHEMES, WEB_SEEDS_MAX),
    nodes: readNodes(root),
    comment: readText(root, 'comment'),
    createdBy: readText(root, 'created by'),
    creationDate: creationDate !== undefined && creationDate >= 0 ? creationDate : undefined,
  };
}

/** Tiers of `announce-list` (BEP 12), each URL once; `announce` alone when they hold no usable URL. */
function readTrackers(root: BDict): string[][] {
  const seen = new Set<string>();
  // BOUNDED: TRACKER_TIERS_MAX tiers of TRACKERS_PER_TIER_MAX trackers; the rest is not looked at.
  const tiers: string[][] = [];
  for (const element of root.iterateList('announce-list', TRACKERS_PER_TIER_MAX) ?? []) {
    if (tiers.length === TRACKER_TIERS_MAX) break;
    const tier: string[] = [];
    // Some files list URLs without tiers; each then is a tier.
    for (const entry of Array.isArray(element) ? element : [element]) {
      addUrl(tier, seen, entry, TRACKER_SCHEMES);
    }
    if (tier.length > 0) tiers.push(tier);
  }
  if (tiers.length === 0) {
    const tier: string[] = [];
    addUrl(tier, seen, root.getBytes('announce'), TRACKER_SCHEMES);
    if (tier.length > 0) tiers.push(tier);
  }
  return tiers;
}

/** One URL or a list of them. */
function readUrls(root: BDict, key: string, schemes: readonly string[], limit: number): string[] {
  const seen = new Set<string>();
  // BOUNDED: `limit` URLs; the rest is not looked at.
  const urls: string[] = [];
  addUrl(urls, seen, root.getBytes(key), schemes);
  for (const element of root.iterateList(key, 0) ?? []) {
    if (urls.length === limit) break;
    addUrl(urls, seen, element, schemes);
  }
  return urls;
}

function addUrl(urls: string[], seen: Set<string>, value: BValue | undefined, schemes: readonly string[]): void {
  if (!(value instanceof Uint8Array) || value.length > URL_MAX_BYTES) return;
  const url = acceptUrl(decodeUtf8(value) ?? '', schemes);
  if (url === undefined || seen.has(url)) return;
  seen.add(url);
  urls.push(url);
}

/** BEP 5, "Torrent File Extensions": pairs of host and port. */
function readNodes(root: BDict): string[] {
  // BOUNDED: TORRENT_NODES_MAX nodes; the rest is not looked at.
  const nodes: string[] = [];
  for (const element of root.iterateList('nodes', 2) ?? []) {
    if (nodes.length === TORRENT_NODES_MAX) break;
    if (!Array.isArray(element)) continue;
    const [hostBytes, port] = element;
    const host = hostBytes instanceof Uint8Array ? decodeUtf8(hostBytes) : undefined;
    if (host === undefined || host.length > HOST_MAX_CHARACTERS || !/^[a-zA-Z0-9.:_-]+$/.test(host)) continue;
    if (typeof port !== 'number' || port < 1 || port > 65_535) continue;
    nodes.push(host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);
  }
  return nodes;
}
