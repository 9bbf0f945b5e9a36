// What a transfer tells the user: the calls, whatever form was asked for.
import type { PortMappingStats, TorrentLike } from '../../engine/api.ts';
import type { Failure } from '../exit-code.ts';

export interface ReporterOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  /** 0, 1 (`-v`) or 2 (`-vv`): how much goes to stderr besides failures. */
  readonly verbosity: number;
}

export interface Reporter {
  /** How often `progress` wants to be called. */
  readonly intervalMs: number;
  added(torrent: TorrentLike): void;
  /** The magnet link of a torrent that is shared. */
  magnet(torrent: TorrentLike): void;
  listening(address: string, port: number): void;
  /** A router has mapped the port, or will not. */
  portMapping(mapping: PortMappingStats): void;
  metadata(torrent: TorrentLike): void;
  /** The publisher of a torrent shares another one now, which takes its place (BEP 46). */
  updated(torrent: TorrentLike, infoHash: string): void;
  progress(torrents: readonly TorrentLike[]): void;
  complete(torrent: TorrentLike, seconds: number): void;
  /** A failure of one torrent or of the whole command; always shown, on stderr. */
  failure(failure: Failure): void;
  /** A line for the user, on stderr; nothing with `--quiet`. */
  note(message: string): void;
  /** Work before the transfer, such as hashing: 0 to 1. */
  preparing(label: string, share: number): void;
  /** Leaves the terminal as it should be. Idempotent. */
  close(): void;
}
