// Runs torrents in one session until they are done, time is up, or the user interrupts: what `download` and `seed`
// share. Owns the session from opening to closing, and decides the exit code.
import { setTimeout as delay } from 'node:timers/promises';
import type { AddTorrentOptions, SessionLike, SessionOptions, TorrentLike } from '../engine/api.ts';
import type { Log, LogLevel } from '../platform/log.ts';
import type { CliContext } from './context.ts';
import { readDhtState, writeDhtState } from './dht-state-file.ts';
import { CliFailure, EXIT, type ExitCode, type Failure, failureOf } from './exit-code.ts';
import { cleanText } from './output/clean-text.ts';
import type { Reporter } from './output/reporter.ts';
import { selectFiles } from './select-files.ts';
import { type LoadedSource, namesPublisher, sourceLabel } from './source.ts';
import { keepsSeeding, type TransferFlags } from './transfer-options.ts';

const CLOSE_ANNOUNCE_MS = 3_000;
/** Writes may still be under way when the announces are over; a disk that hangs must not hold the process for ever. */
const CLOSE_LIMIT_MS = 10_000;
const GOAL_INTERVAL_MS = 250;
const TIMER_MAX_MS = 2_147_483_647;

export interface TransferJob {
  readonly source: LoadedSource;
  /** Indexes of the wanted files, where they are known already. */
  readonly files: readonly number[] | undefined;
  readonly saveTo: string;
  /** Share what is there: nothing is downloaded and nothing is unfinished. */
  readonly isSeed: boolean;
  /** BEP 16. */
  readonly superSeeding?: boolean;
  readonly verify: 'auto' | 'always' | 'never';
}

interface Entry {
  readonly job: TransferJob;
  readonly torrent: TorrentLike;
  readonly startedMs: number;
  /** Ends the waiting for this torrent alone. */
  readonly abandon: AbortController;
  isComplete: boolean;
  /** Its publisher shares another torrent now, which has taken its place. */
  isReplaced: boolean;
  failure: Failure | undefined;
}

class TimedOut extends Error {}

export class Transfer {
  readonly #context: CliContext;
  readonly #flags: TransferFlags;
  readonly #reporter: Reporter;
  readonly #interrupt: AbortSignal;
  /** Aborted by the user's interrupt or by --timeout: every wait ends. */
  readonly #stop = new AbortController();
  readonly #entries: Entry[] = [];
  /** Links whose publisher has not been found yet (BEP 46). */
  readonly #unresolved = new Set<TransferJob>();
  /** What is being followed; grows while it is waited for. */
  readonly #tasks: Promise<void>[] = [];
  /** Of links that became no torrent. */
  readonly #failures: Failure[] = [];

  constructor(context: CliContext, flags: TransferFlags, reporter: Reporter, interrupt: AbortSignal) {
    this.#context = context;
    this.#flags = flags;
    this.#reporter = reporter;
    this.#interrupt = interrupt;
  }

