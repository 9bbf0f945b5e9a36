// Goal: the commands that need no peer keep the contract of names, JSON and exit codes. Method: the built program on
// real files; as a process of its own where the process is the point.
import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import parseTorrent from 'parse-torrent';
import { beforeEach, describe, expect, test } from 'vitest';
import { CliProcess, runCli, runHere, temporaryFolder } from './cli-process.ts';

const PIECE_BYTES = 16_384;

let folder = '';

beforeEach(async () => {
  folder = await temporaryFolder();
});

/** Bytes that differ from place to place. */
function content(lengthBytes: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(lengthBytes);
  let state = seed * 2_654_435_761 + 1;
  for (let i = 0; i < lengthBytes; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

async function makeAlbum(): Promise<void> {
  await mkdir(join(folder, 'album', 'disc 1'), { recursive: true });
  await writeFile(join(folder, 'album', 'cover.jpg'), content(20_000, 1));
  await writeFile(join(folder, 'album', 'disc 1', 'a.flac'), content(100_000, 2));
  await writeFile(join(folder, 'album', 'empty.txt'), '');
}

async function createAlbum(...options: string[]): Promise<string> {
  await makeAlbum();
  const path = join(folder, 'album.torrent');
  const created = await runHere(['create', join(folder, 'album'), '-o', path, '--piece-length', '16KiB', ...options]);
  expect(created).toMatchObject({ exitCode: 0, stderr: '' });
  return path;
}

test('help and version', async () => {
  const help = await runCli(['--help']);
  expect(help).toMatchObject({ exitCode: 0, stderr: '' });
  expect(help.text).toContain('Usage: millrace');
  const manifest = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(await runCli(['--version'])).toMatchObject({ exitCode: 0, text: `${manifest.version}\n` });
});

describe.each(['v1', 'v2', 'hybrid'] as const)('a %s torrent', (format) => {
  test('is created, shown, linked and verified', async () => {
    const path = await createAlbum(
      '--format',
      format,
      '--tracker',
      'http://t.example/announce',
      '--comment',
      'hello',
      '--source',
      'S',
    );
    const shown = await runHere(['show', path, '--json']);
    expect(shown).toMatchObject({ exitCode: 0, stderr: '' });
    const description = JSON.parse(shown.text) as Record<string, unknown> & { files: Record<string, unknown>[] };
    expect(description).toMatchObject({
      name: 'album',
      format,
      pieceLength: PIECE_BYTES,
      totalSize: 120_000,
      private: false,
      comment: 'hello',
      source: 'S',
      trackers: [['http://t.example/announce']],
      webSeeds: [],
      httpSeeds: [],
      nodes: [],
    });
    const paths = description.files
      .filter((file) => file['pad'] === false)
      .map((file) => [file['path'], file['length']]);
    expect(paths.sort()).toEqual([
      ['album/cover.jpg', 20_000],
      ['album/disc 1/a.flac', 100_000],
      ['album/empty.txt', 0],
    ]);
    expect(description['infoHash'] === null).toBe(format === 'v2');
    expect(description['infoHashV2'] === null).toBe(format === 'v1');
    if (format !== 'v2') {
      const oracle = (await parseTorrent(await readFile(path))) as { infoHash: string };
      expect(description['infoHash']).toBe(oracle.infoHash);
    }

    const magnet = await runHere(['magnet', path]);
    expect(magnet.text).toBe(`${description['magnet']}\n`);
    const fromLink = JSON.parse((await runHere(['show', magnet.text.trim(), '--json'])).text) as Record<
      string,
      unknown
    >;
    expect(fromLink).toMatchObject({
      name: 'album',
      infoHash: description['infoHash'],
      infoHashV2: description['infoHashV2'],
      format,
      trackers: [['http://t.example/announce']],
      files: [],
    });

    expect(await runHere(['verify', path, folder])).toMatchObject({ exitCode: 0, stderr: '' });
  });

  test('does not verify once a byte differs, a file is short or missing', async () => {
    const path = await createAlbum('--format', format);
    const file = join(folder, 'album', 'disc 1', 'a.flac');
    const bytes = await readFile(file);
    bytes[50_000]! ^= 1;
    await writeFile(file, bytes);
    const damaged = await runHere(['verify', path, folder]);
    expect(damaged.exitCode).toBe(8);
    expect(damaged.text).toContain('album/disc 1/a.flac: damaged');
    expect(damaged.text).not.toContain('cover.jpg');

    await truncate(file, 70_000);
    const short = JSON.parse((await runHere(['verify', path, folder, '--json'])).text) as Record<string, unknown>;
    expect(short).toMatchObject({ ok: false, badPieces: 1 });
    expect(short['missingPieces']).toBeGreaterThanOrEqual(2);

    await rm(file);
    const missing = await runHere(['verify', path, folder]);
    expect(missing.exitCode).toBe(8);
    expect(missing.text).toContain('album/disc 1/a.flac: missing');
  });
});

test("verify takes the torrent's own folder, and creates nothing", async () => {
  const path = await createAlbum();
  expect(await runHere(['verify', path, join(folder, 'album')])).toMatchObject({ exitCode: 0 });
  const elsewhere = join(folder, 'elsewhere');
  await mkdir(elsewhere);
  expect(await runHere(['verify', path, elsewhere])).toMatchObject({ exitCode: 8 });
  await expect(readFile(join(elsewhere, 'album', 'cover.jpg'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('create refuses to overwrite, writes to stdout, and is repeatable without a date', async () => {
  const path = await createAlbum('--no-date');
  const again = await runCli(['create', 'album', '--no-date'], { cwd: folder });
  expect(again.exitCode).toBe(10);
  expect(again.stderr).toMatch(/^millrace: album\.torrent exists already; .*\n$/);
  expect(await runCli(['create', 'album', '--no-date', '--force'], { cwd: folder })).toMatchObject({ exitCode: 0 });
  const forced = await readFile(path);
  const toStdout = await runCli(['create', 'album', '--no-date', '-o', '-'], { cwd: folder });
  expect(toStdout.exitCode).toBe(0);
  expect(toStdout.stdout.equals(forced)).toBe(true);
  expect(JSON.parse((await runCli(['show', '-', '--json'], { input: toStdout.stdout })).text)).toMatchObject({
    name: 'album',
    creationDate: null,
  });
  expect(await runHere(['create', join(folder, 'nothing-here')])).toMatchObject({ exitCode: 10 });
  expect(
    await runHere(['create', join(folder, 'album'), '-o', '-', '--format', 'v2', '--piece-length', '10000']),
  ).toMatchObject({
    exitCode: 2,
  });
});

test.each([
  ['garbage bytes', ['show', '/garbage'], 3],
  ['an empty file', ['show', '/empty'], 3],
  ['a magnet link without a hash', ['show', 'magnet:?dn=x'], 3],
  ['a file that is not there', ['show', '/missing.torrent'], 10],
  ['a folder', ['download', '/'], 10],
  ['an unknown option', ['show', '--frobnicate', '/garbage'], 2],
  ['one bad source of two', ['/garbage', '/empty'], 3],
] as const)('%s: one sentence on stderr, nothing on stdout', async (_name, args, exitCode) => {
  await writeFile(join(folder, 'garbage'), content(1_000, 3));
  await writeFile(join(folder, 'empty'), '');
  const result = await runHere(args.map((argument) => (argument.startsWith('/') ? folder + argument : argument)));
  expect(result.exitCode).toBe(exitCode);
  expect(result.text).toBe('');
  expect(result.stderr).toMatch(/^millrace: [^\n]+\.\n$/);
});

test('a .torrent is fetched by URL', async () => {
  const path = await createAlbum();
  const bytes = await readFile(path);
  const server = createServer((_request, response) => response.end(bytes));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/album.torrent`;
    expect(JSON.parse((await runCli(['show', url, '--json'])).text)).toMatchObject({ name: 'album' });
  } finally {
    server.close();
  }
  const gone = await runCli(['show', 'http://127.0.0.1:1/x.torrent']);
  expect(gone.exitCode).toBe(6);
  expect(gone.stderr).toMatch(/^millrace: [^\n]+\.\n$/);
});

test('control characters of a torrent reach neither the terminal nor the JSON text', async () => {
  const comment = 'one\u001b]0;owned\u0007two\u001b[2J\u009b31mthree\u202efour';
  const path = await createAlbum('--comment', comment);
  const shown = await runHere(['show', path]);
  expect(shown.exitCode).toBe(0);
  expect(shown.text).toContain('onetwothreefour');
  expect(shown.text).not.toContain('owned');
  const json = await runHere(['show', path, '--json']);
  for (const text of [shown.text, json.text]) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are the subject
    expect(text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
  }
  expect(JSON.parse(json.text)).toMatchObject({ comment });
});

test('a reader that closes the pipe early is no failure', async () => {
  await mkdir(join(folder, 'many'));
  await Promise.all(Array.from({ length: 2_000 }, (_, i) => writeFile(join(folder, 'many', `file number ${i}`), '')));
  await writeFile(join(folder, 'many', 'data'), content(100, 1));
  expect(await runHere(['create', join(folder, 'many'), '-o', join(folder, 'many.torrent')])).toMatchObject({
    exitCode: 0,
  });
  const cli = new CliProcess(['show', join(folder, 'many.torrent')]);
  cli.child.stdout.destroy();
  expect(await cli.ended).toMatchObject({ exitCode: 0, stderr: '' });
});
