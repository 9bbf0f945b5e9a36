// What each transfer test needs around it: a world with a tracker, hosts on demand, empty folders, and every client's last words
// when a test fails. Clients started through a stage are stopped at the end of their test.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext } from 'vitest';
import type { Client, RunningClient, StartOptions } from './clients/client.ts';
import { type Content, fingerprint, manyFiles, singleFile, type Tree } from './torrents/content.ts';
import { type MadeTorrent, type Maker, makeTorrent, type TorrentFormat } from './torrents/makers.ts';
import { Tracker } from './world/tracker.ts';
import { type Host, World } from './world/world.ts';

export interface Offer {
  readonly content: Content;
  readonly torrent: MadeTorrent;
  readonly tree: Tree;
}

type SeedOptions = Pick<StartOptions, 'uploadBytesPerSecond' | 'overIpv6' | 'moreArguments'> & { readonly host?: Host };

export class Stage {
  readonly world: World;
  readonly tracker: Tracker;
  #serial = 0;
  readonly #contents = new Map<string, { content: Content; tree: Tree }>();
  readonly #offers = new Map<string, Offer>();
  readonly #idleHosts: Host[] = [];

  private constructor(world: World, tracker: Tracker) {
    this.world = world;
    this.tracker = tracker;
  }

  static async open(): Promise<Stage> {
    const world = await World.create();
    return new Stage(world, await Tracker.create(world));
  }

  /** A fresh empty folder. */
  folder(label: string): string {
    const path = join(this.world.directory, `${++this.#serial}-${label}`);
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** Content, made once, and a torrent of it. */
  async offer(
    kind: 'single' | 'many',
    format: TorrentFormat,
    maker: Maker,
    trackers: readonly string[],
  ): Promise<Offer> {
    const key = `${kind}-${format}-${maker}-${trackers.join(' ')}`;
    const known = this.#offers.get(key);
    if (known !== undefined) return known;
    const { content, tree } = await this.content(kind);
    const out = join(this.folder('torrent'), `${kind}.torrent`);
    const torrent = await makeTorrent(maker, { path: content.path, out, format, trackers });
    const offer = { content, torrent, tree };
    this.#offers.set(key, offer);
    return offer;
  }

  async content(kind: 'single' | 'many'): Promise<{ content: Content; tree: Tree }> {
    const known = this.#contents.get(kind);
    if (known !== undefined) return known;
    const parent = this.folder(kind);
    const content = kind === 'single' ? singleFile(parent) : manyFiles(parent);
    const made = { content, tree: await fingerprint(parent, content.name) };
    this.#contents.set(kind, made);
    return made;
  }

  /** A host for the length of one test. */
  async host(test: TestContext): Promise<Host> {
    const host = this.#idleHosts.pop() ?? (await this.world.addHost(`h${this.#serial++}`));
    test.onTestFinished(() => {
      this.#idleHosts.unshift(host);
    });
    return host;
  }

  /** Starts a client on a host of its own; it stops when the test ends, and a failed test prints its log. */
  async start(
    test: TestContext,
    client: Client,
    options: Omit<StartOptions, 'host' | 'workDir'> & { readonly host?: Host },
  ): Promise<RunningClient> {
    const host = options.host ?? (await this.host(test));
    const role = options.seeding ? 'seed' : 'leecher';
    const running = await client.start({ ...options, host, workDir: this.folder(`${client.program}-${role}-state`) });
    test.onTestFailed(() => {
      console.error(`--- ${client.program} (${role}, ${host.address}) ---\n${running.log()}`);
    });
    test.onTestFinished(() => running.stop());
    return running;
  }

  /** Starts a seed and waits until the tracker knows it as one. */
  async startSeed(
    test: TestContext,
    client: Client,
    torrent: MadeTorrent,
    dataDir: string,
    more: SeedOptions = {},
  ): Promise<RunningClient> {
    await this.tracker.serve(torrent.trackerHashes);
    const running = await this.start(test, client, { source: torrent.path, dataDir, seeding: true, ...more });
    await this.tracker.waitForSeeds(torrent.trackerHashes[0] ?? '', 1, 20_000);
    return running;
  }

  /** @throws AssertionError when a seed changed the data that it shared. */
  async close(): Promise<void> {
    for (const { content, tree } of this.#contents.values()) {
      expect(await fingerprint(content.parent, content.name), 'no seed changed its data').toEqual(tree);
    }
    await this.tracker.stop();
    this.world.close();
  }
}
