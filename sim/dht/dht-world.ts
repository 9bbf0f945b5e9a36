// A DHT of thousands of nodes in virtual time: the real machines on a network that knows delay, loss and absent hosts only.
// Every node has a public address of its own. Decides nothing; counts what is sent.
import { type Random, randomBelow, randomFraction, seededRandom } from '../../src/base/random.ts';
import type { DhtEndpoint } from '../../src/protocol/dht/contact.ts';
import { secureNodeId } from '../../src/protocol/dht/secure-node-id.ts';
import { parseIpAddress } from '../../src/protocol/tracker/ip-address.ts';
import { DhtNode } from '../../src/swarm/dht/dht-node.ts';
import type { DhtNodeOptions, DhtOutput } from '../../src/swarm/dht/dht-output.ts';
import type { DhtCrypto } from '../../src/swarm/dht/query-responder.ts';
import { CrowdEvent, EventWheel } from '../crowd/event-wheel.ts';

/** A host's own delay to the middle of the network, ms: half of the hosts are below the geometric mean. */
const DELAY_MIN_MS = 5;
const DELAY_MAX_MS = 120;
const LOSS_RATIO = 0.01;
const PORT = 6881;

export interface DhtHost {
  readonly endpoint: DhtEndpoint;
  /** One way to the middle of the network. */
  readonly delayMs: number;
  isGone: boolean;
  handleDatagram(datagram: Uint8Array, from: DhtEndpoint, nowMs: number): void;
}

/** An honest node: the machine, and who asked it what. */
export class SimDhtNode implements DhtHost {
  readonly endpoint: DhtEndpoint;
  readonly delayMs: number;
  readonly node: DhtNode;
  readonly joinedMs: number;
  isGone = false;
  /** Told of everything but datagrams. */
  onOutput: ((output: Exclude<DhtOutput, { readonly type: 'send' }>) => void) | undefined;
  readonly #world: DhtWorld;
  #wakeMs = Infinity;

  constructor(
    world: DhtWorld,
    endpoint: DhtEndpoint,
    delayMs: number,
    options: Omit<DhtNodeOptions, 'family' | 'ownId'>,
  ) {
    this.#world = world;
    this.endpoint = endpoint;
    this.delayMs = delayMs;
    this.joinedMs = world.nowMs;
    const { random } = options.crypto;
    const ownId = secureNodeId(parseIpAddress(endpoint.address)!, randomBelow(random, 256), random);
    this.node = new DhtNode({ ...options, family: 4, ownId }, world.nowMs);
    this.drain();
  }

  handleDatagram(datagram: Uint8Array, from: DhtEndpoint, nowMs: number): void {
    this.node.handleDatagram(datagram, from, nowMs);
    this.drain();
  }

  /** After each command: sends what is to be sent and waits for the next deadline. */
  drain(): void {
    for (let output = this.node.poll(); output !== undefined; output = this.node.poll()) {
      if (output.type === 'send') this.#world.send(this, output.remote, output.datagram);
      else this.onOutput?.(output);
    }
    const { deadlineMs } = this.node;
    if (deadlineMs < this.#wakeMs) {
      this.#wakeMs = deadlineMs;
      this.#world.wheel.schedule(deadlineMs, new WakeEvent(this, deadlineMs));
    }
  }

  handleWake(atMs: number): void {
    if (this.isGone || atMs !== this.#wakeMs) return;
    this.#wakeMs = Infinity;
    const { nowMs } = this.#world;
    if (this.node.deadlineMs <= nowMs) this.node.handleDeadline(nowMs);
    this.drain();
  }
}

class WakeEvent extends CrowdEvent {
  readonly #host: SimDhtNode;
  readonly #atMs: number;

  constructor(host: SimDhtNode, atMs: number) {
    super();
    this.#host = host;
    this.#atMs = atMs;
  }

  run(): void {
    this.#host.handleWake(this.#atMs);
  }
}

class Arrival extends CrowdEvent {
  readonly #world: DhtWorld;
  readonly #to: DhtHost;
  readonly #from: DhtEndpoint;
  readonly #datagram: Uint8Array;

  constructor(world: DhtWorld, to: DhtHost, from: DhtEndpoint, datagram: Uint8Array) {
    super();
    this.#world = world;
    this.#to = to;
    this.#from = from;
    this.#datagram = datagram;
  }

  run(): void {
    if (!this.#to.isGone) this.#to.handleDatagram(this.#datagram, this.#from, this.#world.nowMs);
  }
}

export class DhtWorld {
  readonly wheel: EventWheel = new EventWheel();
  readonly random: Random;
  readonly #hosts = new Map<string, DhtHost>();
  sentCount = 0;
  sentBytes = 0;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  get nowMs(): number {
    return this.wheel.nowMs;
  }

  /** A public address that nobody has, in a /24 of its own unless `network` says which. */
  freeAddress(network?: string): string {
    for (;;) {
      const prefix =
        network ??
        `${20 + randomBelow(this.random, 80)}.${randomBelow(this.random, 256)}.${randomBelow(this.random, 256)}`;
      const address = `${prefix}.${1 + randomBelow(this.random, 254)}`;
      if (!this.#hosts.has(address)) return address;
    }
  }

  /** Its own part of the way: spread evenly on a logarithmic scale. */
  drawDelayMs(): number {
    return DELAY_MIN_MS * (DELAY_MAX_MS / DELAY_MIN_MS) ** randomFraction(this.random);
  }

  addHost(host: DhtHost): void {
    this.#hosts.set(host.endpoint.address, host);
  }

  addNode(crypto: DhtCrypto, options: Partial<DhtNodeOptions> = {}): SimDhtNode {
    const endpoint = { address: this.freeAddress(), port: PORT };
    const node = new SimDhtNode(this, endpoint, this.drawDelayMs(), { ...options, crypto });
    this.addHost(node);
    return node;
  }

  /** Without a farewell. */
  remove(host: DhtHost): void {
    host.isGone = true;
    this.#hosts.delete(host.endpoint.address);
  }

  send(from: DhtHost, to: DhtEndpoint, datagram: Uint8Array): void {
    this.sentCount++;
    this.sentBytes += datagram.length;
    const host = this.#hosts.get(to.address);
    if (host === undefined || host.endpoint.port !== to.port || randomFraction(this.random) < LOSS_RATIO) return;
    const delayMs = from.delayMs + host.delayMs;
    this.wheel.schedule(this.nowMs + delayMs, new Arrival(this, host, from.endpoint, datagram));
  }

  runUntil(endMs: number): void {
    this.wheel.runUntil(() => false, endMs);
  }
}
