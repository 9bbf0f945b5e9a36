// What every `Disk` must do, told through the interface alone: run by the disk on one thread, the one with workers, and
// the simulated one. Rules about real file systems (links, permissions, full disks) are tested beside the real disks.
// Long because all of its tests share one disk's set-up and the same few ways to ask it.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bytesEqual, concatBytes } from '../base/bytes.ts';
import { randomBytes, seededRandom } from '../base/random.ts';
import { BLOCK_BYTES } from '../protocol/limits.ts';
import { FileLayout } from '../storage/file-layout.ts';
import type {
  Disk,
  DiskError,
  ExpectedHash,
  FileStatus,
  PieceHashing,
  PieceOutcome,
  Storage,
  StorageFile,
  StorageSpec,
  WriteOutcome,
} from './disk.ts';

export interface DiskUnderTest {
  readonly disk: Disk;
  /** An absolute path; nothing is there, but it may be created. */
  readonly rootPath: string;
  /** Lets a moment pass, for disks whose answers come only when a simulated clock is moved. */
  readonly drive?: (() => void) | undefined;
  /** After the disk was closed: puts away what the test left. */
  dispose(): void | Promise<void>;
}

const V1: PieceHashing = { v1: true, v2: false };
const V2: PieceHashing = { v1: false, v2: true };
const HYBRID: PieceHashing = { v1: true, v2: true };

interface FileOptions {
  readonly pad?: boolean;
  readonly wanted?: boolean;
  readonly offsetBytes?: number;
}

function file(path: string, lengthBytes: number, options: FileOptions = {}): StorageFile {
  return { path: path.split('/'), lengthBytes, pad: false, wanted: true, ...options };
}

function sha1(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha1').update(bytes).digest());
}

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}

/** BEP 52's tree, built whole. */
function merkleRoot(data: Uint8Array, leafCount: number): Uint8Array {
  let layer: Uint8Array[] = Array.from({ length: leafCount }, (_, i) => {
    const block = data.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES);
    return block.length === 0 ? new Uint8Array(32) : sha256(block);
  });
  while (layer.length > 1) {
    layer = Array.from({ length: layer.length / 2 }, (_, i) => sha256(concatBytes(layer.slice(2 * i, 2 * i + 2))));
  }
  return layer[0]!;
}

/** A torrent of random content: its byte space, and what each piece must match. */
class Content {
  readonly layout: FileLayout;
  readonly space: Uint8Array;
  readonly spec: StorageSpec;

  constructor(
    rootPath: string,
    files: readonly StorageFile[],
    pieceLengthBytes: number,
    hashing: PieceHashing = V1,
    key = 'ab12cd34ef567890',
  ) {
    this.spec = { rootPath, key, files, pieceLengthBytes, hashing };
    this.layout = new FileLayout(files, pieceLengthBytes);
    this.space = new Uint8Array(this.layout.spaceBytes);
    const random = seededRandom(files.length + pieceLengthBytes);
    files.forEach(({ pad, lengthBytes }, i) => {
      const start = this.layout.offsetOfFile(i);
      if (!pad) randomBytes(random, this.space.subarray(start, start + lengthBytes));
    });
  }

  piece(pieceIndex: number): Uint8Array {
    const start = pieceIndex * this.spec.pieceLengthBytes;
    return this.space.slice(start, start + this.layout.bytesOfPiece(pieceIndex));
  }

  expected(pieceIndex: number): ExpectedHash {
    const { hashing, pieceLengthBytes } = this.spec;
    const bytes = this.piece(pieceIndex);
    const dataBytes = this.layout.requestableBytesOfPiece(pieceIndex);
    const leafCount = pieceLengthBytes / BLOCK_BYTES;
    const root = (): Uint8Array => merkleRoot(bytes.subarray(0, dataBytes), leafCount);
    return {
      sha1: hashing.v1 ? sha1(bytes) : undefined,
      merkle: hashing.v2 && dataBytes > 0 ? { root: root(), leafCount, dataBytes } : undefined,
    };
  }
}

