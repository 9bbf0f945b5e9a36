// A transfer as a few lines redrawn in place, for a terminal.
import type { PortMappingStats, TorrentLike } from '../../engine/api.ts';
import type { CliContext } from '../context.ts';
import type { Failure } from '../exit-code.ts';
import { writeFailure } from './failure-line.ts';
import { LiveLines } from './live-lines.ts';
import { portMappingText } from './port-mapping-text.ts';
import type { Reporter, ReporterOptions } from './reporter.ts';
import { completeText, liveStatus, nameOf, progressBar, reasonText } from './status-line.ts';

const LIVE_INTERVAL_MS = 250;
/** Torrents shown at once; the others are counted. */
const LIVE_TORRENTS_MAX = 8;

/** Two lines a torrent, and a third while something holds it up, redrawn in place. */
export class LiveReporter implements Reporter {
  readonly intervalMs: number = LIVE_INTERVAL_MS;
  readonly #context: CliContext;
  readonly #options: ReporterOptions;
  readonly #lines: LiveLines;
  readonly #isUnicode: boolean;

  constructor(context: CliContext, options: ReporterOptions) {
    this.#context = context;
    this.#options = options;
    this.#lines = new LiveLines(context.stdout);
    const { env } = context;
    this.#isUnicode = /utf-?8/i.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '');
  }

  added(): void {
    // The redrawn lines show it.
  }

  magnet(torrent: TorrentLike): void {
    this.#lines.print(this.#context.stdout, torrent.magnet);
  }

  listening(address: string, port: number): void {
    if (this.#options.verbosity > 0) this.note(`listening on ${address}, port ${port}`);
  }

  portMapping(mapping: PortMappingStats): void {
    if (this.#options.verbosity > 0) this.note(portMappingText(mapping));
  }

  metadata(): void {
    // The redrawn lines show it.
  }

  updated(torrent: TorrentLike, infoHash: string): void {
    this.note(`the publisher of ${nameOf(torrent)} shares ${infoHash} now`);
  }

  progress(torrents: readonly TorrentLike[]): void {
    const shown = torrents.slice(0, LIVE_TORRENTS_MAX);
    const lines = shown.flatMap((torrent) => this.#linesOf(torrent));
    if (torrents.length > shown.length) lines.push(`  and ${torrents.length - shown.length} more`);
    this.#lines.draw(lines);
  }

  complete(torrent: TorrentLike, seconds: number): void {
    this.#lines.print(this.#context.stdout, completeText(torrent, seconds));
  }

  failure(failure: Failure): void {
    this.#lines.clear();
    writeFailure(this.#context.stderr, failure, this.#options.verbosity);
    this.#lines.redraw();
  }

  note(message: string): void {
    this.#lines.print(this.#context.stderr, `millrace: ${message}`);
  }

  preparing(label: string, share: number): void {
    this.#lines.draw([label, `  ${progressBar(share, this.#isUnicode)}  ${Math.floor(share * 100)} %`]);
  }

  close(): void {
    this.#lines.end();
  }

  #linesOf(torrent: TorrentLike): string[] {
    const lines = [nameOf(torrent), liveStatus(torrent.stats(), this.#lines.columns, this.#isUnicode)];
    const reason = reasonText(torrent);
    return reason === undefined ? lines : [...lines, `  ${reason}`];
  }
}
