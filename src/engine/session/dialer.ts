// The dialling of one torrent: which addresses are known and how each fared, the dials under way, and when the next may
// begin within the session's budget. Hands every connected socket to its host, whose it is from then on, with its place
// in the budget; knows nothing of handshakes.
import type { Endpoint, NetworkError, TcpSocket } from '../../platform/network.ts';
import { CONNECT_TIMEOUT_MS } from '../../protocol/limits.ts';
import { type DialFailure, DialQueue, type DialSummary } from '../../swarm/dial-queue.ts';
import type { DeadlineEntry } from '../deadline-queue.ts';
import type { DialLineMember } from './dial-line.ts';
import type { EngineContext } from './engine-context.ts';

export interface DialerHost {
  /** Connections that the host has. Those being dialled are not among them. */
  readonly standingCount: number;
  handleDialled(socket: TcpSocket, endpoint: Endpoint): void;
  /** A mistake of ours showed itself. */
  handleBug(error: unknown): void;
}

export interface DialerSummary extends DialSummary {
  /** The limit of connections that is reached, and how many it allows. */
  readonly fullLimit: 'session' | 'torrent' | undefined;
  readonly connectionsMax: number;
}

const NOBODY_KNOWN: DialSummary = {
  knownCount: 0,
  dialingCount: 0,
  dueCount: 0,
  nextInMs: Number.POSITIVE_INFINITY,
  failures: { refused: 0, 'timed-out': 0, unreachable: 0, ended: 0 },
};

interface Dial {
  readonly endpoint: Endpoint;
  readonly socket: TcpSocket;
}

export class Dialer implements DeadlineEntry, DialLineMember {
  readonly #context: EngineContext;
  readonly #host: DialerHost;
  readonly #connectionsMax: number;
  /** Undefined while there is no address. */
  #queue: DialQueue | undefined;
  /** Undefined until something is dialled. BOUNDED: with the host's connections `connectionsMax`. */
  #dials: Set<Dial> | undefined;
  #isRunning = false;
  /** `changeCount` of our own address that the queue's priorities were worked out with. */
  #prioritiesCount = 0;

  /** `connectionsMax`: how many connections there may be, those being dialled among them. */
  constructor(context: EngineContext, host: DialerHost, connectionsMax: number) {
    this.#context = context;
    this.#host = host;
    this.#connectionsMax = connectionsMax;
  }

