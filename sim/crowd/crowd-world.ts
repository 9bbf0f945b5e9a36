// A crowd: one torrent, one tracker, any number of peers, all from one seed. Counts copies of pieces as they are
// verified and takes samples as it goes. What comes out is plain data for the report.
import { type Random, randomBytes, randomFraction, seededRandom, shuffle } from '../../src/base/random.ts';
import type { AddTorrentOptions, SessionOptions } from '../../src/engine/api.ts';
import type { ReplacedParts } from '../../src/engine/session/engine-context.ts';
import type { Crypto } from '../../src/platform/crypto.ts';
import { buildInfoDictionary, encodeMetainfo } from '../../src/protocol/metainfo/index.ts';
import { CrowdNetwork } from './crowd-host.ts';
import { CrowdPool, CrowdSendBuffers } from './crowd-memory.ts';
import { CrowdPeer, type CrowdRole, type CrowdSurroundings } from './crowd-peer.ts';
import { CROWD_TRACKER_URL, CrowdTracker } from './crowd-tracker.ts';
import { CallEvent, EventWheel } from './event-wheel.ts';

const SHA1_BYTES = 20;
/** Side of the square on which computers stand, in ms of latency. */
const PLANE_MS = 60;
const ACCESS_MIN_MS = 2;
const ACCESS_SPREAD_MS = 15;
/** Problems kept; more say nothing new. */
const PROBLEMS_MAX = 50;

export interface CrowdWorldOptions {
  readonly seed: number;
  readonly crypto: Crypto;
  readonly pieceCount: number;
  readonly pieceLengthBytes: number;
  /** Between two samples of the curves. */
  readonly sampleMs: number;
  readonly connectionsMax: number;
  /** See `CrowdNetwork`. @defaultValue 1 */
  readonly blocksPerTurn?: number;
}

export interface AddCrowdPeerOptions {
  readonly role: CrowdRole;
  readonly uploadBytesPerSecond: number;
  readonly downloadBytesPerSecond: number;
  /** How much it has from the start, 0 to 1. @defaultValue 1 for a seed, else 0 */
  readonly haveRatio?: number;
  readonly isBehindNat?: boolean;
  readonly badBlockRatio?: number;
  readonly torrent?: Partial<AddTorrentOptions>;
  readonly rules?: ReplacedParts;
  /** From now; the peer starts then. */
  readonly afterMs?: number;
}

/** The state of the crowd at one moment. */
export interface CrowdSample {
  readonly atMs: number;
  /** Leechers that have everything, those that left among them. */
  readonly completeCount: number;
  /** Of what the leechers who are there want, how much they have; 0 to 1. */
  readonly haveRatio: number;
  /** Copies of the rarest piece, and of pieces in the mean, over peers who are there. */
  readonly minCopies: number;
  readonly meanCopies: number;
}

export class CrowdWorld implements CrowdSurroundings {
  readonly wheel: EventWheel = new EventWheel();
  readonly random: Random;
  readonly crypto: Crypto;
  readonly network: CrowdNetwork;
  readonly tracker: CrowdTracker;
  readonly metainfo: Uint8Array;
  readonly pieceCount: number;
  readonly pieceLengthBytes: number;
  readonly memory: CrowdSurroundings['memory'] = { pool: new CrowdPool(), sendBuffers: new CrowdSendBuffers() };
  readonly peers: CrowdPeer[] = [];
  readonly samples: CrowdSample[] = [];
  /** What is wrong; empty in a good world. */
  readonly problems: string[] = [];
  /** Who banned whom, by addresses. */
  readonly bans: { readonly by: CrowdPeer; readonly address: string; readonly atMs: number }[] = [];
  /** Told of each peer that has got everything. */
  onComplete: (peer: CrowdPeer) => void = () => {};
  readonly #options: CrowdWorldOptions;
  /** Of each piece, at peers who are there. */
  readonly #copies: Uint32Array;
  #completeCount = 0;
  #presentLeechers = 0;
  #presentPieces = 0;

  constructor(options: CrowdWorldOptions) {
    this.#options = options;
    const { pieceCount, pieceLengthBytes } = options;
    this.crypto = options.crypto;
    this.pieceCount = pieceCount;
    this.pieceLengthBytes = pieceLengthBytes;
    this.random = seededRandom(options.seed);
    this.network = new CrowdNetwork(this.wheel, options.blocksPerTurn ?? 1);
    this.tracker = new CrowdTracker(this.wheel, seededRandom(this.random.uint32()));
    this.#copies = new Uint32Array(pieceCount);
    const lengthBytes = pieceCount * pieceLengthBytes;
    const infoBytes = buildInfoDictionary({
      format: 'v1',
      name: 'crowd',
      isMultiFile: false,
      pieceLengthBytes,
      files: [{ path: ['crowd'], lengthBytes }],
      pieceHashes: randomBytes(this.random, new Uint8Array(pieceCount * SHA1_BYTES)),
    });
    this.metainfo = encodeMetainfo({ infoBytes, trackers: [[CROWD_TRACKER_URL]] });
    this.#sampleAgain();
  }

