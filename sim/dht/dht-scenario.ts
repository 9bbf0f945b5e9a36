// Stories about the DHT: nodes come and go, some lie, peers are announced and looked for. What counts is the share of
// look-ups that find an announced peer, and what they cost. One seed gives one history.

import type { Random } from '../../src/base/random.ts';
import { randomBelow, randomFraction, shuffle } from '../../src/base/random.ts';
import { randomIdAtDistance, randomNodeId } from '../../src/protocol/dht/node-id.ts';
import { secureNodeId } from '../../src/protocol/dht/secure-node-id.ts';
import { parseIpAddress } from '../../src/protocol/tracker/ip-address.ts';
import type { LookupRules } from '../../src/swarm/dht/lookup.ts';
import type { DhtCrypto } from '../../src/swarm/dht/query-responder.ts';
import type { SearchResult } from '../../src/swarm/dht/search.ts';
import { CallEvent } from '../crowd/event-wheel.ts';
import { DhtWorld, type SimDhtNode } from './dht-world.ts';
import { LiarNode } from './liar-node.ts';

export interface DhtStoryOptions {
  readonly seed: number;
  readonly nodeCount: number;
  readonly lookupCount: number;
  /** Part of the nodes that leave, and are replaced by others, in an hour. */
  readonly churnPerHour: number;
  /** Part of the nodes that lie. */
  readonly liarRatio: number;
  /** Part of what liars name that are other liars, not nobody. */
  readonly friendRatio: number;
  /** Virtual minutes that pass while peers are announced and looked for. */
  readonly minutes: number;
  readonly torrentCount: number;
  readonly rules?: LookupRules | undefined;
  readonly crypto: (random: Random) => DhtCrypto;
  /** Liars that stand around one torrent; ids chosen freely, or the nearest that their addresses allow. */
  readonly attack?: { readonly nodeCount: number; readonly fitsAddress: boolean; readonly networkCount: number };
  readonly onProgress?: ((line: string) => void) | undefined;
}

export interface DhtStoryResult {
  readonly lookupCount: number;
  readonly foundCount: number;
  readonly medianHops: number;
  readonly medianMessages: number;
  readonly medianFirstMs: number;
  readonly p95FirstMs: number;
  readonly medianDoneMs: number;
  readonly meanStored: number;
  /** Bytes that an honest node sent a second, on average, while the story ran. */
  readonly bytesPerSecond: number;
  readonly meanTableSize: number;
}

const JOIN_MS = 120_000;
const SETTLE_MS = 180_000;
const ANNOUNCE_EVERY_MS = 900_000;
const LOOKUP_LIMIT_MS = 60_000;

interface Announced {
  readonly infoHash: Uint8Array;
  host: SimDhtNode;
  readonly port: number;
  storedCount: number;
  firstMs: number;
}

export class DhtStory {
  readonly world: DhtWorld;
  readonly #options: DhtStoryOptions;
  readonly #nodes: SimDhtNode[] = [];
  readonly #liars: LiarNode[] = [];
  readonly #announced: Announced[] = [];
  readonly #found: { result: SearchResult; foundMs: number | undefined; doneMs: number }[] = [];
  readonly #crypto: DhtCrypto;

  constructor(options: DhtStoryOptions) {
    this.#options = options;
    this.world = new DhtWorld(options.seed);
    this.#crypto = options.crypto(this.world.random);
  }

  run(): DhtStoryResult {
    const { nodeCount, liarRatio, minutes, onProgress } = this.#options;
    for (let i = 0; i < nodeCount; i++) {
      this.#after((i / nodeCount) * JOIN_MS, () =>
        randomFraction(this.world.random) < liarRatio ? this.#joinLiar() : this.#join(),
      );
    }
    this.world.runUntil(JOIN_MS + SETTLE_MS);
    onProgress?.(`joined: ${this.#nodes.length} nodes, ${this.#liars.length} liars, ${this.world.sentCount} datagrams`);
    this.#announceAll();
    if (this.#options.attack !== undefined) this.#attack(this.#options.attack);
    this.#scheduleChurn(minutes * 60_000);
    const sentBefore = this.#sentByNodes();
    const startMs = this.world.nowMs;
    this.#scheduleLookups(minutes * 60_000);
    this.world.runUntil(startMs + minutes * 60_000 + LOOKUP_LIMIT_MS);
    const seconds = (this.world.nowMs - startMs) / 1000;
    return this.#summary((this.#sentByNodes() - sentBefore) / seconds / this.#nodes.length);
  }