  /** @throws what the session could not be opened for, or a torrent not be added for. */
  async run(jobs: readonly TransferJob[]): Promise<ExitCode> {
    const facade = await this.#context.facade();
    const stopNow = (): void => this.#stop.abort(this.#interrupt.reason);
    this.#interrupt.addEventListener('abort', stopNow, { once: true });
    if (this.#interrupt.aborted) stopNow();
    const dhtState = this.#flags.dht ? await readDhtState(this.#context.env) : undefined;
    const session = await facade.openSession({
      ...this.#sessionOptions(),
      ...(dhtState === undefined ? {} : { dhtState }),
    });
    const timeout = this.#startTimeout();
    let ticker: NodeJS.Timeout | undefined;
    try {
      for (const { address, port } of session.listening) this.#reporter.listening(address, port);
      session.on('portMapping', (mapping) => this.#reporter.portMapping(mapping));
      session.on('torrentUpdated', ({ torrent, infoHash }) => {
        this.#tasks.push(this.#replace(session, torrent, infoHash));
      });
      for (const job of jobs) {
        if (this.#stop.signal.aborted) break;
        if (namesPublisher(job.source)) this.#tasks.push(this.#addPublished(session, job));
        else await this.#add(session, job);
      }
      ticker = setInterval(() => this.#showProgress(), this.#reporter.intervalMs);
      // By number: a task may bring another.
      for (let i = 0; i < this.#tasks.length; i++) await this.#tasks[i];
    } finally {
      clearInterval(ticker);
      clearTimeout(timeout);
      const state = session.dhtState();
      await closeSession(session);
      if (state !== undefined) await writeDhtState(this.#context.env, state);
    }
    return this.#exitCode();
  }

  #sessionOptions(): SessionOptions {
    const { port, bind, maxDownload, maxUpload, limitLocal, tcp, trackers, pex, lsd, portMapping } = this.#flags;
    const { dht, dhtBootstrap } = this.#flags;
    return {
      ...(port === undefined ? {} : { listenPort: port }),
      ...(bind === undefined ? {} : { bind }),
      ...(maxDownload === undefined ? {} : { maxDownloadBytesPerSecond: maxDownload }),
      ...(maxUpload === undefined ? {} : { maxUploadBytesPerSecond: maxUpload }),
      limitLocalPeers: limitLocal,
      tcp,
      trackers,
      dht,
      ...(dhtBootstrap === undefined ? {} : { dhtBootstrap }),
      pex,
      localDiscovery: lsd,
      portMapping,
      log: this.#log(),
    };
  }

  #log(): Log {
    const verbosity = this.#flags.verbose ?? 0;
    const shown: readonly LogLevel[] =
      verbosity >= 2 ? ['debug', 'info', 'warn', 'error'] : verbosity === 1 ? ['info', 'warn', 'error'] : ['error'];
    return {
      write: (level, message, fields) => {
        if (!shown.includes(level)) return;
        const pairs = Object.entries(fields ?? {}).map(([name, value]) => ` ${name}=${value}`);
        this.#reporter.note(cleanText(`${level}: ${message}${pairs.join('')}`));
      },
    };
  }

  #startTimeout(): NodeJS.Timeout | undefined {
    const { timeout } = this.#flags;
    if (timeout === undefined) return undefined;
    const giveUp = (): void => {
      if (this.#unfinished().length > 0 || this.#unresolved.size > 0) this.#stop.abort(new TimedOut());
    };
    return setTimeout(giveUp, Math.min(timeout, TIMER_MAX_MS));
  }

  async #add(session: SessionLike, job: TransferJob): Promise<void> {
    const { peer, tracker, sequential } = this.#flags;
    const options: AddTorrentOptions = {
      saveTo: job.saveTo,
      peers: peer ?? [],
      trackers: tracker ?? [],
      sequential: sequential ?? false,
      ...(job.files === undefined ? {} : { files: job.files }),
      verify: job.verify,
      seedOnly: job.isSeed,
      superSeeding: job.superSeeding === true,
      // Only what a publisher shares may have to be waited for.
      ...(namesPublisher(job.source) ? { signal: this.#stop.signal } : {}),
    };
    const startedMs = this.#context.nowMs();
    const torrent = await session.add(job.source, options);
    if (this.#entries.some((entry) => entry.torrent === torrent)) return;
    const entry: Entry = {
      job,
      torrent,
      startedMs,
      abandon: new AbortController(),
      isComplete: false,
      isReplaced: false,
      failure: undefined,
    };
    this.#entries.push(entry);
    this.#reporter.added(torrent);
    if (job.isSeed) this.#reporter.magnet(torrent);
    if (torrent.files.length === 0) this.#awaitMetadata(entry);
    this.#tasks.push(this.#follow(entry));
  }

  /** Waits for what the DHT says, however long: other torrents do not wait with it. Never rejects. */
  async #addPublished(session: SessionLike, job: TransferJob): Promise<void> {
    this.#unresolved.add(job);
    this.#reporter.note(`asking the DHT what the publisher of ${sourceLabel(String(job.source))} shares`);
    try {
      await this.#add(session, job);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      const failure = failureOf(error);
      this.#failures.push(failure);
      this.#reporter.failure(failure);
    }
    this.#unresolved.delete(job);
  }

  /** The link is added again and stands for the new torrent, in the place of the old one. Never rejects. */
  async #replace(session: SessionLike, torrent: TorrentLike, infoHash: string): Promise<void> {
    const entry = this.#entries.find((candidate) => candidate.torrent === torrent && !candidate.isReplaced);
    if (entry === undefined || this.#stop.signal.aborted) return;
    entry.isReplaced = true;
    entry.abandon.abort();
    this.#reporter.updated(torrent, infoHash);
    // Both may have files of the same names: what is the same in them is found on disk.
    await torrent.remove().catch(() => undefined);
    await this.#addPublished(session, entry.job);
  }

  #awaitMetadata(entry: Entry): void {
    const { torrent } = entry;
    torrent.on(
      'metadata',
      () => {
        this.#reporter.metadata(torrent);
        selectFiles(torrent.files, this.#flags)
          .then((indexes) => indexes !== undefined && torrent.selectFiles(indexes))
          .catch((error: unknown) => this.#fail(entry, error));
      },
      { signal: this.#stop.signal },
    );
  }

  /** Resolves when nothing more is to be waited for: never rejects. */
  async #follow(entry: Entry): Promise<void> {
    const { torrent, job, abandon } = entry;
    const signal = AbortSignal.any([this.#stop.signal, abandon.signal]);
    try {
      await torrent.whenReady({ signal });
      if (job.isSeed) {
        this.#checkSeedable(torrent);
        this.#showProgress();
      } else {
        await torrent.whenComplete({ signal });
        entry.isComplete = true;
        this.#reporter.complete(torrent, (this.#context.nowMs() - entry.startedMs) / 1_000);
      }
      if (job.isSeed || keepsSeeding(this.#flags)) await this.#seed(torrent, signal);
    } catch (error) {
      if (!signal.aborted) this.#fail(entry, error);
    }
  }

  #checkSeedable(torrent: TorrentLike): void {
    const { haveBytes, totalBytes } = torrent.stats();
    if (haveBytes === 0 && totalBytes > 0) {
      throw new CliFailure(
        'VERIFICATION_FAILED',
        EXIT.verificationFailed,
        `Nothing of ${cleanText(torrent.name, 120)} is there to share; name the folder that holds it with --data.`,
      );
    }
    if (haveBytes < totalBytes) {
      this.#reporter.note(
        `only ${haveBytes} of ${totalBytes} bytes of ${cleanText(torrent.name, 120)} are there and right; sharing those`,
      );
    }
  }

  /** Until the ratio or the time is reached, or for ever. */
  async #seed(torrent: TorrentLike, signal: AbortSignal): Promise<void> {
    const { seedRatio, seedTime } = this.#flags;
    const startedMs = this.#context.nowMs();
    while (!signal.aborted) {
      if (torrent.state === 'failed' && torrent.error !== undefined) throw torrent.error;
      if (seedRatio !== undefined && torrent.stats().ratio >= seedRatio) return;
      if (seedTime !== undefined && this.#context.nowMs() - startedMs >= seedTime) return;
      await delay(GOAL_INTERVAL_MS, undefined, { signal });
    }
  }

  #fail(entry: Entry, error: unknown): void {
    if (entry.failure !== undefined) return;
    entry.failure = failureOf(error);
    this.#reporter.failure(entry.failure);
    entry.abandon.abort();
    // A torrent that cannot go on must not hold its peers, nor download what was not asked for.
    // Closing the session stops it too, so what goes wrong here is not lost.
    if (entry.torrent.state !== 'failed') entry.torrent.stop().catch(() => undefined);
  }

  #showProgress(): void {
    const shown = this.#entries.filter(({ isReplaced }) => !isReplaced);
    if (shown.length > 0) this.#reporter.progress(shown.map(({ torrent }) => torrent));
  }

  #unfinished(): Entry[] {
    return this.#entries.filter(
      ({ job, isComplete, isReplaced, failure }) => !job.isSeed && !isComplete && !isReplaced && failure === undefined,
    );
  }

  #exitCode(): ExitCode {
    const failed = this.#entries.find((entry) => entry.failure !== undefined)?.failure ?? this.#failures[0];
    if (failed !== undefined) return failed.exitCode;
    const [unfinished] = this.#unfinished();
    if (unfinished === undefined && this.#unresolved.size === 0) {
      return this.#entries.length === 0 ? EXIT.interrupted : EXIT.done;
    }
    if (!(this.#stop.signal.reason instanceof TimedOut)) return EXIT.interrupted;
    const failure = failureOf(unfinished === undefined ? unresolvedFailure() : timeoutFailure(unfinished.torrent));
    this.#reporter.failure(failure);
    return failure.exitCode;
  }
}

function unresolvedFailure(): CliFailure {
  return new CliFailure(
    'METADATA_NOT_FOUND',
    EXIT.metadataNotFound,
    'No node of the DHT knew in time what the publisher shares; try a longer --timeout, or ask the publisher to put it again.',
  );
}

function timeoutFailure(torrent: TorrentLike): CliFailure {
  const name = cleanText(torrent.name, 120);
  if (torrent.files.length === 0) {
    return new CliFailure(
      'METADATA_NOT_FOUND',
      EXIT.metadataNotFound,
      `No peer gave the metadata of ${name} in time; try a longer --timeout, name a peer with --peer, or use the .torrent file.`,
    );
  }
  return new CliFailure(
    'TIMED_OUT',
    EXIT.timedOut,
    `${name} was not complete in time; run the command again to go on from what is there, with a longer --timeout.`,
  );
}

async function closeSession(session: SessionLike): Promise<void> {
  let limit: NodeJS.Timeout | undefined;
  const tooLong = new Promise<void>((resolve) => {
    limit = setTimeout(resolve, CLOSE_LIMIT_MS);
  });
  await Promise.race([session.close({ timeoutMs: CLOSE_ANNOUNCE_MS }), tooLong]);
  clearTimeout(limit);
}
