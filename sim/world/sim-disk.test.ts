import { expect, test } from 'vitest';
import { bytesEqual, concatBytes } from '../../src/base/bytes.ts';
import { randomBytes, seededRandom } from '../../src/base/random.ts';
import { describeDisk } from '../../src/platform/disk.contract.ts';
import type { ExpectedHash, PieceOutcome, Storage, WriteOutcome } from '../../src/platform/disk.ts';
import { nodeCrypto } from '../testing/node-crypto.ts';
import { SimDisk, type SimDiskOptions } from './sim-disk.ts';
import { SimFileSystem } from './sim-file-system.ts';
import { VirtualClock } from './virtual-clock.ts';

const PIECE_BYTES = 32_768;
const crypto = nodeCrypto();

/** Three files over four pieces; the second is a pad that ends piece 1, and the third starts piece 2. */
function build(options: SimDiskOptions = {}): {
  clock: VirtualClock;
  system: SimFileSystem;
  disk: SimDisk;
  storage: Storage;
  pieces: Uint8Array[];
  expected: (index: number) => ExpectedHash;
  run: <Outcome>(start: (onDone: (outcome: Outcome) => void) => void) => Outcome;
} {
  const clock = new VirtualClock();
  const system = new SimFileSystem();
  const disk = new SimDisk(clock, crypto, system, options);
  const storage = disk.openStorage({
    rootPath: '/data',
    key: 'ab',
    files: [
      { path: ['t', 'a'], lengthBytes: 50_000, pad: false, wanted: true },
      { path: ['t', '.pad'], lengthBytes: 15_536, pad: true, wanted: true },
      { path: ['t', 'b'], lengthBytes: 40_000, pad: false, wanted: true },
      { path: ['t', 'c'], lengthBytes: 20_000, pad: false, wanted: false },
    ],
    pieceLengthBytes: PIECE_BYTES,
    hashing: { v1: true, v2: false },
  });
  const random = seededRandom(3);
  const space = concatBytes([
    randomBytes(random, new Uint8Array(50_000)),
    new Uint8Array(15_536),
    randomBytes(random, new Uint8Array(60_000)),
  ]);
  const pieces = [0, 1, 2, 3].map((index) => space.slice(index * PIECE_BYTES, (index + 1) * PIECE_BYTES));
  return {
    clock,
    system,
    disk,
    storage,
    pieces,
    expected: (index) => ({ sha1: crypto.sha1(pieces[index]!) }),
    run: (start) => {
      const outcomes: unknown[] = [];
      start((outcome) => outcomes.push(outcome));
      expect(outcomes).toEqual([]);
      clock.runUntil(() => outcomes.length > 0, { limitMs: 60_000 });
      clock.advanceBy(1_000);
      expect(outcomes).toHaveLength(1);
      return outcomes[0] as never;
    },
  };
}

test('writes what matches, refuses what does not, and reads it back', () => {
  const { storage, system, pieces, expected, run } = build();
  const wrong = pieces[0]!.slice();
  wrong[20_000]! ^= 1;
  const refused = run<PieceOutcome>((onDone) => storage.writePiece(0, wrong, expected(0), onDone));
  expect(refused.matched).toBe(false);
  expect(refused.blockSha1s?.slice(0, 20)).toEqual(crypto.sha1(pieces[0]!.slice(0, 16_384)));
  expect(system.paths()).toEqual([]);
  for (const index of [0, 1, 2, 3]) {
    const data = index === 1 ? pieces[1]!.slice(0, 50_000 - PIECE_BYTES) : pieces[index]!;
    expect(run<PieceOutcome>((onDone) => storage.writePiece(index, data, expected(index), onDone))).toEqual({
      matched: true,
    });
  }
  expect(system.paths()).toEqual(['/data/t/a', '/data/t/b', '/data/.ab.part']);
  expect(bytesEqual(system.read('/data/t/a')!, concatBytes(pieces).slice(0, 50_000))).toBe(true);
  expect(bytesEqual(system.read('/data/t/b')!, concatBytes(pieces).slice(65_536, 105_536))).toBe(true);
  const targets = [new Uint8Array(10_000), new Uint8Array(5_000)];
  expect(run<WriteOutcome>((onDone) => storage.read(3, 100, targets, onDone)).error).toBeUndefined();
  expect(concatBytes(targets)).toEqual(pieces[3]!.slice(100, 15_100));
  for (const index of [0, 1, 2, 3]) {
    expect(run<PieceOutcome>((onDone) => storage.hashPiece(index, expected(index), onDone)).matched).toBe(true);
  }
});

test('a file that becomes wanted gets its share from the part file', () => {
  const { storage, system, pieces, expected, run } = build();
  run<PieceOutcome>((onDone) => storage.writePiece(3, pieces[3]!, expected(3), onDone));
  expect(run<WriteOutcome>((onDone) => storage.setWanted([true, true, true, true], onDone)).error).toBeUndefined();
  expect(bytesEqual(system.read('/data/t/c')!, concatBytes(pieces).slice(105_536))).toBe(true);
  expect(system.paths()).not.toContain('/data/.ab.part');
  expect(run<PieceOutcome>((onDone) => storage.hashPiece(3, expected(3), onDone)).matched).toBe(true);
});

