// A transfer as JSON lines on stdout; failures also as a sentence on stderr.
import type { PortMappingStats, TorrentLike } from '../../engine/api.ts';
import type { CliContext } from '../context.ts';
import type { Failure } from '../exit-code.ts';
import { writeFailure } from './failure-line.ts';
import {
  addedLine,
  completeLine,
  errorLine,
  listeningLine,
  magnetLine,
  metadataLine,
  portMappingLine,
  progressLine,
  updatedLine,
} from './json-lines.ts';
import type { Reporter, ReporterOptions } from './reporter.ts';

const JSON_INTERVAL_MS = 1_000;

export class JsonReporter implements Reporter {
  readonly intervalMs: number = JSON_INTERVAL_MS;
  readonly #context: CliContext;
  readonly #options: ReporterOptions;

  constructor(context: CliContext, options: ReporterOptions) {
    this.#context = context;
    this.#options = options;
  }

  added(torrent: TorrentLike): void {
    this.#line(addedLine(torrent));
  }

  magnet(torrent: TorrentLike): void {
    this.#line(magnetLine(torrent, torrent.magnet));
  }

  listening(address: string, port: number): void {
    this.#line(listeningLine(address, port));
  }

  portMapping(mapping: PortMappingStats): void {
    this.#line(portMappingLine(mapping));
  }

  metadata(torrent: TorrentLike): void {
    this.#line(metadataLine(torrent));
  }

  updated(torrent: TorrentLike, infoHash: string): void {
    this.#line(updatedLine(torrent, infoHash));
  }

  progress(torrents: readonly TorrentLike[]): void {
    for (const torrent of torrents) this.#line(progressLine(torrent, torrent.stats(), torrent.diagnosis()));
  }

  complete(torrent: TorrentLike, seconds: number): void {
    // The last numbers first: a short transfer may end before the first interval.
    this.progress([torrent]);
    this.#line(completeLine(torrent, seconds));
  }

  failure(failure: Failure): void {
    this.#line(errorLine(failure.code, failure.message));
    writeFailure(this.#context.stderr, failure, this.#options.verbosity);
  }

  note(message: string): void {
    if (!this.#options.quiet) this.#context.stderr.write(`millrace: ${message}\n`);
  }

  preparing(): void {
    // Scripts wait for `added`.
  }

  close(): void {
    // Nothing is open.
  }

  #line(json: string): void {
    this.#context.stdout.write(`${json}\n`);
  }
}
