// One member of a crowd: a computer and the real engine on it, with one torrent. Remembers when it came, when it had
// everything and when it left.
import type { Random } from '../../src/base/random.ts';
import type { AddTorrentOptions, SessionOptions, TorrentStats } from '../../src/engine/api.ts';
import type { ReplacedParts } from '../../src/engine/session/engine-context.ts';
import { Session } from '../../src/engine/session/session.ts';
import type { Torrent } from '../../src/engine/torrent/torrent.ts';
import type { Crypto } from '../../src/platform/crypto.ts';
import type { Platform } from '../../src/platform/platform.ts';
import { blockSha1, CrowdDisk } from './crowd-disk.ts';
import type { CrowdHost } from './crowd-host.ts';
import type { CrowdPool, CrowdSendBuffers } from './crowd-memory.ts';
import type { CrowdTracker } from './crowd-tracker.ts';
import { CrowdClock, type EventWheel } from './event-wheel.ts';

/** What a peer is there for. */
export type CrowdRole = 'seed' | 'leecher' | 'free-rider' | 'poisoner';

/** What all peers of a crowd share. */
export interface CrowdSurroundings {
  readonly wheel: EventWheel;
  readonly tracker: CrowdTracker;
  readonly crypto: Crypto;
  /** The .torrent file. */
  readonly metainfo: Uint8Array;
  readonly pieceLengthBytes: number;
  readonly memory: { readonly pool: CrowdPool; readonly sendBuffers: CrowdSendBuffers };
  handlePieceVerified(peer: CrowdPeer, pieceIndex: number): void;
  handleComplete(peer: CrowdPeer): void;
  handleBanned(peer: CrowdPeer, address: string): void;
  handleProblem(problem: string): void;
}

export interface CrowdPeerOptions {
  readonly role: CrowdRole;
  readonly host: CrowdHost;
  /** Pieces that it has from the start: 1, else 0. */
  readonly initial: Uint8Array;
  readonly random: Random;
  readonly session: SessionOptions;
  readonly torrent: Partial<AddTorrentOptions>;
  /** Rules of its own. */
  readonly rules: ReplacedParts;
}

export class CrowdPeer {
  readonly role: CrowdRole;
  readonly host: CrowdHost;
  /** NaN until then. */
  startedMs: number = Number.NaN;
  completedMs: number = Number.NaN;
  leftMs: number = Number.NaN;
  /** Those that it began with among them. */
  havePieceCount: number;
  /** 1 for each piece that it has. */
  readonly has: Uint8Array;
  readonly options: CrowdPeerOptions;
  readonly #world: CrowdSurroundings;
  #session: Session | undefined;
  #torrent: Torrent | undefined;
  /** When it left: the engine is gone then. */
  #lastStats: TorrentStats | undefined;

  constructor(world: CrowdSurroundings, options: CrowdPeerOptions) {
    this.#world = world;
    this.options = options;
    this.role = options.role;
    this.host = options.host;
    this.has = options.initial.slice();
    this.havePieceCount = this.has.reduce((count, piece) => count + piece, 0);
  }

  /** It had everything when it came. */
  get isSource(): boolean {
    return !this.options.initial.includes(0);
  }

  get isRunning(): boolean {
    return this.#torrent !== undefined;
  }

  get isComplete(): boolean {
    return !Number.isNaN(this.completedMs);
  }

  /** From its start to its last piece; NaN while pieces are missing. */
  get tookMs(): number {
    return this.completedMs - this.startedMs;
  }

  get torrent(): Torrent | undefined {
    return this.#torrent;
  }

  /** As it is, or was when the peer left; undefined before it came. */
  stats(): TorrentStats | undefined {
    return this.#torrent?.stats() ?? this.#lastStats;
  }

  start(): void {
    const world = this.#world;
    this.startedMs = world.wheel.nowMs;
    const { session: sessionOptions, torrent: torrentOptions, rules } = this.options;
    // Whom a peer knows is the crowd's tracker's to say, so that crowds of all rules are alike.
    const options = { listenPort: 6881, pex: false, localDiscovery: false, portMapping: false, ...sessionOptions };
    const session = new Session(this.#platform(), options, { ...world.memory, ...rules });
    this.#session = session;
    session.listen((error) => {
      if (error !== undefined) {
        world.handleProblem(`${this.host.address} could not listen: ${error.message}`);
        return;
      }
      const torrent = session.addNow(world.metainfo, { saveTo: '/data', ...torrentOptions });
      this.#torrent = torrent;
      torrent.on('pieceVerified', ({ pieceIndex }) => {
        this.has[pieceIndex] = 1;
        this.havePieceCount++;
        world.handlePieceVerified(this, pieceIndex);
      });
      torrent.on('complete', () => {
        if (this.isComplete) return;
        this.completedMs = world.wheel.nowMs;
        world.handleComplete(this);
      });
      torrent.on('peerBanned', ({ address }) => world.handleBanned(this, address));
      torrent.on('error', ({ error: failure }) => {
        world.handleProblem(`${this.host.address} failed: ${failure.message} ${String(failure.cause)}`);
      });
    });
  }

  /** Closes its session, as a user does who has had enough. */
  leave(): void {
    this.leftMs = this.#world.wheel.nowMs;
    this.#lastStats = this.#torrent?.stats();
    this.#torrent = undefined;
    this.#session?.closeNow(() => {}, 1_000);
    this.#session = undefined;
  }

  /** Throws when the engine's parts disagree. */
  assertInvariants(): void {
    this.#session?.assertInvariants();
  }

  #platform(): Platform {
    const { wheel, tracker, crypto, pieceLengthBytes, memory } = this.#world;
    const { host } = this;
    const disk = new CrowdDisk({
      wheel,
      pieceLengthBytes,
      sendBuffers: memory.sendBuffers,
      initial: this.options.initial,
    });
    return {
      clock: new CrowdClock(wheel),
      network: host,
      resolver: { resolve: () => ({ cancel: () => {} }) },
      http: tracker.httpFor(host.address),
      disk,
      crypto: {
        ...crypto,
        // While blocks are handed over, the engine hashes nothing but the one that it has just kept.
        sha1: (bytes) => (host.arriving === undefined ? crypto.sha1(bytes) : blockSha1(disk.lastKept)),
        random: this.options.random,
      },
      log: {
        write: (level, message) => {
          if (level === 'error') this.#world.handleProblem(`${host.address} logged: ${message}`);
        },
      },
      copyBytes: (_target, _offset, _source, start) => disk.handleKept(host.arriving!.blockAt(start)),
      resolvePath: (path) => path,
    };
  }
}
