// One link with everything at its ends: the leecher's host with a tracker that knows the seeds, and for each seed a host
// with the seed and a sender of plain streams. Runs one transfer after the other over it and returns their figures.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { clients } from '../../interop/clients/all.ts';
import { PEER_PORT, type Program } from '../../interop/clients/client.ts';
import { eventsOf, type MillraceEvent } from '../../interop/clients/millrace.ts';
import { fingerprint, type Tree } from '../../interop/torrents/content.ts';
import { makeTorrent } from '../../interop/torrents/makers.ts';
import { fileFromRoot } from '../../interop/world/root.ts';
import { type RunningProcess, within } from '../../interop/world/running-process.ts';
import { type Host, World } from '../../interop/world/world.ts';
import { costOf } from '../swarm/process-cost.ts';
import { Link, type LinkOptions, linkAddress } from './link.ts';
import { figuresOf, type LinkReport, type TransferFigures } from './link-figures.ts';

const TRACKER_PORT = 6969;
const STREAM_PORT = 9000;
const PIECE_LENGTH_BYTES = 1024 * 1024;
const READY_MS = 30_000;
/** After a transfer the link is given so much to become empty, besides three round trips. */
const QUIET_MS = 400;

export interface Content {
  readonly parent: string;
  readonly name: string;
  readonly totalBytes: number;
  readonly tree: Tree;
}

export interface SettingOptions extends LinkOptions {
  readonly content: Content;
  readonly peerCount: number;
  readonly seed: Program;
  /** A transfer that is not over by then is measured by what has come. */
  readonly maxSeconds: number;
  readonly folder: string;
}

export type Subject = 'stream' | Program;

export interface Transfer extends TransferFigures {
  readonly subject: Subject;
  readonly isFinished: boolean;
  /** Blocks that were received more than once over the torrent's size; only of Millrace, which says it. */
  readonly duplicateRatio: number | undefined;
  readonly cpuSeconds: number | undefined;
  /** Of the link, from before the transfer to its end. */
  readonly reports: readonly LinkReport[];
  readonly endMs: number;
}

/** The monotonic clock that the emulator reads too. */
function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

function isProgress({ event }: MillraceEvent): boolean {
  return event === 'progress';
}

function spawnTool(host: Host, name: string, args: readonly string[]): RunningProcess {
  return host.spawn(name, process.execPath, [fileFromRoot(`build/bench/wan/${name}.js`), ...args]);
}

export class Setting {
  readonly #options: SettingOptions;
  readonly #world: World;
  readonly #link: Link;
  readonly #near: Host;
  readonly #torrentPath: string;

  private constructor(options: SettingOptions, world: World, link: Link, near: Host, torrentPath: string) {
    this.#options = options;
    this.#world = world;
    this.#link = link;
    this.#near = near;
    this.#torrentPath = torrentPath;
  }

