// Announces of local service discovery (BEP 14): text like a request of HTTP, in one datagram to a multicast group. A
// codec only. Whoever is on the local network may send anything: what is not plain is no announce.
import { bytesToHex, hexToBytes } from '../../base/bytes.ts';
import { LSD_DATAGRAM_MAX_BYTES, LSD_HASHES_MAX } from '../limits.ts';

export const LSD_PORT = 6771;
export const LSD_GROUP_V4 = '239.192.152.143';
export const LSD_GROUP_V6 = 'ff15::efc0:988f';

const REQUEST_LINE = 'BT-SEARCH * HTTP/1.1';
const HASH_DIGITS = 40;
/** Characters of a cookie that are compared; ours are shorter. */
const COOKIE_MAX_CHARACTERS = 64;
/** Header lines read; those of others than we know are passed over. */
const LINES_MAX = LSD_HASHES_MAX + 20;

export interface LsdAnnounce {
  /** Where the sender accepts connections. */
  readonly port: number;
  /** 20 bytes each. */
  readonly infoHashes: readonly Uint8Array[];
  /** By which the sender knows its own announces again. */
  readonly cookie: string | undefined;
}

/** `group`: the one that it is sent to. At most LSD_HASHES_MAX info-hashes fit. */
export function encodeLsdAnnounce({ port, infoHashes, cookie }: LsdAnnounce, group: string): Uint8Array {
  const host = group.includes(':') ? `[${group}]` : group;
  const lines = [
    REQUEST_LINE,
    `Host: ${host}:${LSD_PORT}`,
    `Port: ${port}`,
    ...infoHashes.map((infoHash) => `Infohash: ${bytesToHex(infoHash)}`),
    ...(cookie === undefined ? [] : [`cookie: ${cookie}`]),
  ];
  const text = `${lines.join('\r\n')}\r\n\r\n\r\n`;
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** At most LSD_HASHES_MAX info-hashes are read. Undefined for what is no announce of a port and a torrent. */
export function decodeLsdAnnounce(datagram: Uint8Array): LsdAnnounce | undefined {
  if (datagram.length > LSD_DATAGRAM_MAX_BYTES) return undefined;
  const lines = String.fromCharCode(...datagram).split('\r\n', LINES_MAX + 1);
  if (lines[0] !== REQUEST_LINE) return undefined;
  const infoHashes: Uint8Array[] = []; // BOUNDED: LSD_HASHES_MAX
  let port: number | undefined;
  let cookie: string | undefined;
  for (const line of lines.slice(1)) {
    if (line === '') break;
    const colon = line.indexOf(':');
    const value = line.slice(colon + 1).trim();
    switch (line.slice(0, Math.max(0, colon)).toLowerCase()) {
      case 'port':
        port = portOf(value);
        break;
      case 'infohash': {
        const infoHash = value.length === HASH_DIGITS ? hexToBytes(value.toLowerCase()) : undefined;
        if (infoHash !== undefined && infoHashes.length < LSD_HASHES_MAX) infoHashes.push(infoHash);
        break;
      }
      case 'cookie':
        cookie = value.slice(0, COOKIE_MAX_CHARACTERS);
        break;
    }
  }
  return port === undefined || infoHashes.length === 0 ? undefined : { port, infoHashes, cookie };
}

function portOf(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}
