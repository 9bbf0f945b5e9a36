// A whole simulated world: one clock, one network, one tracker, computers that run the engine and scripted peers. All
// from one seed: the same seed gives the same history, event by event. Collects what is wrong while it runs.
import { type Random, seededRandom } from '../../src/base/random.ts';
import type { AddTorrentOptions, SessionOptions } from '../../src/engine/api.ts';
import type { Crypto } from '../../src/platform/crypto.ts';
import { CONNECTIONS_PER_TORRENT_MAX, UNWRITTEN_TOTAL_MAX_BYTES } from '../../src/protocol/limits.ts';
import { FakePeer, type FakePeerScript } from './fake-peer.ts';
import { type ContentOptions, SimContent } from './sim-content.ts';
import type { SimDiskOptions } from './sim-disk.ts';
import type { SimHost } from './sim-host.ts';
import { SimWeb } from './sim-http.ts';
import type { LinkOptions } from './sim-link.ts';
import { SimNetwork } from './sim-network.ts';
import { type PeerSurroundings, SimPeer } from './sim-peer.ts';
import { SimNames } from './sim-resolver.ts';
import { SimTracker } from './sim-tracker.ts';
import { type RunLimit, VirtualClock } from './virtual-clock.ts';

export const TRACKER_URL = 'http://tracker.sim/announce';
export const UDP_TRACKER_URL = 'udp://tracker.sim:80/announce';
const FAKE_PEER_PORT = 6881;
const INSPECT_EVERY_MS = 1_000;
/** Problems kept; more say nothing new. */
const PROBLEMS_MAX = 50;

export interface SimWorldOptions {
  readonly seed: number;
  readonly crypto: Crypto;
  /** Of every host that has none of its own. */
  readonly link?: LinkOptions;
  readonly trackerIntervalSeconds?: number;
  /** Told what the engines log. */
  readonly onLog?: (line: string) => void;
}

export interface AddPeerOptions {
  readonly content: SimContent;
  /** @defaultValue `'nothing'` */
  readonly has?: 'all' | 'nothing' | readonly number[];
  readonly name?: string;
  readonly link?: LinkOptions;
  readonly inbound?: 'open' | 'refused' | 'dropped';
  /** The local network that it is on, with an address of it. */
  readonly lan?: string;
  readonly source?: 'metainfo' | 'magnet';
  readonly session?: SessionOptions;
  readonly torrent?: Partial<AddTorrentOptions>;
  readonly disk?: SimDiskOptions;
  /** False: `start` is called later. @defaultValue true */
  readonly isStarted?: boolean;
}

export interface AddFakePeerOptions {
  readonly content: SimContent;
  readonly script?: FakePeerScript;
  readonly link?: LinkOptions;
  readonly reserved?: Uint8Array;
  /** Accepts connections and stands in the tracker's list. @defaultValue true */
  readonly isListed?: boolean;
}

export class SimWorld implements PeerSurroundings {
  readonly clock: VirtualClock = new VirtualClock();
  readonly random: Random;
  readonly crypto: Crypto;
  readonly network: SimNetwork;
  readonly names: SimNames = new SimNames();
  readonly web: SimWeb = new SimWeb();
  readonly tracker: SimTracker;
  readonly trackerHost: SimHost;
  readonly peers: SimPeer[] = [];
  readonly fakePeers: FakePeer[] = [];
  /** What is wrong; empty in a good world. */
  readonly problems: string[] = [];
  readonly #options: SimWorldOptions;
  #hostCount = 0;

  constructor(options: SimWorldOptions) {
    this.#options = options;
    this.crypto = options.crypto;
    this.random = seededRandom(options.seed);
    this.network = new SimNetwork(this.clock, seededRandom(this.random.uint32()), options.link);
    // The tracker's own link is good: what a scenario's links do to its swarm is its point.
    this.trackerHost = this.network.addHost({
      addresses: ['45.255.0.1'],
      link: { latencyMs: 20, bytesPerSecond: 1e8 },
    });
    this.names.set('tracker.sim', this.trackerHost.addresses);
    this.tracker = new SimTracker({
      clock: this.clock,
      random: seededRandom(this.random.uint32()),
      host: this.trackerHost,
      web: this.web,
      intervalSeconds: options.trackerIntervalSeconds ?? 120,
    });
    this.#inspectAgain();
  }

  makeContent(options: ContentOptions = {}): SimContent {
    return new SimContent({ trackers: [TRACKER_URL], ...options }, this.random, this.crypto);
  }

  /** A host with an IPv4 address in a /16 of its own. */
  addHost(
    options: {
      link?: LinkOptions | undefined;
      inbound?: 'open' | 'refused' | 'dropped' | undefined;
      lan?: string | undefined;
    } = {},
  ): SimHost {
    const index = ++this.#hostCount;
    const { lan } = options;
    return this.network.addHost({
      // Hosts of a local network are neighbours.
      addresses: [lan === undefined ? `${45 + (index >> 8)}.${index & 255}.0.1` : `192.168.77.${index}`],
      lan,
      link: options.link ?? {},
      inbound: options.inbound ?? 'open',
    });
  }

