// Goal: what only a real file system can do to a disk: links put in its way, things of the wrong kind, no room, no
// rights. Method: the disk on this thread (all disks share what is tested here) in a temporary folder.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { PieceOutcome, Storage, StorageFile, StorageSpec, WriteOutcome } from '../../platform/disk.ts';
import { failureOf } from './disk-failure.ts';
import { DiskThread } from './disk-thread.ts';
import { InlineDisk } from './inline-disk.ts';
import { FolderWalker } from './safe-folder.ts';
import { storedTorrentOf } from './stored-torrent.ts';

const IS_LINUX = process.platform === 'linux';
const IS_ROOT = process.getuid?.() === 0;
const PIECE_BYTES = 100;
const DATA = new Uint8Array(PIECE_BYTES).fill(7);
const SHA1 = new Uint8Array(createHash('sha1').update(DATA).digest());

let folder: string;
let root: string;
let disk: InlineDisk;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-real-files-'));
  root = join(folder, 'root');
  mkdirSync(root);
  disk = new InlineDisk();
});

afterEach(async () => {
  await new Promise<void>((resolve) => disk.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

/** Files of one piece each. */
function specOf(...paths: string[]): StorageSpec {
  const files = paths.map((path): StorageFile => {
    return { path: path.split('/'), lengthBytes: PIECE_BYTES, pad: false, wanted: true };
  });
  return {
    rootPath: root,
    key: 'ab12cd34ef567890',
    files,
    pieceLengthBytes: PIECE_BYTES,
    hashing: { v1: true, v2: false },
  };
}

function write(storage: Storage, pieceIndex: number): Promise<PieceOutcome> {
  return new Promise((resolve) => storage.writePiece(pieceIndex, DATA, { sha1: SHA1 }, resolve));
}

function read(storage: Storage, pieceIndex: number): Promise<WriteOutcome> {
  return new Promise((resolve) => storage.read(pieceIndex, 0, [new Uint8Array(PIECE_BYTES)], resolve));
}

/** Writes the one file of a torrent. */
function writeTo(path: string): Promise<PieceOutcome> {
  return write(disk.openStorage(specOf(path)), 0);
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

describe.skipIf(process.platform === 'win32')('links', () => {
  test('a folder that is a link is refused, and nothing is written behind it', async () => {
    mkdirSync(join(folder, 'outside'));
    symlinkSync(join(folder, 'outside'), join(root, 't'));
    const { error } = await writeTo('t/a');
    expect(error).toEqual({
      code: 'DISK_PATH_UNSAFE',
      message: `${join(root, 't')} is a symbolic link where the torrent has a folder`,
    });
    expect(await writeTo('t/u/a')).toMatchObject({ error: { code: 'DISK_PATH_UNSAFE' } });
    expect(readdirSync(join(folder, 'outside'))).toEqual([]);
  });

  test.each(['outside', 'nowhere'])('a file that is a link to %s is refused', async (target) => {
    writeFileSync(join(folder, 'outside'), 'mine');
    symlinkSync(join(folder, target), join(root, 'a'));
    expect(await writeTo('a')).toMatchObject({ error: { code: 'DISK_PATH_UNSAFE' } });
    expect(await read(disk.openStorage(specOf('a')), 0)).toMatchObject({ error: { code: 'DISK_PATH_UNSAFE' } });
    expect(readFileSync(join(folder, 'outside'), 'utf8')).toBe('mine');
    expect(existsSync(join(folder, 'nowhere'))).toBe(false);
  });

  test('the root may be a link: the user chose it', async () => {
    mkdirSync(join(folder, 'real'));
    symlinkSync(join(folder, 'real'), join(folder, 'link'));
    const storage = disk.openStorage({ ...specOf('t/a'), rootPath: join(folder, 'link') });
    expect(await write(storage, 0)).toMatchObject({ matched: true });
    expect(existsSync(join(folder, 'real', 't', 'a'))).toBe(true);
  });

  test('a file with another name elsewhere is read but not written', async () => {
    writeFileSync(
      join(folder, 'outside'),
      DATA.map((byte) => byte + 1),
    );
    linkSync(join(folder, 'outside'), join(root, 'a'));
    const storage = disk.openStorage(specOf('a'));
    expect((await read(storage, 0)).error).toBeUndefined();
    expect(await write(storage, 0)).toMatchObject({ error: { code: 'DISK_PATH_UNSAFE' } });
    expect(readFileSync(join(folder, 'outside'))[0]).toBe(8);
  });

  test('a file that we created may get another name', async () => {
    const storage = disk.openStorage({ ...specOf('a'), files: [{ ...specOf('a').files[0]!, lengthBytes: 200 }] });
    await write(storage, 0);
    linkSync(join(root, 'a'), join(folder, 'also'));
    // Opened for reading in between, the file has to be opened for writing again.
    await new Promise<void>((resolve) => storage.setWanted([true], () => resolve()));
    expect(await write(storage, 1)).toMatchObject({ matched: true });
  });

  test('a folder that becomes a link between two files is refused', async () => {
    mkdirSync(join(folder, 'outside'));
    const storage = disk.openStorage(specOf('t/a/1', 't/b/1', 't/c/1', 't/b/2'));
    expect(await write(storage, 0)).toMatchObject({ matched: true });
    // The folder above is still open.
    symlinkSync(join(folder, 'outside'), join(root, 't', 'b'));
    expect(await write(storage, 1)).toMatchObject({ error: { code: 'DISK_PATH_UNSAFE' } });
    expect(await write(storage, 2)).toMatchObject({ matched: true });
    renameSync(join(root, 't'), join(root, 'away'));
    symlinkSync(join(folder, 'outside'), join(root, 't'));
    // Whether the old folder is still open or not, the link leads nowhere.
    await write(storage, 3);
    expect(readdirSync(join(folder, 'outside'))).toEqual([]);
  });

  test('folders that were removed and are there again are found, though their like was open', async () => {
    const storage = disk.openStorage(specOf('t/a/1', 't/b/1', 't/b/2'));
    expect(await write(storage, 0)).toMatchObject({ matched: true });
    rmSync(join(root, 't'), { recursive: true });
    mkdirSync(join(root, 't', 'b'), { recursive: true });
    writeFileSync(join(root, 't', 'b', '1'), DATA);
    expect((await read(storage, 1)).error).toBeUndefined();
    expect(await write(storage, 2)).toMatchObject({ matched: true });
    expect(readdirSync(join(root, 't', 'b'))).toEqual(['1', '2']);
  });

  test.runIf(IS_LINUX)('a folder that becomes a link again and again never lets a write out', async () => {
    mkdirSync(join(folder, 'outside'));
    mkdirSync(join(root, 't'));
    const swap = `
      const { renameSync, symlinkSync, unlinkSync } = require('node:fs');
      process.stdout.write('ready');
      for (const end = Date.now() + 5000; Date.now() < end; ) {
        renameSync('t', 'away'); symlinkSync('../outside', 't'); unlinkSync('t'); renameSync('away', 't');
      }`;
    const swapper = spawn(process.execPath, ['-e', swap], { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] });
    await new Promise((resolve) => swapper.stdout.once('data', resolve));
    const exited = new Promise((resolve) => swapper.once('exit', resolve));
    // A thread that may have one file open, and no folder, has to walk for every write.
    const outcomes = new Set<string>();
    for (let i = 0; i < 1500; i++) {
      const thread = new DiskThread(1);
      thread.openStorage(1, storedTorrentOf(specOf(`t/${i}`)));
      const answer = thread.run({ type: 'writePart', storageId: 1, pieceIndex: 0, begin: 0 }, DATA);
      thread.closeStorage(1);
      outcomes.add(answer.error?.code ?? 'written');
    }
    swapper.kill();
    await exited;
    expect(readdirSync(join(folder, 'outside'))).toEqual([]);
    expect(outcomes).toContain('written');
  });
});

describe('things of the wrong kind', () => {
  test('a file where the torrent has a folder', async () => {
    writeFileSync(join(root, 't'), 'a file');
    expect(await writeTo('t/a')).toMatchObject({
      error: { code: 'DISK_PATH_CONFLICT', message: expect.stringContaining(join(root, 't')) },
    });
    expect(await writeTo('t/u/a')).toMatchObject({ error: { code: 'DISK_PATH_CONFLICT' } });
  });

  test('a folder where the torrent has a file', async () => {
    mkdirSync(join(root, 'a'));
    expect(await writeTo('a')).toMatchObject({ error: { code: 'DISK_PATH_CONFLICT' } });
    expect(await read(disk.openStorage(specOf('a')), 0)).toMatchObject({ error: { code: 'DISK_PATH_CONFLICT' } });
  });

  test.skipIf(process.platform === 'win32')('a pipe does not stop the thread', async () => {
    execFileSync('mkfifo', [join(root, 'a')]);
    expect(await writeTo('a')).toMatchObject({ error: { code: 'DISK_PATH_CONFLICT' } });
    expect(await read(disk.openStorage(specOf('a')), 0)).toMatchObject({ error: { code: 'DISK_PATH_CONFLICT' } });
  });

  test('none of them exists as a file', async () => {
    mkdirSync(join(root, 'a'));
    writeFileSync(join(root, 't'), '');
    const storage = disk.openStorage(specOf('a', 't/b'));
    const files = await new Promise<readonly unknown[]>((resolve) => storage.stat((_, statuses) => resolve(statuses)));
    const none = { exists: false, lengthBytes: 0 };
    expect(files).toEqual([none, none]);
  });

  test('the root is a file', async () => {
    rmSync(root, { recursive: true });
    writeFileSync(root, '');
    expect(await writeTo('a')).toMatchObject({ error: { code: 'DISK_PATH_CONFLICT' } });
  });

  test('the root and the folders above it are created', async () => {
    root = join(root, 'not', 'yet', 'there');
    expect(await writeTo('a')).toMatchObject({ matched: true });
    expect(readdirSync(root)).toEqual(['a']);
  });

  test.runIf(IS_LINUX)('a file system that lets nobody create the root gives an answer', async () => {
    root = '/proc/millrace/root';
    expect(await writeTo('a')).toMatchObject({ error: { message: expect.stringContaining('/proc/millrace') } });
    // Known before anything is fetched, too.
    const storage = disk.openStorage(specOf('a'));
    const outcome = await new Promise<WriteOutcome>((resolve) => storage.createEmptyFiles(resolve));
    expect(outcome.error?.message).toContain('/proc/millrace');
  });
});

describe('no room, no rights', () => {
  test.runIf(IS_LINUX)('what the system says about a full disk becomes one sentence', () => {
    const fd = openSync('/dev/full', 'w');
    let thrown: unknown;
    try {
      writeSync(fd, DATA);
    } catch (error) {
      thrown = error;
    } finally {
      closeSync(fd);
    }
    expect(failureOf(thrown, 'write', '/r/a')).toMatchObject({
      code: 'DISK_FULL',
      message: 'cannot write /r/a: no space left on device (ENOSPC)',
    });
  });

  test.each([
    ['EDQUOT', 'DISK_FULL'],
    ['EACCES', 'DISK_PERMISSION'],
    ['EPERM', 'DISK_PERMISSION'],
    ['EROFS', 'DISK_READ_ONLY'],
    ['EMFILE', 'DISK_TOO_MANY_FILES'],
    ['ENFILE', 'DISK_TOO_MANY_FILES'],
    ['EIO', 'DISK_IO'],
    ['EFBIG', 'DISK_IO'],
  ])('%s is %s', (errno, code) => {
    const error = Object.assign(new Error(`${errno}: the reason, write`), { code: errno });
    expect(failureOf(error, 'write', 'p')).toMatchObject({ code, message: `cannot write p: the reason (${errno})` });
  });

  test.runIf(IS_LINUX && IS_ROOT)('a small file system fills up, and is later mounted read-only', async (context) => {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', root], { stdio: 'ignore' });
    } catch {
      // Root without the right to mount, as in a container.
      context.skip();
    }
    try {
      const file = { ...specOf('a').files[0]!, lengthBytes: 1_000_000 };
      const storage = disk.openStorage({ ...specOf('a'), files: [file], pieceLengthBytes: 50_000 });
      const writePart = (piece: number): Promise<WriteOutcome> =>
        new Promise((resolve) => storage.writePart(piece, 0, new Uint8Array(50_000).fill(1), resolve));
      expect((await writePart(0)).error).toBeUndefined();
      expect(await writePart(5)).toMatchObject({ error: { code: 'DISK_FULL' } });
      await new Promise<void>((resolve) => storage.close(resolve));
      execFileSync('mount', ['-o', 'remount,ro', root]);
      expect(await writeTo('b')).toMatchObject({ error: { code: 'DISK_READ_ONLY' } });
      expect(await writeTo('t/c')).toMatchObject({ error: { code: 'DISK_READ_ONLY' } });
    } finally {
      await new Promise<void>((resolve) => disk.close(resolve));
      execFileSync('umount', [root]);
    }
  });

  test.skipIf(process.platform === 'win32')('a folder that may not be written to', async () => {
    chmodSync(folder, 0o755);
    chmodSync(root, 0o555);
    if (IS_ROOT) process.seteuid!(65_534);
    try {
      expect(await writeTo('a')).toMatchObject({ error: { code: 'DISK_PERMISSION' } });
      expect(await writeTo('t/a')).toMatchObject({ error: { code: 'DISK_PERMISSION' } });
    } finally {
      if (IS_ROOT) process.seteuid!(0);
      chmodSync(root, 0o755);
    }
  });
});

describe('open files', () => {
  test('opening a torrent of 20,000 files touches none of them', async () => {
    rmSync(root, { recursive: true });
    const storage = disk.openStorage(specOf(...Array.from({ length: 20_000 }, (_, i) => `t/${i % 50}/${i}`)));
    expect(existsSync(root)).toBe(false);
    expect(await write(storage, 12_345)).toMatchObject({ matched: true });
    expect(readdirSync(join(root, 't'))).toEqual(['45']);
  });

  test.runIf(IS_LINUX)('no more than asked for, and none after closing', () => {
    const before = openDescriptors();
    const thread = new DiskThread(3);
    const spec = specOf(...Array.from({ length: 10 }, (_, i) => `t/${i}`));
    thread.openStorage(1, storedTorrentOf(spec));
    for (let i = 0; i < 20; i++) {
      const job = { type: 'writePart', storageId: 1, pieceIndex: (i * 7) % 10, begin: 0 } as const;
      expect(thread.run(job, DATA)).toEqual({});
    }
    // Three files, the folder and the root.
    expect(openDescriptors()).toBe(before + 5);
    thread.run({ type: 'stat', storageId: 1 });
    thread.run({ type: 'flush', storageId: 1 });
    thread.closeStorage(1);
    expect(openDescriptors()).toBe(before);
    expect(readdirSync(join(root, 't'))).toHaveLength(10);
  });

  test.runIf(IS_LINUX)('of a deep tree only the outer folders are kept', () => {
    const before = openDescriptors();
    const walker = new FolderWalker();
    const deep = Array.from({ length: 60 }, (_, i) => `f${i}`);
    for (const depth of [60, 3, 59, 9, 8, 7, 60, 0, 60]) {
      const path = deep.slice(0, depth).join('/');
      expect(walker.enter(root, path, true)?.path).toBe(join(root, path));
      expect(openDescriptors()).toBeLessThanOrEqual(before + 9);
    }
    writeFileSync(join(root, deep.slice(0, 20).join('/'), 'file'), '');
    expect(() => walker.enter(root, `${deep.slice(0, 20).join('/')}/file/x`, true)).toThrow(/no folder/);
    expect(walker.enter(root, `${deep.slice(0, 30).join('/')}/none/x`, false)).toBeUndefined();
    expect(walker.missingPath).toBe(`${deep.slice(0, 30).join('/')}/none`);
    walker.leave('/another');
    walker.leave(root);
    expect(openDescriptors()).toBe(before);
  });

  test.skipIf(process.platform === 'win32')('a deleted file is noticed, and created again', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const storage = disk.openStorage(specOf('t/a'));
      await write(storage, 0);
      rmSync(join(root, 't'), { recursive: true });
      vi.advanceTimersByTime(1_001);
      const hashed = await new Promise<PieceOutcome>((resolve) => storage.hashPiece(0, { sha1: SHA1 }, resolve));
      expect(hashed).toEqual({ error: undefined, matched: false });
      await write(storage, 0);
      expect(readFileSync(join(root, 't', 'a'))).toHaveLength(PIECE_BYTES);
    } finally {
      vi.useRealTimers();
    }
  });

  test('files are not executable', async () => {
    await writeTo('a');
    expect(statSync(join(root, 'a')).mode & 0o111).toBe(0);
  });
});

