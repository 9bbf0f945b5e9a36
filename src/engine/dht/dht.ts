// The session's part in the DHT: a node for each family on the session's UDP port, driven by its deadlines; where they begin
// (saved nodes, configured hosts, nodes of torrents and peers); and searches of torrents, a few at a time. Nothing is bound
// before the first torrent wants it.
import type { Endpoint, UdpSocket } from '../../platform/network.ts';
import type { Platform } from '../../platform/platform.ts';
import { decodeDhtState, encodeDhtState, type SavedDhtState } from '../../protocol/dht/saved-state.ts';
import { familyOf, normalizeIpAddress } from '../../protocol/tracker/ip-address.ts';
import { DhtNode } from '../../swarm/dht/dht-node.ts';
import type { DhtOutput } from '../../swarm/dht/dht-output.ts';
import { DhtStorage } from '../../swarm/dht/dht-storage.ts';
import type { SearchRequest, SearchResult } from '../../swarm/dht/search.ts';
import type { StoredItem } from '../../swarm/dht/stored-items.ts';
import type { ExternalAddress } from '../../swarm/external-address.ts';
import type { DeadlineEntry, DeadlineQueue } from '../deadline-queue.ts';
import { parseHostPort } from '../host-port.ts';
import type { UdpMux } from '../session/udp-mux.ts';

/** "MR" and the version: what others see of us (BEP 5). */
const VERSION_MARK = Uint8Array.of(0x4d, 0x52, 0, 1);
/** Searches of torrents under way at once, of one family. */
const SEARCHES_MAX = 16;
/** Before a socket that broke is bound again. */
const REBIND_MS = 10_000;
/** Addresses that wait for the socket. */
const EARLY_ADDRESSES_MAX = 500;
/** Before hosts are resolved again of which none had an address. */
const RESOLVE_AGAIN_MS = 30_000;

export interface DhtOptions {
  readonly platform: Platform;
  readonly deadlines: DeadlineQueue;
  readonly mux: UdpMux;
  /** The session's: nodes have a voice in it. */
  readonly externalAddress: ExternalAddress;
  /** The number under which others reach an IPv4 port of ours. */
  externalPortOf(port: number): number;
  /** host:port texts. */
  readonly bootstrap: readonly string[];
  /** Of an earlier run: `state()`. */
  readonly state: Uint8Array | undefined;
  /** Asks only (BEP 43). */
  readonly isReadOnly: boolean;
}

export interface DhtSearchHandler {
  handlePeers?(peers: readonly Endpoint[]): void;
  handleItem?(item: StoredItem): void;
  handleSamples?(samples: Extract<DhtOutput, { readonly type: 'samples' }>): void;
  /** Undefined: this family has no socket. */
  handleDone(result: SearchResult | undefined): void;
}

interface Waiting {
  readonly request: SearchRequest;
  readonly handler: DhtSearchHandler;
  isCancelled: boolean;
  searchId: number | undefined;
}

/** One family: its node, its socket, its searches. */
class DhtSide implements DeadlineEntry {
  readonly node: DhtNode;
  readonly #family: 4 | 6;
  readonly #options: DhtOptions;
  readonly #onContacts: (output: Extract<DhtOutput, { readonly type: 'contacts' }>) => void;
  readonly #running = new Map<number, Waiting>(); // BOUNDED: SEARCHES_MAX
  readonly #waiting: Waiting[] = []; // BOUNDED: two for each torrent of the session
  /** Who has asked for a ping of an address. BOUNDED: by the caller's pings, each of which ends */
  readonly #pings = new Map<string, ((output: Extract<DhtOutput, { readonly type: 'pinged' }>) => void)[]>();
  /** What was to be done while the socket was not there yet. BOUNDED: EARLY_ADDRESSES_MAX; the caller's pings */
  readonly #earlyAddresses: Endpoint[] = [];
  readonly #earlyPings: Endpoint[] = [];
  #socket: UdpSocket | undefined;
  #isListening = false;
  #isUnavailable = false;
  #bindAgainMs = 0;

  constructor(
    family: 4 | 6,
    options: DhtOptions,
    node: DhtNode,
    onContacts: (output: Extract<DhtOutput, { readonly type: 'contacts' }>) => void,
  ) {
    this.#family = family;
    this.#options = options;
    this.node = node;
    this.#onContacts = onContacts;
  }

