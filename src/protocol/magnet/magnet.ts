// What a magnet link says (BEP 9, 46, 53; v2 hashes as multihashes), and writing one. Reading is in parse-magnet.ts.

import { bytesToHex, encodeUtf8 } from '../../base/bytes.ts';
import type { Metainfo } from '../metainfo/index.ts';

/** Who says by the DHT what torrent the link stands for (BEP 46). */
export interface MagnetPublisher {
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Tells the publisher's items apart; empty where it has one. */
  readonly salt: Uint8Array;
}

export interface Magnet {
  /** SHA-1 of the info dictionary, 20 bytes. At least one of the two hashes is there, or a publisher. */
  readonly infoHash?: Uint8Array | undefined;
  /** SHA-256 of the info dictionary, 32 bytes. */
  readonly infoHashV2?: Uint8Array | undefined;
  /** Only where the link has no hash: one that names a torrent stands for that torrent. */
  readonly publisher?: MagnetPublisher | undefined;
  /** For showing until the metadata has come. Hostile text. */
  readonly name?: string | undefined;
  /** In the link's order; http, https, udp, ws and wss only. */
  readonly trackers: readonly string[];
  /** BEP 19; http and https only. */
  readonly webSeeds: readonly string[];
  /** host:port, IPv6 in brackets. */
  readonly peers: readonly string[];
  /** BEP 53: first and last index of each range of files, ascending, not touching. Absent: all files. */
  readonly selectOnly?: readonly (readonly [number, number])[] | undefined;
  /** `xl`: the content's size as the link claims it. */
  readonly lengthBytes?: number | undefined;
}

/** SHA2-256, 32 bytes: the multihash prefix of v2 info-hashes. */
export const MULTIHASH_SHA256_PREFIX = '1220';

/** The link, with all that the value holds. */
export function formatMagnet(magnet: Magnet): string {
  const parameters: string[] = [];
  const add = (key: string, value: string): void => {
    parameters.push(`${key}=${escapeParameter(value)}`);
  };
  if (magnet.infoHash !== undefined) parameters.push(`xt=urn:btih:${bytesToHex(magnet.infoHash)}`);
  if (magnet.infoHashV2 !== undefined) {
    parameters.push(`xt=urn:btmh:${MULTIHASH_SHA256_PREFIX}${bytesToHex(magnet.infoHashV2)}`);
  }
  if (magnet.publisher !== undefined) {
    const { publicKey, salt } = magnet.publisher;
    parameters.push(`xs=urn:btpk:${bytesToHex(publicKey)}`);
    if (salt.length > 0) parameters.push(`s=${bytesToHex(salt)}`);
  }
  if (magnet.name !== undefined) add('dn', magnet.name);
  if (magnet.lengthBytes !== undefined) parameters.push(`xl=${magnet.lengthBytes}`);
  for (const url of magnet.trackers) add('tr', url);
  for (const url of magnet.webSeeds) add('ws', url);
  for (const peer of magnet.peers) parameters.push(`x.pe=${peer}`);
  if (magnet.selectOnly !== undefined) {
    const ranges = magnet.selectOnly.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`));
    parameters.push(`so=${ranges.join(',')}`);
  }
  return `magnet:?${parameters.join('&')}`;
}

/** The link of a torrent. */
export function magnetOf(metainfo: Metainfo): Magnet {
  const { info, trackers, webSeeds } = metainfo;
  return {
    infoHash: info.infoHash,
    infoHashV2: info.infoHashV2,
    name: info.name,
    lengthBytes: info.contentBytes,
    trackers: trackers.flat(),
    webSeeds,
    peers: [],
  };
}

/** Percent-escapes all but RFC 3986's unreserved characters; a lone surrogate becomes U+FFFD instead of an error. */
function escapeParameter(text: string): string {
  let escaped = '';
  for (const byte of encodeUtf8(text)) {
    const character = String.fromCharCode(byte);
    escaped += /[A-Za-z0-9._~-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return escaped;
}