  /** The addresses. The host adds to them and says how its connections fared. */
  get queue(): DialQueue {
    this.#queue ??= this.#createQueue();
    return this.#queue;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Those being dialled and those that stand. */
  get connectionCount(): number {
    return this.#host.standingCount + (this.#dials?.size ?? 0);
  }

  get hasRoom(): boolean {
    return this.connectionCount < this.#connectionsMax;
  }

  /** From now on `dialMore` dials. */
  start(): void {
    this.#isRunning = true;
  }

  stop(): void {
    this.#isRunning = false;
    this.#context.dials.leave(this);
    this.#context.deadlines.remove(this);
    this.#endDials();
  }

  /** Ends the dials, and forgets all addresses and how they fared. */
  clear(): void {
    this.#endDials();
    this.#queue = undefined;
  }

  /** For when there are more addresses, or fewer connections: dials as many as may be, and later the rest. */
  dialMore(nowMs: number): void {
    // Most torrents know of nobody most of the time.
    if (!this.#isRunning || this.#queue === undefined || !this.#context.settings.tcp) return;
    if (this.canDial(nowMs)) this.#context.dials.enter(this, nowMs);
    this.#context.deadlines.expedite(this, this.#nextDialMs(nowMs));
  }

  canDial(nowMs: number): boolean {
    return this.#isRunning && this.hasRoom && this.#queue !== undefined && this.#queue.deadlineMs <= nowMs;
  }

  dialNext(nowMs: number): boolean {
    const { changeCount } = this.#context.externalAddress;
    if (changeCount !== this.#prioritiesCount) {
      this.#prioritiesCount = changeCount;
      this.queue.handlePrioritiesChanged();
    }
    const candidate = this.queue.next(nowMs);
    if (candidate === undefined) {
      this.#context.deadlines.expedite(this, this.#nextDialMs(nowMs));
      return false;
    }
    this.#dial(candidate.endpoint);
    return true;
  }

  /** Gives up one dial under way, for a connection that stands already. False: there is none. */
  yieldDial(nowMs: number): boolean {
    // The latest one has come the least far.
    const dial = [...(this.#dials ?? [])].at(-1);
    if (dial === undefined) return false;
    dial.socket.destroy();
    this.#drop(dial);
    this.queue.handleGivenUp(dial.endpoint, nowMs);
    return true;
  }

  /** For diagnostics. */
  summary(nowMs: number): DialerSummary {
    const { connections, settings } = this.#context;
    const isSessionFull = !connections.hasRoom;
    const fullLimit = !this.hasRoom ? 'torrent' : isSessionFull ? 'session' : undefined;
    const connectionsMax = fullLimit === 'session' ? settings.connectionsMax : this.#connectionsMax;
    return { ...(this.#queue?.summary(nowMs) ?? NOBODY_KNOWN), fullLimit, connectionsMax };
  }

  handleDeadline(nowMs: number): number {
    this.dialMore(nowMs);
    return this.#nextDialMs(nowMs);
  }

  handleBug(error: unknown): void {
    this.#host.handleBug(error);
  }

  /** While a candidate waits for the session's budget, the line of dialling torrents sees to it. */
  #nextDialMs(nowMs: number): number {
    if (!this.#isRunning || this.#queue === undefined || !this.hasRoom) return Number.POSITIVE_INFINITY;
    const queueMs = this.#queue.deadlineMs;
    return queueMs <= nowMs ? Number.POSITIVE_INFINITY : queueMs;
  }

  #createQueue(): DialQueue {
    const { bans, deadlines, dialHistory: history } = this.#context;
    return new DialQueue({
      bans,
      history,
      priorityOf: (endpoint) => this.#context.priorityOf(endpoint),
      onEarlier: () => {
        if (this.#isRunning) deadlines.expedite(this, this.#nowMs());
      },
    });
  }

  #dial(endpoint: Endpoint): void {
    const { network } = this.#context.platform;
    const localAddress = this.#context.localAddressFor(endpoint.address);
    const socket = network.connectTcp(
      { remote: endpoint, localAddress, timeoutMs: CONNECT_TIMEOUT_MS },
      {
        handleConnected: () => this.#guard(() => this.#handleDialled(dial)),
        handleData: () => {},
        handleClosed: (error) => this.#guard(() => this.#handleFailed(dial, error)),
      },
    );
    const dial: Dial = { endpoint, socket };
    this.#dials ??= new Set();
    this.#dials.add(dial);
    this.queue.handleDialing(endpoint, this.#nowMs());
  }

  #handleDialled(dial: Dial): void {
    if (this.#dials?.delete(dial) !== true) return;
    this.#context.connections.endDial();
    this.queue.handleConnected(dial.endpoint);
    this.#host.handleDialled(dial.socket, dial.endpoint);
  }

  #handleFailed(dial: Dial, error: NetworkError | undefined): void {
    if (!this.#drop(dial)) return;
    this.queue.handleFailed(dial.endpoint, this.#nowMs(), failureOf(error));
    this.dialMore(this.#nowMs());
  }

  #endDials(): void {
    for (const dial of [...(this.#dials ?? [])]) {
      dial.socket.destroy();
      this.#drop(dial);
      this.queue.handleGivenUp(dial.endpoint, this.#nowMs());
    }
  }

  /** It led to nothing. False: it is none of those under way. */
  #drop(dial: Dial): boolean {
    if (this.#dials?.delete(dial) !== true) return false;
    this.#context.connections.endDial();
    this.#context.connections.close();
    return true;
  }

  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.handleBug(error);
    }
  }

  #nowMs(): number {
    return this.#context.platform.clock.nowMs();
  }
}

function failureOf(error: NetworkError | undefined): DialFailure {
  if (error?.code === 'CONNECTION_REFUSED') return 'refused';
  return error?.code === 'CONNECT_TIMED_OUT' ? 'timed-out' : 'unreachable';
}
