// The programs that make torrents or check files against them, as command lines. Each is told to use two threads where it
// can be told.
import { existsSync } from 'node:fs';
import { libtorrentScript, SYSTEM_PYTHON } from '../../interop/clients/libtorrent.ts';
import { millraceMain } from '../../interop/clients/millrace.ts';
import type { TorrentFormat } from '../../interop/torrents/makers.ts';
import { fileFromRoot } from '../../interop/world/root.ts';

const THREADS = 2;

export interface Job {
  readonly format: TorrentFormat;
  /** The file or folder, and the folder that holds it. */
  readonly path: string;
  readonly parent: string;
  readonly isFolder: boolean;
  readonly pieceLengthBytes: number;
  /** To be written, or to be checked against. */
  readonly torrent: string;
}

export interface Program {
  readonly name: string;
  /** Undefined: cannot do it. */
  create?(job: Job): readonly string[] | undefined;
  verify?(job: Job): readonly string[] | undefined;
  /** Makes the same info dictionary of a single file as the others of this kind. */
  readonly isComparable?: boolean;
}

const millrace: Program = {
  name: 'millrace',
  isComparable: true,
  create: ({ path, torrent, format, pieceLengthBytes }) => [
    ...[process.execPath, millraceMain(), 'create', path, '-o', torrent, '--force', '--quiet'],
    ...['--format', format, '--piece-length', String(pieceLengthBytes)],
  ],
  verify: ({ torrent, parent }) => [process.execPath, millraceMain(), 'verify', torrent, parent, '--quiet'],
};

const mktorrent = (threads: number): Program => ({
  name: `mktorrent -t ${threads}`,
  isComparable: true,
  create: ({ format, path, torrent, pieceLengthBytes }) =>
    format === 'v1'
      ? ['mktorrent', '-t', String(threads), '-l', String(Math.log2(pieceLengthBytes)), '-o', torrent, path]
      : undefined,
});

const transmission: Program = {
  name: 'transmission-create',
  create: ({ format, path, torrent, pieceLengthBytes }) =>
    format === 'v1' ? ['transmission-create', '-o', torrent, '-s', String(pieceLengthBytes / 1024), path] : undefined,
};

const libtorrent: Program = {
  name: 'libtorrent',
  isComparable: true,
  create: ({ path, torrent, format, pieceLengthBytes }) => [
    ...[SYSTEM_PYTHON, libtorrentScript(), 'create', path, torrent, format, String(pieceLengthBytes)],
  ],
  verify: ({ torrent, parent }) => [
    ...[SYSTEM_PYTHON, fileFromRoot('bench/create/libtorrent-verify.py'), torrent, parent, String(THREADS)],
  ],
};

const aria2: Program = {
  name: 'aria2',
  verify: ({ format, torrent, parent }) =>
    format === 'v1'
      ? [
          ...['aria2c', '--quiet', '--enable-dht=false', '--bt-enable-lpd=false', '--check-integrity=true'],
          ...['--hash-check-only=true', '--dir', parent, torrent],
        ]
      : undefined,
};

const bareLoop = ({ format, path, isFolder, pieceLengthBytes }: Job): readonly string[] | undefined => {
  const script = fileFromRoot('build/bench/create/bare-hash.js');
  return isFolder ? undefined : [process.execPath, script, path, format, String(THREADS), String(pieceLengthBytes)];
};

const bare: Program = { name: 'bare loop', create: bareLoop, verify: bareLoop };

export const PROGRAMS: readonly Program[] = [
  millrace,
  bare,
  mktorrent(2),
  mktorrent(1),
  transmission,
  libtorrent,
  aria2,
];

/** Those of `PATH` that are there; a program by its full path always is. */
export function isInstalled(command: string): boolean {
  if (command.includes('/')) return existsSync(command);
  return (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(`${folder}/${command}`));
}
