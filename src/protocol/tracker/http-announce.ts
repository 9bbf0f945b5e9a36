// Announces over HTTP: the URL that asks and the bencoded reply (BEP 3, 7, 23, 24, 31). Knows nothing of HTTP itself:
// a URL goes out, a body comes in. No body, whatever its bytes, makes the decoder throw.
import { bytesToHex } from '../../base/bytes.ts';
import { BDict, bdecode } from '../bencode/index.ts';
import {
  BENCODE_TRACKER_TOKENS_MAX,
  BENCODE_WIRE_DEPTH_MAX,
  TRACKER_ID_MAX_BYTES,
  TRACKER_PEERS_MAX,
  TRACKER_RETRY_MAX_MS,
} from '../limits.ts';
import {
  type AnnounceRequest,
  type AnnounceResponse,
  type AnnounceResult,
  clampIntervalMs,
  cleanTrackerText,
  type TrackerFailure,
  type TrackerPeer,
} from './announce.ts';
import { decodeCompactPeers, isUnspecified } from './compact-peers.ts';
import { formatIpAddress, normalizeIpAddress } from './ip-address.ts';

const MINUTE_MS = 60_000;

/**
 * The URL of one announce: the tracker's own URL, its query kept (it may hold a passkey), our parameters after it.
 * A fragment is dropped.
 */
export function buildAnnounceUrl(trackerUrl: string, request: AnnounceRequest): string {
  const parameters = [
    `info_hash=${percentEncodeBytes(request.infoHash)}`,
    `peer_id=${percentEncodeBytes(request.peerId)}`,
    `port=${request.port}`,
    `uploaded=${request.uploadedBytes}`,
    `downloaded=${request.downloadedBytes}`,
    `left=${request.leftBytes}`,
    'compact=1',
    'no_peer_id=1',
    `numwant=${request.numWant}`,
    `key=${(request.key >>> 0).toString(16).padStart(8, '0').toUpperCase()}`,
  ];
  if (request.event !== 'none') parameters.push(`event=${request.event}`);
  if (request.ip !== undefined) parameters.push(`ip=${encodeURIComponent(request.ip)}`);
  if (request.ipv4 !== undefined) parameters.push(`ipv4=${encodeURIComponent(request.ipv4)}`);
  if (request.ipv6 !== undefined) parameters.push(`ipv6=${encodeURIComponent(request.ipv6)}`);
  if (request.trackerId !== undefined) parameters.push(`trackerid=${percentEncodeBytes(request.trackerId)}`);
  return appendQuery(trackerUrl, parameters.join('&'));
}

/** Adds to a URL's query and drops its fragment. */
export function appendQuery(url: string, query: string): string {
  const base = url.split('#', 1)[0]!;
  if (!base.includes('?')) return `${base}?${query}`;
  return /[?&]$/.test(base) ? base + query : `${base}&${query}`;
}

/** Each byte as it is when RFC 3986 calls it unreserved, as %XX otherwise. */
export function percentEncodeBytes(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    const character = String.fromCharCode(byte);
    text += /[A-Za-z0-9\-._~]/.test(character) ? character : `%${bytesToHex(Uint8Array.of(byte)).toUpperCase()}`;
  }
  return text;
}

/** Reads a reply's body; everything kept is a copy. */
export function decodeAnnounceReply(body: Uint8Array): AnnounceResult {
  const reply = decodeTrackerDictionary(body);
  if ('failure' in reply) return { ok: false, failure: reply.failure };
  return { ok: true, response: readResponse(reply.dict) };
}

