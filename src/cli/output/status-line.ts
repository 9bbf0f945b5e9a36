// One torrent's present in words: shared by the redrawn lines of a terminal and the plain lines of a pipe.
import type { TorrentLike, TorrentStats } from '../../engine/api.ts';
import type { TorrentReasonCode } from '../../engine/diagnosis/reasons.ts';
import { cleanText } from './clean-text.ts';
import { formatBytes, formatCount, formatRate, formatSeconds, formatShare } from './format.ts';

const BAR_CELLS = 24;
const BAR_CELLS_MIN = 8;
/** Brackets, the indent of the line and the gap behind the bar. */
const BAR_FRAME_CELLS = 6;
const NAME_MAX_CHARACTERS = 200;
const REASON_MAX_CHARACTERS = 300;
/** Reasons that are a state of the torrent, which is shown anyway. */
const STATES_THAT_TELL: readonly TorrentReasonCode[] = ['stopped', 'failed', 'checking'];

/** Share of the wanted bytes that are had, 0 to 1. */
function shareOf(stats: TorrentStats): number {
  return stats.wantedBytes === 0 ? 0 : stats.haveBytes / stats.wantedBytes;
}

/** Parts in a fixed order. `isBrief` leaves out what a narrow terminal has no room for. */
export function statusParts(stats: TorrentStats, isBrief: boolean): string[] {
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
        stats.seedCount === 0 || isBrief ? peers : `${peers} (${formatCount(stats.seedCount, 'seed')})`,
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

/** The line under a torrent's name on a terminal, with a bar in the room that the words leave. */
export function liveStatus(stats: TorrentStats, columns: number, isUnicode: boolean): string {
  const text = statusParts(stats, true).join('  ');
  if (stats.state !== 'downloading') return `  ${text}`;
  const cells = Math.min(Math.max(columns - text.length - BAR_FRAME_CELLS - 1, BAR_CELLS_MIN), BAR_CELLS);
  return `  ${progressBar(shareOf(stats), isUnicode, cells)}  ${text}`;
}

/** `[██████░░░░]`; ASCII where the terminal's encoding may know nothing else. */
export function progressBar(share: number, isUnicode: boolean, cells: number = BAR_CELLS): string {
  const filled = Math.floor(Math.min(Math.max(share, 0), 1) * cells);
  const [full, empty] = isUnicode ? ['█', '░'] : ['#', '-'];
  return `[${full.repeat(filled)}${empty.repeat(cells - filled)}]`;
}

/** `waiting: all 4 peers choke us`; undefined when nothing holds the torrent up, or its state says it already. */
export function reasonText(torrent: TorrentLike): string | undefined {
  const { code, effect, message } = torrent.diagnosis();
  if (effect === 'fine' || STATES_THAT_TELL.includes(code)) return undefined;
  const sentence = cleanText(message, REASON_MAX_CHARACTERS).replace(/\.$/, '');
  return `${effect}: ${sentence.charAt(0).toLowerCase()}${sentence.slice(1)}`;
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