  static async open(options: SettingOptions): Promise<Setting> {
    const { content, peerCount, seed } = options;
    const world = await World.create(options.folder);
    try {
      const near = await world.addHost('leecher');
      const far: Host[] = [];
      for (let index = 0; index < peerCount; index++) far.push(await world.addHost(`seed${index}`));
      for (const host of [near, ...far]) await host.setLink('down'); // there is no way but the long one
      const link = await Link.open(near, far, options);
      const peers = far.map((_, index) => `${linkAddress(index)}:${PEER_PORT}`);
      const tracker = spawnTool(near, 'fixed-tracker', [linkAddress(), String(TRACKER_PORT), ...peers]);
      await tracker.waitForLine((line) => line === 'listening', READY_MS, 'listening');
      const torrent = await makeTorrent('libtorrent', {
        path: join(content.parent, content.name),
        out: join(world.directory, 'wan.torrent'),
        format: 'v1',
        trackers: [`http://${linkAddress()}:${TRACKER_PORT}/announce`],
        pieceLengthBytes: PIECE_LENGTH_BYTES,
      });
      for (const [index, host] of far.entries()) {
        const workDir = join(world.directory, `seed-state-${index}`);
        mkdirSync(workDir);
        const sender = spawnTool(host, 'plain-stream', ['send', String(STREAM_PORT)]);
        await sender.waitForLine((line) => line === 'listening', READY_MS, 'listening');
        await clients[seed].start({ host, source: torrent.path, dataDir: content.parent, workDir, seeding: true });
      }
      for (const index of far.keys()) {
        await tracker.waitForLine((line) => line === `seed ${linkAddress(index)}`, READY_MS, 'hearing of each seed');
      }
      await delay(QUIET_MS + 3 * options.roundTripMs);
      return new Setting(options, world, link, near, torrent.path);
    } catch (error) {
      world.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#link.close();
    this.#world.close();
  }

  /** As many bytes as the torrent has, divided among the peers, over one plain stream from each. */
  async stream(): Promise<Transfer> {
    const { content, peerCount, maxSeconds } = this.#options;
    const remotes = Array.from({ length: peerCount }, (_, index) => `${linkAddress(index)}:${STREAM_PORT}`);
    const firstReport = this.#link.reports.length - 1;
    const receiver = spawnTool(this.#near, 'plain-stream', ['receive', String(content.totalBytes), ...remotes]);
    const isFinished = await this.#isOver(
      receiver.waitForLine((line) => line === 'complete', maxSeconds * 1000, 'receiving everything'),
    );
    const endMs = monotonicMs();
    const cpuSeconds = isFinished ? undefined : costOf(receiver.child.pid ?? 0).cpuSeconds;
    await receiver.stop();
    return await this.#measured('stream', firstReport, { endMs, isFinished, cpuSeconds });
  }

  async leech(program: Program): Promise<Transfer> {
    const { content, maxSeconds } = this.#options;
    const dataDir = join(this.#world.directory, 'leecher');
    const workDir = join(this.#world.directory, 'leecher-state');
    for (const folder of [dataDir, workDir]) mkdirSync(folder);
    const firstReport = this.#link.reports.length - 1;
    const source = this.#torrentPath;
    const running = await clients[program].start({ host: this.#near, source, dataDir, workDir, seeding: false });
    try {
      const isFinished = await this.#isOver(running.waitComplete(maxSeconds * 1000));
      const endMs = monotonicMs();
      const { cpuSeconds } = costOf(running.process.child.pid ?? 0);
      const progress = program === 'millrace' ? eventsOf(running.process).filter(isProgress).at(-1) : undefined;
      await running.stop();
      if (isFinished && JSON.stringify(await fingerprint(dataDir, content.name)) !== JSON.stringify(content.tree)) {
        throw new Error(`${program} got different bytes`);
      }
      const downloadedBytes = isFinished ? progress?.['downloaded'] : undefined;
      const duplicateRatio = typeof downloadedBytes === 'number' ? downloadedBytes / content.totalBytes - 1 : undefined;
      return await this.#measured(program, firstReport, { endMs, isFinished, cpuSeconds, duplicateRatio });
    } catch (error) {
      console.error(running.log());
      throw error;
    } finally {
      await running.stop();
      for (const folder of [dataDir, workDir]) rmSync(folder, { recursive: true });
    }
  }

  async #isOver(complete: Promise<unknown>): Promise<boolean> {
    try {
      // The wait inside ends at the same time; which of the two gives up first is all the same.
      await within(complete, this.#options.maxSeconds * 1000, () => 'the transfer');
      return true;
    } catch (error) {
      if (error instanceof Error && error.message.includes('(waited')) return false;
      throw error;
    }
  }

  async #measured(
    subject: Subject,
    firstReport: number,
    end: Pick<Transfer, 'endMs' | 'isFinished' | 'cpuSeconds'> & { readonly duplicateRatio?: number | undefined },
  ): Promise<Transfer> {
    const { content, roundTripMs } = this.#options;
    await delay(QUIET_MS + 3 * roundTripMs);
    const { endMs, isFinished } = end;
    const reports = this.#link.reports.slice(Math.max(0, firstReport));
    const before = reports.filter(({ atMs }) => atMs <= endMs);
    const receivedBytes = (before.at(-1)?.toNearBytes ?? 0) - (before[0]?.toNearBytes ?? 0);
    // Of what is not finished only the link knows how much came.
    const payloadBytes = isFinished ? content.totalBytes : receivedBytes;
    const figures = figuresOf(reports, { endMs, payloadBytes, roundTripMs });
    return { subject, duplicateRatio: undefined, ...end, ...figures, reports };
  }
}
