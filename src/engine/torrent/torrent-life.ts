// The life of a torrent from adding to removal: fetching-metadata → checking → downloading → seeding, besides stopped and
// failed. The work is done by its parts, each of which owns its state; here is only which of them is at work. Each step
// may be the last: a listener of any event may stop or remove the torrent.
import type { DiskError, WriteOutcome } from '../../platform/disk.ts';
import type { Endpoint, TcpSocket } from '../../platform/network.ts';
import { SessionError } from '../../platform/session-error.ts';
import { TRACKER_STOP_TIMEOUT_MS } from '../../protocol/limits.ts';
import type { InfoDictionary } from '../../protocol/metainfo/metainfo.ts';
import type { PeerConnection } from '../../protocol/wire/peer-connection.ts';
import { maySource, type PeerSource } from '../../swarm/peer-source.ts';
import type { AddTorrentOptions, TorrentEvents, TorrentState, VerifyResult } from '../api.ts';
import { MetadataFetch } from '../metadata/metadata-fetch.ts';
import type { EngineContext } from '../session/engine-context.ts';
import type { Rates } from '../session/settings.ts';
import type { TorrentSource } from '../torrent-source.ts';
import type { CheckMode } from './checker.ts';
import type { ConnectorHost } from './connector.ts';
import { createPeerId } from './peer-id.ts';
import type { PeerSession } from './peer-session.ts';
import { PeerSources, type PeerSourcesHost } from './peer-sources.ts';
import type { PiecePriorities } from './piece-priorities.ts';
import { swarmHashesOf } from './swarm-hash.ts';
import { describeBug, internalBugError, noMetadataError, removedError, stoppedError } from './torrent-errors.ts';
import { createTorrentParts, type TorrentParts, type WishesHost, wantedFiles } from './torrent-parts.ts';
import type { Transfer, TransferHost } from './transfer.ts';

export interface TorrentLifeHost {
  emit<Name extends keyof TorrentEvents>(name: Name, payload: TorrentEvents[Name]): void;
  /** What somebody waits for may have come. */
  handleProgress(): void;
  /** It will not come any more. */
  handleHopeless(error: SessionError): void;
  /** The metadata has come, and with it perhaps a second info-hash. */
  handleHashesKnown(): void;
  handleRemoved(): void;
}

export class TorrentLife implements ConnectorHost, PeerSourcesHost, TransferHost, WishesHost {
  readonly peerId: Uint8Array;
  readonly sources: PeerSources;
  readonly #context: EngineContext;
  readonly #host: TorrentLifeHost;
  #options: AddTorrentOptions;
  #source: TorrentSource;
  #parts: TorrentParts | undefined;
  /** While the metadata of a magnet link is being fetched. */
  #metadata: MetadataFetch | undefined;
  #isChecked = false;
  #runsAfterCheck = false;
  /** Indexes of the files that are wanted; undefined: all, or what the magnet link selects. */
  #selected: readonly number[] | undefined;
  /** Undefined: those of the options. */
  #rates: Rates | undefined;
  /** Who waits for the removal; undefined while there is none. */
  #removal: (() => void)[] | undefined;
  #isGone = false;
  #isHalting = false;
  /** Grows with every halt: what was begun before it may not go on after it. */
  #haltCount = 0;
  #state: TorrentState = 'stopped';
  #error: SessionError | undefined;

  /** @throws {SessionError} `METAINFO_INVALID`; {RangeError} a file index or rate that does not exist. */
  constructor(context: EngineContext, host: TorrentLifeHost, source: TorrentSource, options: AddTorrentOptions) {
    this.#context = context;
    this.#host = host;
    this.#source = source;
    this.#options = options;
    this.#selected = options.files;
    this.peerId = createPeerId(context.platform.crypto.random);
    this.sources = new PeerSources(context, this, options);
    if (source.info !== undefined) this.#parts = this.#createParts(source.info);
  }

  get source(): TorrentSource {
    return this.#source;
  }

  /** Undefined before the metadata is known. */
  get parts(): TorrentParts | undefined {
    return this.#parts;
  }

  /** While the metadata of a magnet link is being fetched. */
  get metadata(): MetadataFetch | undefined {
    return this.#metadata;
  }

  get transfer(): Transfer | undefined {
    return this.#parts?.transfer;
  }

  get state(): TorrentState {
    return this.#state;
  }

