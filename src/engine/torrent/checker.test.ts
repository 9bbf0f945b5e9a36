import { beforeEach, expect, test } from 'vitest';
import { nodeCrypto } from '../../../sim/testing/node-crypto.ts';
import { SimContent } from '../../../sim/world/sim-content.ts';
import { SimDisk } from '../../../sim/world/sim-disk.ts';
import { SimFileSystem } from '../../../sim/world/sim-file-system.ts';
import { VirtualClock } from '../../../sim/world/virtual-clock.ts';
import { seededRandom } from '../../base/random.ts';
import type { DiskError, Storage } from '../../platform/disk.ts';
import { Checker, type CheckMode, type PieceVerdict } from './checker.ts';
import { TorrentContent } from './torrent-content.ts';
import { VerifyReport } from './verify-report.ts';

const PIECE_BYTES = 16_384;
// Two pieces, half a piece, then two and a half.
const FILES = [2 * PIECE_BYTES, PIECE_BYTES / 2, 2.5 * PIECE_BYTES];

let clock: VirtualClock;
let content: SimContent;
let files: SimFileSystem;
let disk: SimDisk;
let torrentContent: TorrentContent;
let storage: Storage;

beforeEach(() => {
  const crypto = nodeCrypto();
  clock = new VirtualClock();
  content = new SimContent({ files: FILES, pieceLengthBytes: PIECE_BYTES, name: 'set' }, seededRandom(1), crypto);
  files = new SimFileSystem();
  disk = new SimDisk(clock, crypto, files);
  torrentContent = new TorrentContent(content.info);
  storage = disk.openStorage(
    torrentContent.storageSpec(
      '/data',
      FILES.map(() => true),
    ),
  );
});

function put(index: number, edit: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes): void {
  const { path, bytes } = content.files[index]!;
  files.put(`/data/${path}`, edit(bytes.slice()));
}

interface Outcome {
  readonly verdicts: ReadonlyMap<number, PieceVerdict>;
  readonly report: VerifyReport;
  readonly ends: (DiskError | undefined)[];
  readonly checker: Checker;
}

function check(mode: CheckMode): Outcome {
  const verdicts = new Map<number, PieceVerdict>();
  const report = new VerifyReport(torrentContent);
  const ends: (DiskError | undefined)[] = [];
  const checker = new Checker(
    { storage, content: torrentContent, concurrency: 2 },
    {
      handlePieceChecked: (pieceIndex, verdict) => {
        verdicts.set(pieceIndex, verdict);
        report.add(pieceIndex, verdict);
      },
      handleChecked: (error, found) => {
        ends.push(error);
        report.finish(found);
      },
    },
  );
  checker.start(mode);
  return { verdicts, report, ends, checker };
}

test('auto hashes only pieces with bytes on disk', () => {
  put(0);
  const { verdicts, ends } = check('auto');
  clock.advanceBy(1_000);
  expect(Object.fromEntries(verdicts)).toEqual({ 0: 'good', 1: 'good' });
  expect(ends).toEqual([undefined]);
});

test('always hashes all, and tells damage from absence', () => {
  put(0, (bytes) => bytes.fill(0, 100, 200));
  put(1);
  put(2, (bytes) => bytes.subarray(0, bytes.length - 1));
  const { verdicts, report } = check('always');
  clock.advanceBy(1_000);
  expect(Object.fromEntries(verdicts)).toEqual({ 0: 'bad', 1: 'good', 2: 'good', 3: 'good', 4: 'missing' });
  const result = report.result();
  expect(result).toMatchObject({ pieceCount: 5, goodPieces: 3, badPieces: 1, missingPieces: 1 });
  expect(result.damagedFiles.map(({ index, reason, badPieceCount }) => [index, reason, badPieceCount])).toEqual([
    [0, 'damaged', 1],
    [2, 'wrong-length', 1],
  ]);
});

test('a file that is not there is missing, and all pieces that touch it are', () => {
  put(0);
  put(2);
  const { report } = check('always');
  clock.advanceBy(1_000);
  const result = report.result();
  expect(result.missingPieces).toBe(1);
  expect(result.damagedFiles).toMatchObject([
    { index: 1, reason: 'missing', badPieceCount: 1 },
    { index: 2, reason: 'damaged', badPieceCount: 1 },
  ]);
});

test('never believes in files of the right length and hashes nothing', () => {
  put(0, (bytes) => bytes.fill(0));
  put(1);
  const { verdicts, ends } = check('never');
  clock.advanceBy(1_000);
  expect(Object.fromEntries(verdicts)).toEqual({ 0: 'good', 1: 'good' });
  expect(ends).toEqual([undefined]);
});

test('an error of the disk ends the check once; what was under way is not reported', () => {
  for (const index of [0, 1, 2]) put(index);
  disk.faults.read = (pieceIndex) => (pieceIndex === 1 ? 'DISK_IO' : undefined);
  const { verdicts, ends } = check('always');
  clock.advanceBy(1_000);
  expect(ends).toMatchObject([{ code: 'DISK_IO' }]);
  expect(verdicts.size).toBeLessThan(5);
});

test.each([0, 1, 3])('a check that is cancelled after %i answers says nothing more', (answers) => {
  for (const index of [0, 1, 2]) put(index);
  const { verdicts, ends, checker } = check('always');
  clock.runUntil(() => verdicts.size >= answers, { limitMs: 1_000 });
  const before = verdicts.size;
  checker.cancel();
  clock.advanceBy(1_000);
  expect(verdicts.size).toBe(before);
  expect(ends).toEqual([]);
});