  get contentBytes(): number {
    return this.pieceCount * this.pieceLengthBytes;
  }

  addPeer(options: AddCrowdPeerOptions): CrowdPeer {
    const { role, haveRatio = role === 'seed' ? 1 : 0, afterMs = 0 } = options;
    const random = seededRandom(this.random.uint32());
    const index = this.peers.length + 1;
    const host = this.network.addHost({
      // Each in a /24 of its own: the sets of BEP 6 are drawn from those.
      address: `${45 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}.1`,
      uploadBytesPerSecond: options.uploadBytesPerSecond,
      downloadBytesPerSecond: options.downloadBytesPerSecond,
      isBehindNat: options.isBehindNat ?? false,
      place: { x: randomFraction(random) * PLANE_MS, y: randomFraction(random) * PLANE_MS },
      accessMs: ACCESS_MIN_MS + randomFraction(random) * ACCESS_SPREAD_MS,
      badBlockRatio: options.badBlockRatio ?? 0,
      withholdsAllowedFast: role === 'free-rider',
      random,
    });
    const session: SessionOptions = { connectionsMax: this.#options.connectionsMax };
    const peer = new CrowdPeer(this, {
      role,
      host,
      initial: this.#drawPieces(random, haveRatio),
      random,
      session,
      torrent: options.torrent ?? {},
      rules: options.rules ?? {},
    });
    this.peers.push(peer);
    this.after(afterMs, () => this.#start(peer));
    return peer;
  }

  /** The peer closes its session; its copies are gone. */
  remove(peer: CrowdPeer): void {
    const { torrent } = peer;
    if (torrent === undefined) return;
    if (isLeecher(peer)) {
      this.#presentLeechers--;
      this.#presentPieces -= peer.havePieceCount;
    }
    for (let piece = 0; piece < this.pieceCount; piece++) {
      this.#copies[piece]! -= peer.has[piece]!;
    }
    peer.leave();
  }

  after(delayMs: number, callback: () => void): void {
    this.wheel.schedule(this.wheel.nowMs + delayMs, new CallEvent(callback));
  }

  /** False when it does not come true by then. */
  runUntil(predicate: () => boolean, limitMs: number): boolean {
    return this.wheel.runUntil(predicate, this.wheel.nowMs + limitMs);
  }

  handlePieceVerified(peer: CrowdPeer, pieceIndex: number): void {
    this.#copies[pieceIndex]!++;
    if (isLeecher(peer)) this.#presentPieces++;
  }

  handleComplete(peer: CrowdPeer): void {
    if (!isLeecher(peer)) return;
    this.#completeCount++;
    this.onComplete(peer);
  }

  handleBanned(by: CrowdPeer, address: string): void {
    this.bans.push({ by, address, atMs: this.wheel.nowMs });
  }

  handleProblem(problem: string): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push(`${this.wheel.nowMs / 1_000} s: ${problem}`);
  }

  /** At the end: no engine is in an impossible state. */
  checkInvariants(): void {
    for (const peer of this.peers) {
      try {
        peer.assertInvariants();
      } catch (error) {
        this.handleProblem(`${peer.host.address}: ${String(error)}`);
      }
    }
  }

  #start(peer: CrowdPeer): void {
    if (isLeecher(peer)) {
      this.#presentLeechers++;
      this.#presentPieces += peer.havePieceCount;
    }
    for (let piece = 0; piece < this.pieceCount; piece++) this.#copies[piece]! += peer.has[piece]!;
    peer.start();
  }

  /** So many of all pieces, any of them. */
  #drawPieces(random: Random, haveRatio: number): Uint8Array {
    const all = Array.from({ length: this.pieceCount }, (_, piece) => piece);
    const pieces = new Uint8Array(this.pieceCount);
    const count = Math.round(this.pieceCount * haveRatio);
    for (const piece of shuffle(random, all).slice(0, count)) pieces[piece] = 1;
    return pieces;
  }

  #sampleAgain(): void {
    this.#sample();
    this.after(this.#options.sampleMs, () => this.#sampleAgain());
  }

  #sample(): void {
    let minCopies = Number.POSITIVE_INFINITY;
    let sum = 0;
    for (const copies of this.#copies) {
      minCopies = Math.min(minCopies, copies);
      sum += copies;
    }
    this.samples.push({
      atMs: this.wheel.nowMs,
      completeCount: this.#completeCount,
      haveRatio: this.#presentLeechers === 0 ? 0 : this.#presentPieces / (this.#presentLeechers * this.pieceCount),
      minCopies,
      meanCopies: sum / this.pieceCount,
    });
  }
}

/** It downloads, whatever else it does; a poisoner that has everything does not. */
export function isLeecher(peer: CrowdPeer): boolean {
  return !peer.isSource;
}