  #join(): SimDhtNode {
    const { rules } = this.#options;
    const node = this.world.addNode(this.#crypto, rules === undefined ? {} : { lookupRules: rules });
    const known = [0, 1, 2].map(() => this.#anyNode()).filter((host) => host !== undefined && host !== node);
    this.#nodes.push(node);
    node.node.addAddresses(
      known.map((host) => host!.endpoint),
      this.world.nowMs,
    );
    node.drain();
    return node;
  }

  #joinLiar(): void {
    const endpoint = { address: this.world.freeAddress(), port: 6881 };
    this.#addLiar(new LiarNode(this.world, endpoint, this.#liars, { friendRatio: this.#options.friendRatio }));
  }

  #addLiar(liar: LiarNode): void {
    this.#liars.push(liar);
    this.world.addHost(liar);
    // It shows itself to many, as who wants to be asked does.
    for (let i = 0; i < 50; i++) {
      this.#after(randomFraction(this.world.random) * JOIN_MS, () => {
        const node = this.#anyNode();
        if (node !== undefined && !liar.isGone) liar.greet(node.endpoint);
      });
    }
  }

  #announceAll(): void {
    const { torrentCount } = this.#options;
    for (let i = 0; i < torrentCount; i++) {
      const announced = {
        infoHash: randomNodeId(this.world.random),
        host: this.#anyNode()!,
        port: 1_024 + i,
        storedCount: 0,
        firstMs: Infinity,
      };
      this.#announced.push(announced);
      this.#after(randomFraction(this.world.random) * 30_000, () => this.#announce(announced));
    }
    this.world.runUntil(this.world.nowMs + 90_000);
  }

  #announce(announced: Announced): void {
    if (announced.host.isGone) return;
    const { host, infoHash, port } = announced;
    const announce = { port, impliedPort: false, seed: true };
    this.#search(host, { kind: 'peers', target: infoHash, announce }, undefined, (result) => {
      announced.storedCount = result.storedCount;
      announced.firstMs = Math.min(announced.firstMs, this.world.nowMs);
    });
    this.#after(ANNOUNCE_EVERY_MS, () => this.#announce(announced));
  }

  #scheduleChurn(spanMs: number): void {
    const { nodeCount, churnPerHour } = this.#options;
    const leaving = Math.round(nodeCount * churnPerHour * (spanMs / 3_600_000));
    const announcers = new Set(this.#announced.map(({ host }) => host));
    for (let i = 0; i < leaving; i++) {
      this.#after(randomFraction(this.world.random) * spanMs, () => {
        const index = randomBelow(this.world.random, this.#nodes.length);
        const node = this.#nodes[index]!;
        // A peer that has left is no peer that should be found.
        if (announcers.has(node)) return;
        this.world.remove(node);
        this.#nodes.splice(index, 1);
        this.#join();
      });
    }
  }

  #scheduleLookups(spanMs: number): void {
    const { lookupCount } = this.#options;
    for (let i = 0; i < lookupCount; i++) {
      this.#after(randomFraction(this.world.random) * spanMs, () => {
        const announced = this.#announced[randomBelow(this.world.random, this.#announced.length)]!;
        const from = this.#settledNode();
        if (from === undefined || from === announced.host) return;
        const startMs = this.world.nowMs;
        const entry = { foundMs: undefined as number | undefined };
        const handlePeer = (address: string, port: number): void => {
          if (address !== announced.host.endpoint.address || port !== announced.port) return;
          entry.foundMs ??= this.world.nowMs - startMs;
        };
        this.#search(from, { kind: 'peers', target: announced.infoHash }, handlePeer, (result) => {
          this.#found.push({ result, foundMs: entry.foundMs, doneMs: this.world.nowMs - startMs });
        });
      });
    }
  }

  readonly #listeners = new Map<
    SimDhtNode,
    Map<number, [((address: string, port: number) => void) | undefined, (result: SearchResult) => void]>
  >();

  #search(
    host: SimDhtNode,
    request: Parameters<SimDhtNode['node']['search']>[0],
    onPeer: ((address: string, port: number) => void) | undefined,
    onDone: (result: SearchResult) => void,
  ): void {
    let listeners = this.#listeners.get(host);
    if (listeners === undefined) {
      listeners = new Map();
      this.#listeners.set(host, listeners);
      const known = listeners;
      host.onOutput = (output) => {
        if (output.type === 'peers') {
          for (const { address, port } of output.peers) known.get(output.searchId)?.[0]?.(address, port);
        } else if (output.type === 'done') {
          known.get(output.searchId)?.[1](output.result);
          known.delete(output.searchId);
        }
      };
    }
    const searchId = host.node.search(request, this.world.nowMs);
    if (searchId !== undefined) listeners.set(searchId, [onPeer, onDone]);
    host.drain();
  }

  /** Nodes of one party gather around the first torrent. */
  #attack({ nodeCount, fitsAddress, networkCount }: NonNullable<DhtStoryOptions['attack']>): void {
    const { random } = this.world;
    const victim = this.#announced[0]!.infoHash;
    const networks = Array.from({ length: networkCount }, () =>
      this.world.freeAddress().split('.').slice(0, 3).join('.'),
    );
    for (let i = 0; i < nodeCount; i++) {
      const address = this.world.freeAddress(networks[i % networkCount]!);
      const bytes = parseIpAddress(address)!;
      let id = randomIdAtDistance(victim, 24 + randomBelow(random, 40), random);
      if (fitsAddress) {
        // The nearest of the eight places that its address allows, and there as near as it likes.
        const choices = Array.from({ length: 8 }, (_, seed) => secureNodeId(bytes, seed, random));
        choices.sort((left, right) => distance(left, victim) - distance(right, victim));
        id = choices[0]!;
      }
      this.#addLiar(new LiarNode(this.world, { address, port: 6881 }, this.#liars, { friendRatio: 1, victim, id }));
    }
    this.world.runUntil(this.world.nowMs + JOIN_MS);
  }

  #after(delayMs: number, callback: () => void): void {
    this.world.wheel.schedule(this.world.nowMs + delayMs, new CallEvent(callback));
  }

  #anyNode(): SimDhtNode | undefined {
    return this.#nodes[randomBelow(this.world.random, Math.max(1, this.#nodes.length))];
  }

  /** One that has had a minute to find its place. */
  #settledNode(): SimDhtNode | undefined {
    for (let attempt = 0; attempt < 20; attempt++) {
      const node = this.#anyNode();
      if (node !== undefined && this.world.nowMs - node.joinedMs > 60_000) return node;
    }
    return undefined;
  }

  #sentByNodes(): number {
    return this.#nodes.reduce((sum, { node }) => sum + node.sentBytes, 0);
  }

  #summary(bytesPerSecond: number): DhtStoryResult {
    const found = this.#found.filter(({ foundMs }) => foundMs !== undefined);
    const firstTimes = found.map(({ foundMs }) => foundMs!);
    const sizes = shuffle(this.world.random, [...this.#nodes])
      .slice(0, 200)
      .map(({ node }) => node.nodeCount);
    return {
      lookupCount: this.#found.length,
      foundCount: found.length,
      medianHops: quantile(
        this.#found.map(({ result }) => result.hopCount),
        0.5,
      ),
      medianMessages: quantile(
        this.#found.map(({ result }) => result.queryCount),
        0.5,
      ),
      medianFirstMs: quantile(firstTimes, 0.5),
      p95FirstMs: quantile(firstTimes, 0.95),
      medianDoneMs: quantile(
        this.#found.map(({ doneMs }) => doneMs),
        0.5,
      ),
      meanStored: this.#announced.reduce((sum, { storedCount }) => sum + storedCount, 0) / this.#announced.length,
      bytesPerSecond,
      meanTableSize: sizes.reduce((sum, size) => sum + size, 0) / Math.max(1, sizes.length),
    };
  }
}

function distance(left: Uint8Array, right: Uint8Array): number {
  return ((left[0]! ^ right[0]!) << 16) | ((left[1]! ^ right[1]!) << 8) | (left[2]! ^ right[2]!);
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