/** Runs the suite; `create` makes a fresh disk for each test. */
export function describeDisk(name: string, create: () => DiskUnderTest | Promise<DiskUnderTest>): void {
  describe(name, () => {
    let under: DiskUnderTest;

    beforeEach(async () => {
      under = await create();
    });

    afterEach(async () => {
      await answerOf<void>((resolve) => under.disk.close(() => resolve()));
      expect(under.disk.pendingWriteBytes).toBe(0);
      await under.dispose();
    });

    /** Starts something and waits for its answer, which must not come before the call returned, nor twice. */
    async function answerOf<T>(start: (resolve: (value: T) => void) => void): Promise<T> {
      const answers: T[] = [];
      let onAnswer: (() => void) | undefined;
      start((value) => {
        answers.push(value);
        onAnswer?.();
      });
      expect(answers).toHaveLength(0);
      if (under.drive === undefined) await new Promise<void>((resolve) => (onAnswer = resolve));
      else while (answers.length === 0) under.drive();
      // What answers twice does so soon after.
      for (let turn = 0; turn < 3; turn++) under.drive?.();
      expect(answers).toHaveLength(1);
      return answers[0]!;
    }

    const memory = (bytes: Uint8Array): Uint8Array => {
      if (!under.disk.wantsSharedMemory) return bytes.slice();
      const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
      shared.set(bytes);
      return shared;
    };
    const content = (files: readonly StorageFile[], pieceLengthBytes: number, hashing?: PieceHashing): Content =>
      new Content(under.rootPath, files, pieceLengthBytes, hashing);
    const writePiece = (storage: Storage, i: number, data: Uint8Array, expected: ExpectedHash): Promise<PieceOutcome> =>
      answerOf((resolve) => storage.writePiece(i, memory(data), expected, resolve));
    const write = (storage: Storage, torrent: Content, i: number): Promise<PieceOutcome> =>
      writePiece(storage, i, torrent.piece(i), torrent.expected(i));
    const writePart = (storage: Storage, i: number, offset: number, data: Uint8Array): Promise<WriteOutcome> =>
      answerOf((resolve) => storage.writePart(i, offset, memory(data), resolve));
    const hash = (storage: Storage, torrent: Content, i: number): Promise<PieceOutcome> =>
      answerOf((resolve) => storage.hashPiece(i, torrent.expected(i), resolve));
    const stat = async (storage: Storage): Promise<readonly FileStatus[]> => {
      const [error, files] = await answerOf<[DiskError | undefined, readonly FileStatus[]]>((resolve) =>
        storage.stat((statError, statuses) => resolve([statError, statuses])),
      );
      expect(error).toBeUndefined();
      return files;
    };
    const existing = async (storage: Storage): Promise<boolean[]> => (await stat(storage)).map(({ exists }) => exists);
    const setWanted = (storage: Storage, wanted: readonly boolean[]): Promise<WriteOutcome> =>
      answerOf((resolve) => storage.setWanted(wanted, resolve));
    const close = (storage: Storage): Promise<void> =>
      answerOf<void>((resolve) => storage.close(() => resolve(undefined)));
    const read = async (storage: Storage, i: number, begin: number, lengths: readonly number[]) => {
      const targets = lengths.map((length) => new Uint8Array(length).fill(0xee));
      const outcome = await answerOf<WriteOutcome>((resolve) => storage.read(i, begin, targets, resolve));
      return { code: outcome.error?.code, bytes: concatBytes(targets) };
    };
    const expectRead = async (storage: Storage, torrent: Content, i: number): Promise<void> => {
      const { code, bytes } = await read(storage, i, 0, [torrent.piece(i).length]);
      expect(code).toBeUndefined();
      expect(bytesEqual(bytes, torrent.piece(i))).toBe(true);
    };
    const good = { error: undefined, matched: true };
    const bad = { error: undefined, matched: false };

    describe('verifying and writing', () => {
      test.each([
        ['v1', V1],
        ['v2', V2],
        ['hybrid', HYBRID],
      ])('a %s piece that matches is written and can be read', async (_, hashing) => {
        const torrent = content([file('t/a', 40_000)], 2 * BLOCK_BYTES, hashing);
        const storage = under.disk.openStorage(torrent.spec);
        for (const i of [1, 0]) expect(await write(storage, torrent, i)).toMatchObject(good);
        for (const i of [0, 1]) await expectRead(storage, torrent, i);
        for (const i of [0, 1]) expect(await hash(storage, torrent, i)).toMatchObject(good);
        expect(await stat(storage)).toEqual([{ exists: true, lengthBytes: 40_000 }]);
      });

      test.each([
        ['v1', V1],
        ['v2', V2],
        ['hybrid', HYBRID],
      ])('a %s piece that does not match is not written; its blocks are told apart', async (_, hashing) => {
        const torrent = content([file('a', 40_000)], 4 * BLOCK_BYTES, hashing);
        const storage = under.disk.openStorage(torrent.spec);
        const data = torrent.piece(0);
        data[BLOCK_BYTES + 5]! ^= 1;
        const outcome = await writePiece(storage, 0, data, torrent.expected(0));
        expect(outcome).toMatchObject(bad);
        const blocks = [0, 1, 2].map((i) => sha1(data.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES)));
        expect(outcome.blockSha1s).toEqual(concatBytes(blocks));
        expect(await existing(storage)).toEqual([false]);
      });

      test('both hashes of a hybrid piece count', async () => {
        const torrent = content([file('a', BLOCK_BYTES)], BLOCK_BYTES, HYBRID);
        const storage = under.disk.openStorage(torrent.spec);
        const { sha1: right, merkle } = torrent.expected(0);
        const wrong = new Uint8Array(20);
        const wrongRoot = { ...merkle!, root: new Uint8Array(32) };
        expect(await writePiece(storage, 0, torrent.piece(0), { sha1: wrong, merkle })).toMatchObject(bad);
        expect(await writePiece(storage, 0, torrent.piece(0), { sha1: right, merkle: wrongRoot })).toMatchObject(bad);
        expect(await writePiece(storage, 0, torrent.piece(0), { sha1: right, merkle })).toMatchObject(good);
      });

      test('a small v2 file has a tree of its own size', async () => {
        const torrent = content([file('a', 20_000)], 8 * BLOCK_BYTES, V2);
        const storage = under.disk.openStorage(torrent.spec);
        const merkle = { root: merkleRoot(torrent.piece(0), 2), leafCount: 2, dataBytes: 20_000 };
        expect(await writePiece(storage, 0, torrent.piece(0), { merkle })).toMatchObject(good);
      });

      test('parts of a piece are written unverified, then verified by reading', async () => {
        const size = 1024 * 1024 + 3 * BLOCK_BYTES + 5;
        const torrent = content([file('a', size - 100), file('b', 100)], 2 * 1024 * 1024, HYBRID);
        const storage = under.disk.openStorage(torrent.spec);
        const data = torrent.piece(0);
        data[3]! ^= 1;
        expect(await hash(storage, torrent, 0)).toEqual(bad);
        for (const [start, end] of [
          [1024 * 1024, size],
          [0, 1024 * 1024],
        ] as const) {
          expect((await writePart(storage, 0, start, data.subarray(start, end))).error).toBeUndefined();
        }
        const failed = await hash(storage, torrent, 0);
        expect(failed).toMatchObject(bad);
        expect(failed.blockSha1s).toHaveLength(Math.ceil(size / BLOCK_BYTES) * 20);
        expect(failed.blockSha1s!.subarray(0, 20)).toEqual(sha1(data.subarray(0, BLOCK_BYTES)));
        data[3]! ^= 1;
        await writePart(storage, 0, 0, data.subarray(0, BLOCK_BYTES));
        expect(await hash(storage, torrent, 0)).toMatchObject(good);
      });

      test('what is missing does not match, and is no error', async () => {
        const torrent = content([file('a', 50), file('b', 50)], BLOCK_BYTES);
        const storage = under.disk.openStorage(torrent.spec);
        expect(await hash(storage, torrent, 0)).toEqual(bad);
        await writePart(storage, 0, 0, torrent.piece(0).subarray(0, 50));
        expect(await hash(storage, torrent, 0)).toEqual(bad);
      });

      test('data not in shared memory is written all the same', async () => {
        const torrent = content([file('a', 100)], BLOCK_BYTES);
        const storage = under.disk.openStorage(torrent.spec);
        const outcome = await answerOf<PieceOutcome>((resolve) =>
          storage.writePiece(0, torrent.piece(0), torrent.expected(0), resolve),
        );
        expect(outcome).toMatchObject(good);
        await expectRead(storage, torrent, 0);
      });

      test('many writes at once are counted, and each is answered', async () => {
        const torrent = content([file('a', 30_000), file('b', 10), file('c', 60_000)], 1000);
        const storage = under.disk.openStorage(torrent.spec);
        const count = torrent.layout.pieceCount;
        const outcomes = await answerOf<PieceOutcome[]>((resolve) => {
          const all: PieceOutcome[] = [];
          for (let i = 0; i < count; i++) {
            storage.writePiece(i, memory(torrent.piece(i)), torrent.expected(i), (outcome) => {
              all.push(outcome);
              if (all.length === count) resolve(all);
            });
          }
          expect(under.disk.pendingWriteBytes).toBe(torrent.layout.spaceBytes);
        });
        expect(under.disk.pendingWriteBytes).toBe(0);
        expect(outcomes.every(({ matched, error }) => matched && error === undefined)).toBe(true);
        for (const i of [0, 29, 30, count - 1]) await expectRead(storage, torrent, i);
      });
    });

    describe('reading', () => {
      test('any range, into any targets, over file borders', async () => {
        const torrent = content([file('a', 10), file('d/b', 0), file('d/c', 90), file('e', 30)], 100);
        const storage = under.disk.openStorage(torrent.spec);
        for (const i of [0, 1]) await write(storage, torrent, i);
        const { bytes } = await read(storage, 0, 3, [5, 1, 0, 60, 20]);
        expect(bytes).toEqual(torrent.piece(0).subarray(3, 89));
        expect(await read(storage, 1, 0, [])).toMatchObject({ code: undefined });
      });

      test('a file that is missing or too short is not found', async () => {
        const torrent = content([file('a', 300)], 100);
        const storage = under.disk.openStorage(torrent.spec);
        expect((await read(storage, 0, 0, [100])).code).toBe('DISK_NOT_FOUND');
        await write(storage, torrent, 1);
        expect((await read(storage, 2, 0, [100])).code).toBe('DISK_NOT_FOUND');
        expect((await read(storage, 1, 0, [100])).code).toBeUndefined();
      });

      test('a file that appears, or grows, is found', async () => {
        const torrent = content([file('a', 200)], 100);
        const storage = under.disk.openStorage(torrent.spec);
        for (const i of [0, 1]) {
          expect((await read(storage, i, 0, [100])).code).toBe('DISK_NOT_FOUND');
          await write(storage, torrent, i);
          await expectRead(storage, torrent, i);
        }
      });

      test('hundreds of blocks at once', async () => {
        const torrent = content([file('a', 3000)], 3000);
        const storage = under.disk.openStorage(torrent.spec);
        await write(storage, torrent, 0);
        const lengths = Array.from({ length: 1500 }, () => 2);
        expect((await read(storage, 0, 0, lengths)).bytes).toEqual(torrent.piece(0));
      });
    });

    describe('pads and gaps', () => {
      test('read as zeros, count for the hash, and are never created', async () => {
        const files = [file('a', 60), file('.pad/40', 40, { pad: true }), file('b', 30)];
        const torrent = content(files, 100);
        const storage = under.disk.openStorage(torrent.spec);
        for (const i of [0, 1]) expect(await write(storage, torrent, i)).toMatchObject(good);
        expect(await existing(storage)).toEqual([true, false, true]);
        await expectRead(storage, torrent, 0);
        expect(await hash(storage, torrent, 0)).toMatchObject(good);
        expect((await read(storage, 0, 60, [40])).bytes).toEqual(new Uint8Array(40));
      });

      test('need not be part of what is written', async () => {
        const files = [file('a', 20_000), file('p', 12_768, { pad: true }), file('b', 30)];
        const torrent = content(files, 2 * BLOCK_BYTES, HYBRID);
        const storage = under.disk.openStorage(torrent.spec);
        const data = torrent.piece(0).subarray(0, 20_000);
        expect(await writePiece(storage, 0, data, torrent.expected(0))).toMatchObject(good);
        await expectRead(storage, torrent, 0);
      });

      test('a piece of pads alone matches without a file', async () => {
        const torrent = content([file('a', 10), file('p', 290, { pad: true })], 100);
        const storage = under.disk.openStorage(torrent.spec);
        expect(await hash(storage, torrent, 1)).toMatchObject(good);
        expect((await read(storage, 2, 5, [10])).bytes).toEqual(new Uint8Array(10));
        expect(await existing(storage)).toEqual([false, false]);
      });

      test('a gap before a v2 file is zeros', async () => {
        const files = [file('a', 20_000), file('b', 5, { offsetBytes: 2 * BLOCK_BYTES })];
        const torrent = content(files, 2 * BLOCK_BYTES, V2);
        const storage = under.disk.openStorage(torrent.spec);
        for (const i of [0, 1]) expect(await write(storage, torrent, i)).toMatchObject(good);
        await expectRead(storage, torrent, 0);
        expect((await stat(storage)).map(({ lengthBytes }) => lengthBytes)).toEqual([20_000, 5]);
      });
    });

    describe('files that are not wanted', () => {
      const files = [file('t/a', 250), file('t/b', 300, { wanted: false }), file('t/c', 250)];

      test('are not created; what a wanted file shares with them is kept, also for the next time', async () => {
        const torrent = content(files, 100);
        let storage = under.disk.openStorage(torrent.spec);
        for (const i of [0, 1, 2, 5, 6, 7]) expect(await write(storage, torrent, i)).toMatchObject(good);
        expect(await existing(storage)).toEqual([true, false, true]);
        await close(storage);
        storage = under.disk.openStorage(torrent.spec);
        for (const i of [2, 5]) {
          await expectRead(storage, torrent, i);
          expect(await hash(storage, torrent, i)).toMatchObject(good);
        }
        expect(await existing(storage)).toEqual([true, false, true]);
      });

      test('have no place for pieces of their own', async () => {
        const torrent = content(files, 100);
        const storage = under.disk.openStorage(torrent.spec);
        expect((await write(storage, torrent, 3)).error?.code).toBe('DISK_NOT_FOUND');
        expect(await existing(storage)).toEqual([false, false, false]);
      });

      test('get what was kept for them once they are wanted', async () => {
        const torrent = content(files, 100);
        const storage = under.disk.openStorage(torrent.spec);
        for (const i of [2, 5]) await write(storage, torrent, i);
        expect((await setWanted(storage, [true, true, true])).error).toBeUndefined();
        expect(await existing(storage)).toEqual([true, true, true]);
        for (const i of [2, 5]) await expectRead(storage, torrent, i);
        for (const i of [0, 1, 3, 4, 6, 7]) expect(await write(storage, torrent, i)).toMatchObject(good);
        for (let i = 0; i < 8; i++) expect(await hash(storage, torrent, i)).toMatchObject(good);
      });

      test('get what was kept for them when they are wanted the next time', async () => {
        const torrent = content(files, 100);
        const first = under.disk.openStorage(torrent.spec);
        for (const i of [2, 5]) await write(first, torrent, i);
        await close(first);
        const all = torrent.spec.files.map((one) => ({ ...one, wanted: true }));
        const second = under.disk.openStorage({ ...torrent.spec, files: all });
        for (const i of [2, 5]) expect(await hash(second, torrent, i)).toMatchObject(good);
        expect(await existing(second)).toEqual([true, true, true]);
      });

      test('that exist are used as they are', async () => {
        const torrent = content(files, 100);
        const storage = under.disk.openStorage(torrent.spec);
        await setWanted(storage, [true, true, true]);
        for (const i of [2, 3, 4]) await write(storage, torrent, i);
        await setWanted(storage, [true, false, true]);
        for (const i of [2, 3, 4]) await expectRead(storage, torrent, i);
        expect(await write(storage, torrent, 5)).toMatchObject(good);
        await expectRead(storage, torrent, 5);
      });

      test('small ones share pieces with each other', async () => {
        const many = Array.from({ length: 30 }, (_, i) => file(`t/${i}`, 7 + i, { wanted: i % 3 === 0 }));
        const torrent = content(many, 64);
        const storage = under.disk.openStorage(torrent.spec);
        const wanted = many.map((one) => one.wanted);
        const pieces = [...torrent.layout.wantedPieces(wanted).indexes()];
        for (const i of pieces) expect(await write(storage, torrent, i)).toMatchObject(good);
        expect(await existing(storage)).toEqual(wanted);
        for (const i of pieces) await expectRead(storage, torrent, i);
        await setWanted(
          storage,
          many.map(() => true),
        );
        for (const i of pieces) await expectRead(storage, torrent, i);
      });
    });

    describe('empty files and status', () => {
      test('empty wanted files are created on demand, no other', async () => {
        const torrent = content(
          [file('t/e', 0), file('t/d/f', 0), file('t/n', 0, { wanted: false }), file('t/a', 9), file('t/z', 0)],
          100,
        );
        const storage = under.disk.openStorage(torrent.spec);
        expect(await existing(storage)).toEqual([false, false, false, false, false]);
        const outcome = await answerOf<WriteOutcome>((resolve) => storage.createEmptyFiles(resolve));
        expect(outcome.error).toBeUndefined();
        expect(await existing(storage)).toEqual([true, true, false, false, true]);
      });

      test('writing data does not shorten a longer file', async () => {
        const long = content([file('a', 500)], 100);
        const first = under.disk.openStorage(long.spec);
        await write(first, long, 4);
        await close(first);
        const short = content([file('a', 90)], 100);
        const second = under.disk.openStorage(short.spec);
        await write(second, short, 0);
        expect(await stat(second)).toEqual([{ exists: true, lengthBytes: 500 }]);
      });

      test('flushing succeeds, with and without data', async () => {
        const torrent = content([file('t/a', 90), file('t/b', 90)], 100);
        const storage = under.disk.openStorage(torrent.spec);
        for (let round = 0; round < 2; round++) {
          const outcome = await answerOf<WriteOutcome>((resolve) => storage.flush(resolve));
          expect(outcome.error).toBeUndefined();
          await write(storage, torrent, round);
        }
      });
    });

    describe('closing', () => {
      test('finishes what was asked, then refuses', async () => {
        const torrent = content([file('a', 90)], 100);
        const storage = under.disk.openStorage(torrent.spec);
        const order: string[] = [];
        await answerOf<void>((resolve) => {
          storage.writePiece(0, memory(torrent.piece(0)), torrent.expected(0), ({ matched }) =>
            order.push(`written ${matched}`),
          );
          storage.close(() => {
            order.push('closed');
            resolve(undefined);
          });
        });
        expect(order).toEqual(['written true', 'closed']);
        const closed = { error: { code: 'DISK_CLOSED' } };
        expect(await write(storage, torrent, 0)).toMatchObject(closed);
        expect(await writePart(storage, 0, 0, torrent.piece(0))).toMatchObject(closed);
        expect(await hash(storage, torrent, 0)).toMatchObject(closed);
        expect(await read(storage, 0, 0, [1])).toMatchObject({ code: 'DISK_CLOSED' });
        expect(await setWanted(storage, [true])).toMatchObject(closed);
        expect(await answerOf<WriteOutcome>((resolve) => storage.flush(resolve))).toMatchObject(closed);
        expect(await answerOf<WriteOutcome>((resolve) => storage.createEmptyFiles(resolve))).toMatchObject(closed);
        const statError = await answerOf<DiskError | undefined>((resolve) => storage.stat(resolve));
        expect(statError?.code).toBe('DISK_CLOSED');
        await close(storage);
      });

      test('twice at once answers twice', async () => {
        const storage = under.disk.openStorage(content([file('a', 90)], 100).spec);
        const other = answerOf<void>((resolve) => storage.close(() => resolve(undefined)));
        await close(storage);
        await other;
      });

      test('one torrent leaves another in the same root alone', async () => {
        const one = new Content(
          under.rootPath,
          [file('a', 150), file('x', 50, { wanted: false })],
          100,
          V1,
          'aaaaaaaa00',
        );
        const two = new Content(
          under.rootPath,
          [file('b', 150), file('y', 50, { wanted: false })],
          64,
          V1,
          'bbbbbbbb00',
        );
        const first = under.disk.openStorage(one.spec);
        const second = under.disk.openStorage(two.spec);
        await write(first, one, 1);
        await write(second, two, 2);
        await close(first);
        await expectRead(second, two, 2);
        const again = under.disk.openStorage(one.spec);
        await expectRead(again, one, 1);
      });

      test('the disk closes its storages', async () => {
        const torrent = content([file('a', 90)], 100);
        const storage = under.disk.openStorage(torrent.spec);
        await answerOf<void>((resolve) => under.disk.close(() => resolve(undefined)));
        expect(await write(storage, torrent, 0)).toMatchObject({ error: { code: 'DISK_CLOSED' } });
      });
    });

    test('whatever the layout, what is written piece by piece is read back', async () => {
      const layouts = fc.record({
        files: fc.array(
          fc.record({ lengthBytes: fc.nat(400), pad: fc.boolean(), wanted: fc.boolean(), depth: fc.nat(2) }),
          { minLength: 1, maxLength: 10 },
        ),
        pieceLengthBytes: fc.integer({ min: 20, max: 200 }),
        order: fc.nat(),
      });
      let round = 0;
      await fc.assert(
        fc.asyncProperty(layouts, async ({ files, pieceLengthBytes, order }) => {
          round++;
          const named = files.map(({ depth, ...rest }, i) =>
            file(`round${round}/${'d/'.repeat(depth)}${i}`, rest.lengthBytes, rest),
          );
          const torrent = content(named, pieceLengthBytes);
          const storage = under.disk.openStorage(torrent.spec);
          const wanted = named.map((one) => one.wanted);
          const pieces = [...torrent.layout.wantedPieces(wanted).indexes()];
          pieces.sort((a, b) => ((a * 7919 + order) % 101) - ((b * 7919 + order) % 101));
          for (const i of pieces) expect(await write(storage, torrent, i)).toMatchObject(good);
          for (const i of pieces) await expectRead(storage, torrent, i);
          // Wanted data files and no others; an empty one has no piece that would create it.
          expect(await existing(storage)).toEqual(named.map((one) => one.wanted && !one.pad && one.lengthBytes > 0));
          await setWanted(
            storage,
            wanted.map(() => true),
          );
          for (const i of pieces) expect(await hash(storage, torrent, i)).toMatchObject(good);
          await close(storage);
        }),
        { numRuns: 25 },
      );
    });
  });
}