  open(): void {
    if (this.#socket !== undefined || this.#isUnavailable) return;
    this.#socket = this.#options.mux.open(this.#family, 'dht', {
      handleListening: () => {
        this.#isListening = true;
        for (const endpoint of this.#earlyPings.splice(0)) this.node.ping(endpoint, this.#nowMs());
        const addresses = this.#earlyAddresses.splice(0);
        if (addresses.length > 0) this.node.addAddresses(addresses, this.#nowMs());
        this.#begin();
        this.drive();
      },
      handleDatagram: (datagram, remote) => {
        this.node.handleDatagram(datagram, remote, this.#nowMs());
        this.drive();
      },
      handleFailed: (error) => {
        this.#options.platform.log.write('info', `no DHT over IPv${this.#family}: ${error.message}`);
        this.#handleLost(error.code === 'ADDRESS_NOT_AVAILABLE' || error.code === 'PERMISSION_DENIED');
      },
    });
  }

  search(waiting: Waiting): void {
    this.open();
    this.#waiting.push(waiting);
    this.#begin();
    this.drive();
  }

  cancel(waiting: Waiting): void {
    waiting.isCancelled = true;
    if (waiting.searchId !== undefined) {
      this.node.cancel(waiting.searchId);
      this.#running.delete(waiting.searchId);
    }
    const at = this.#waiting.indexOf(waiting);
    if (at !== -1) this.#waiting.splice(at, 1);
    this.#begin();
  }

  addAddresses(endpoints: readonly Endpoint[]): void {
    if (endpoints.length === 0) return;
    if (!this.#isListening) {
      // Queries that leave before there is a socket are lost, and each is waited for.
      this.#earlyAddresses.push(...endpoints.slice(0, EARLY_ADDRESSES_MAX - this.#earlyAddresses.length));
      return;
    }
    this.node.addAddresses(endpoints, this.#nowMs());
    this.drive();
  }

  ping(endpoint: Endpoint, onDone: (output: Extract<DhtOutput, { readonly type: 'pinged' }>) => void): void {
    this.open();
    const key = `${endpoint.address}:${endpoint.port}`;
    const known = this.#pings.get(key);
    if (known !== undefined) {
      known.push(onDone);
      return;
    }
    this.#pings.set(key, [onDone]);
    if (this.#isListening) this.node.ping(endpoint, this.#nowMs());
    else this.#earlyPings.push(endpoint);
    this.#begin();
    this.drive();
  }

  handleDeadline(nowMs: number): number {
    if (this.#socket === undefined && !this.#isUnavailable && nowMs >= this.#bindAgainMs) this.open();
    if (nowMs >= this.node.deadlineMs) this.node.handleDeadline(nowMs);
    this.#drain();
    return this.node.deadlineMs;
  }

  /** After whatever happened: sends, hands on, and waits for the next deadline. */
  drive(): void {
    this.#drain();
    this.#options.deadlines.expedite(this, this.node.deadlineMs);
  }

  close(): void {
    this.#options.deadlines.remove(this);
    this.#isUnavailable = true;
    this.#socket?.close();
    this.#socket = undefined;
    this.#waiting.length = 0;
    this.#running.clear();
    this.#earlyAddresses.length = 0;
    this.#earlyPings.length = 0;
    this.#pings.clear();
  }

  #begin(): void {
    while (this.#isListening && this.#running.size < SEARCHES_MAX) {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) return;
      const searchId = this.node.search(waiting.request, this.#nowMs());
      if (searchId === undefined) {
        this.#waiting.unshift(waiting);
        return;
      }
      waiting.searchId = searchId;
      this.#running.set(searchId, waiting);
    }
    if (!this.#isUnavailable) return;
    for (const waiting of this.#waiting.splice(0)) waiting.handler.handleDone(undefined);
    for (const endpoint of this.#earlyPings.splice(0)) {
      this.#handle({ type: 'pinged', endpoint, contact: undefined, rttMs: 0 });
    }
  }

  #drain(): void {
    for (let output = this.node.poll(); output !== undefined; output = this.node.poll()) this.#handle(output);
  }

  #handle(output: DhtOutput): void {
    switch (output.type) {
      case 'send':
        if (this.#isListening) this.#socket?.send(output.datagram, output.remote);
        return;
      case 'peers':
        this.#running.get(output.searchId)?.handler.handlePeers?.(output.peers);
        return;
      case 'item':
        this.#running.get(output.searchId)?.handler.handleItem?.(output.item);
        return;
      case 'samples':
        this.#running.get(output.searchId)?.handler.handleSamples?.(output);
        return;
      case 'done': {
        const ended = this.#running.get(output.searchId);
        this.#running.delete(output.searchId);
        ended?.handler.handleDone(output.result);
        this.#begin();
        return;
      }
      case 'pinged': {
        const key = `${output.endpoint.address}:${output.endpoint.port}`;
        const asked = this.#pings.get(key) ?? [];
        this.#pings.delete(key);
        for (const onDone of asked) onDone(output);
        return;
      }
      case 'contacts':
        this.#onContacts(output);
        return;
      case 'address':
        this.#options.platform.log.write('debug', `the node's id fits our IPv${this.#family} address now`);
    }
  }

  #handleLost(isForGood: boolean): void {
    this.#socket?.close();
    this.#socket = undefined;
    this.#isListening = false;
    this.#isUnavailable = isForGood;
    this.#bindAgainMs = this.#nowMs() + REBIND_MS;
    this.#begin();
    if (isForGood) this.#options.deadlines.remove(this);
    else this.#options.deadlines.expedite(this, this.#bindAgainMs);
  }

  #nowMs(): number {
    return this.#options.platform.clock.nowMs();
  }
}

export class Dht {
  readonly #options: DhtOptions;
  readonly #sides: ReadonlyMap<4 | 6, DhtSide>;
  readonly #saved: SavedDhtState | undefined;
  #isStarted = false;
  #isClosed = false;

  constructor(options: DhtOptions) {
    this.#options = options;
    this.#saved = options.state === undefined ? undefined : decodeDhtState(options.state);
    const { crypto, clock } = options.platform;
    const storage = new DhtStorage();
    const nowMs = clock.nowMs();
    const sides = new Map<4 | 6, DhtSide>();
    for (const family of [4, 6] as const) {
      const other = family === 4 ? 6 : 4;
      const node = new DhtNode(
        {
          family,
          crypto,
          storage,
          externalAddress: options.externalAddress,
          version: VERSION_MARK,
          isReadOnly: options.isReadOnly,
          ownId: family === 4 ? this.#saved?.ids.v4 : this.#saved?.ids.v6,
          closestOfOtherFamily: (target, count) => sides.get(other)?.node.closest(target, count) ?? [],
        },
        nowMs,
      );
      sides.set(family, new DhtSide(family, options, node, ({ contacts }) => sides.get(other)?.addAddresses(contacts)));
    }
    this.#sides = sides;
  }

  get isStarted(): boolean {
    return this.#isStarted;
  }

  /** Nodes known over both families. */
  get nodeCount(): number {
    let count = 0;
    for (const { node } of this.#sides.values()) count += node.nodeCount;
    return count;
  }

  /** Nodes known over one family. */
  nodeCountOf(family: 4 | 6): number {
    return this.#sides.get(family)!.node.nodeCount;
  }

  /** The UDP port that a peer of this family should know (BEP 5, "PORT"); 0: none. */
  portFor(remoteAddress: string): number {
    if (!this.#isStarted) return 0;
    const { mux, externalPortOf } = this.#options;
    const family = familyOf(remoteAddress);
    const port = mux.portOf(family);
    return family === 4 && port !== 0 ? externalPortOf(port) : port;
  }

  /** Binds the port and looks for other nodes. Idempotent. */
  start(): void {
    if (this.#isStarted || this.#isClosed) return;
    this.#isStarted = true;
    for (const side of this.#sides.values()) side.open();
    this.#sides.get(4)!.addAddresses(this.#saved?.nodes.v4 ?? []);
    this.#sides.get(6)!.addAddresses(this.#saved?.nodes.v6 ?? []);
    for (const host of this.#options.bootstrap) this.#resolve(host);
  }

  /** A `host:port` where a node is said to be: of a torrent's `nodes`, or a user. */
  addHost(host: string): void {
    this.start();
    this.#resolve(host);
  }

  /** An address where a node is said to be: of a peer's port message. */
  addEndpoint({ address, port }: Endpoint): void {
    const normal = normalizeIpAddress(address);
    if (!this.#isStarted || normal === undefined || port === 0) return;
    this.#sides.get(familyOf(normal))!.addAddresses([{ address: normal, port }]);
  }

  /** Looks something up over one family. Calls back, never synchronously, until done or cancelled. */
  search(family: 4 | 6, request: SearchRequest, handler: DhtSearchHandler): { cancel(): void } {
    this.start();
    const side = this.#sides.get(family)!;
    const waiting: Waiting = { request, handler, isCancelled: false, searchId: undefined };
    const { clock } = this.#options.platform;
    const timer = clock.schedule(clock.nowMs(), () => {
      if (!waiting.isCancelled && !this.#isClosed) side.search(waiting);
    });
    return {
      cancel: () => {
        timer.cancel();
        side.cancel(waiting);
      },
    };
  }

  ping(endpoint: Endpoint, onDone: (output: Extract<DhtOutput, { readonly type: 'pinged' }>) => void): void {
    this.start();
    this.#sides.get(familyOf(endpoint.address))!.ping(endpoint, onDone);
  }

  /** For the next run; undefined when nobody was met. */
  state(): Uint8Array | undefined {
    if (this.nodeCount === 0) return this.#options.state;
    const [v4, v6] = [this.#sides.get(4)!.node, this.#sides.get(6)!.node];
    return encodeDhtState({
      ids: { v4: v4.ownId, v6: v6.ownId },
      nodes: { v4: v4.savedNodes(), v6: v6.savedNodes() },
    });
  }

  /** Nothing is sent or called back any more. Idempotent. */
  close(): void {
    this.#isClosed = true;
    for (const side of this.#sides.values()) side.close();
  }

  #resolve(text: string): void {
    const hostPort = parseHostPort(text);
    if (hostPort === undefined || this.#isClosed) return;
    const { resolver, clock } = this.#options.platform;
    resolver.resolve(hostPort.host, {
      handleResolved: (addresses) => {
        if (this.#isClosed) return;
        for (const address of addresses) this.addEndpoint({ address, port: hostPort.port });
      },
      handleFailed: () => {
        // The network may not be there yet; with nodes from elsewhere the name is not needed.
        clock.schedule(clock.nowMs() + RESOLVE_AGAIN_MS, () => {
          if (this.nodeCount === 0) this.#resolve(text);
        });
      },
    });
  }
}
