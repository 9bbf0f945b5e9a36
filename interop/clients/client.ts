// What every program under test can do, whatever it is: start on a host with a torrent, tell when it has everything, stop.
// The drivers beside this file differ only in how they say it to their program.
import type { RunningProcess } from '../world/running-process.ts';
import type { Host } from '../world/world.ts';

export type Program = 'millrace' | 'libtorrent' | 'aria2' | 'transmission' | 'rtorrent' | 'webtorrent';

export const PEER_PORT = 6881;

export interface StartOptions {
  readonly host: Host;
  /** A .torrent file, or a magnet link (leechers only). */
  readonly source: string;
  /** Folder that holds, or receives, the torrent's own file or folder. */
  readonly dataDir: string;
  /** Empty folder for configuration and state. */
  readonly workDir: string;
  /** The data is there: hash it and share it. */
  readonly seeding: boolean;
  /** Peers to connect to, `host:port`; for drivers with `takesPeers`. */
  readonly peers?: readonly string[];
  /** Upload limit, so that a test can step in half-way; libtorrent's and Millrace's drivers only. */
  readonly uploadBytesPerSecond?: number;
  /** Greet peers unencrypted at once, where the program would try encryption first; Transmission's driver only. */
  readonly plaintext?: boolean;
  /** The one source of peers besides those named; not WebTorrent's and rTorrent's drivers. @defaultValue none */
  readonly discovery?: 'pex' | 'lsd' | undefined;
  /** Arguments for Node itself, before the program's own; Millrace's driver only. */
  readonly nodeArguments?: readonly string[];
  /** The folder of another build of Millrace than this repository's own; Millrace's driver only. */
  readonly build?: string;
  /** More options on the program's command line; Millrace's driver only. */
  readonly moreArguments?: readonly string[];
  /** Take from everybody and give nobody a byte; libtorrent's driver only. */
  readonly givesNothing?: boolean;
  /** Listen on the host's IPv6 address; libtorrent's and Millrace's drivers only. */
  readonly overIpv6?: boolean;
}

export interface RunningClient {
  readonly program: Program;
  readonly process: RunningProcess;
  /** Resolves when every piece is there; rejects when the program ends before or the time is over. */
  waitComplete(timeoutMs: number): Promise<void>;
  stop(): Promise<void>;
  log(): string;
}

export interface Client {
  readonly program: Program;
  /** Reads v2-only torrents. */
  readonly v2: boolean;
  /** Creates the empty files of a torrent too. */
  readonly createsEmptyFiles: boolean;
  /** Can be told peers by address. */
  readonly takesPeers: boolean;
  start(options: StartOptions): Promise<RunningClient>;
}

/** The common shape of a client whose process says by itself when it is complete. */
export function runningClient(
  program: Program,
  process: RunningProcess,
  waitComplete: (timeoutMs: number) => Promise<void>,
): RunningClient {
  return {
    program,
    process,
    waitComplete,
    stop: async () => {
      await process.stop(program === 'rtorrent' ? 'SIGTERM' : 'SIGINT');
    },
    log: () => process.tail(60),
  };
}
