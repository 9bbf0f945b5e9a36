import type { Random } from '../base/random.ts';

interface Endpoint {
  readonly address: string;
  readonly port: number;
}
export type PeerSource = 'tracker' | 'magnet' | 'user' | 'incoming' | 'pex' | 'dht' | 'lsd';
export class DialQueue {
  #ready: Endpoint[] = [];
  #known = new Set<string>();
  #banned = new Set<string>();
  readonly random: Random;
  constructor(options: { random: Random }) {
    this.random = options.random;
  }
  get deadlineMs(): number {
    return this.#ready.length > 0 ? 0 : Number.POSITIVE_INFINITY;
  }
  add(endpoint: Endpoint, _source: PeerSource, _nowMs: number): boolean {
    const k = `${endpoint.address}|${endpoint.port}`;
    if (this.#known.has(k)) return false;
    this.#known.add(k);
    this.#ready.push(endpoint);
    return true;
  }
  next(_nowMs: number): Endpoint | undefined {
    return this.#ready.shift();
  }
  handleDialing(_e: Endpoint, _nowMs: number): void {}
  handleConnected(_e: Endpoint): void {}
  handleFailed(_e: Endpoint, _nowMs: number): void {}
  handleClosed(_e: Endpoint, _nowMs: number, _useful: boolean): void {}
  forget(_e: Endpoint): void {}
  ban(a: string, _nowMs: number): void {
    this.#banned.add(a);
  }
  isBanned(a: string, _nowMs: number): boolean {
    return this.#banned.has(a);
  }
}
