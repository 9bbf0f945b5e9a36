// One torrent on a private network: its data, its tracker, hosts for whoever takes part. Starts seeds and waits until they are
// ready: the tracker knows them as seeds, and their hashing is over.
import { mkdirSync, rmSync, statfsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PEER_PORT } from '../../interop/clients/client.ts';
import { SYSTEM_PYTHON } from '../../interop/clients/libtorrent.ts';
import { type MadeTorrent, makeTorrent, type TorrentFormat } from '../../interop/torrents/makers.ts';
import { runCommand } from '../../interop/world/run-command.ts';
import { Tracker } from '../../interop/world/tracker.ts';
import { type Host, World } from '../../interop/world/world.ts';
import { compareContent } from '../harness/compare-content.ts';
import { bareSeeder, type Contender, type Running } from './contender.ts';
import { type BareFile, type BenchContent, prepareBareFile, writeContent } from './content.ts';
import { costOf } from './process-cost.ts';
import type { TorrentView } from './programs/torrent-view.ts';

const SEED_READY_MS = 120_000;
const QUIET_WINDOW_MS = 200;
const QUIET_CPU_SECONDS = 0.02;
const QUIET_LIMIT_MS = 10_000;
/** Python, because Node has no posix_fadvise: opens every file under a path, unbuffered. */
const EACH_FILE = `
import os, sys
path = sys.argv[1]
paths = [os.path.join(d, f) for d, _, files in os.walk(path) for f in files] if os.path.isdir(path) else [path]
for path in paths:
  with open(path, 'rb', 0) as file:
    `;
const TMPFS_MAGIC = 0x01021994; // statfs(2)

export interface StageSpec {
  readonly totalBytes: number;
  readonly pieceLengthBytes: number;
  readonly fileCount: number;
  readonly format: TorrentFormat;
  readonly folder: string;
  readonly cache: 'warm' | 'cold';
}

export interface ReadySeed {
  readonly running: Running;
  readonly processId: number;
  /** `host:port`. */
  readonly address: string;
}

export class SwarmStage {
  readonly spec: StageSpec;
  readonly world: World;
  readonly content: BenchContent;
  readonly torrent: MadeTorrent;
  /** Data lies on a disk, so that its caches matter. */
  readonly isOnDisk: boolean;
  readonly #tracker: Tracker;
  readonly #hosts = new Map<string, Host>();
  #bareFile: BareFile | undefined;
  #bareSeed: ReadySeed | undefined;
  #serial = 0;

  private constructor(
    spec: StageSpec,
    world: World,
    parts: { readonly content: BenchContent; readonly torrent: MadeTorrent; readonly tracker: Tracker },
  ) {
    this.spec = spec;
    this.world = world;
    this.content = parts.content;
    this.torrent = parts.torrent;
    this.#tracker = parts.tracker;
    this.isOnDisk = statfsSync(spec.folder).type !== TMPFS_MAGIC;
  }

  static async open(spec: StageSpec): Promise<SwarmStage> {
    const world = await World.create(spec.folder);
    try {
      const tracker = await Tracker.create(world);
      const content = writeContent(join(world.directory, 'shared'), spec.totalBytes, spec.fileCount);
      const torrent = await makeTorrent('libtorrent', {
        path: content.path,
        out: join(world.directory, 'bench.torrent'),
        format: spec.format,
        trackers: [tracker.httpUrl],
        pieceLengthBytes: spec.pieceLengthBytes,
      });
      return new SwarmStage(spec, world, { content, torrent, tracker });
    } catch (error) {
      world.close();
      throw error;
    }
  }

  /** The host of that name, made when first asked for. */
  async host(name: string): Promise<Host> {
    const known = this.#hosts.get(name) ?? (await this.world.addHost(name));
    this.#hosts.set(name, known);
    return known;
  }

  /** The torrent as the light peers know it, which read v1 torrents of one file. */
  view(): TorrentView {
    const { infoHash } = this.torrent.view;
    if (infoHash === null || this.spec.fileCount !== 1) throw new Error('light peers need a v1 torrent of one file');
    const { totalBytes, pieceLengthBytes } = this.spec;
    return { infoHash: Buffer.from(infoHash, 'hex'), totalBytes, pieceLengthBytes };
  }

  /** The tracker forgets every peer. */
  async forgetPeers(): Promise<void> {
    await this.#tracker.serve(this.torrent.trackerHashes);
  }

  /** What the bare loops move. */
  bareFile(): BareFile {
    this.#bareFile ??= prepareBareFile(this.content, this.spec.fileCount, this.world.directory);
    return this.#bareFile;
  }

  /** The bare seeder, which runs from its first use on beside whatever else runs on its host. */
  async bareSeed(): Promise<ReadySeed> {
    this.#bareSeed ??= await this.startSeed(bareSeeder(this.bareFile()));
    return this.#bareSeed;
  }

  /** An empty folder that `remove` takes away again. */
  folder(label: string): { readonly path: string; remove(): void } {
    const path = join(this.world.directory, `${++this.#serial}-${label}`);
    mkdirSync(path);
    return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
  }

  /** Starts a seed that the tracker alone knows from now on, and waits until it has checked its data. */
  async startSeed(seed: Contender, hostName = 'seed'): Promise<ReadySeed> {
    const host = await this.host(hostName);
    const workDir = this.folder('seed-state').path;
    if (seed.isClient) await this.forgetPeers();
    const { parent } = this.content;
    const source = this.torrent.path;
    const running = await seed.start({ host, source, dataDir: parent, workDir, seeding: true, plaintext: true });
    const processId = running.process.child.pid ?? 0;
    try {
      if (seed.isClient) await this.#tracker.waitForSeeds(this.torrent.trackerHashes[0] ?? '', 1, SEED_READY_MS);
      else await running.waitComplete(SEED_READY_MS);
      await waitQuiet(processId);
    } catch (error) {
      console.error(running.log());
      await running.stop();
      throw error;
    }
    return { running, processId, address: `${host.address}:${seed.port ?? PEER_PORT}` };
  }

  /**
   * Brings the disk and its cache into the state that a run begins with: nothing left to write, and the shared data in the
   * page cache (warm) or not (cold; programs stay in it). Nothing to do in memory.
   */
  async settle(): Promise<void> {
    if (!this.isOnDisk) return;
    await this.sync();
    const read = 'while file.read(1 << 20): pass';
    const evict = 'os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)';
    const { path } = this.content;
    await runCommand(SYSTEM_PYTHON, ['-c', EACH_FILE + (this.spec.cache === 'warm' ? read : evict), path]);
  }

  /** Waits until everything is on the disk; gives the seconds that it took. */
  async sync(): Promise<number> {
    const startedMs = performance.now();
    await runCommand('sync', []);
    return (performance.now() - startedMs) / 1000;
  }

  /** @throws Error when a byte under `folder` differs from what was shared. */
  compare(folder: string): void {
    compareContent(this.content.path, join(folder, basename(this.content.path)));
  }

  close(): void {
    this.world.close();
  }
}

/** Resolves when the process has stopped computing: what it still did after the last run, or before the first. */
export async function waitQuiet(processId: number): Promise<void> {
  const endMs = performance.now() + QUIET_LIMIT_MS;
  let before = costOf(processId).cpuSeconds;
  for (;;) {
    await delay(QUIET_WINDOW_MS);
    const now = costOf(processId).cpuSeconds;
    if (now - before <= QUIET_CPU_SECONDS || performance.now() > endMs) return;
    before = now;
  }
}