/** A tracker's dictionary when it is one and names no failure. */
export function decodeTrackerDictionary(body: Uint8Array): { dict: BDict } | { failure: TrackerFailure } {
  const decoded = bdecode(body, {
    maxDepth: BENCODE_WIRE_DEPTH_MAX,
    maxTokens: BENCODE_TRACKER_TOKENS_MAX,
    allowTrailingWhitespace: true,
  });
  if (!decoded.ok) return malformed(`The reply is not bencoded: ${decoded.error.message}`);
  const dict = decoded.value;
  if (!(dict instanceof BDict)) return malformed('The reply is no dictionary.');
  if (!dict.has('failure reason')) return { dict };
  const reason = textOf(dict, 'failure reason') ?? 'The tracker refused without a reason.';
  return { failure: { kind: 'refused', message: reason, retryInMs: readRetryMs(dict) } };
}

function malformed(message: string): { failure: TrackerFailure } {
  return { failure: { kind: 'malformed', message: cleanTrackerText(message), retryInMs: undefined } };
}

function readResponse(dict: BDict): AnnounceResponse {
  const minimum = dict.getNumber('min interval');
  const trackerId = dict.getBytes('tracker id');
  const external = dict.getBytes('external ip');
  return {
    peers: readPeers(dict),
    intervalMs: clampIntervalMs(dict.getNumber('interval')),
    minIntervalMs: minimum !== undefined && minimum > 0 ? clampIntervalMs(minimum) : undefined,
    seedCount: countOf(dict, 'complete'),
    leecherCount: countOf(dict, 'incomplete'),
    downloadedCount: countOf(dict, 'downloaded'),
    warning: textOf(dict, 'warning message'),
    externalAddress: external === undefined ? undefined : formatIpAddress(external),
    trackerId: trackerId !== undefined && trackerId.length <= TRACKER_ID_MAX_BYTES ? trackerId.slice() : undefined,
  };
}

/** Both families; neither crowds the other out when together they are too many. */
function readPeers(dict: BDict): TrackerPeer[] {
  const packed6 = dict.getBytes('peers6');
  const ipv6 = packed6 === undefined ? readPeerList(dict, 'peers6') : decodeCompactPeers(packed6, 6, TRACKER_PEERS_MAX);
  const packed4 = dict.getBytes('peers');
  const ipv4 = packed4 === undefined ? readPeerList(dict, 'peers') : decodeCompactPeers(packed4, 4, TRACKER_PEERS_MAX);
  const kept6 = Math.min(ipv6.length, Math.max(TRACKER_PEERS_MAX - ipv4.length, Math.floor(TRACKER_PEERS_MAX / 2)));
  return [...ipv4.slice(0, TRACKER_PEERS_MAX - kept6), ...ipv6.slice(0, kept6)];
}

/** BEP 3's form. Entries with a host name are left out: a tracker may not make us look names up. */
function readPeerList(dict: BDict, key: string): TrackerPeer[] {
  const peers: TrackerPeer[] = []; // BOUNDED: TRACKER_PEERS_MAX
  for (const entry of dict.iterateList(key, 0) ?? []) {
    if (peers.length >= TRACKER_PEERS_MAX) break;
    if (!(entry instanceof BDict)) continue;
    const address = normalizeIpAddress(entry.getString('ip') ?? '');
    const port = entry.getNumber('port');
    if (address === undefined || port === undefined || isUnspecified(address)) continue;
    if (port >= 1 && port <= 65_535) peers.push({ address, port });
  }
  return peers;
}

/** BEP 31: minutes, or "never". Written as an integer or as text. */
function readRetryMs(dict: BDict): number | undefined {
  const text = dict.getString('retry in');
  if (text === 'never') return Infinity;
  const minutes = text === undefined ? dict.getNumber('retry in') : /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  if (minutes === undefined || minutes <= 0) return undefined;
  return Math.min(minutes * MINUTE_MS, TRACKER_RETRY_MAX_MS);
}

function textOf(dict: BDict, key: string): string | undefined {
  const text = cleanTrackerText(dict.getString(key) ?? '');
  return text === '' ? undefined : text;
}

export function countOf(dict: BDict, key: string): number | undefined {
  const count = dict.getNumber(key);
  return count !== undefined && count >= 0 ? count : undefined;
}
