// The datagrams of the UDP tracker protocol (BEP 15) and its URL data option (BEP 41). Which reply belongs to which
// request, and when to send again, is udp-exchange's.
import { decodeUtf8Lenient, EMPTY_BYTES, encodeUtf8, readUint32, writeUint16, writeUint32 } from '../../base/bytes.ts';
import { TRACKER_PEERS_MAX } from '../limits.ts';
import type { AnnounceEvent, AnnounceRequest, AnnounceResponse, SwarmCounts } from './announce.ts';
import { clampIntervalMs, cleanTrackerText } from './announce.ts';
import { decodeCompactPeers } from './compact-peers.ts';
import { parseIpAddress } from './ip-address.ts';

export const UDP_ACTION_CONNECT = 0;
export const UDP_ACTION_ANNOUNCE = 1;
export const UDP_ACTION_SCRAPE = 2;
export const UDP_ACTION_ERROR = 3;

/** Info-hashes in one scrape (BEP 15: "up to about 74"). */
export const UDP_SCRAPE_MAX = 74;

const CONNECT_REQUEST_BYTES = 16;
const CONNECT_REPLY_BYTES = 16;
const ANNOUNCE_REQUEST_BYTES = 98;
const ANNOUNCE_REPLY_BYTES = 20;
const REPLY_HEADER_BYTES = 8;
/** 0x41727101980, the protocol's magic number. */
const PROTOCOL_ID_HIGH = 0x417;
const PROTOCOL_ID_LOW = 0x27101980;
const OPTION_URL_DATA = 2;
const OPTION_DATA_MAX_BYTES = 255;
/** Of the protocol's 32-bit count of wanted peers: no more than a reply in one datagram of any size can hold. */
const NUM_WANT_MAX = 65_535;
const EVENT_NUMBERS: Readonly<Record<AnnounceEvent, number>> = { none: 0, completed: 1, started: 2, stopped: 3 };

/** What every reply begins with; undefined for a datagram too short to be one. */
export interface UdpReplyHeader {
  readonly action: number;
  readonly transactionId: number;
}

export function decodeUdpReplyHeader(datagram: Uint8Array): UdpReplyHeader | undefined {
  if (datagram.length < REPLY_HEADER_BYTES) return undefined;
  return { action: readUint32(datagram, 0), transactionId: readUint32(datagram, 4) };
}

export function encodeUdpConnect(transactionId: number): Uint8Array {
  const datagram = new Uint8Array(CONNECT_REQUEST_BYTES);
  writeUint32(datagram, 0, PROTOCOL_ID_HIGH);
  writeUint32(datagram, 4, PROTOCOL_ID_LOW);
  writeUint32(datagram, 8, UDP_ACTION_CONNECT);
  writeUint32(datagram, 12, transactionId);
  return datagram;
}

/** A copy of the connection id (8 bytes). */
export function decodeUdpConnectReply(datagram: Uint8Array): Uint8Array | undefined {
  return datagram.length < CONNECT_REPLY_BYTES ? undefined : datagram.slice(8, 16);
}

/**
 * `urlData` is the path and query of the tracker's URL (BEP 41), '' for none; longer than one option holds, it is
 * cut into several, as that BEP says.
 */
export function encodeUdpAnnounce(
  connectionId: Uint8Array,
  transactionId: number,
  request: AnnounceRequest,
  urlData: string,
): Uint8Array {
  const options = encodeUrlData(urlData);
  const datagram = new Uint8Array(ANNOUNCE_REQUEST_BYTES + options.length);
  datagram.set(connectionId, 0);
  writeUint32(datagram, 8, UDP_ACTION_ANNOUNCE);
  writeUint32(datagram, 12, transactionId);
  datagram.set(request.infoHash, 16);
  datagram.set(request.peerId, 36);
  writeUint64(datagram, 56, request.downloadedBytes);
  writeUint64(datagram, 64, request.leftBytes);
  writeUint64(datagram, 72, request.uploadedBytes);
  writeUint32(datagram, 80, EVENT_NUMBERS[request.event]);
  // The field holds an IPv4 address only; zeros let the tracker take the one it sees.
  const ip = request.ip === undefined ? undefined : parseIpAddress(request.ip);
  if (ip?.length === 4) datagram.set(ip, 84);
  writeUint32(datagram, 88, request.key);
  writeUint32(datagram, 92, Math.min(request.numWant, NUM_WANT_MAX));
  writeUint16(datagram, 96, request.port);
  datagram.set(options, ANNOUNCE_REQUEST_BYTES);
  return datagram;
}

