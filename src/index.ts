// The public entry of the package: the engine on Node.js. Loads nothing of the command line.
import type {
  CreatedTorrent,
  CreateTorrentOptions,
  ScrapeResult,
  ScrapeTorrentOptions,
  SessionOptions,
  TorrentDescription,
  VerifyResult,
  VerifyTorrentOptions,
} from './engine/api.ts';
import { scrapeTorrentOn } from './engine/scrape-torrent.ts';
import { Session as EngineSession } from './engine/session/session.ts';
import { readTorrent as describeSource } from './engine/torrent-description.ts';
import { verifyTorrentOn } from './engine/verify-torrent.ts';
import { checkingDisk } from './node/disk/node-disk.ts';
import { nodePlatform } from './node/node-platform.ts';
import { NodeCrypto } from './node/system/node-crypto.ts';
import { SessionError } from './platform/session-error.ts';

export type {
  AddTorrentOptions,
  CreatedTorrent,
  CreateTorrentOptions,
  DamagedFile,
  DescribedFile,
  HashProgress,
  ListenAddress,
  PeerLimitOptions,
  PeerSource,
  PeerSourceCounts,
  PeerStats,
  PortMappingStats,
  RateLimitOptions,
  ReadOptions,
  ScrapeResult,
  ScrapeTorrentOptions,
  SessionEvents,
  SessionOptions,
  SessionStats,
  TorrentDescription,
  TorrentEvents,
  TorrentFileInfo,
  TorrentState,
  TorrentStats,
  TrackerStats,
  VerifyResult,
  VerifyTorrentOptions,
  WaitOptions,
} from './engine/api.ts';
export type {
  DhtGetOptions,
  DhtGetResult,
  DhtItem,
  DhtLike,
  DhtLookupOptions,
  DhtLookupResult,
  DhtPingResult,
  DhtPutOptions,
  DhtPutResult,
  DhtReach,
  DhtSampleResult,
  DhtValue,
} from './engine/dht/dht-api.ts';
export type {
  PeerReason,
  PeerReasonCode,
  PeerReasonCounts,
  ReasonEffect,
  TorrentDiagnosis,
  TorrentReason,
  TorrentReasonCode,
} from './engine/diagnosis/reasons.ts';
export { Torrent } from './engine/torrent/torrent.ts';
export type { Log, LogLevel } from './platform/log.ts';
export { SessionError, type SessionErrorCode } from './platform/session-error.ts';

/** Nodes of the DHT that others run for everyone to begin with: several, of different hands. */
export const DHT_BOOTSTRAP: readonly string[] = [
  'router.bittorrent.com:6881',
  'dht.transmissionbt.com:6881',
  'router.utorrent.com:6881',
  'dht.libtorrent.org:25401',
];

/**
 * A BitTorrent session: one listening port, one disk, many torrents.
 *
 * @example
 * const session = await Session.open();
 * const torrent = await session.add(await readFile('debian.torrent'), { saveTo: '/data' });
 * await torrent.whenComplete();
 * await session.close();
 */
export class Session extends EngineSession {
  /**
   * Opens a session; resolves once it listens.
   *
   * @throws {RangeError} an option outside its range.
   * @throws {SessionError} `LISTEN_FAILED`.
   */
  static open(options: SessionOptions = {}): Promise<EngineSession> {
    const composed = { dht: true, dhtBootstrap: DHT_BOOTSTRAP, ...options };
    return EngineSession.openOn(nodePlatform(options.log), composed);
  }
}

/**
 * What a .torrent file or magnet link says, without adding it anywhere.
 *
 * @throws {SessionError} `METAINFO_INVALID`, `MAGNET_INVALID`.
 */
export function readTorrent(source: string | Uint8Array): TorrentDescription {
  return describeSource(source, new NodeCrypto());
}

/**
 * Makes a .torrent file of a file or folder, hashing on all cores.
 *
 * @throws {RangeError} a piece length that the format or the content forbids.
 * @throws {TypeError} a tracker or web seed that is no URL of a known scheme.
 * @throws {SessionError} `DISK_…`, also when a file changed while it was hashed.
 * @throws `signal.reason` when `signal` aborts.
 */
export async function createTorrent(path: string, options: CreateTorrentOptions = {}): Promise<CreatedTorrent> {
  // Loaded when it is used: a program that only downloads does not pay for it.
  const { createTorrent: create } = await import('./node/create/create-torrent.ts');
  const outcome = await create(path, options);
  if (!outcome.ok) throw new SessionError(outcome.error.code, outcome.error.message, { operation: 'create' });
  return outcome.created;
}

/**
 * Hashes a folder against a .torrent file: opens no socket, creates and changes nothing.
 *
 * @throws {SessionError} `METAINFO_INVALID`, `DISK_…`.
 * @throws `signal.reason` when `signal` aborts.
 */
export async function verifyTorrent(
  metainfo: Uint8Array,
  folder: string,
  options: VerifyTorrentOptions = {},
): Promise<VerifyResult> {
  const platform = nodePlatform(undefined, checkingDisk());
  try {
    return await verifyTorrentOn(platform, metainfo, folder, options);
  } finally {
    await new Promise<void>((resolve) => platform.disk.close(resolve));
  }
}

/**
 * Asks every tracker of a torrent how large its swarm is (BEP 48; BEP 15, "Scrape"): listens nowhere, announces nothing,
 * takes 15 s at most. A tracker that fails is a result with its `error`.
 *
 * @param source A magnet link or info-hash, or the bytes of a `.torrent` file.
 * @throws {SessionError} `METAINFO_INVALID`, `MAGNET_INVALID`.
 * @throws `signal.reason` when `signal` aborts.
 */
export async function scrapeTorrent(
  source: string | Uint8Array,
  options: ScrapeTorrentOptions = {},
): Promise<readonly ScrapeResult[]> {
  const platform = nodePlatform();
  try {
    return await scrapeTorrentOn(platform, source, options);
  } finally {
    await new Promise<void>((resolve) => platform.disk.close(resolve));
  }
}