  get error(): SessionError | undefined {
    return this.#error;
  }

  /** The metadata is known and so is what is on disk. */
  get isChecked(): boolean {
    return this.#isChecked;
  }

  get isComplete(): boolean {
    return this.#isChecked && this.#parts?.transfer.isComplete === true;
  }

  /** Removal has begun, or is over. */
  get isRemoved(): boolean {
    return this.#removal !== undefined;
  }

  /** Connections that stand or are being made, from both sides. */
  get connectionCount(): number {
    return this.#parts?.connector.connectionCount ?? this.#metadata?.connectionCount ?? 0;
  }

  // ── Commands ─────────────────────────────────────────────────────────────────────────────────────────────────────

  start(): void {
    const isAtRest = this.#state === 'stopped' || this.#state === 'failed';
    if (this.#state === 'checking') this.#runsAfterCheck = true;
    // What broke a rule of ours once cannot be relied on any more.
    if (this.isRemoved || this.#isHalting || !isAtRest || this.#error?.code === 'INTERNAL_BUG') return;
    this.#error = undefined;
    if (this.#parts === undefined) this.#fetchMetadata();
    else if (this.#isChecked) this.#run(this.#parts);
    else this.#check(this.#parts, this.#options.verify ?? 'auto', true);
  }

  /** Calls back once trackers were told, or after `timeoutMs`. */
  stop(onDone: () => void, timeoutMs: number): void {
    const bug = this.#halt();
    this.sources.stop(onDone, timeoutMs);
    this.#parts?.check.endVerification(stoppedError());
    // Last, since a listener may start the torrent again.
    if (bug !== undefined) this.handleBug(bug);
    else if (this.#state !== 'failed' && !this.isRemoved) this.#setState('stopped');
  }

  remove(onDone: () => void, timeoutMs: number): void {
    if (this.#isGone) {
      const { clock } = this.#context.platform;
      clock.schedule(clock.nowMs(), onDone);
    } else if (this.#removal === undefined) {
      this.#removal = [onDone];
      this.#beginRemoval(timeoutMs);
    } else this.#removal.push(onDone);
  }

  /** @throws {RangeError} no such file, when the files are known. */
  selectFiles(indexes: readonly number[]): void {
    if (this.#parts === undefined) {
      this.#selected = [...indexes];
      return;
    }
    const wanted = wantedFiles(this.#parts.content, indexes);
    this.changePriorities((priorities) => priorities.selectFiles(wanted));
  }

  /** Only with metadata. */
  changePriorities(change: (priorities: PiecePriorities) => void): void {
    const { storage, transfer } = this.#parts!;
    const { priorities } = transfer;
    const before = priorities.storedChangeCount;
    change(priorities);
    if (priorities.storedChangeCount === before) {
      transfer.applyPriorities();
      return;
    }
    const handleCreated = ({ error }: WriteOutcome): void => {
      if (error !== undefined) this.handleDiskError(error);
    };
    storage.setWanted(priorities.storedFiles(), ({ error }) => {
      if (error !== undefined) this.handleDiskError(error);
      else if (!this.isRemoved) {
        transfer.applyPriorities();
        // Before the check ends nothing is created; after it, what no piece creates.
        if (this.#isChecked && this.#options.seedOnly !== true) storage.createEmptyFiles(handleCreated);
      }
    });
  }

  /** Of one piece: cheap enough to be called for each. Only with metadata. */
  setPiecePriority(pieceIndex: number, priority: number): void {
    const { transfer } = this.#parts!;
    const { priorities } = transfer;
    const before = priorities.storedChangeCount;
    const effective = priorities.setPiece(pieceIndex, priority);
    if (priorities.storedChangeCount === before) transfer.applyPiecePriority(pieceIndex, effective);
    else this.changePriorities(() => priorities.handleStoredChanged());
  }

  setSequential(isSequential: boolean): void {
    this.#options = { ...this.#options, sequential: isSequential };
    this.#parts?.transfer.picker.setSequential(isSequential);
  }

  /** Also before the metadata is known. */
  setRates(rates: Rates): void {
    this.#rates = rates;
    this.#parts?.transfer.setRates(rates);
  }

  verify(): Promise<VerifyResult> {
    const parts = this.#parts;
    if (this.isRemoved) return Promise.reject(removedError());
    if (this.#isHalting) return Promise.reject(stoppedError());
    if (this.#error?.code === 'INTERNAL_BUG') return Promise.reject(this.#error);
    if (parts === undefined) return Promise.reject(noMetadataError());
    const { check } = parts;
    if (check.verification !== undefined) return check.verification;
    const promise = check.beginVerification();
    const wasAtRest = this.#state === 'stopped' || this.#state === 'failed';
    const bug = this.#halt();
    if (bug !== undefined) this.handleBug(bug);
    else {
      this.#error = undefined;
      this.#check(parts, 'always', !wasAtRest);
    }
    return promise;
  }

  /** While the disk is checked nobody is let in: we know nothing yet, and the session lets them wait. */
  accept(socket: TcpSocket, connection: PeerConnection): boolean {
    return (this.#parts?.connector ?? this.#metadata)?.accept(socket, connection) ?? false;
  }

  /** Another torrent of the session needs a connection more than this one. False: none can be spared. */
  giveWay(): boolean {
    return this.#parts?.connector.giveWay() === true;
  }

  /** BEP 27, as far as it is known whether the torrent is private. */
  maySource(source: PeerSource): boolean {
    return maySource(source, this.#source.info?.private === true);
  }

  addPeers(endpoints: readonly Endpoint[], source: PeerSource): void {
    if (!this.maySource(source)) return;
    try {
      (this.#parts?.connector ?? this.#metadata)?.addPeers(endpoints, source);
    } catch (error) {
      this.handleBug(error);
    }
  }

  // ── What the parts tell ──────────────────────────────────────────────────────────────────────────────────────────

  handlePeerConnected(peer: PeerSession): void {
    this.#host.emit('peerConnected', { address: peer.address });
  }

  handlePeerDisconnected(peer: PeerSession): void {
    this.#host.emit('peerDisconnected', { address: peer.address });
  }

  handlePeerBanned(address: string): void {
    this.#host.emit('peerBanned', { address });
  }

  handlePieceVerified(pieceIndex: number): void {
    this.#parts?.check.handlePieceVerified(pieceIndex);
    this.#parts?.reading.handlePieceVerified(pieceIndex);
    this.#host.emit('pieceVerified', { pieceIndex });
  }

  handleCompletionChanged(): void {
    const transfer = this.#parts?.transfer;
    const isComplete = transfer?.isComplete === true;
    this.#parts?.connector.handleCompletionChanged();
    this.#setState(isComplete ? 'seeding' : 'downloading');
    if (!isComplete) return;
    // Trackers are told of a download's end, not of what was on disk already.
    if (transfer.downloadedBytes > 0) this.sources.handleComplete();
    this.#host.emit('complete', {});
    this.#host.handleProgress();
  }

  handleGuilty(blameKeys: readonly string[]): void {
    for (const blameKey of blameKeys) this.#parts?.connector.ban(blameKey);
  }

  handleDiskError({ code, message }: DiskError): void {
    if (code === 'DISK_CLOSED') return;
    this.#fail(new SessionError(code, message, { operation: 'disk' }));
  }

  /** Our own mistake somewhere below: this torrent ends for good, the session lives. */
  handleBug(error: unknown): void {
    this.#context.platform.log.write(
      'error',
      `internal bug in the torrent ${this.#source.name}: ${describeBug(error)}`,
    );
    this.#fail(internalBugError(error));
  }

  // ── Steps ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #fetchMetadata(): void {
    const halts = this.#haltCount;
    this.#setState('fetching-metadata');
    if (halts !== this.#haltCount) return;
    this.#metadata = new MetadataFetch(
      this.#context,
      {
        handleMetadata: (info) => this.#handleMetadata(info),
        handleInvalid: (message) =>
          this.#fail(new SessionError('METAINFO_INVALID', message, { operation: 'metadata' })),
        handleBug: (error) => this.handleBug(error),
      },
      this.#source,
      this.peerId,
    );
    this.#metadata.start();
    this.sources.findPeers();
  }

  #handleMetadata(info: InfoDictionary): void {
    const known = this.#metadata?.knownPeers ?? [];
    let parts: TorrentParts;
    try {
      this.#source = { ...this.#source, name: info.name, info, infoHash: info.infoHash, infoHashV2: info.infoHashV2 };
      parts = this.#createParts(info);
      this.#parts = parts;
    } catch (error) {
      if (error instanceof SessionError) this.#fail(error);
      else if (error instanceof RangeError) this.#fail(new SessionError('METAINFO_INVALID', error.message));
      else this.handleBug(error);
      return;
    }
    this.#host.handleHashesKnown();
    this.sources.handleMetadata();
    if (swarmHashesOf(this.#source).length === 2) this.sources.handleSecondInfoHash();
    for (const { endpoint, source } of known) {
      if (this.maySource(source)) parts.connector.addPeers([endpoint], source);
    }
    const halts = this.#haltCount;
    this.#host.emit('metadata', { name: info.name, totalBytes: info.contentBytes });
    if (halts === this.#haltCount) this.#check(parts, this.#options.verify ?? 'auto', true);
  }

  #check(parts: TorrentParts, mode: CheckMode, runsAfterwards: boolean): void {
    const halts = this.#haltCount;
    this.#isChecked = false;
    this.#runsAfterCheck = runsAfterwards;
    parts.check.reset();
    this.#setState('checking');
    if (halts !== this.#haltCount) return;
    parts.check.start(mode, (error) => {
      if (error !== undefined) this.handleDiskError(error);
      else this.#prepare(parts);
    });
  }

  /** What no piece creates, then the exchange begins. */
  #prepare(parts: TorrentParts): void {
    if (!this.#runsAfterCheck) {
      this.#isChecked = true;
      this.#setState('stopped');
      return;
    }
    if (this.#options.seedOnly === true) {
      this.#run(parts);
      return;
    }
    const halts = this.#haltCount;
    parts.storage.createEmptyFiles(({ error }) => {
      if (halts !== this.#haltCount) return;
      if (error !== undefined) this.handleDiskError(error);
      else this.#run(parts);
    });
  }

  #run({ transfer, connector, reading }: TorrentParts): void {
    const halts = this.#haltCount;
    this.#isChecked = true;
    this.#setState(transfer.picker.isComplete ? 'seeding' : 'downloading');
    if (halts !== this.#haltCount) return;
    transfer.start();
    if (halts !== this.#haltCount) return;
    connector.start(this.#metadata?.release());
    this.#metadata = undefined;
    this.sources.findPeers();
    reading.handleStarted();
    this.#host.handleProgress();
  }

  /** Ends what is under way, whatever it is. Returns what went wrong with it by our own mistake. */
  #halt(): unknown {
    this.#haltCount++;
    const wasHalting = this.#isHalting;
    this.#isHalting = true;
    this.#parts?.check.cancel();
    let bug: unknown;
    try {
      this.#metadata?.stop();
      // Peers first: what they had under way is given back before the picker's half-done pieces are dropped.
      this.#parts?.connector.stop();
      this.#parts?.transfer.stop();
    } catch (error) {
      bug = error;
    }
    this.#isHalting = wasHalting;
    return bug;
  }

  #fail(error: SessionError): void {
    if (this.#state === 'failed' || this.isRemoved) return;
    this.#error = error;
    this.#halt();
    this.sources.stop(() => {}, TRACKER_STOP_TIMEOUT_MS);
    this.#parts?.check.endVerification(error);
    this.#parts?.reading.handleHopeless(error);
    this.#host.handleHopeless(error);
    this.#setState('failed');
    this.#host.emit('error', { error });
  }

  #beginRemoval(timeoutMs: number): void {
    let openEnds = 2;
    const handleEnd = (): void => {
      openEnds--;
      if (openEnds > 0) return;
      const callbacks = this.#removal!;
      this.#isGone = true;
      this.#host.handleRemoved();
      for (const callback of callbacks) callback();
    };
    const storage = this.#parts?.storage;
    this.#halt();
    this.sources.stop(handleEnd, timeoutMs);
    if (storage === undefined) handleEnd();
    else storage.close(handleEnd);
    this.#parts?.check.endVerification(removedError());
    this.#parts?.reading.handleHopeless(removedError());
    this.#host.handleHopeless(removedError());
    if (this.#state !== 'failed') this.#setState('stopped');
  }

  #setState(state: TorrentState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#host.emit('stateChanged', { state });
    this.#host.handleProgress();
  }

  #createParts(info: InfoDictionary): TorrentParts {
    return createTorrentParts(this.#context, this, {
      source: this.#source,
      info,
      options: this.#options,
      selected: this.#selected,
      peerId: this.peerId,
      rates: this.#rates,
    });
  }
}
