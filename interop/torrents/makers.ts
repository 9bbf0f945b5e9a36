// Makes .torrent files with each program that can, and reads their info-hashes with libtorrent, the one judge of all formats.
import { readFileSync, writeFileSync } from 'node:fs';
import { libtorrentScript, SYSTEM_PYTHON } from '../clients/libtorrent.ts';
import { millraceMain } from '../clients/millrace.ts';
import { runCommand } from '../world/run-command.ts';
import { PIECE_LENGTH_BYTES } from './content.ts';

export type TorrentFormat = 'v1' | 'v2' | 'hybrid';
export type Maker = 'millrace' | 'libtorrent' | 'mktorrent' | 'transmission-create' | 'create-torrent';

export interface MakeOptions {
  readonly path: string;
  readonly out: string;
  readonly format: TorrentFormat;
  readonly trackers: readonly string[];
  /** libtorrent only. @defaultValue `PIECE_LENGTH_BYTES` */
  readonly pieceLengthBytes?: number;
}

export const formatsOf: Readonly<Record<Maker, readonly TorrentFormat[]>> = {
  millrace: ['v1', 'v2', 'hybrid'],
  libtorrent: ['v1', 'v2', 'hybrid'],
  mktorrent: ['v1'],
  'transmission-create': ['v1'],
  'create-torrent': ['v1'],
};

interface CreateTorrentModule {
  readonly default: (
    path: string,
    options: { readonly announceList: readonly (readonly string[])[]; readonly pieceLength: number },
    callback: (error: Error | null, torrent: Uint8Array) => void,
  ) => void;
}

// The package has no types; its name as a plain string keeps the compiler from looking for them.
const CREATE_TORRENT: string = 'create-torrent';

async function makeWithLibrary(path: string, trackers: readonly string[]): Promise<Uint8Array> {
  const { default: create } = (await import(CREATE_TORRENT)) as CreateTorrentModule;
  return await new Promise((resolve, reject) => {
    create(path, { announceList: [trackers], pieceLength: PIECE_LENGTH_BYTES }, (error, torrent) => {
      if (error === null) resolve(torrent);
      else reject(error);
    });
  });
}

const make: Readonly<Record<Maker, (options: MakeOptions) => Promise<void>>> = {
  millrace: async ({ path, out, format, trackers }) => {
    const args = ['create', path, '-o', out, '--format', format, '--piece-length', String(PIECE_LENGTH_BYTES)];
    const tracked = trackers.flatMap((url) => ['--tracker', url]);
    await runCommand(process.execPath, [millraceMain(), ...args, ...tracked]);
  },
  libtorrent: async ({ path, out, format, trackers, pieceLengthBytes = PIECE_LENGTH_BYTES }) => {
    const args = [libtorrentScript(), 'create', path, out, format, String(pieceLengthBytes), ...trackers];
    await runCommand(SYSTEM_PYTHON, args);
  },
  mktorrent: async ({ path, out, trackers }) => {
    const power = String(Math.log2(PIECE_LENGTH_BYTES));
    await runCommand('mktorrent', ['-l', power, '-o', out, ...trackers.flatMap((url) => ['-a', url]), path]);
  },
  'transmission-create': async ({ path, out, trackers }) => {
    const args = ['-o', out, '-s', String(PIECE_LENGTH_BYTES / 1024), ...trackers.flatMap((url) => ['-t', url]), path];
    await runCommand('transmission-create', args);
  },
  'create-torrent': async ({ path, out, trackers }) => {
    writeFileSync(out, await makeWithLibrary(path, trackers));
  },
};

export interface LibtorrentView {
  readonly name: string;
  readonly infoHash: string | null;
  readonly infoHashV2: string | null;
  readonly pieceLength: number;
  readonly pieceCount: number;
  readonly private: boolean;
  readonly trackers: readonly string[];
  readonly files: readonly { readonly path: string; readonly length: number }[];
}

export interface MadeTorrent {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly view: LibtorrentView;
  /** Info-hashes as trackers know them: 40 hexadecimal digits each. */
  readonly trackerHashes: readonly string[];
}

export async function describeWithLibtorrent(path: string): Promise<LibtorrentView> {
  const { stdout } = await runCommand(SYSTEM_PYTHON, [libtorrentScript(), 'show', path]);
  return JSON.parse(stdout) as LibtorrentView;
}

export async function makeTorrent(maker: Maker, options: MakeOptions): Promise<MadeTorrent> {
  await make[maker](options);
  const view = await describeWithLibtorrent(options.out);
  const trackerHashes = [view.infoHash, view.infoHashV2]
    .filter((hash) => hash !== null)
    .map((hash) => hash.slice(0, 40));
  return { path: options.out, bytes: readFileSync(options.out), view, trackerHashes };
}