describe('the part file', () => {
  test('appears when it is needed and goes when every file is wanted', async () => {
    const one = specOf('t/a', 't/b');
    const files = one.files.map((file, i) => ({ ...file, lengthBytes: 50, wanted: i === 0 }));
    const storage = disk.openStorage({ ...one, files });
    expect(readdirSync(root)).toEqual([]);
    await write(storage, 0);
    expect(readdirSync(root).sort()).toEqual(['.ab12cd34.parts', 't']);
    expect(statSync(join(root, '.ab12cd34.parts')).size).toBe(100);
    await new Promise<void>((resolve) => storage.setWanted([true, true], () => resolve()));
    expect(readdirSync(root)).toEqual(['t']);
    expect(readFileSync(join(root, 't', 'b'))).toEqual(Buffer.alloc(50, 7));
  });

  test('is not taken for the contents of a file that is there', async () => {
    const one = specOf('a', 'b');
    const files = one.files.map((file, i) => ({ ...file, lengthBytes: 50, wanted: i === 0 }));
    const storage = disk.openStorage({ ...one, files });
    await write(storage, 0);
    writeFileSync(join(root, 'b'), 'the user put this here');
    await new Promise<void>((resolve) => storage.setWanted([true, true], () => resolve()));
    expect(readFileSync(join(root, 'b'), 'utf8')).toBe('the user put this here');
    unlinkSync(join(root, 'b'));
  });
});
