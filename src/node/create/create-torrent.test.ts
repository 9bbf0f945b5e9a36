// Goal: torrents are made of what stands on disk, exactly. Method: temporary folders; the expected torrent comes from
// definitions applied to bytes in memory, and from another implementation.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import npmCreateTorrent from 'create-torrent';
import parseTorrent from 'parse-torrent';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BLOCK_BYTES, PIECE_LENGTH_MAX_BYTES } from '../../protocol/limits.ts';
import { compareFilePaths, decodeMetainfo, type TorrentFormat } from '../../protocol/metainfo/index.ts';
import { type SampleFile, sampleTorrent } from '../../protocol/metainfo/testing/sample-torrent.ts';
import { type CreatedFile, type CreateOptions, createTorrent } from './create-torrent.ts';
import { automaticPieceLength } from './piece-length.ts';

const crypto = {
  sha1: (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha1').update(bytes).digest()),
  sha256: (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest()),
};
const KIB = 1024;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-create-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function content(length: number, salt: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = i * 31 + (i >> 8) + salt;
  return bytes;
}

function write(root: string, files: readonly SampleFile[]): string {
  const path = join(folder, root);
  for (const file of files) {
    mkdirSync(dirname(join(path, ...file.path)), { recursive: true });
    writeFileSync(join(path, ...file.path), file.bytes);
  }
  return path;
}

async function created(path: string, options: CreateOptions = {}): Promise<CreatedFile> {
  const outcome = await createTorrent(path, options);
  if (!outcome.ok) throw new Error(outcome.error.message);
  return outcome.created;
}

const MIXED: readonly SampleFile[] = [
  { path: ['.hidden'], bytes: content(10, 1) },
  { path: ['a', 'deep', 'er', 'f'], bytes: content(1_300 * KIB + 1, 2) },
  { path: ['a', 'empty'], bytes: new Uint8Array(0) },
  { path: ['a.b'], bytes: content(64 * KIB, 3) },
  { path: ['b'], bytes: content(600 * KIB, 4) },
  { path: ['b2'], bytes: content(600 * KIB, 4) },
  { path: ['é'], bytes: content(1, 5) },
  { path: ['\u{ffee}'], bytes: content(2, 5) },
  { path: ['\u{1f600}'], bytes: content(3, 5) },
];

const FORMATS: readonly TorrentFormat[] = ['v1', 'v2', 'hybrid'];

test.each(FORMATS.flatMap((format) => [16, 64, 1_024].map((kib) => [format, kib] as const)))(
  'a folder as %s with pieces of %i KiB',
  async (format, kib) => {
    const path = write('folder', MIXED);
    const expected = sampleTorrent(
      {
        format,
        name: 'folder',
        isMultiFile: true,
        pieceLengthBytes: kib * KIB,
        files: MIXED,
        around: { createdBy: 'Millrace', creationDate: 5, trackers: [['udp://t.example:1'], ['http://u.example/']] },
      },
      crypto,
    );
    const progress: number[] = [];
    const torrent = await created(path, {
      format,
      pieceLengthBytes: kib * KIB,
      creationDate: 5,
      trackers: ['udp://t.example:1', 'http://u.example/'],
      onProgress: ({ hashedBytes }) => progress.push(hashedBytes),
    });
    expect(torrent.bytes).toEqual(expected.torrentBytes);
    expect(progress[0]).toBe(0);
    expect(progress[progress.length - 1]).toBe(MIXED.reduce((sum, file) => sum + file.bytes.length, 0));
    expect(torrent.skipped).toEqual([]);
  },
);

test.each(FORMATS)('a single file as %s', async (format) => {
  const files = [{ path: ['one.bin'], bytes: content(100 * KIB + 3, 7) }];
  write('.', files);
  const torrent = await created(join(folder, 'one.bin'), {
    format,
    pieceLengthBytes: 32 * KIB,
    private: true,
    source: 'S',
  });
  const { info } = torrent.metainfo;
  const options = { format, name: 'one.bin', isMultiFile: false, pieceLengthBytes: 32 * KIB, files, private: true };
  expect(info.infoBytes).toEqual(sampleTorrent({ ...options, source: 'S' } as typeof options, crypto).infoBytes);
  expect(info).toMatchObject({ isMultiFile: false, private: true, source: 'S' });
  expect(torrent.magnet).toContain(format === 'v2' ? `1220${torrent.infoHashV2}` : `btih:${torrent.infoHash}`);
  expect(decodeMetainfo(torrent.bytes, crypto)).toEqual({ ok: true, value: torrent.metainfo });
});

test('the info-hash is the one that create-torrent gives', async () => {
  const path = write('folder', [
    { path: ['a', 'x'], bytes: content(70_000, 1) },
    { path: ['b'], bytes: content(5, 2) },
  ]);
  for (const input of [path, join(path, 'b')]) {
    const bytes = await new Promise<Uint8Array>((resolve, reject) => {
      npmCreateTorrent(input, { pieceLength: 16 * KIB }, (error, torrent) =>
        error === null ? resolve(torrent) : reject(error),
      );
    });
    const torrent = await created(input);
    expect(torrent.infoHash).toBe((await parseTorrent(bytes)).infoHash);
  }
});

test('a v2 folder of one file stays a folder', async () => {
  const path = write('folder', [{ path: ['file'], bytes: content(5, 1) }]);
  expect((await created(path, { format: 'v2' })).metainfo.info).toMatchObject({ isMultiFile: true, name: 'folder' });
  expect((await created(join(path, 'file'), { format: 'v2' })).metainfo.info.isMultiFile).toBe(false);
  const same = write('same', [{ path: ['same'], bytes: content(5, 1) }]);
  expect(await createTorrent(same, { format: 'v2' })).toMatchObject({
    ok: false,
    error: { code: 'DISK_PATH_CONFLICT' },
  });
  expect((await created(same, { format: 'hybrid' })).metainfo.info.isMultiFile).toBe(true);
});

test('empty files alone make a torrent without pieces', async () => {
  const path = write('folder', [{ path: ['nothing'], bytes: new Uint8Array(0) }]);
  for (const format of FORMATS) {
    expect((await created(path, { format })).metainfo.info).toMatchObject({ pieceCount: 0, contentBytes: 0 });
  }
});

test('links inside are followed to files, all else is left out and named', async () => {
  const path = write('folder', [{ path: ['d', 'file'], bytes: content(5, 1) }]);
  write('outside', [{ path: ['secret'], bytes: content(6, 1) }]);
  symlinkSync('d/file', join(path, 'link'));
  symlinkSync('../folder/d/file', join(path, 'link-around'));
  symlinkSync('../outside/secret', join(path, 'out'));
  symlinkSync('../outside', join(path, 'out-folder'));
  symlinkSync('d', join(path, 'in-folder'));
  symlinkSync('.', join(path, 'loop'));
  symlinkSync('nowhere', join(path, 'dangling'));
  symlinkSync('self', join(path, 'self'));
  execFileSync('mkfifo', [join(path, 'pipe')]);
  const server = createServer().listen(join(path, 'socket'));
  await new Promise((resolve) => server.once('listening', resolve));
  const torrent = await created(path);
  await new Promise((resolve) => server.close(resolve));

  expect(torrent.metainfo.info.files.map((file) => file.path.join('/'))).toEqual(['d/file', 'link', 'link-around']);
  const reasons = torrent.skipped.map((sentence) => sentence.slice(path.length + 1)).sort(compareText);
  expect(reasons).toEqual([
    'dangling is left out: the link leads nowhere.',
    'in-folder is left out: the link does not lead to a file.',
    'loop is left out: the link does not lead to a file.',
    'out is left out: the link leads out of the shared folder.',
    'out-folder is left out: the link leads out of the shared folder.',
    'pipe is left out: it is neither a file nor a folder.',
    'self is left out: the link leads nowhere.',
    'socket is left out: it is neither a file nor a folder.',
  ]);

  symlinkSync(path, join(folder, 'alias'));
  expect((await created(join(folder, 'alias'))).name).toBe('alias');
});

function compareText(left: string, right: string): number {
  return compareFilePaths([left.split(' ')[0]!], [right.split(' ')[0]!]);
}

test('what cannot be shared is an error with its path', async () => {
  mkdirSync(join(folder, 'empty', 'still-empty'), { recursive: true });
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  for (const [name, code] of [
    ['missing', 'DISK_NOT_FOUND'],
    ['empty', 'DISK_NOT_FOUND'],
    ['pipe', 'DISK_PATH_CONFLICT'],
  ] as const) {
    const outcome = await createTorrent(join(folder, name));
    expect(outcome).toMatchObject({ ok: false, error: { code } });
    expect(!outcome.ok && outcome.error.message).toContain(join(folder, name));
  }
  expect(await createTorrent('/')).toMatchObject({ ok: false, error: { code: 'DISK_PATH_UNSAFE' } });
});

test('a name that is not UTF-8 is an error, not a wrong name', async () => {
  const path = write('folder', [{ path: ['a'], bytes: content(5, 1) }]);
  writeFileSync(Buffer.concat([Buffer.from(`${path}/`), Buffer.from([0x66, 0xfc])]), 'x');
  expect(await createTorrent(path)).toMatchObject({ ok: false, error: { code: 'DISK_PATH_UNSAFE' } });
});

test.each([
  ['grows', (path: string) => appendFileSync(path, 'x')],
  ['shrinks', (path: string) => writeFileSync(path, 'x')],
  ['is touched', (path: string) => utimesSync(path, 1, 1)],
  ['is written, at the same length', (path: string) => writeFileSync(path, content(3_000 * KIB, 9))],
  ['vanishes', (path: string) => rmSync(path)],
])('a file that %s while it is hashed ends the call', async (_, change) => {
  const path = write('folder', [
    { path: ['a'], bytes: content(3_000 * KIB, 1) },
    { path: ['b'], bytes: content(3_000 * KIB, 2) },
  ]);
  utimesSync(join(path, 'a'), 1_000, 1_000);
  for (const changeAt of [0, 3]) {
    let calls = 0;
    const outcome = await createTorrent(path, {
      onProgress: () => {
        if (calls++ === changeAt) change(join(path, 'a'));
      },
    });
    expect(outcome).toMatchObject({ ok: false });
    expect(!outcome.ok && outcome.error.message).toContain(join(path, 'a'));
    write('folder', [{ path: ['a'], bytes: content(3_000 * KIB, 1) }]);
    utimesSync(join(path, 'a'), 1_000, 1_000);
  }
});

test('the signal ends it with its own reason, before and while hashing', async () => {
  const path = write('folder', [{ path: ['a'], bytes: content(3_000 * KIB, 1) }]);
  const reason = new Error('no longer wanted');
  await expect(createTorrent(path, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const controller = new AbortController();
  const progress: number[] = [];
  const call = createTorrent(path, {
    signal: controller.signal,
    onProgress: ({ hashedBytes }) => {
      progress.push(hashedBytes);
      if (hashedBytes > 0) controller.abort(reason);
    },
  });
  await expect(call).rejects.toBe(reason);
  expect(progress).toHaveLength(2);
});

test('an error of the progress callback reaches the caller', async () => {
  const path = write('folder', [{ path: ['a'], bytes: content(3_000 * KIB, 1) }]);
  const problem = new Error('callback');
  const call = createTorrent(path, {
    onProgress: ({ hashedBytes }) => {
      if (hashedBytes > 0) throw problem;
    },
  });
  await expect(call).rejects.toBe(problem);
});

test('arguments that no torrent can have', async () => {
  const path = write('folder', [{ path: ['a'], bytes: content(3_000 * KIB, 1) }]);
  for (const pieceLengthBytes of [0, -1, 1.5, Number.NaN, PIECE_LENGTH_MAX_BYTES + 1]) {
    await expect(createTorrent(path, { pieceLengthBytes })).rejects.toThrow(RangeError);
  }
  for (const pieceLengthBytes of [8 * KIB, 48 * KIB]) {
    expect((await created(path, { pieceLengthBytes })).metainfo.info.pieceLengthBytes).toBe(pieceLengthBytes);
    await expect(createTorrent(path, { pieceLengthBytes, format: 'v2' })).rejects.toThrow(RangeError);
    await expect(createTorrent(path, { pieceLengthBytes, format: 'hybrid' })).rejects.toThrow(RangeError);
  }
  await expect(createTorrent(path, { pieceLengthBytes: 1 })).rejects.toThrow(/makes 3072000 pieces/);
  await expect(createTorrent(path, { trackers: ['file:///x'] })).rejects.toThrow(TypeError);
  await expect(createTorrent(path, { webSeeds: ['udp://x:1'] })).rejects.toThrow(TypeError);
});

test('optional fields', async () => {
  const path = write('folder', [{ path: ['a'], bytes: content(5, 1) }]);
  const bare = await created(path, { creationDate: null });
  expect(bare.metainfo).toMatchObject({
    creationDate: undefined,
    comment: undefined,
    trackers: [],
    createdBy: 'Millrace',
  });
  const before = Math.floor(Date.now() / 1000);
  const full = await created(path, { comment: 'ü', webSeeds: ['http://w.example/'], createdBy: 'me' });
  expect(full.metainfo).toMatchObject({ comment: 'ü', webSeeds: ['http://w.example/'], createdBy: 'me' });
  expect(full.metainfo.creationDate).toBeGreaterThanOrEqual(before);
  expect(full.name).toBe(basename(path));
  expect(statSync(join(path, 'a')).size).toBe(5);
});

test('automatic piece lengths give about one to two thousand pieces', () => {
  const MIB = 1024 * KIB;
  const GIB = 1024 * MIB;
  const lengths = [0, 1, 32 * MIB, 32 * MIB + 1, 100 * MIB, GIB, 10 * GIB, 32 * GIB, 500 * GIB].map(
    automaticPieceLength,
  );
  expect(lengths.map((length) => length / KIB)).toEqual([16, 16, 16, 32, 64, 512, 8_192, 16_384, 16_384]);
  for (let size = 32 * MIB; size <= 32 * GIB; size *= 1.37) {
    const count = size / automaticPieceLength(size);
    expect(count).toBeLessThanOrEqual(2_048);
    expect(count).toBeGreaterThanOrEqual(1_024);
  }
  expect(2 ** 46 / automaticPieceLength(2 ** 46)).toBeLessThanOrEqual(2 ** 18);
  expect(automaticPieceLength(2 ** 48) % BLOCK_BYTES).toBe(0);
});
