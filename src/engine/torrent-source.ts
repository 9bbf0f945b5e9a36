// What a user hands over to be downloaded - bytes of a .torrent file, a magnet link, an info-hash - as one value.
import { bytesToHex } from '../base/bytes.ts';
import type { Crypto } from '../platform/crypto.ts';
import { SessionError } from '../platform/session-error.ts';
import { formatMagnet, type Magnet, type MagnetPublisher, parseMagnet } from '../protocol/magnet/index.ts';
import { decodeMetainfo } from '../protocol/metainfo/index.ts';
import type { InfoDictionary, Metainfo } from '../protocol/metainfo/metainfo.ts';

export interface TorrentSource {
  /** 20 bytes: SHA-1 of the info dictionary. Absent for v2-only torrents. */
  readonly infoHash: Uint8Array | undefined;
  /** 32 bytes: SHA-256 of the info dictionary. Absent for v1-only torrents. */
  readonly infoHashV2: Uint8Array | undefined;
  /** Display name until the metadata is known; hostile text. */
  readonly name: string;
  /** Undefined for a magnet link: peers have it (BEP 9). */
  readonly info: InfoDictionary | undefined;
  readonly trackers: readonly (readonly string[])[];
  readonly webSeeds: readonly string[];
  /** host:port texts of the magnet link (x.pe). */
  readonly peers: readonly string[];
  /** host:port texts of DHT nodes (BEP 5, "Torrent File Extensions"). */
  readonly nodes: readonly string[];
  /** File ranges of the magnet link (BEP 53), both ends included. */
  readonly selectOnly: readonly (readonly [number, number])[] | undefined;
}

/** @throws {SessionError} `METAINFO_INVALID`, `MAGNET_INVALID`. */
export function parseTorrentSource(source: string | Uint8Array, crypto: Crypto): TorrentSource {
  if (typeof source === 'string') return sourceOfText(source);
  const parsed = decodeMetainfo(source, crypto);
  if (!parsed.ok) throw new SessionError(parsed.problem.code, parsed.problem.message, { operation: 'add' });
  return sourceOfMetainfo(parsed.value);
}

export function sourceOfMetainfo(metainfo: Metainfo): TorrentSource {
  const { info } = metainfo;
  return {
    infoHash: info.infoHash,
    infoHashV2: info.infoHashV2,
    name: info.name,
    info,
    trackers: metainfo.trackers,
    webSeeds: metainfo.webSeeds,
    peers: [],
    nodes: metainfo.nodes,
    selectOnly: undefined,
  };
}

/** The link, and who says by the DHT what torrent it stands for (BEP 46); undefined for any other source. */
export function publishedSource(
  source: string | Uint8Array,
): { readonly magnet: Magnet; readonly publisher: MagnetPublisher } | undefined {
  const parsed = typeof source === 'string' ? parseMagnet(source) : undefined;
  if (parsed?.ok !== true || parsed.value.publisher === undefined) return undefined;
  const { publisher, ...magnet } = parsed.value;
  return { magnet, publisher };
}

function sourceOfText(text: string): TorrentSource {
  const parsed = parseMagnet(text);
  if (!parsed.ok) throw new SessionError(parsed.problem.code, parsed.problem.message, { operation: 'add' });
  if (parsed.value.publisher !== undefined) {
    const message = 'The link names a publisher (urn:btpk) and no torrent; ask the DHT which one it shares.';
    throw new SessionError('MAGNET_INVALID', message, { operation: 'add' });
  }
  return sourceOfMagnet(parsed.value);
}

/** Of a link that names a torrent. */
export function sourceOfMagnet(magnet: Magnet): TorrentSource {
  const hash = magnet.infoHash ?? magnet.infoHashV2;
  return {
    infoHash: magnet.infoHash,
    infoHashV2: magnet.infoHashV2,
    name: magnet.name ?? (hash === undefined ? '' : bytesToHex(hash)),
    info: undefined,
    trackers: magnet.trackers.map((url) => [url]),
    webSeeds: magnet.webSeeds,
    peers: magnet.peers,
    nodes: [],
    selectOnly: magnet.selectOnly,
  };
}

/** The magnet link of a torrent; a private one names no tracker that its .torrent file does not. */
export function magnetOf(source: TorrentSource): string {
  return formatMagnet({
    ...(source.infoHash === undefined ? {} : { infoHash: source.infoHash }),
    ...(source.infoHashV2 === undefined ? {} : { infoHashV2: source.infoHashV2 }),
    name: source.name,
    ...(source.info === undefined ? {} : { lengthBytes: source.info.contentBytes }),
    trackers: source.trackers.flat(),
    webSeeds: source.webSeeds,
    peers: [],
  });
}
