// Torrent files made by one program and read by the others: same info-hashes, same files, same trackers, and the data fits the hashes.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { millraceMain } from './clients/millrace.ts';
import { Stage } from './stage.ts';
import { formatsOf, type Maker, type TorrentFormat } from './torrents/makers.ts';
import { type CommandResult, runCommand } from './world/run-command.ts';

const TRACKERS = ['http://10.77.0.1:6969/announce', 'udp://10.77.0.1:6969/announce'];
// The package has no types; its name as a plain string keeps the compiler from looking for them.
const PARSE_TORRENT: string = 'parse-torrent';

interface Shown {
  readonly name: string;
  readonly infoHash: string | null;
  readonly infoHashV2: string | null;
  readonly format: TorrentFormat;
  readonly pieceLength: number;
  readonly pieceCount: number;
  readonly totalSize: number;
  readonly private: boolean;
  readonly trackers: readonly (readonly string[])[];
  readonly magnet: string;
  readonly files: readonly { readonly path: string; readonly length: number; readonly pad: boolean }[];
}

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open();
});

afterAll(() => stage.close());

function runMillrace(args: readonly string[]): Promise<CommandResult> {
  return runCommand(process.execPath, [millraceMain(), ...args], { allowFailure: true });
}

async function showWithMillrace(path: string): Promise<Shown> {
  const { code, stdout, stderr } = await runMillrace(['show', path, '--json']);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return JSON.parse(stdout) as Shown;
}

const cases = Object.entries(formatsOf).flatMap(([maker, formats]) =>
  formats.flatMap((format) => (['single', 'many'] as const).map((kind) => ({ maker: maker as Maker, format, kind }))),
);

describe.each(cases)('$format torrent of $maker ($kind)', ({ maker, format, kind }) => {
  it('shows the same in Millrace and in libtorrent', async () => {
    const { torrent, content } = await stage.offer(kind, format, maker, TRACKERS);
    const shown = await showWithMillrace(torrent.path);
    const { view } = torrent;
    expect(shown).toMatchObject({
      name: view.name,
      infoHash: view.infoHash,
      infoHashV2: view.infoHashV2,
      format,
      pieceLength: view.pieceLength,
      pieceCount: view.pieceCount,
      private: view.private,
      totalSize: content.totalBytes,
    });
    // libtorrent shuffles the trackers of one tier.
    expect(shown.trackers.flat().sort()).toEqual([...view.trackers].sort());
    const real = shown.files.filter(({ pad }) => !pad).map(({ path, length }) => ({ path, length }));
    expect(real).toEqual(view.files);
  });

  it('fits the data, and no other', async () => {
    const { torrent, content, tree } = await stage.offer(kind, format, maker, TRACKERS);
    const right = await runMillrace(['verify', torrent.path, content.parent]);
    expect(right.code, right.stderr).toBe(0);
    const copy = stage.folder('copy');
    await runCommand('cp', ['-r', content.path, copy]);
    const path = Object.keys(tree).find((name) => tree[name]?.lengthBytes !== 0 && /deep|stone/.test(name)) ?? '';
    const bytes = readFileSync(join(copy, path));
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    writeFileSync(join(copy, path), bytes);
    const wrong = await runMillrace(['verify', torrent.path, copy]);
    expect(wrong.code, wrong.stderr).toBe(8);
  });
});

describe.each(['single', 'many'] as const)('a torrent made by Millrace (%s)', (kind) => {
  it('is read by transmission-show with the same info-hash', async () => {
    const { torrent } = await stage.offer(kind, 'v1', 'millrace', TRACKERS);
    const { stdout } = await runCommand('transmission-show', [torrent.path]);
    expect(/Hash: ([0-9a-f]{40})/.exec(stdout)?.[1]).toBe(torrent.view.infoHash);
    for (const url of TRACKERS) expect(stdout).toContain(url);
    for (const { path } of torrent.view.files) expect(stdout).toContain(path);
  });

  it.each(['v1', 'hybrid'] as const)('is read by parse-torrent with the same info-hash (%s)', async (format) => {
    const { torrent } = await stage.offer(kind, format, 'millrace', TRACKERS);
    const { default: parseTorrent } = (await import(PARSE_TORRENT)) as {
      default: (bytes: Uint8Array) => Promise<{ infoHash: string; name: string; announce: string[] }>;
    };
    const parsed = await parseTorrent(torrent.bytes);
    expect(parsed).toMatchObject({ infoHash: torrent.view.infoHash, name: torrent.view.name });
    expect([...parsed.announce].sort()).toEqual([...TRACKERS].sort());
  });

  it('names the same magnet link in show and magnet', async () => {
    const { torrent } = await stage.offer(kind, 'hybrid', 'millrace', TRACKERS);
    const { magnet } = await showWithMillrace(torrent.path);
    const { stdout } = await runMillrace(['magnet', torrent.path]);
    expect(stdout.trim()).toBe(magnet);
    expect(magnet).toContain(`urn:btih:${torrent.view.infoHash}`);
    expect(magnet).toContain(`urn:btmh:1220${torrent.view.infoHashV2}`);
  });
});

// Nothing in these info dictionaries is free to choose, so independent makers must agree on every byte of them.
it.each([
  ['v1', 'mktorrent'],
  ['v2', 'libtorrent'],
] as const)('a %s torrent of one file has the info-hash that %s gives it', async (format, maker) => {
  const ours = await stage.offer('single', format, 'millrace', TRACKERS);
  const theirs = await stage.offer('single', format, maker, TRACKERS);
  expect(ours.torrent.trackerHashes).toEqual(theirs.torrent.trackerHashes);
});
