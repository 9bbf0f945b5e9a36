// A transfer as plain lines, for a pipe or a log.
import type { PortMappingStats, TorrentLike } from '../../engine/api.ts';
import type { TorrentReasonCode } from '../../engine/diagnosis/reasons.ts';
import type { CliContext } from '../context.ts';
import type { Failure } from '../exit-code.ts';
import { writeFailure } from './failure-line.ts';
import { portMappingText } from './port-mapping-text.ts';
import type { Reporter, ReporterOptions } from './reporter.ts';
import { addedText, completeText, nameOf, reasonText, statusParts } from './status-line.ts';

const PLAIN_INTERVAL_MS = 5_000;

/** A plain line every 5 s; with `--quiet` only results and failures. */
export class PlainReporter implements Reporter {
  readonly intervalMs: number = PLAIN_INTERVAL_MS;
  readonly #context: CliContext;
  readonly #options: ReporterOptions;
  /** What was last said of each. */
  readonly #reasons = new WeakMap<TorrentLike, TorrentReasonCode>();
  #preparingShownMs = Number.NEGATIVE_INFINITY;

  constructor(context: CliContext, options: ReporterOptions) {
    this.#context = context;
    this.#options = options;
  }

  added(torrent: TorrentLike): void {
    this.#say(addedText(torrent));
  }

  magnet(torrent: TorrentLike): void {
    // The result of `seed`, not its progress: shown with `--quiet` too.
    this.#context.stdout.write(`${torrent.magnet}\n`);
  }

  listening(address: string, port: number): void {
    if (this.#options.verbosity > 0) this.note(`listening on ${address}, port ${port}`);
  }

  portMapping(mapping: PortMappingStats): void {
    if (this.#options.verbosity > 0) this.note(portMappingText(mapping));
  }

  metadata(torrent: TorrentLike): void {
    this.#say(addedText(torrent));
  }

  updated(torrent: TorrentLike, infoHash: string): void {
    this.note(`the publisher of ${nameOf(torrent)} shares ${infoHash} now`);
  }

  progress(torrents: readonly TorrentLike[]): void {
    for (const torrent of torrents) {
      this.#say(`${nameOf(torrent)}: ${statusParts(torrent.stats(), false).join(', ')}`);
      this.#sayReason(torrent);
    }
  }

  complete(torrent: TorrentLike, seconds: number): void {
    this.#say(completeText(torrent, seconds));
  }

  failure(failure: Failure): void {
    writeFailure(this.#context.stderr, failure, this.#options.verbosity);
  }

  note(message: string): void {
    if (!this.#options.quiet) this.#context.stderr.write(`millrace: ${message}\n`);
  }

  preparing(label: string, share: number): void {
    const nowMs = this.#context.nowMs();
    if (nowMs - this.#preparingShownMs < PLAIN_INTERVAL_MS) return;
    this.#preparingShownMs = nowMs;
    this.#say(`${label}: ${Math.floor(share * 100)} %`);
  }

  close(): void {
    // Nothing is open.
  }

  /** Once, until it is another. */
  #sayReason(torrent: TorrentLike): void {
    const { code } = torrent.diagnosis();
    if (this.#reasons.get(torrent) === code) return;
    this.#reasons.set(torrent, code);
    const text = reasonText(torrent);
    if (text !== undefined) this.#say(`${nameOf(torrent)}: ${text}`);
  }

  #say(line: string): void {
    if (!this.#options.quiet) this.#context.stdout.write(`${line}\n`);
  }
}
