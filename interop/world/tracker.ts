// opentracker on a host of its own, HTTP and UDP on one port. Debian compiles it with an access list: it serves only
// the info-hashes in a file. `serve` starts it anew with another list, so that no test hears of another one's peers.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Probe } from './probe.ts';
import type { RunningProcess } from './running-process.ts';
import type { Host, World } from './world.ts';

const LIST = 'allowed.txt';
const TRACKER_PORT = 6969;
const READY_TIMEOUT_MS = 10_000;

export interface ScrapeCounts {
  readonly complete: number;
  readonly incomplete: number;
}

function escapeHash(infoHash: string): string {
  return infoHash.replace(/../g, '%$&');
}

export class Tracker {
  readonly host: Host;
  readonly httpUrl: string;
  readonly udpUrl: string;
  readonly #probe: Probe;
  readonly #folder: string;
  #process: RunningProcess | undefined;

  private constructor(host: Host, folder: string) {
    this.host = host;
    this.#probe = new Probe(host);
    this.#folder = folder;
    this.httpUrl = `http://${host.address}:${TRACKER_PORT}/announce`;
    this.udpUrl = `udp://${host.address}:${TRACKER_PORT}/announce`;
  }

  /** A tracker that serves nothing yet. */
  static async create(world: World): Promise<Tracker> {
    const folder = join(world.directory, 'tracker');
    mkdirSync(folder);
    chmodSync(world.directory, 0o755);
    chmodSync(folder, 0o755); // opentracker changes its root to this folder and its user to nobody
    return new Tracker(await world.addHost('tracker'), folder);
  }

  /** Forgets everything, then serves these torrents: info-hashes in hexadecimal, a v2 hash cut to 20 bytes as on the wire. */
  async serve(infoHashes: readonly string[]): Promise<void> {
    await this.stop();
    writeFileSync(join(this.#folder, LIST), infoHashes.map((hash) => `${hash.slice(0, 40).toLowerCase()}\n`).join(''));
    const port = String(TRACKER_PORT);
    const args = ['-i', this.host.address, '-p', port, '-P', port, '-d', this.#folder, '-w', LIST];
    this.#process = this.host.spawn('opentracker', 'opentracker', args, { cwd: this.#folder });
    await this.#until('answer over HTTP', async () => (await this.#get('/stats')) !== undefined);
  }

  #get(path: string): Promise<string | undefined> {
    return this.#probe.get(`http://${this.host.address}:${TRACKER_PORT}${path}`);
  }

  async #until(what: string, condition: () => Promise<boolean>, timeoutMs: number = READY_TIMEOUT_MS): Promise<void> {
    const endMs = performance.now() + timeoutMs;
    while (!(await condition())) {
      if (performance.now() > endMs)
        throw new Error(`opentracker did not ${what}: ${this.#process?.tail() ?? 'it does not run'}`);
      await delay(100);
    }
  }

  async scrape(infoHash: string): Promise<ScrapeCounts> {
    const body = (await this.#get(`/scrape?info_hash=${escapeHash(infoHash.slice(0, 40))}`)) ?? '';
    const count = (name: string): number => Number(new RegExp(`${name.length}:${name}i(\\d+)e`).exec(body)?.[1] ?? 0);
    return { complete: count('complete'), incomplete: count('incomplete') };
  }

  /** Resolves once that many peers have announced themselves as seeds. */
  async waitForSeeds(infoHash: string, seedCount: number, timeoutMs: number): Promise<void> {
    await this.#until(
      `hear of ${seedCount} seed(s)`,
      async () => (await this.scrape(infoHash)).complete >= seedCount,
      timeoutMs,
    );
  }

  /** The tracker is gone, as after a crash; `serve` brings it back. */
  async stop(): Promise<void> {
    await this.#process?.stop('SIGKILL');
    this.#process = undefined;
  }
}