/** `family` is the remote's: it decides how wide a peer is (BEP 15, "IPv6"). */
export function decodeUdpAnnounceReply(datagram: Uint8Array, family: 4 | 6): AnnounceResponse | undefined {
  if (datagram.length < ANNOUNCE_REPLY_BYTES) return undefined;
  return {
    intervalMs: clampIntervalMs(readUint32(datagram, 8)),
    minIntervalMs: undefined,
    leecherCount: readUint32(datagram, 12),
    seedCount: readUint32(datagram, 16),
    downloadedCount: undefined,
    peers: decodeCompactPeers(datagram.subarray(ANNOUNCE_REPLY_BYTES), family, TRACKER_PEERS_MAX),
    warning: undefined,
    externalAddress: undefined,
    trackerId: undefined,
  };
}

/** At most UDP_SCRAPE_MAX info-hashes of 20 bytes. */
export function encodeUdpScrape(
  connectionId: Uint8Array,
  transactionId: number,
  infoHashes: readonly Uint8Array[],
): Uint8Array {
  const datagram = new Uint8Array(16 + 20 * infoHashes.length);
  datagram.set(connectionId, 0);
  writeUint32(datagram, 8, UDP_ACTION_SCRAPE);
  writeUint32(datagram, 12, transactionId);
  for (const [index, infoHash] of infoHashes.entries()) datagram.set(infoHash, 16 + 20 * index);
  return datagram;
}

/** One entry per info-hash that was asked about; undefined when the reply is too short for all of them. */
export function decodeUdpScrapeReply(datagram: Uint8Array, infoHashCount: number): SwarmCounts[] | undefined {
  if (datagram.length < REPLY_HEADER_BYTES + 12 * infoHashCount) return undefined;
  const counts: SwarmCounts[] = []; // BOUNDED: what was asked, UDP_SCRAPE_MAX
  for (let index = 0; index < infoHashCount; index++) {
    const at = REPLY_HEADER_BYTES + 12 * index;
    counts.push({
      seedCount: readUint32(datagram, at),
      downloadedCount: readUint32(datagram, at + 4),
      leecherCount: readUint32(datagram, at + 8),
    });
  }
  return counts;
}

/** The text of an error reply, fit to be shown. */
export function decodeUdpError(datagram: Uint8Array): string {
  // Bytes beyond what can be kept are not worth decoding: four a character at most.
  const text = cleanTrackerText(decodeUtf8Lenient(datagram.subarray(REPLY_HEADER_BYTES, REPLY_HEADER_BYTES + 1_024)));
  return text === '' ? 'The tracker refused without a reason.' : text;
}

function encodeUrlData(urlData: string): Uint8Array {
  if (urlData === '') return EMPTY_BYTES;
  const text = encodeUtf8(urlData);
  const optionCount = Math.ceil(text.length / OPTION_DATA_MAX_BYTES);
  const options = new Uint8Array(text.length + 2 * optionCount);
  let at = 0;
  for (let from = 0; from < text.length; from += OPTION_DATA_MAX_BYTES) {
    const part = text.subarray(from, from + OPTION_DATA_MAX_BYTES);
    options[at] = OPTION_URL_DATA;
    options[at + 1] = part.length;
    options.set(part, at + 2);
    at += 2 + part.length;
  }
  return options;
}

function writeUint64(bytes: Uint8Array, offset: number, value: number): void {
  writeUint32(bytes, offset, Math.floor(value / 0x1_0000_0000));
  writeUint32(bytes, offset + 4, value % 0x1_0000_0000);
}
