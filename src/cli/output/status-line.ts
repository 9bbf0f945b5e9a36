// One torrent's present in words: shared by the redrawn lines of a terminal and the plain lines of a pipe.
import type { TorrentLike, TorrentStats } from '../../engine/api.ts';
import { cleanText } from './clean-text.ts';
import { formatBytes, formatCount, formatRate, formatSeconds, formatShare } from './format.ts';

const BAR_CELLS = 24;
const NAME_MAX_CHARACTERS = 200;

/** Share of the wanted bytes that are had, 0 to 1. */
export function shareOf(stats: TorrentStats): number {
  return stats.wantedBytes === 0 ? 0 : stats.haveBytes / stats.wantedBytes;
}

/** Parts in a fixed order, joined by two spaces on a terminal and by commas in a plain line. */
export function statusParts(stats: TorrentStats): string[] {
  const peers = formatCount(stats.peerCount, 'peer');
  switch (stats.state) {
    case 'fetching-metadata':
      return ['fetching metadata', peers];
    case 'checking':
      return [`checking ${formatShare(stats.checkedPieceCount, stats.pieceCount)} of ${formatBytes(stats.totalBytes)}`];
    case 'downloading':
      return [
        `${formatShare(stats.haveBytes, stats.wantedBytes)} of ${formatBytes(stats.wantedBytes)}`,
        `down ${formatRate(stats.downloadBytesPerSecond)}`,
        `up ${formatRate(stats.uploadBytesPerSecond)}`,
        stats.seedCount === 0 ? peers : `${peers} (${formatCount(stats.seedCount, 'seed')})`,
        stats.etaSeconds === null ? 'waiting' : `${formatSeconds(stats.etaSeconds)} left`,
      ];
    case 'seeding':
      return [
        `seeding ${formatBytes(stats.haveBytes)}`,
        `up ${formatRate(stats.uploadBytesPerSecond)}`,
        `${formatBytes(stats.uploadedBytes)} sent`,
        `ratio ${stats.ratio.toFixed(2)}`,
        peers,
      ];
    case 'stopped':
      return ['stopped'];
    case 'failed':
      return ['failed'];
  }
}

/** `[██████░░░░]`; ASCII where the terminal's encoding may know nothing else. */
export function progressBar(share: number, isUnicode: boolean): string {
  const filled = Math.floor(Math.min(Math.max(share, 0), 1) * BAR_CELLS);
  const [full, empty] = isUnicode ? ['█', '░'] : ['#', '-'];
  return `[${full.repeat(filled)}${empty.repeat(BAR_CELLS - filled)}]`;
}

export function nameOf(torrent: TorrentLike): string {
  return cleanText(torrent.name, NAME_MAX_CHARACTERS);
}

export function addedText(torrent: TorrentLike): string {
  const size = torrent.pieceCount === 0 ? 'fetching metadata' : formatBytes(torrent.totalBytes);
  return `${nameOf(torrent)}: ${size}`;
}

export function completeText(torrent: TorrentLike, seconds: number): string {
  const { wantedBytes, downloadedBytes } = torrent.stats();
  const rate = downloadedBytes > 0 && seconds > 0 ? ` (${formatRate(downloadedBytes / seconds)})` : '';
  return `${nameOf(torrent)}: complete, ${formatBytes(wantedBytes)} in ${formatSeconds(seconds)}${rate}`;
}
