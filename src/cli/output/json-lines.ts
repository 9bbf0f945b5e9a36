// The events of `--json`, one object a line. Names and meaning are a contract with scripts.
import type { PortMappingStats, TorrentLike, TorrentStats } from '../../engine/api.ts';
import type { TorrentDiagnosis } from '../../engine/diagnosis/reasons.ts';
import { toSafeJson } from './clean-text.ts';

export type Identified = Pick<TorrentLike, 'infoHash' | 'infoHashV2'>;
export type Described = Identified & Pick<TorrentLike, 'name' | 'totalBytes'>;

export function addedLine(torrent: Described): string {
  return toSafeJson({ event: 'added', ...description(torrent) });
}

export function metadataLine(torrent: Described & Pick<TorrentLike, 'files' | 'pieceCount'>): string {
  return toSafeJson({
    event: 'metadata',
    ...description(torrent),
    pieces: torrent.pieceCount,
    files: torrent.files.filter((file) => !file.pad).length,
  });
}

/** The publisher shares another torrent now (BEP 46): the old info-hash, and the new one. */
export function updatedLine(torrent: Identified, newInfoHash: string): string {
  return toSafeJson({ event: 'updated', infoHash: identity(torrent), newInfoHash });
}

/** Where other clients get the torrent that `seed` shares. */
export function magnetLine(torrent: Identified, magnet: string): string {
  return toSafeJson({ event: 'magnet', infoHash: identity(torrent), magnet });
}

export function listeningLine(address: string, port: number): string {
  return toSafeJson({ event: 'listening', address, port });
}

/** A router has mapped the port, or will not. */
export function portMappingLine(mapping: PortMappingStats): string {
  const { state, method, gateway, protocol, internalPort, externalAddress, externalPort, message } = mapping;
  const outside = { externalAddress: externalAddress ?? null, externalPort: externalPort ?? null };
  return toSafeJson({
    event: 'port-mapping',
    state,
    method,
    gateway,
    protocol,
    internalPort,
    ...outside,
    message: message ?? null,
  });
}

export function progressLine(torrent: Identified, stats: TorrentStats, diagnosis: TorrentDiagnosis): string {
  return toSafeJson({
    event: 'progress',
    infoHash: identity(torrent),
    downloaded: stats.downloadedBytes,
    uploaded: stats.uploadedBytes,
    have: stats.havePieceCount,
    pieces: stats.pieceCount,
    downRate: stats.downloadBytesPerSecond,
    upRate: stats.uploadBytesPerSecond,
    peers: stats.peerCount,
    seeds: stats.seedCount,
    sources: stats.peerSources,
    etaSeconds: stats.etaSeconds,
    diagnosis,
  });
}

export function completeLine(torrent: Identified, seconds: number): string {
  return toSafeJson({ event: 'complete', infoHash: identity(torrent), seconds: Math.round(seconds * 1_000) / 1_000 });
}

export function errorLine(code: string, message: string): string {
  return toSafeJson({ event: 'error', code, message });
}

function description(torrent: Described): Record<string, string | number | null> {
  return {
    infoHash: torrent.infoHash ?? null,
    infoHashV2: torrent.infoHashV2 ?? null,
    name: torrent.name,
    totalSize: torrent.totalBytes,
  };
}

/** What tells torrents apart in every line: the v1 info-hash, or the v2 one of a torrent that has no other. */
function identity(torrent: Identified): string | null {
  return torrent.infoHash ?? torrent.infoHashV2 ?? null;
}
