// One torrent in the DHT: looks its peers up and announces it, for each info-hash and family, every quarter of an hour, and
// sooner while nobody answers. Knows nothing of nodes; whether a torrent may be looked up at all is decided by its owner.
import type { Random } from '../../base/random.ts';
import { randomBelow } from '../../base/random.ts';
import type { Clock, Timer } from '../../platform/clock.ts';
import type { Endpoint } from '../../platform/network.ts';
import type { SearchRequest } from '../../swarm/dht/search.ts';
import type { DhtFacts } from '../diagnosis/torrent-snapshot.ts';
import type { DhtSearchHandler } from './dht.ts';

/** BEP 5 names no interval; every program announces four times an hour. */
const ANNOUNCE_MS = 900_000;
/** While nobody answers: doubles up to the interval. */
const RETRY_MIN_MS = 5_000;
/** While there are no peers. */
const LONELY_MS = 60_000;

export interface DhtSearcher {
  search(family: 4 | 6, request: SearchRequest, handler: DhtSearchHandler): { cancel(): void };
}

export interface TorrentDhtHost {
  /** 20 bytes each. */
  infoHashes(): readonly Uint8Array[];
  /** The port that peers can reach us at; 0: none, and nothing is announced. */
  listenPort(): number;
  isSeed(): boolean;
  handlePeers(peers: readonly Endpoint[]): void;
}

export interface TorrentDhtServices {
  readonly dht: DhtSearcher;
  readonly clock: Clock;
  readonly random: Random;
}

/** What one info-hash is doing over one family. */
interface Lane {
  readonly family: 4 | 6;
  readonly infoHash: Uint8Array;
  search: { cancel(): void } | undefined;
  timer: Timer | undefined;
  failureCount: number;
  foundCount: number;
  /** Nodes that had a part in its last search; undefined before one has ended. */
  answerCount: number | undefined;
}

export class TorrentDht {
  readonly #services: TorrentDhtServices;
  readonly #host: TorrentDhtHost;
  /** BOUNDED: two info-hashes over two families. */
  readonly #lanes: Lane[] = [];

  constructor(services: TorrentDhtServices, host: TorrentDhtHost) {
    this.#services = services;
    this.#host = host;
  }

  get isRunning(): boolean {
    return this.#lanes.length > 0;
  }

  /** Begins, or takes up an info-hash that was not known before. */
  start(): void {
    for (const infoHash of this.#host.infoHashes()) {
      const key = String(infoHash);
      if (this.#lanes.some((lane) => String(lane.infoHash) === key)) continue;
      for (const family of [4, 6] as const) {
        const lane: Lane = {
          family,
          infoHash,
          search: undefined,
          timer: undefined,
          failureCount: 0,
          foundCount: 0,
          answerCount: undefined,
        };
        this.#lanes.push(lane);
        this.#search(lane);
      }
    }
  }

  /** How the last look-ups went. */
  facts(): DhtFacts {
    let answerCount = 0;
    let peerCount = 0;
    for (const lane of this.#lanes) {
      answerCount += lane.answerCount ?? 0;
      peerCount += lane.foundCount;
    }
    const isAsking = this.#lanes.some((lane) => lane.answerCount === undefined);
    return { state: answerCount > 0 ? 'answered' : isAsking ? 'asking' : 'silent', answerCount, peerCount };
  }

  /** Nothing is looked up or announced any more; what was announced ages away at the nodes that keep it. */
  stop(): void {
    for (const { search, timer } of this.#lanes.splice(0)) {
      search?.cancel();
      timer?.cancel();
    }
  }

  /** What others are told has changed: the download has ended. */
  announceAgain(): void {
    for (const lane of this.#lanes) {
      if (lane.search !== undefined) continue;
      lane.timer?.cancel();
      this.#search(lane);
    }
  }

  #search(lane: Lane): void {
    const port = this.#host.listenPort();
    const announce = port === 0 ? undefined : { port, impliedPort: false, seed: this.#host.isSeed() };
    lane.timer = undefined;
    lane.foundCount = 0;
    const request: SearchRequest = { kind: 'peers', target: lane.infoHash, announce };
    lane.search = this.#services.dht.search(lane.family, request, {
      handlePeers: (peers) => {
        lane.foundCount += peers.length;
        this.#host.handlePeers(peers);
      },
      handleDone: (result) => {
        lane.search = undefined;
        lane.answerCount = result?.answerCount ?? 0;
        if (result === undefined || !this.#lanes.includes(lane)) return;
        lane.failureCount = result.answerCount === 0 ? lane.failureCount + 1 : 0;
        this.#wait(lane);
      },
    });
  }

  #wait(lane: Lane): void {
    const { clock, random } = this.#services;
    const usualMs = lane.foundCount === 0 && !this.#host.isSeed() ? LONELY_MS : ANNOUNCE_MS;
    const waitMs =
      lane.failureCount === 0 ? usualMs : Math.min(ANNOUNCE_MS, RETRY_MIN_MS * 2 ** (lane.failureCount - 1));
    // A tenth more or less, so that torrents that began together do not stay together.
    const jitterMs = randomBelow(random, Math.ceil(waitMs / 5)) - waitMs / 10;
    lane.timer = clock.schedule(clock.nowMs() + waitMs + jitterMs, () => this.#search(lane));
  }
}
