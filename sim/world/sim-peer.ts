// One simulated computer that runs the real engine: its host, its files, its platform, and the session on it. The
// session can be closed, killed and started again; the files stay.
import { bytesEqual } from '../../src/base/bytes.ts';
import type { Random } from '../../src/base/random.ts';
import type { AddTorrentOptions, SessionOptions } from '../../src/engine/api.ts';
import { Session } from '../../src/engine/session/session.ts';
import type { Torrent } from '../../src/engine/torrent/torrent.ts';
import type { Crypto } from '../../src/platform/crypto.ts';
import type { Log } from '../../src/platform/log.ts';
import type { Platform } from '../../src/platform/platform.ts';
import type { SimContent } from './sim-content.ts';
import { SimDisk, type SimDiskOptions } from './sim-disk.ts';
import { SimFileSystem } from './sim-file-system.ts';
import type { SimHost } from './sim-host.ts';
import { SimHttp, type SimWeb } from './sim-http.ts';
import type { SimNetwork } from './sim-network.ts';
import { type SimNames, SimResolver } from './sim-resolver.ts';
import { SimClock, type VirtualClock } from './virtual-clock.ts';

export const SAVE_TO = '/data';
const LISTEN_PORT = 6881;
const LISTEN_MAX_MS = 100;
/** What closing may take: the trackers' 3 s, and a little for the disk. */
const CLOSE_MAX_MS = 20_000;

/** What all computers of a world share. */
export interface PeerSurroundings {
  readonly clock: VirtualClock;
  readonly network: SimNetwork;
  readonly names: SimNames;
  readonly web: SimWeb;
  readonly crypto: Crypto;
  report(problem: string): void;
  handleLog(peer: SimPeer, level: string, message: string): void;
  /** Whether banning this address would be wrong. */
  isHonest(address: string): boolean;
}

export interface SimPeerOptions {
  readonly name: string;
  readonly host: SimHost;
  readonly content: SimContent;
  /** Pieces on disk before the start. */
  readonly has: 'all' | 'nothing' | readonly number[];
  readonly random: Random;
  /** A magnet link instead of the .torrent file. */
  readonly source?: 'metainfo' | 'magnet';
  readonly session?: SessionOptions;
  readonly torrent?: Partial<AddTorrentOptions>;
  readonly disk?: SimDiskOptions;
}

/** One run of the engine: gone when the session is closed or killed. */
export interface EngineRun {
  readonly clock: SimClock;
  readonly disk: SimDisk;
  readonly http: SimHttp;
  readonly session: Session;
  readonly torrent: Torrent;
}

export class SimPeer {
  readonly name: string;
  readonly host: SimHost;
  readonly content: SimContent;
  readonly files: SimFileSystem = new SimFileSystem();
  /** The torrent may fail: set by scenarios that make it. */
  mayFail = false;
  /** Addresses that this peer has banned. */
  readonly banned: string[] = [];
  /** Of all runs, for pieces that came from peers. */
  readonly verifiedPieces: number[] = [];
  readonly #options: SimPeerOptions;
  readonly #world: PeerSurroundings;
  #run: EngineRun | undefined;

  constructor(world: PeerSurroundings, options: SimPeerOptions) {
    this.#world = world;
    this.#options = options;
    this.name = options.name;
    this.host = options.host;
    this.content = options.content;
    this.#placeFiles(options.has);
  }

  get address(): string {
    return `${this.host.addresses[0]}:${LISTEN_PORT}`;
  }

  /** Its disk gives what was written: other peers have no reason to ban it. */
  get faultlessDisk(): boolean {
    return this.#run?.disk.faults.corrupt === undefined;
  }

  get isRunning(): boolean {
    return this.#run !== undefined;
  }

  /** The engine that runs now. */
  get run(): EngineRun {
    if (this.#run === undefined) throw new Error(`${this.name} does not run`);
    return this.#run;
  }

  get torrent(): Torrent {
    return this.run.torrent;
  }

  /** All wanted pieces are verified. */
  get isSeed(): boolean {
    return this.#run?.torrent.state === 'seeding';
  }

  get havePieceCount(): number {
    return this.#run?.torrent.stats().havePieceCount ?? 0;
  }

  /**
   * Starts the engine on this computer, on the files that are there. `more` is added to the options for this run. Time
   * passes until it listens, so this is nothing for the inside of an event.
   */
  start(more: Partial<AddTorrentOptions> = {}): void {
    const { session: sessionOptions, torrent: torrentOptions, source } = this.#options;
    const { clock, disk, http, platform } = this.#boot();
    const session = new Session(platform, {
      listenPort: LISTEN_PORT,
      localDiscovery: false,
      portMapping: false,
      ...sessionOptions,
    });
    session.listen((error) => {
      if (error !== undefined) {
        this.#world.report(`${this.name} could not listen: ${error.message}`);
        return;
      }
      const torrent = session.addNow(source === 'magnet' ? this.#magnet() : this.content.metainfo, {
        saveTo: SAVE_TO,
        ...torrentOptions,
        ...more,
      });
      this.#watch(torrent);
      this.#run = { clock, disk, http, session, torrent };
    });
    this.#world.clock.runUntil(() => this.isRunning, { limitMs: LISTEN_MAX_MS });
  }