test('missing bytes: no match, no error when hashing, DISK_NOT_FOUND when reading', () => {
  const { storage, system, pieces, expected, run } = build();
  expect(run<PieceOutcome>((onDone) => storage.hashPiece(0, expected(0), onDone))).toEqual({ matched: false });
  run<PieceOutcome>((onDone) => storage.writePiece(0, pieces[0]!, expected(0), onDone));
  system.file('/data/t/a')!.truncate(32_000);
  expect(run<PieceOutcome>((onDone) => storage.hashPiece(0, expected(0), onDone))).toEqual({ matched: false });
  const outcome = run<WriteOutcome>((onDone) => storage.read(0, 32_000, [new Uint8Array(10)], onDone));
  expect(outcome.error?.code).toBe('DISK_NOT_FOUND');
});

test('a full disk refuses the write, and takes it once there is room', () => {
  const { storage, system, pieces, expected, run } = build();
  system.capacityBytes = 40_000;
  run<PieceOutcome>((onDone) => storage.writePiece(0, pieces[0]!, expected(0), onDone));
  const full = run<PieceOutcome>((onDone) => storage.writePiece(1, pieces[1]!, expected(1), onDone));
  expect(full.error?.code).toBe('DISK_FULL');
  system.capacityBytes = 60_000;
  const taken = run<PieceOutcome>((onDone) => storage.writePiece(1, pieces[1]!, expected(1), onDone));
  expect(taken).toEqual({ matched: true });
});

test('writes take their time on each thread, and their bytes are counted meanwhile', () => {
  const { clock, disk, storage, pieces, expected } = build({
    writeBytesPerSecond: 32_768,
    hashBytesPerSecond: Infinity,
    seekMs: 0,
    threadCount: 1,
  });
  const doneAtMs: number[] = [];
  for (const index of [0, 2, 3]) {
    storage.writePiece(index, pieces[index]!, expected(index), () => doneAtMs.push(clock.nowMs));
  }
  expect(disk.pendingWriteBytes).toBe(2 * PIECE_BYTES + pieces[3]!.length);
  clock.advanceTo(1_500);
  expect(disk.pendingWriteBytes).toBe(PIECE_BYTES + pieces[3]!.length);
  disk.faults.slowness = Infinity;
  clock.advanceTo(60_000);
  expect(doneAtMs).toEqual([1_000, 2_000]);
  disk.faults.slowness = 1;
  clock.advanceTo(120_000);
  expect(doneAtMs).toHaveLength(3);
  expect(disk.pendingWriteBytes).toBe(0);
});

test('closing finishes what is queued and answers everything after it with DISK_CLOSED', () => {
  const { clock, disk, storage, pieces, expected } = build();
  const events: string[] = [];
  storage.writePiece(0, pieces[0]!, expected(0), ({ matched }) => events.push(`written ${matched}`));
  storage.close(() => events.push('closed'));
  storage.writePiece(1, pieces[1]!, expected(1), ({ error }) => events.push(`write ${error?.code}`));
  storage.flush(({ error }) => events.push(`flush ${error?.code}`));
  storage.close(() => events.push('closed again'));
  disk.close(() => events.push('disk closed'));
  clock.advanceTo(1_000);
  expect(events).toEqual([
    'write DISK_CLOSED',
    'flush DISK_CLOSED',
    'closed again',
    'written true',
    'closed',
    'disk closed',
  ]);
});

test('a slab that is changed before the answer fails its hash', () => {
  const { storage, pieces, expected, run } = build();
  const outcome = run<PieceOutcome>((onDone) => {
    const data = pieces[0]!.slice();
    storage.writePiece(0, data, expected(0), onDone);
    data[5]! ^= 1;
  });
  expect(outcome.matched).toBe(false);
});

test('faults: failing reads and writes, wrong bytes, a process that ends', () => {
  const { clock, disk, storage, system, pieces, expected, run } = build();
  disk.faults.write = () => 'DISK_READ_ONLY';
  const write = run<PieceOutcome>((onDone) => storage.writePiece(0, pieces[0]!, expected(0), onDone));
  expect(write.error?.code).toBe('DISK_READ_ONLY');
  disk.faults.write = undefined;
  run<PieceOutcome>((onDone) => storage.writePiece(0, pieces[0]!, expected(0), onDone));
  disk.faults.read = () => 'DISK_IO';
  const target = new Uint8Array(10);
  expect(run<WriteOutcome>((onDone) => storage.read(0, 0, [target], onDone)).error?.code).toBe('DISK_IO');
  disk.faults.read = undefined;
  disk.faults.corrupt = () => true;
  run<WriteOutcome>((onDone) => storage.read(0, 0, [target], onDone));
  expect(target[0]).toBe(pieces[0]![0]! ^ 1);
  let isAnswered = false;
  storage.writePiece(2, pieces[2]!, expected(2), () => (isAnswered = true));
  disk.halt();
  clock.advanceBy(60_000);
  expect(isAnswered).toBe(false);
  expect(system.file('/data/t/b')).toBeUndefined();
});

describeDisk('SimDisk', () => {
  const clock = new VirtualClock();
  return {
    disk: new SimDisk(clock, crypto, new SimFileSystem()),
    rootPath: '/save/root',
    drive: () => clock.step(),
    dispose: () => {},
  };
});
