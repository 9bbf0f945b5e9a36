// What takes part in a run as a seed or a leecher: a BitTorrent client of the interoperability tests, or a bare loop.
// Both start on a host and say when they are done; only how they find each other differs.
import type { Client, Program, RunningClient, StartOptions } from '../../interop/clients/client.ts';
import { fileFromRoot } from '../../interop/world/root.ts';
import type { RunningProcess } from '../../interop/world/running-process.ts';
import type { BareFile } from './content.ts';
import { BARE_PORT } from './programs/bare-stream.ts';
import { encodeView, type TorrentView } from './programs/torrent-view.ts';

export type Running = Omit<RunningClient, 'program'>;

export interface Contender {
  /** As it stands in tables. */
  readonly name: string;
  readonly program: Program | 'bare' | 'sink' | 'light';
  /** It speaks to the tracker; others must be told where the seed is. */
  readonly isClient: boolean;
  /** Where it listens as a seed. @defaultValue `PEER_PORT` */
  readonly port?: number;
  start(options: StartOptions): Promise<Running>;
}

const NAMES: Readonly<Record<Program, string>> = {
  millrace: 'Millrace',
  libtorrent: 'libtorrent',
  aria2: 'aria2',
  transmission: 'Transmission',
  rtorrent: 'rTorrent',
  webtorrent: 'WebTorrent',
};

export const BARE = 'bare loop';

export function contenderOf(client: Client): Contender {
  return {
    name: NAMES[client.program],
    program: client.program,
    isClient: true,
    start: (options) => client.start(options),
  };
}

/** The built file of a program of this benchmark. */
export function programFile(name: string): string {
  return fileFromRoot(`build/bench/swarm/programs/${name}.js`);
}

/** A program whose line of output says that it is done. */
export function runningUntil(process: RunningProcess, isDone: (line: string) => boolean, what: string): Running {
  return {
    process,
    waitComplete: async (timeoutMs) => {
      await process.waitForLine(isDone, timeoutMs, what);
    },
    stop: async () => {
      await process.stop('SIGINT');
    },
    log: () => process.tail(60),
  };
}

export const isCompleteLine = (line: string): boolean => line.startsWith('{"event":"complete"');
export const isReadyLine = (line: string): boolean => line === 'ready';

export function bareSeeder({ path }: BareFile): Contender {
  return {
    name: BARE,
    program: 'bare',
    isClient: false,
    port: BARE_PORT,
    start: async ({ host }) => {
      const args = [programFile('bare-seeder'), path, String(BARE_PORT)];
      return runningUntil(host.spawn('bare seeder', process.execPath, args), isReadyLine, 'listening');
    },
  };
}

/** `peers` names the bare seeder. */
export function bareLeecher({ digestsPath }: BareFile, fileName: string): Contender {
  return {
    name: BARE,
    program: 'bare',
    isClient: false,
    start: async ({ host, dataDir, peers = [] }) => {
      const [address, port] = endpointOf(peers);
      const args = [programFile('bare-leecher'), address, port, `${dataDir}/${fileName}`, digestsPath];
      return runningUntil(host.spawn('bare leecher', process.execPath, args), isCompleteLine, 'having every piece');
    },
  };
}

/** `peers` names the bare seeder. */
export function bareSink(): Contender {
  return {
    name: BARE,
    program: 'bare',
    isClient: false,
    start: async ({ host, peers = [] }) => {
      const [address, port] = endpointOf(peers);
      const args = [programFile('bare-sink'), address, port];
      return runningUntil(host.spawn('bare sink', process.execPath, args), isCompleteLine, 'the end of the data');
    },
  };
}

/** Sink leechers in one process, which end when together they have `bytes`; `peers` names the seed. */
export function sinkLeechers(view: TorrentView, count: number, bytes: number): Contender {
  return {
    name: count === 1 ? '1 leecher' : `${count} leechers`,
    program: 'sink',
    isClient: false,
    start: async ({ host, peers = [] }) => {
      const args = [programFile('sink-leechers'), ...endpointOf(peers), encodeView(view), String(count), String(bytes)];
      return runningUntil(host.spawn('sink', process.execPath, args), isCompleteLine, 'having every byte');
    },
  };
}

export const LIGHT_SEEDS_PORT = 7_000;

/** Seeds on `count` ports from `LIGHT_SEEDS_PORT` on, each with its share of the rate. */
export function lightSeeds(path: string, view: TorrentView, count: number, bytesPerSecond: number): Contender {
  return {
    name: `${count} seeds`,
    program: 'light',
    isClient: false,
    port: LIGHT_SEEDS_PORT,
    start: async ({ host }) => {
      const numbers = [LIGHT_SEEDS_PORT, count, bytesPerSecond / count].map(String);
      const args = [programFile('light-seeds'), path, encodeView(view), ...numbers];
      return runningUntil(host.spawn('light seeds', process.execPath, args), isReadyLine, 'listening');
    },
  };
}

function endpointOf(peers: readonly string[]): [string, string] {
  const [address = '', port = ''] = (peers[0] ?? '').split(':');
  return [address, port];
}