  /** Ends the session as a program does, and checks that nothing of it is left. */
  close(): void {
    const run = this.#run;
    if (run === undefined) return;
    this.#run = undefined;
    let isClosed = false;
    run.session.closeNow(() => (isClosed = true), 3_000);
    this.#world.clock.runUntil(() => isClosed, { limitMs: CLOSE_MAX_MS });
    const { name, host } = this;
    const { pieceBytes, sendBytes } = run.session.memoryInUse();
    const left = [
      [isClosed ? 0 : 1, 'unanswered close'],
      [run.clock.liveTimerCount, 'live timers'],
      [host.openSocketCount, 'open sockets'],
      [host.openPortCount, 'open ports'],
      [run.http.openCount, 'open HTTP requests'],
      [run.disk.jobCount, 'disk jobs'],
      [run.disk.pendingWriteBytes, 'unwritten bytes'],
      [pieceBytes, 'bytes of pieces'],
      [sendBytes, 'bytes for peers'],
    ] as const;
    for (const [count, what] of left) {
      if (count !== 0) this.#world.report(`${name}: ${count} ${what} left after close`);
    }
  }

  /** The process is gone from one moment to the next; its system closes the connections. */
  kill(): void {
    this.host.killProcess();
    this.#haltRun();
  }

  /** The computer is gone from one moment to the next; nobody is told. `host.powerOn()` and `start` bring it back. */
  powerOff(): void {
    this.host.powerOff();
    this.#haltRun();
  }

  /** The byte space as the files on disk have it; missing bytes are zero. */
  readAll(): Uint8Array {
    const { info } = this.content;
    const space = new Uint8Array(this.content.bytes.length);
    for (const { pad, path, offsetBytes, lengthBytes } of info.files) {
      const name = info.isMultiFile ? [info.name, ...path] : path;
      const bytes = pad ? undefined : this.files.read([SAVE_TO, ...name].join('/'));
      if (bytes !== undefined) space.set(bytes.subarray(0, lengthBytes), offsetBytes);
    }
    return space;
  }

  /** Parts of what every scenario checks at its end: what is claimed to be there is there. */
  checkContent(): void {
    const run = this.#run;
    if (run === undefined) return;
    const actual = this.readAll();
    const { pieceLengthBytes } = this.content.info;
    let goodCount = 0;
    for (let index = 0; index < this.content.pieceCount; index++) {
      const piece = actual.subarray(index * pieceLengthBytes, (index + 1) * pieceLengthBytes);
      if (bytesEqual(piece, this.content.piece(index))) goodCount++;
    }
    const { havePieceCount } = run.torrent.stats();
    if (goodCount < havePieceCount) {
      this.#world.report(`${this.name} claims ${havePieceCount} pieces, ${goodCount} are right on disk`);
    }
  }

  #haltRun(): void {
    this.#run?.clock.halt();
    this.#run?.disk.halt();
    this.#run = undefined;
  }

  #boot(): Omit<EngineRun, 'session' | 'torrent'> & { platform: Platform } {
    const { network, names, web, crypto } = this.#world;
    const clock = new SimClock(this.#world.clock);
    const disk = new SimDisk(this.#world.clock, crypto, this.files, this.#options.disk);
    const http = new SimHttp({ clock, network, names, web, host: this.host });
    const log: Log = { write: (level, message) => this.#world.handleLog(this, level, message) };
    const platform: Platform = {
      clock,
      network: this.host,
      resolver: new SimResolver(clock, names),
      http,
      disk,
      crypto: { ...crypto, random: this.#options.random },
      log,
      copyBytes: (target, offset, source, start, end) => target.set(source.subarray(start, end), offset),
      resolvePath: (path) => path,
    };
    return { clock, disk, http, platform };
  }

  #watch(torrent: Torrent): void {
    torrent.on('peerBanned', ({ address }) => {
      this.banned.push(address);
      const [host = address] = address.split(/:\d+$/);
      if (this.#world.isHonest(host)) this.#world.report(`${this.name} banned ${address}, which is honest`);
    });
    torrent.on('pieceVerified', ({ pieceIndex }) => this.verifiedPieces.push(pieceIndex));
    torrent.on('error', ({ error }) => {
      if (!this.mayFail)
        this.#world.report(`${this.name} failed: ${error.code} ${error.message} ${String(error.cause)}`);
    });
  }

  #magnet(): string {
    const { info } = this.content;
    const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    const topics: string[] = [];
    if (info.infoHash !== undefined) topics.push(`xt=urn:btih:${hex(info.infoHash)}`);
    if (info.infoHashV2 !== undefined) topics.push(`xt=urn:btmh:1220${hex(info.infoHashV2)}`);
    const trackers = this.content.trackers.map((url) => `tr=${encodeURIComponent(url)}`);
    return `magnet:?${[...topics, ...trackers].join('&')}`;
  }

  #placeFiles(has: SimPeerOptions['has']): void {
    if (has === 'nothing') return;
    const pieces = has === 'all' ? undefined : new Set(has);
    for (const [index, { path }] of this.content.files.entries()) {
      this.files.put(
        `${SAVE_TO}/${path}`,
        this.content.fileWithPieces(index, (piece) => pieces?.has(piece) ?? true),
      );
    }
  }
}