  addPeer(options: AddPeerOptions): SimPeer {
    const { link, inbound, lan, isStarted = true, has = 'nothing', ...rest } = options;
    const peer = new SimPeer(this, {
      ...rest,
      has,
      name: options.name ?? `${has === 'all' ? 'seed' : 'leecher'} ${this.peers.length + 1}`,
      host: this.addHost({ link, inbound, lan }),
      random: seededRandom(this.random.uint32()),
    });
    this.peers.push(peer);
    if (isStarted) peer.start();
    return peer;
  }

  addFakePeer(options: AddFakePeerOptions): FakePeer {
    const { content, link, isListed = true, ...rest } = options;
    const peer = new FakePeer({ clock: this.clock, host: this.addHost({ link }), content, ...rest });
    this.fakePeers.push(peer);
    if (isListed) {
      peer.listen(FAKE_PEER_PORT);
      this.tracker.addPeer(content.infoHash, { address: peer.host.addresses[0]!, port: FAKE_PEER_PORT });
    }
    return peer;
  }

  /** Runs until the predicate holds; when it does not within the limit, that is a problem with the given name. */
  runUntil(what: string, predicate: () => boolean, limit: RunLimit): boolean {
    if (this.clock.runUntil(predicate, limit)) return true;
    const states = this.peers.map((peer) => this.describe(peer)).join('; ');
    this.report(`not within ${limit.limitMs / 1_000} s: ${what} (${states})`);
    return false;
  }

  run(durationMs: number): void {
    this.clock.advanceBy(durationMs);
  }

  check(condition: boolean, problem: string): void {
    if (!condition) this.report(problem);
  }

  report(problem: string): void {
    if (this.problems.length < PROBLEMS_MAX)
      this.problems.push(`${(this.clock.nowMs / 1_000).toFixed(3)} s: ${problem}`);
  }

  handleLog(peer: SimPeer, level: string, message: string): void {
    this.#options.onLog?.(`${(this.clock.nowMs / 1_000).toFixed(3)} s ${peer.name} [${level}] ${message}`);
    if (level === 'error') this.report(`${peer.name} logged an error: ${message}`);
  }

  isHonest(address: string): boolean {
    return this.peers.some((peer) => peer.host.addresses.includes(address) && peer.faultlessDisk);
  }

  /** The end of every scenario: what is claimed is true, and after closing nothing is left. */
  finish(): void {
    this.#inspect();
    for (const peer of this.peers) peer.checkContent();
    for (const fake of this.fakePeers) fake.closeAll();
    for (const peer of this.peers) peer.close();
  }

  describe(peer: SimPeer): string {
    if (!peer.isRunning) return `${peer.name} is off`;
    const { state, havePieceCount, pieceCount, peerCount, downloadedBytes, uploadedBytes, wastedBytes } =
      peer.torrent.stats();
    return `${peer.name} ${state} ${havePieceCount}/${pieceCount}, ${peerCount} peers, ${downloadedBytes} B down (${wastedBytes} wasted), ${uploadedBytes} B up`;
  }

  /** Every virtual second, and at the end: nothing over its bound, no machine in an impossible state. */
  #inspect(): void {
    for (const peer of this.peers) if (peer.isRunning) this.#inspectPeer(peer);
  }

  #inspectAgain(): void {
    this.clock.schedule(this.clock.nowMs + INSPECT_EVERY_MS, () => {
      this.#inspect();
      this.#inspectAgain();
    });
  }

  #inspectPeer(peer: SimPeer): void {
    const { torrent, disk, session } = peer.run;
    try {
      session.assertInvariants();
    } catch (error) {
      this.report(`${peer.name}: ${String(error)}`);
    }
    const stats = torrent.stats();
    for (const [name, value] of Object.entries(stats)) {
      if (typeof value === 'number' && !(value >= 0)) this.report(`${peer.name}: stats().${name} is ${value}`);
    }
    this.#inspectDiagnosis(peer, stats.peerCount);
    if (stats.peerCount > CONNECTIONS_PER_TORRENT_MAX) this.report(`${peer.name} has ${stats.peerCount} peers`);
    if (stats.havePieceCount > stats.pieceCount || stats.haveBytes > stats.wantedBytes) {
      this.report(`${peer.name} has more than there is: ${JSON.stringify(stats)}`);
    }
    // One turn's worth of data may still arrive after the bound was reached.
    if (disk.mostPendingWriteBytes > UNWRITTEN_TOTAL_MAX_BYTES * 1.25) {
      this.report(`${peer.name} had ${disk.mostPendingWriteBytes} bytes unwritten`);
    }
  }

  /** There is a reason at any moment, with no number missing in its sentence, and one of each peer. */
  #inspectDiagnosis(peer: SimPeer, peerCount: number): void {
    const { code, message, further, peers } = peer.torrent.diagnosis();
    for (const sentence of [message, ...further.map((reason) => reason.message)]) {
      if (/undefined|NaN|Infinity| -\d/.test(sentence)) this.report(`${peer.name} is ${code}: ${sentence}`);
    }
    const countedPeers = Object.values(peers).reduce((sum, count) => sum + count, 0);
    if (countedPeers !== peerCount) this.report(`${peer.name} has ${peerCount} peers, ${countedPeers} with a reason`);
  }
}
