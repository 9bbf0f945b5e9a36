// Goal: the disk that checks files keeps the contract of a disk, and each piece is hashed once, by its own thread or one that
// helps. Method: the built worker, since threads run nothing else.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HashHelpers, type HashTask } from '../../src/node/disk/hash-helpers.ts';
import { InlineDisk } from '../../src/node/disk/inline-disk.ts';
import { storedTorrentOf } from '../../src/node/disk/stored-torrent.ts';
import { describeDisk } from '../../src/platform/disk.contract.ts';
import type { PieceOutcome, StorageSpec } from '../../src/platform/disk.ts';
import { builtWorker } from './built.ts';

const PIECE_BYTES = 256 * 1024;
const PIECE_COUNT = 80;
const DAMAGED_PIECE = 70;
const sha1 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha1').update(bytes).digest());
const createHelpers = (): HashHelpers =>
  new HashHelpers({ url: builtWorker('disk-worker'), threadCount: 2, openFilesMax: 8 });

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-checking-disk-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

describeDisk('InlineDisk with threads that help', () => {
  const parent = mkdtempSync(join(tmpdir(), 'millrace-checking-disk-'));
  return {
    disk: new InlineDisk(createHelpers()),
    rootPath: join(parent, 'save', 'root'),
    dispose: () => rmSync(parent, { recursive: true }),
  };
});

/** A file of pieces that differ, one of them not as it should be, and what the pieces should be. */
function writeContent(): { spec: StorageSpec; expected: Uint8Array[] } {
  const bytes = new Uint8Array(PIECE_BYTES * PIECE_COUNT);
  const pieceOf = (piece: number): Uint8Array => bytes.subarray(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES);
  const expected = Array.from({ length: PIECE_COUNT }, (_, piece) => sha1(pieceOf(piece).fill(piece)));
  pieceOf(DAMAGED_PIECE)[5] = 0;
  writeFileSync(join(folder, 'file'), bytes);
  const file = { path: ['file'], lengthBytes: bytes.length, pad: false, wanted: true };
  const hashing = { v1: true, v2: false };
  return {
    spec: { rootPath: folder, key: 'ab12cd34', files: [file], pieceLengthBytes: PIECE_BYTES, hashing },
    expected,
  };
}

test('pieces are told apart whoever hashes them', async () => {
  const { spec, expected } = writeContent();
  const disk = new InlineDisk(createHelpers());
  const storage = disk.openStorage(spec);
  const outcomes = await Promise.all(
    expected.map((hash, piece) => new Promise<PieceOutcome>((done) => storage.hashPiece(piece, { sha1: hash }, done))),
  );
  const wrong = outcomes.flatMap(({ matched, error }, piece) => (matched && error === undefined ? [] : [piece]));
  expect(wrong).toEqual([DAMAGED_PIECE]);
  expect(outcomes[DAMAGED_PIECE]?.blockSha1s).toHaveLength((PIECE_BYTES / 16_384) * 20);
  await new Promise<void>((resolve) => disk.close(resolve));
});

test('threads that have started do it all when nobody else takes anything', async () => {
  const { spec, expected } = writeContent();
  const helpers = createHelpers();
  const torrent = storedTorrentOf(spec);
  helpers.start();
  const results = await Promise.all(
    expected.map((hash, pieceIndex) => {
      const digest = { sha1: Buffer.from(hash).toString('latin1'), merkleRoot: '', leafCount: 0, dataBytes: 0 };
      const job: HashTask['job'] = { type: 'hashPiece', storageId: 1, pieceIndex, expected: digest };
      return new Promise((onDone) => helpers.add({ job, torrent, costBytes: PIECE_BYTES, onDone }));
    }),
  );
  const right = results.filter((answer) => (answer as { matched?: boolean }).matched === true);
  expect(right).toHaveLength(PIECE_COUNT - 1);
  expect(helpers.takeFirst()).toBe(undefined);
  helpers.forget(1);
  helpers.close();
});
