// `millrace show`: what a .torrent file or magnet link says, and with --scrape what its trackers say of its swarm.
import type { ScrapeResult, TorrentDescription } from '../../engine/api.ts';
import type { CliContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { cleanText, toSafeJson } from '../output/clean-text.ts';
import { formatBytes, formatCount } from '../output/format.ts';
import { loadSource } from '../source.ts';

const TEXT_MAX_CHARACTERS = 2_000;

export interface ShowFlags {
  readonly json?: boolean;
  readonly scrape?: boolean;
}

/** One tracker's counts as `--json` prints them: null where absent. */
export interface ShownScrape {
  readonly url: string;
  readonly seeds: number | null;
  readonly leechers: number | null;
  /** Downloads ever completed. */
  readonly downloaded: number | null;
  readonly error: string | null;
}

export async function show(text: string, flags: ShowFlags, context: CliContext): Promise<ExitCode> {
  const source = await loadSource(text, context, new AbortController().signal);
  const { readTorrent, scrapeTorrent } = await context.facade();
  const description = readTorrent(source);
  const results = flags.scrape === true ? await scrapeTorrent(source) : undefined;
  if (flags.json === true) {
    const scrape = results?.map(shownScrapeOf);
    context.stdout.write(`${toSafeJson(scrape === undefined ? description : { ...description, scrape })}\n`);
  } else context.stdout.write(`${formatDescription(description)}${results === undefined ? '' : formatScrape(results)}`);
  return EXIT.done;
}

function shownScrapeOf({ url, seedCount, leecherCount, downloadedCount, error }: ScrapeResult): ShownScrape {
  return {
    url,
    seeds: seedCount ?? null,
    leechers: leecherCount ?? null,
    downloaded: downloadedCount ?? null,
    error: error ?? null,
  };
}

/** One line a tracker. */
export function formatScrape(results: readonly ScrapeResult[]): string {
  if (results.length === 0) return 'Swarm         no tracker to ask\n';
  const lines = results.map((result) => {
    const url = cleanText(result.url, TEXT_MAX_CHARACTERS);
    if (result.error !== undefined) return `${url}: ${cleanText(result.error, TEXT_MAX_CHARACTERS)}`;
    const counts = [
      countOf(result.seedCount, 'seed'),
      countOf(result.leecherCount, 'leecher'),
      countOf(result.downloadedCount, 'download'),
    ].filter((count) => count !== undefined);
    return `${url}: ${counts.length === 0 ? 'no counts' : counts.join(', ')}`;
  });
  return lines.map((line) => `${'Swarm'.padEnd(14)}${line}\n`).join('');
}

function countOf(count: number | undefined, noun: string): string | undefined {
  return count === undefined ? undefined : formatCount(count, noun);
}

/** A block of fields, then the files with the numbers that `--files` takes. */
export function formatDescription(torrent: TorrentDescription): string {
  const lines: string[] = [];
  const field = (label: string, value: string | null | undefined): void => {
    if (value !== null && value !== undefined)
      lines.push(`${label.padEnd(14)}${cleanText(value, TEXT_MAX_CHARACTERS)}`);
  };
  const { pieceCount, pieceLength, totalSize, creationDate } = torrent;
  field('Name', torrent.name);
  field('Info-hash', torrent.infoHash);
  field('Info-hash v2', torrent.infoHashV2);
  field('Format', torrent.format);
  field('Size', totalSize === null ? null : `${formatBytes(totalSize)} (${totalSize.toLocaleString('en-US')} bytes)`);
  if (pieceCount !== null && pieceLength !== null) {
    field('Pieces', `${pieceCount.toLocaleString('en-US')} of ${formatBytes(pieceLength)}`);
  }
  field('Private', torrent.private === null ? null : torrent.private ? 'yes' : 'no');
  field('Comment', torrent.comment);
  field('Created by', torrent.createdBy);
  field('Created', creationDate === null ? null : formatDate(creationDate));
  field('Source', torrent.source);
  for (const [tier, urls] of torrent.trackers.entries()) {
    for (const url of urls) field(`Tracker ${tier + 1}`, url);
  }
  for (const url of torrent.webSeeds) field('Web seed', url);
  for (const url of torrent.httpSeeds) field('HTTP seed', url);
  for (const node of torrent.nodes) field('DHT node', node);
  field('Magnet', torrent.magnet);
  return `${[...lines, ...fileLines(torrent)].join('\n')}\n`;
}

function fileLines(torrent: TorrentDescription): string[] {
  if (torrent.files.length === 0) return [];
  const numberWidth = String(torrent.files.length).length;
  const shown = torrent.files.filter((file) => !file.pad);
  const lines = [`Files         ${formatCount(shown.length, 'file')}`];
  for (const [index, file] of torrent.files.entries()) {
    // Pad files keep their number, so that the numbers are positions in the list of `--json`.
    if (file.pad) continue;
    const marks = [
      file.executable ? 'executable' : '',
      file.hidden ? 'hidden' : '',
      file.symlink === null ? '' : `link to ${cleanText(file.symlink, TEXT_MAX_CHARACTERS)}`,
    ].filter((mark) => mark !== '');
    const size = formatBytes(file.length).padStart(9);
    const suffix = marks.length === 0 ? '' : `  (${marks.join(', ')})`;
    lines.push(`  ${String(index + 1).padStart(numberWidth)}  ${size}  ${cleanText(file.path)}${suffix}`);
  }
  return lines;
}

function formatDate(secondsSince1970: number): string {
  const date = new Date(secondsSince1970 * 1_000);
  return Number.isNaN(date.getTime()) ? String(secondsSince1970) : date.toISOString().replace('.000Z', 'Z');
}
